//! Cargo's own configuration, asked for what ours would hide: the user's runners, the targets to build for, and keys of our cargo
//! profile. Files and variables are read by `cargo-config2`, which knows cargo's rules; what `--config` adds is laid over that here.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, anyhow, bail};
use cargo_config2::{Config, ResolveOptions, Walk};
use cargo_platform::{Cfg, Platform};
use toml::{Table, Value};

/// The target that stands for the machine that compiles.
const HOST: &str = "host-tuple";

/// Configuration from all places.
#[derive(Debug)]
pub(super) struct CargoConfig {
    /// From the command line, the strongest first.
    typed: Vec<Source>,
    /// From files and variables; what is wrong with them otherwise.
    merged: Result<Config, String>,
    /// The files again, for the keys that `cargo-config2` leaves out.
    files: Vec<Table>,
}

#[derive(Debug)]
struct Source {
    table: Table,
    /// Relative paths start here.
    root: PathBuf,
}

impl CargoConfig {
    /// Reads what cargo would read, started in `folder` with these `--config` options.
    pub(super) fn read(folder: &Path, options: &[OsString]) -> anyhow::Result<Self> {
        let mut typed = Vec::new();
        for option in options.iter().rev() {
            let text = option.to_string_lossy();
            let source = match text.parse::<Table>() {
                Ok(table) => Source {
                    table,
                    root: folder.to_owned(),
                },
                Err(_) => Source {
                    table: file(&folder.join(&*text))?,
                    root: folder.to_owned(),
                },
            };
            typed.push(source);
        }
        let merged = Config::load_with_options(folder, ResolveOptions::default());
        Ok(Self {
            typed,
            merged: merged.map_err(|error| format!("{:#}", anyhow!(error))),
            // A file that cannot be understood is told by `trouble`, or by cargo.
            files: Walk::new(folder)
                .filter_map(|path| file(&path).ok())
                .collect(),
        })
    }

    /// Why files and variables could not be understood. Cargo itself may understand them.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.merged.as_ref().err().map(String::as_str)
    }

    /// The targets that programs are built for, as `target.NAME` names them: what `--target` says, else the configuration.
    pub(super) fn targets(
        &self,
        wanted: &[String],
        host: impl Fn() -> anyhow::Result<String>,
    ) -> anyhow::Result<Vec<String>> {
        let typed = || {
            let mut sources = self.typed.iter();
            sources.find_map(|source| words(source.table.get("build")?.get("target")?))
        };
        let merged = || {
            let targets = self.merged.as_ref().ok()?.build.target.as_ref()?;
            Some(targets.iter().map(|one| one.triple().to_owned()).collect())
        };
        let wanted = Some(wanted.to_vec()).filter(|wanted| !wanted.is_empty());
        let names = wanted.or_else(typed).or_else(merged);
        let names = names.filter(|names| !names.is_empty());
        let mut targets = Vec::new();
        for name in names.unwrap_or_else(|| vec![HOST.to_owned()]) {
            let target = if name == HOST {
                host()?
            } else {
                triple(&name).to_owned()
            };
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        Ok(targets)
    }

    /// The user's runner for programs of this target; empty if there is none. `cfgs` asks rustc, which takes a moment.
    pub(super) fn runner(
        &self,
        triple: &str,
        cfgs: impl Fn() -> anyhow::Result<Vec<Cfg>>,
    ) -> anyhow::Result<Vec<String>> {
        if let Some(runner) = self.typed.iter().find_map(|source| source.runner(triple)) {
            return Ok(runner);
        }
        for source in &self.typed {
            for key in source.cfg_keys() {
                let platform = Platform::from_str(&key)
                    .with_context(|| format!("cargo's configuration has target.'{key}'"))?;
                if let (true, Some(runner)) =
                    (platform.matches(triple, &cfgs()?), source.runner(&key))
                {
                    return Ok(runner);
                }
            }
        }
        let Ok(merged) = &self.merged else {
            return Ok(Vec::new());
        };
        let runner = merged.runner(triple).map_err(|error| anyhow!(error));
        let runner = runner.with_context(|| format!("cannot tell the runner of {triple}"))?;
        let Some(runner) = runner else {
            return Ok(Vec::new());
        };
        let args = runner.args.iter().map(|arg| arg.to_string_lossy());
        let program = runner.path.to_string_lossy().into_owned();
        Ok(std::iter::once(program)
            .chain(args.map(std::borrow::Cow::into_owned))
            .collect())
    }

    /// Options for `rustdoc`, by variables or by the configuration.
    pub(super) fn rustdoc_flags(&self) -> Vec<String> {
        let mut typed = self.typed.iter();
        let typed = typed.find_map(|source| {
            let value = source.table.get("build")?.get("rustdocflags")?;
            match value {
                Value::String(text) => Some(text.split_whitespace().map(str::to_owned).collect()),
                list => words(list),
            }
        });
        let merged = || {
            let flags = self.merged.as_ref().ok()?.build.rustdocflags.as_ref()?;
            Some(flags.flags.clone())
        };
        typed.or_else(merged).unwrap_or_default()
    }

    /// Options for `rustc` where it compiles for a target, by variables or by the configuration.
    pub(super) fn rustflags(&self, triple: &str) -> Vec<String> {
        let merged = self.merged.as_ref().ok();
        let merged = merged.and_then(|config| config.rustflags(triple).ok().flatten());
        let mut flags = merged.map(|flags| flags.flags).unwrap_or_default();
        for source in self.typed.iter().rev() {
            let target = source.table.get("target");
            let target = target.and_then(|table| table.get(triple));
            for place in [source.table.get("build"), target].into_iter().flatten() {
                match place.get("rustflags") {
                    Some(Value::String(text)) => {
                        flags.extend(text.split_whitespace().map(str::to_owned));
                    }
                    Some(list) => flags.extend(words(list).unwrap_or_default()),
                    None => {}
                }
            }
        }
        flags
    }

    /// What cargo calls in place of the compiler, by variables or by the configuration.
    pub(super) fn wrappers(&self) -> Vec<OsString> {
        let typed = |key: &str| {
            let mut sources = self.typed.iter();
            sources.find_map(|source| {
                let value = source.table.get("build")?.get(key)?.as_str()?;
                Some(OsString::from(value))
            })
        };
        let merged = self.merged.as_ref().ok().map(|config| &config.build);
        let wrapper = merged.and_then(|build| build.rustc_wrapper.clone());
        let for_workspace = merged.and_then(|build| build.rustc_workspace_wrapper.clone());
        let both = [
            typed("rustc-wrapper").or(wrapper.map(Into::into)),
            typed("rustc-workspace-wrapper").or(for_workspace.map(Into::into)),
        ];
        let named = both.into_iter().flatten();
        named.filter(|wrapper| !wrapper.is_empty()).collect()
    }

    /// All files without the places of packages, if one of these, or the command line, says that the packages of the registry are elsewhere.
    pub(super) fn without_sources(&self) -> Option<Vec<Table>> {
        let typed = self.typed.iter().map(|source| &source.table);
        let mut all = typed.chain(&self.files);
        all.find_map(|table| table.get("source")?.get("crates-io")?.get("replace-with"))?;
        let without = |table: &Table| {
            let mut table = table.clone();
            table.remove("source");
            table
        };
        Some(self.files.iter().map(without).collect())
    }

    /// Whether a `profile.NAME.KEY` is set.
    pub(super) fn has_profile_key(&self, profile: &str, key: &str) -> bool {
        let typed = self.typed.iter().map(|source| &source.table);
        typed
            .chain(&self.files)
            .any(|table| has_profile_key(table, profile, key))
    }
}

