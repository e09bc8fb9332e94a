//! What is said of the ranks of a parallel job: which are missing from a profile, and which did not end well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hprof::model::{End, Profile};

use crate::launch::RankNote;
use crate::mpi_library::MpiKind;
use crate::output;

/// Ranks that a message names.
const NAMED: usize = 8;

/// Says which ranks are missing, and how those ended that failed, as far as their launchers noted it.
pub(crate) fn tell(profile: &Profile, notes: &[RankNote]) {
    let sentences = missing(profile, notes).into_iter().chain(failed(notes));
    for sentence in sentences.chain(disagreement(profile, notes)) {
        output::say(sentence);
    }
}

/// Whether the launcher is of another kind than the library of the program: then it says how many ranks there are, and MPI says one to each of them.
fn disagreement(profile: &Profile, notes: &[RankNote]) -> Option<String> {
    let note = notes
        .iter()
        .find(|note| note.ranks.is_some_and(|ranks| ranks > 1))?;
    let launcher = note.started_by?;
    let first = profile
        .processes
        .iter()
        .find(|process| process.rank.is_some())?;
    let library = MpiKind::of_program(Path::new(&first.exe))?;
    (launcher != library).then(|| {
        format!(
            "the launcher says {} ranks, but it is of {} and the program is linked with {}, which then takes each process for a job of one rank: start it with the launcher of {}",
            note.ranks.unwrap_or_default(),
            launcher.name(),
            library.name(),
            library.name()
        )
    })
}

fn missing(profile: &Profile, notes: &[RankNote]) -> Option<String> {
    let processes = &profile.processes;
    let present: BTreeSet<u32> = processes
        .iter()
        .filter_map(|process| process.rank)
        .collect();
    let sizes = processes.iter().filter_map(|process| process.ranks);
    let size = sizes
        .chain(notes.iter().filter_map(|note| note.ranks))
        .max()?;
    let wrote = present.range(..size).count();
    let count = usize::try_from(size).ok()?.checked_sub(wrote)?;
    if count == 0 || (present.is_empty() && notes.is_empty()) {
        return None;
    }
    let missing = (0..size).filter(|rank| !present.contains(rank));
    let (ranks, is) = named(missing, count);
    Some(format!(
        "{wrote} of {size} ranks wrote; {ranks} {is} missing"
    ))
}

fn failed(notes: &[RankNote]) -> Vec<String> {
    let mut ends: BTreeMap<(bool, i32), Vec<u32>> = BTreeMap::new();
    for note in notes {
        let (Some(rank), Some(ended)) = (note.rank, &note.ended) else {
            continue;
        };
        match ended.end() {
            End::Code(0) => {}
            End::Code(code) => ends.entry((false, code)).or_default().push(rank),
            End::Signal(signal) => ends.entry((true, signal)).or_default().push(rank),
        }
    }
    let sentence = |((by_signal, number), ranks): ((bool, i32), Vec<u32>)| {
        let (subject, is) = named(ranks.iter().copied(), ranks.len());
        if by_signal {
            let was = if is == "is" { "was" } else { "were" };
            format!("{subject} {was} ended by signal {number}: the figures are those until then")
        } else {
            format!("{subject} ended with exit code {number}")
        }
    };
    ends.into_iter().map(sentence).collect()
}

/// The first of so many ranks, and the verb that follows.
pub(crate) fn named(ranks: impl Iterator<Item = u32>, count: usize) -> (String, &'static str) {
    let named: Vec<_> = ranks.take(NAMED).map(|rank| rank.to_string()).collect();
    let more = match count.saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (noun, is) = if count == 1 {
        ("rank", "is")
    } else {
        ("ranks", "are")
    };
    (format!("{noun} {}{more}", named.join(", ")), is)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::LaunchEnd;

    fn note(rank: u32, code: Option<i32>, signal: Option<i32>) -> RankNote {
        RankNote {
            rank: Some(rank),
            ranks: Some(4),
            host: "node".into(),
            launcher: 100 + rank,
            started_by: None,
            ended: Some(LaunchEnd {
                wall_ns: 1,
                cpu_ns: 1,
                user: None,
                code,
                signal,
            }),
        }
    }

    #[test]
    fn ranks_that_wrote_nothing_are_named() {
        let nothing = Profile::default();
        assert_eq!(missing(&nothing, &[]), None);
        let notes = [note(0, Some(0), None)];
        let said = missing(&nothing, &notes).unwrap();
        assert_eq!(said, "0 of 4 ranks wrote; ranks 0, 1, 2, 3 are missing");
    }

    #[test]
    fn a_number_of_ranks_that_nobody_has_takes_no_time() {
        let notes = [RankNote {
            ranks: Some(u32::MAX),
            ..note(0, Some(0), None)
        }];
        let said = missing(&Profile::default(), &notes).unwrap();
        assert!(
            said.ends_with("5, 6, 7 and 4294967287 more are missing"),
            "{said}"
        );
    }

    #[test]
    fn ranks_that_failed_stand_together() {
        let notes = [
            note(0, Some(0), None),
            note(1, None, Some(9)),
            note(2, Some(3), None),
            note(3, Some(3), None),
        ];
        assert_eq!(
            failed(&notes),
            [
                "ranks 2, 3 ended with exit code 3",
                "rank 1 was ended by signal 9: the figures are those until then"
            ]
        );
    }
}
