//! Builds the program through cargo and starts it: first `cargo`, which is asked to start our `launcher` in place of the program,
//! then the launcher in a process of its own. They meet in the folder of `records`.

mod allocator;
mod bystander;
mod cargo;
mod cargo_command;
mod cargo_config;
mod graph;
mod launcher;
mod launches;
mod library;
mod optional;
mod package;
mod process;
mod rank;
mod rank_note;
mod records;
mod run_facts;
mod runs;
mod signals;
mod spec;
mod survivors;
mod witness;

pub(crate) use allocator::OwnAllocator;
pub(crate) use bystander::BYSTANDER_ARGUMENT;
pub(crate) use cargo::{Additions, Cargo, cargo};
pub(crate) use graph::{Dependency, Graph, graph, uses_hprof};
pub(crate) use launcher::{launcher, run_program};
#[cfg(test)]
pub(crate) use launches::LaunchEnd;
pub(crate) use launches::{Launch, finished_launches, launches};
pub(crate) use library::LibraryBuild;
pub(crate) use package::{Lookup, OptionalLibrary, Package, Target, find_package};
pub(crate) use process::{exit_code, start as start_process};
pub(crate) use rank::{RefusedLauncher, rank_launcher};
pub(crate) use rank_note::RankNote;
pub(crate) use records::{Claim, Orphan, Records, claim, folders_of, memory_folder};
pub(crate) use run_facts::RunFacts;
pub(crate) use runs::{newest, profiles_folder, runs_folder};
pub(crate) use signals::end_by_signals;
pub(crate) use spec::{LAUNCHER_ARGUMENT, LaunchSpec, RANK_ARGUMENT};
pub(crate) use survivors::Survivors;
