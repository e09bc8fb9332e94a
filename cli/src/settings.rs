//! What the arguments mean together: how to build, how to record, where the results go.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::ValueEnum;

use crate::args::{
    BaseArgs, BenchArgs, CargoArgs, Clock, FolderArgs, RecordArgs, RssSource, RunArgs, TargetArgs,
    TestArgs, UneditedArgs,
};
use crate::failure;

/// How the program is instrumented and recorded.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    clock: Option<Clock>,
    split_loops: bool,
    sampler: bool,
    space: Option<String>,
    native: Option<u32>,
    memory: bool,
    alloc_exact: bool,
    rss_source: Option<RssSource>,
    memory_budget: Option<u32>,
}

impl Recording {
    /// For a program that hprof builds.
    pub(crate) fn build(args: &RecordArgs, split_loops: bool) -> anyhow::Result<Self> {
        if split_loops && args.clock == Some(Clock::Calls) {
            let error = anyhow!("--split-loops has no effect with --clock calls");
            return Err(failure::with_hint(error, "leave one of them out"));
        }
        Ok(Self {
            clock: args.clock,
            split_loops,
            sampler: !args.no_sampler,
            space: args.space.clone(),
            native: args.native,
            memory: false,
            alloc_exact: args.alloc_exact,
            rss_source: args.rss_source,
            memory_budget: args.memory_budget,
        })
    }

    /// The same, with readings of the resident set if they are wanted.
    pub(crate) fn with_memory(self, memory: bool) -> Self {
        Self { memory, ..self }
    }

    /// For programs that are built already.
    pub(crate) fn prebuilt(args: &RecordArgs) -> anyhow::Result<Self> {
        if args.clock == Some(Clock::Calls) {
            let error = anyhow!("--clock calls is chosen when a program is built");
            return Err(failure::with_hint(
                error,
                "build it with HPROF=calls in the environment",
            ));
        }
        Self::build(args, false)
    }

    /// Whether the program needs the recorder's feature `native`.
    pub(crate) fn native(&self) -> bool {
        self.native.is_some()
    }

    /// Value of `HPROF` for the build.
    pub(crate) fn switch(&self, own_allocator: bool) -> String {
        let lines = match (self.clock, self.split_loops) {
            (Some(Clock::Calls), _) => "calls",
            (_, true) => "lines+split",
            (_, false) => "lines",
        };
        let allocator = if own_allocator { "+noalloc" } else { "" };
        format!("{lines}{allocator}")
    }

    /// Variables for the program. What was not asked for stays as the user's environment has it.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let clock = self.clock.and_then(|clock| match clock {
            Clock::Auto => Some("auto"),
            Clock::Exact => Some("exact"),
            Clock::Fenced => Some("fenced"),
            Clock::Sampled => Some("sampled"),
            Clock::Calls => None,
        });
        let sampler = (!self.sampler).then_some("0");
        let native = self.native.map(|rate| rate.to_string());
        let rss_source = self.rss_source.map(|source| match source {
            RssSource::Auto => "auto",
            RssSource::Sysinfo => "sysinfo",
            RssSource::Procfs => "procfs",
        });
        let budget = self.memory_budget.map(|percent| percent.to_string());
        [
            (hprof::env::CLOCK, clock),
            (hprof::env::SAMPLER, sampler),
            (hprof::env::SPACE, self.space.as_deref()),
            (hprof::env::NATIVE, native.as_deref()),
            (hprof::env::MEMORY, self.memory.then_some("1")),
            (hprof::env::ALLOC_EXACT, self.alloc_exact.then_some("1")),
            (hprof::env::MEMORY_BUDGET, budget.as_deref()),
            (hprof::env::RSS_SOURCE, rss_source),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect()
    }
}

/// A cargo profile of our own, which inherits the one the user means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CargoProfile {
    /// Our name for it, which is also the name of its folder.
    pub(crate) name: String,
    /// The user's name.
    pub(crate) base: String,
}

