//! The programs hprof is shown and tested on, with answers known beforehand.
//!
//! Each file is one program: it says what the program computes, what the answer is, and how often its
//! hottest lines run, worked out by hand. `src/bin/NAME.rs` only reads the arguments.
//!
//! Every workload exists twice in this library. [`diffusion`], [`list_alloc`], ... are annotated with
//! `#[hprof::profile]`; [`plain`] holds the same modules without the attribute, written by the build
//! script from the same sources, for the programs' `--plain` and for measuring what hprof costs.

pub mod auc;
pub mod diffusion;
pub mod expr;
pub mod fib;
pub mod fork;
pub mod frames;
pub mod grid;
pub mod half_annotated;
pub mod list_alloc;
pub mod out_of_core;
pub mod parameters;
pub mod processes;
pub mod random;
#[cfg(feature = "mpi")]
pub mod ring;
pub mod share;
pub mod shared_array;
pub mod shared_counter;
pub mod summer;
pub mod task_farm;
pub mod word_count;

// Declares `pub mod plain`.
include!(concat!(env!("OUT_DIR"), "/plain.rs"));
