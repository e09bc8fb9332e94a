//! What the attribute changed, crate by crate.

use std::fmt;

use crate::trial::{Hits, Trial};

/// Titles of the columns.
pub(crate) const HEAD: &str = "\
Crate              Functions   Errors    Tests  Changed  Warnings  Plain s  Ratio            Hits
=================================================================================================";

/// Figures of a crate.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) functions: usize,
    pub(crate) plain: Trial,
    pub(crate) profiled: Trial,
}

impl Row {
    /// Results that are not the same: tests of either side that the other has not.
    fn changed(&self) -> Vec<&String> {
        let (plain, profiled) = (&self.plain.tests, &self.profiled.tests);
        let lost = plain.iter().filter(|test| !profiled.contains(test));
        lost.chain(profiled.iter().filter(|test| !plain.contains(test)))
            .collect()
    }

    fn added_warnings(&self) -> Vec<&String> {
        self.profiled
            .warnings
            .difference(&self.plain.warnings)
            .collect()
    }

    /// Whether both copies compile, with the same warnings and results. A crate without tests proves nothing.
    pub(crate) fn unchanged(&self) -> bool {
        self.plain.errors.is_empty()
            && self.profiled.errors.is_empty()
            && self.changed().is_empty()
            && self.added_warnings().is_empty()
            && self.plain.tests.len() == self.profiled.tests.len()
            && self.plain.passed == self.profiled.passed
            && !self.plain.tests.is_empty()
            && self.profiled.hits.all > 0
    }

    /// The differences in full, or nothing.
    pub(crate) fn details(&self) -> String {
        let mut text = String::new();
        let mut list = |what: &str, items: Vec<&String>| {
            if !items.is_empty() {
                text.push_str(&format_args!("\n{}: {what}\n", self.name).to_string());
            }
            for item in items {
                text.push_str(&format_args!("  {}\n", item.trim_end()).to_string());
            }
        };
        list(
            "does not compile as published",
            self.plain.errors.iter().collect(),
        );
        list(
            "does not compile instrumented",
            self.profiled.errors.iter().collect(),
        );
        list("results that differ", self.changed());
        list("added warnings", self.added_warnings());
        text
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, self.name, &Figures::of(self))
    }
}

/// The last row.
pub(crate) struct Total(Figures);

impl Total {
    pub(crate) fn of(rows: &[Row]) -> Self {
        let figures = rows.iter().map(Figures::of);
        Self(figures.fold(Figures::default(), Figures::plus))
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, "all", &self.0)
    }
}

/// What the closing braces of blocks inside functions cost: they have a marker where the types say that something may have to be dropped.
pub(crate) fn braces(rows: &[Row]) -> String {
    let hits = rows.iter().map(|row| row.profiled.hits);
    let hits = hits.fold(Hits::default(), Hits::plus);
    format!(
        "Closing braces of inner blocks: {} of {} hits; {} of them where nothing was ever freed",
        hits.braces, hits.all, hits.idle_braces
    )
}

#[derive(Clone, Copy, Default)]
struct Figures {
    functions: usize,
    errors: usize,
    tests: usize,
    changed: usize,
    warnings: usize,
    plain: f64,
    profiled: f64,
    hits: Hits,
}

impl Figures {
    fn of(row: &Row) -> Self {
        Self {
            functions: row.functions,
            errors: row.profiled.errors.len(),
            tests: row.profiled.tests.len(),
            changed: row.changed().len(),
            warnings: row.added_warnings().len(),
            plain: row.plain.seconds,
            profiled: row.profiled.seconds,
            hits: row.profiled.hits,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            functions: self.functions + other.functions,
            errors: self.errors + other.errors,
            tests: self.tests + other.tests,
            changed: self.changed + other.changed,
            warnings: self.warnings + other.warnings,
            plain: self.plain + other.plain,
            profiled: self.profiled + other.profiled,
            hits: self.hits.plus(other.hits),
        }
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, figures: &Figures) -> fmt::Result {
    let Figures {
        functions,
        errors,
        tests,
        changed,
        warnings,
        plain,
        profiled,
        hits,
    } = figures;
    write!(
        f,
        "{name:<18} {functions:>9} {errors:>8} {tests:>8} {changed:>8} {warnings:>9} {plain:>8.2}"
    )?;
    // The binaries give hundredths of a second.
    if *plain < 0.05 {
        write!(f, "      -")?;
    } else {
        write!(f, " {:>6.2}", profiled / plain)?;
    }
    write!(f, " {:>15}", hits.all)
}
