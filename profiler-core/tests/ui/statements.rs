//! Wrong attributes on statements.

use hprof::profile;

#[profile]
fn marks() {
    #[mark(3)]
    work();
    #[mark]
    #[skip]
    work();
    #[skip(all)]
    work();
    #[mark = "label"]
    work();
}

fn work() {}

fn main() {
    marks();
}
