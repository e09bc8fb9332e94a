//! The verdict on limits of allocations that the source sets, in a few lines of text.

use std::fmt::Write as _;

use hprof::model::Profile;

use crate::text::markdown::short;
use crate::text::numbers::{counted, scaled_bytes, thousands};
use crate::view::{AllocLimit, AllocLine, alloc_limits};

/// Lines of code that are listed for each limit.
const LINES: usize = 10;

/// What came of all limits of a profile.
///
/// ```
/// let profile = hprof::model::Profile::default();
/// assert!(hprof_reports::AllocVerdict::of(&profile).is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocVerdict {
    /// A message for the verdict, and one for each limit that is not kept.
    pub messages: Vec<String>,
    /// Whether a limit is broken.
    pub is_broken: bool,
}

impl AllocVerdict {
    /// Judges `assert_allocs!` and `#[profile(max_allocs = N)]`; `None` if nothing that was entered has such a limit.
    #[must_use]
    pub fn of(profile: &Profile) -> Option<Self> {
        let limits = alloc_limits(profile);
        if limits.is_empty() {
            return None;
        }
        let broken: Vec<&AllocLimit<'_>> = limits.iter().filter(|one| one.is_broken()).collect();
        let unjudged = |one: &&AllocLimit<'_>| !one.is_broken() && one.not_judged.is_some();
        let unjudged: Vec<&AllocLimit<'_>> = limits.iter().filter(unjudged).collect();
        let kept = limits.len() - broken.len() - unjudged.len();
        let count = |count: usize, word: &str| {
            let is = counted(
                count as u64,
                "limit of allocations is",
                "limits of allocations are",
            );
            (count > 0).then(|| format!("{is} {word}"))
        };
        let parts = [
            count(broken.len(), "broken"),
            count(kept, "kept"),
            count(unjudged.len(), "not judged"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let mut messages = vec![parts.join(", ")];
        messages.extend(broken.iter().map(|limit| in_words(limit)));
        messages.extend(unjudged.iter().map(|limit| {
            let why = limit.not_judged.unwrap_or_default();
            format!("{}: not judged: {why}", place(limit))
        }));
        Some(Self {
            messages,
            is_broken: !broken.is_empty(),
        })
    }
}

/// `src/parse.rs:12: tests::parses: 3 allocations in 1 call, 0 allowed`, and the lines that made them.
fn in_words(limit: &AllocLimit<'_>) -> String {
    let mut text = format!(
        "{}: {} in {}, {} allowed",
        place(limit),
        counted(limit.found, "allocation", "allocations"),
        counted(limit.calls, "call", "calls"),
        thousands(limit.allowed())
    );
    for line in limit.lines.iter().take(LINES) {
        // Writing to a string does not fail.
        let _ = write!(text, "\n    {}", line_in_words(line));
    }
    let more = limit.lines.len().saturating_sub(LINES);
    if more > 0 {
        let lines = counted(more as u64, "more line allocates", "more lines allocate");
        let _ = write!(
            text,
            "\n    {lines}: hprof show --alloc --top all shows all"
        );
    }
    text
}

fn place(limit: &AllocLimit<'_>) -> String {
    let function = limit.function;
    format!(
        "{}:{}: {}::{}",
        function.file, function.line, function.module, function.name
    )
}

fn line_in_words(line: &AllocLine<'_>) -> String {
    let function = line.function;
    let at = line.line.checked_sub(function.line);
    let code = at.and_then(|at| function.source.get(at as usize));
    format!(
        "{}:{}: {}, {}: {}",
        function.file,
        line.line,
        counted(line.allocs, "allocation", "allocations"),
        scaled_bytes(line.bytes),
        short(code.map_or("", |code| code.trim()))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn broken_limits_name_the_lines_that_allocated() {
        let mut profile = fixture::diffusion();
        profile.functions[0].max_allocs = Some(10);
        profile.functions[2].max_allocs = Some(0);
        let verdict = AllocVerdict::of(&profile).unwrap();
        assert!(verdict.is_broken);
        assert_eq!(
            verdict.messages,
            [
                "1 limit of allocations is broken, 1 limit of allocations is kept",
                "src/solver.rs:1: diffusion::solver::main: 82 allocations in 1 call, 10 allowed\n    \
                 src/solver.rs:3: 82 allocations, 52.5 KiB: let field = Field::new(80); // 80 x 80"
            ]
        );
        profile.functions[0].max_allocs = Some(82);
        profile.processes[0].losses.lost_calls = 1;
        let verdict = AllocVerdict::of(&profile).unwrap();
        assert!(!verdict.is_broken);
        assert_eq!(
            verdict.messages[0],
            "2 limits of allocations are not judged"
        );
        assert!(
            verdict.messages[1].ends_with("for want of room"),
            "{verdict:?}"
        );
    }
}
