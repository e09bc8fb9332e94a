//! How the looks at a line are spread over the run.

use std::collections::BTreeMap;

use hprof::model::{BUCKETS, FunctionId, Nanos, Profile};

/// Looks at a line by the part of the run, by function and line; of the process in which the line was seen most.
#[derive(Debug, Default)]
pub(crate) struct OverTime {
    lines: BTreeMap<(FunctionId, u32), [u32; BUCKETS]>,
    /// Parts up to the last in which any line was seen.
    parts: usize,
}

impl OverTime {
    pub(crate) fn new(profile: &Profile) -> Self {
        let mut over_time = Self::default();
        let seen = profile
            .processes
            .iter()
            .filter_map(|process| process.observed.as_ref());
        for line in seen.flat_map(|observed| &observed.lines) {
            let key = (line.place.function, line.place.line);
            let known = over_time.lines.entry(key).or_insert([0; BUCKETS]);
            if looks(&line.buckets) > looks(known) {
                *known = line.buckets;
            }
        }
        let last = |buckets: &[u32; BUCKETS]| buckets.iter().rposition(|looks| *looks > 0);
        let end = over_time.lines.values().filter_map(last).max();
        over_time.parts = end.map_or(0, |end| end + 1);
        over_time
    }

    /// The looks at a line, up to the last part of the run in which any line was seen; `None` if it was never seen.
    pub(crate) fn of(&self, function: FunctionId, line: u32) -> Option<&[u32]> {
        self.lines.get(&(function, line))?.get(..self.parts)
    }

    /// The looks at all lines, by the part of the run.
    pub(crate) fn all(&self) -> Vec<u64> {
        let of = |part: usize| {
            let lines = self.lines.values().filter_map(|looks| looks.get(part));
            lines.map(|looks| u64::from(*looks)).sum()
        };
        (0..self.parts).map(of).collect()
    }

    /// The lines that were seen most, so many, and the looks at each.
    pub(crate) fn most(&self, most: usize) -> Vec<(FunctionId, u32, &[u32])> {
        let mut lines: Vec<_> = self.lines.iter().collect();
        lines.sort_by_key(|(_, buckets)| std::cmp::Reverse(looks(buckets)));
        let lines = lines.into_iter().take(most);
        lines
            .filter_map(|((function, line), looks)| {
                Some((*function, *line, looks.get(..self.parts)?))
            })
            .collect()
    }

    /// How long each part is; `None` if that differs between processes.
    pub(crate) fn bucket(&self, profile: &Profile) -> Option<Nanos> {
        let mut seen = profile
            .processes
            .iter()
            .filter_map(|process| process.observed.as_ref())
            .filter(|observed| !observed.lines.is_empty());
        let bucket = seen.next()?.bucket;
        seen.all(|observed| observed.bucket == bucket)
            .then_some(bucket)
    }
}

fn looks(buckets: &[u32; BUCKETS]) -> u64 {
    buckets.iter().map(|looks| u64::from(*looks)).sum()
}

#[cfg(test)]
mod tests {
    use hprof::model::{LineLooks, Observed, Place};

    use super::*;
    use crate::fixture;

    #[test]
    fn lines_share_the_length_of_the_run() {
        let looks = |line, at: usize| LineLooks {
            place: Place {
                function: FunctionId(0),
                line,
            },
            working: 1,
            waits: [0; 9],
            buckets: std::array::from_fn(|part| u32::from(part == at)),
        };
        let mut profile = fixture::diffusion();
        profile.processes[0].observed = Some(Observed {
            lines: vec![looks(3, 1), looks(4, 5)],
            ..Observed::default()
        });
        let over_time = OverTime::new(&profile);
        assert_eq!(over_time.of(FunctionId(0), 3).unwrap(), [0, 1, 0, 0, 0, 0]);
        assert_eq!(over_time.of(FunctionId(0), 9), None);
        assert_eq!(over_time.all(), [0, 1, 0, 0, 0, 1]);
        assert_eq!(over_time.most(1).len(), 1);
        assert_eq!(over_time.bucket(&profile), Some(Nanos::ZERO));
    }
}
