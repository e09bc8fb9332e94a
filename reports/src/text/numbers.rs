//! Figures as text: units, significant digits, separators.

/// The unit of times in a table.
///
/// ```
/// use hprof_reports::Unit;
/// assert_eq!(Unit::default(), Unit::Auto);
/// let microseconds = Unit::Seconds(1e-6);
/// assert_ne!(microseconds, Unit::Auto);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Unit {
    /// Each cell takes the unit that suits it and names it: `1.24 s`, `312 us`, `8.1 ns`.
    #[default]
    Auto,
    /// All cells are plain numbers in a unit of so many seconds.
    Seconds(f64),
}

impl Unit {
    /// A time in nanoseconds; plain numbers have so many decimals, and those that would not fit the width three significant digits.
    pub(crate) fn time(self, nanos: f64, decimals: usize, width: usize) -> String {
        match self {
            Self::Auto => scaled_time(nanos),
            Self::Seconds(unit) => {
                let value = nanos / 1e9 / unit;
                let plain = format!("{value:.decimals$}");
                if plain.len() > width {
                    general(value, 3)
                } else {
                    plain
                }
            }
        }
    }
}

/// What stands before the most that a figure can be, where no more is known.
pub(crate) const AT_MOST: &str = "<=";

/// A share in percent, or the most that it can be where no more is known.
pub(crate) fn percentage(percent: Option<f64>, at_most: Option<f64>) -> String {
    let text = |percent: f64| format!("{percent:.1}");
    match (percent, at_most.map(text)) {
        (_, Some(at_most)) if at_most != "0.0" => format!("{AT_MOST} {at_most}"),
        (Some(percent), _) => text(percent),
        (None, _) => String::new(),
    }
}

/// Entries of a loop, and the turns of each in the mean: `500 x 81`.
pub(crate) fn trips(entries: u64, turns: u64) -> String {
    let each = turns as f64 / entries.max(1) as f64;
    if turns.is_multiple_of(entries.max(1)) {
        format!("{entries} x {each}")
    } else {
        format!("{entries} x {each:.1}")
    }
}

/// A time in nanoseconds, in the unit that suits it, with three significant digits.
pub(crate) fn scaled_time(nanos: f64) -> String {
    if nanos < 999.5 {
        return format!("{} ns", below_thousand_nanos(nanos));
    }
    let (value, unit) = in_unit(nanos);
    format!("{} {unit}", three_digits(value))
}

/// An estimated time, with two significant digits.
pub(crate) fn rough_time(nanos: f64) -> String {
    let (value, unit) = in_unit(two_significant(nanos));
    format!("{} {unit}", two_digits(value))
}

/// A number that is no more exact than its two first digits.
fn two_significant(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let step = 10_f64.powf(value.log10().floor() - 1.0);
    (value / step).round() * step
}

/// A number of two significant digits.
fn two_digits(value: f64) -> String {
    if value < 0.95 {
        without_zeros(&format!("{value:.2}"))
    } else if value < 9.95 {
        without_zeros(&format!("{value:.1}"))
    } else {
        format!("{value:.0}")
    }
}

fn in_unit(nanos: f64) -> (f64, &'static str) {
    if nanos < 999.5 {
        (nanos, "ns")
    } else if nanos < 999.5e3 {
        (nanos / 1e3, "us")
    } else if nanos < 999.5e6 {
        (nanos / 1e6, "ms")
    } else {
        (nanos / 1e9, "s")
    }
}

/// Whole nanoseconds as they are, fractions with a single decimal: the clock knows no more.
fn below_thousand_nanos(nanos: f64) -> String {
    if nanos >= 99.95 || nanos.fract() == 0.0 {
        format!("{nanos:.0}")
    } else if nanos >= 0.95 {
        format!("{nanos:.1}")
    } else if nanos >= 0.005 {
        format!("{nanos:.2}")
    } else {
        "<0.01".into()
    }
}

