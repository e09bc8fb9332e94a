//! What hprof tells its stand-in for the compiler, in a file of the run, and in variables of which cargo notices a change.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Context;
use hprof::regular_file;
use serde::{Deserialize, Serialize};

/// Variable with the path of the plan.
pub(super) const PLAN: &str = "HPROF_PLAN";
/// Variable that changes with the recorder's crate: whatever is linked to it has to be built anew then.
pub(super) const RUNTIME: &str = "HPROF_RUNTIME";
/// What the variables begin with that hold the patterns of a crate.
const PATTERNS: &str = "HPROF_FUNCTIONS_";
/// No plan is longer.
const LONGEST: u64 = 64 << 20;

/// How the crates of the workspace are compiled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The roots of the crates that are instrumented, from the root of the file system on.
    pub(super) roots: Vec<PathBuf>,
    /// The roots of other crates, which are compiled as they are and may be linked to those.
    pub(super) others: Vec<PathBuf>,
    /// The recorder's crate, which each of them is linked to.
    pub(super) runtime: PathBuf,
    /// Where that and what it depends on are found.
    pub(super) folders: Vec<PathBuf>,
    /// Where mirrors are made.
    pub(super) mirrors: PathBuf,
}

impl Plan {
    /// Reads the plan of this build.
    pub(super) fn read() -> anyhow::Result<Self> {
        let path =
            env::var_os(PLAN).context("hprof stands in for the compiler only in its own builds")?;
        let path = Path::new(&path);
        let bytes = regular_file::read(path, LONGEST)
            .with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&bytes).context("the plan of the build is damaged")
    }
}

/// The variable with the patterns of a crate.
pub(super) fn patterns_variable(crate_name: &str) -> String {
    format!("{PATTERNS}{crate_name}")
}
