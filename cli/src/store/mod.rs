//! Saved profiles: where they go, how they are written and read again, and which there are.
//!
//! A profile is a folder with the used part of each raw file and `run.json`. Everything that knows this is in here.

mod catalog;
mod destination;
mod facts;
mod load;
mod save;

pub(crate) use catalog::{Saved, newest, runs_folder, saved_profiles};
pub(crate) use destination::Destination;
pub(crate) use facts::RunFacts;
pub(crate) use load::{Loaded, load, raw_files, unrecorded};
pub(crate) use save::save;

/// File in a saved profile that tells what the launcher knows of the run.
const FACTS: &str = "run.json";
