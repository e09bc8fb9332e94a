//! The messages of mistakes, their places, and that one mistake is one error: the annotated items stay usable.

#[test]
fn mistakes_are_named_where_they_are() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
