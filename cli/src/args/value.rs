//! Values of options, checked where they are typed.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use hprof::model::Nanos;

/// Checks a size in bytes with an optional `K`, `M` or `G`, as the recorder takes it.
pub(super) fn size(text: &str) -> Result<String, String> {
    let digits = text
        .strip_suffix(['K', 'M', 'G', 'k', 'm', 'g'])
        .unwrap_or(text);
    match digits.parse::<u32>() {
        Ok(1..) => Ok(text.to_ascii_uppercase()),
        _ => Err("expected a number of bytes with an optional K, M or G, such as 256M".into()),
    }
}

/// Seconds in a unit of time.
pub(super) fn unit(text: &str) -> Result<f64, String> {
    match text {
        "ns" => Ok(1e-9),
        "us" | "µs" => Ok(1e-6),
        "ms" => Ok(1e-3),
        "s" => Ok(1.0),
        _ => match text.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() && seconds > 0.0 => Ok(seconds),
            _ => Err("expected ns, us, ms, s or a number of seconds such as 1e-3".into()),
        },
    }
}

/// A time with its unit, such as `10ms`.
pub(crate) fn duration(text: &str) -> Result<Nanos, String> {
    let end = text.find(|letter: char| letter.is_ascii_alphabetic() || letter == 'µ');
    let parts = end.map(|end| text.split_at(end));
    let time = parts.and_then(|(number, unit_name)| {
        let number: f64 = number.trim().parse().ok()?;
        let seconds = number * unit(unit_name.trim()).ok()?;
        (0.0..1e9).contains(&seconds).then_some(seconds)
    });
    let expected = || "expected a number with ns, us, ms or s, such as 10ms".to_owned();
    let time = Duration::try_from_secs_f64(time.ok_or_else(expected)?).map_err(|_| expected())?;
    u64::try_from(time.as_nanos())
        .map(Nanos)
        .map_err(|_| expected())
}

/// A number of pairs of runs.
pub(super) fn runs(text: &str) -> Result<usize, String> {
    let most = hprof_reports::MOST_RUNS;
    match text.parse() {
        Ok(runs) if (1..=most).contains(&runs) => Ok(runs),
        _ => Err(format!("expected a number from 1 to {most}")),
    }
}

/// A number of tokens.
pub(super) fn tokens(text: &str) -> Result<usize, String> {
    let least = hprof_reports::LEAST_BUDGET;
    match text.parse() {
        Ok(tokens) if tokens >= least => Ok(tokens),
        _ => Err(format!("expected a number of tokens, {least} at least")),
    }
}

/// A share of 0 to 100.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    match text.strip_suffix('%').unwrap_or(text).parse() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("expected a number from 0 to 100".into()),
    }
}

/// What follows `--top`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Top {
    /// Everything.
    All,
    /// So many.
    Some(usize),
}

impl FromStr for Top {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(count) => Ok(Self::Some(count)),
            Err(_) if text == "all" => Ok(Self::All),
            Err(_) => Err("expected a number, or all".into()),
        }
    }
}

impl Top {
    /// The number, if there is a limit.
    pub(crate) const fn limit(self) -> Option<usize> {
        match self {
            Self::All => None,
            Self::Some(count) => Some(count),
        }
    }
}

/// What follows `--ranks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ranks {
    /// Nothing: all of them.
    All,
    /// A list of ranks.
    These(Vec<RangeInclusive<u32>>),
    /// Something else, such as the profile that stands behind an option without a value.
    NoList(OsString),
}

impl From<OsString> for Ranks {
    fn from(text: OsString) -> Self {
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first <= last).then_some(first..=last)
        };
        if text.is_empty() {
            return Self::All;
        }
        let ranges = text
            .to_str()
            .and_then(|text| text.split(',').map(range).collect());
        ranges.map_or(Self::NoList(text), Self::These)
    }
}

impl Ranks {
    /// Whether a rank is meant.
    pub(crate) fn contain(&self, rank: u32) -> bool {
        match self {
            Self::These(ranges) => ranges.iter().any(|range| range.contains(&rank)),
            Self::All | Self::NoList(_) => true,
        }
    }
}

/// A command in one argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words(pub(super) Vec<String>);

/// The words of a command, quoted as for a shell.
pub(super) fn words(text: &str) -> Result<Words, String> {
    match shlex::split(text) {
        Some(words) if !words.is_empty() => Ok(Words(words)),
        Some(_) => Err("expected a command, such as 'mpirun -n 4'".into()),
        None => Err("a quotation mark has no partner".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_numbers_and_ranges() {
        let ranks = |text: &str| Ranks::from(OsString::from(text));
        assert_eq!(ranks(""), Ranks::All);
        assert_eq!(
            ranks("0, 7,100-120"),
            Ranks::These(vec![0..=0, 7..=7, 100..=120])
        );
        assert!(ranks("5-7").contain(6) && !ranks("5-7").contain(8) && ranks("").contain(8));
        for text in ["all.pb.gz", "7-5", "1,", "-3", "1-2-3", "4294967296"] {
            assert_eq!(ranks(text), Ranks::NoList(text.into()));
        }
    }

    #[test]
    fn commands_are_split_as_a_shell_does() {
        let split = |text| words(text).map(|words| words.0);
        assert_eq!(
            split("mpirun -n 4 -x 'A=b c'"),
            Ok(["mpirun", "-n", "4", "-x", "A=b c"]
                .map(String::from)
                .to_vec())
        );
        assert!(split("").is_err() && split("  ").is_err() && split("mpirun 'x").is_err());
    }

    #[test]
    fn units_and_sizes_are_checked() {
        assert_eq!(unit("us"), Ok(1e-6));
        assert!(unit("0").is_err() && unit("minutes").is_err() && unit("nan").is_err());
        assert_eq!(size("64m").as_deref(), Ok("64M"));
        assert!(
            size("0").is_err() && size("M").is_err() && size("1T").is_err() && size("-1").is_err()
        );
    }
}
