//! What noting blocks costs, and so how many may be noted: every one while that takes no more than 2 % of the process' CPU time, then fewer.
//!
//! Every so-manieth note is timed. What a program has not used of the 2 % it may use later, and a credit is there from the start, so small
//! programs and small heaps have all their blocks noted. All words here change under the lock on the tables.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use super::weight::MAX_LEVEL;
use crate::recorder::nanos;

/// CPU time of the process for each nanosecond of noting: 2 %.
const SHARE: u64 = 50;
/// Noting that is free in each process.
const CREDIT_NS: u64 = 5_000_000;
/// One note in so many is timed.
const TIMED: u64 = 16;
/// Notes from one look at the budget to the next.
const CHECKED: u64 = 256;
/// A note that takes so many times what the shortest took was interrupted: it counts as this.
const UNDISTURBED: u64 = 32;
/// CPU time after which it is tried whether more can be noted.
const CALM_NS: u64 = 50_000_000;

static NOTES: AtomicU64 = AtomicU64::new(0);
static SPENT_NS: AtomicU64 = AtomicU64::new(0);
static SHORTEST_NS: AtomicU64 = AtomicU64::new(u64::MAX);
/// When the level changed last: CPU time of the process, and what was spent.
static SINCE_CPU_NS: AtomicU64 = AtomicU64::new(0);
static SINCE_SPENT_NS: AtomicU64 = AtomicU64::new(0);

/// When this note began, if it is timed. Before the lock is taken: waiting for it is part of the cost.
pub(super) fn begin() -> Option<u64> {
    (NOTES.load(Relaxed).is_multiple_of(TIMED)).then(now)
}

/// A note ends; returns whether the budget is due for a look. Under the lock.
pub(super) fn end(began: Option<u64>) -> bool {
    let notes = NOTES.load(Relaxed).wrapping_add(1);
    NOTES.store(notes, Relaxed);
    if let Some(began) = began {
        let took = now().saturating_sub(began);
        let shortest = SHORTEST_NS.load(Relaxed).min(took.max(1));
        SHORTEST_NS.store(shortest, Relaxed);
        spend(took.min(shortest.saturating_mul(UNDISTURBED)) * TIMED);
    }
    notes.is_multiple_of(CHECKED)
}

/// Counts work that is done once, and says nothing of what the notes to come will cost.
pub(super) fn timed<R>(work: impl FnOnce() -> R) -> R {
    let began = now();
    let result = work();
    let took = now().saturating_sub(began);
    spend(took);
    SINCE_SPENT_NS.store(SINCE_SPENT_NS.load(Relaxed).saturating_add(took), Relaxed);
    result
}

fn spend(ns: u64) {
    SPENT_NS.store(SPENT_NS.load(Relaxed).saturating_add(ns), Relaxed);
}

fn now() -> u64 {
    nanos(libc::CLOCK_MONOTONIC)
}

/// The level that the budget allows. Under the lock.
pub(super) fn level(level: u32) -> u32 {
    let costs = Costs {
        spent: SPENT_NS.load(Relaxed),
        cpu: nanos(libc::CLOCK_PROCESS_CPUTIME_ID),
        since_spent: SINCE_SPENT_NS.load(Relaxed),
        since_cpu: SINCE_CPU_NS.load(Relaxed),
    };
    let wanted = costs.level(level);
    if wanted != level {
        SINCE_CPU_NS.store(costs.cpu, Relaxed);
        SINCE_SPENT_NS.store(costs.spent, Relaxed);
    }
    wanted
}

/// In a forked child: its CPU time begins again.
pub(super) fn restart() {
    for word in [&SPENT_NS, &SINCE_CPU_NS, &SINCE_SPENT_NS] {
        word.store(0, Relaxed);
    }
}

/// Nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Costs {
    /// Noting so far, and CPU time of the process.
    spent: u64,
    cpu: u64,
    /// The same when the level changed last, and what was done once since then.
    since_spent: u64,
    since_cpu: u64,
}

impl Costs {
    fn level(self, level: u32) -> u32 {
        let allowed = CREDIT_NS + self.cpu / SHARE;
        let spent = self.spent.saturating_sub(self.since_spent);
        let cpu = self.cpu.saturating_sub(self.since_cpu).max(1);
        let share = spent.saturating_mul(SHARE);
        if self.spent > allowed {
            // At this level it goes on costing so many times too much. Where that is less than once the debt grows smaller.
            let steps = (share / cpu).checked_ilog2().map_or(0, |log| log + 1);
            (level + steps).min(MAX_LEVEL)
        } else if level > 0 && self.spent < allowed / 2 && cpu > CALM_NS && share < cpu / 4 {
            level - 1
        } else {
            level
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shares of noting in each tenth of a run of `cpu` ns with a pair of so many bytes each `pair_ns`, and the level at its end.
    fn simulated(cpu: u64, size: u64, pair_ns: u64) -> (Vec<f64>, u32) {
        const NOTE_NS: u64 = 100;
        let mut costs = Costs {
            spent: 0,
            cpu: 0,
            since_spent: 0,
            since_cpu: 0,
        };
        let mut level = 0;
        let mut shares = Vec::new();
        let mut spent = 0;
        while costs.cpu < cpu {
            // 256 notes: half of them of blocks that come, half of blocks that go.
            let pairs = 128 * super::super::weight::gap(level).div_ceil(size).max(1);
            costs.cpu += pairs * pair_ns + 256 * NOTE_NS;
            costs.spent += 256 * NOTE_NS;
            let wanted = costs.level(level);
            if wanted != level {
                (costs.since_spent, costs.since_cpu) = (costs.spent, costs.cpu);
                level = wanted;
            }
            if costs.cpu >= cpu / 10 * (shares.len() as u64 + 1) {
                shares.push((costs.spent - spent) as f64 / (cpu / 10) as f64);
                spent = costs.spent;
            }
        }
        (shares, level)
    }

    #[test]
    fn noting_takes_two_percent_of_a_run() {
        let (shares, level) = simulated(1_000_000_000, 64, 16);
        assert!(shares[0] < 0.08, "{shares:?}");
        assert!(
            shares[2..].iter().all(|share| *share <= 0.025),
            "{shares:?}"
        );
        assert!((8..=11).contains(&level), "{level}");
    }

    #[test]
    fn small_programs_and_calm_ones_have_all_their_blocks_noted() {
        assert_eq!(simulated(4_000_000, 64, 16).1, 0);
        assert_eq!(simulated(1_000_000_000, 64, 20_000).1, 0);
    }

    #[test]
    fn more_is_noted_again_where_a_program_becomes_calm() {
        let costs = Costs {
            spent: 8_000_000,
            cpu: 1_000_000_000,
            since_spent: 7_900_000,
            since_cpu: 900_000_000,
        };
        assert_eq!(costs.level(9), 8);
        assert_eq!(costs.level(0), 0);
        // Not at once, and not while it is dear.
        assert_eq!(
            Costs {
                since_cpu: 990_000_000,
                ..costs
            }
            .level(9),
            9
        );
        assert_eq!(
            Costs {
                since_spent: 6_000_000,
                ..costs
            }
            .level(9),
            9
        );
    }
}
