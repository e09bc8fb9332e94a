//! `hprof suggest`: the functions worth an annotation, as the native stacks of a profile show.

use std::fs;
use std::io::Write;
use std::path::Path;

use hprof_reports::write_suggestions;

use super::show::load;
use crate::args::SuggestArgs;
use crate::output::Report;

/// `hprof suggest`.
pub(crate) fn suggest(args: &SuggestArgs) -> anyhow::Result<u8> {
    let profile = load(&args.profile)?.profile;
    let report = Report::file_or_stdout(Path::new("-"))?;
    report.write(false, |_, out: &mut dyn Write| {
        Ok(write_suggestions(&profile, args.top, &definition, out)?)
    })?;
    Ok(0)
}

/// The line of the `fn` of a function that has code on line `hot`, if the source is there and says so.
fn definition(file: &str, function: &str, hot: u32) -> Option<u32> {
    let text = fs::read_to_string(file).ok()?;
    find(&text, function, usize::try_from(hot).ok()?)
}

fn find(text: &str, function: &str, hot: usize) -> Option<u32> {
    // `<impl a::B for C>::name::<u8>`: the last word before a type.
    let path = function.split("::<").next().unwrap_or(function);
    let name = path.rsplit("::").next()?.trim_end_matches('>');
    let defines = |line: &&str| {
        let after = line
            .split_once(&format!("fn {name}"))
            .map(|(_, after)| after);
        after.is_some_and(|after| after.starts_with(['(', '<']))
    };
    let lines: Vec<&str> = text.lines().take(hot).collect();
    let index = lines.iter().rposition(defines)?;
    u32::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_above_the_hot_line_is_found() {
        let text = "fn sum<T>() {\n    1\n}\nfn sum_all() {\n    sum()\n}\nfn sum() {}\n";
        assert_eq!(find(text, "krate::sum", 2), Some(1));
        assert_eq!(find(text, "krate::sum_all", 5), Some(4));
        assert_eq!(find(text, "<krate::A as krate::B>::sum::<u8>", 5), Some(1));
        assert_eq!(find(text, "krate::other", 5), None);
        assert_eq!(find(text, "krate::sum_all", 2), None);
    }
}
