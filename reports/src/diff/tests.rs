//! Comparisons of profiles that were changed by hand.

use hprof::model::{LineCost, Nanos};
use proptest::prelude::*;

use super::*;
use crate::{Policy, fixture};

const FORMATS: [DiffFormat; 3] = [DiffFormat::Text, DiffFormat::Markdown, DiffFormat::Json];

fn diff(older: &Profile, newer: &Profile, format: DiffFormat) -> (bool, String) {
    let options = DiffOptions {
        format,
        ..DiffOptions::default()
    };
    let sides = [("a.pb.gz", older), ("b.pb.gz", newer)];
    let [older, newer] = sides.map(|(name, profile)| Side {
        name,
        runs: std::slice::from_ref(profile),
    });
    let mut out = Vec::new();
    let worse = write_diff(older, newer, &options, &mut out).unwrap();
    (worse, String::from_utf8(out).unwrap())
}

/// The same run with a function of twice the hits, a line edited, a line gone and a file renamed.
fn changed() -> Profile {
    let mut profile = fixture::diffusion();
    for function in &mut profile.functions {
        function.file = "src/lib/solver.rs".into();
        function.line += 3;
        function.end_line += 3;
        for line in &mut function.lines {
            line.line += 3;
            line.group += 3;
        }
    }
    for node in &mut profile.processes[0].threads[0].nodes {
        if let Some((_, line)) = &mut node.parent {
            *line += 3;
        }
        node.lines.change(|line, cost| {
            *line += 3;
            if *line == 31 {
                cost.hits *= 2;
                cost.allocs += 1000;
            }
        });
    }
    profile.functions[0].source[3] = "    let mut turn = 0;".into();
    profile
}

#[test]
fn a_profile_has_no_change_to_itself_in_any_form() {
    for profile in [fixture::diffusion(), changed()] {
        for format in FORMATS {
            let (worse, text) = diff(&profile, &profile, format);
            assert!(!worse && text.contains("no change: "), "{text}");
            assert!(
                !text.contains("Function: ") && !text.contains("| worse"),
                "{text}"
            );
        }
    }
}

#[test]
fn a_renamed_file_and_lines_that_moved_are_no_change() {
    let mut moved = changed();
    moved.functions[0].source = fixture::diffusion().functions[0].source.clone();
    for node in &mut moved.processes[0].threads[0].nodes {
        node.lines.change(|line, cost| {
            if *line == 31 {
                cost.hits /= 2;
                cost.allocs -= 1000;
            }
        });
    }
    let (worse, text) = diff(&fixture::diffusion(), &moved, DiffFormat::Text);
    assert!(!worse && text.contains("no change: "), "{text}");
    // A function in another module under another name is known by its text.
    moved.functions[1].module = "diffusion::kernel".into();
    moved.functions[1].name = "Field::step".into();
    let (worse, text) = diff(&fixture::diffusion(), &moved, DiffFormat::Text);
    assert!(!worse && text.contains("no change: "), "{text}");
}

#[test]
fn changed_lines_stand_in_a_table_with_a_verdict() {
    let (worse, text) = diff(&fixture::diffusion(), &changed(), DiffFormat::Text);
    assert!(worse);
    insta::assert_snapshot!(text);
}

#[test]
fn a_comment_has_the_worst_lines_first() {
    let (_, text) = diff(&fixture::diffusion(), &changed(), DiffFormat::Markdown);
    insta::assert_snapshot!(text);
}

