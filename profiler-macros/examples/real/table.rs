//! What came of the programs, as rows for the terminal and as a page.

use std::fmt::{self, Write};
use std::fs;

use crate::shares::Comparison;
use crate::trial::Trial;

/// What came of a program.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) plain: Trial,
    pub(crate) recorded: Trial,
    pub(crate) silent: Trial,
    pub(crate) shares: Comparison,
}

impl Row {
    fn ratio(&self, other: &Trial) -> f64 {
        other.cpu as f64 / self.plain.cpu as f64
    }

    /// Share of the recorded run that is hprof's: what its report prints, and what is true.
    fn own_cost(&self) -> (f64, f64) {
        let processes = self
            .recorded
            .profile
            .iter()
            .flat_map(|profile| &profile.processes);
        let mut printed = 0.0;
        for process in processes {
            let cpu = process.cpu.map_or(self.recorded.cpu, |cpu| cpu.0);
            printed = process.own_cost.in_program.0 as f64 / cpu.max(1) as f64;
        }
        let real = 1.0 - self.plain.cpu as f64 / self.recorded.cpu as f64;
        (100.0 * printed, 100.0 * real)
    }
}

/// For the terminal: ratios, own cost, and the functions that matter on either side.
impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (printed, real) = self.own_cost();
        let (calls, hits) = self.recorded.counts();
        writeln!(
            out,
            "{}: plain {:.2} s, full {:.2}x, not recording {:.2}x; own cost {printed:.0} % printed, {real:.0} % real; {calls} calls, {hits} hits",
            self.name,
            self.plain.cpu as f64 / 1e9,
            self.ratio(&self.recorded),
            self.ratio(&self.silent),
        )?;
        writeln!(
            out,
            "  shares of self time, {:.0} points apart, net {:.0}, {} samples ({:.1} % outside):",
            self.shares.difference(),
            self.shares.net_difference(),
            self.shares.samples,
            self.shares.outside
        )?;
        let matter = self.shares.shares.iter();
        let matter = matter.filter(|share| share.perf >= 2.0 || share.recorded >= 2.0);
        for share in matter {
            writeln!(
                out,
                "  {:>6.1} % perf {:>6.1} % hprof {:>6.1} % net  {}",
                share.perf, share.recorded, share.net, share.name
            )?;
        }
        Ok(())
    }
}

/// The tables of the page.
pub(crate) fn page(rows: &[Row], rounds: u32) -> String {
    let mut page = String::new();
    // Writing into a string does not fail.
    let _ = write_page(&mut page, rows, rounds);
    page
}

fn write_page(page: &mut String, rows: &[Row], rounds: u32) -> fmt::Result {
    writeln!(
        page,
        "\nMeasured on {}, the shortest of {rounds} runs of each kind.\n",
        machine()
    )?;
    writeln!(
        page,
        "| program | calls | full | not recording | own cost printed | real | printed / real | points apart | net | three hottest |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|---|---|---|---|")?;
    for row in rows {
        let (printed, real) = row.own_cost();
        let short = if row.plain.cpu < 1_000_000_000 {
            " (below 1 s)"
        } else {
            ""
        };
        writeln!(
            page,
            "| {}{short} | {} | {:.2} | {:.2} | {printed:.0} % | {real:.0} % | {} | {:.0} | {:.0} | {} |",
            row.name,
            row.recorded.counts().0,
            row.ratio(&row.recorded),
            row.ratio(&row.silent),
            part(printed, real),
            row.shares.difference(),
            row.shares.net_difference(),
            if row.shares.same_hottest() {
                "right"
            } else {
                "wrong"
            },
        )?;
    }
    let mean = |of: &dyn Fn(&Row) -> f64| geometric_mean(rows.iter().map(of));
    let right = rows.iter().filter(|row| row.shares.same_hottest()).count();
    writeln!(
        page,
        "| geometric mean |  | {:.2} | {:.2} |  |  |  |  |  | {right} of {} |",
        mean(&|row| row.ratio(&row.recorded)),
        mean(&|row| row.ratio(&row.silent)),
        rows.len()
    )?;
    writeln!(page)
}

/// How much of what is real is printed; blank where there is next to nothing.
fn part(printed: f64, real: f64) -> String {
    if real < 1.0 {
        String::new()
    } else {
        format!("{:.2}", printed / real)
    }
}

fn geometric_mean(ratios: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = ratios.len().max(1) as f64;
    (ratios.map(f64::ln).sum::<f64>() / count).exp()
}

/// The processor, how many there are, and how busy the machine is.
fn machine() -> String {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpus = text("/proc/cpuinfo");
    let field = |name: &str| {
        let line = cpus.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_once(": "));
        value.map_or("?", |(_, value)| value).to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = text("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or("?");
    format!(
        "{}, family {} model {}, {cores} cores, at a load of {load} (more than 1 blurs the figures)",
        field("model name"),
        field("cpu family"),
        field("model\t"),
    )
}
