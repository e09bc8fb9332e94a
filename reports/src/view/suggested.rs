//! The functions of a profile with lines that make nearly all of its time, and the pattern of `--functions` that chooses such functions.

use hprof::model::{FunctionCost, Nanos, Profile};

use super::function_name::last_name;
use super::line::heaviest;
use super::native::FindFunction;
use super::sums::percent;

/// A measured function that is worth to be measured alone.
#[derive(Debug)]
pub(crate) struct Heavy<'a> {
    /// Name, with its type where the source tells it.
    pub(crate) name: String,
    pub(crate) file: &'a str,
    pub(crate) line: u32,
    pub(crate) calls: u64,
    /// Of the time in measured functions.
    pub(crate) percent: Option<f64>,
}

/// The functions that make nearly all of the own time, the heaviest first.
pub(crate) fn heavy<'a>(
    profile: &'a Profile,
    costs: &[FunctionCost],
    find: &FindFunction<'_>,
) -> Vec<Heavy<'a>> {
    let all: Nanos = costs.iter().map(|cost| cost.self_time).sum();
    let costs: Vec<&FunctionCost> = costs.iter().collect();
    let mut kept = heaviest(&costs);
    kept.sort_by_key(|&at| std::cmp::Reverse(costs[at].self_time));
    let function = |at: usize| {
        let cost = costs[at];
        let function = profile.functions.get(cost.function.0 as usize)?;
        let found = find(&function.file, function.end_line);
        Some(Heavy {
            name: found.map_or_else(|| function.name.clone(), |found| found.name),
            file: &function.file,
            line: function.line,
            calls: cost.calls,
            percent: percent(cost.self_time, all),
        })
    };
    kept.into_iter().filter_map(function).collect()
}

/// The pattern that chooses functions of these names, each once; `None` if none can be written so.
pub(crate) fn pattern<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for name in names {
        let name = name.trim_end_matches("::{{closure}}");
        let is_plain = |name: &str| {
            let is_part = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == ':';
            !name.is_empty() && name.chars().all(is_part)
        };
        let name = if is_plain(name) {
            name
        } else {
            last_name(name)
        };
        if is_plain(name) && !parts.contains(&name) {
            parts.push(name);
        }
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_holds_names_alone() {
        let names = [
            "Grid::step",
            "parse::{{closure}}",
            "<Field<f64> as Step>::advance::<3>",
            "parse",
            "{{closure}}",
        ];
        let pattern = pattern(names.into_iter());
        assert_eq!(pattern.as_deref(), Some("Grid::step,parse,advance"));
    }
}
