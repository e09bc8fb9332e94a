//! Saved profiles: where they go, how they are written and read again, and which there are.
//!
//! A profile is one file, `.pb.gz`; that it may also be read from raw files is known in here and nowhere else.

mod catalog;
mod destination;
mod load;
mod save;

pub(crate) use catalog::{Saved, check_runs_folder, saved_profiles};
pub(crate) use destination::{Destination, wanted_by_environment};
pub(crate) use load::{Loaded, Recorded, load, profiles_in, raw_files, read};
pub(crate) use save::{Placed, save};
