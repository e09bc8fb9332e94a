//! Where a marker goes, and where it must not.
//!
//! One pass over a body in the order it runs. A marker goes before each statement that begins a line, at every depth; it
//! never wraps an expression, so control flow, borrows, temporaries and types stay as they were. Types, patterns, constants,
//! macro arguments and nested items are never entered.
//!
//! The pass knows which line the last marker on every path was of ([`Here`]), so that a line gets one marker however many
//! statements it holds.

mod back;
mod begun;
mod bodies;
mod branches;
mod drops;
mod ending;
mod here;
mod loops;
mod marked;
mod numbers;
mod simple;
mod start;

use crate::emit::{Counter, Emitter};
use crate::handed_on::HandedOn;
use crate::helpers::{self, Helpers};
use crate::paths::{hidden, site_name};
use crate::sites::{LineKind, Row, SiteKind, SiteTable};
use crate::source::Source;
use back::Branch;
pub(crate) use drops::owns_nothing;
use here::Here;
use loops::{GroupedLoop, Loop};
use marked::Marked;
use proc_macro2::extra::DelimSpan;
use proc_macro2::{Ident, Span};
use std::collections::HashSet;
use std::mem;
use syn::visit_mut::{self, VisitMut};
use syn::{
    AngleBracketedGenericArguments, Attribute, Block, Error, Expr, ExprBlock, Item, Macro, Pat,
    QSelf, Stmt, Type, token,
};

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
    source: &'a dyn Source,
    emitter: &'a Emitter,
    place: &'a Place,
    selection: Selection,
    errors: &'a mut Vec<Error>,
    tables: Vec<SiteTable>,
    /// Tables whose body got markers.
    used: Vec<bool>,
    /// Lines on which something begins that has a row of its own, besides closing braces.
    begun: HashSet<u32>,
    body: Body,
}

/// The state of the body that is being walked: a function, a closure or an async block.
struct Body {
    /// Index of its table.
    table: usize,
    /// The future's own static, where there is no frame to hold.
    task: Option<Ident>,
    here: Here,
    loops: Vec<Loop>,
    group: Option<GroupedLoop>,
    /// Line of the statement that is being evaluated: where control comes back to from a branch in it.
    statement: Option<u32>,
    /// Whether that statement goes on when the expression being walked has its value: to call a function with it, say.
    goes_on: bool,
    /// The branches and blocks around the place that is being walked.
    branches: Vec<Branch>,
    /// Inside a statement that is left out: no markers but those of loops around it.
    quiet: bool,
    /// Where only marked statements count.
    marked: Marked,
    /// Markers made so far.
    emitted: usize,
}

