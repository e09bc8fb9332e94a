//! `hprof run --all` where programs and what is around them are unusual: kinds of crates, links, stand-ins for the compiler, vendored packages, folders that cannot
//! be written, interruptions.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::fixture::{Fixture, Printed, printed};
use crate::unedited::{files, plain};

const SIMPLE: &str = "edition = \"2021\"\n[workspace]\n";
const MAIN: &str = "fn main() {\n    let sum: u32 = (1..4).sum();\n    println!(\"{sum}\");\n}\n";

/// The same output and code as without hprof, and nothing changed.
fn same(program: &Fixture, options: &[&str]) -> Printed {
    let plainly = plain(program);
    let before = files(program.project());
    let run = printed(&mut program.hprof([&["run", "--all", "--no-fit"], options].concat()));
    assert_eq!(
        (run.code, &run.stdout),
        (plainly.code, &plainly.stdout),
        "{run:#?}"
    );
    assert!(
        files(program.project()) == before,
        "a file of the program changed"
    );
    run
}

/// All files but cargo's list of exact versions, which it writes where there is none.
fn sources(program: &Fixture) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = files(program.project());
    files.remove(&program.project().join("Cargo.lock"));
    files
}

#[track_caller]
fn has_functions(run: &Printed, names: &[&str]) {
    for name in names {
        let line = format!("Function: {name} at line");
        assert!(run.stderr.contains(&line), "{name}: {run:#?}");
    }
}

/// Fat link-time optimisation, `panic = "abort"`, an allocator, a file in two crates, links in the sources, a library for C, and words of 2015.
#[test]
fn unusual_crates_are_measured() {
    let program = Fixture::own_built_with_others("unusual");
    for (name, to) in [
        ("src/linked.rs", "../beside/linked.rs"),
        ("src/deep", "../beside/deep"),
    ] {
        symlink(to, program.project().join(name)).unwrap();
    }
    let run = same(&program, &["--locked", "--offline"]).code(0);
    has_functions(
        &run,
        &["shared", "of_library", "through_file", "through_folder"],
    );
    has_functions(&run, &["lowest", "main", "plugged"]);
    run.says("hprof: senior::sum is not measured, for it does not compile with the attribute: ")
        .says("hprof: instrumented 11 of 12 functions in 4 crates");
}

/// A library that is loaded has no room for the recorder, and the program that loads it has.
#[test]
fn programs_that_load_libraries_of_rust_are_measured() {
    let program = Fixture::written(
        "loading",
        "edition = \"2021\"\n[dependencies]\nloaded = { path = \"loaded\" }\n[workspace]\n",
        &[
            (
                "src/main.rs",
                "fn main() {\n    let four = loaded::next(3);\n    println!(\"{four}\");\n}\n",
            ),
            (
                "loaded/Cargo.toml",
                "[package]\nname = \"loaded\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\ncrate-type = [\"dylib\"]\n",
            ),
            (
                "loaded/src/lib.rs",
                "pub fn next(value: u32) -> u32 {\n    let next = value + 1;\n    next\n}\n",
            ),
        ],
    );
    let run = same(&program, &[]).code(0);
    has_functions(&run, &["main"]);
    run.says("hprof: instrumented 1 of 2 functions in 2 crates")
        .says("hprof: the crate loaded (1 function) is not measured, for it is a library that is loaded when a program starts (dylib)");
}

