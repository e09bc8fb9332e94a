//! The real `hprof` on throw-away cargo projects.

mod bad_input;
mod fixture;
mod launch;
mod profiles;
mod signals;
