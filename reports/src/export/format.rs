//! What every format can do.

use std::io::Write;

use hprof::model::{Profile, Scope};

use crate::error::ReportError;

/// A format that other programs read.
pub trait Export {
    /// Writes a part of the profile.
    ///
    /// # Errors
    /// [`ReportError::Write`], and what the format cannot hold.
    fn export(
        &self,
        profile: &Profile,
        scope: Scope,
        out: &mut dyn Write,
    ) -> Result<(), ReportError>;
}
