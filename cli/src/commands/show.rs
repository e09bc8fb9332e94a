//! `hprof show`: print the tables of saved profiles or raw files.

use std::path::Path;

use crate::args::ShowArgs;
use crate::output::{self, Report};
use crate::settings::Whereabouts;
use crate::store;

/// `hprof show`.
pub(crate) fn show(args: &ShowArgs) -> anyhow::Result<u8> {
    let mut files = args.files.clone();
    if files.is_empty() {
        let newest = store::newest(&Whereabouts::from(&args.folder))?;
        output::say(format_args!("showing {}", newest.display()));
        files.push(newest);
    }
    let loaded = store::load(&files)?;
    for skipped in &loaded.skipped {
        output::say(format_args!("left out: {skipped:#}"));
    }
    Report::open(Path::new("stdout"))?.tables(&loaded.profile, &args.table)?;
    Ok(0)
}
