//! Small crates, and the circles between their files.

use std::fs;

use super::{Imports, directions};

fn imports(files: &[(&str, &str)]) -> Imports {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Imports::read(folder.path()).unwrap()
}

/// The circles of a crate with these files, each as the pairs of files that make it one.
fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let circles = imports(files).circles();
    let pairs = |circle: &String| {
        let lines = circle.lines().skip(1);
        lines
            .map(|line| line.split(':').next().unwrap().trim().to_owned())
            .collect()
    };
    circles.iter().map(pairs).collect()
}

const A_AND_B: [&str; 2] = ["a.rs -> b.rs", "b.rs -> a.rs"];

#[test]
fn two_files_that_import_each_other_are_a_circle() {
    let root = ("lib.rs", "mod a; mod b;");
    let a = ("a.rs", "use crate::b::{B, self as other}; pub struct A;");
    assert_eq!(
        circles(&[root, a, ("b.rs", "use super::a::A; pub struct B;")]),
        [A_AND_B]
    );
    assert!(circles(&[root, a, ("b.rs", "pub struct B;")]).is_empty());
}

#[test]
fn paths_in_code_and_in_macros_are_imports() {
    let root = ("lib.rs", "mod a; mod b;");
    let a = ("a.rs", "pub fn a() { crate::b::b(); }");
    let macro_in_b = "pub fn b() { assert!([super::a::a()].len() == 1); }";
    assert_eq!(circles(&[root, a, ("b.rs", macro_in_b)]), [A_AND_B]);
    let lint_in_b = "#[expect(crate::a::a)] pub(in crate::a) fn b() {}";
    assert!(circles(&[root, a, ("b.rs", lint_in_b)]).is_empty());
}

#[test]
fn a_path_through_an_imported_module_leads_to_its_file() {
    let root = ("lib.rs", "mod a; mod b;");
    let a = ("a.rs", "use crate::b; pub fn a() { b::b(); }");
    let b = "use crate::a; pub fn b() { let f = a::a; f(); }";
    assert_eq!(circles(&[root, a, ("b.rs", b)]), [A_AND_B]);
}

#[test]
fn what_is_re_exported_counts_for_the_file_that_defines_it() {
    let root = ("lib.rs", "mod m;");
    let front = ("m/mod.rs", "mod a; mod b; pub use a::A; pub use b::*;");
    let a = ("m/a.rs", "use super::B; pub struct A;");
    let found = circles(&[root, front, a, ("m/b.rs", "use crate::m::A; pub struct B;")]);
    assert_eq!(found, [["m/a.rs -> m/b.rs", "m/b.rs -> m/a.rs"]]);
    assert!(circles(&[root, front, a, ("m/b.rs", "pub struct B;")]).is_empty());
}

#[test]
fn a_child_that_needs_its_parent_which_needs_it_is_a_circle() {
    let parent = "mod child; pub struct Parent(child::Child);";
    let child = "use super::Parent; pub struct Child(Box<Parent>);";
    let found = circles(&[
        ("lib.rs", "mod parent;"),
        ("parent.rs", parent),
        ("parent/child.rs", child),
    ]);
    let pairs = [
        "parent.rs -> parent/child.rs",
        "parent/child.rs -> parent.rs",
    ];
    assert_eq!(found, [pairs]);
}

#[test]
fn tests_may_import_what_they_like() {
    let a = "use crate::b::B; #[cfg(test)] mod tests { use crate::b; }";
    let b = "pub struct B; #[cfg(all(test, unix))] use crate::a::A; pub fn b() { #[cfg(test)] if crate::a::is() {} }";
    let files = [("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", b)];
    assert!(circles(&files).is_empty());
}

#[test]
fn a_circle_of_three_is_one_and_names_no_bystander() {
    let found = circles(&[
        ("lib.rs", "mod a; mod b; mod c; mod d; pub use d::D;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "use crate::c::C; use crate::D; pub struct B;"),
        ("c.rs", "use crate::a::A; pub struct C;"),
        ("d.rs", "pub struct D;"),
    ]);
    let pairs = ["a.rs -> b.rs", "b.rs -> c.rs", "c.rs -> a.rs"];
    assert_eq!(found, [pairs]);
}

#[test]
fn a_room_that_must_not_be_known_is_told() {
    let found = imports(&[
        ("lib.rs", "mod text; mod view; mod tables;"),
        ("text.rs", "pub mod width;"),
        ("text/width.rs", "use crate::view::shown;"),
        ("view/mod.rs", "pub mod line; pub fn shown() {}"),
        ("view/line.rs", "use crate::text::width;"),
        ("tables.rs", "use crate::view::shown;"),
    ]);
    let told = found.forbidden("reports");
    assert_eq!(
        told,
        ["text/width.rs -> view/mod.rs: crate::view::shown (line 1)"]
    );
    assert!(found.forbidden("injector").is_empty());
}

#[test]
fn rooms_are_folders_or_files() {
    let is_forbidden =
        |from: &str, to: &str| directions::is_forbidden("reports", from.as_ref(), to.as_ref());
    assert!(is_forbidden("view/stacks.rs", "check.rs"));
    assert!(is_forbidden("view/stacks.rs", "diff/table.rs"));
    assert!(!is_forbidden("viewer/stacks.rs", "check.rs"));
    assert!(!is_forbidden("tables/line_table.rs", "view/line.rs"));
}
