//! Profiles of several processes, or of several runs, as one.

use super::durations::sum as sum_of_durations;
use super::place::FunctionId;
use super::profile::{Function, Process, Profile, Run};
use super::unify::unify;

/// Puts profiles together. Functions that are the same in file, place, module, name and package become one; processes are put in
/// order: by rank, start, host and process id. The order of `profiles` makes no difference.
///
/// Of [`Profile::run`] stays what all profiles that know it agree on, and the earliest start. A process that is in two of the
/// profiles is in the result twice.
///
/// ```
/// use hprof::model::{Profile, merge};
/// assert_eq!(merge(vec![Profile::default(), Profile::default()]), Profile::default());
/// ```
#[must_use]
pub fn merge(profiles: Vec<Profile>) -> Profile {
    let mut functions: Vec<Function> = Vec::new();
    let mut not_measured = Vec::new();
    let mut processes = Vec::new();
    let mut runs: Vec<Run> = Vec::new();
    for profile in profiles {
        let of_profile = functions.len()..functions.len() + profile.functions.len();
        functions.extend(profile.functions);
        not_measured.extend(profile.not_measured);
        processes.extend(
            profile
                .processes
                .into_iter()
                .map(|process| (of_profile.clone(), process)),
        );
        runs.push(profile.run);
    }
    let (functions, ids) = unify(functions);
    let mut processes: Vec<Process> = processes
        .into_iter()
        .map(|(of_profile, mut process)| {
            rename_functions(&mut process, ids.get(of_profile).unwrap_or_default());
            process
        })
        .collect();
    processes.sort_by(|a, b| {
        let key = |process: &Process| (process.rank, process.start_unix_ns, process.pid);
        (key(a).cmp(&key(b)))
            .then_with(|| a.host.cmp(&b.host))
            .then_with(|| a.exe.cmp(&b.exe))
    });
    not_measured.sort_unstable();
    not_measured.dedup();
    Profile {
        run: merge_runs(&runs),
        functions,
        not_measured,
        processes,
    }
}

/// `ids` has the new id of each function of the profile the process comes from.
fn rename_functions(process: &mut Process, ids: &[FunctionId]) {
    let rename = |function: &mut FunctionId| {
        let new = usize::try_from(function.0)
            .ok()
            .and_then(|old| ids.get(old));
        *function = new.copied().unwrap_or(FunctionId(u32::MAX));
    };
    for thin in &mut process.thin {
        rename(&mut thin.function);
    }
    process.thin.sort_unstable();
    for durations in &mut process.durations {
        rename(&mut durations.function);
    }
    let renamed = core::mem::take(&mut process.durations);
    process.durations = sum_of_durations(renamed);
    if let Some(observed) = &mut process.observed {
        observed.rename(rename);
    }
    for thread in &mut process.threads {
        if let Some(place) = &mut thread.running {
            rename(&mut place.function);
        }
        for node in &mut thread.nodes {
            rename(&mut node.function);
        }
    }
}

fn merge_runs(runs: &[Run]) -> Run {
    let commands = runs
        .iter()
        .map(|run| Some(&run.command).filter(|command| !command.is_empty()));
    Run {
        command: agreed(commands).cloned().unwrap_or_default(),
        cargo_profile: agreed(runs.iter().map(|run| run.cargo_profile.as_ref())).cloned(),
        start_unix_ns: runs.iter().filter_map(|run| run.start_unix_ns).min(),
        wall: agreed(runs.iter().map(|run| run.wall)),
        cpu: agreed(runs.iter().map(|run| run.cpu)),
        end: agreed(runs.iter().map(|run| run.end)),
        source_root: agreed(runs.iter().map(|run| run.source_root.as_ref())).cloned(),
        newer_layout: runs.iter().filter_map(|run| run.newer_layout).max(),
        instrumentation: agreed(runs.iter().map(|run| run.instrumentation.as_ref())).cloned(),
    }
}

/// The value of those that have one, if they all have the same.
fn agreed<T: PartialEq>(values: impl Iterator<Item = Option<T>>) -> Option<T> {
    let mut known = values.flatten();
    let first = known.next()?;
    known.all(|value| value == first).then_some(first)
}