#[test]
fn a_comment_counts_the_lines_that_it_has_no_room_for() {
    let mut newer = fixture::diffusion();
    let mut lines = std::collections::BTreeSet::new();
    for node in &mut newer.processes[0].threads[0].nodes {
        node.lines.change(|line, cost| {
            cost.hits = cost.hits * 2 + 1000;
            cost.allocs += 1000;
            cost.alloc_bytes += 100_000;
            lines.insert((node.function, *line));
        });
    }
    let (_, text) = diff(&fixture::diffusion(), &newer, DiffFormat::Markdown);
    let rows: Vec<&str> = text.lines().filter(|row| row.starts_with("| ")).collect();
    let shown: std::collections::BTreeSet<&str> = rows[1..]
        .iter()
        .filter_map(|row| row.split(" | ").nth(1))
        .collect();
    assert!(
        rows.len() - 1 <= 10 && rows.len() - 1 > shown.len(),
        "{text}"
    );
    let more = format!("Left out: {} changed lines; ", lines.len() - shown.len());
    assert!(text.contains(&more), "{more}: {text}");
}

#[test]
fn the_other_way_round_everything_is_the_other_way_round() {
    let (worse, text) = diff(&changed(), &fixture::diffusion(), DiffFormat::Json);
    assert!(!worse);
    let there: serde_json::Value = serde_json::from_str(&text).unwrap();
    let (_, text) = diff(&fixture::diffusion(), &changed(), DiffFormat::Json);
    let back: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (one, other) in [("regressions", "improvements"), ("added", "removed")] {
        assert_eq!(there["verdict"][one], back["verdict"][other]);
        assert_eq!(there["verdict"][other], back["verdict"][one]);
    }
    assert_eq!(there["time"]["older_ns"], back["time"]["newer_ns"]);
}

#[test]
fn what_cannot_be_compared_says_why() {
    let full = fixture::diffusion();
    let empty = Profile::default();
    let refused = |older: &Profile, newer: &Profile| {
        let sides = [("a", older), ("b", newer)];
        let [older, newer] = sides.map(|(name, profile)| Side {
            name,
            runs: std::slice::from_ref(profile),
        });
        let error = write_diff(older, newer, &DiffOptions::default(), &mut Vec::new());
        error.unwrap_err().to_string()
    };
    assert_eq!(
        refused(&full, &empty),
        "b: no instrumented function was entered"
    );
    let mut other = fixture::diffusion();
    other.processes[0].exe = "/usr/bin/other".into();
    for function in &mut other.functions {
        function.name.push('2');
        function.source = vec!["something else".into()];
    }
    assert!(refused(&full, &other).contains("other are different programs"));
}

#[test]
fn patterns_and_shares_leave_lines_out() {
    let text = |policy: Policy| {
        let options = DiffOptions {
            policy,
            ..DiffOptions::default()
        };
        let (older, newer) = (fixture::diffusion(), changed());
        let sides = [("a", &older), ("b", &newer)];
        let [older, newer] = sides.map(|(name, profile)| Side {
            name,
            runs: std::slice::from_ref(profile),
        });
        let mut out = Vec::new();
        let worse = write_diff(older, newer, &options, &mut out).unwrap();
        (worse, String::from_utf8(out).unwrap())
    };
    let ignoring = Policy {
        ignored: ["Field::advance", "main"]
            .map(|name| format!("diffusion::solver::{name}"))
            .into(),
        ..Policy::default()
    };
    let (worse, without) = text(ignoring);
    assert!(!worse && !without.contains("Field::advance"), "{without}");
    let off = Policy {
        figures: [crate::Judging::Listed; 3],
        ..Policy::default()
    };
    let (worse, listed) = text(off);
    assert!(!worse && listed.contains("Field::advance"), "{listed}");
}

/// So many functions, with twice the hits.
fn twice_the_hits(count: usize) -> [Profile; 2] {
    let older = fixture::of_functions(count);
    let mut newer = older.clone();
    change(&mut newer, |_, cost| cost.hits *= 2);
    [older, newer]
}

