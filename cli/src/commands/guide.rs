//! `hprof guide`: how to find a slow line and fix it, in one page.

use crate::output;

/// `hprof guide`.
pub(crate) fn guide() -> anyhow::Result<u8> {
    output::print(include_str!("../../../docs/agents.md"))?;
    Ok(0)
}
