//! The assembly of the stub against its model in Rust, on the same sequences of markers and ticks.

#![expect(clippy::unwrap_used, reason = "a test may")]
#![expect(clippy::cast_possible_truncation, reason = "small numbers")]

use core::cell::Cell as StdCell;

use proptest::prelude::*;

use super::*;
use crate::raw::layout::PROBES;
use crate::raw::writer::padded;
use crate::recorder::protocol::{self, PROBE, PROMOTED, SAMPLED, TIMED, close};
use crate::recorder::state::{READING_FENCED, READING_MEMORY, READING_TSC};
use crate::recorder::{cells, cpu, space};

thread_local! {
    /// What the stub of this test reads instead of a clock, and what a look at the memory costs.
    static TICKS: StdCell<Option<(u64, u64)>> = const { StdCell::new(None) };
}

thread_local! {
    /// What the CPU clock of the thread shows in this test.
    static CPU: StdCell<u64> = const { StdCell::new(0) };
}

/// What the CPU clock of the thread shows, where the ticks are those of a test.
pub(super) fn fake_cpu(_thread: &ThreadRecord) -> Option<u64> {
    TICKS.get().map(|_| CPU.get())
}

/// The clock of the thread, which then stands still for as long as the look takes.
pub(super) fn fake_ticks(thread: &ThreadRecord) -> Option<u64> {
    let (arrived, cost) = TICKS.get()?;
    let own = thread.own_ticks.load(Relaxed);
    thread.own_ticks.store(own + cost, Relaxed);
    Some(arrived - own)
}

const LINES: usize = 4;

/// A thread and a node in memory of their own, set up as the recorder does.
struct World {
    thread: &'static ThreadRecord,
    node: &'static NodeRecord,
}

impl World {
    fn new(start: u64, threshold: u64, correction: u64, windows: [u64; LINES]) -> Self {
        let node_at = padded(size_of::<ThreadRecord>());
        let memory = space::private_memory(node_at + padded(cell_offset(LINES))).unwrap();
        // SAFETY: zeroed memory with room for both, aligned to a page, never given back.
        let thread = unsafe { &*memory.cast::<ThreadRecord>() };
        // SAFETY: as above.
        let node = unsafe { &*memory.wrapping_add(node_at).cast::<NodeRecord>() };
        node.lines.store(LINES as u32, Relaxed);
        let outside = core::ptr::from_ref(&thread.outside).cast_mut();
        thread.cell.store(outside, Relaxed);
        thread.gap.store(outside, Relaxed);
        thread.t0.store(start, Relaxed);
        thread.reading.store(READING_SLOW, Relaxed);
        thread.threshold.store(threshold, Relaxed);
        thread.correction.store(correction, Relaxed);
        thread.probe_cost.store(correction / 2, Relaxed);
        thread.long.store(u64::MAX, Relaxed);
        thread.cpu_due.store(u64::MAX, Relaxed);
        thread.cpu_ticks.store(start, Relaxed);
        // A tick is a nanosecond.
        cpu::prepare(1_000_000_000, 0);
        for (index, window) in windows.into_iter().enumerate() {
            let cell = cells::cell(node, index);
            cell.state
                .store(if window == 0 { SAMPLED } else { PROMOTED }, Relaxed);
            cell.window.store(window.max(FIRST_WINDOW), Relaxed);
        }
        Self { thread, node }
    }

