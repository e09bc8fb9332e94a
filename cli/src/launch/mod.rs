//! Builds the program through cargo and starts it: first `cargo`, which is asked to start our `launcher` in place of the program,
//! then the launcher in a process of its own. They meet in the folder of `records`.

mod allocator;
mod bystander;
mod cargo;
mod cargo_command;
mod cargo_config;
mod launcher;
mod optional;
mod package;
mod process;
mod rank;
mod records;
mod run_facts;
mod runs;
mod signals;
mod survivors;
mod witness;

pub(crate) use allocator::OwnAllocator;
pub(crate) use bystander::BYSTANDER_ARGUMENT;
pub(crate) use cargo::{Additions, Cargo, LibraryBuild, cargo};
pub(crate) use launcher::{LAUNCHER_ARGUMENT, Order, launcher, run_program};
pub(crate) use package::{Lookup, OptionalLibrary, Package, find_package, uses_hprof};
pub(crate) use rank::{RANK_ARGUMENT, RankNote, RefusedLauncher, rank_launcher};
#[cfg(test)]
pub(crate) use records::LaunchEnd;
pub(crate) use records::{
    Claim, Launch, Orphan, Records, claim, finished_launches, folders_of, launches, memory_folder,
};
pub(crate) use run_facts::RunFacts;
pub(crate) use runs::{newest, runs_folder};
pub(crate) use signals::end_by_signals;
pub(crate) use survivors::Survivors;
