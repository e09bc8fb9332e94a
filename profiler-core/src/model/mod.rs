//! The data a run leaves, and the arithmetic on it: no I/O, no clock, integers only.

mod call_tree;
mod profile;
mod units;

pub use call_tree::{FunctionCost, LineTotal, Scope, function_costs};
pub use profile::{
    ClockMode, ClockSource, End, Function, FunctionId, Heap, Line, LineCost, Losses, Node, OwnCost,
    Place, Process, Profile, Run, Thread,
};
pub use units::Nanos;
