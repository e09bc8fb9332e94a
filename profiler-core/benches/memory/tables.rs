//! The tables of `docs/overhead-memory.md`.

use std::fmt::Write as _;
use std::fs;

use super::Times;

/// The most that a pair may take with counters, live and peak bytes and sampled blocks, times the plain one.
const PAIR_GOAL: f64 = 1.15;
/// The most that a diffusion may take with readings of the resident set.
const PROGRAM_GOAL: f64 = 1.10;

/// All tables, as Markdown.
pub(crate) fn render(sampled: &Times, exact: &Times, memory: &Times, lines: &Times) -> String {
    let mut text = format!(
        "\nMeasured on {}.\n\n## An allocation and its free\n\n| blocks, pattern, threads | System, ns | hprof, ns | ratio | goal | `--alloc-exact`, ns |\n|---|---|---|---|---|---|\n",
        machine()
    );
    for name in names(sampled) {
        let (plain, ours) = (
            time(sampled, &name, "System"),
            time(sampled, &name, "hprof"),
        );
        let ratio = ours / plain;
        let exact = time(exact, &name, "hprof");
        let goal = goal(PAIR_GOAL, ratio);
        let _ = writeln!(
            text,
            "| {name} | {plain:.2} | {ours:.2} | {ratio:.2} | {goal} | {exact:.0} |"
        );
    }
    text += "\n## Programs\n\n| program | plain | with markers | with `--memory` | goal |\n|---|---|---|---|---|\n";
    for name in names(memory) {
        let ratio = |times| time(times, &name, "lines") / time(times, &name, "plain");
        let goal = if name.starts_with("diffusion") {
            goal(PROGRAM_GOAL, ratio(memory))
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "| {name} | {:.2} ms | {:.2} | {:.2} | {goal} |",
            time(memory, &name, "plain") / 1e6,
            ratio(lines),
            ratio(memory)
        );
    }
    text.push('\n');
    text
}

fn names(times: &Times) -> Vec<String> {
    let mut names: Vec<String> = times.keys().map(|(name, _)| name.clone()).collect();
    names.sort_by_key(|name| (name.len(), name.clone()));
    names.dedup();
    names
}

fn time(times: &Times, name: &str, form: &str) -> f64 {
    let key = (name.to_owned(), form.to_owned());
    times.get(&key).copied().unwrap_or(f64::NAN)
}

/// The goal, with a word where it is missed.
fn goal(goal: f64, found: f64) -> String {
    let missed = if found > goal { " (missed)" } else { "" };
    format!("{goal:.2}{missed}")
}

/// The processor, as the system names it, and how busy the machine is.
fn machine() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.and_then(|rest| rest.split_once(':'));
    let model = model.map_or(std::env::consts::ARCH, |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    format!("{model}, {cores} cores, at a load of {load} (more than 1 blurs the figures)")
}
