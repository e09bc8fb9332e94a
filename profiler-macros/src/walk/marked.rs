//! Functions in which only statements with `#[mark]` count.
//!
//! Between marked statements time has to go somewhere: to the *rest* of the marked statement around, or of the whole body.
//! That is a row of its own on the line of that statement, so that the hits of the statement itself stay exact.

use super::block::is_value;
use super::ending::leave_behind;
use super::running_line::RunningLine;
use super::start;
use super::walker::Walker;
use crate::helpers::Helpers;
use crate::sites::{LineKind, Row};
use proc_macro2::Span;
use syn::visit_mut::VisitMut;
use syn::{Attribute, Expr, Stmt};

impl Walker<'_> {
    /// A statement where only those with `#[mark]` count.
    pub(super) fn chosen(
        &mut self,
        mut stmt: Stmt,
        helpers: &Helpers,
        inherited: &[Attribute],
        last: bool,
        out: &mut Vec<Stmt>,
    ) {
        let (rest, emitted) = (self.body.marked.rest, self.body.emitted);
        let at = start::of_statement(&stmt).unwrap_or_else(|| self.place.name.span());
        if helpers.mark && !self.body.quiet {
            self.begin_marked(&stmt, at, helpers, inherited, out);
            self.body.statement = self.body.marked.rest;
        }
        let is_value = last && is_value(&stmt);
        self.visit_stmt_mut(&mut stmt);
        out.push(stmt);
        self.body.marked.rest = rest;
        self.body.marked.next_loop = None;
        let conditional = inherited.iter().any(start::is_condition);
        if self.body.emitted != emitted && !is_value && !conditional {
            let resumed = self.back_to_rest(&leave_behind(out), at);
            if let Some(marker) = resumed {
                out.push(marker);
                self.body.marked.resumed = Some(out.len());
            }
        }
    }

    /// The marker of a marked statement.
    fn begin_marked(
        &mut self,
        stmt: &Stmt,
        at: Span,
        helpers: &Helpers,
        inherited: &[Attribute],
        out: &mut Vec<Stmt>,
    ) {
        let is_loop = matches!(
            stmt,
            Stmt::Expr(Expr::ForLoop(_) | Expr::While(_) | Expr::Loop(_), _)
        );
        let kind = if is_loop {
            LineKind::LoopHeader
        } else {
            LineKind::Statement
        };
        let Some(line) = self.line_of(at) else { return };
        let Some(slot) = self.slot(line, kind) else {
            return;
        };
        if self.body.marked.resumed == Some(out.len()) {
            // Two marked statements in a row: nothing lies between them.
            out.pop();
        }
        out.push(self.marker(slot, inherited, at));
        self.arrive(line);
        self.body.marked.rest = Some(line);
        self.body.marked.next_loop = is_loop.then_some(line);
        if let Some(label) = &helpers.label {
            self.label(at, label.clone());
        }
    }

    /// The marker of the rest, unless control is there already.
    pub(super) fn back_to_rest(&mut self, leave: &[Attribute], at: Span) -> Option<Stmt> {
        let line = self.body.marked.rest?;
        if self.body.here == RunningLine::Never || self.body.here == RunningLine::Line(line) {
            return None;
        }
        let slot =
            self.tables[self.body.table].slot(line, LineKind::WholeBody, Row::BetweenMarked)?;
        self.arrive(line);
        Some(self.marker(slot, leave, at))
    }

    /// Begins a body on `line` of which only marked statements count, and gives its first marker.
    pub(super) fn open_rest(&mut self, line: u32) -> Option<Stmt> {
        if self.selects_all() {
            return None;
        }
        self.body.marked.rest = Some(line);
        let opening = self.back_to_rest(&[], self.place.name.span());
        // A body in which nothing is marked stays as it is.
        self.body.emitted = 0;
        opening
    }
}