/// Whether a manifest or configuration sets `profile.NAME.KEY`.
pub(super) fn has_profile_key(table: &Table, profile: &str, key: &str) -> bool {
    let profile = table
        .get("profile")
        .and_then(|profiles| profiles.get(profile));
    profile.and_then(|profile| profile.get(key)).is_some()
}

/// What cargo calls a target: of one that a file specifies, the name of that file.
fn triple(name: &str) -> &str {
    let path = Path::new(name);
    let specified = path
        .extension()
        .is_some_and(|extension| extension == "json");
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    stem.filter(|_| specified).unwrap_or(name)
}

/// A string or a list of strings.
fn words(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(words) => words
            .iter()
            .map(|word| Some(word.as_str()?.to_owned()))
            .collect(),
        _ => None,
    }
}

impl Source {
    fn targets(&self) -> Option<&Table> {
        self.table.get("target")?.as_table()
    }

    /// Keys such as `cfg(unix)` that have a runner.
    fn cfg_keys(&self) -> Vec<String> {
        let targets = self.targets().into_iter().flatten();
        let with_runner =
            targets.filter(|(key, value)| key.starts_with("cfg(") && value.get("runner").is_some());
        with_runner.map(|(key, _)| key.clone()).collect()
    }

    /// `target.KEY.runner`, its program found from the place of the configuration, as cargo does.
    fn runner(&self, key: &str) -> Option<Vec<String>> {
        let mut words = match self.targets()?.get(key)?.get("runner")? {
            Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
            list => words(list)?,
        };
        let program = words.first_mut()?;
        if program.contains('/') {
            *program = self.root.join(&*program).to_string_lossy().into_owned();
        }
        Some(words)
    }
}

