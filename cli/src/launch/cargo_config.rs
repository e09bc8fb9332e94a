//! Cargo's own configuration, read for the two things ours would hide: the user's runner, and keys of our cargo profile.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use cargo_platform::{Cfg, Platform};
use toml::{Table, Value};

/// Configuration from all places, the strongest first.
#[derive(Debug, Default)]
pub(super) struct CargoConfig {
    /// From the command line.
    typed: Vec<Source>,
    /// From files.
    files: Vec<Source>,
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
            let path = folder.join(&*text);
            let source = match text.parse::<Table>() {
                Ok(table) => Source {
                    table,
                    root: folder.to_owned(),
                },
                Err(_) => file(&path, folder)?,
            };
            typed.push(source);
        }
        let mut homes: Vec<PathBuf> = folder
            .ancestors()
            .map(|folder| folder.join(".cargo"))
            .collect();
        homes.extend(cargo_home());
        let mut files = Vec::new();
        let mut seen = Vec::new();
        for home in homes {
            if seen.contains(&home) {
                continue;
            }
            let path = ["config", "config.toml"]
                .map(|name| home.join(name))
                .into_iter()
                .find(|path| path.is_file());
            if let Some(path) = path {
                files.push(file(&path, home.parent().unwrap_or(&home))?);
            }
            seen.push(home);
        }
        Ok(Self { typed, files })
    }

    fn sources(&self) -> impl Iterator<Item = &Source> {
        self.typed.iter().chain(&self.files)
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
        let variable = format!(
            "CARGO_TARGET_{}_RUNNER",
            triple.to_uppercase().replace(['-', '.'], "_")
        );
        if let Ok(runner) = env::var(variable) {
            return Ok(runner.split_whitespace().map(str::to_owned).collect());
        }
        if let Some(runner) = self.files.iter().find_map(|source| source.runner(triple)) {
            return Ok(runner);
        }
        let keys = |source: &'_ Source| source.cfg_keys();
        if self.sources().all(|source| keys(source).is_empty()) {
            return Ok(Vec::new());
        }
        let cfgs = cfgs()?;
        for source in self.sources() {
            for key in keys(source) {
                let platform = Platform::from_str(&key)
                    .with_context(|| format!("cargo's configuration has target.'{key}'"))?;
                if let (true, Some(runner)) = (platform.matches(triple, &cfgs), source.runner(&key))
                {
                    return Ok(runner);
                }
            }
        }
        Ok(Vec::new())
    }

    /// `build.target`, or the variable that stands for it.
    pub(super) fn build_target(&self) -> Option<String> {
        let of = |source: &Source| {
            Some(
                source
                    .table
                    .get("build")?
                    .get("target")?
                    .as_str()?
                    .to_owned(),
            )
        };
        self.typed
            .iter()
            .find_map(of)
            .or_else(|| env::var("CARGO_BUILD_TARGET").ok())
            .or_else(|| self.files.iter().find_map(of))
    }

    /// Whether a `profile.NAME.KEY` is set.
    pub(super) fn has_profile_key(&self, profile: &str, key: &str) -> bool {
        self.sources()
            .any(|source| has_profile_key(&source.table, profile, key))
    }
}

/// Whether a manifest or configuration sets `profile.NAME.KEY`.
pub(super) fn has_profile_key(table: &Table, profile: &str, key: &str) -> bool {
    let profile = table
        .get("profile")
        .and_then(|profiles| profiles.get(profile));
    profile.and_then(|profile| profile.get(key)).is_some()
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
        let mut words: Vec<String> = match self.targets()?.get(key)?.get("runner")? {
            Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
            Value::Array(words) => words
                .iter()
                .filter_map(|word| Some(word.as_str()?.to_owned()))
                .collect(),
            _ => return None,
        };
        let program = words.first_mut()?;
        if program.contains('/') {
            *program = self.root.join(&*program).to_string_lossy().into_owned();
        }
        Some(words)
    }
}

fn file(path: &Path, root: &Path) -> anyhow::Result<Source> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let table = text
        .parse()
        .with_context(|| format!("cannot understand {}", path.display()))?;
    Ok(Source {
        table,
        root: root.to_owned(),
    })
}

fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".cargo")))
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

    #[test]
    fn runner_is_found_by_triple_and_by_cfg() {
        let by_triple = config(
            "[target.x-y-z]\nrunner = 'qemu -L /x'\n[target.'cfg(unix)']\nrunner = 'other'",
            &[],
        );
        assert_eq!(
            by_triple.runner(TRIPLE, unix).unwrap(),
            ["qemu", "-L", "/x"]
        );
        let by_cfg = config(
            "[target.'cfg(windows)']\nrunner = 'no'\n[target.'cfg(unix)']\nrunner = ['a b', 'c']",
            &[],
        );
        assert_eq!(by_cfg.runner(TRIPLE, unix).unwrap(), ["a b", "c"]);
        let none = config("[target.x-y-z]\nlinker = 'cc'", &[]);
        assert!(none.runner(TRIPLE, || unreachable!()).unwrap().is_empty());
    }

    #[test]
    fn command_line_beats_files() {
        let config = config(
            "[target.x-y-z]\nrunner = 'file'",
            &["target.x-y-z.runner='typed'"],
        );
        assert_eq!(config.runner(TRIPLE, unix).unwrap(), ["typed"]);
    }

    #[test]
    fn relative_runner_starts_at_the_configuration() {
        let config = config("[target.x-y-z]\nrunner = 'tools/run'", &[]);
        let runner = config.runner(TRIPLE, unix).unwrap();
        assert!(Path::new(&runner[0]).is_absolute() && runner[0].ends_with("/tools/run"));
    }

    #[test]
    fn profile_keys_are_seen() {
        let config = config("[profile.hprof]\ndebug = 2", &["build.target='t'"]);
        assert!(config.has_profile_key("hprof", "debug"));
        assert!(!config.has_profile_key("hprof", "strip"));
        assert_eq!(config.build_target().as_deref(), Some("t"));
    }
}
