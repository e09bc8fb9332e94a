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
    /// Lines in every function.
    pub(crate) full: Trial,
    pub(crate) full_silent: Trial,
    /// Small functions thin.
    pub(crate) thin: Trial,
    pub(crate) thin_silent: Trial,
    /// The same, fitted to an earlier run.
    pub(crate) fitted: Trial,
    pub(crate) full_shares: Comparison,
    pub(crate) fitted_shares: Comparison,
}

impl Row {
    fn ratio(&self, other: &Trial) -> f64 {
        other.cpu as f64 / self.plain.cpu as f64
    }

    /// Share of the run with all lines that is hprof's, in percent: what its report prints, and what is true.
    fn own_cost(&self) -> (f64, f64) {
        let mut printed = 0.0;
        for process in self
            .full
            .profile
            .iter()
            .flat_map(|profile| &profile.processes)
        {
            let cpu = process.cpu.map_or(self.full.cpu, |cpu| cpu.0);
            printed = process.own_cost.in_program.0 as f64 / cpu.max(1) as f64;
        }
        let real = 1.0 - self.plain.cpu as f64 / self.full.cpu as f64;
        (100.0 * printed, 100.0 * real)
    }
}

/// For the terminal: ratios, own cost, and the functions that matter on either side.
impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (printed, real) = self.own_cost();
        let (calls, hits) = self.full.counts();
        writeln!(
            out,
            "{}: plain {:.2} s, full {:.2}x, thin {:.2}x, fitted {:.2}x, not recording {:.2}x and thin {:.2}x; own cost {printed:.0} % printed, {real:.0} % real; {calls} calls, {hits} hits",
            self.name,
            self.plain.cpu as f64 / 1e9,
            self.ratio(&self.full),
            self.ratio(&self.thin),
            self.ratio(&self.fitted),
            self.ratio(&self.full_silent),
            self.ratio(&self.thin_silent),
        )?;
        for (name, shares) in [("full", &self.full_shares), ("fitted", &self.fitted_shares)] {
            writeln!(
                out,
                "  {name}: shares of self time, {:.0} points apart, net {:.0}, {} samples ({:.1} % outside):",
                shares.difference(),
                shares.net_difference(),
                shares.samples,
                shares.outside
            )?;
            let matter = shares.shares.iter();
            let matter = matter.filter(|share| share.perf >= 2.0 || share.recorded >= 2.0);
            for share in matter {
                writeln!(
                    out,
                    "  {:>6.1} % perf {:>6.1} % hprof {:>6.1} % net  {}",
                    share.perf, share.recorded, share.net, share.name
                )?;
            }
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
        "| program | calls | missed | full | thin | fitted | not recording | thin, not recording |\n|---|---|---|---|---|---|---|---|"
    )?;
    for row in rows {
        let short = if row.plain.cpu < 1_000_000_000 {
            " (below 1 s)"
        } else {
            ""
        };
        writeln!(
            page,
            "| {}{short} | {} | {:.1} % | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
            row.name,
            row.full.counts().0,
            100.0 * row.full.missed(),
            row.ratio(&row.full),
            row.ratio(&row.thin),
            row.ratio(&row.fitted),
            row.ratio(&row.full_silent),
            row.ratio(&row.thin_silent),
        )?;
    }
    let mean = |of: fn(&Row) -> &Trial| geometric_mean(rows.iter().map(|row| row.ratio(of(row))));
    let full = mean(|row| &row.full);
    let thin = mean(|row| &row.thin);
    let fitted = mean(|row| &row.fitted);
    let thin_silent = mean(|row| &row.thin_silent);
    writeln!(
        page,
        "| geometric mean |  |  | {full:.2} | {thin:.2} | {fitted:.2} | {:.2} | {thin_silent:.2} |",
        mean(|row| &row.full_silent),
    )?;
    writeln!(page)?;
    write_truth(page, rows)
}

/// How true the figures are.
fn write_truth(page: &mut String, rows: &[Row]) -> fmt::Result {
    writeln!(
        page,
        "| program | own cost printed | real | printed / real | points apart, full | net | fitted | net | three hottest, full | fitted | outside of lines, fitted |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )?;
    let word = |shares: &Comparison| {
        if shares.same_hottest() {
            "right"
        } else {
            "wrong"
        }
    };
    for row in rows {
        let (printed, real) = row.own_cost();
        writeln!(
            page,
            "| {} | {printed:.0} % | {real:.0} % | {} | {:.0} | {:.0} | {:.0} | {:.0} | {} | {} | {:.1} % |",
            row.name,
            part(printed, real),
            row.full_shares.difference(),
            row.full_shares.net_difference(),
            row.fitted_shares.difference(),
            row.fitted_shares.net_difference(),
            word(&row.full_shares),
            word(&row.fitted_shares),
            row.fitted_shares.outside,
        )?;
    }
    let right =
        |of: fn(&Row) -> &Comparison| rows.iter().filter(|row| of(row).same_hottest()).count();
    writeln!(
        page,
        "| right |  |  |  |  |  |  |  | {} of {} | {} of {} |  |\n",
        right(|row| &row.full_shares),
        rows.len(),
        right(|row| &row.fitted_shares),
        rows.len(),
    )
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
