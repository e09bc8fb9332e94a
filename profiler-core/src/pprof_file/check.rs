//! What holds of every profile. The writer refuses one that breaks it, and so does the reader: what was saved can be read.

use super::error::Damage;
use super::read::MOST_FUNCTIONS;
use crate::model::{FunctionId, Profile, Thread};

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
    let threads = profile
        .processes
        .iter()
        .flat_map(|process| &process.threads);
    for thread in threads {
        check_thread(thread, profile.functions.len())?;
    }
    Ok(())
}

fn check_thread(thread: &Thread, functions: usize) -> Result<(), Damage> {
    let known = |part, function: FunctionId| {
        let id = usize::try_from(function.0).unwrap_or(usize::MAX);
        if id < functions {
            return Ok(());
        }
        Err(Damage::new(part, format!("one of {functions}"), function.0))
    };
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
        ascending("lines of a node", node.lines.iter().map(|(line, _)| *line))?;
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
