//! `hprof run --all`: programs whose sources stay as they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fixture::{Fixture, Printed, printed};

/// A program for one test at a time: each builds it in another way.
fn program() -> (MutexGuard<'static, ()>, Fixture) {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    (alone, Fixture::shared("unedited"))
}

/// All files of a folder but those of `target`, with their contents.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let kind = entry.file_type().unwrap();
            if kind.is_symlink() {
                let to = fs::read_link(&path).unwrap();
                files.insert(path, to.into_os_string().into_encoded_bytes());
            } else if kind.is_dir() {
                waiting.extend(Some(path).filter(|path| !path.ends_with("target")));
            } else {
                files.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    files
}

/// The program as cargo alone builds and runs it.
pub(crate) fn plain(program: &Fixture) -> Printed {
    let mut command = Command::new("cargo");
    command.args(["run", "--offline", "--quiet", "--release"]);
    printed(
        command
            .current_dir(program.project())
            .env("CARGO_TARGET_DIR", program.target()),
    )
}

/// The lines of the panic, which tell where it was.
fn panic_lines(printed: &Printed) -> Vec<&str> {
    let lines = printed.stderr.lines();
    let places = lines.filter_map(|line| {
        let (_, place) = line.split_once(" panicked at ").unwrap_or(("", line));
        place.starts_with("src/../other/place.rs:").then_some(place)
    });
    places.collect()
}

#[test]
fn nothing_changes_but_what_is_measured() {
    let (_alone, program) = program();
    let plainly = plain(&program).code(3);
    let before = files(program.project());
    let first = printed(&mut program.hprof(["run", "--all"])).code(3);
    assert_eq!(first.stdout, plainly.stdout);
    assert_eq!(panic_lines(&first), panic_lines(&plainly));
    assert!(!panic_lines(&first).is_empty(), "{first:#?}");
    assert!(
        files(program.project()) == before,
        "a file of the program changed"
    );
    let binary = program.target().join(host()).join("hprof/unedited");
    let binary = String::from_utf8_lossy(&fs::read(binary).unwrap()).into_owned();
    assert!(
        !binary.contains("hprof-all/mirrors"),
        "the program names the mirror"
    );
    let first = first.says("hprof: instrumented 7 of 11 functions in 5 crates; 1 const; 2 thin; 1 more written inside macros not seen");
    for (function, line) in [
        ("sum", "sum += inner::same(*value);"),
        ("included", "let doubled = value * 2;"),
        ("area", "let area = side * double(side);"),
        ("fails", "panic!(\"at {place}\");"),
    ] {
        let first_line = format!("Function: {function} at line");
        assert!(first.stderr.contains(&first_line), "{function}: {first:#?}");
        assert!(first.stderr.contains(line), "{line}: {first:#?}");
    }
    // Its root cannot declare the recorder's crate.
    let first = first.says("hprof: the crate taken (1 function) is not measured, for it does not compile with the attribute: ");
    let first = first.says("hprof: the crate borrowing (1 function) is not measured, for it depends on a crate called hprof that is not the recorder");
    // The parser of the attribute knows the language of today alone.
    let first = first
        .says("hprof: old::async is not measured, for it does not compile with the attribute: ");
    assert!(!first.stderr.contains("hprof::profile"), "{first:#?}");
    let second = printed(&mut program.hprof(["run", "--all"])).code(3);
    assert!(!second.stderr.contains("Compiling"), "{second:#?}");
    // Both kinds of builds stand side by side.
    let mut command = program.hprof(["run"]);
    let without = printed(&mut command).code(3).says("nothing was recorded");
    assert_eq!(without.stdout, plainly.stdout);
    let third = printed(&mut program.hprof(["run", "--all"])).code(3);
    assert!(!third.stderr.contains("Compiling"), "{third:#?}");
}

fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.unwrap().to_owned()
}

