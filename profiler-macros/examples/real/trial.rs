//! Runs a program and reads what it recorded.

use std::fs;
use std::path::Path;
use std::process::Command;

use hprof::model::{Profile, Scope, function_costs};

use crate::Result;

/// How a program runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode<'a> {
    /// The program.
    pub(crate) program: &'a Path,
    /// Whether it is recorded.
    pub(crate) records: bool,
}

/// What came of the runs of a program in a mode.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) computed: String,
    /// CPU time of the shortest run, nanoseconds: that of the program's thread.
    pub(crate) cpu: u64,
    /// What that run recorded.
    pub(crate) profile: Option<Profile>,
}

impl Trial {
    /// Keeps the shorter of two runs, which must have done the same.
    pub(crate) fn keep_shortest(&mut self, other: Self) -> Result<()> {
        if (&self.computed, self.counts()) != (&other.computed, other.counts()) {
            return Err("two runs of a program differ in their result, calls or hits".into());
        }
        if other.cpu < self.cpu {
            *self = other;
        }
        Ok(())
    }

    /// Calls whose node had to be looked up, of all that were recorded.
    pub(crate) fn missed(&self) -> f64 {
        let processes = self.profile.iter().flat_map(|profile| &profile.processes);
        let (mut missed, mut calls) = (0, 0);
        for process in processes {
            missed += process.own_cost.missed_calls;
            calls += process.own_cost.calls;
        }
        missed as f64 / (calls as f64).max(1.0)
    }

    /// Calls and hits that were recorded.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let Some(profile) = &self.profile else {
            return (0, 0);
        };
        let costs = function_costs(profile, Scope::All);
        let lines = costs.iter().flat_map(|cost| &cost.lines);
        let hits = lines.map(|line| line.own.hits).sum();
        (costs.iter().map(|cost| cost.calls).sum(), hits)
    }
}

/// Runs a program for so many turns.
pub(crate) fn run(folder: &Path, name: &str, turns: u64, mode: Mode<'_>) -> Result<Trial> {
    let records = folder.join("records");
    if records.exists() {
        fs::remove_dir_all(&records)?;
    }
    fs::create_dir(&records)?;
    let mut command = Command::new(mode.program);
    command
        .args([name, &turns.to_string()])
        .env_remove("HPROF_DIR");
    if mode.records {
        command.env("HPROF_DIR", &records);
    }
    let output = command.output()?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name}, {mode:?}: {reason}").into());
    }
    let printed = String::from_utf8(output.stdout)?;
    let (computed, cpu) = printed.trim().split_once(' ').ok_or("no CPU time")?;
    let cpu = cpu.parse()?;
    if cpu == 0 {
        return Err("this kernel does not tell CPU times in /proc/self/schedstat".into());
    }
    let profile = match fs::read_dir(&records)?.next() {
        Some(file) => Some(hprof::raw::read(&file?.path())?),
        None => None,
    };
    Ok(Trial {
        computed: computed.to_owned(),
        cpu,
        profile,
    })
}
