//! Items without functions.

use hprof::profile;

#[profile]
struct Point {
    x: u32,
}

#[profile]
const LIMIT: u32 = 3;

#[profile]
#[derive(Debug)]
enum Kind {
    One,
}

fn main() {
    let point = Point { x: LIMIT };
    println!("{:?} {}", Kind::One, point.x);
}
