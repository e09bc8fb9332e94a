//! The state of a pass over a function, and the one way to a marker: a line has a slot, a slot a counter.

use super::around::{Branch, GroupedLoop, Loop, Marked};
use super::drops;
use super::running_line::RunningLine;
use crate::emit::{Counter, Emitter};
use crate::handed_on::HandedOn;
use crate::paths::site_name;
use crate::sites::{LineKind, Row, SiteKind, SiteTable};
use crate::source::Source;
use proc_macro2::extra::DelimSpan;
use proc_macro2::{Ident, Span};
use std::collections::HashSet;
use syn::{Attribute, Error, Stmt};

/// Which statements get markers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// Every statement; `split`: also full markers inside the loops that otherwise only count.
    All { split: bool },
    /// Statements with `#[mark]`.
    Marked,
}

/// Where the function stands.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) name: Ident,
    pub(crate) file: String,
    /// First line shown: that of the attribute.
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) fn_span: Span,
    pub(crate) fn_line: u32,
    pub(crate) end_line: u32,
    /// If another attribute has handed the body on.
    pub(crate) handed_on: Option<HandedOn>,
    /// Whether the function has no result, so that the end of its body may be reached.
    pub(crate) returns_nothing: bool,
}

/// The pass over one function.
pub(crate) struct Walker<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) emitter: &'a Emitter,
    pub(super) place: &'a Place,
    pub(super) selection: Selection,
    pub(super) errors: &'a mut Vec<Error>,
    pub(super) tables: Vec<SiteTable>,
    /// Tables whose body got markers.
    pub(super) used: Vec<bool>,
    /// Lines on which something begins that has a row of its own, besides closing braces.
    pub(super) begun: HashSet<u32>,
    pub(super) body: Body,
}

/// The state of the body that is being walked: a function, a closure or an async block.
pub(super) struct Body {
    /// Index of its table.
    pub(super) table: usize,
    /// The future's own static, where there is no frame to hold.
    pub(super) task: Option<Ident>,
    pub(super) here: RunningLine,
    pub(super) loops: Vec<Loop>,
    pub(super) group: Option<GroupedLoop>,
    /// Line of the statement that is being evaluated: where control comes back to from a branch in it.
    pub(super) statement: Option<u32>,
    /// Whether that statement goes on when the expression being walked has its value: to call a function with it, say.
    pub(super) goes_on: bool,
    /// The branches and blocks around the place that is being walked.
    pub(super) branches: Vec<Branch>,
    /// Inside a statement that is left out: no markers but those of loops around it.
    pub(super) quiet: bool,
    /// Where only marked statements count.
    pub(super) marked: Marked,
    /// Markers made so far.
    pub(super) emitted: usize,
}

impl Body {
    pub(super) fn new(table: usize, task: Option<Ident>) -> Self {
        Self {
            table,
            task,
            here: RunningLine::Unknown,
            loops: Vec::new(),
            group: None,
            statement: None,
            goes_on: false,
            branches: Vec::new(),
            quiet: false,
            marked: Marked::default(),
            emitted: 0,
        }
    }
}

impl<'a> Walker<'a> {
    /// A pass over the function at `place`.
    pub(crate) fn new(
        kind: SiteKind,
        place: &'a Place,
        selection: Selection,
        source: &'a dyn Source,
        emitter: &'a Emitter,
        errors: &'a mut Vec<Error>,
    ) -> Self {
        let ident = site_name(&place.name, place.line, None);
        let task = (kind == SiteKind::AsyncFunction).then(|| ident.clone());
        Self {
            source,
            emitter,
            place,
            selection,
            errors,
            tables: vec![SiteTable::new(kind, ident)],
            used: vec![true],
            begun: HashSet::new(),
            body: Body::new(0, task),
        }
    }

    /// The tables of the function and of the bodies in it that got markers.
    pub(crate) fn into_tables(self) -> Vec<SiteTable> {
        let used = self.used;
        let tables = self.tables.into_iter().zip(used);
        tables
            .filter_map(|(table, used)| used.then_some(table))
            .collect()
    }

    pub(super) fn selects_all(&self) -> bool {
        matches!(self.selection, Selection::All { .. })
    }

