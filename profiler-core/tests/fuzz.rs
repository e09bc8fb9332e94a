//! Readers and the merge on files that are almost sound: no panic, no hang, no more memory than the file makes likely.

#[path = "fuzz/engine.rs"]
mod engine;

use engine::{MESSAGE, RAW, Target, packed, raw_seeds, read_raw, read_saved, saved_seeds};
use hprof::model::{BUCKETS, WaitCause};
use hprof::model::{Profile, Scope, call_tree, function_costs, merge};
use hprof::raw::{CellLooks, ObservedFile};

/// What readers may allocate at a time: bytes for each byte of the file, and beside that.
const READING: (usize, usize) = (64, 256 << 10);

/// Adds up a profile, as reports do.
fn digest(profile: &Profile) {
    let nodes = call_tree(profile, Scope::All).len();
    std::hint::black_box(nodes + function_costs(profile, Scope::All).len());
}

fn hits(profile: &Profile) -> u64 {
    let threads = profile
        .processes
        .iter()
        .flat_map(|process| &process.threads);
    let lines = threads
        .flat_map(|thread| &thread.nodes)
        .flat_map(|node| &node.lines);
    lines.fold(0, |sum, (_, cost)| sum.saturating_add(cost.hits))
}

#[test]
fn raw_files_never_harm_their_reader() {
    Target {
        name: "raw",
        seeds: raw_seeds(),
        mutations: RAW,
        changes: 6,
        pack: |file| file,
        run: &|files| read_raw(&files[0]).inspect(digest).is_some(),
        files: 1,
        memory: READING,
    }
    .fuzz();
}

#[test]
fn saved_profiles_never_harm_their_reader() {
    Target {
        name: "saved",
        seeds: saved_seeds(),
        mutations: MESSAGE,
        changes: 2,
        pack: packed,
        run: &|files| read_saved(&files[0]).inspect(digest).is_some(),
        files: 1,
        memory: READING,
    }
    .fuzz();
}

/// The same files, through what opens them: a raw file with native stacks beside it, and a saved profile.
/// What a launcher may have seen: cells at any address.
fn seen(file: &[u8]) -> ObservedFile {
    let (words, _) = file.as_chunks();
    let cells = words.iter().copied().map(u64::from_ne_bytes);
    let lines = cells
        .filter(|cell| *cell > 0)
        .take(50)
        .map(|cell| CellLooks {
            cell,
            seen: (cell, 9),
            working: cell,
            waits: [cell; WaitCause::ALL.len()],
            buckets: [u32::MAX; BUCKETS],
        });
    let lines: Vec<CellLooks> = lines.collect();
    ObservedFile {
        at_peak: lines.iter().map(|line| line.cell).collect(),
        lines,
        ..ObservedFile::default()
    }
}

#[test]
fn files_on_disk_never_harm_their_reader() {
    let seeds = [raw_seeds(), saved_seeds().into_iter().map(packed).collect()].concat();
    let native = "hprof-native\t1\nasked\t9\ncpu\t5\nsignals\t4\nframe\t0\t3\t/a.rs\tf\nstack\t2\tmain\t0\t0\nend\n";
    Target {
        name: "disk",
        seeds,
        mutations: RAW,
        changes: 4,
        pack: |file| file,
        run: &|files| {
            // A folder for each thread.
            let folder = tempfile::tempdir().unwrap();
            let place = |name: &str| folder.path().join(name);
            let damaged = files[0].get(9).is_some_and(|byte| byte.is_multiple_of(2));
            let end = if damaged {
                native.len() / 2
            } else {
                native.len()
            };
            std::fs::write(place("x.native"), &native[..end]).unwrap();
            std::fs::write(place("x.observed"), seen(&files[0]).text()).unwrap();
            std::fs::write(place("x.hpraw"), &files[0]).unwrap();
            let raw = hprof::raw::read(&place("x.hpraw")).ok();
            let saved = hprof::pprof_file::read(&place("x.hpraw")).ok();
            raw.or(saved).inspect(digest).is_some()
        },
        files: 1,
        memory: READING,
    }
    .fuzz();
}

#[test]
fn merged_profiles_keep_every_hit() {
    Target {
        name: "merge",
        seeds: raw_seeds(),
        mutations: RAW,
        changes: 6,
        pack: |file| file,
        run: &|files| {
            let profiles: Vec<Profile> = files.iter().filter_map(|file| read_raw(file)).collect();
            let all = profiles.len() == files.len();
            let expected = profiles.iter().map(hits).fold(0, u64::saturating_add);
            let merged = merge(profiles);
            assert_eq!(hits(&merged), expected);
            digest(&merged);
            all
        },
        files: 2,
        memory: READING,
    }
    .fuzz();
}
