//! Blocks with a limit of allocations.

use super::{Plain, readable};
use crate::assert_allocs;
use insta::assert_snapshot;

fn expansion(call: &str, switch: Option<&str>) -> String {
    let source = Plain {
        text: call.to_owned(),
        fitted: None,
    };
    let tokens = format!("::hprof; {call}").parse().unwrap();
    assert_allocs::expand(tokens, switch, &source).to_string()
}

fn in_a_function(call: &str, switch: Option<&str>) -> String {
    let text = format!("fn f() -> u32 {}", expansion(call, switch));
    readable::readable(text.parse().unwrap())
}

const CALL: &str = "0, {
    let mut sum = 0;
    for value in values {
        sum += work(value)?;
    }
    sum
}";

#[test]
fn without_the_switch_the_block_stays_as_it_is() {
    let block: proc_macro2::TokenStream = CALL.split_once(", ").unwrap().1.parse().unwrap();
    assert!(expansion(CALL, None).ends_with(&format!("{block} }}")));
}

#[test]
fn with_the_switch_it_has_a_frame_and_rows() {
    assert_snapshot!(in_a_function(CALL, Some("lines")));
    let calls = in_a_function(CALL, Some("calls"));
    assert!(calls.contains("WholeBody"), "{calls}");
}

#[test]
fn mistakes_are_told() {
    let wanted = "expected a number of allocations and a block";
    for call in [
        "", "{}", "0", "0 {}", "0, ()", "0, {}, 1", "x, {}", "-1, {}",
    ] {
        let told = expansion(call, None);
        assert!(
            told.contains("compile_error") && told.contains(wanted),
            "{call}: {told}"
        );
    }
    for switch in [None, Some("lines")] {
        let told = expansion("0, { work().await }", switch);
        assert!(told.contains("no `.await` in `assert_allocs!`"), "{told}");
        let inner = expansion("0, { async { work().await } }", switch);
        assert!(!inner.contains("compile_error"), "{inner}");
    }
}
