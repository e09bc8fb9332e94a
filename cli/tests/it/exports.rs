//! Exports in the programs that they are for, and the page for newcomers.

use std::fs;
use std::io::Write;
use std::process::Command;

use hprof::model::{Scope, function_costs};

use crate::fixture::{hprof, printed};
use crate::hostile::example;

#[test]
fn callgrind_annotate_adds_up_the_same_hits_and_times() {
    let folder = tempfile::tempdir().unwrap();
    let (saved, out) = (
        folder.path().join("a.pb.gz"),
        folder.path().join("callgrind.out"),
    );
    let profile = example::diffusion();
    let mut bytes = Vec::new();
    hprof::pprof_file::write(&profile, &mut bytes).unwrap();
    fs::write(&saved, bytes).unwrap();
    printed(
        hprof(["export", "--format", "callgrind", "-o"])
            .arg(&out)
            .arg(&saved),
    )
    .code(0);
    let Ok(output) = Command::new("callgrind_annotate").arg(&out).output() else {
        let note = b"NOT TESTED: callgrind_annotate: it is not there\n";
        std::io::stderr().write_all(note).unwrap();
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let totals = text.lines().find(|line| line.contains("PROGRAM TOTALS"));
    let totals =
        totals.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
    let figures = totals
        .split_whitespace()
        .filter(|word| word.starts_with(|one: char| one.is_ascii_digit()));
    let figures: Vec<u64> = figures
        .filter_map(|word| word.replace(',', "").parse().ok())
        .collect();
    let costs = function_costs(&profile, Scope::All);
    let lines = || costs.iter().flat_map(|cost| &cost.lines);
    let time: u64 = lines().map(|line| line.own.time().0).sum();
    let allocs: u64 = lines().map(|line| line.own.allocs).sum();
    assert_eq!(figures.get(1), Some(&time), "{totals}");
    assert_eq!(figures.get(2), Some(&allocs), "{totals}");
}

#[test]
fn options_reach_the_formats() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("a.pb.gz");
    let mut bytes = Vec::new();
    hprof::pprof_file::write(&example::diffusion(), &mut bytes).unwrap();
    fs::write(&saved, bytes).unwrap();
    let export = |args: &[&str]| {
        let mut export = hprof(["export", "--format"]);
        printed(export.args(args).arg(&saved)).code(0).stdout
    };
    let functions = export(&["collapsed"]);
    let lines = export(&["collapsed", "--lines", "--metric", "hits"]);
    assert!(
        lines.contains(".rs:") && !functions.contains(".rs:"),
        "{lines}"
    );
    let whole = export(&["md"]);
    let cut = export(&["md", "--budget", "150"]);
    assert!(cut.len() <= 600 && cut.len() < whole.len(), "{cut}");
    let json = export(&["json"]);
    let short = export(&["json", "--top", "1", "--min-percent", "50"]);
    assert!(short.len() < json.len(), "{short}");
    let nothing_left_out = "\"lines\": 0\n";
    assert!(json.contains(nothing_left_out) && !short.contains(nothing_left_out));
    assert!(export(&["speedscope"]).starts_with("{\"$schema\":"));
    assert!(export(&["lcov"]).ends_with("end_of_record\n"));
}

/// What show, diff and check print for readers with little room; the property tests are in the reports.
#[test]
fn a_budget_of_tokens_is_kept_and_names_what_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("it's a.pb.gz");
    let mut bytes = Vec::new();
    hprof::pprof_file::write(&example::diffusion(), &mut bytes).unwrap();
    fs::write(&saved, bytes).unwrap();
    let on = |words: &[&str]| printed(hprof(words).current_dir(folder.path()).arg("it's a.pb.gz"));
    let budget = ["--format", "md", "--budget", "120"];
    let shown = on(&[&["show"], &budget[..]].concat()).code(0).stdout;
    assert!(shown.len() <= 480, "{shown}");
    assert!(
        shown.contains("`hprof show --hot ") && shown.contains("'it'\\''s a.pb.gz'` shows all"),
        "{shown}"
    );
    let one = on(&["show", "--format", "md", "--hot", "1"]).code(0).stdout;
    assert_eq!(one.matches("\n## ").count(), 1, "{one}");
    let same = on(&[&["diff", "it's a.pb.gz"], &budget[..]].concat())
        .code(0)
        .stdout;
    assert!(same.starts_with("**hprof**: no change: "), "{same}");
    let check = [&["check", "--no-hprof-config"], &budget[..]].concat();
    let judged = on(&check).code(0).stdout;
    assert!(
        judged.starts_with("**hprof check** nothing to judge"),
        "{judged}"
    );
    for words in [
        &["show"][..],
        &["diff", "it's a.pb.gz"],
        &["check"],
        &["export", "--format", "csv"],
    ] {
        on(&[words, &["--budget", "100"]].concat())
            .code(2)
            .says("--budget has no effect without --format md");
        on(&[words, &["--budget", "49"]].concat())
            .code(2)
            .says("expected a number of tokens, 50 at least");
    }
    on(&["show", "--format", "md", "--by-function"])
        .code(2)
        .says("--format md has no table of --by-function");
}

#[test]
fn a_flamegraph_of_two_profiles_needs_the_same_program() {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, profile: &hprof::model::Profile| {
        let mut bytes = Vec::new();
        hprof::pprof_file::write(profile, &mut bytes).unwrap();
        fs::write(folder.path().join(name), bytes).unwrap();
    };
    let profile = example::diffusion();
    save("a.pb.gz", &profile);
    let mut other = profile;
    for process in &mut other.processes {
        process.exe = "/bin/other".into();
    }
    for function in &mut other.functions {
        function.name.push('2');
        function.source = vec!["something else".into()];
    }
    save("b.pb.gz", &other);
    let draw = |newer: &str| {
        let mut draw = hprof(["flamegraph", "-o", "-", "a.pb.gz", "--diff", newer]);
        printed(draw.current_dir(folder.path()))
    };
    let same = draw("a.pb.gz").code(0).stdout;
    let titles = same.split("<title>").skip(1);
    let titles = titles.filter_map(|rest| rest.split("</title>").next());
    let frames: Vec<&str> = titles.filter(|one| !one.starts_with("all (")).collect();
    let is_same = frames.iter().all(|frame| frame.ends_with("; 0.00%)"));
    assert!(frames.len() > 1 && is_same, "{frames:?}");
    draw("b.pb.gz")
        .code(2)
        .stdout("")
        .says("are different programs: no function is in both profiles")
        .says("hint: compare two runs of the same program");
    draw("no.pb.gz").code(2).says("no.pb.gz");
}

/// All commands that the page names exist, with their options.
#[test]
fn the_guide_names_what_exists() {
    let guide = printed(&mut hprof(["guide"])).code(0).stdout;
    let blocks = guide.split("\n```text\n").skip(1);
    let commands: Vec<&str> = blocks
        .flat_map(|block| block.split("\n```").next().unwrap_or_default().lines())
        .filter(|line| line.starts_with("hprof "))
        .collect();
    assert!(commands.len() > 8, "{commands:?}");
    for command in commands {
        let words = command.split_whitespace().skip(1);
        let words: Vec<&str> = words.take_while(|word| *word != "--").collect();
        let help = printed(&mut hprof([words[0], "--help"])).code(0).stdout;
        for option in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(option), "{command}: no {option}");
        }
    }
}
