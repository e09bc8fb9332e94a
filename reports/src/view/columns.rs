//! The columns of line tables, each described once: title, meaning, when it is shown, its value, and when it gives way on a narrow terminal.

use hprof::model::{Nanos, WaitCause};

use super::line::{Figures, Mark, Row};
use super::sure::Sure;
use crate::text::emphasis::BAR;

/// A column of a line table.
#[derive(Debug)]
pub(crate) struct LineColumn {
    /// What stands above it.
    pub(crate) title: &'static str,
    /// What it is called where it is left out.
    pub(crate) name: &'static str,
    /// Least width, in cells of the terminal.
    pub(crate) width: usize,
    /// Words stand on the left, figures on the right.
    pub(crate) is_text: bool,
    /// The colour of the row's share stands on it.
    pub(crate) is_heated: bool,
    /// What the legend says of it.
    pub(crate) meaning: Option<&'static str>,
    shown: Shown,
    /// The value in a row; the figures are those of the row, or blank.
    pub(crate) value: fn(&Row<'_>, &Figures) -> Value,
}

/// When a column is shown.
#[derive(Clone, Copy, Debug)]
enum Shown {
    Always,
    /// In colour.
    InColour,
    /// If some row has it.
    If(fn(&Row<'_>, &Figures) -> bool),
    /// The same, where figures of the heap were asked for.
    IfHeap(fn(&Row<'_>, &Figures) -> bool),
}

/// What stands in a cell. Tables give it its digits, its unit and its colour.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Blank,
    /// The number of the line.
    Line(u32),
    Count(u64),
    /// A time that is so sure.
    Time(f64, Sure),
    /// The time of one hit, which is as sure as that of all.
    PerHit(f64, Sure),
    /// The error of a time.
    Error(Sure),
    /// A time without an error.
    Plain(Nanos),
    /// A time of waiting, and what for in the main, with its share in percent.
    Wait(Nanos, Option<(WaitCause, f64)>),
    Bytes(u64),
    /// A share in percent, and the most that it can be where no more is known.
    Percent(Option<f64>, Option<f64>),
    /// The same as a bar.
    Bar(f64),
    Marks(Vec<Mark>),
    /// Entries of a loop, and its turns.
    Trips(u64, u64),
    Text(String),
}

impl Value {
    fn of<T>(figure: Option<T>, value: impl FnOnce(T) -> Self) -> Self {
        figure.map_or(Self::Blank, value)
    }
}

/// What a reader asked for, or can see.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) colour: bool,
    pub(crate) heap: bool,
}

impl LineColumn {
    const fn figures(
        title: &'static str,
        width: usize,
        shown: Shown,
        value: fn(&Row<'_>, &Figures) -> Value,
    ) -> Self {
        Self {
            title,
            name: title,
            width,
            is_text: false,
            is_heated: false,
            meaning: None,
            shown,
            value,
        }
    }

    const fn text(self) -> Self {
        Self {
            is_text: true,
            ..self
        }
    }

    const fn heated(self) -> Self {
        Self {
            is_heated: true,
            ..self
        }
    }

    const fn called(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    const fn meaning(self, meaning: &'static str) -> Self {
        Self {
            meaning: Some(meaning),
            ..self
        }
    }

    /// Whether a table of these rows has the column.
    pub(crate) fn is_shown<'a>(
        &self,
        rows: impl IntoIterator<Item = &'a Row<'a>>,
        asked: Asked,
    ) -> bool {
        let blank = Figures::default();
        let mut rows = rows.into_iter();
        let mut any = |has: fn(&Row<'_>, &Figures) -> bool| {
            rows.any(|row| has(row, row.figures.as_ref().unwrap_or(&blank)))
        };
        match self.shown {
            Shown::Always => true,
            Shown::InColour => asked.colour,
            Shown::If(has) => any(has),
            Shown::IfHeap(has) => asked.heap && any(has),
        }
    }
}

/// All columns, in their order.
pub(crate) static LINE_COLUMNS: [LineColumn; 18] = [
    LineColumn::figures("Line #", 6, Shown::Always, |row, _| Value::Line(row.line)),
    LineColumn::figures("Hits", 9, Shown::Always, |_, figures| {
        Value::of(figures.hits, Value::Count)
    }),
    LineColumn::figures("Time", 12, Shown::Always, |_, figures| {
        Value::of(figures.time, |time| {
            Value::Time(figures.sure.figure(time), figures.sure)
        })
    })
    .heated(),
    LineColumn::figures("Per Hit", 8, Shown::Always, |_, figures| {
        Value::of(figures.per_hit, |time| Value::PerHit(time, figures.sure))
    }),
    LineColumn::figures("% Time", 8, Shown::Always, |_, figures| {
        Value::Percent(figures.percent, figures.percent_at_most)
    })
    .heated(),
    LineColumn::figures("", BAR, Shown::InColour, |_, figures| {
        Value::of(figures.percent, Value::Bar)
    })
    .text()
    .heated()
    .called("bars"),
    LineColumn::figures(
        "",
        1,
        Shown::If(|_, figures| !figures.marks.is_empty()),
        |_, figures| Value::Marks(figures.marks.clone()),
    )
    .text(),
    LineColumn::figures(
        "+-",
        8,
        Shown::If(|_, figures| matches!(figures.sure, Sure::Within(_) | Sure::Unknown)),
        |_, figures| Value::Error(figures.sure),
    )
    .meaning("one standard deviation, or less, of time that was split among lines"),
    LineColumn::figures(
        "Net",
        8,
        Shown::If(|_, figures| figures.net.is_some() && figures.marks.contains(&Mark::Recording)),
        |_, figures| {
            Value::of(figures.net, |(net, sure)| {
                Value::Time(sure.figure(net), sure)
            })
        },
    )
    .meaning("the time without what recording took of it, as far as that is known"),
    LineColumn::figures(
        "n",
        5,
        Shown::If(|_, figures| figures.samples.is_some()),
        |_, figures| Value::of(figures.samples, Value::Count),
    )
    .meaning("samples on the line"),
    LineColumn::figures(
        "CPU",
        8,
        Shown::If(|_, figures| figures.cpu_differs),
        |_, figures| Value::of(figures.cpu, Value::Plain),
    )
    .meaning("CPU time of the line with all it calls"),
    LineColumn::figures(
        "Wait",
        8,
        Shown::If(|_, figures| figures.wait.is_some_and(|(_, cause)| cause.is_some())),
        |_, figures| Value::of(figures.wait, |(wait, cause)| Value::Wait(wait, cause)),
    )
    .meaning("time without CPU time, and what the line itself was seen waiting for most"),
    LineColumn::figures(
        "Await",
        8,
        Shown::If(|_, figures| figures.awaited.is_some()),
        |_, figures| Value::of(figures.awaited, Value::Plain),
    )
    .meaning("time between polls, not part of Time"),
    LineColumn::figures(
        "Trips",
        10,
        Shown::If(|_, figures| figures.trips.is_some_and(|(trips, _)| trips > 1)),
        |_, figures| Value::of(figures.trips, |(trips, turns)| Value::Trips(trips, turns)),
    )
    .meaning("times the counted loop was entered, and the turns of each in the mean"),
    LineColumn::figures(
        "Allocs",
        8,
        Shown::IfHeap(|_, figures| figures.heap.is_some()),
        |_, figures| {
            Value::of(figures.heap.filter(|heap| heap.0 > 0), |heap| {
                Value::Count(heap.0)
            })
        },
    )
    .meaning("allocations by the line itself and their bytes; Freed: bytes it gave back"),
    LineColumn::figures(
        "Bytes",
        9,
        Shown::IfHeap(|_, figures| figures.heap.is_some()),
        |_, figures| Value::of(figures.heap, |heap| Value::Bytes(heap.1)),
    ),
    LineColumn::figures(
        "Freed",
        9,
        Shown::IfHeap(|_, figures| figures.heap.is_some()),
        |_, figures| Value::of(figures.heap, |heap| Value::Bytes(heap.2)),
    ),
    LineColumn::figures(
        "Label",
        5,
        Shown::If(|row, _| !row.label.is_empty()),
        |row, _| Value::Text(row.label.to_owned()),
    )
    .text(),
];

/// What follows from other columns gives way first where there is little room, and what tells how sure the rest is last.
pub(crate) const GIVES_WAY: [&str; 14] = [
    "bars", "Trips", "Wait", "Label", "n", "Per Hit", "CPU", "Freed", "Allocs", "Bytes", "Await",
    "Net", "% Time", "+-",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_columns_and_the_page_on_figures_explains_each() {
        let page = include_str!("../../../docs/metrics.md");
        for name in GIVES_WAY {
            assert!(
                LINE_COLUMNS.iter().any(|column| column.name == name),
                "{name}"
            );
        }
        let titles = LINE_COLUMNS.iter().map(|column| column.title);
        for title in titles.filter(|title| !title.is_empty()) {
            let row = page
                .lines()
                .find(|line| line.starts_with('|') && line.contains(&format!("`{title}`")));
            assert!(row.is_some(), "docs/metrics.md has no row for {title}");
        }
    }
}
