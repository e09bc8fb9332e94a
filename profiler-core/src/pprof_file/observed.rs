//! What the launcher saw of a process, in the extension of the saved profile.

use prost::Message;

use super::error::Damage;
use crate::model::{
    BUCKETS, FunctionId, LineLooks, Nanos, Observed, OpenFunction, Place, Reading, WaitCause,
};

/// [`Observed`]: numbers in columns, those that grow as differences.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ObservedFacts {
    /// CPU time, looks, whether causes are known, length of a bucket.
    #[prost(uint64, repeated, tag = "1")]
    facts: Vec<u64>,
    /// Of each reading: how long after the one before, resident set, CPU time since the one before, threads, live bytes and one, or 0.
    #[prost(uint64, repeated, tag = "2")]
    readings: Vec<u64>,
    /// Of each line: function, line, looks at work, looks by cause.
    #[prost(uint64, repeated, tag = "3")]
    lines: Vec<u64>,
    /// The buckets of each line.
    #[prost(uint32, repeated, tag = "4")]
    buckets: Vec<u32>,
    /// Of each function: its index, first and last look.
    #[prost(uint64, repeated, tag = "5")]
    functions: Vec<u64>,
    /// Function and line of each thread at the peak.
    #[prost(uint32, repeated, tag = "6")]
    at_peak: Vec<u32>,
}

const READING: usize = 5;
const LINE: usize = 3 + WaitCause::ALL.len();

pub(super) fn facts(observed: &Observed) -> ObservedFacts {
    let mut before = Reading::default();
    let mut readings = Vec::with_capacity(observed.readings.len() * READING);
    for reading in &observed.readings {
        readings.extend([
            reading.at.0.saturating_sub(before.at.0),
            reading.rss_bytes,
            reading.cpu.0.saturating_sub(before.cpu.0),
            u64::from(reading.threads),
            reading
                .live_bytes
                .map_or(0, |bytes| bytes.saturating_add(1)),
        ]);
        before = *reading;
    }
    let lines = observed.lines.iter().flat_map(|line| {
        let place = [
            u64::from(line.place.function.0),
            u64::from(line.place.line),
            line.working,
        ];
        place.into_iter().chain(line.waits)
    });
    let functions = observed.functions.iter();
    let at_peak = observed.at_peak.iter();
    ObservedFacts {
        facts: vec![
            observed.cost.0,
            observed.looks,
            u64::from(observed.knows_causes),
            observed.bucket.0,
        ],
        readings,
        lines: lines.collect(),
        buckets: observed
            .lines
            .iter()
            .flat_map(|line| line.buckets)
            .collect(),
        functions: functions
            .flat_map(|open| [u64::from(open.function.0), open.first.0, open.last.0])
            .collect(),
        at_peak: at_peak
            .flat_map(|place| [place.function.0, place.line])
            .collect(),
    }
}

pub(super) fn observed(facts: &ObservedFacts) -> Result<Observed, Damage> {
    let [cost, looks, knows_causes, bucket] = facts.facts[..] else {
        return Err(not_whole("facts seen from outside", facts.facts.len()));
    };
    let places: &[[u32; 2]] = rows("lines at the peak", &facts.at_peak)?;
    let at_peak = places.iter().map(|&[function, line]| Place {
        function: FunctionId(function),
        line,
    });
    Ok(Observed {
        cost: Nanos(cost),
        looks,
        knows_causes: knows_causes == 1,
        bucket: Nanos(bucket),
        readings: readings(&facts.readings)?,
        lines: lines(&facts.lines, &facts.buckets)?,
        functions: functions(&facts.functions)?,
        at_peak: at_peak.collect(),
    })
}

fn readings(numbers: &[u64]) -> Result<Vec<Reading>, Damage> {
    let mut before = Reading::default();
    let mut readings = Vec::new();
    for &[after, rss_bytes, cpu, threads, live] in rows::<_, READING>("readings", numbers)? {
        before = Reading {
            at: before.at + Nanos(after),
            rss_bytes,
            cpu: before.cpu + Nanos(cpu),
            threads: small(threads)?,
            live_bytes: live.checked_sub(1),
        };
        readings.push(before);
    }
    Ok(readings)
}

fn lines(numbers: &[u64], buckets: &[u32]) -> Result<Vec<LineLooks>, Damage> {
    let lines = rows::<_, LINE>("lines seen from outside", numbers)?;
    let buckets = rows::<_, BUCKETS>("parts of the run", buckets)?;
    if lines.len() != buckets.len() {
        return Err(not_whole("parts of the run", buckets.len()));
    }
    let line = |(row, buckets): (&[u64; LINE], &[u32; BUCKETS])| {
        let [function, line, working, waits @ ..] = *row;
        let place = Place {
            function: FunctionId(small(function)?),
            line: small(line)?,
        };
        Ok(LineLooks {
            place,
            working,
            waits,
            buckets: *buckets,
        })
    };
    lines.iter().zip(buckets).map(line).collect()
}

fn functions(numbers: &[u64]) -> Result<Vec<OpenFunction>, Damage> {
    let open = |&[function, first, last]: &[u64; 3]| {
        Ok(OpenFunction {
            function: FunctionId(small(function)?),
            first: Nanos(first),
            last: Nanos(last),
        })
    };
    let rows = rows("functions seen from outside", numbers)?;
    rows.iter().map(open).collect()
}

/// Rows of so many numbers.
fn rows<'a, T, const N: usize>(
    part: &'static str,
    numbers: &'a [T],
) -> Result<&'a [[T; N]], Damage> {
    let (rows, rest) = numbers.as_chunks();
    match rest.len() {
        0 => Ok(rows),
        rest => Err(not_whole(part, rest)),
    }
}

fn not_whole(part: &'static str, found: usize) -> Damage {
    Damage::new(part, "whole rows", found)
}

fn small(number: u64) -> Result<u32, Damage> {
    u32::try_from(number)
        .map_err(|_| Damage::new("number seen from outside", "one of 32 bits", number))
}
