//! Values of options, checked where they are typed.

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

/// A share of 0 to 100.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    match text.strip_suffix('%').unwrap_or(text).parse() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("expected a number from 0 to 100".into()),
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
