//! Places in a page and in sources: links to lines, and paths that are short enough.

use std::collections::HashMap;
use std::fmt::Write;

use hprof::model::{FunctionId, Place, Profile};
use maud::{Markup, html};

use crate::text;

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

/// A line and its function; blank for none.
pub(super) fn line_of(profile: &Profile, place: Option<Place>) -> Markup {
    let known = place.and_then(|place| {
        let function = profile.functions.get(place.function.0 as usize)?;
        Some((function, place.line))
    });
    html! {
        @if let Some((function, line)) = known {
            (text::clean(&function.name)) " at " (line_link(&function.file, line))
        }
    }
}

/// A place in a source as a link; all of its path is on hand.
pub(super) fn line_link(file: &str, line: u32) -> Markup {
    let file = text::clean(file);
    html! { a href=(link(&file, line)) title=(file) { (format!("{}:{line}", short(&file))) } }
}
