//! `--fit`: what one run found too dear to measure is measured less by the next.

use std::fs;

use hprof::model::{Profile, Scope, function_costs, thin_calls};

use crate::fixture::{Fixture, Printed, printed};

/// Runs a program, and returns what it recorded too.
fn run(fixture: &Fixture, bin: &str, options: &[&str]) -> (Printed, Profile) {
    let profile = fixture.path(&format!("{bin}{}", options.concat()));
    let args = ["run", "--bin", bin, "-o", profile.to_str().unwrap()];
    let ran = printed(&mut fixture.hprof(args.iter().chain(options))).code(0);
    let profile = hprof::pprof_file::read(&profile).unwrap();
    (ran, profile)
}

/// Calls of a function that is measured in full, and of one that is thin.
fn calls(profile: &Profile, name: &str) -> (Option<u64>, Option<u64>) {
    let is_named = |function: u32| profile.functions[function as usize].name == name;
    let costs = function_costs(profile, Scope::All);
    let full = costs.iter().find(|cost| is_named(cost.function.0));
    let thin = thin_calls(profile, Scope::All);
    let thin = thin.iter().find(|thin| is_named(thin.function.0));
    (full.map(|cost| cost.calls), thin.map(|thin| thin.calls))
}

#[test]
fn a_second_run_measures_less_of_what_the_first_found_too_dear() {
    let fixture = Fixture::own("fitted");
    let (first, full) = run(&fixture, "one", &["--fit"]);
    first.says("--fit: no earlier run has left a list");
    assert_eq!(calls(&full, "tiny"), (Some(20_000_000), None));

    // A share that counting alone keeps to.
    let (second, fitted) = run(&fixture, "one", &["--fit=15%"]);
    let second = second
        .says("fitting counts only the calls of")
        .says("Compiling fitted");
    assert_eq!(calls(&fitted, "tiny"), (None, Some(20_000_000)));
    assert_eq!(calls(&fitted, "stays"), (Some(1_000_000), None));
    assert_eq!(calls(&fitted, "coarse"), calls(&full, "coarse"));
    // The program has the environment that it has without hprof, and the same result.
    assert!(second.stdout.ends_with(" 0\n"), "{second:?}");
    assert_eq!(second.stdout, first_output(&fixture));

    // Nothing has changed, so nothing is built again.
    let (third, _) = run(&fixture, "one", &["--fit=15"]);
    assert!(!third.stderr.contains("Compiling"), "{third:?}");

    // Another program of the package adds to the list: the library is not built again.
    run(&fixture, "two", &["--fit=15%"]);
    let (united, _) = run(&fixture, "two", &["--fit=16%"]);
    united.says("tiny, small");

    // A function whose text has changed is measured in full.
    let library = fs::read_to_string(fixture.project().join("src/lib.rs")).unwrap();
    fixture.write("src/lib.rs", &library.replace("0x9e37", "0x9e38"));
    let (_, edited) = run(&fixture, "one", &["--fit=17%"]);
    assert_eq!(calls(&edited, "tiny"), (Some(20_000_000), None));

    let (_, plain) = run(&fixture, "two", &["--no-fit"]);
    assert_eq!(calls(&plain, "small"), (Some(3_000_000), None));
    let lists = fixture.target().join("hprof-fit/hprof.json");
    assert!(!fs::read_to_string(&lists).unwrap().contains("\"one\""));

    // A damaged list is named, and replaced.
    fs::write(&lists, "{").unwrap();
    let (damaged, _) = run(&fixture, "two", &[]);
    damaged.says("hprof-fit/hprof.json is not what a run has left for --fit");
    assert!(fs::read_to_string(&lists).unwrap().contains("\"two\""));
}

/// What the program prints without hprof.
fn first_output(fixture: &Fixture) -> String {
    let program = fixture.target().join("hprof/one");
    printed(&mut std::process::Command::new(program)).stdout
}

#[test]
fn counts_that_are_too_dear_are_left_out_and_named() {
    let fixture = Fixture::shared("fitted");
    let (_, full) = run(&fixture, "two", &[]);
    assert_eq!(calls(&full, "small"), (Some(3_000_000), None));
    let (fitted, profile) = run(&fixture, "two", &["--fit=1"]);
    fitted
        .says("fitting leaves out")
        .says("small (src/bin/two.rs:3): so small that counting");
    assert_eq!(calls(&profile, "small"), (None, None));
}
