//! Places in a page and in sources: links to lines, and paths that are short enough.

use std::collections::HashMap;
use std::fmt::Write;

use hprof::model::FunctionId;

/// Where functions stand in the data of the page.
pub(super) type Positions = HashMap<FunctionId, usize>;

/// A place in the page that stays the same when it is made again: `#src/main.rs-L42`.
pub(super) fn link(file: &str, line: u32) -> String {
    let mut link = String::from("#");
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~!*'()".contains(&byte) {
            link.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(link, "%{byte:02X}");
        }
    }
    format!("{link}-L{line}")
}

/// The end of a path: its last folder and the file.
pub(super) fn short(path: &str) -> &str {
    let start = path.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at + 1);
    &path[start..]
}
