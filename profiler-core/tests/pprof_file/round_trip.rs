//! What was saved comes back.

use std::time::Duration;

use hprof::model::{FunctionId, NodeLines, Place, Profile};
use hprof::pprof_file::{WriteError, write};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{arbitrary, example, read, saved};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_profile_comes_back(profile in arbitrary::profile()) {
        let file = saved(&profile);
        prop_assert_eq!(read(&file).unwrap(), profile);
    }

    #[test]
    fn packed_costs_of_lines_are_the_same(lines in vec((any::<u32>(), arbitrary::cost()), 0..6)) {
        let packed: NodeLines = lines.iter().copied().collect();
        prop_assert_eq!(packed.len(), lines.len());
        prop_assert_eq!(packed.iter().collect::<Vec<_>>(), lines);
    }
}

#[test]
fn the_same_profile_makes_the_same_file() {
    let profile = example::diffusion();
    assert!(saved(&profile) == saved(&profile));
    assert_eq!(read(&saved(&profile)).unwrap(), profile);
}

#[test]
fn no_lines() {
    assert_eq!(
        read(&saved(&Profile::default())).unwrap(),
        Profile::default()
    );
    let mut profile = example::diffusion();
    for process in &mut profile.processes {
        process.threads.clear();
    }
    assert_eq!(read(&saved(&profile)).unwrap(), profile);
}

/// Deeper than a sample can tell.
#[test]
fn a_very_deep_tree_comes_back() {
    let mut profile = example::diffusion();
    let nodes = (0..5_000).map(|index: u32| {
        let parent = index.checked_sub(1).map(|parent| (parent, 11));
        example::node(parent, example::STEP, 1, &[(11, example::cost(1, 5, 0))])
    });
    profile.processes[0].threads[0].nodes = nodes.collect();
    let file = saved(&profile);
    assert_eq!(read(&file).unwrap(), profile);
    assert!(file.len() < 100_000, "{} bytes", file.len());
}

/// Time that this thread has had a processor: other programs may run at the same time.
fn processor_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(statistics.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn a_hundred_thousand_lines() {
    let profile = example::large(2_000, 50);
    let mut best = Duration::MAX;
    for _ in 0..if cfg!(debug_assertions) { 1 } else { 5 } {
        let start = processor_time();
        let file = saved(&profile);
        let written = processor_time() - start;
        let again = read(&file).unwrap();
        let both = processor_time() - start;
        println!(
            "{} bytes written in {written:?}, and read back in {both:?}",
            file.len()
        );
        assert!(again == profile);
        assert!(file.len() < 4_000_000, "{} bytes", file.len());
        best = best.min(both);
    }
    // Without optimisation the time says nothing.
    assert!(
        cfg!(debug_assertions) || best < Duration::from_millis(300),
        "{best:?}"
    );
}

#[test]
fn what_makes_no_sense_is_not_written() {
    let refused = |change: fn(&mut Profile), part: &str| {
        let mut profile = example::diffusion();
        change(&mut profile);
        let error = write(&profile, &mut Vec::new()).unwrap_err();
        assert!(
            matches!(error, WriteError::Invalid { part: found, .. } if found == part),
            "{error}"
        );
    };
    refused(
        |p| p.processes[0].threads[0].nodes[1].function.0 = 3,
        "function of a node",
    );
    refused(
        |p| p.processes[0].threads[0].nodes[1].parent = Some((1, 5)),
        "parent of a node",
    );
    refused(
        |p| {
            let lines = &mut p.processes[0].threads[0].nodes[0].lines;
            let mut back: Vec<_> = lines.iter().collect();
            back.reverse();
            *lines = back.into_iter().collect();
        },
        "lines of a node",
    );
    refused(|p| p.functions[0].lines.reverse(), "lines of a function");
    refused(
        |p| {
            p.processes[1].threads[0].running = Some(Place {
                function: FunctionId(u32::MAX),
                line: 1,
            });
        },
        "function that was running",
    );
}

#[test]
fn a_full_disk_is_an_error() {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let length = saved(&example::diffusion()).len();
    for room in 0..length {
        let error = write(&example::diffusion(), &mut Full(room)).unwrap_err();
        assert!(matches!(error, WriteError::Io(_)), "{error}");
    }
    write(&example::diffusion(), &mut Full(length)).unwrap();
}
