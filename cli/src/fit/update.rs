//! What a run found of the functions of its program, in the place of what the run before found.

use std::collections::BTreeSet;

use hprof::model::{
    Nanos, NotMeasured, OwnCost, Process, Profile, RecordedFunction, Scope, ThinCalls,
    recorded_functions, thin_calls,
};
use hprof::site::WhyNot;

use super::choice::{Choice, Fate};
use super::measured::{Key, Measured, Measurement, Program, State};

/// Puts a run in the place of the one before.
pub(super) fn update(measured: &mut Measured, program: &str, profile: &Profile, choice: &Choice) {
    let Some(first) = profile.processes.first() else {
        return;
    };
    let sum = |part: fn(&Process) -> Nanos| profile.processes.iter().map(part).sum::<Nanos>();
    let cost = sum(|process| process.own_cost.in_program).0;
    let cpu = sum(|process| process.cpu.unwrap_or_default()).0;
    // Prices differ little between the processes of a run.
    let before = measured.programs.remove(program).unwrap_or_default();
    let is_kept = |key: &Key| {
        let same = |function: &&Measurement| function.key == *key;
        choice.fate(key).is_some()
            || before
                .functions
                .iter()
                .find(same)
                .is_some_and(|it| it.state == State::Kept)
    };
    let mut functions = full_functions(profile, &first.own_cost, is_kept);
    functions.extend(thin_functions(profile, &first.own_cost, choice));
    let explained = functions.iter().map(|function| match function.state {
        State::Full | State::Kept => function.full_ns,
        State::Thin | State::Fitted | State::LeftOut => function.thin_ns,
    });
    let explained = explained.fold(0, u64::saturating_add);
    functions.extend(left_out_again(profile, before));
    let now = Program {
        plain_ns: cpu.saturating_sub(cost).max(cpu / 100),
        rest_ns: cost.saturating_sub(explained),
        functions,
    };
    measured.programs.insert(program.to_owned(), now);
}

/// The functions that were measured in full and whose calls are short.
fn full_functions(
    profile: &Profile,
    prices: &OwnCost,
    is_kept: impl Fn(&Key) -> bool,
) -> Vec<Measurement> {
    let recorded = recorded_functions(profile).into_iter();
    let measurement = |recorded: RecordedFunction| {
        let key = Key::of(profile, recorded.function)?;
        Some(Measurement {
            full_ns: recorded.own.0,
            thin_ns: nanoseconds(recorded.calls, prices.thin_ps),
            state: if is_kept(&key) {
                State::Kept
            } else {
                State::Full
            },
            key,
        })
    };
    let short = recorded.filter(|recorded| recorded.is_short);
    short.filter_map(measurement).collect()
}

/// Those that counted their calls.
fn thin_functions(profile: &Profile, prices: &OwnCost, choice: &Choice) -> Vec<Measurement> {
    // A frame, and at least the markers of one line and of the closing brace.
    let in_full = prices.call_ps.saturating_add(2 * prices.marker_ps);
    let measurement = |thin: ThinCalls| {
        let key = Key::of(profile, thin.function)?;
        let is_fitted = choice.fate(&key) == Some(Fate::Thin);
        Some(Measurement {
            key,
            full_ns: nanoseconds(thin.calls, in_full),
            thin_ns: nanoseconds(thin.calls, prices.thin_ps),
            state: if is_fitted {
                State::Fitted
            } else {
                State::Thin
            },
        })
    };
    let thin = thin_calls(profile, Scope::All).into_iter();
    thin.filter_map(measurement).collect()
}

/// Those that were left out have no new figures: the earlier ones stay.
fn left_out_again(profile: &Profile, before: Program) -> impl Iterator<Item = Measurement> {
    let left_out = |function: &&NotMeasured| function.why == WhyNot::TooSmall;
    let left_out = profile.not_measured.iter().filter(left_out);
    let names: BTreeSet<(&str, &str)> = left_out
        .map(|function| (function.file.as_str(), function.name.as_str()))
        .collect();
    let earlier = before.functions.into_iter().map(|function| Measurement {
        state: State::LeftOut,
        ..function
    });
    earlier.filter(move |function| {
        names.contains(&(function.key.file.as_str(), function.key.name.as_str()))
    })
}

/// Whole nanoseconds of so many events that take so many picoseconds each.
fn nanoseconds(count: u64, picoseconds: u64) -> u64 {
    let all = u128::from(count) * u128::from(picoseconds) / 1000;
    u64::try_from(all).unwrap_or(u64::MAX)
}
