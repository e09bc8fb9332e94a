//! `hprof clean`: delete saved profiles. Runs that still record are not among them.

use std::fs;

use anyhow::Context;

use crate::args::CleanArgs;
use crate::launch;
use crate::output;
use crate::settings::PackageQuery;
use crate::store;

/// `hprof clean`.
pub(crate) fn clean(args: &CleanArgs) -> anyhow::Result<u8> {
    let folder = launch::runs_folder(&PackageQuery::from(&args.folder))?;
    let saved = store::saved_profiles(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?;
    let old = saved.get(args.keep..).unwrap_or_default();
    let mut bytes = 0;
    for profile in old {
        fs::remove_file(&profile.path)
            .with_context(|| format!("cannot delete {}", profile.path.display()))?;
        bytes += profile.bytes;
    }
    output::say(format_args!(
        "deleted {} of {} profiles, {} KiB",
        old.len(),
        saved.len(),
        bytes.div_ceil(1024)
    ));
    Ok(0)
}
