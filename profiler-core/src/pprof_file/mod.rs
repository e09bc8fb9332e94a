//! The saved profile: a pprof file, packed with gzip, that also holds what pprof has no place for.
//!
//! ```text
//! Profile ─ write ─▶ samples, locations, functions, strings   what every pprof reader understands
//!                  + layout version, extension               what only hprof reads: fields 1000 and 1001 of the same message
//! Profile ◀─ read ─┘
//! ```
//!
//! Reading a file gives back exactly the profile that was written. A figure is stored once: what a sample says is not repeated in
//! the extension. `docs/saved-profile.md` describes every field.
//!
//! The reader trusts nothing: it unpacks no more than the file's size makes likely, and every number is checked before it is used.

mod check;
mod cost;
mod durations;
mod error;
mod extension;
mod facts;
mod gzip;
mod message;
mod observed;
mod read;
mod sample_type;
mod tables;
mod thread;
mod wire;
mod write;

pub use error::{ReadError, WriteError};
pub use read::{read, read_bytes};
pub use write::write;

/// What the names of saved profiles end with, without the leading dot.
pub const EXTENSION: &str = "pb.gz";
