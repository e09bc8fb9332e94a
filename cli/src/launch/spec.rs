//! What launchers are told: how to start the program.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use hprof::regular_file;
use serde::{Deserialize, Serialize};

/// First argument of an hprof that is started by cargo as the runner of a program.
pub(crate) const LAUNCHER_ARGUMENT: &str = "__launch";

/// First argument of an hprof that is started in place of a rank.
pub(crate) const RANK_ARGUMENT: &str = "__rank";

/// No such file is longer.
const LONGEST: u64 = 16 << 20;

/// Its name in a folder of records.
const ORDER: &str = "order.json";

/// How to start the program.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct LaunchSpec {
    /// Variables for the program, beside the folder of the raw files.
    pub(crate) environment: Vec<(String, String)>,
    /// What `HPROF` was before hprof set it for the build.
    pub(crate) switch_before: Option<String>,
    /// What other variables were before hprof set them for the build.
    #[serde(default)]
    pub(crate) variables_before: Vec<(String, Option<OsString>)>,
    /// The user's own runner of each target, which gets the program and its arguments.
    #[serde(default)]
    pub(crate) runners: BTreeMap<String, Vec<String>>,
    /// Where profiles of this package are saved, for `hprof recover`.
    pub(crate) runs: PathBuf,
    /// What starts the ranks of a parallel job, such as `mpirun -n 4`; empty if nothing does.
    #[serde(default)]
    pub(crate) ranks_by: Vec<String>,
    /// The folder of raw files, and the one that all machines of the job see. Filled in as these are made.
    #[serde(default)]
    pub(crate) folders: Folders,
}

/// Where raw files go.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Folders {
    /// On the machine of the command.
    pub(super) here: PathBuf,
    /// On any machine, if more than one may take part.
    pub(super) shared: Option<PathBuf>,
}

impl LaunchSpec {
    /// Reads that of a run.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = regular_file::read(path, LONGEST)
            .with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).context("the order of the run is damaged")
    }

    /// The user's own runner of a target.
    pub(super) fn runner(&self, target: &OsStr) -> &[String] {
        let runner = target.to_str().and_then(|target| self.runners.get(target));
        runner.map(Vec::as_slice).unwrap_or_default()
    }

    /// What is started in place of the program: what starts the ranks, each of which is started by hprof.
    pub(super) fn start_ranks(
        &self,
        target: &OsStr,
        program: Vec<OsString>,
    ) -> anyhow::Result<Vec<OsString>> {
        let hprof = std::env::current_exe().context("cannot find hprof's own program file")?;
        let shared = self.folders.shared.as_deref().unwrap_or(&self.folders.here);
        let mut words: Vec<OsString> = self.ranks_by.iter().map(OsString::from).collect();
        words.extend([
            hprof.into(),
            RANK_ARGUMENT.into(),
            spec_in(shared).into(),
            target.to_owned(),
            "--".into(),
        ]);
        words.extend(program);
        Ok(words)
    }

    /// Gives a program what it needs.
    pub(super) fn prepare(&self, command: &mut Command, folder: &Path) {
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env(hprof::env::DIR, folder);
        match &self.folders.shared {
            Some(shared) => command.env(hprof::env::SHARED_DIR, shared),
            None => command.env_remove(hprof::env::SHARED_DIR),
        };
        match &self.switch_before {
            Some(before) => command.env(hprof::env::SWITCH, before),
            None => command.env_remove(hprof::env::SWITCH),
        };
        for (name, before) in &self.variables_before {
            match before {
                Some(before) => command.env(name, before),
                None => command.env_remove(name),
            };
        }
    }
}

/// What follows the name of a launcher: the specification, the target, and the program with its arguments.
pub(super) struct Call {
    pub(super) spec: PathBuf,
    pub(super) target: OsString,
    pub(super) program: Vec<OsString>,
}

impl Call {
    pub(super) fn parse(mut args: impl Iterator<Item = OsString>) -> Option<Self> {
        let (spec, target, dashes) = (args.next()?, args.next()?, args.next()?);
        (dashes == "--").then(|| Self {
            spec: spec.into(),
            target,
            program: args.collect(),
        })
    }
}

/// The specification in a folder of records.
pub(super) fn spec_in(folder: &Path) -> PathBuf {
    folder.join(ORDER)
}
