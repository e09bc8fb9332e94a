//! Everything generated code may name. Outside of semantic versioning: only the macro of the same version uses it.

#[cfg(not(hprof_recorder))]
pub use crate::inert::{Brace, Frame, Group, poll, task_line};
#[cfg(hprof_recorder)]
pub use crate::recorder::{Brace, Frame, Group, Task, poll, task_line};
pub use crate::site::{LineKind, LineSite, Site, SiteFacts, SiteKind};