impl Body {
    fn new(table: usize, task: Option<Ident>) -> Self {
        Self {
            table,
            task,
            here: Here::Unknown,
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

    fn selects_all(&self) -> bool {
        matches!(self.selection, Selection::All { .. })
    }

    /// Line of a token, if it is in the file of the function. Tokens that a macro brought along may not be.
    fn line_of(&self, span: Span) -> Option<u32> {
        self.in_the_file(span, self.source.line(span))
    }

    /// Line of a closing brace, likewise.
    fn line_of_closing(&self, braces: DelimSpan) -> Option<u32> {
        self.in_the_file(braces.close(), self.source.closing_line(braces))
    }

    /// The line of a token, if it is in the file of the function.
    fn in_the_file(&self, span: Span, line: u32) -> Option<u32> {
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
    fn slot(&mut self, line: u32, kind: LineKind) -> Option<usize> {
        let (kind, row) = match &self.body.group {
            Some(group) => (LineKind::GroupBody, Row::Grouped(group.header)),
            None => (kind, Row::Own),
        };
        self.tables[self.body.table].slot(line, kind, row)
    }

    /// The marker of a slot that [`Self::slot`] gave.
    fn marker(&mut self, slot: usize, conditions: &[Attribute], at: Span) -> Stmt {
        let counter = self.counter(slot);
        self.emitter.marker(&counter, conditions, at)
    }

    /// How a marker that is about to be made reaches the cell of a slot.
    fn counter(&mut self, slot: usize) -> Counter {
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
    fn mark(&mut self, at: Span, kind: LineKind, conditions: &[Attribute]) -> Option<Stmt> {
        self.mark_line(self.line_of(at)?, at, kind, conditions)
    }

    /// The marker of `line` at the place of `at`, unless control is on that line already.
    fn mark_line(
        &mut self,
        line: u32,
        at: Span,
        kind: LineKind,
        conditions: &[Attribute],
    ) -> Option<Stmt> {
        if self.body.quiet || !self.selects_all() || self.body.here == Here::Line(line) {
            return None;
        }
        let slot = self.slot(line, kind)?;
        self.arrive(line);
        Some(self.marker(slot, conditions, at))
    }

    /// Control is on `line` from now on.
    fn arrive(&mut self, line: u32) {
        self.body.here = Here::Line(line);
        self.stray(line);
    }

    /// Control may be on `line`, which may not be that of the loops and statements around.
    fn stray(&mut self, line: u32) {
        for around in &mut self.body.loops {
            around.strayed |= around.line != Some(line);
        }
        for around in &mut self.body.branches {
            around.strayed |= around.line != Some(line);
        }
    }

    /// Gives the row of a line its label.
    fn label(&mut self, at: Span, label: String) {
        let slot = self
            .line_of(at)
            .and_then(|line| self.slot(line, LineKind::Statement));
        if let Some(slot) = slot {
            self.tables[self.body.table].slots[slot].label = label;
        }
    }

    /// Walks the statements of a block in place.
    fn statements(&mut self, block: &mut Block) -> Walked {
        let stmts = mem::take(&mut block.stmts);
        let last = stmts.len().saturating_sub(1);
        self.body.marked.resumed = None;
        let mut walked = Walked::default();
        let questions: Vec<_> = (0..stmts.len())
            .map(|index| drops::question(&stmts[index..]))
            .collect();
        for ((index, stmt), question) in stmts.into_iter().enumerate().zip(questions) {
            walked.last = block.stmts.len();
            walked.tail = bodies::is_value(&stmt);
            self.statement(stmt, index == last, &mut block.stmts);
            walked
                .questions
                .extend(question.map(|question| (block.stmts.len(), question)));
        }
        self.body.marked.resumed = None;
        walked
    }

    /// Walks a statement and puts it behind its marker in `out`. `last`: nothing follows it in its block.
    fn statement(&mut self, mut stmt: Stmt, last: bool, out: &mut Vec<Stmt>) {
        let helpers = Helpers::take(&mut stmt, self.errors);
        let Some(mut at) = start::of_statement(&stmt) else {
            out.push(stmt);
            return;
        };
        if let Some(made) = &self.place.handed_on
            && made.is_intruder(&stmt, at, self.source)
        {
            at = self.place.fn_span;
        }
        let inherited =
            start::inherited(helpers::attributes(&mut stmt).map_or(&[][..], |attrs| attrs));
        let before = self.body.here;
        let around = (self.body.statement, self.body.goes_on);
        self.begin_statement(at);
        if helpers.skip {
            let quiet = mem::replace(&mut self.body.quiet, true);
            self.visit_stmt_mut(&mut stmt);
            self.body.quiet = quiet;
            out.push(stmt);
        } else if self.selects_all() {
            out.extend(self.mark(at, LineKind::Statement, &inherited));
            if let Some(label) = helpers.label.filter(|_| !self.body.quiet) {
                self.label(at, label);
            }
            self.marked_off(stmt, last, out);
        } else {
            self.chosen(stmt, &helpers, &inherited, last, out);
        }
        (self.body.statement, self.body.goes_on) = around;
        if inherited.iter().any(start::is_condition) {
            self.body.here = before.join(self.body.here);
        }
    }

    /// A statement whose marker stands already.
    fn marked_off(&mut self, mut stmt: Stmt, last: bool, out: &mut Vec<Stmt>) {
        match stmt {
            Stmt::Expr(expr @ (Expr::ForLoop(_) | Expr::While(_) | Expr::Loop(_)), semi) => {
                self.loop_statement(expr, semi, last, out)
            }
            _ => {
                self.visit_stmt_mut(&mut stmt);
                out.push(stmt);
            }
        }
    }

    /// The last expression of a block, which has its marker already.
    fn tail(&mut self, expr: Expr, out: &mut Vec<Stmt>) {
        self.marked_off(Stmt::Expr(expr, None), true, out);
    }

    /// A new table for a body inside the function, beginning at `line`.
    fn nested_table(&mut self, kind: SiteKind, line: u32) -> usize {
        let index = self.tables.len();
        let ident = site_name(&self.place.name, line, Some(index));
        self.tables.push(SiteTable::new(kind, ident));
        self.used.push(true);
        index
    }
}

/// What is known of the statements of a block once they are walked.
#[derive(Default)]
struct Walked {
    /// Where the last statement begins, its markers included.
    last: usize,
    /// Whether the last statement may be the value of the block.
    tail: bool,
    /// What is to be asked of the bindings, and where.
    questions: Vec<(usize, drops::Question)>,
}

/// A block of the given statements in braces that lints take for ours. For places where a block ends no temporaries that
/// would not end there anyway.
fn block_of(stmts: Vec<Stmt>, at: Span) -> Expr {
    braced(stmts, token::Brace(hidden(at)))
}

/// A block of the given statements around tokens of the user that end with `last`. The edition of its braces is the user's: it
/// decides when the temporaries of an `if` around it are dropped and what a closure captures.
fn block_around(stmts: Vec<Stmt>, last: Span) -> Expr {
    braced(stmts, token::Brace(last))
}

fn braced(stmts: Vec<Stmt>, brace_token: token::Brace) -> Expr {
    Expr::Block(ExprBlock {
        attrs: Vec::new(),
        label: None,
        block: Block { brace_token, stmts },
    })
}

impl VisitMut for Walker<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        self.block(block);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::If(e) => self.if_expression(e),
            Expr::Match(e) => self.match_expression(e),
            Expr::Binary(e) => self.binary(e),
            Expr::Block(e) => self.block_expression(e),
            Expr::Unsafe(e) => self.branch(&mut e.block, Vec::new()),
            Expr::Loop(_) => self.returning_loop(expr),
            Expr::ForLoop(_) | Expr::While(_) => self.loop_expression(expr),
            Expr::Continue(_) => self.continue_expression(expr),
            // Behind their value they drop what they leave.
            Expr::Break(_) | Expr::Return(_) => {
                let goes_on = mem::replace(&mut self.body.goes_on, true);
                visit_mut::visit_expr_mut(self, expr);
                self.body.goes_on = goes_on;
                self.body.here = Here::Never;
            }
            Expr::Closure(e) => self.closure(e),
            Expr::Async(_) => self.async_block(expr),
            Expr::Const(_) | Expr::Macro(_) | Expr::TryBlock(_) | Expr::Verbatim(_) => {}
            _ => self.operands(expr),
        }
    }

    fn visit_local_mut(&mut self, local: &mut syn::Local) {
        let Some(init) = &mut local.init else { return };
        self.visit_expr_mut(&mut init.expr);
        if let Some((_, diverging)) = &mut init.diverge {
            let here = self.body.here;
            self.visit_expr_mut(diverging);
            self.body.here = here;
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
    fn visit_type_mut(&mut self, _: &mut Type) {}
    fn visit_pat_mut(&mut self, _: &mut Pat) {}
    fn visit_macro_mut(&mut self, _: &mut Macro) {}
    fn visit_qself_mut(&mut self, _: &mut QSelf) {}
    fn visit_attribute_mut(&mut self, _: &mut Attribute) {}
    fn visit_angle_bracketed_generic_arguments_mut(
        &mut self,
        _: &mut AngleBracketedGenericArguments,
    ) {
    }
}
