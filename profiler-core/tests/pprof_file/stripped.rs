//! Files that have gone through another tool: what pprof has a place for is still there.

use hprof::model::{LineCost, Profile, Scope, function_costs};

use crate::{example, packed, read, saved, unpacked};

/// Name of the function, line, hits, time, total time, CPU time, allocations and their bytes.
pub(crate) type Figures = Vec<(String, u32, [u64; 6])>;

/// What every tool shows of a profile: lines with any cost of their own.
pub(crate) fn figures(profile: &Profile) -> Figures {
    let mut figures = Vec::new();
    for function in function_costs(profile, Scope::All) {
        let facts = &profile.functions[function.function.0 as usize];
        let name = format!("{} {}", facts.module, facts.name);
        for line in function
            .lines
            .iter()
            .filter(|line| line.own != LineCost::default())
        {
            let own = &line.own;
            let cpu = own.cpu.unwrap_or_default().0;
            let numbers = [
                own.hits,
                own.time().0,
                line.total.0,
                cpu,
                own.allocs,
                own.alloc_bytes,
            ];
            figures.push((name.clone(), line.line, numbers));
        }
    }
    figures.sort();
    figures
}

/// The file without fields 1000 and 1001, which are its first and its last.
fn strip(file: &[u8]) -> Vec<u8> {
    let message = unpacked(file);
    let rest = message.strip_prefix(&[0xc0, 0x3e, 1]).unwrap();
    let key =
        |at: &usize| rest[*at..].starts_with(&[0xca, 0x3e]) && reaches_the_end(&rest[at + 2..]);
    let extension = (0..rest.len()).find(key).unwrap();
    packed(&rest[..extension])
}

/// Whether a length is followed by just so many bytes.
fn reaches_the_end(bytes: &[u8]) -> bool {
    let groups = bytes
        .iter()
        .take(4)
        .position(|byte| *byte < 0x80)
        .map_or(0, |last| last + 1);
    let length = bytes[..groups]
        .iter()
        .rev()
        .fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f));
    length == bytes.len() - groups
}

#[test]
fn costs_survive_without_the_extension() {
    let profile = example::diffusion();
    let stripped = read(&strip(&saved(&profile))).unwrap();
    assert_eq!(figures(&stripped), figures(&profile));
    let processes: Vec<_> = stripped
        .processes
        .iter()
        .map(|p| (p.host.as_str(), p.pid, p.rank))
        .collect();
    assert_eq!(
        processes,
        [("node3", 100, Some(0)), ("node3", 200, Some(1))]
    );
    assert!(
        stripped
            .processes
            .iter()
            .all(|process| process.losses.stripped)
    );
    let threads: Vec<_> = stripped.processes[0]
        .threads
        .iter()
        .map(|t| (t.name.as_str(), t.tid))
        .collect();
    assert_eq!(threads, [("main", 100), ("worker", 101)]);
    let calls = |profile: &Profile| {
        let costs = function_costs(profile, Scope::All);
        costs
            .iter()
            .map(|cost| (cost.calls, cost.primitive_calls))
            .collect::<Vec<_>>()
    };
    let mut found = calls(&stripped);
    found.sort_unstable();
    let mut expected = calls(&profile);
    expected.sort_unstable();
    assert_eq!(found, expected);
}

/// It can be saved again, and says that it is not whole.
#[test]
fn a_stripped_profile_is_a_profile() {
    let stripped = read(&strip(&saved(&example::diffusion()))).unwrap();
    assert_eq!(read(&saved(&stripped)).unwrap(), stripped);
}
