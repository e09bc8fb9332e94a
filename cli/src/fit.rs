//! Fitting: which functions were too dear to measure in full, kept after each run and handed to the macro by the next one with `--fit`.
//!
//! `target/hprof-fit/<profile>.json` holds, for each program of the workspace, what recording its functions cost the last time. From that
//! `--fit` chooses which of them only count their calls, and which are left out, until what remains is small; `lists` writes that down for the
//! macro, one file for each crate.

mod choice;
mod file;
mod lists;
mod measured;
mod update;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use hprof::model::{Instrumentation, Profile};

use crate::args::FitArgs;
use crate::output;
use choice::{Choice, Fate};
use measured::Measured;

/// Share of the time that recording may cost where none is given, in percent.
const DEFAULT: f64 = 10.0;

/// What is known of earlier runs, and what this one makes of it.
#[derive(Debug)]
pub(crate) struct Fit {
    /// `target/hprof-fit`.
    folder: PathBuf,
    /// Name of the cargo profile.
    profile: String,
    measured: Measured,
    /// What this build leaves out; empty without `--fit`.
    choice: Choice,
    /// Variables for cargo.
    variables: Vec<(String, OsString)>,
}

impl Fit {
    /// Reads what earlier runs left, chooses if that is asked for, and says what it chose. `by_default` says that it is, if nothing else is said: with
    /// [`DEFAULT`] as the share.
    ///
    /// # Errors
    ///
    /// If the lists cannot be written or deleted.
    pub(crate) fn open(
        target: &Path,
        profile: &str,
        args: &FitArgs,
        by_default: bool,
    ) -> anyhow::Result<Self> {
        let mut fit = Self {
            folder: target.join("hprof-fit"),
            profile: profile.to_owned(),
            measured: Measured::default(),
            choice: Choice::default(),
            variables: Vec::new(),
        };
        if args.in_turn {
            return Ok(fit);
        }
        if args.no_fit {
            measured::delete(&fit.file())?;
            return Ok(fit);
        }
        match measured::read(&fit.file()) {
            Ok(measured) => fit.measured = measured,
            Err(error) => output::say(format_args!(
                "{error:#}; what earlier runs found is not used, and the file is written again after this one"
            )),
        }
        if let Some(percent) = args.fit.or(by_default.then_some(DEFAULT)) {
            fit.choice = Choice::new(&fit.measured, percent);
            fit.variables = lists::write(&fit.lists_folder(), &fit.choice)?;
            if args.fit.is_some() || !fit.variables.is_empty() {
                fit.say();
            }
        }
        Ok(fit)
    }

    /// The variables that hand the lists to the macro.
    pub(crate) fn variables(&self) -> &[(String, OsString)] {
        &self.variables
    }

    /// How a build with this switch is instrumented.
    pub(crate) fn instrumentation(&self, switch: String) -> Instrumentation {
        Instrumentation {
            version: env!("CARGO_PKG_VERSION").into(),
            switch,
            thin: self.choice.places(Fate::Thin),
            left_out: self.choice.places(Fate::LeftOut),
        }
    }

    /// Keeps what a run of a program found.
    pub(crate) fn keep(&self, program: &str, profile: &Profile) {
        // Runs of other programs may have ended meanwhile.
        let mut measured = measured::read(&self.file()).unwrap_or_default();
        update::update(&mut measured, program, profile, &self.choice);
        let written = measured::write(&self.file(), &measured);
        if let Err(error) = written {
            output::say(format_args!(
                "what a later --fit needs could not be kept in {}: {error}",
                self.file().display()
            ));
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.profile))
    }

    fn lists_folder(&self) -> PathBuf {
        self.folder.join(&self.profile)
    }

    fn say(&self) {
        if self.measured.is_empty() {
            return output::say(
                "--fit: no earlier run has left a list for this profile, so all is measured; the next --fit uses what this run finds",
            );
        }
        let (thin, left_out) = (self.choice.thin(), self.choice.left_out());
        if thin + left_out == 0 {
            return output::say("--fit: measuring all costs little enough");
        }
        let count = |count: usize| match count {
            1 => "1 function".to_owned(),
            count => format!("{count} functions"),
        };
        let does = match (thin, left_out) {
            (thin, 0) => format!("counts only the calls of {}", count(thin)),
            (0, left_out) => format!("leaves out {}", count(left_out)),
            (thin, left_out) => format!(
                "counts only the calls of {}, and leaves out {}",
                count(thin),
                count(left_out)
            ),
        };
        output::say(format_args!(
            "fitting {does}: {}; --no-fit measures all again",
            self.choice.names(4)
        ));
    }
}
