//! What the site of a function says: its name, its place and its text.

use super::{expansion, lines, readable::readable};
use insta::assert_snapshot;
use proc_macro2::TokenStream;

/// A fact of the first site in an expansion.
fn fact(tokens: &TokenStream, name: &str) -> String {
    let text = tokens.to_string();
    let (_, rest) = text.split_once(&format!(" {name} : ")).unwrap();
    rest.split(" , ").next().unwrap().to_owned()
}

/// Names of all sites in an expansion.
fn names(item: &str) -> Vec<String> {
    let text = expansion("", item, Some("lines")).to_string();
    let facts = text.split(" name : \"").skip(1);
    facts
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

#[test]
fn a_site_tells_where_its_function_stands() {
    let item = "fn first() {}\n\nfn other() {\n    work();\n}\n";
    let (_, item_alone) = item.split_once("\n\n").unwrap();
    let site = expansion("", item_alone, Some("lines"));
    assert_eq!(fact(&site, "file"), "\"src/main.rs\"");
    assert_eq!(fact(&site, "line"), "1");
    assert_eq!(fact(&site, "column"), "1");
    assert_eq!(fact(&site, "end_line"), "3");
    assert_eq!(fact(&site, "package"), "\"/home/me/package\"");
    assert_eq!(fact(&site, "source"), r#""fn other() {\n    work();\n}""#);
    assert_eq!(fact(&site, "module"), ":: core :: module_path ! ()");
}

#[test]
fn functions_of_an_item_begin_at_their_attributes() {
    let item = "impl Grid {\n    /// Documented.\n    #[inline]\n    pub fn step(&self) {\n        work();\n    }\n}\n";
    let site = expansion("", item, Some("lines"));
    assert_eq!(fact(&site, "line"), "3");
    assert_eq!(fact(&site, "column"), "5");
    assert_eq!(fact(&site, "end_line"), "6");
    assert!(fact(&site, "source").starts_with("\"    #[inline]"));
}

#[test]
fn what_a_tool_has_written_is_no_part_of_the_function() {
    let text = expansion(
        "bulk",
        "pub fn step() { #[::hprof::profile(bulk)] \n    work();\n    work();\n}",
        Some("lines"),
    );
    assert_eq!(
        fact(&text, "source"),
        r#""pub fn step() {\n    work();\n    work();\n}""#
    );
}

#[test]
fn names_say_the_type_where_it_is_seen() {
    assert_eq!(names("fn free() { work(); }"), ["free"]);
    assert_eq!(names("fn r#match() { work(); }"), ["match"]);
    assert_eq!(
        names("impl<T> a::Grid<T> { fn step(&self) { work(); } }"),
        ["Grid::step"]
    );
    assert_eq!(
        names("impl Show for &mut Grid { fn show(&self) { work(); } }"),
        ["&mut Grid::show"]
    );
    assert_eq!(
        names("trait Show { fn show(&self) { work(); } fn hide(&self); }"),
        ["Show::show"]
    );
    let nested = "mod a { fn one() { work(); } mod b { impl X { fn two() { work(); } } } }";
    assert_eq!(names(nested), ["one", "X::two"]);
}

#[test]
fn closures_have_the_name_of_their_function() {
    let item = "fn outer() {\n    run(|| {\n        work();\n    });\n}";
    assert_eq!(names(item), ["outer", "outer"]);
    let text = expansion("", item, Some("lines")).to_string();
    let sources: Vec<&str> = text
        .split(" source : ")
        .skip(1)
        .map(|rest| &rest[..3])
        .collect();
    assert_eq!(sources, ["\"fn", "\"\" "]);
}

#[test]
fn functions_with_their_own_attribute_are_left_to_it() {
    assert_snapshot!(readable(expansion(
        "lines",
        "impl Grid {
    #[profile(calls)]
    fn own(&self) { work(); }
    #[cfg_attr(test, hprof::profile)]
    fn conditional(&self) { work(); }
    fn step(&self) {
        work();
    }
}",
        Some("lines")
    )), @r"
impl Grid {
    #[profile(calls)]
    fn own(&self) {
        work();
    }
    #[cfg_attr(test, hprof::profile)]
    fn conditional(&self) {
        work();
    }
    fn step(&self) {
        static HPROF_SITE_STEP_6: Site = Function(7);
        let frame = enter(&HPROF_SITE_STEP_6);
        M(0);
        work();
    }
}
");
}

#[test]
fn what_cannot_be_instrumented_stays_and_is_noted() {
    assert_snapshot!(lines(
        "mod a {
    const fn constant() -> u32 { 3 }
    #[unsafe(naked)]
    extern \"C\" fn naked() { naked_asm!(\"ret\") }
    #[panic_handler]
    fn panicking(_: &PanicInfo) -> ! { loop {} }
    trait Declared { fn declared(&self); }
    struct Other;
}"
    ), @r#"
mod a {
    const fn constant() -> u32 {
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        #[cfg_attr(target_os = "linux", unsafe(link_section = "hprof_not_measured"))]
        #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,hprof_not_meas"))]
        #[used]
        static HPROF_SITE_CONSTANT_2: &::hprof::__private::NotMeasured = &::hprof::__private::NotMeasured {
            why: ::hprof::__private::WhyNot::Constant,
            module: ::core::module_path!(),
            name: "constant",
            file: "src/main.rs",
            line: 2,
        };
        3
    }
    #[unsafe(naked)]
    extern "C" fn naked() {
        naked_asm!("ret")
    }
    #[panic_handler]
    fn panicking(_: &PanicInfo) -> ! {
        loop {}
    }
    trait Declared {
        fn declared(&self);
    }
    struct Other;
}
const _: () = {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    #[cfg_attr(target_os = "linux", unsafe(link_section = "hprof_not_measured"))]
    #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,hprof_not_meas"))]
    #[used]
    static HPROF_SITE_NAKED_3: &::hprof::__private::NotMeasured = &::hprof::__private::NotMeasured {
        why: ::hprof::__private::WhyNot::Naked,
        module: ::core::module_path!(),
        name: "naked",
        file: "src/main.rs",
        line: 3,
    };
};
"#);
}

/// No stable compiler takes them yet.
#[test]
fn try_blocks_are_not_entered() {
    assert_snapshot!(lines(
        "fn f() -> Option<u32> {
    let tried: Option<u32> = try {
        work()?;
        1
    };
    tried
}"
    ), @r"
fn f() -> Option<u32> {
    static HPROF_SITE_F_1: Site = Function(2, 6, Brace(7));
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    let tried: Option<u32> = try {
        work()?;
        1
    };
    M(1);
    let _brace = brace(2);
    tried
}
");
}

#[test]
fn nested_items_are_not_entered() {
    assert_snapshot!(lines(
        "fn outer() {
    fn inner() {
        work();
    }
    const LIMIT: u32 = {
        3
    };
    let array = [
        0; {
            LIMIT as usize
        }
    ];
    inner();
    struct Local;
    println!(\"{}\", {
        array
    });
}"
    ), @r#"
    fn outer() {
        static HPROF_SITE_OUTER_1: Site = Function(8, 13, 15, Brace(18));
        let frame = enter(&HPROF_SITE_OUTER_1);
        fn inner() {
            work();
        }
        const LIMIT: u32 = { 3 };
        M(0);
        let array = [0; { LIMIT as usize }];
        M(1);
        inner();
        struct Local;
        M(2);
        println!("{}", { array });
        #[allow(unreachable_code)] M(3);
    }
    "#);
}
