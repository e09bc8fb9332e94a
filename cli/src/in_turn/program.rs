//! One of the two programs: how it is built and run, by an hprof of its own for each run.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, anyhow};
use hprof::model::{End, Profile};

use super::interrupt::Interrupts;
use crate::failure;
use crate::launch;
use crate::output;
use crate::store;

/// Lines of what a failed run said that are shown.
const LAST_LINES: usize = 20;
const PROFILE: &str = "run.pb.gz";
const SAID: &str = "said";
/// Between two looks at what a program has said.
const PAUSE: Duration = Duration::from_millis(50);

/// A program, and the command that profiles it.
#[derive(Debug)]
pub(super) struct Program {
    name: String,
    words: Vec<OsString>,
    runs: Cell<u32>,
}

impl Program {
    /// `options` are for both programs alike.
    pub(super) fn new(
        name: &str,
        manifest: Option<&Path>,
        target: &Path,
        options: &[OsString],
        args: &[OsString],
    ) -> Self {
        let mut words: Vec<OsString> = ["run", "--report=none", "--in-turn"]
            .map(OsString::from)
            .into();
        words.extend_from_slice(options);
        for (option, value) in [
            ("--manifest-path", manifest),
            ("--target-dir", Some(target)),
        ] {
            words.extend(
                value
                    .into_iter()
                    .flat_map(|value| [option.into(), value.into()]),
            );
        }
        words.push("--".into());
        words.extend_from_slice(args);
        Self {
            name: name.to_owned(),
            words,
            runs: Cell::new(0),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The first run: what cargo says is shown while it builds.
    pub(super) fn build_and_run(
        &self,
        folder: &Path,
        interrupts: &Interrupts,
    ) -> anyhow::Result<Profile> {
        self.run(folder, true, interrupts)
    }

    /// Another run, of what is built.
    pub(super) fn run_again(
        &self,
        folder: &Path,
        interrupts: &Interrupts,
    ) -> anyhow::Result<Profile> {
        self.run(folder, false, interrupts)
    }

    fn run(&self, folder: &Path, shown: bool, interrupts: &Interrupts) -> anyhow::Result<Profile> {
        interrupts.check()?;
        self.runs.set(self.runs.get() + 1);
        let path = folder.join(PROFILE);
        let hprof = std::env::current_exe().context("cannot find hprof's own program file")?;
        let said = Said::new(folder, shown)?;
        let running = {
            let mut command = Command::new(hprof);
            command.arg(&self.words[0]).arg("--output").arg(&path);
            command.args(&self.words[1..]);
            command.stdin(Stdio::null()).stdout(Stdio::null());
            command.stderr(said.file.try_clone()?);
            launch::start_process(&mut command, Vec::new).context("cannot start hprof")?
        };
        let code = launch::exit_code(running.wait()?.0.end());
        let said = said.lines();
        interrupts.check()?;
        if !path.is_file() {
            if !shown {
                let last = said.len().saturating_sub(LAST_LINES);
                output::pass_on((said[last..].join("\n") + "\n").as_bytes());
            }
            return Err(self.failed(code, &said, shown));
        }
        let profile = store::read(&path)?;
        fs::remove_file(&path).map_err(failure::without_path)?;
        Ok(profile)
    }

    /// Why there is no profile.
    fn failed(&self, code: u8, said: &[String], is_first: bool) -> anyhow::Error {
        let name = &self.name;
        let has = |part: &str| said.iter().any(|line| line.contains(part));
        // What was built already cannot be what fails later.
        if is_first && has("hprof: the build failed") {
            return failure::with_hint(
                anyhow!("{name} does not build"),
                "cargo has said why above; name another revision, or mend it",
            );
        }
        let reason = said
            .iter()
            .rev()
            .find_map(|line| line.strip_prefix("hprof: nothing was recorded: "));
        match reason {
            Some(reason) => failure::with_hint(
                anyhow!("{name}: nothing was recorded: {reason}"),
                "both revisions need #[profile] on functions that this run calls; --all measures all functions of both without an edit",
            ),
            None => failure::with_hint(
                anyhow!(
                    "{name}: run {} left no profile, with exit code {code}",
                    self.runs.get()
                ),
                "what it said is above",
            ),
        }
    }

    /// A program that fails may have done less than it should.
    pub(super) fn say_how_it_ended(&self, runs: &[Profile]) {
        let failed = runs.iter().filter_map(|run| match run.run.end? {
            End::Code(0) => None,
            End::Code(code) => Some(format!("with exit code {code}")),
            End::Signal(signal) => Some(format!("by signal {signal}")),
        });
        let ends: Vec<String> = failed.collect();
        if let Some(first) = ends.first() {
            output::say(format_args!(
                "{}: {} of {} runs ended {first}",
                self.name,
                ends.len(),
                runs.len()
            ));
        }
    }
}

/// What a run says on its standard error: a file, for processes that the program leaves behind would keep a pipe open.
struct Said {
    file: File,
    path: PathBuf,
    /// Shows it meanwhile, until it is told that all is said.
    shower: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Said {
    fn new(folder: &Path, shown: bool) -> anyhow::Result<Self> {
        let path = folder.join(SAID);
        let file = File::create(&path).context("cannot note what the program says")?;
        let shower = shown.then(|| {
            let (all_said, is_over) = mpsc::channel();
            let path = path.clone();
            (all_said, thread::spawn(move || show(&path, &is_over)))
        });
        Ok(Self { file, path, shower })
    }

    fn lines(self) -> Vec<String> {
        if let Some((all_said, shower)) = self.shower {
            drop(all_said);
            let _ = shower.join();
        }
        let text = fs::read(&self.path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        text.lines().map(str::to_owned).collect()
    }
}

/// Shows what comes to stand in a file, until nothing more will.
fn show(path: &Path, is_over: &Receiver<()>) {
    let Ok(mut file) = File::open(path) else {
        return;
    };
    loop {
        let over = is_over.recv_timeout(PAUSE) == Err(RecvTimeoutError::Disconnected);
        if io::copy(&mut file, &mut io::stderr().lock()).is_err() || over {
            return;
        }
    }
}