    /// Line of a token, if it is in the file of the function. Tokens that a macro brought along may not be.
    pub(super) fn line_of(&self, span: Span) -> Option<u32> {
        self.in_the_file(span, self.source.line(span))
    }

    /// Line of a closing brace, likewise.
    pub(super) fn line_of_closing(&self, braces: DelimSpan) -> Option<u32> {
        self.in_the_file(braces.close(), self.source.closing_line(braces))
    }

    /// The line of a token, if it is in the file of the function.
    pub(super) fn in_the_file(&self, span: Span, line: u32) -> Option<u32> {
        let inside = (self.place.line..=self.place.end_line).contains(&line);
        if let Some(made) = self.place.handed_on.as_ref().filter(|_| !inside)
            && !made.is_taken(span, self.source)
        {
            // Code of the other attribute, at its place.
            return Some(self.place.fn_line);
        }
        (inside || self.source.file(span) == self.place.file).then_some(line)
    }

    /// The slot of a line in the body being walked.
    pub(super) fn slot(&mut self, line: u32, kind: LineKind) -> Option<usize> {
        let (kind, row) = match &self.body.group {
            Some(group) => (LineKind::GroupBody, Row::Grouped(group.header)),
            None => (kind, Row::Own),
        };
        self.tables[self.body.table].slot(line, kind, row)
    }

    /// The marker of a slot that [`Self::slot`] gave.
    pub(super) fn marker(&mut self, slot: usize, conditions: &[Attribute], at: Span) -> Stmt {
        let counter = self.counter(slot);
        self.emitter.marker(&counter, conditions, at)
    }

    /// How a marker that is about to be made reaches the cell of a slot.
    pub(super) fn counter(&mut self, slot: usize) -> Counter {
        self.body.emitted += 1;
        match (&mut self.body.group, &self.body.task) {
            (Some(group), _) => Counter::Group {
                index: group.counter(slot),
            },
            (None, Some(site)) => Counter::Task {
                site: site.clone(),
                slot,
            },
            (None, None) => Counter::Frame { slot },
        }
    }

    /// The marker of the line of `at`, unless control is on that line already.
    pub(super) fn mark(
        &mut self,
        at: Span,
        kind: LineKind,
        conditions: &[Attribute],
    ) -> Option<Stmt> {
        self.mark_line(self.line_of(at)?, at, kind, conditions)
    }

    /// The marker of `line` at the place of `at`, unless control is on that line already.
    pub(super) fn mark_line(
        &mut self,
        line: u32,
        at: Span,
        kind: LineKind,
        conditions: &[Attribute],
    ) -> Option<Stmt> {
        if self.body.quiet || !self.selects_all() || self.body.here == RunningLine::Line(line) {
            return None;
        }
        let slot = self.slot(line, kind)?;
        self.arrive(line);
        Some(self.marker(slot, conditions, at))
    }

    /// Control is on `line` from now on.
    pub(super) fn arrive(&mut self, line: u32) {
        self.body.here = RunningLine::Line(line);
        self.stray(line);
    }

    /// Control may be on `line`, which may not be that of the loops and statements around.
    pub(super) fn stray(&mut self, line: u32) {
        for around in &mut self.body.loops {
            around.strayed |= around.line != Some(line);
        }
        for around in &mut self.body.branches {
            around.strayed |= around.line != Some(line);
        }
    }

    /// Gives the row of a line its label.
    pub(super) fn label(&mut self, at: Span, label: String) {
        let slot = self
            .line_of(at)
            .and_then(|line| self.slot(line, LineKind::Statement));
        if let Some(slot) = slot {
            self.tables[self.body.table].slots[slot].label = label;
        }
    }

    /// A new table for a body inside the function, beginning at `line`.
    pub(super) fn nested_table(&mut self, kind: SiteKind, line: u32) -> usize {
        let index = self.tables.len();
        let ident = site_name(&self.place.name, line, Some(index));
        self.tables.push(SiteTable::new(kind, ident));
        self.used.push(true);
        index
    }
}

/// What is known of the statements of a block once they are walked.
#[derive(Default)]
pub(super) struct Walked {
    /// Where the last statement begins, its markers included.
    pub(super) last: usize,
    /// Whether the last statement may be the value of the block.
    pub(super) tail: bool,
    /// What is to be asked of the bindings, and where.
    pub(super) questions: Vec<(usize, drops::Question)>,
}
