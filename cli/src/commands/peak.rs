//! `hprof peak`: what was allocated when the heap was at its peak, by line and by call path.

use hprof_reports::HeapMoment;

use super::show::load;
use crate::args::PeakArgs;
use crate::tables;

/// `hprof peak`.
pub(crate) fn peak(args: &PeakArgs) -> anyhow::Result<u8> {
    let profile = load(&args.profile)?.profile;
    tables::write_moment(&profile, HeapMoment::Peak, args.top, args.rich)?;
    Ok(0)
}
