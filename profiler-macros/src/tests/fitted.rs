//! What an earlier run says of a function decides, unless something is written at it.

use super::Plain;
use crate::fit::Fitted;

/// The expansion of a function that an earlier run says this of.
fn fitted(args: &str, item: &str, fitted: Option<Fitted>) -> String {
    let source = Plain {
        text: item.to_owned(),
        fitted,
    };
    let (args, item) = (args.parse().unwrap(), item.parse().unwrap());
    crate::expand::expand(args, item, Some("lines"), &source).to_string()
}

const LOOP: &str = "fn f(n: u64) -> u64 { for x in 0..n { g(x); } 0 }";

#[test]
fn a_function_on_the_list_counts_its_calls() {
    let text = fitted("", LOOP, Some(Fitted::Thin));
    assert!(
        text.contains("thin_call") && !text.contains("Frame"),
        "{text}"
    );
    assert!(fitted("", LOOP, None).contains("Frame"));
}

#[test]
fn a_function_that_is_left_out_has_a_note_alone() {
    let text = fitted("", LOOP, Some(Fitted::LeftOut));
    assert!(text.contains("WhyNot :: TooSmall"), "{text}");
    assert!(
        !text.contains("thin_call") && !text.contains("Frame"),
        "{text}"
    );
    let bulk = "impl A { fn small(&self) -> u64 { self.0 } }";
    assert!(fitted("", bulk, None).contains("thin_call"));
    let text = fitted("", bulk, Some(Fitted::LeftOut));
    assert!(
        text.contains("TooSmall") && !text.contains("thin_call"),
        "{text}"
    );
}

#[test]
fn what_is_written_at_a_function_goes_before_the_list() {
    for args in ["lines", "calls", "split", "span"] {
        for list in [Fitted::Thin, Fitted::LeftOut] {
            let text = fitted(args, LOOP, Some(list));
            assert!(text.contains("Frame"), "{args}: {text}");
        }
    }
    assert!(fitted("thin", LOOP, Some(Fitted::LeftOut)).contains("thin_call"));
    for item in [
        "fn main() { g() }",
        "async fn f() { g().await }",
        "extern \"C\" fn f() { g() }",
    ] {
        let text = fitted("", item, Some(Fitted::Thin));
        assert!(!text.contains("thin_call"), "{text}");
    }
}

/// The compiler is told of the variable with the list of the crate, but not in a build without hprof.
#[test]
fn a_changed_list_compiles_the_crate_again() {
    let text = fitted("", LOOP, Some(Fitted::Thin));
    assert!(
        text.contains("option_env ! (\"HPROF_FIT_package\")"),
        "{text}"
    );
    let source = Plain {
        text: LOOP.to_owned(),
        fitted: Some(Fitted::Thin),
    };
    let item = LOOP.parse().unwrap();
    let off = crate::expand::expand("".parse().unwrap(), item, None, &source).to_string();
    assert!(!off.contains("HPROF_FIT"), "{off}");
}