impl CargoProfile {
    fn new(args: &CargoArgs) -> Self {
        let base = if args.dev {
            Some("dev")
        } else {
            args.profile.as_deref()
        };
        match base {
            None | Some("release") => Self {
                name: "hprof".into(),
                base: "release".into(),
            },
            // Two bases in one folder would rebuild each other.
            Some(base) => Self {
                name: format!("hprof-{base}"),
                base: base.into(),
            },
        }
    }

    /// For builds that instrument dependencies too. Cargo does not tell those from plain ones, so in one folder they would rebuild each other.
    fn with_dependencies(self) -> Self {
        Self {
            name: format!("{}-with-dependencies", self.name),
            ..self
        }
    }
}

/// What cargo is asked to build and start.
#[derive(Clone, Debug)]
pub(crate) struct Build {
    /// `run`, `test` or `bench`.
    pub(crate) subcommand: &'static str,
    /// Packages and targets.
    pub(crate) selection: Vec<OsString>,
    /// Everything else for cargo, less what is below.
    pub(crate) options: Vec<OsString>,
    /// Part of the options: those that `cargo metadata` takes too.
    pub(crate) lookup: Vec<OsString>,
    /// Likewise, those that choose features.
    pub(crate) features: Vec<OsString>,
    /// Likewise, those that are the same for another package.
    pub(crate) of_any_package: Vec<OsString>,
    /// The cargo profile.
    pub(crate) profile: CargoProfile,
    /// `--target`.
    pub(crate) target: Vec<String>,
    /// `--target-dir`.
    pub(crate) target_dir: Option<PathBuf>,
    /// `--config`.
    pub(crate) config: Vec<OsString>,
    /// `--manifest-path`.
    pub(crate) manifest_path: Option<PathBuf>,
    /// `--package`.
    pub(crate) packages: Vec<String>,
    /// Filter of test names.
    pub(crate) filter: Option<OsString>,
    /// Arguments of the program.
    pub(crate) args: Vec<OsString>,
    /// What starts the ranks of a parallel job; empty if nothing does.
    pub(crate) ranks_by: Vec<String>,
}

impl Build {
    pub(crate) fn run(args: &RunArgs) -> Self {
        let mut selection = Options::default();
        selection.value("--package", args.package.as_ref());
        selection.value("--bin", args.bin.as_ref());
        selection.value("--example", args.example.as_ref());
        Self {
            packages: names(args.package.as_slice()),
            ranks_by: args.ranks.words(),
            ..Self::new(
                "run",
                selection.0,
                (&args.cargo, &args.unedited),
                None,
                &args.args,
            )
        }
    }

    pub(crate) fn test(args: &TestArgs) -> Self {
        let mut selection = Options(targets(&args.common.targets));
        selection.flag("--doc", args.doc);
        let selection = selection.0;
        Self {
            packages: names(&args.common.targets.package),
            ..Self::new(
                "test",
                selection,
                (&args.common.cargo, &args.common.unedited),
                args.name.clone(),
                &args.args,
            )
        }
    }

    pub(crate) fn bench(args: &BenchArgs) -> Self {
        let selection = targets(&args.common.targets);
        Self {
            packages: names(&args.common.targets.package),
            ..Self::new(
                "bench",
                selection,
                (&args.common.cargo, &args.common.unedited),
                args.name.clone(),
                &args.args,
            )
        }
    }