fn three_digits(value: f64) -> String {
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// A number of bytes in the binary unit that suits it, with three significant digits.
pub(crate) fn scaled_bytes(bytes: u64) -> String {
    bytes_with(bytes, three_digits)
}

/// A number of bytes of which not much is known, with two significant digits.
pub(crate) fn rough_bytes(bytes: u64) -> String {
    bytes_with(bytes, |value| two_digits(two_significant(value)))
}

fn bytes_with(bytes: u64, digits: fn(f64) -> String) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = "KiB";
    for next in ["MiB", "GiB", "TiB", "PiB", "EiB"] {
        if value < 999.5 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{} {unit}", digits(value))
}

/// A number with so many significant digits, without trailing zeros, with an exponent where it is very small or large:
/// what C prints for `%.{digits}g`.
pub(crate) fn general(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let digits = digits.max(1);
    let scientific = format!("{value:.*e}", digits - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    match usize::try_from(exponent) {
        Ok(places) if places < digits => without_zeros(&format!("{value:.*}", digits - 1 - places)),
        Err(_) if exponent >= -4 => {
            let decimals = digits - 1 + exponent.unsigned_abs() as usize;
            without_zeros(&format!("{value:.decimals$}"))
        }
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            let size = exponent.unsigned_abs();
            format!("{}e{sign}{size:02}", without_zeros(mantissa))
        }
    }
}

fn without_zeros(number: &str) -> String {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        number.into()
    }
}

/// A count with a comma after each three digits.
#[must_use]
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and its noun: `1 thread`, `2 threads`.
#[must_use]
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        thousands(count),
        if count == 1 { one } else { many }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_take_three_digits_and_their_unit() {
        let shown: Vec<String> = [
            0.0, 1e-9, 0.03, 0.951, 8.0, 8.1, 24.84, 312.4, 999.4, 999.5, 1240.0, 99_950.0,
            999_499.0, 999_500.0, 1.24e9, 12_345e9,
        ]
        .into_iter()
        .map(scaled_time)
        .collect();
        assert_eq!(
            shown,
            [
                "0 ns", "<0.01 ns", "0.03 ns", "1.0 ns", "8 ns", "8.1 ns", "24.8 ns", "312 ns",
                "999 ns", "1.00 us", "1.24 us", "100 us", "999 us", "1.00 ms", "1.24 s", "12345 s"
            ]
        );
    }

    #[test]
    fn estimates_take_two_digits() {
        let shown = [0.0, 9.4, 12_400.0, 9_300_000.0, 12e9].map(rough_time);
        assert_eq!(shown, ["0 ns", "9.4 ns", "12 us", "9.3 ms", "12 s"]);
    }

    #[test]
    fn plain_units_keep_one_decimal_until_the_column_is_full() {
        let micro = Unit::Seconds(1e-6);
        assert_eq!(micro.time(28_330_100.0, 1, 12), "28330.1");
        assert_eq!(micro.time(1_300_000_000.0, 1, 8), "1.3e+06");
    }

    #[test]
    fn bytes_take_binary_units() {
        let shown: Vec<String> = [0, 999, 1000, 1024, 33_554_432, u64::MAX]
            .into_iter()
            .map(scaled_bytes)
            .collect();
        assert_eq!(
            shown,
            [
                "0 B", "999 B", "0.98 KiB", "1.00 KiB", "32.0 MiB", "16.0 EiB"
            ]
        );
    }

    #[test]
    fn general_numbers_are_those_of_c() {
        let shown: Vec<String> = [
            0.039_878_9,
            2.0,
            1e-6,
            0.0001,
            0.000_099_999_99,
            123_456_789.0,
            0.0,
            999_999.96,
        ]
        .into_iter()
        .map(|value| general(value, 6))
        .collect();
        assert_eq!(
            shown,
            [
                "0.0398789",
                "2",
                "1e-06",
                "0.0001",
                "0.0001",
                "1.23457e+08",
                "0",
                "1e+06"
            ]
        );
        assert_eq!(general(1_300_000.0, 3), "1.3e+06");
    }

    #[test]
    fn counts_have_separators_and_nouns() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(48_123), "48,123");
        assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(counted(1, "process", "processes"), "1 process");
        assert_eq!(counted(0, "process", "processes"), "0 processes");
    }
}