fn file(path: &Path) -> anyhow::Result<Table> {
    // Cargo would wait for a pipe; that is no reason to wait here too.
    if !fs::metadata(path).is_ok_and(|facts| facts.is_file()) {
        bail!("cannot read {}: it is no regular file", path.display());
    }
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.parse()
        .with_context(|| format!("cannot understand {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIPLE: &str = "x-y-z";

    fn config(text: &str, options: &[&str]) -> CargoConfig {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".cargo")).unwrap();
        fs::write(folder.path().join(".cargo/config.toml"), text).unwrap();
        let options: Vec<OsString> = options.iter().map(OsString::from).collect();
        CargoConfig::read(folder.path(), &options).unwrap()
    }

    fn unix() -> anyhow::Result<Vec<Cfg>> {
        Ok(vec![Cfg::from_str("unix").unwrap()])
    }

    fn never<T>() -> anyhow::Result<T> {
        unreachable!()
    }

    fn host() -> anyhow::Result<String> {
        Ok("a-b-c".into())
    }

    #[test]
    fn runner_is_found_by_triple_and_by_cfg() {
        let by_triple = config(
            "[target.x-y-z]\nrunner = 'qemu -L /x'\n[target.'cfg(false)']\nrunner = 'other'",
            &[],
        );
        // An unknown target: `cargo-config2` asks rustc only where there is a key with a cfg, and must not here.
        let by_triple = by_triple.runner(TRIPLE, never);
        assert!(by_triple.is_err() || by_triple.unwrap() == ["qemu", "-L", "/x"]);
        let host = "x86_64-unknown-linux-gnu";
        let by_cfg = config(
            "[target.'cfg(windows)']\nrunner = 'no'\n[target.'cfg(unix)']\nrunner = ['a b', 'c']",
            &[],
        );
        assert_eq!(by_cfg.runner(host, never).unwrap(), ["a b", "c"]);
        let none = config("[target.x-y-z]\nlinker = 'cc'", &[]);
        assert!(none.runner(TRIPLE, never).unwrap().is_empty());
    }

    #[test]
    fn command_line_beats_files() {
        let config = config(
            "[target.x-y-z]\nrunner = 'file'\n[build]\ntarget = 'u'",
            &["target.x-y-z.runner='typed'", "build.target='t'"],
        );
        assert_eq!(config.runner(TRIPLE, never).unwrap(), ["typed"]);
        assert_eq!(config.targets(&[], never).unwrap(), ["t"]);
        assert_eq!(config.targets(&["v".into()], never).unwrap(), ["v"]);
    }

    #[test]
    fn a_typed_cfg_is_looked_at() {
        let config = config("", &["target.'cfg(unix)'.runner=['typed', 'a b']"]);
        assert_eq!(config.runner(TRIPLE, unix).unwrap(), ["typed", "a b"]);
        assert!(config.runner(TRIPLE, || Ok(Vec::new())).unwrap().is_empty());
    }

    #[test]
    fn relative_runner_starts_at_the_configuration() {
        let config = config("[target.x-y-z]\nrunner = 'tools/run'", &[]);
        let runner = config.runner(TRIPLE, never).unwrap();
        assert!(Path::new(&runner[0]).is_absolute() && runner[0].ends_with("/tools/run"));
    }

    #[test]
    fn profile_keys_are_seen() {
        let config = config("[profile.hprof]\ndebug = 2", &["build.target='t'"]);
        assert!(config.has_profile_key("hprof", "debug"));
        assert!(!config.has_profile_key("hprof", "strip"));
    }

    #[test]
    fn what_says_where_packages_are_can_be_left_out() {
        let text = "[build]\njobs = 1\n[source.crates-io]\nreplace-with = 'vendored'\n[source.vendored]\ndirectory = 'vendor'";
        let tables = config(text, &[]).without_sources().unwrap();
        let with_jobs = tables.iter().find(|table| table.contains_key("build"));
        assert_eq!(with_jobs.unwrap().to_string(), "[build]\njobs = 1\n");
        assert!(tables.iter().all(|table| !table.contains_key("source")));
        assert!(config("[build]\njobs = 1", &[]).without_sources().is_none());
        let typed = config("", &["source.crates-io.replace-with='other'"]);
        assert!(typed.without_sources().is_some());
    }

    #[test]
    fn targets_may_be_lists_and_the_host_has_a_name_for_itself() {
        let list = config("[build]\ntarget = ['x-y-z', 'host-tuple', 'a-b-c']", &[]);
        assert_eq!(list.targets(&[], host).unwrap(), ["x-y-z", "a-b-c"]);
        let typed = config("", &["build.target=['x-y-z', './my/spec.json']"]);
        assert_eq!(typed.targets(&[], host).unwrap(), ["x-y-z", "spec"]);
        let none = config("", &[]);
        assert_eq!(none.targets(&[], host).unwrap(), ["a-b-c"]);
        let wanted = ["host-tuple".to_owned(), "x-y-z".to_owned()];
        assert_eq!(none.targets(&wanted, host).unwrap(), ["a-b-c", "x-y-z"]);
    }

    #[test]
    fn what_cargo_alone_understands_is_no_error() {
        let config = config("[target.x-y-z]\nrunner = 5\n", &[]);
        assert!(config.trouble().is_some());
        assert!(config.runner(TRIPLE, never).unwrap().is_empty());
        assert_eq!(config.targets(&[], host).unwrap(), ["a-b-c"]);
    }
}
