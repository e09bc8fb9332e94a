//! Programs that are profiled without a change to their sources: `hprof run --all`.
//!
//! Cargo builds the program as ever, but calls hprof in place of the compiler for the crates of the workspace. hprof copies the module files of such a crate with
//! the attribute on their functions into a `mirror`, a tree of links to the program's folder in which those copies stand in the places of the
//! originals, and has the real compiler work there. Nothing is written outside of the target folder.
//!
//! `prepare` is what a command does before cargo starts, with the recorder's crate of `runtime`, from the sources in `carried` if the program does not depend on it; `plan` is what it hands on to `wrapper`, the stand-in
//! for the compiler, which notes in a `note` what became of each crate; `summary` reads those notes after the run. `chosen` is what is instrumented, and `pattern` chooses functions.

mod attempt;
mod carried;
mod chosen;
mod command_line;
mod mirror;
mod note;
mod pattern;
mod plan;
mod prepare;
mod runtime;
mod summary;
mod wrapper;

pub(crate) use chosen::Chosen;
pub(crate) use pattern::{Patterns, distance};
pub(crate) use prepare::{Unedited, prepare};
pub(crate) use summary::Summary;
pub(crate) use wrapper::{Wrapper, wrapper};
