//! One file for each command; `conclude` is the end that `run`, `test`, `bench` and `exec` share.

pub(crate) mod annotate;
pub(crate) mod check;
pub(crate) mod clean;
pub(crate) mod completions;
mod conclude;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod export;
pub(crate) mod flamegraph;
pub(crate) mod guide;
pub(crate) mod html;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod merge;
mod page;
pub(crate) mod peak;
pub(crate) mod plot;
pub(crate) mod recover;
pub(crate) mod run;
pub(crate) mod show;
mod sides;
pub(crate) mod suggest;
