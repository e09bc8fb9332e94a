//! Names of functions as symbols have them, without what a report does not show.

/// A function's path without its type arguments, and that of the function around a closure.
pub(super) fn plain_name(function: &str) -> &str {
    let closure = function
        .find("::{{closure}}")
        .or(function.find("::{closure"));
    let function = closure.map_or(function, |end| &function[..end]);
    if !function.ends_with('>') {
        return function;
    }
    let mut depth = 0_u32;
    // The arrow of a function's type closes nothing.
    let mut before = ' ';
    let mut open = None;
    for (at, sign) in function.char_indices() {
        match sign {
            '<' => {
                if depth == 0 {
                    open = Some(at);
                }
                depth += 1;
            }
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = sign;
    }
    match open {
        Some(at) if at > 0 => function[..at].trim_end_matches("::"),
        _ => function,
    }
}

/// The name alone: `advance` of `<Field<f64> as Step>::advance::<3>`.
pub(super) fn last_name(function: &str) -> &str {
    plain_name(function).rsplit("::").next().unwrap_or(function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_type_arguments_and_closures() {
        for (name, plain, last) in [
            ("naive", "naive", "naive"),
            ("hit<10>", "hit", "hit"),
            ("map<fn(&u32) -> bool, Vec<u8>>", "map", "map"),
            ("a::b::sum::<u8>", "a::b::sum", "sum"),
            (
                "<a::F<u8> as a::S>::step",
                "<a::F<u8> as a::S>::step",
                "step",
            ),
            ("<a::F as a::S>::step<3>", "<a::F as a::S>::step", "step"),
            ("a::parse::{{closure}}", "a::parse", "parse"),
            ("a::parse::{closure#0}::{closure#1}", "a::parse", "parse"),
            ("{closure#0}<u8>", "{closure#0}", "{closure#0}"),
        ] {
            assert_eq!(plain_name(name), plain);
            assert_eq!(last_name(name), last);
        }
    }
}
