use std::fs;

use super::{Crate, Edition, Injected, Kind, Source, inject};

fn injected(text: &str) -> Injected {
    let injected = inject(text, Kind::ByHand).unwrap();
    assert_eq!(injected.text.lines().count(), text.lines().count());
    injected
}

#[test]
fn attribute_goes_behind_the_token_before_a_function() {
    let text = "//! Größe.\n\nuse a::b;\n\n/// Adds.\n#[inline]\npub fn f() { fn g() {} }\n";
    assert_eq!(
        injected(text).text,
        "//! Größe.\n\nuse a::b; #[::hprof::profile] \n\n/// Adds.\n#[inline]\npub fn f() { #[::hprof::profile]  fn g() {} }\n"
    );
}

#[test]
fn first_function_of_a_file_may_follow_a_comment() {
    assert_eq!(
        injected("// a\nfn f() {}").text,
        " #[::hprof::profile] // a\nfn f() {}"
    );
    assert_eq!(
        injected("//! a\nfn f() {}").text,
        "//! a\n #[::hprof::profile] fn f() {}"
    );
}

#[test]
fn methods_get_it_and_declarations_do_not() {
    let found =
        injected("trait T { fn a(); fn b() {} } impl T for () { const fn a() {} fn c() {} }");
    assert_eq!(found.text.matches("::hprof").count(), 3);
    assert_eq!(found.functions, 2);
}

#[test]
fn in_bulk_the_attribute_says_so() {
    let found = inject("//! a\nfn f() {}", Kind::Bulk).unwrap();
    assert_eq!(found.text, "//! a\n #[::hprof::profile(bulk)] fn f() {}");
}

#[test]
fn text_that_is_not_rust_is_left_alone() {
    assert_eq!(inject("fn f( {", Kind::ByHand), None);
    assert_eq!(inject("fn f() }", Kind::Bulk), None);
}

fn paths(text: &str, edition: Edition) -> Vec<String> {
    let source = Source::parse(text, edition).unwrap();
    let functions = source.functions.into_iter();
    functions.map(|function| function.path).collect()
}

#[test]
fn functions_are_called_by_the_modules_and_types_around() {
    let text = "mod m { impl<T> a::B<T> { fn c() { fn d() {} } } impl E for &F { fn g() {} } trait H { fn i() {} } }";
    assert_eq!(
        paths(text, Edition::Later),
        ["m::B::c", "m::B::c::d", "m::F::g", "m::H::i"]
    );
}

#[test]
fn what_an_author_annotated_and_what_cannot_be_measured_is_known() {
    let text = "#[hprof::profile]\nimpl A { fn b() {} }\n#[profile] fn c() {}\n#[unsafe(naked)] extern \"C\" fn d() {}\nconst fn e() {}\nfn f() {}";
    let source = Source::parse(text, Edition::Later).unwrap();
    let known: Vec<_> = source
        .functions
        .iter()
        .map(|function| (&*function.path, function.is_annotated, function.is_const))
        .collect();
    assert_eq!(
        known,
        [
            ("A::b", true, false),
            ("c", true, false),
            ("e", false, true),
            ("f", false, false)
        ]
    );
    assert_eq!(source.functions[0].lines, (2, 2));
}

#[test]
fn functions_of_cfg_if_are_found_and_those_of_other_macros_counted() {
    let text = "cfg_if::cfg_if! { if #[cfg(unix)] { fn a() {} mod b; } else { fn a() {} } }\nmacro_rules! m { () => { fn c() {} fn $d() {} } }";
    let source = Source::parse(text, Edition::Later).unwrap();
    assert_eq!(source.functions.len(), 2);
    assert_eq!(source.in_macros, 2);
}

#[test]
fn names_of_the_first_edition_are_no_keywords() {
    let text = "fn async(dyn: u8) { let dyn = 1; let y: Box<dyn ::T>; let x: Box<dyn T> = f(dyn); try.await; }";
    assert!(Source::parse(text, Edition::Later).is_none());
    let source = Source::parse(text, Edition::First).unwrap();
    assert_eq!(source.functions[0].path, "async");
    let root = |text: &str| {
        let source = Source::parse(text, Edition::First).unwrap();
        source.inject_root(text, Kind::Bulk, |_| true)
    };
    assert_eq!(
        root("#![a]\n//! Doc.\n// b\nfn f() {}"),
        "#![a]\n//! Doc.\n extern crate hprof;  #[::hprof::profile(bulk)] // b\nfn f() {}"
    );
    assert_eq!(
        root("fn f() {}"),
        " extern crate hprof;  #[::hprof::profile(bulk)] fn f() {}"
    );
}

#[test]
fn byte_order_mark_and_the_line_for_the_shell_stay_first() {
    let text = "\u{feff}#!/usr/bin/env run\nfn f() {}\r\nfn g() {}";
    assert_eq!(
        injected(text).text,
        "\u{feff}#!/usr/bin/env run\n #[::hprof::profile] fn f() {} #[::hprof::profile] \r\nfn g() {}"
    );
    let source = Source::parse(text, Edition::Later).unwrap();
    assert_eq!(source.functions[1].lines, (3, 3));
    assert!(
        injected("#![allow(x)]\nfn f() {}")
            .text
            .starts_with("#![allow(x)] #")
    );
}

#[test]
fn files_of_a_crate_are_found_from_its_root() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "src/main.rs",
        "mod a; mod b { mod c; } #[path = \"../other/d.rs\"] mod d; #[cfg_attr(unix, path = \"e_unix.rs\")] mod e;\n\
         some! { mod f; } include!(\"g.rs\"); const H: &str = include_str!(\"h.rs\"); mod h; mod missing; const J: u8 = include!(\"j.rs\"); mod k;",
    );
    write("src/a.rs", "mod inner;");
    write("src/a/inner.rs", "fn x() {}");
    write("src/b/c/mod.rs", "mod below;");
    write("src/b/c/below.rs", "");
    write("other/d.rs", "mod beside;");
    write("other/beside.rs", "");
    write("src/e_unix.rs", "");
    write("src/f.rs", "");
    write("src/g.rs", "fn y() {}");
    write("src/h.rs", "");
    write("src/j.rs", "1 + 1");
    write("src/k.rs", "fn {");
    let found = Crate::read("krate", &folder.path().join("src/main.rs"), Edition::Later);
    let modules: Vec<_> = found.files.iter().map(|file| &*file.module).collect();
    assert_eq!(
        modules,
        [
            "krate",
            "krate::a",
            "krate::a::inner",
            "krate::b::c",
            "krate::b::c::below",
            "krate::d",
            "krate::d::beside",
            "krate::e",
            "krate::f",
            "krate"
        ]
    );
    assert_eq!(found.unreadable, [folder.path().join("src/k.rs")]);
}
