//! What holds of every profile. The writer refuses one that breaks it, and so does the reader: what was saved can be read.

use super::error::Damage;
use crate::model::{Durations, FunctionId, Observed, Profile, ThinCalls, Thread};

/// No profile has more functions: reports take a few hundred bytes for each.
pub(super) const MOST_FUNCTIONS: usize = 1 << 17;

pub(super) fn check(profile: &Profile) -> Result<(), Damage> {
    let functions = profile.functions.len();
    if functions > MOST_FUNCTIONS {
        let expected = format!("at most {MOST_FUNCTIONS}");
        return Err(Damage::new("number of functions", expected, functions));
    }
    for function in &profile.functions {
        let lines = function.lines.iter().map(|line| line.line);
        ascending("lines of a function", lines)?;
    }
    let pairs = profile
        .not_measured
        .iter()
        .zip(profile.not_measured.iter().skip(1));
    for (one, next) in pairs {
        if one >= next {
            let expected = format!("one after {}", one.name);
            return Err(Damage::new("function not measured", expected, &next.name));
        }
    }
    for process in &profile.processes {
        check_thin(&process.thin, profile.functions.len())?;
        check_durations(&process.durations, profile.functions.len())?;
        if let Some(observed) = &process.observed {
            check_observed(observed, profile.functions.len())?;
        }
    }
    let threads = profile
        .processes
        .iter()
        .flat_map(|process| &process.threads);
    for thread in threads {
        check_thread(thread, profile.functions.len())?;
    }
    Ok(())
}

fn check_thin(thin: &[ThinCalls], functions: usize) -> Result<(), Damage> {
    ascending("thin functions", thin.iter().map(|thin| thin.function.0))?;
    for thin in thin {
        check_function("thin function", thin.function, functions)?;
        if thin.calls == 0 {
            return Err(Damage::new("calls of a thin function", "some", 0));
        }
    }
    Ok(())
}

fn check_durations(durations: &[Durations], functions: usize) -> Result<(), Damage> {
    for of in durations {
        check_function("function with durations", of.function, functions)?;
    }
    let key = |of: &Durations| (of.function, of.timed);
    if durations.is_sorted_by(|one, next| key(one) < key(next)) {
        return Ok(());
    }
    Err(Damage::new("durations", "ascending ones", "others"))
}

fn check_observed(observed: &Observed, functions: usize) -> Result<(), Damage> {
    let lines = observed.lines.iter().map(|line| line.place.function);
    let at_peak = observed.at_peak.iter().map(|place| place.function);
    let open = observed.functions.iter().map(|open| open.function);
    for function in lines.chain(at_peak).chain(open) {
        check_function("function seen from outside", function, functions)?;
    }
    Ok(())
}

/// Whether a function is one of so many.
fn check_function(part: &'static str, id: FunctionId, functions: usize) -> Result<(), Damage> {
    if usize::try_from(id.0).is_ok_and(|id| id < functions) {
        return Ok(());
    }
    Err(Damage::new(part, format!("one of {functions}"), id.0))
}

fn check_thread(thread: &Thread, functions: usize) -> Result<(), Damage> {
    let known = |part, function| check_function(part, function, functions);
    if let Some(place) = thread.running {
        known("function that was running", place.function)?;
    }
    for (index, node) in (0_u64..).zip(&thread.nodes) {
        known("function of a node", node.function)?;
        if let Some((parent, _)) = node
            .parent
            .filter(|(parent, _)| u64::from(*parent) >= index)
        {
            return Err(Damage::new(
                "parent of a node",
                format!("one before node {index}"),
                parent,
            ));
        }
        ascending("lines of a node", node.lines.iter().map(|(line, _)| line))?;
    }
    Ok(())
}

fn ascending(part: &'static str, lines: impl Iterator<Item = u32>) -> Result<(), Damage> {
    let mut last = None;
    for line in lines {
        if let Some(last) = last.filter(|last| *last >= line) {
            return Err(Damage::new(part, format!("one above {last}"), line));
        }
        last = Some(line);
    }
    Ok(())
}
