//! What is known of a run as a whole.

use hprof::model::{End, Instrumentation, Nanos, Run};

use super::launches::{Launch, LaunchEnd};
use crate::system;

/// What the launchers know of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunFacts {
    /// What was run.
    pub(crate) command: Vec<String>,
    /// The user's name for the cargo profile; missing if hprof did not build the program.
    pub(crate) cargo_profile: Option<String>,
    /// Folder that relative source paths start from.
    pub(crate) source_root: Option<String>,
    /// How hprof instrumented the program.
    pub(crate) instrumentation: Option<Instrumentation>,
    /// Start of the first program, nanoseconds since the Unix epoch.
    pub(crate) start_unix_ns: Option<u64>,
    /// Wall time, over all programs that were started.
    pub(crate) wall_ns: Option<u64>,
    /// CPU time, user and system, likewise.
    pub(crate) cpu_ns: Option<u64>,
    /// How it ended.
    pub(crate) end: Option<End>,
    /// The user that a program ended as, if that is another one than ours: it gave up rights, or took some.
    pub(crate) other_user: Option<u32>,
}

impl RunFacts {
    /// Puts together what the launchers of a run noted. `command` names the whole where several programs were started.
    pub(crate) fn new(launches: &[Launch], command: Vec<String>) -> Self {
        let ends: Option<Vec<_>> = launches
            .iter()
            .map(|launch| launch.ended.as_ref())
            .collect();
        let ends = ends.filter(|ends| !ends.is_empty()).unwrap_or_default();
        // Of several programs the one that failed tells most.
        let end = ends
            .iter()
            .map(|end| end.end())
            .find(|end| *end != End::Code(0))
            .or(ends.first().map(|end| end.end()));
        let sum = |part: fn(&LaunchEnd) -> u64| {
            (!ends.is_empty()).then(|| ends.iter().map(|end| part(end)).sum())
        };
        let command = match launches {
            [launch] => launch.command.clone(),
            _ => command,
        };
        Self {
            command,
            cargo_profile: None,
            source_root: None,
            instrumentation: None,
            start_unix_ns: launches.iter().map(|launch| launch.start_unix_ns).min(),
            wall_ns: sum(|end| end.wall_ns),
            cpu_ns: sum(|end| end.cpu_ns),
            end,
            other_user: launches
                .iter()
                .filter_map(|launch| launch.ended.as_ref()?.user)
                .find(|user| *user != system::user_id()),
        }
    }

    /// With the exit code of the launcher, which is the program's, if nobody could note that. Those above 127 stand for signals, or do not.
    pub(crate) fn with_code(mut self, code: u8) -> Self {
        if self.start_unix_ns.is_none() && code < 128 {
            self.end = Some(End::Code(code.into()));
        }
        self
    }

    /// Name of the program, without its folder.
    pub(crate) fn program(&self) -> String {
        let program = self.command.first().map(String::as_str);
        let program = program.unwrap_or_default();
        program.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// As the model has it.
    pub(crate) fn into_run(self) -> Run {
        Run {
            newer_layout: None,
            command: self.command,
            cargo_profile: self.cargo_profile,
            start_unix_ns: self.start_unix_ns,
            wall: self.wall_ns.map(Nanos),
            cpu: self.cpu_ns.map(Nanos),
            end: self.end,
            source_root: self.source_root,
            instrumentation: self.instrumentation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(start: u64, code: i32) -> Launch {
        let ended = Some(LaunchEnd {
            wall_ns: 10,
            cpu_ns: 4,
            code: Some(code),
            signal: None,
            user: None,
        });
        Launch {
            launcher: 1,
            command: vec!["a".into()],
            start_unix_ns: start,
            ended,
        }
    }

    #[test]
    fn several_programs_add_up() {
        let run = RunFacts::new(
            &[launch(7, 0), launch(5, 3), launch(9, 0)],
            vec!["cargo".into()],
        )
        .into_run();
        assert_eq!((run.wall, run.cpu), (Some(Nanos(30)), Some(Nanos(12))));
        assert_eq!((run.start_unix_ns, run.end), (Some(5), Some(End::Code(3))));
        assert_eq!(run.command, ["cargo"]);
    }

    #[test]
    fn a_run_without_end_has_no_times() {
        let unended = Launch {
            ended: None,
            ..launch(5, 0)
        };
        let run = RunFacts::new(&[launch(7, 0), unended], Vec::new()).into_run();
        assert_eq!(
            (run.wall, run.end, run.start_unix_ns),
            (None, None, Some(5))
        );
    }
}
