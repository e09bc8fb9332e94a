//! A small generator of repeatable random numbers: a counter with large steps, its bits mixed (SplitMix64).
//!
//! Good enough for test input, not for secrets.

/// The generator; equal seeds give equal numbers.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Starts at a seed, any number.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 random bits.
    pub const fn next_bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// The next number, evenly spread over 0 (included) to 1 (excluded).
    ///
    /// ```
    /// let mut random = sample_workloads::random::Random::new(7);
    /// let sum: f64 = (0..10_000).map(|_| random.next_unit()).sum();
    /// assert!((sum / 10_000.0 - 0.5).abs() < 0.01);
    /// ```
    pub const fn next_unit(&mut self) -> f64 {
        // 53 bits: all that a float holds exactly.
        (self.next_bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The outputs that other implementations of SplitMix64 give for this seed.
    #[test]
    fn the_generator_is_splitmix64() {
        let mut random = Random::new(1_234_567);
        let found = [(); 3].map(|()| random.next_bits());
        assert_eq!(
            found,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }
}