    fn cell(&self, line: usize) -> &'static Cell {
        cells::cell(self.node, line)
    }

    /// The real marker.
    fn step(&self, line: usize, now: u64, with_hit: bool) {
        self.step_with_look(line, now, 0, with_hit);
    }

    /// The real marker, where a look at the memory takes so many ticks.
    fn step_with_look(&self, line: usize, now: u64, cost: u64, with_hit: bool) {
        TICKS.set(Some((now, cost)));
        match (with_hit, line) {
            (false, _) => resume(self.thread, self.cell(line)),
            (true, 0) => hit::<0>(self.thread, self.node),
            (true, 1) => hit::<1>(self.thread, self.node),
            (true, 2) => hit::<2>(self.thread, self.node),
            (true, _) => hit::<3>(self.thread, self.node),
        }
    }

    /// The same, by the model.
    fn model_step(&self, line: usize, now: u64, cost: u64, with_hit: bool) {
        TICKS.set(Some((now, cost)));
        let actions = protocol::Actions {
            ticks: || {
                let own = self.thread.own_ticks.load(Relaxed);
                self.thread.own_ticks.store(own + cost, Relaxed);
                now - own
            },
            end: |thread: &ThreadRecord, now| cpu::end_interval(thread, now),
            begin: |thread: &ThreadRecord, now| cpu::begin_interval(thread, now),
        };
        protocol::reference_marker(self.thread, self.cell(line), with_hit, actions);
    }

    /// All words that markers change, with addresses relative to the node.
    fn words(&self) -> Vec<u64> {
        let place = |at: *mut Cell| {
            at.addr()
                .wrapping_sub(core::ptr::from_ref(self.node).addr()) as u64
        };
        let thread = self.thread;
        let open = thread.open.load(Relaxed);
        let mut words = vec![
            place(thread.cell.load(Relaxed)),
            if open.addr() > 1 {
                place(open)
            } else {
                open.addr() as u64
            },
            place(thread.gap.load(Relaxed)),
            thread.t0.load(Relaxed),
            thread.exact.load(Relaxed).cast_unsigned(),
            thread.reads.load(Relaxed),
            thread.own_ticks.load(Relaxed),
            thread.outside.gap_time.load(Relaxed),
            thread.cpu_ns.load(Relaxed),
            thread.cpu_ticks.load(Relaxed),
            thread.cpu_own.load(Relaxed),
            thread.cpu_due.load(Relaxed),
            thread.cpu_reads.load(Relaxed),
            thread.outside.long_gap_time.load(Relaxed),
            thread.outside.long_gap_cpu.load(Relaxed),
        ];
        for line in 0..LINES {
            let cell = self.cell(line);
            words.extend([
                cell.hits.load(Relaxed),
                cell.time.load(Relaxed).cast_unsigned(),
                cell.state.load(Relaxed),
                cell.left.load(Relaxed),
                cell.window_ticks.load(Relaxed),
                cell.window_reads.load(Relaxed).into(),
                cell.gap_time.load(Relaxed),
                cell.window_time.load(Relaxed).cast_unsigned(),
                cell.window.load(Relaxed),
                cell.long_time.load(Relaxed),
                cell.long_cpu.load(Relaxed),
                cell.long_gap_time.load(Relaxed),
                cell.long_gap_cpu.load(Relaxed),
            ]);
            words.extend(
                cell.probes
                    .each_ref()
                    .map(|part| part.load(Relaxed).cast_unsigned()),
            );
        }
        words
    }
}

