//! Processes that became another program: one process of the system, several of the profile.

use super::profile::Process;

/// For each of the processes, which of them it became by `exec`, if it did.
///
/// `exec` ends the recording of a program without a word and leaves host and process id as they are, and the new program, if it
/// is instrumented, begins a recording of its own. So a process that did not finish and was followed by one of the same host and
/// id is told to have become that, unless the system started the two at different times: then the id was used again. Both stay in the
/// profile, for they ran different programs; a count of processes counts the last.
///
/// ```
/// use hprof::model::{Profile, successors};
/// assert!(successors(&Profile::default().processes).is_empty());
/// ```
#[must_use]
pub fn successors(processes: &[Process]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..processes.len()).collect();
    let key = |index: &usize| {
        let process = &processes[*index];
        (&process.host, process.pid, process.start_unix_ns)
    };
    order.sort_by(|a, b| key(a).cmp(&key(b)));
    let mut successors = vec![None; processes.len()];
    for pair in order.windows(2) {
        let (before, after) = (&processes[pair[0]], &processes[pair[1]]);
        let same = before.host == after.host
            && before.pid == after.pid
            && may_be_one(before.process_started, after.process_started);
        if same && !before.finished && before.start_unix_ns < after.start_unix_ns {
            successors[pair[0]] = Some(pair[1]);
        }
    }
    successors
}

/// Whether a process may have been started at both of these times, as far as they are known.
fn may_be_one(before: Option<u64>, after: Option<u64>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => before == after,
        _ => true,
    }
}
