//! A body that does not parse: the compiler's message, once, and no word of ours.

use hprof::profile;

#[profile]
fn broken() -> u32 {
    let sum = 1 +;
    sum
}

fn main() {
    broken();
}
