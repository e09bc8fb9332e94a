//! The real `hprof` on throw-away cargo projects.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod clocks;
mod compare;
mod config;
mod durations;
mod ends;
mod exports;
mod fitting;
mod fixture;
mod handed_on;
mod heap;
mod hostile;
mod html;
mod in_turn;
mod judge;
mod launch;
mod limits;
mod merge;
mod native;
mod observed;
mod planted;
mod profiles;
mod ranks;
mod reliability;
mod rows;
mod scale;
mod signals;
mod surroundings;
mod unedited;
mod viewers;
mod views;
mod workloads;