    fn new(
        subcommand: &'static str,
        selection: Vec<OsString>,
        (args, unedited): (&CargoArgs, &UneditedArgs),
        filter: Option<OsString>,
        program_args: &[OsString],
    ) -> Self {
        let mut profile = CargoProfile::new(args);
        if unedited.dependencies.is_some() {
            profile = profile.with_dependencies();
        }
        let mut lookup = Options::default();
        lookup.value("--manifest-path", args.manifest_path.as_ref());
        lookup.flag("--locked", args.locked);
        lookup.flag("--offline", args.offline);
        lookup.flag("--frozen", args.frozen);
        lookup.values("--config", &args.config);
        let mut features = Options::default();
        features.values("--features", &args.features);
        features.flag("--all-features", args.all_features);
        features.flag("--no-default-features", args.no_default_features);
        let mut options = Options([lookup.0.as_slice(), &features.0].concat());
        options.value("--target-dir", args.target_dir.as_ref());
        let mut of_any_package = Options::default();
        for target in &args.target {
            of_any_package.value("--target", Some(target));
        }
        of_any_package.value("--jobs", args.jobs.as_ref());
        of_any_package.flag("--quiet", args.quiet);
        for _ in 0..args.verbose {
            of_any_package.flag("--verbose", true);
        }
        options.0.extend_from_slice(&of_any_package.0);
        of_any_package.flag("--offline", args.offline || args.frozen);
        of_any_package.values("--config", &args.config);
        Self {
            subcommand,
            selection,
            options: options.0,
            lookup: lookup.0,
            features: features.0,
            of_any_package: of_any_package.0,
            profile,
            target: args.target.clone(),
            target_dir: args.target_dir.clone(),
            config: args.config.clone(),
            manifest_path: args.manifest_path.clone(),
            packages: Vec::new(),
            filter,
            args: program_args.to_vec(),
            ranks_by: Vec::new(),
        }
    }
}

fn names(packages: &[OsString]) -> Vec<String> {
    let texts = packages.iter().map(|package| package.to_string_lossy());
    texts.map(std::borrow::Cow::into_owned).collect()
}

fn targets(args: &TargetArgs) -> Vec<OsString> {
    let mut options = Options::default();
    options.values("--package", &args.package);
    options.flag("--workspace", args.workspace);
    options.values("--exclude", &args.exclude);
    options.flag("--lib", args.lib);
    options.flag("--bins", args.bins);
    options.values("--bin", &args.bin);
    options.flag("--examples", args.examples);
    options.values("--example", &args.example);
    options.flag("--tests", args.tests);
    options.values("--test", &args.test);
    options.flag("--benches", args.benches);
    options.values("--bench", &args.bench);
    options.flag("--all-targets", args.all_targets);
    options.flag("--no-fail-fast", args.no_fail_fast);
    options.0
}

/// The options of `hprof run` that `--base` gives to both programs, and the one file that both are recorded by.
pub(crate) fn base_options(args: &BaseArgs, config: Option<&Path>) -> Vec<OsString> {
    let mut options = Options::default();
    options.value("--hprof-config", config);
    options.flag("--no-hprof-config", config.is_none());
    options.flag("--all", args.unedited.all);
    for pattern in &args.unedited.functions {
        options.value("--functions", Some(pattern));
    }
    let dependencies = args.unedited.dependencies.as_ref();
    options.value(
        "--dependencies",
        dependencies.map(|crates| crates.join(",")),
    );
    let clock = args.clock.and_then(|clock| clock.to_possible_value());
    options.value("--clock", clock.map(|clock| clock.get_name().to_owned()));
    options.value("--bin", args.bin.as_ref());
    options.value("--example", args.example.as_ref());
    options.value("--package", args.package.as_ref());
    options.values("--features", &args.features);
    options.flag("--all-features", args.all_features);
    options.flag("--no-default-features", args.no_default_features);
    options.value("--profile", args.profile.as_ref());
    options.flag("--locked", args.locked);
    options.flag("--offline", args.offline);
    options.values("--config", &args.config);
    options.0
}

/// Command line options as a list. A value always follows its option with `=`, for it may start with a dash.
#[derive(Default)]
struct Options(Vec<OsString>);

impl Options {
    fn flag(&mut self, name: &str, given: bool) {
        if given {
            self.0.push(name.into());
        }
    }

    fn value(&mut self, name: &str, value: Option<impl Into<OsString> + Clone>) {
        if let Some(value) = value {
            let mut option = OsString::from(format!("{name}="));
            option.push(value.into());
            self.0.push(option);
        }
    }

