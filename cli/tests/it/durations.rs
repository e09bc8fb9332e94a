//! How long single calls, polls and hits took, against what the program measured by itself.

use std::path::Path;

use hprof::model::{Durations, Profile, Scope, Timed, durations};

use crate::fixture::{Fixture, printed};

fn profile(path: &Path) -> Profile {
    hprof::pprof_file::read(path).unwrap()
}

fn of(profile: &Profile, name: &str, timed: Timed) -> Option<Durations> {
    let mut all = durations(profile, Scope::All).into_iter();
    all.find(|of| of.timed == timed && profile.functions[of.function.0 as usize].name == name)
}

fn assert_close(what: &str, found: u64, exact: u64) {
    let error = found.abs_diff(exact) as f64 / exact as f64;
    assert!(
        error < 0.06,
        "{what}: {found} ns, by the program {exact} ns"
    );
}

/// Eight threads in each of four processes, three shapes of distribution.
#[test]
fn percentiles_are_those_that_the_program_measures() {
    let timed = Fixture::shared("durations");
    let run = printed(&mut timed.hprof(["run"])).code(0);
    let profile = profile(&timed.profile());
    for line in run.stdout.lines().filter(|line| !line.contains(':')) {
        let Some((name, numbers)) = line.split_once(' ') else {
            continue;
        };
        let numbers: Vec<u64> = numbers
            .split(' ')
            .filter_map(|number| number.parse().ok())
            .collect();
        let [count, p50, p90, p99, max] = numbers[..] else {
            continue;
        };
        let of = of(&profile, name, Timed::Calls).unwrap();
        assert_eq!(of.histogram.count(), count, "{name}");
        assert_eq!(of.all, Some(count), "{name}");
        for (per_mille, exact) in [(500, p50), (900, p90), (990, p99), (1000, max)] {
            let found = of.histogram.percentile(per_mille).unwrap().0;
            assert_close(&format!("{name} {per_mille}"), found, exact);
        }
        assert_close(name, of.histogram.longest().time.0, max);
    }
    // Calls of a microsecond and less are left alone after the first ones.
    let tiny = of(&profile, "tiny", Timed::Calls);
    assert!(tiny.is_none_or(|tiny| tiny.histogram.count() <= 4 * 8 * 64));
    let nested = of(&profile, "nested", Timed::Calls).unwrap();
    assert_eq!(nested.histogram.count(), 4 * 8 * 10);
    assert!(nested.histogram.percentile(100).unwrap().0 >= 120_000);
    let table = printed(timed.hprof(["show", "--percentiles"]).arg(timed.profile())).code(0);
    for name in ["uniform", "spikes", "long_tail", "nested"] {
        assert!(table.stdout.contains(&format!("{name} at src/main.rs")));
    }
    let json = printed(
        timed
            .hprof(["export", "--format", "json"])
            .arg(timed.profile()),
    )
    .code(0);
    assert!(json.stdout.contains("\"p99_ns\""), "{}", json.stdout);
}

#[test]
fn the_longest_poll_is_named_with_its_line() {
    let timed = Fixture::shared("durations");
    let run = printed(&mut timed.hprof(["run", "--", "polls"])).code(0);
    assert!(run.stdout.starts_with("polls 1001\n"), "{}", run.stdout);
    let profile = profile(&timed.profile());
    let polls = of(&profile, "serve", Timed::Polls).unwrap();
    assert_eq!(polls.all, Some(1001 + 3));
    assert_eq!(polls.cancelled, 3);
    let busy = of(&profile, "serve", Timed::Busy).unwrap();
    let futures = of(&profile, "serve", Timed::Futures).unwrap();
    for of in [&busy, &futures] {
        assert_eq!((of.all, of.histogram.count()), (Some(1), 1));
        assert!(of.histogram.longest().time.0 >= 510_000_000);
    }
    assert!(futures.histogram.longest().time >= busy.histogram.longest().time);
    let longest = polls.histogram.longest().time.0;
    assert!((500_000_000..900_000_000).contains(&longest), "{longest}");
    let line = 1 + include_str!("../fixtures/durations/src/main.rs")
        .lines()
        .position(|line| line.contains("from_millis(500)"))
        .unwrap();
    let table = printed(timed.hprof(["show", "--percentiles"]).arg(timed.profile())).code(0);
    let row = table
        .stdout
        .lines()
        .find(|row| row.contains("serve, polls,"))
        .unwrap();
    assert!(
        table
            .stdout
            .contains("serve: 3 futures dropped before they were ready")
    );
    assert!(row.ends_with(&format!("longest in line {line}")), "{row}");
}
