//! hprof.
fn main() {}
