//! Which functions are thin, and what becomes of them.

use super::{expansion, messages, readable::readable};
use insta::assert_snapshot;

/// Which of the methods of an `impl` are thin, in order.
fn thin(args: &str, methods: &[&str]) -> Vec<bool> {
    let is_thin = |method: &&str| {
        let item = format!("impl Grid {{ {method} }}");
        let text = expansion(args, &item, Some("lines")).to_string();
        assert!(text.contains("HPROF_SITE"), "{text}");
        text.contains("thin_call")
    };
    methods.iter().map(is_thin).collect()
}

const SMALL: [&str; 17] = [
    "fn len(&self) -> usize { self.cells.len() }",
    "fn bump(&mut self) { self.at += 1; }",
    "fn at(&self, row: usize) -> f64 { self.cells[row * self.width] }",
    "fn nothing(&self) {}",
    "fn new(width: usize) -> Self { Self { width, cells: [0.0; 4] } }",
    "fn wrapped(&self) -> Option<Box<u32>> { Some(Box::new(1)) }",
    "fn kind(self) -> u8 { match self { Self::A => 1, Self::B(x) => x } }",
    "fn min(a: u32, b: u32) -> u32 { if a < b { a } else { b } }",
    "fn raw(&self) -> u8 { unsafe { *self.start.add(1) } }",
    "fn first(&self) -> Option<u8> { Some(self.bytes.first()?) }",
    "fn bound(&self) { let _ = self.check(); }",
    "fn mixed(x: u64) -> u64 { let y = x ^ (x >> 33); let z = y * 7; z + y }",
    "fn set(&mut self, x: f64) { self.x = x; self.y = -x; self.pair = (x, self.y as u8); }",
    "#[inline(always)] fn two(&self) -> u32 { let a = self.f(); self.g(a) }",
    "unsafe fn get<T: Copy>(&self, at: *const T) -> T { *at }",
    "fn iter(&self) -> impl Iterator<Item = &u8> { self.bytes.iter() }",
    "fn times(self, other: Self) -> Self { Self(self.0 * other.0, self.1 * other.1) }",
];

const LARGE: [&str; 16] = [
    "fn two(&self) -> usize { self.cells.iter().count() }",
    "fn sum(&self) -> u32 { let mut sum = 0; for x in self.x { sum += x; } sum }",
    "fn once(&self) { for x in self.x { } }",
    "fn lazily(&self) -> u32 { self.get_or(|| 3) }",
    "fn said(&self) { println!(\"x\") }",
    "fn made(&self) -> Vec<u8> { vec![1] }",
    "fn both(&self) { work(); self.rest(); }",
    "fn hidden(&self, x: u32) -> u32 { if x == 0 { self.a = 1; self.f() } else { 0 } }",
    "#[inline(always)] fn spins(&self) { while self.busy {} }",
    "async fn later(&self) {}",
    "#[inline(always)] async fn later(&self) { x().await }",
    "extern \"C\" fn called_by_others(x: u32) -> u32 { x }",
    "#[test] fn test() { run() }",
    "#[unsafe(no_mangle)] fn exported() -> u32 { 1 }",
    "fn counted(&self) -> u32 { const N: u32 = 3; N }",
    "fn asked(&self) -> u32 { let Some(x) = self.x else { return 1 }; x }",
];

#[test]
fn in_bulk_small_functions_are_thin() {
    for (method, is_thin) in SMALL.iter().zip(thin("", &SMALL)) {
        assert!(is_thin, "{method}");
    }
    for (method, is_thin) in LARGE.iter().zip(thin("", &LARGE)) {
        assert!(!is_thin, "{method}");
    }
}

#[test]
fn options_choose_for_all_functions_of_an_item() {
    for args in ["lines", "calls", "split", "marked", "span"] {
        assert_eq!(thin(args, &SMALL), [false; SMALL.len()], "{args}");
    }
    assert_eq!(thin("thin", &LARGE), [true; LARGE.len()]);
}

#[test]
fn an_attribute_on_the_function_itself_gives_it_lines() {
    let is_thin = |args, item| {
        let text = expansion(args, item, Some("lines")).to_string();
        text.contains("thin_call")
    };
    for function in SMALL {
        assert!(!is_thin("", function), "{function}");
        assert!(is_thin("thin", function), "{function}");
        assert!(is_thin("bulk", function), "{function}");
        assert!(!is_thin("bulk, lines", function), "{function}");
    }
    for function in LARGE {
        assert!(!is_thin("bulk", function), "{function}");
    }
    assert!(!is_thin("bulk", "fn main() { run() }"));
    let inner = "mod a { fn f() { g() } impl A { fn f() { g() } } trait T { fn f() { g() } } }";
    let text = expansion("", inner, Some("calls")).to_string();
    assert_eq!(text.matches("thin_call").count(), 3, "{text}");
}

#[test]
fn a_thin_function_keeps_its_body_and_counts_in_front_of_it() {
    let item = "impl Grid {\n    fn at(&self, (row, _): (usize, Owned)) -> f64 {\n        self.cells[row]\n    }\n}";
    assert_snapshot!(readable(expansion("", item, Some("lines"))), @r#"
    impl Grid {
        fn at(&self, (row, _): (usize, Owned)) -> f64 {
            static HPROF_SITE_AT_2: Site = Function(WholeBody(2));
            #[cfg_attr(target_os = "linux", unsafe(link_section = "hprof_thin"))]
            #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,hprof_thin"))]
            static HPROF_THIN_AT_2: ::hprof::__private::Thin = ::hprof::__private::Thin::new(
                &HPROF_SITE_AT_2,
            );
            thin_call(&HPROF_THIN_AT_2);
            self.cells[row]
        }
    }
    "#);
    let off = expansion("", item, None).to_string();
    assert_eq!(off, expansion("thin", item, None).to_string());
    assert!(!off.contains("HPROF_"), "{off}");
}

#[test]
fn a_thin_async_function_counts_its_first_poll() {
    let text = expansion("thin", "async fn f() { g().await }", Some("lines")).to_string();
    let (_, after) = text.split_once("thin_call").unwrap();
    assert!(after.contains("g () . await"), "{text}");
    assert!(!text.contains("poll"), "{text}");
}

#[test]
fn thin_excludes_what_measures_more() {
    let item = "fn f() {}";
    for other in ["lines", "calls", "split", "marked", "span"] {
        let expected = [format!("`thin` and `{other}` exclude each other")];
        let args = format!("thin, {other}");
        assert_eq!(messages(&args, item, Some("lines")), expected);
    }
    let expected = ["`calls` and `lines` exclude each other"];
    assert_eq!(messages("lines, calls", item, None), expected);
}