    fn values(&mut self, name: &str, values: &[OsString]) {
        for value in values {
            self.value(name, Some(value.clone()));
        }
    }
}

/// Which package's profiles are meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct PackageQuery {
    /// Options for `cargo metadata`.
    pub(crate) lookup: Vec<OsString>,
    /// `--target-dir`.
    pub(crate) target_dir: Option<PathBuf>,
    /// `--manifest-path`.
    pub(crate) manifest_path: Option<PathBuf>,
    /// `--package`.
    pub(crate) packages: Vec<String>,
    /// The folder for profiles that hprof.toml names.
    pub(crate) output_folder: Option<PathBuf>,
}

impl From<&FolderArgs> for PackageQuery {
    fn from(args: &FolderArgs) -> Self {
        let mut lookup = Options::default();
        lookup.value("--manifest-path", args.manifest_path.as_ref());
        Self {
            lookup: lookup.0,
            target_dir: args.target_dir.clone(),
            manifest_path: args.manifest_path.clone(),
            packages: Vec::new(),
            output_folder: args.output_folder.clone(),
        }
    }
}

impl From<&Build> for PackageQuery {
    fn from(build: &Build) -> Self {
        Self {
            lookup: build.lookup.clone(),
            target_dir: build.target_dir.clone(),
            manifest_path: build.manifest_path.clone(),
            packages: build.packages.clone(),
            output_folder: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn run(options: &[&str]) -> RunArgs {
        let typed = ["hprof", "run"].iter().chain(options);
        match Cli::try_parse_from(typed).unwrap().command {
            Command::Run(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn switch_names_what_is_built() {
        let switch = |options: &[&str], own_allocator| {
            let args = run(options);
            let recording = Recording::build(&args.record, args.split_loops).unwrap();
            recording.switch(own_allocator)
        };
        assert_eq!(switch(&[], false), "lines");
        assert_eq!(switch(&["--split-loops"], true), "lines+split+noalloc");
        assert_eq!(switch(&["--clock", "calls"], false), "calls");
        assert_eq!(switch(&["--clock", "exact"], true), "lines+noalloc");
    }

    #[test]
    fn only_what_was_asked_for_is_set() {
        let args = run(&[
            "--no-sampler",
            "--alloc-exact",
            "--space",
            "1G",
            "--clock",
            "fenced",
        ]);
        let all = Recording::build(&args.record, false).unwrap().environment();
        let expected = [
            ("HPROF_CLOCK", "fenced"),
            ("HPROF_SAMPLER", "0"),
            ("HPROF_SPACE", "1G"),
            ("HPROF_ALLOC_EXACT", "1"),
        ];
        assert_eq!(
            all,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        let none = Recording::build(&run(&[]).record, false)
            .unwrap()
            .environment();
        assert_eq!(none, []);
    }

    #[test]
    fn each_base_has_a_profile_of_its_own() {
        let profile = |options: &[&str]| Build::run(&run(options)).profile;
        assert_eq!(profile(&[]), profile(&["--release"]));
        assert_eq!(profile(&[]).name, "hprof");
        assert_eq!(profile(&["--profile", "release"]), profile(&[]));
        assert_eq!(profile(&["--dev"]).base, "dev");
        assert_eq!(profile(&["--profile", "fat"]).name, "hprof-fat");
    }

    #[test]
    fn options_reach_cargo() {
        let build = Build::run(&run(&[
            "--bin", "a b", "-F", "x,y", "-j", "-1", "-vv", "--locked", "one", "-z",
        ]));
        assert_eq!(build.selection, ["--bin=a b"]);
        assert_eq!(
            build.options,
            [
                "--locked",
                "--features=x,y",
                "--jobs=-1",
                "--verbose",
                "--verbose"
            ]
        );
        assert_eq!(build.lookup, ["--locked"]);
        assert_eq!(build.args, ["one", "-z"]);
    }
}