/// As many as `PROPTEST_CASES` says, for valgrind is slow.
fn cases() -> ProptestConfig {
    if std::env::var_os("PROPTEST_CASES").is_some() {
        ProptestConfig::default()
    } else {
        ProptestConfig::with_cases(300)
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn stub_does_what_its_model_does(
        start in 1_000_u64..1 << 40,
        threshold in 0_u64..200,
        correction in 0_u64..30,
        windows in prop::array::uniform4(prop_oneof![Just(0), Just(FIRST_WINDOW), Just(ENDLESS)]),
        steps in prop::collection::vec((0..LINES, 0_u64..400, any::<bool>(), 0..40_u8), 1..400),
        looks in any::<bool>(),
        long in prop_oneof![Just(u64::MAX), 0_u64..400],
    ) {
        let real = World::new(start, threshold, correction, windows);
        let model = World::new(start, threshold, correction, windows);
        let mut now = start;
        if looks {
            // The same words change when the stub comes here by the way of the memory: it is always time to look.
            real.thread.reading.store(READING_MEMORY, Relaxed);
        }
        for world in [&real, &model] {
            world.thread.long.store(long, Relaxed);
            world.thread.cpu_due.store(start, Relaxed);
        }
        let mut spent = 1;
        for (line, pause, with_hit, event) in steps {
            now += pause;
            // Now and then the thread waits.
            spent += if event < 10 { pause / 3 } else { pause };
            CPU.set(spent);
            let cost = if looks { pause / 4 } else { 0 };
            for world in [&real, &model] {
                match event {
                    // The sampler asks for a line to be timed again.
                    0 => {
                        let state = &world.cell(line).state;
                        let _ = state.compare_exchange(SAMPLED, PROMOTED, Relaxed, Relaxed);
                    }
                    // A reading is wanted at the next marker.
                    1 if world.thread.open.load(Relaxed).is_null() => {
                        world.thread.open.store(core::ptr::without_provenance_mut(1), Relaxed);
                    }
                    _ => {}
                }
            }
            real.step_with_look(line, now, cost, with_hit);
            model.model_step(line, now, cost, with_hit);
            now += cost;
            prop_assert_eq!(real.words(), model.words());
        }
    }
}

/// ```text
///          start                                                       end
///            │ gap of outside │ line 0, 1, 2, 3 in turn, 40 apart ... │
/// ```
/// Whatever is demoted when: exact time and gaps together are all the time there was.
#[test]
fn no_time_is_lost_between_intervals_and_gaps() {
    let world = World::new(10_000, 100, 0, [FIRST_WINDOW; LINES]);
    let mut now = 10_000;
    for turn in 0..2_000_u64 {
        for line in 0..LINES {
            now += if turn % 500 < 20 { 900 } else { 40 };
            world.step(line, now, true);
        }
    }
    close(world.thread, now + 5);
    let exact: i64 = (0..LINES)
        .map(|line| world.cell(line).time.load(Relaxed))
        .sum();
    let gaps: u64 = (0..LINES)
        .map(|line| world.cell(line).gap_time.load(Relaxed))
        .sum();
    let all = gaps + world.thread.outside.gap_time.load(Relaxed) + u64::try_from(exact).unwrap();
    assert_eq!(all, now + 5 - 10_000);
    assert_eq!(world.thread.exact.load(Relaxed), exact);
    assert!(
        (0..LINES).all(|line| world.cell(line).state.load(Relaxed) == SAMPLED),
        "hot lines are demoted"
    );
    assert!((0..LINES).all(|line| world.cell(line).hits.load(Relaxed) == 2_000));
}

/// A line whose markers come 40 ticks apart, below the threshold of 100, costs 41 readings: one begins its first window, 8 end the intervals of
/// it, and 32 those of the window between fences, which take 15 of the 40 ticks.
#[test]
fn hot_line_is_demoted_after_a_window_between_fences() {
    let world = World::new(1_000, 100, 0, [FIRST_WINDOW, ENDLESS, ENDLESS, ENDLESS]);
    world.thread.probe_cost.store(15, Relaxed);
    for turn in 1..=100 {
        world.step(0, 1_000 + turn * 40, true);
    }
    let cell = world.cell(0);
    assert_eq!(world.thread.reads.load(Relaxed), 1 + FIRST_WINDOW + PROBE);
    assert_eq!(cell.state.load(Relaxed), SAMPLED);
    let parts = cell.probes.each_ref().map(|part| part.load(Relaxed));
    assert_eq!(
        (parts, cell.left.load(Relaxed)),
        ([8 * 25; PROBES], 32),
        "the prior is 25 ticks a hit"
    );
}

/// Intervals between fences end with a fenced reading too, whatever line begins then; and no other reading has fences.
#[test]
fn probed_interval_ends_between_fences() {
    let world = World::new(0, 1 << 40, 0, [FIRST_WINDOW, ENDLESS, ENDLESS, ENDLESS]);
    let start = crate::recorder::clock::Source::Tsc.ticks();
    world.thread.t0.store(start, Relaxed);
    world.thread.cpu_ticks.store(start, Relaxed);
    world.thread.next_read.store(u64::MAX, Relaxed);
    let turn = || {
        hit::<0>(world.thread, world.node);
        let begun = world.thread.reading.load(Relaxed);
        hit::<1>(world.thread, world.node);
        (begun, world.thread.reading.load(Relaxed))
    };
    for reading in [READING_TSC, READING_MEMORY, READING_FENCED] {
        world.thread.reading.store(reading, Relaxed);
        let cell = world.cell(0);
        cell.state.store(PROMOTED, Relaxed);
        cell.window.store(FIRST_WINDOW, Relaxed);
        for _ in 0..FIRST_WINDOW {
            assert_eq!(turn(), (reading, reading));
        }
        for _ in 0..PROBE {
            assert_eq!(turn(), (reading | ENDS_PROBE, reading));
        }
        assert_eq!(turn(), (reading, reading));
        assert_eq!(cell.state.load(Relaxed), SAMPLED);
    }
}

/// The sampler starts, or something else lasts, while a line is probed: whether it is hot is what all parts of the window but one say. Turns of 40 ticks beside
/// a threshold of 100; some parts last 1,000 times as long.
#[test]
fn disturbed_parts_do_not_keep_a_line_from_being_sampled() {
    for disturbed in 0..=PROBES as u64 {
        // Its own intervals are no longer than those of other lines between the disturbances.
        let world = World::new(1_000, 100, 0, [FIRST_WINDOW, ENDLESS, ENDLESS, ENDLESS]);
        let mut now = 1_000;
        for turn in 0..=FIRST_WINDOW + PROBE {
            let is_first = turn > FIRST_WINDOW && (turn - FIRST_WINDOW) % 8 == 1;
            let is_disturbed = is_first && (turn - FIRST_WINDOW) / 8 < disturbed;
            now += 40;
            world.step(0, now, true);
            now += if is_disturbed { 40_000 } else { 40 };
            world.step(1, now, true);
        }
        let state = world.cell(0).state.load(Relaxed);
        let expected = if disturbed <= 1 { SAMPLED } else { TIMED };
        assert_eq!(state, expected, "{disturbed} parts");
    }
}

/// ```text
///   1,000      1,100       1,150           1,200
///    │ outside  │ hot line  │ its gap ends  │ now, as the sampler sees it
/// ```
/// A look whose gap ends while the clock is read counts like any other, or lines at the ends of gaps would seem to take less.
#[test]
fn look_counts_though_its_gap_ends_while_the_clock_is_read() {
    let world = World::new(1_000, 1, 0, [0, ENDLESS, ENDLESS, ENDLESS]);
    world.thread.start_ticks.store(1_000, Relaxed);
    world.step(0, 1_100, true);
    let seen = protocol::look(world.thread, || {
        world.step(1, 1_150, true);
        1_200
    });
    let seen = seen.unwrap();
    assert!(core::ptr::eq(seen.cell, world.cell(0)));
    assert!(core::ptr::eq(seen.gap, &raw const world.thread.outside));
    assert_eq!((seen.timed, seen.unexplained), (false, 150));
}

/// A hot line loses the processor while it is probed. Where it does not look hot then it is timed for another window; and where it is hot all the same,
/// because its own intervals are short, the probes are what they would be otherwise: the CPU clock tells.
#[test]
fn probes_leave_out_what_the_thread_lost() {
    for ticks in [20, 40] {
        let world = World::new(1_000, 100, 0, [FIRST_WINDOW, ENDLESS, ENDLESS, ENDLESS]);
        world.thread.long.store(20_000, Relaxed);
        for turn in 1..=150 {
            let lost = if turn < 22 { 0 } else { 4_000_000 };
            CPU.set(turn * ticks);
            world.step(0, 1_000 + turn * ticks + lost, true);
        }
        let cell = world.cell(0);
        assert_eq!(cell.state.load(Relaxed), SAMPLED);
        let parts = cell.probes.each_ref().map(|part| part.load(Relaxed));
        assert_eq!(parts, [8 * ticks.cast_signed(); PROBES]);
        assert_eq!(
            (cell.long_time.load(Relaxed), cell.long_cpu.load(Relaxed)),
            (4_000_000 + ticks, ticks)
        );
    }
}

/// ```text
/// CPU clock    read                                        read
///               │ line 0, 30 us │ 1, 5 us │ 0, 30 us, 20 of it waiting │
/// ```
/// A line that was long begins with a reading, so the short line before it takes nothing from it.
#[test]
fn long_lines_get_the_cpu_time_they_spent() {
    let world = World::new(1_000, 100, 0, [ENDLESS; LINES]);
    world.thread.long.store(20_000, Relaxed);
    let step = |line, now: u64, spent: u64| {
        CPU.set(spent);
        world.step(line, now, true);
    };
    step(0, 1_000, 0);
    step(1, 31_000, 30_000);
    step(0, 36_000, 31_000);
    step(1, 66_000, 41_000);
    let cell = world.cell(0);
    assert_eq!(
        (cell.long_time.load(Relaxed), cell.long_cpu.load(Relaxed)),
        (60_000, 40_000)
    );
    assert_eq!(world.cell(1).long_time.load(Relaxed), 0);
    assert_eq!(world.thread.cpu_reads.load(Relaxed), 3);
}

/// The marker must leave all vector registers as they are, also where the stub calls into Rust.
#[test]
fn slow_stub_keeps_the_vector_registers() {
    let world = World::new(1_000, 100, 0, [ENDLESS; LINES]);
    let mut sum = [1.0_f64, 2.0, 3.0, 4.0];
    for turn in 0..100_u32 {
        for value in &mut sum {
            *value += f64::from(turn);
        }
        world.step((turn % 4) as usize, 1_000 + u64::from(turn), true);
    }
    assert_eq!(sum, [4951.0, 4952.0, 4953.0, 4954.0]);
}

/// Where it is not time to look at the memory the stub stays in assembly, and subtracts what earlier looks took, between fences or not.
#[test]
fn looks_that_are_not_due_cost_no_call() {
    for reading in [READING_MEMORY, READING_FENCED] {
        let world = World::new(1_000, 100, 0, [ENDLESS; LINES]);
        world.thread.reading.store(reading, Relaxed);
        world.thread.next_read.store(u64::MAX, Relaxed);
        world.thread.own_ticks.store(500, Relaxed);
        let before = crate::recorder::clock::tsc() - 500;
        // A call would see this time.
        world.step(0, 7, true);
        let after = crate::recorder::clock::tsc() - 500;
        let began = world.thread.t0.load(Relaxed);
        assert!((before..=after).contains(&began));
        world.thread.next_read.store(began, Relaxed);
        world.step(1, began + 600, true);
        assert_eq!(world.cell(0).time.load(Relaxed), 100, "with a look");
    }
}
