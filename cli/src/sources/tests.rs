//! Functions of source texts, and files that are none.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::time::Instant;

use super::*;

#[path = "../../../profiler-core/tests/fuzz/tally.rs"]
mod tally;

/// A package with these files, and its sources.
fn package(files: &[(&str, &str)]) -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Cargo.toml"), "").unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut profile = Profile::default();
    profile.run.source_root = Some(folder.path().to_str().unwrap().to_owned());
    let sources = Sources::of(&profile);
    (folder, sources)
}

fn at(text: &str, line: u32) -> Option<(String, u32)> {
    let (_folder, sources) = package(&[("x.rs", text)]);
    let found = sources.function("x.rs", line)?;
    Some((found.name, found.line))
}

#[test]
fn the_innermost_function_around_a_line_is_found() {
    let text = "#[inline]\npub(crate) fn sum<T>() {\n    1;\n    (0..2).map(|n| {\n        n + 1\n    });\n\
                fn inner() {\n        2;\n    }\n}\nimpl<T> a::Field<T> {\n    fn advance(&self) {}\n}\n\
                trait Step {\n    fn step() {\n    }\n    fn none();\n}\nstruct S;\n";
    assert_eq!(at(text, 3), Some(("sum".into(), 2)));
    assert_eq!(at(text, 5), Some(("sum".into(), 2)), "a closure");
    assert_eq!(at(text, 8), Some(("inner".into(), 7)));
    assert_eq!(at(text, 10), Some(("sum".into(), 2)));
    assert_eq!(at(text, 12), Some(("Field::advance".into(), 12)));
    assert_eq!(at(text, 16), Some(("Step::step".into(), 15)));
    assert_eq!(at(text, 17), None);
    assert_eq!(at(text, 19), None);
}

#[test]
fn heads_of_every_shape_are_understood() {
    for (text, expected) in [
        (
            "impl Iterator for Rows<'_> { fn next(&mut self) {",
            "Rows::next",
        ),
        (
            "impl<T: Fn(u8) -> u8> Step for a::b::Grid<T> where T: Copy { fn go() {",
            "Grid::go",
        ),
        ("impl<T> Step for [T] { fn go() {", "go"),
        ("impl Step for &Grid { fn go() {", "go"),
        ("impl dyn Step { fn go() {", "go"),
        ("impl !Send for Grid { fn go() {", "Grid::go"),
        ("pub trait Big<T>: Small where T: A { fn go() {", "Big::go"),
        ("mod m { impl A { fn f() { fn inner() {", "inner"),
        (
            "fn apply(f: fn(u8) -> u8) -> impl Iterator<Item = u8> {",
            "apply",
        ),
        (
            "fn array<const N: usize>() -> A<{ N + 1 }> where A<N>: B {",
            "array",
        ),
        ("unsafe extern \"C\" fn r#match() {", "match"),
        (
            "fn a() { let t = '{'; let s = \"}}\\\"\"; let r = r##\"\"# }\"##; /* } /* } */ */ // }\n",
            "a",
        ),
        (
            "fn b<'a>(x: &'a u8) { 'outer: loop { if x < y { break 'outer } let c = '\\''; }",
            "b",
        ),
    ] {
        let open = scan_depth(text);
        let whole = format!("{text}\n here \n{}", "}".repeat(open));
        let line = u32::try_from(text.lines().count()).unwrap() + 1;
        let found = at(&whole, line).map(|(name, _)| name);
        assert_eq!(found.as_deref(), Some(expected), "{whole}");
    }
}

/// How many braces a text of the test above leaves open.
fn scan_depth(text: &str) -> usize {
    (1..9)
        .find(|depth| !functions(&format!("{text}\n{}", "}".repeat(*depth))).is_empty())
        .unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn a_text_whose_brackets_do_not_match_has_no_functions() {
    for text in [
        "fn f() { 1 +",
        "fn f() { ) }",
        "fn f() {} }",
        "\u{0}",
        "fn f() { \"",
        "r#",
    ] {
        assert!(functions(text).is_empty(), "{text:?}");
    }
}

/// 200,000 brackets overflowed the stack of a parser; so do long chains of other things.
#[test]
fn no_depth_overflows_the_stack() {
    for part in [
        "(",
        "{",
        "[",
        "&",
        "!",
        "a.",
        "f(|x|",
        "/*",
        "Vec<",
        "return ",
        "if a {} else ",
    ] {
        let text = format!("fn f() {{ {} }}", part.repeat(200_000));
        assert!(functions(&text).len() < 2, "{part}");
    }
    let nested = format!("{}{}", "fn f() {".repeat(300), "}".repeat(300));
    assert_eq!(functions(&nested).len(), 300);
}

#[test]
fn only_regular_rust_files_of_the_package_are_read() {
    let (outside, _) = package(&[("y.rs", "fn f() {\n}\n")]);
    let (folder, sources) = package(&[("x.rs", "fn f() {\n}\n"), ("x.txt", "fn f() {\n}\n")]);
    let place = |name: &str| folder.path().join(name);
    let named = |name: &str| sources.function(name, 1).is_some();
    assert!(named("x.rs") && named(place("x.rs").to_str().unwrap()));
    symlink("x.rs", place("link.rs")).unwrap();
    assert!(named("link.rs"));
    symlink(outside.path().join("y.rs"), place("leads_out.rs")).unwrap();
    symlink("/dev/zero", place("zero.rs")).unwrap();
    let pipe = std::process::Command::new("mkfifo")
        .arg(place("pipe.rs"))
        .status();
    assert!(pipe.unwrap().success());
    let long = File::create(place("long.rs")).unwrap();
    long.set_len(1 << 40).unwrap();
    let begun = Instant::now();
    for name in [
        "leads_out.rs",
        "zero.rs",
        "pipe.rs",
        "long.rs",
        "x.txt",
        "missing.rs",
        ".",
    ] {
        assert!(!named(name), "{name}");
    }
    let absolute = outside.path().join("y.rs");
    assert!(!named(absolute.to_str().unwrap()));
    assert!(begun.elapsed().as_secs() < 5);
}

/// Texts that are almost Rust: the scanner never panics, and each function lies in the one around.
#[test]
fn almost_sound_texts_do_no_harm() {
    let seconds: f64 = env::var("HPROF_FUZZ_SECONDS").map_or(0.2, |text| text.parse().unwrap());
    let seed = include_str!("scan.rs");
    let parts = [
        "{", "}", "(", ")", "\"", "'", "/*", "*/", "r#\"", "fn ", "impl ", "\u{fffd}", "\n", "<",
        ">",
    ];
    let mut random = 88_172_645_463_325_252_u64;
    let mut below = |end: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 11).unwrap() % end.max(1)
    };
    let (begun, mut runs) = (Instant::now(), 0_u64);
    while begun.elapsed().as_secs_f64() < seconds {
        let start = below(seed.len() - 2000);
        let mut text: String = seed.chars().skip(start).take(below(2000)).collect();
        for _ in 0..below(6) {
            let place = text
                .char_indices()
                .map(|(at, _)| at)
                .nth(below(2000))
                .unwrap_or(text.len());
            text.insert_str(place, parts[below(parts.len())]);
        }
        let found = functions(&text);
        for line in [1, 5, 40, u32::MAX] {
            assert!(
                innermost(&found, line).is_none_or(|span| span.start <= line && line <= span.end)
            );
        }
        runs += 1;
    }
    assert!(runs > 0);
    tally::tell("sources", runs, "");
}
