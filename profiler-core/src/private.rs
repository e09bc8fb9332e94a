//! Everything generated code may name. Outside of semantic versioning: only the macro of the same version uses it.

#[cfg(not(hprof_recorder))]
pub use crate::inert::{
    Back, Brace, Frame, Group, Leave, poll, task_at_brace, task_back, task_brace, task_leave,
    task_line, thin_call,
};
#[cfg(hprof_recorder)]
pub use crate::recorder::{
    Back, Brace, Frame, Group, Leave, Task, poll, task_at_brace, task_back, task_brace, task_leave,
    task_line, thin_call,
};
pub use crate::site::{
    LineKind, LineSite, NotMeasured, Site, SiteFacts, SiteKind, Thin, WhyNot, drop_glue,
};

#[cfg(feature = "runtime")]
pub use hprof_macros::assert_allocs;

#[cfg(not(feature = "tracing"))]
pub use crate::spans::call_span::NoSpan;
#[cfg(feature = "tracing")]
pub use crate::spans::call_span::tracing;
pub use crate::spans::call_span::{call_span, enter_span, in_span};

/// A text that stands in the crate as it is compiled, where it has a recorder: `hprof run --all` tells by it whether a crate called `hprof` is one.
#[cfg(hprof_recorder)]
pub const RECORDER: &str = "this crate has the recorder of hprof";
