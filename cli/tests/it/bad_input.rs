//! What cannot work is said in one line, with a hint in another, and leaves nothing behind.

use std::fs;

use crate::fixture::{Fixture, printed};

#[test]
fn unknown_target_is_cargos_message_and_code() {
    let plain = Fixture::shared("plain");
    let run = printed(&mut plain.hprof(["run", "--bin", "missing"])).code(101);
    run.says("error: no bin target named `missing`")
        .says("hprof: the build failed")
        .stdout("");
}

#[test]
fn failed_build_is_cargos_message_and_code() {
    let plain = Fixture::own("plain");
    plain.write("src/main.rs", "fn main() { missing(); }");
    printed(&mut plain.hprof(["run"]))
        .code(101)
        .says("cannot find function `missing`")
        .says("hprof: the build failed");
}

#[test]
fn no_package_is_cargos_message_and_code() {
    let plain = Fixture::shared("plain");
    let mut command = plain.hprof(["run", "--manifest-path", "missing/Cargo.toml"]);
    printed(&mut command)
        .code(101)
        .says("manifest path `missing/Cargo.toml` does not exist")
        .says("hprof: cargo found no package");
}

#[test]
fn program_without_hprof_is_told_the_three_lines() {
    let plain = Fixture::shared("plain");
    let run = printed(&mut plain.hprof(["run", "args", "x"]))
        .code(0)
        .stdout("x\n");
    run.says("the package does not use hprof")
        .says("hprof-core = { path = ")
        .says("use hprof::profile;")
        .says("#[profile]");
    assert!(!plain.profile().exists());
}

#[test]
fn program_that_leaves_hprof_out_is_told_the_feature() {
    let plain = Fixture::own("plain");
    let manifest = fs::read_to_string(plain.project().join("Cargo.toml")).unwrap();
    let core = concat!(env!("CARGO_MANIFEST_DIR"), "/../profiler-core");
    let optional = format!(
        "\n[features]\nprof = [\"dep:hprof-core\"]\n[dependencies]\nhprof-core = {{ path = {core:?}, optional = true }}\n"
    );
    plain.write("Cargo.toml", &(manifest + &optional));
    let run = printed(&mut plain.hprof(["run", "args", "x"]))
        .code(0)
        .stdout("x\n");
    let run = run
        .says("hprof-core is an optional dependency, and this build leaves it out")
        .says("hint: try -F prof");
    assert!(!run.stderr.contains("add three lines"), "{run:#?}");
}

#[test]
fn program_that_enters_nothing_is_told_so() {
    let annotated = Fixture::shared("annotated");
    let run = printed(&mut annotated.hprof(["run", "nothing"]))
        .code(0)
        .stdout("nothing\n");
    run.says("the program entered no function with #[profile]");
}

#[test]
fn places_that_cannot_be_written_are_found_before_the_run() {
    let plain = Fixture::own("plain");
    plain.write("notes", "mine");
    let cases: [(&[&str], &str); 4] = [
        (&["-o", "missing/profile"], "cannot save to "),
        (&["-o", "notes"], "something that is no profile is there"),
        (
            &["--report", "missing/table"],
            "cannot write to 'missing/table'",
        ),
        (&["--report", "src"], "a folder is there"),
    ];
    for (options, message) in cases {
        let options = ["run"].iter().chain(options).chain(&["args", "started"]);
        let run = printed(&mut plain.hprof(options))
            .code(2)
            .stdout("")
            .says(message);
        assert_eq!(run.messages().len(), 2, "cause and hint: {run:#?}");
    }
    assert_eq!(
        fs::read_to_string(plain.project().join("notes")).unwrap(),
        "mine"
    );
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let plain = Fixture::shared("plain");
    for options in [
        &["--dev", "--release"][..],
        &["--clock", "calls", "--split-loops"],
        &["-u", "0"],
        &["--clock", "odd"],
    ] {
        printed(&mut plain.hprof(["run"].iter().chain(options)))
            .code(2)
            .stdout("");
    }
    printed(&mut plain.hprof(["exec", "--clock", "calls", "true"]))
        .code(2)
        .says("HPROF=calls");
}

#[test]
fn files_that_are_no_profiles_are_refused() {
    let plain = Fixture::own("plain");
    plain.write("empty.hpraw", "");
    plain.write("foreign.hpraw", &"not a profile\n".repeat(1000));
    plain.write("folder/readme", "nothing here");
    plain.write("broken/a.hpraw", "");
    for name in [
        "missing",
        "empty.hpraw",
        "foreign.hpraw",
        "folder",
        "broken",
    ] {
        let show = printed(&mut plain.hprof(["show", name]))
            .code(2)
            .stdout("")
            .says(name);
        assert_eq!(show.messages().len(), 2, "cause and hint: {show:#?}");
    }
}

#[test]
fn nothing_to_show_is_said() {
    let plain = Fixture::own("plain");
    let mut show = plain.hprof(["show"]);
    printed(show.env_remove("HPROF_OUT"))
        .code(2)
        .says("no profile in")
        .says("hprof run");
    printed(&mut plain.hprof(["list"]))
        .code(0)
        .stdout("")
        .says("no profile in");
}

#[test]
fn files_that_cannot_be_annotated_are_told() {
    let annotated = Fixture::shared("annotated");
    printed(&mut annotated.hprof(["run", "--report", "none"])).code(0);
    let mut other = annotated.hprof(["annotate", "tests/counts.rs"]);
    printed(&mut other)
        .code(2)
        .stdout("")
        .says("no function of the file")
        .says("the profile holds functions of src/lib.rs");
    let mut missing = annotated.hprof(["annotate", "src/missing.rs"]);
    printed(&mut missing)
        .code(2)
        .stdout("")
        .says("cannot read src/missing.rs: entity not found")
        .says("the profile holds functions of src/lib.rs");
}
