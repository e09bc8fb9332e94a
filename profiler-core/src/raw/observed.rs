//! The file that hprof's launcher leaves beside a raw file: what it saw of the process from outside. Written by the launcher, read with suspicion.
//!
//! One fact a line, its fields parted by tabs; all but the first and the last are numbers, those of cells are addresses in the recording process.
//!
//! ```text
//! hprof-observed  1                                                  first line
//! cost      NS LOOKS CAUSES BUCKET                                   CPU time that looking took; whether causes are known; length of a bucket, ns
//! reading   NS RSS CPU THREADS LIVE                                  NS by CLOCK_MONOTONIC; LIVE is one more than the bytes, 0 if they are not known
//! line      CELL FIRST LAST WORKING WAITS.. BUCKETS..                when it was seen; looks by cause, and by bucket
//! peak      CELL                                                     a thread stood there at the largest resident set
//! end                                                                last line: the file is whole
//! ```

use core::fmt::Write;

use crate::model::{BUCKETS, Nanos, Reading, WaitCause};

/// Extension of the file; the rest of its name is that of the raw file.
pub const EXTENSION: &str = "observed";
const FIRST_LINE: &str = "hprof-observed\t1";
/// Readings of a file.
pub const MOST_READINGS: usize = 4096;
/// Lines of a file.
pub const MOST_LINES: usize = 4096;

/// What was seen of a line, by the address of its cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellLooks {
    /// Address of the cell.
    pub cell: u64,
    /// First and last look, by `CLOCK_MONOTONIC`, nanoseconds.
    pub seen: (u64, u64),
    /// Looks that found the thread at work.
    pub working: u64,
    /// Looks that found it waiting, in the order of [`WaitCause::ALL`].
    pub waits: [u64; WaitCause::ALL.len()],
    /// Looks by the part of the run.
    pub buckets: [u32; BUCKETS],
}

/// The content of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedFile {
    /// CPU time that looking took, nanoseconds.
    pub cost_ns: u64,
    /// Looks at the process.
    pub looks: u64,
    /// Whether the system told what threads waited for.
    pub knows_causes: bool,
    /// Length of a part of the run, nanoseconds.
    pub bucket_ns: u64,
    /// With times by `CLOCK_MONOTONIC`.
    pub readings: Vec<Reading>,
    /// Each cell once.
    pub lines: Vec<CellLooks>,
    /// Cells in which threads were at the largest resident set.
    pub at_peak: Vec<u64>,
}

impl ObservedFile {
    /// The text of the file.
    ///
    /// ```
    /// assert!(hprof::raw::ObservedFile::default().text().ends_with("end\n"));
    /// ```
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("{FIRST_LINE}\n");
        let mut fact = |kind: &str, numbers: &mut dyn Iterator<Item = u64>| {
            out.push_str(kind);
            for number in numbers {
                // Writing to a string does not fail.
                let _ = write!(out, "\t{number}");
            }
            out.push('\n');
        };
        let causes = u64::from(self.knows_causes);
        fact(
            "cost",
            &mut [self.cost_ns, self.looks, causes, self.bucket_ns].into_iter(),
        );
        for reading in &self.readings {
            let live = reading
                .live_bytes
                .map_or(0, |bytes| bytes.saturating_add(1));
            let threads = u64::from(reading.threads);
            fact(
                "reading",
                &mut [
                    reading.at.0,
                    reading.rss_bytes,
                    reading.cpu.0,
                    threads,
                    live,
                ]
                .into_iter(),
            );
        }
        for line in &self.lines {
            let numbers = [line.cell, line.seen.0, line.seen.1, line.working].into_iter();
            let buckets = line.buckets.iter().map(|looks| u64::from(*looks));
            fact("line", &mut numbers.chain(line.waits).chain(buckets));
        }
        for cell in &self.at_peak {
            fact("peak", &mut [*cell].into_iter());
        }
        out.push_str("end\n");
        out
    }

    /// Reads the text of a file; `None` unless all of it makes sense.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut file = Self::default();
        if lines.next()? != FIRST_LINE {
            return None;
        }
        loop {
            let mut fields = lines.next()?.split('\t');
            let kind = fields.next()?;
            if kind == "end" {
                return (lines.next().is_none() && fields.next().is_none()).then_some(file);
            }
            let mut next = || fields.next()?.parse::<u64>().ok();
            match kind {
                "cost" => {
                    file.cost_ns = next()?;
                    file.looks = next()?;
                    file.knows_causes = next()? == 1;
                    file.bucket_ns = next()?;
                }
                "reading" if file.readings.len() < MOST_READINGS => file.readings.push(Reading {
                    at: Nanos(next()?),
                    rss_bytes: next()?,
                    cpu: Nanos(next()?),
                    threads: u32::try_from(next()?).ok()?,
                    live_bytes: next()?.checked_sub(1),
                }),
                "line" if file.lines.len() < MOST_LINES => {
                    let mut line = CellLooks {
                        cell: next()?,
                        seen: (next()?, next()?),
                        working: next()?,
                        waits: [0; WaitCause::ALL.len()],
                        buckets: [0; BUCKETS],
                    };
                    for looks in &mut line.waits {
                        *looks = next()?;
                    }
                    for looks in &mut line.buckets {
                        *looks = u32::try_from(next()?).ok()?;
                    }
                    file.lines.push(line);
                }
                "peak" if file.at_peak.len() < MOST_LINES => file.at_peak.push(next()?),
                _ => return None,
            }
            if fields.next().is_some() {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> ObservedFile {
        let mut line = CellLooks {
            cell: 0x7f00_0000_1000,
            seen: (5, 9),
            working: 3,
            waits: [0; WaitCause::ALL.len()],
            buckets: [0; BUCKETS],
        };
        line.waits[1] = 7;
        line.buckets[63] = 10;
        ObservedFile {
            cost_ns: 8,
            looks: 10,
            knows_causes: true,
            bucket_ns: 1_000_000,
            readings: vec![Reading {
                at: Nanos(5),
                rss_bytes: 4096,
                cpu: Nanos(2),
                threads: 2,
                live_bytes: Some(0),
            }],
            lines: vec![line],
            at_peak: vec![0x7f00_0000_1000],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let file = example();
        assert_eq!(ObservedFile::parse(&file.text()), Some(file));
    }

    #[test]
    fn every_text_that_is_cut_off_or_changed_is_refused() {
        let text = example().text();
        for end in 0..text.len() - 1 {
            assert_eq!(ObservedFile::parse(&text[..end]), None, "{end}");
        }
        for (from, to) in [
            ("reading\t5", "reading\t-5"),
            ("\tend", "end"),
            ("line", "lime"),
            ("cost\t8", "cost\t8\t8\t8"),
            ("end\n", "end\nend\n"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert!(
                changed == text || ObservedFile::parse(&changed).is_none(),
                "{changed}"
            );
        }
    }
}
