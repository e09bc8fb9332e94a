//! Everything generated code may name. Outside of semantic versioning: only the macro of the same version uses it.

#[cfg(not(hprof_recorder))]
pub use crate::inert::{Brace, Frame, Group, poll, task_line};
#[cfg(hprof_recorder)]
pub use crate::recorder::{Brace, Frame, Group, Task, poll, task_line};
pub use crate::site::{LineKind, LineSite, NotMeasured, Site, SiteFacts, SiteKind, WhyNot};

#[cfg(not(feature = "tracing"))]
pub use crate::call_span::NoSpan;
#[cfg(feature = "tracing")]
pub use crate::call_span::tracing;
pub use crate::call_span::{call_span, enter_span, in_span};