/// Another stand-in for the compiler is named and not called, whether it is there or not.
#[test]
fn other_stand_ins_are_left_out_and_named() {
    let program = Fixture::written("standing", SIMPLE, &[("src/main.rs", MAIN)]);
    let (script, called) = (program.path("cache"), program.path("called"));
    let text = format!(
        "#!/bin/sh\necho \"$@\" >> '{}'\nexec \"$@\"\n",
        called.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    for wrapper in [script.as_path(), &program.path("missing")] {
        for variable in ["RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
            let mut command = program.hprof(["run", "--all", "--report=none"]);
            let run = printed(command.env(variable, wrapper)).code(0);
            let left_out = format!("hprof: {} is left out of this build", wrapper.display());
            assert_eq!(run.says(&left_out).stdout, "6\n");
        }
    }
    assert!(!called.exists(), "{}", fs::read_to_string(called).unwrap());
}

/// Packages beside the sources are those of the program: what the recorder depends on is not among them.
#[test]
fn vendored_packages_are_the_programs_own() {
    let manifest = "edition = \"2021\"\n[dependencies]\nstrsim = \"0.11\"\n[workspace]\n";
    let main = "fn main() {\n    let far = strsim::hamming(\"ab\", \"ac\");\n    println!(\"{far:?}\");\n}\n";
    let program = Fixture::written("vendored", manifest, &[("src/main.rs", main)]);
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
    fs::copy(lock, program.project().join("Cargo.lock")).unwrap();
    let mut vendor = Command::new("cargo");
    vendor
        .args(["vendor", "--offline", "--quiet"])
        .current_dir(program.project());
    let vendored = printed(&mut vendor).code(0);
    program.write(
        ".cargo/config.toml",
        "[source.crates-io]\nreplace-with = \"beside\"\n[source.beside]\ndirectory = \"vendor\"\n",
    );
    assert!(
        program.project().join("vendor/strsim").exists(),
        "{vendored:#?}"
    );
    let run = same(&program, &["--locked"]).code(0);
    has_functions(&run, &["main"]);
    let all = printed(&mut program.hprof(["run", "--dependencies", "--no-fit"])).code(0);
    has_functions(&all, &["main", "generic_hamming"]);
}

/// What this compiler does not know is cargo's to tell, once.
#[test]
fn a_crate_for_another_compiler_is_cargos_message_and_code() {
    let main = format!("#![feature(never_type)]\n{MAIN}");
    let program = Fixture::written("unstable", SIMPLE, &[("src/main.rs", &main)]);
    let run = printed(&mut program.hprof(["run", "--all"])).code(101);
    let run = run.says("hprof: the build failed, so nothing was run");
    assert_eq!(run.stderr.matches("error[E0").count(), 1, "{run:#?}");
    assert!(run.stderr.contains("src/main.rs:1:1"), "{run:#?}");
    assert!(!run.stderr.contains("mirrors"), "{run:#?}");
}

#[test]
fn a_target_folder_that_is_none_is_told_at_once() {
    let program = Fixture::written("placeless", SIMPLE, &[("src/main.rs", MAIN), ("file", "")]);
    let before = sources(&program);
    let place = program.project().join("file");
    let mut command = program.hprof(["run", "--all", "-o", "/dev/null"]);
    printed(command.env("CARGO_TARGET_DIR", &place))
        .code(2)
        .says("hprof: ")
        .says("not a directory")
        .says("hprof: hint: ");
    assert!(sources(&program) == before, "a file of the program changed");
}

/// While the program is built, and while the recorder is.
#[test]
fn an_interrupted_build_leaves_nothing() {
    let waits = "fn main() {\n    let mark = std::path::Path::new(\"MARK\");\n    if std::env::var_os(\"WAIT\").is_some() {\n        \
        std::fs::write(mark, \"\").unwrap();\n        std::thread::sleep(std::time::Duration::from_secs(60));\n    }\n    \
        println!(\"cargo::rerun-if-env-changed=WAIT\");\n}\n";
    let program = Fixture::written("patient", SIMPLE, &[("src/main.rs", MAIN)]);
    let mark = program.path("mark");
    program.write("build.rs", &waits.replace("MARK", mark.to_str().unwrap()));
    let before = sources(&program);
    let mut command = program.hprof(["run", "--all"]);
    command.env("WAIT", "1").process_group(0);
    let running = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !mark.exists() {
        assert!(
            started.elapsed() < Duration::from_secs(300),
            "it is not built"
        );
        thread::sleep(Duration::from_millis(50));
    }
    let mut kill = Command::new("kill");
    printed(kill.args(["-2", "--", &format!("-{}", running.id())])).code(0);
    let ended = Printed::from(running.wait_with_output().unwrap()).code(130);
    ended.says("hprof: stopped before the program was started");
    assert!(sources(&program) == before, "a file of the program changed");
    let run = printed(&mut program.hprof(["run", "--all", "--report=none"])).code(0);
    assert_eq!(run.stdout, "6\n");
}
