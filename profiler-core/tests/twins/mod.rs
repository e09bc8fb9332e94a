//! Runs a function plain and instrumented and compares everything a caller can observe.
//!
//! Hits are written at the end of the line they belong to, worked out by hand: `//= 3`. [`hits_as_written`] runs the test binary
//! once more as a recorded program and compares. In a function with such counts every row has one, but for rows
//! of the time between marked statements. A count on a line of its own
//! is that of the line above: rustfmt moves it there behind an opening brace.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    clippy::allow_attributes,
    reason = "not every test needs all of it"
)]

use hprof::model::{Function, FunctionCost, Line, Profile, Scope, function_costs};
use hprof::site::LineKind;
use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::future::Future;
use std::ops::RangeInclusive;
use std::panic::{self, AssertUnwindSafe};
use std::pin::{Pin, pin};
use std::process::{Command, Stdio};
use std::task::{Context, Poll, Waker};
use std::{env, fs, mem};

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Notes an observable step.
pub(crate) fn log(step: impl Into<String>) {
    LOG.with_borrow_mut(|log| log.push(step.into()));
}

/// Logs when it is dropped.
#[derive(Debug, PartialEq)]
pub(crate) struct Noisy(pub(crate) &'static str);

impl Drop for Noisy {
    fn drop(&mut self) {
        log(format!("drop {}", self.0));
    }
}

impl Noisy {
    /// A value borrowed from a temporary.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Items borrowed from a temporary.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes()
    }
}

/// Polls a future to its end; each time that it has to wait is a step.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        log("pending");
    }
}

/// Pending once, then 1.
#[derive(Default)]
pub(crate) struct Later {
    waited: bool,
}

impl Future for Later {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
        if mem::replace(&mut self.waited, true) {
            return Poll::Ready(1);
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A future that has to wait.
pub(crate) fn later() -> Later {
    Later::default()
}

/// The result of a run, or the message of its panic, and its log.
fn observed<R: Debug>(run: impl FnOnce() -> R) -> (Result<R, String>, Vec<String>) {
    LOG.take();
    let result = panic::catch_unwind(AssertUnwindSafe(run)).map_err(|payload| message(&*payload));
    (result, LOG.take())
}

fn message(payload: &dyn Any) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".to_owned())
}

/// Asserts that both runs give the same result, or panic alike, with the same log.
#[track_caller]
pub(crate) fn same<R: Debug + PartialEq>(plain: impl FnOnce() -> R, profiled: impl FnOnce() -> R) {
    let plain = observed(plain);
    let profiled = observed(profiled);
    assert_eq!(
        plain, profiled,
        "plain on the left, instrumented on the right"
    );
}

/// Set in the child that is recorded.
const RECORDED: &str = "HPROF_TEST_RECORDED";

/// Records what `run` does and compares the hits of each line with the count written there. `test` is the name of the test
/// that calls this, which runs once more in a child process; `functions` are those that have counts.
#[track_caller]
pub(crate) fn hits_as_written(test: &str, functions: &[&str], run: impl FnOnce()) {
    if env::var_os(RECORDED).is_some() {
        run();
        return;
    }
    let profile = recorded(test);
    let costs = function_costs(&profile, Scope::All);
    let mut differences = Vec::new();
    for name in functions {
        let named =
            |cost: &&FunctionCost| profile.functions[cost.function.0 as usize].name == *name;
        let Some(cost) = costs.iter().find(named) else {
            panic!("{name} was not recorded");
        };
        let function = &profile.functions[cost.function.0 as usize];
        let mut hits: BTreeMap<u32, u64> = function.lines.iter().map(|row| (row.line, 0)).collect();
        hits.extend(cost.lines.iter().map(|line| (line.line, line.own.hits)));
        let mut written = written_hits(function);
        // Counts in a function inside are those of that one.
        written.retain(|line, _| {
            let mut others = profile.functions.iter();
            !others.any(|other| is_inside(other, function) && spans(other).contains(line))
        });
        assert!(!written.is_empty(), "{name} has no counts");
        let is_rest = |row: &&Line| row.kind == LineKind::WholeBody;
        let rests: BTreeSet<u32> = function
            .lines
            .iter()
            .filter(is_rest)
            .map(|row| row.line)
            .collect();
        // A closing brace has a row, but no hit where nothing has to be dropped.
        let braces = function
            .lines
            .iter()
            .filter(|row| row.kind == LineKind::Brace);
        let braces: BTreeSet<u32> = braces.map(|row| row.line).collect();
        let lines: BTreeSet<_> = hits.keys().chain(written.keys()).collect();
        for line in lines {
            let (counted, written) = (hits.get(line), written.get(line));
            let rest = rests.contains(line) && written.is_none();
            let idle = braces.contains(line) && written.is_none() && counted == Some(&0);
            if counted != written && !rest && !idle {
                let text = function.source[(line - function.line) as usize].trim();
                differences.push(format!("{name}, line {line}: {counted:?} hits\n    {text}"));
            }
        }
    }
    assert!(
        differences.is_empty(),
        "other hits than written:\n{}",
        differences.join("\n")
    );
}

/// The recording of a test that runs in a child process.
pub(crate) fn recorded(test: &str) -> Profile {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", test])
        .env(RECORDED, "")
        .env("HPROF_DIR", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the recorded run failed: {status}");
    let mut files = fs::read_dir(folder.path()).unwrap();
    let file = files.next().expect("a raw file").unwrap();
    assert!(files.next().is_none(), "one process, one file");
    hprof::raw::read(&file.path()).unwrap()
}

/// Whether this is the child that is recorded.
pub(crate) fn is_recorded() -> bool {
    env::var_os(RECORDED).is_some()
}

/// The lines of a function.
fn spans(function: &Function) -> RangeInclusive<u32> {
    let lines = u32::try_from(function.source.len()).unwrap();
    function.line..=function.line + lines.saturating_sub(1)
}

/// Whether a function stands inside another.
fn is_inside(inner: &Function, outer: &Function) -> bool {
    let (lines, around) = (spans(inner), spans(outer));
    inner.file == outer.file && around.start() < lines.start() && lines.end() <= around.end()
}

/// The counts in the source of a function, by line.
fn written_hits(function: &Function) -> BTreeMap<u32, u64> {
    let written = |(line, text): (u32, &String)| {
        let (code, count) = text.rsplit_once("//= ")?;
        let line = line - u32::from(code.trim().is_empty());
        Some((line, count.trim().parse().expect("a number of hits")))
    };
    (function.line..)
        .zip(&function.source)
        .filter_map(written)
        .collect()
}

/// Compiles the same code three times: as `plain`, instrumented as `profiled`, and with functions that only count their calls.
macro_rules! twins {
    ($($code:tt)*) => {
        mod plain {
            #[allow(unused_imports, reason = "not every case needs all of it")]
            use super::*;
            $($code)*
        }
        #[::hprof::profile(always, lines)]
        mod profiled {
            #[allow(unused_imports, reason = "not every case needs all of it")]
            use super::*;
            $($code)*
        }
        #[::hprof::profile(always, thin)]
        #[allow(dead_code, reason = "that it compiles is what matters")]
        mod thin {
            #[allow(unused_imports, reason = "not every case needs all of it")]
            use super::*;
            $($code)*
        }
    };
}
pub(crate) use twins;
