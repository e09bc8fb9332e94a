//! The columns of tables that other programs read (CSV, JSON), each described once: its name, which is stable, what a profile must hold to have it, and its value.

use hprof::model::{Nanos, Profile};

use super::record::{Origin, Record, notes_blocks};

/// A column of a record.
#[derive(Debug)]
pub(crate) struct RecordColumn {
    /// Stable: programs find the column by it. Its end says the unit.
    pub(crate) name: &'static str,
    needs: Needs,
    /// The value of a record.
    pub(crate) value: fn(&Record<'_>) -> RecordValue,
}

/// What stands in a cell; `None` where nothing was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordValue {
    Number(Option<u64>),
    Word(Option<&'static str>),
}

/// How it must have been recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Always,
    /// The counting allocator ran.
    Heap,
    /// Blocks were noted with their lines.
    Blocks,
    /// The resident set was read.
    ResidentSet,
    /// Durations of single hits were kept.
    Durations,
}

/// Which of that a profile holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    heap: bool,
    blocks: bool,
    resident_set: bool,
    durations: bool,
}

impl Held {
    pub(crate) fn new(profile: &Profile) -> Self {
        let mut processes = profile.processes.iter();
        Self {
            heap: processes.clone().any(|process| process.heap.is_some()),
            blocks: notes_blocks(profile),
            resident_set: processes.clone().any(|process| process.rss.is_some()),
            durations: processes.any(|process| !process.durations.is_empty()),
        }
    }
}

impl RecordColumn {
    const fn new(name: &'static str, needs: Needs, value: fn(&Record<'_>) -> RecordValue) -> Self {
        Self { name, needs, value }
    }

    /// Whether it has words in its cells, and no numbers.
    #[cfg(feature = "parquet")]
    pub(crate) fn is_word(&self) -> bool {
        let value = (self.value)(&super::record::UNKNOWN);
        matches!(value, RecordValue::Word(_))
    }

    /// Whether the table of a profile that holds so much has the column.
    pub(crate) const fn is_in(&self, held: Held) -> bool {
        match self.needs {
            Needs::Always => true,
            Needs::Heap => held.heap,
            Needs::Blocks => held.blocks,
            Needs::ResidentSet => held.resident_set,
            Needs::Durations => held.durations,
        }
    }
}

fn time(time: Option<Nanos>) -> RecordValue {
    RecordValue::Number(time.map(|time| time.0))
}

/// All columns behind those of the place, in their order.
pub(crate) static RECORD_COLUMNS: [RecordColumn; 29] = [
    RecordColumn::new("hits", Needs::Always, |record| {
        RecordValue::Number(record.hits)
    }),
    RecordColumn::new("total_ns", Needs::Always, |record| time(record.total)),
    RecordColumn::new("self_ns", Needs::Always, |record| time(record.own)),
    RecordColumn::new("cpu_ns", Needs::Always, |record| time(record.cpu)),
    RecordColumn::new("await_ns", Needs::Always, |record| time(record.awaited)),
    RecordColumn::new("samples", Needs::Always, |record| {
        RecordValue::Number(record.samples)
    }),
    RecordColumn::new("error_ns", Needs::Always, |record| time(record.error)),
    RecordColumn::new("source", Needs::Always, |record| {
        RecordValue::Word(record.origin.map(Origin::name))
    }),
    RecordColumn::new("net_ns", Needs::Always, |record| {
        time(record.net.map(|net| net.total))
    }),
    RecordColumn::new("net_self_ns", Needs::Always, |record| {
        time(record.net.map(|net| net.own))
    }),
    RecordColumn::new("net_error_ns", Needs::Always, |record| {
        time(record.net.and_then(|net| net.error))
    }),
    RecordColumn::new("trips", Needs::Always, |record| {
        RecordValue::Number(record.trips)
    }),
    RecordColumn::new("wait_ns", Needs::Always, |record| time(record.wait)),
    RecordColumn::new("wait_cause", Needs::Always, |record| {
        RecordValue::Word(record.wait_cause)
    }),
    RecordColumn::new("p50_ns", Needs::Durations, |record| {
        time(record.durations.map(|of| of.percentiles.p50))
    }),
    RecordColumn::new("p90_ns", Needs::Durations, |record| {
        time(record.durations.map(|of| of.percentiles.p90))
    }),
    RecordColumn::new("p99_ns", Needs::Durations, |record| {
        time(record.durations.map(|of| of.percentiles.p99))
    }),
    RecordColumn::new("max_ns", Needs::Durations, |record| {
        time(record.durations.map(|of| of.max))
    }),
    RecordColumn::new("allocs", Needs::Heap, |record| {
        RecordValue::Number(record.heap.map(|heap| heap.0))
    }),
    RecordColumn::new("alloc_bytes", Needs::Heap, |record| {
        RecordValue::Number(record.heap.map(|heap| heap.1))
    }),
    RecordColumn::new("free_bytes", Needs::Heap, |record| {
        RecordValue::Number(record.heap.map(|heap| heap.2))
    }),
    RecordColumn::new("live_bytes", Needs::Blocks, |record| {
        RecordValue::Number(record.live.map(|live| live.end.0))
    }),
    RecordColumn::new("live_error_bytes", Needs::Blocks, |record| {
        RecordValue::Number(record.live.map(|live| live.end.1))
    }),
    RecordColumn::new("peak_bytes", Needs::Blocks, |record| {
        RecordValue::Number(record.live.map(|live| live.peak.0))
    }),
    RecordColumn::new("peak_error_bytes", Needs::Blocks, |record| {
        RecordValue::Number(record.live.map(|live| live.peak.1))
    }),
    RecordColumn::new("rss_grown_anonymous_bytes", Needs::ResidentSet, |record| {
        RecordValue::Number(record.rss.map(|rss| rss.grown_anonymous))
    }),
    RecordColumn::new("rss_shrunk_anonymous_bytes", Needs::ResidentSet, |record| {
        RecordValue::Number(record.rss.map(|rss| rss.shrunk_anonymous))
    }),
    RecordColumn::new("rss_grown_file_bytes", Needs::ResidentSet, |record| {
        RecordValue::Number(record.rss.map(|rss| rss.grown_file))
    }),
    RecordColumn::new("rss_shrunk_file_bytes", Needs::ResidentSet, |record| {
        RecordValue::Number(record.rss.map(|rss| rss.shrunk_file))
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_and_the_page_on_figures_have_every_column() {
        let schema = include_str!("../../../docs/export.schema.json");
        let page = include_str!("../../../docs/metrics.md");
        for column in &RECORD_COLUMNS {
            assert!(
                schema.contains(&format!("\"{}\": {{", column.name)),
                "{}",
                column.name
            );
            assert!(
                page.contains(&format!("`{}`", column.name)),
                "docs/metrics.md lacks {}",
                column.name
            );
        }
    }
}
