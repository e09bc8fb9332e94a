//! How long calls, polls and hits took, in the extension of the saved profile.

use prost::Message;

use super::error::Damage;
use crate::model::{Durations, FunctionId, Histogram, Longest, Nanos, Timed};

/// Some [`Durations`]: numbers in columns.
#[derive(Clone, PartialEq, Message)]
pub(super) struct DurationsFacts {
    /// Of each: function; 0 calls, 1 polls, 2 futures, 3 their polls together, or four more than the line; how many there were in all and one, or 0;
    /// how many were cancelled; number of buckets; then the longest: how long, when from the start of its process, when that started, and on which thread.
    #[prost(uint64, repeated, tag = "1")]
    rows: Vec<u64>,
    /// Of each bucket: how far it is above the one before in its row, and its count.
    #[prost(uint64, repeated, tag = "2")]
    buckets: Vec<u64>,
}

const ROW: usize = 9;
/// What stands for line 0.
const LINES: u64 = 4;

pub(super) fn facts(durations: &[Durations]) -> Option<DurationsFacts> {
    let mut facts = DurationsFacts::default();
    for of in durations {
        let before = facts.buckets.len();
        let mut last = 0;
        for (bucket, count) in of.histogram.buckets() {
            facts.buckets.extend([u64::from(bucket - last), count]);
            last = bucket;
        }
        let buckets = (facts.buckets.len() - before) / 2;
        let longest = of.histogram.longest();
        facts.rows.extend([
            u64::from(of.function.0),
            match of.timed {
                Timed::Calls => 0,
                Timed::Polls => 1,
                Timed::Futures => 2,
                Timed::Busy => 3,
                Timed::Line(line) => u64::from(line) + LINES,
            },
            of.all.map_or(0, |all| all.saturating_add(1)),
            of.cancelled,
            u64::try_from(buckets).unwrap_or(u64::MAX),
            longest.time.0,
            longest.at.0,
            longest.start_unix_ns,
            u64::from(longest.tid),
        ]);
    }
    (!facts.rows.is_empty()).then_some(facts)
}

pub(super) fn durations(facts: &DurationsFacts) -> Result<Vec<Durations>, Damage> {
    let (rows, rest) = facts.rows.as_chunks::<ROW>();
    let (mut buckets, odd) = facts.buckets.as_chunks::<2>();
    if !rest.is_empty() || !odd.is_empty() {
        return Err(Damage::new("durations", "whole rows", facts.rows.len()));
    }
    let mut durations = Vec::with_capacity(rows.len());
    for &[
        function,
        timed,
        all,
        cancelled,
        count,
        time,
        at,
        start_unix_ns,
        tid,
    ] in rows
    {
        let of_row = usize::try_from(count)
            .ok()
            .and_then(|count| buckets.split_at_checked(count));
        let Some((of_row, others)) = of_row else {
            return Err(Damage::new(
                "durations",
                "as many buckets as it says",
                count,
            ));
        };
        buckets = others;
        let longest = Longest {
            time: Nanos(time),
            at: Nanos(at),
            start_unix_ns,
            tid: small(tid)?,
        };
        durations.push(Durations {
            function: FunctionId(small(function)?),
            timed: match timed {
                0 => Timed::Calls,
                1 => Timed::Polls,
                2 => Timed::Futures,
                3 => Timed::Busy,
                line => Timed::Line(small(line - LINES)?),
            },
            all: all.checked_sub(1),
            cancelled,
            histogram: histogram(of_row, longest)?,
        });
    }
    Ok(durations)
}

fn histogram(buckets: &[[u64; 2]], longest: Longest) -> Result<Histogram, Damage> {
    let mut last = 0_u32;
    let mut counts = Vec::with_capacity(buckets.len());
    for &[above, count] in buckets {
        last = last.saturating_add(small(above)?);
        counts.push((last, count));
    }
    Histogram::of_buckets(counts, longest)
        .ok_or_else(|| Damage::new("durations", "buckets that there are", last))
}

fn small(number: u64) -> Result<u32, Damage> {
    u32::try_from(number).map_err(|_| Damage::new("durations", "a number of 32 bits", number))
}
