//! From the bytes of a raw file to the figures of a report.
#![expect(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "the files of the tests are small, and a test may panic"
)]

#[path = "model/call_tree.rs"]
mod call_tree;
#[path = "model/damage.rs"]
mod damage;
#[path = "model/durations.rs"]
mod durations;
#[path = "model/format.rs"]
mod format;
#[path = "model/merge.rs"]
mod merge;
#[path = "model/properties.rs"]
mod properties;
#[path = "model/raw_file.rs"]
mod raw_file;
#[path = "model/reader.rs"]
mod reader;