fn within(budget: usize, names: [&str; 2], profiles: &[Profile; 2]) -> String {
    let options = DiffOptions {
        format: DiffFormat::Markdown,
        budget: Some(budget),
        ..DiffOptions::default()
    };
    let [older, newer] = [0, 1].map(|side| Side {
        name: names[side],
        runs: std::slice::from_ref(&profiles[side]),
    });
    let mut out = Vec::new();
    write_diff(older, newer, &options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_budget_has_the_worst_lines_with_the_code_around_them() {
    insta::assert_snapshot!(within(300, ["a.pb.gz", "it's b"], &twice_the_hits(20)));
    let whole = within(5000, ["a.pb.gz", "b"], &twice_the_hits(20));
    assert!(!whole.contains("Left out"), "{whole}");
    assert_eq!(whole.matches("\n## ").count(), 20, "{whole}");
    // A name that leaves no room for a command.
    let long = within(60, [&"a".repeat(500), "b"], &twice_the_hits(20));
    assert!(long.contains("Left out: 20 changed lines"), "{long}");
    assert!(long.contains("`--format text` shows all"), "{long}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_budget_is_never_exceeded_whatever_the_profiles(
        budget in crate::LEAST_BUDGET..3000,
        functions in 1_usize..=2000,
    ) {
        let text = within(budget, ["a.pb.gz", "b.pb.gz"], &twice_the_hits(functions));
        prop_assert!(text.len() <= budget * 4, "{} bytes", text.len());
        let lines = text.matches("| worse |").count();
        let left_out = format!("{} changed line", crate::thousands((functions - lines) as u64));
        prop_assert!(lines == functions || text.contains(&left_out), "{text}");
        let has_command = text.contains("`hprof diff a.pb.gz b.pb.gz` shows all") || text.contains("`--format text` shows all");
        prop_assert!(lines == functions || has_command, "{text}");
    }
}

/// Seven runs, whose times differ a little; `edit` changes each of them.
fn runs(edit: impl Fn(&mut Profile, u64)) -> Vec<Profile> {
    let run = |number: u64| {
        let mut profile = fixture::diffusion();
        change(&mut profile, |_, cost| {
            cost.exact.0 += cost.exact.0 / 1000 * number;
        });
        edit(&mut profile, number);
        profile
    };
    (0..7).map(run).collect()
}

/// Changes the lines of all nodes.
fn change(profile: &mut Profile, mut change: impl FnMut(u32, &mut LineCost)) {
    for node in &mut profile.processes[0].threads[0].nodes {
        node.lines.change(|line, cost| change(*line, cost));
    }
}

/// The line of the fixture that takes longest by itself takes twice as long.
fn twice_as_long(profile: &mut Profile, _: u64) {
    let mut longest = Nanos::ZERO;
    change(profile, |_, cost| longest = longest.max(cost.exact));
    change(profile, |_, cost| {
        if cost.exact == longest {
            cost.exact.0 *= 2;
        }
    });
}

fn in_turn(older: &[Profile], newer: &[Profile], format: DiffFormat) -> (bool, String) {
    let options = DiffOptions {
        format,
        in_turn: true,
        ..DiffOptions::default()
    };
    let mut out = Vec::new();
    let [older, newer] = [("main", older), ("here", newer)].map(|(name, runs)| Side { name, runs });
    let worse = write_diff(older, newer, &options, &mut out).unwrap();
    (worse, String::from_utf8(out).unwrap())
}

#[test]
fn runs_in_turn_have_their_times_judged_alike_in_all_forms() {
    let (before, after) = (runs(|_, _| ()), runs(twice_as_long));
    let texts = FORMATS.map(|format| {
        let (worse, text) = in_turn(&before, &after, format);
        assert!(worse && text.contains("slower"), "{text}");
        let (worse, faster) = in_turn(&after, &before, format);
        assert!(
            !worse && faster.contains("faster") && !faster.contains("| slower"),
            "{faster}"
        );
        let (worse, same) = in_turn(&before, &before, format);
        assert!(!worse && same.contains("same within 3.0 %"), "{same}");
        text
    });
    insta::assert_snapshot!(texts[..2].join("\n----\n"));
}

#[test]
fn runs_not_in_turn_or_too_few_have_no_time_judged() {
    let (before, after) = (runs(|_, _| ()), runs(twice_as_long));
    let text = |runs: usize| in_turn(&before[..runs], &after[..runs], DiffFormat::Text);
    assert!(text(1).1.contains("time not judged: each side ran once"));
    let (worse, few) = text(3);
    assert!(
        !worse && few.contains("not judged: 3 runs of each cannot tell 1 time apart"),
        "{few}"
    );
    let (worse, not) = diff(&before[0], &after[0], DiffFormat::Text);
    assert!(
        !worse && not.contains("the runs were not recorded in turn"),
        "{not}"
    );
}

#[test]
fn figures_that_are_not_the_same_in_all_runs_are_no_alarm() {
    let noisy = |add: u64| {
        runs(move |profile, number| {
            change(profile, |line, cost| {
                if line == 28 {
                    cost.hits += 1000 * number + add;
                }
            });
        })
    };
    let (worse, text) = in_turn(&noisy(0), &noisy(3500), DiffFormat::Text);
    assert!(
        !worse && text.contains("1 line is not the same in all runs"),
        "{text}"
    );
    assert!(text.contains("unstable hits"), "{text}");
    // All of one side above all of the other.
    let (worse, text) = in_turn(&noisy(0), &noisy(1_000_000), DiffFormat::Text);
    assert!(worse && text.contains("1 line does more"), "{text}");
}

/// Built by this version, with this switch, without these functions.
fn instrumented(mut profile: Profile, version: &str, switch: &str, left_out: &str) -> Profile {
    profile.run.instrumentation = Some(hprof::model::Instrumentation {
        version: version.into(),
        switch: switch.into(),
        left_out: vec![left_out.into()],
        ..Default::default()
    });
    profile
}

#[test]
fn what_was_instrumented_in_another_way_is_not_judged() {
    let before = instrumented(fixture::diffusion(), "1", "lines", "");
    let text = |newer: &Profile| diff(&before, newer, DiffFormat::Text);
    let (worse, same) = text(&instrumented(changed(), "1", "lines", ""));
    assert!(
        worse && !same.contains("not judged: instrumented"),
        "{same}"
    );
    let (worse, version) = text(&instrumented(changed(), "2", "lines", ""));
    assert!(
        !worse && version.contains("other versions of hprof"),
        "{version}"
    );
    // With another switch only lines that are marked as something else.
    let mut split = instrumented(changed(), "1", "lines+split", "");
    let (worse, alike) = text(&split);
    assert!(
        worse && !alike.contains("not judged: instrumented"),
        "{alike}"
    );
    let lines = split.functions[1].lines.iter_mut();
    for line in lines.filter(|line| line.line == 31) {
        line.kind = hprof::site::LineKind::LoopHeader;
    }
    let (worse, split) = text(&split);
    assert!(!worse && split.contains("1 line was not judged"), "{split}");
    assert!(
        split.contains("not judged: instrumented in another way"),
        "{split}"
    );
}

#[test]
fn a_function_that_was_left_out_is_neither_added_nor_removed() {
    let whole = instrumented(fixture::diffusion(), "1", "lines", "");
    let place = "src/solver.rs: helper::<[u8; 8]>";
    let mut fitted = instrumented(fixture::diffusion(), "1", "lines", place);
    for thread in &mut fitted.processes[0].threads {
        for node in &mut thread.nodes {
            if node.function == hprof::model::FunctionId(2) {
                node.function = hprof::model::FunctionId(1);
                node.lines = hprof::model::NodeLines::default();
            }
        }
    }
    for (older, newer) in [(&whole, &fitted), (&fitted, &whole)] {
        let (worse, text) = diff(older, newer, DiffFormat::Text);
        assert!(
            !worse && text.contains("1 function was not judged"),
            "{text}"
        );
        assert!(text.contains("not judged: left out on one side"), "{text}");
        assert!(
            !text.contains("added") && !text.contains("removed"),
            "{text}"
        );
    }
}
