//! Processes over time: memory and CPU, and when functions were open.

use hprof::model::{Function, Nanos, Observed, Place, Process, Profile, Reading};

/// Processes in a plot.
const MOST_PROCESSES: usize = 8;
/// Functions with a bracket.
const MOST_FUNCTIONS: usize = 12;
/// Points of the curve of CPU: between closer readings a processor's share says little.
const CPU_POINTS: u64 = 200;

/// A process over time. Times are from the earliest start of all processes in the plot.
#[derive(Debug)]
pub(crate) struct TimelineView<'a> {
    /// What it is called: the profile, and the process where there are several.
    pub(crate) name: String,
    pub(crate) start: Nanos,
    pub(crate) observed: &'a Observed,
    /// Processors used, from one moment to the next.
    pub(crate) cpu: Vec<(Nanos, f64)>,
    /// The functions that were open longest, with the first and the last look.
    pub(crate) functions: Vec<(&'a Function, Nanos, Nanos)>,
    /// The largest resident set that was seen, and the lines on which threads stood then.
    pub(crate) peak: Option<Peak<'a>>,
}

/// The moment of the largest resident set.
#[derive(Debug)]
pub(crate) struct Peak<'a> {
    pub(crate) reading: Reading,
    /// Function and line of each thread.
    pub(crate) places: Vec<(&'a Function, u32)>,
}

impl<'a> Peak<'a> {
    /// That of a process.
    fn of(profile: &'a Profile, observed: &'a Observed) -> Option<Self> {
        let place = |place: &Place| {
            let function = profile.functions.get(place.function.0 as usize)?;
            Some((function, place.line))
        };
        observed.peak().map(|reading| Self {
            reading: *reading,
            places: observed.at_peak.iter().filter_map(place).collect(),
        })
    }

    /// The largest of all processes, and which that is.
    pub(crate) fn largest(profile: &'a Profile) -> Option<(&'a Process, Self)> {
        let processes = profile.processes.iter();
        let peaks = processes.filter_map(|process| {
            let peak = Self::of(profile, process.observed.as_ref()?)?;
            Some((process, peak))
        });
        peaks.max_by_key(|(_, peak)| peak.reading.rss_bytes)
    }
}

/// All that is plotted, and how many processes are not.
#[derive(Debug)]
pub(crate) struct PlotView<'a> {
    pub(crate) processes: Vec<TimelineView<'a>>,
    pub(crate) left_out: usize,
}

impl<'a> PlotView<'a> {
    /// Of several profiles with their names, which begin at the same moment.
    pub(crate) fn new(profiles: &[(String, &'a Profile)]) -> Self {
        let mut processes = Vec::new();
        for (name, profile) in profiles {
            let seen = profile
                .processes
                .iter()
                .filter(|process| process.observed.is_some());
            let earliest = seen
                .clone()
                .map(|process| process.start_unix_ns)
                .min()
                .unwrap_or(0);
            let many = seen.clone().count() > 1;
            processes.extend(seen.filter_map(|process| {
                let name = match (many, process.rank) {
                    (true, Some(rank)) => format!("{name} rank {rank}"),
                    (true, None) => format!("{name} process {}", process.pid),
                    (false, _) => name.clone(),
                };
                TimelineView::new(name, profile, process, earliest)
            }));
        }
        let size =
            |view: &TimelineView<'_>| view.peak.as_ref().map_or(0, |peak| peak.reading.rss_bytes);
        let left_out = processes.len().saturating_sub(MOST_PROCESSES);
        if left_out > 0 {
            processes.sort_by_key(|view| std::cmp::Reverse(size(view)));
            processes.truncate(MOST_PROCESSES);
        }
        Self {
            processes,
            left_out,
        }
    }

    /// The end of the last reading.
    pub(crate) fn end(&self) -> Nanos {
        let ends = self.processes.iter().filter_map(|view| {
            let last = view.observed.readings.last()?;
            Some(view.start + last.at)
        });
        ends.max().unwrap_or_default()
    }

    /// The largest of all bytes.
    pub(crate) fn most_bytes(&self) -> u64 {
        let readings = self
            .processes
            .iter()
            .flat_map(|view| &view.observed.readings);
        let bytes = readings.map(|reading| reading.rss_bytes.max(reading.live_bytes.unwrap_or(0)));
        bytes.max().unwrap_or(0)
    }

    /// The most processors used at a time.
    pub(crate) fn most_cpu(&self) -> f64 {
        let points = self.processes.iter().flat_map(|view| &view.cpu);
        points.map(|(_, cpu)| *cpu).fold(0.0, f64::max)
    }
}

impl<'a> TimelineView<'a> {
    fn new(
        name: String,
        profile: &'a Profile,
        process: &'a Process,
        earliest: u64,
    ) -> Option<Self> {
        let observed = process.observed.as_ref()?;
        let function = |id: hprof::model::FunctionId| profile.functions.get(id.0 as usize);
        let mut open: Vec<_> = observed
            .functions
            .iter()
            .filter_map(|open| Some((function(open.function)?, open.first, open.last)))
            .collect();
        open.sort_by_key(|(function, first, last)| {
            (
                std::cmp::Reverse(last.0.saturating_sub(first.0)),
                function.line,
            )
        });
        open.truncate(MOST_FUNCTIONS);
        open.sort_by_key(|(_, first, last)| (*first, std::cmp::Reverse(*last)));
        let peak = Peak::of(profile, observed);
        Some(Self {
            name,
            start: Nanos(process.start_unix_ns.saturating_sub(earliest)),
            observed,
            cpu: cpu(&observed.readings),
            functions: open,
            peak,
        })
    }
}

/// Processors used between readings that are far enough apart.
fn cpu(readings: &[Reading]) -> Vec<(Nanos, f64)> {
    let (Some(first), Some(last)) = (readings.first(), readings.last()) else {
        return Vec::new();
    };
    let distance = (last.at.0.saturating_sub(first.at.0) / CPU_POINTS).max(1);
    let mut points = Vec::new();
    let mut from = first;
    for reading in readings {
        let passed = reading.at.0.saturating_sub(from.at.0);
        if passed >= distance {
            let spent = reading.cpu.0.saturating_sub(from.cpu.0);
            points.push((reading.at, spent as f64 / passed as f64));
            from = reading;
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ```text
    /// ms    0     10    20    30
    /// cpu   0     10    30    30
    /// ```
    #[test]
    fn processors_used_are_the_slope_of_cpu_time() {
        let reading = |ms: u64, cpu: u64| Reading {
            at: Nanos(ms * 1_000_000),
            cpu: Nanos(cpu * 1_000_000),
            ..Reading::default()
        };
        let points = cpu(&[
            reading(0, 0),
            reading(10, 10),
            reading(20, 30),
            reading(30, 30),
        ]);
        let shares: Vec<f64> = points.iter().map(|(_, share)| *share).collect();
        assert_eq!(shares, [1.0, 2.0, 0.0]);
        assert!(cpu(&[]).is_empty());
    }
}
