//! The recorder: what runs inside the profiled program. It counts and stores, and nothing else: it never prints, never panics,
//! never changes what the program does.
//!
//! `frame` and `marker` are the hot path; `enter` is the way into a body, which may begin the recording; `protocol` is what threads do to each other's words; `tree` finds the node of a call, in the table of `node_table`, `thread` the record of a thread, `threads` those of all of them,
//! `cells` what words of the file stand for; `sink` takes what is not recorded;
//! `start` begins and ends the recording, `begin` and `gate` say who begins it and who waits, `identity` says whose it is, `space` gives it room, `fork` gives a child its own;
//! `not_measured` notes what the macro left alone; `thin` counts the calls of thin functions, in arrays of `thin_array`; `sampler` is the clock of the lines that are too hot to read one; `cpu` tells CPU time from
//! time; `durations` notes how long single calls and intervals took; `moment` is one by both clocks of a thread; `resident` reads the resident set and says which line pays, `look` when that is done. `state` is what all of them ask for: the file and the settings; `os` asks the system about the thread and the process.

mod begin;
mod calibrate;
mod cells;
mod clock;
mod cpu;
#[cfg_attr(all(target_arch = "x86_64", target_os = "linux"), macro_use)]
mod current;
mod durations;
mod enter;
mod fork;
mod frame;
mod gate;
mod identity;
mod idle;
mod look;
mod marker;
mod moment;
#[cfg(feature = "native")]
mod native;
mod node_table;
mod not_measured;
mod os;
mod protocol;
mod resident;
mod sampler;
mod sink;
mod sites;
mod space;
#[cfg(feature = "tracing")]
mod span;
mod start;
mod state;
mod task;
mod thin;
mod thin_array;
mod thread;
mod threads;
mod tree;

pub(crate) use cells::{running, word};
pub(crate) use clock::nanos;
pub(crate) use current::{Local, as_nobody, with_local};
pub use frame::{Back, Brace, Frame, Group, Leave};
pub(crate) use look::large_block;
pub(crate) use os::{errno, set_errno};
pub(crate) use protocol::add;
pub(crate) use sink::is_sink;
pub(crate) use space::{heap_record, lasting_memory, private_memory, return_memory};
#[cfg(feature = "tracing")]
pub(crate) use span::{SpanCalls, SpanSites};
pub(crate) use state::header;
pub use task::{Task, poll, task_at_brace, task_back, task_brace, task_leave, task_line};
pub use thin::thin_call;

/// What [`protocol`] works on.
mod words {
    pub(super) use core::sync::atomic::{AtomicU32, AtomicU64};

    pub(super) use crate::raw::layout::{
        CELL_PROBED as PROBED, CELL_PROMOTED as PROMOTED, CELL_SAMPLED as SAMPLED,
        CELL_TIMED as TIMED, CELL_WAS_LONG as WAS_LONG, Cell, OPEN_WANTED, PROBES,
        THREAD_ALIVE as ALIVE, THREAD_ENDED as ENDED, ThreadRecord,
    };
}