/// The program, its dependencies all instrumented, and one of them.
#[test]
fn dependencies_are_measured_if_asked_for() {
    let program = Fixture::shared("dependent");
    let plainly = plain(&program).code(0);
    let before = files(program.project());
    let own = printed(&mut program.hprof(["run", "--all"])).code(0);
    let own = own.says("hprof: instrumented 1 of 1 function in 1 crate");
    assert!(!own.stderr.contains("Function: sum at line"), "{own:#?}");
    let first = printed(&mut program.hprof(["run", "--dependencies", "--no-fit"])).code(0);
    assert_eq!(first.stdout, plainly.stdout);
    assert!(files(program.project()) == before, "a file changed");
    let first = first.says("hprof: the crate taken (1 function) is not measured, for it does not compile with the attribute: ");
    assert!(first.stderr.contains(" in 5 crates"), "{first:#?}");
    for function in ["main", "twice", "sum", "place", "generic_levenshtein"] {
        let first_line = format!("Function: {function} at line");
        assert!(first.stderr.contains(&first_line), "{function}: {first:#?}");
    }
    let second = printed(&mut program.hprof(["run", "--dependencies", "--no-fit"])).code(0);
    assert!(!second.stderr.contains("Compiling"), "{second:#?}");
    // What stands between it and the program is as it was.
    let one = printed(&mut program.hprof(["run", "--dependencies=inner", "--no-fit"])).code(0);
    assert_eq!(one.stdout, plainly.stdout);
    let one = one.says("hprof: instrumented 2 of 2 functions in 2 crates");
    assert!(one.stderr.contains("Function: sum at line"), "{one:#?}");
    assert!(!one.stderr.contains("Function: twice at line"), "{one:#?}");
    let third = printed(&mut program.hprof(["run", "--all"])).code(0);
    assert!(!third.stderr.contains("Compiling"), "{third:#?}");
    let chosen = ["run", "--functions", "strsim::*,-main", "--dependencies"];
    let chosen = printed(&mut program.hprof(chosen)).code(0);
    assert!(!chosen.stderr.contains("Function: main"), "{chosen:#?}");
    printed(&mut program.hprof(["run", "--dependencies=iner"]))
        .code(2)
        .says("hprof: the program has no dependency called iner")
        .says("hprof: hint: near names: inner");
    printed(&mut program.hprof(["run", "--functions", "strsim::*"]))
        .code(2)
        .says("hprof: no function of the workspace matches strsim::*")
        .says("hprof: hint: strsim is a dependency: add --dependencies=strsim");
}

#[test]
fn a_program_that_uses_hprof_keeps_its_own() {
    let annotated = Fixture::shared("annotated");
    let run = printed(&mut annotated.hprof(["run", "--all"])).code(0);
    assert_eq!(run.stdout, "9\n");
    let run = run.says("hprof: instrumented 5 of 5 functions in 2 crates; 1 thin");
    for function in ["count", "main"] {
        assert!(
            run.stderr
                .contains(&format!("Function: {function} at line")),
            "{run:#?}"
        );
    }
    assert!(run.stderr.contains("1 thin function"), "{run:#?}");
}

#[test]
fn functions_are_chosen_by_patterns() {
    let (_alone, program) = program();
    let chosen = ["run", "--functions", "shapes::*,included"];
    let run = printed(&mut program.hprof(chosen)).code(3);
    let run = run.says("hprof: instrumented 2 of 11 functions in 5 crates; 1 const; ");
    assert!(!run.stderr.contains("Function: main"), "{run:#?}");
    let suggest = printed(&mut program.hprof(["suggest"])).code(0);
    let pattern = suggest.stdout.rsplit_once("--functions '");
    let (pattern, _) = pattern.unwrap().1.split_once('\'').unwrap();
    printed(&mut program.hprof(["run", "--functions", pattern]))
        .code(3)
        .says(" of 11 functions in 5 crates");
    let without = printed(&mut program.hprof(["run", "--functions", "-unedited::*"])).code(3);
    let without = without.says("hprof: instrumented 3 of 11 functions");
    assert!(
        without.stderr.contains("Function: sum at line"),
        "{without:#?}"
    );
    printed(&mut program.hprof(["run", "--functions", "shapes::aera"]))
        .code(2)
        .says("hprof: no function of the workspace matches shapes::aera")
        .says("hprof: hint: near names: unedited::shapes::area");
}

#[test]
fn tests_and_examples_are_measured_too() {
    let (_alone, program) = program();
    let tests = printed(&mut program.hprof(["test", "--all", "--test", "whole"])).code(0);
    assert!(tests.stderr.contains("Function: sum at line"), "{tests:#?}");
    assert!(
        tests.stderr.contains("Function: area at line"),
        "{tests:#?}"
    );
    let documented = printed(&mut program.hprof(["test", "--all", "-p", "old", "--doc"])).code(0);
    assert!(documented.stdout.contains("1 passed"), "{documented:#?}");
    let example = printed(&mut program.hprof(["run", "--all", "--example", "small"])).code(0);
    assert_eq!(example.stdout, "9\n");
    assert!(example.stderr.contains("examples/small.rs"), "{example:#?}");
}

#[test]
fn a_build_that_fails_by_itself_says_so_in_its_own_words() {
    let program = Fixture::own_with("plain", &[("name = \"plain\"", "name = \"broken\"")]);
    program.write(
        "src/main.rs",
        "fn main() {\n    wrong(1);\n}\nfn wrong(value: u32) {\n    let _: u8 = value;\n}\n",
    );
    let target = Fixture::shared("annotated").target().to_owned();
    let mut command = program.hprof(["run", "--all"]);
    let run = printed(command.env("CARGO_TARGET_DIR", &target)).code(101);
    let run = run.says("the build failed, so nothing was run");
    assert!(run.stderr.contains("src/main.rs:5:17"), "{run:#?}");
    assert!(
        !run.stderr.contains("hprof::profile") && !run.stderr.contains("mirrors"),
        "{run:#?}"
    );
    program.write("hprof.toml", "function = '*'\n");
    let mut command = program.hprof(["run", "--all"]);
    printed(command.env("CARGO_TARGET_DIR", &target))
        .code(2)
        .says("hprof.toml: there is no key `function`")
        .says("hprof: hint: is `functions` meant?");
}
