//! Wrong options: all are named at once, and what is valid.

use hprof::profile;

#[profile(skipp, name = 3, calls, calls, crate, 7)]
fn unknown() -> u32 {
    1
}

#[profile(calls, split)]
fn exclusive() -> u32 {
    2
}

struct Pair;

#[profile(name = "both")]
impl Pair {
    fn first(&self) -> u32 {
        unknown()
    }

    fn second(&self) -> u32 {
        exclusive()
    }
}

fn main() {
    Pair.first();
    Pair.second();
}
