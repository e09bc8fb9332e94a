//! Live bytes: blocks that were allocated and not freed, by the line that allocated them.

/// Bytes of a line's blocks that are not freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineLive {
    /// At the end of the recording.
    pub live_bytes: u64,
    /// When the heap of the process was at its peak.
    pub peak_bytes: u64,
    /// Variance of `live_bytes` in square bytes: 0 if all blocks were counted, and next to 0 for large ones.
    pub live_variance: u64,
    /// Variance of `peak_bytes`, likewise.
    pub peak_variance: u64,
}

impl LineLive {
    /// Adds those of the same line from another context, thread or process. The peaks of several processes need not be at the same time.
    ///
    /// ```
    /// use hprof::model::LineLive;
    /// let mut sum = LineLive { live_bytes: 5, ..LineLive::default() };
    /// sum.add(&LineLive { live_bytes: 7, ..LineLive::default() });
    /// assert_eq!(sum.live_bytes, 12);
    /// ```
    pub fn add(&mut self, other: &Self) {
        self.live_bytes = self.live_bytes.saturating_add(other.live_bytes);
        self.peak_bytes = self.peak_bytes.saturating_add(other.peak_bytes);
        self.live_variance = self.live_variance.saturating_add(other.live_variance);
        self.peak_variance = self.peak_variance.saturating_add(other.peak_variance);
    }
}

/// How live blocks were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveCount {
    /// Every block.
    Exact,
    /// Some blocks, which stand for others too: one for each `gap` bytes allocated, in the mean, or more.
    Sampled {
        /// Bytes.
        gap: u64,
    },
}

/// The live blocks of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveHeap {
    /// How they were counted.
    pub count: LiveCount,
    /// Bytes that the counted blocks stand for at the end.
    pub live_bytes: u64,
    /// The highest value of that: the moment of [`LineLive::peak_bytes`].
    pub peak_bytes: u64,
    /// The part that was allocated on no recorded line: by threads that entered no instrumented function, and before the first.
    pub elsewhere: LineLive,
    /// Blocks that found no room in the recorder's table, and are not in these figures.
    pub lost_blocks: u64,
    /// Bytes of those.
    pub lost_bytes: u64,
}

impl LiveHeap {
    /// Whether every block is in these figures.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.count == LiveCount::Exact && self.lost_blocks == 0
    }
}
