//! What is done before cargo starts: the recorder's crate is built, and the stand-in is told of both.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::carried;
use super::chosen::Chosen;
use super::plan::{PLAN, Plan, RUNTIME};
use super::runtime::Runtime;
use super::wrapper::Wrapper;
use crate::failure;
use crate::launch::{Additions, Cargo, LibraryBuild, Package};
use crate::output;

/// Variables with the compiler's other stand-ins.
const WRAPPER: &str = "RUSTC_WRAPPER";
const WORKSPACE_WRAPPER: &str = "RUSTC_WORKSPACE_WRAPPER";
/// Variable with the options of the compiler of documentation tests, and what stands between them.
const RUSTDOC_FLAGS: &str = "CARGO_ENCODED_RUSTDOCFLAGS";
const BETWEEN_FLAGS: &str = "\x1f";

/// A program whose sources stay as they are.
#[derive(Debug)]
pub(crate) struct Unedited {
    /// Our folder in the target folder.
    folder: PathBuf,
    roots: Vec<PathBuf>,
    /// Roots of crates that are compiled as they are, and may be linked to those.
    others: Vec<PathBuf>,
    /// Whether the program depends on the recorder's crate by itself.
    uses_hprof: bool,
    /// Whether crates beside those of the workspace are instrumented.
    has_dependencies: bool,
    /// The variables with the patterns of each crate.
    patterns: Vec<(String, OsString)>,
    /// The user's own stand-ins, which are left out.
    wrappers: Vec<OsString>,
    /// Whether stacks are sampled.
    native: bool,
}

/// Looks at the program.
pub(crate) fn prepare(
    package: &Package,
    chosen: &Chosen,
    wrappers: Vec<OsString>,
    native: bool,
) -> anyhow::Result<Unedited> {
    for wrapper in &wrappers {
        output::say(format_args!(
            "{} is left out of this build: hprof stands in for the compiler",
            wrapper.display()
        ));
    }
    Ok(Unedited {
        folder: package.target_folder.join("hprof-all"),
        roots: chosen.roots(),
        others: chosen.other_roots(),
        uses_hprof: chosen.uses_hprof,
        has_dependencies: chosen.has_dependencies,
        patterns: chosen.variables(),
        wrappers,
        native,
    })
}

/// Documentation tests are compiled without us, and linked to crates that are linked to the recorder's.
fn rustdoc_flags(cargo: &Cargo<'_>, runtime: &Runtime) -> OsString {
    let mut flags = OsString::from(cargo.rustdoc_flags.join(BETWEEN_FLAGS));
    for folder in &runtime.folders {
        if !flags.is_empty() {
            flags.push(BETWEEN_FLAGS);
        }
        flags.push(
            ["-Ldependency=".as_ref(), folder.as_os_str()]
                .into_iter()
                .collect::<OsString>(),
        );
    }
    flags
}

impl Unedited {
    /// What the variables that hprof sets were before.
    pub(crate) fn variables_before(&self) -> Vec<(String, Option<OsString>)> {
        let patterns = self.patterns.iter().map(|(name, _)| name.as_str());
        let names = [PLAN, RUNTIME, WRAPPER, WORKSPACE_WRAPPER, RUSTDOC_FLAGS]
            .into_iter()
            .chain(patterns);
        names
            .map(|name| (name.to_owned(), env::var_os(name)))
            .collect()
    }

    /// Builds the recorder's crate and has cargo call us in place of the compiler from now on. Else the exit code of a build that failed.
    pub(crate) fn begin(
        &self,
        cargo: &mut Cargo<'_>,
        switch: &str,
        records: &Path,
    ) -> anyhow::Result<Result<(), u8>> {
        let plan_file = records.join("plan.json");
        self.write(&Runtime::default(), &plan_file)?;
        cargo.additions = self.additions(&plan_file)?;
        let mut runtime = match Runtime::build(cargo, switch, &self.library()?)? {
            Ok(runtime) => runtime,
            Err(code) => return Ok(Err(code)),
        };
        if !self.uses_hprof {
            runtime.keep(&self.folder)?;
        }
        self.write(&runtime, &plan_file)?;
        let identity = runtime.identity()?;
        let flags = rustdoc_flags(cargo, &runtime);
        cargo
            .additions
            .environment
            .push((RUSTDOC_FLAGS.into(), flags));
        cargo
            .additions
            .environment
            .push((RUNTIME.into(), identity.into()));
        Ok(Ok(()))
    }

    /// How the recorder's crate is built.
    fn library(&self) -> anyhow::Result<LibraryBuild> {
        if self.uses_hprof {
            return Ok(LibraryBuild::OfProgram);
        }
        Ok(LibraryBuild::Carried {
            manifest: carried::unpack(&self.folder, self.native)?,
            target_folder: self.folder.join("library"),
            wrapper: self.stand_in(Wrapper::Library)?,
        })
    }

    fn write(&self, runtime: &Runtime, path: &Path) -> anyhow::Result<()> {
        let plan = Plan {
            roots: self.roots.clone(),
            others: self.others.clone(),
            runtime: runtime.library.clone(),
            folders: runtime.folders.clone(),
            mirrors: self.folder.join("mirrors"),
        };
        fs::write(path, serde_json::to_vec(&plan)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn additions(&self, plan_file: &Path) -> anyhow::Result<Additions> {
        let stand_in = self.stand_in(Wrapper::Instrument)?.into();
        let (used, other) = if self.has_dependencies {
            (WRAPPER, WORKSPACE_WRAPPER)
        } else {
            (WORKSPACE_WRAPPER, WRAPPER)
        };
        let mut environment = vec![
            (PLAN.to_owned(), plan_file.into()),
            (used.to_owned(), stand_in),
        ];
        if !self.wrappers.is_empty() {
            environment.push((other.to_owned(), OsString::new()));
        }
        environment.extend(self.patterns.iter().cloned());
        Ok(Additions {
            environment,
            names_target: true,
        })
    }

    /// A link to hprof, whose name tells it to stand in for the compiler. Its place is the same for all builds: cargo builds anew what another has compiled.
    fn stand_in(&self, kind: Wrapper) -> anyhow::Result<PathBuf> {
        let hprof = env::current_exe().context("cannot find hprof's own program file")?;
        let link = self.folder.join(kind.name());
        if fs::read_link(&link).is_ok_and(|other| other == hprof) {
            return Ok(link);
        }
        let make = || -> io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let folder = tempfile::tempdir_in(&self.folder)?;
            let new = folder.path().join(kind.name());
            symlink(&hprof, &new)?;
            fs::rename(new, &link)
        };
        make()
            .map_err(failure::without_path)
            .with_context(|| format!("cannot write to {}", self.folder.display()))
            .map_err(|error| {
                failure::with_hint(error, "name another folder with --target-dir DIR")
            })?;
        Ok(link)
    }
}
