//! `hprof run --all`: programs whose sources stay as they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixture::{Fixture, Printed, printed};

const WITH_HPROF: (&str, &str) = ("# @DEPENDENCY@", "hprof-core = { path = '@CORE@' }");

fn program() -> Fixture {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("profiler-core");
    let dependency = WITH_HPROF.1.replace("@CORE@", core.to_str().unwrap());
    Fixture::own_with("unedited", &[(WITH_HPROF.0, &dependency)])
}

/// All files of a folder but those of `target`, with their contents.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                waiting.extend(Some(path).filter(|path| !path.ends_with("target")));
            } else {
                files.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    files
}

/// The program as cargo alone builds and runs it.
fn plain(program: &Fixture) -> Printed {
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
    let program = program();
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
        !binary.contains("hprof-all"),
        "the program names the mirror"
    );
    let first = first.says("hprof: instrumented 6 of 8 functions in 2 crates; 1 const; 1 thin; 1 more written inside macros not seen");
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
