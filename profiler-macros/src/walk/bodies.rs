//! Bodies: the function itself, closures and async blocks.

use super::ending::leave_behind;
use super::{Body, Here, Walker, block_around, start};
use crate::expand::leading_items;
use crate::sites::{LineKind, SiteKind};
use proc_macro2::Span;
use proc_macro2::extra::DelimSpan;
use std::mem;
use syn::visit_mut::VisitMut;
use syn::{Block, Expr, ExprClosure, Stmt};

impl Walker<'_> {
    /// Walks the body of the function.
    pub(crate) fn function_body(&mut self, body: &mut Block) {
        if !self.selects_all() {
            let opening = self.open_rest(self.place.fn_line);
            self.statements(body);
            let first = leading_items(&body.stmts);
            body.stmts.splice(first..first, opening);
            return;
        }
        let binds = body.stmts.iter().any(|stmt| matches!(stmt, Stmt::Local(_)));
        let certain = !body.stmts.iter_mut().any(conditional_value);
        let tail = body.stmts.last().is_some_and(is_value);
        let last = self.statements(body);
        if binds && certain {
            self.closing_brace(body, tail.then_some(last));
        }
    }

    /// The row of the closing brace: what it costs to drop the locals. A body that ends in a statement gets a marker there,
    /// if the end can be reached, which is when it returns nothing. One with a tail, whose markers begin at `tail`, gets a guard
    /// declared last and so dropped first.
    fn closing_brace(&mut self, body: &mut Block, tail: Option<usize>) {
        let braces = body.brace_token.span;
        let at = braces.close();
        let Some(line) = self.line_of_closing(braces) else {
            return;
        };
        let Some(tail) = tail else {
            if self.place.returns_nothing && self.body.here != Here::Never {
                let leave = leave_behind(&body.stmts);
                let marker = self.mark_line(line, at, LineKind::Brace, &leave);
                body.stmts.extend(marker);
            }
            return;
        };
        // In a future the guard might live across an await.
        if self.body.task.is_some() || self.body.here == Here::Line(line) {
            return;
        }
        if let Some(slot) = self.slot(line, LineKind::Brace) {
            let behind_marker = usize::from(body.stmts.len() > tail + 1);
            body.stmts
                .insert(tail + behind_marker, self.emitter.brace_guard(slot, at));
        }
    }

    /// A closure whose body has lines of its own gets a frame of its own, so that nothing is captured and the closure stays
    /// what it was: as small, as copyable and as free to go to other threads.
    pub(super) fn closure(&mut self, e: &mut ExprClosure) {
        if self.body.quiet || e.asyncness.is_some() || e.constness.is_some() {
            return;
        }
        if let Expr::Async(_) = &*e.body {
            self.visit_expr_mut(&mut e.body);
            return;
        }
        let at = start::of_expression(&e.body);
        if !self.has_own_lines(&e.body, at) {
            return;
        }
        let (outer, opening) = self.open(SiteKind::Closure, at);
        match &mut *e.body {
            Expr::Block(body) if body.label.is_none() => {
                self.statements(&mut body.block);
                let opening = self.closure_opening(opening, at);
                let first = leading_items(&body.block.stmts);
                body.block.stmts.splice(first..first, opening);
            }
            body => {
                let end = start::last_token(&*body).span();
                let value = Stmt::Expr(mem::replace(body, Expr::PLACEHOLDER), None);
                let mut stmts = Vec::new();
                self.statement(value, true, &mut stmts);
                stmts.splice(0..0, self.closure_opening(opening, at));
                *body = sole_expression(stmts).unwrap_or_else(|stmts| block_around(stmts, end));
            }
        }
        self.body = outer;
    }

    /// The first statements of a closure that got markers.
    fn closure_opening(&mut self, first: Option<Stmt>, at: Span) -> Vec<Stmt> {
        if !self.close_used() {
            return Vec::new();
        }
        let enter = self.emitter.enter(&self.tables[self.body.table].ident, at);
        [enter].into_iter().chain(first).collect()
    }

    /// `async { b }` becomes `poll(&SITE, async { b' })`.
    pub(super) fn async_block(&mut self, expr: &mut Expr) {
        let at = start::of_expression(expr);
        let Expr::Async(e) = expr else { return };
        if self.body.quiet {
            return;
        }
        let braces = e.block.brace_token.span;
        if !self.spans_lines(braces.open(), braces) && self.is_here(braces.open()) {
            return;
        }
        let (outer, opening) = self.open(SiteKind::AsyncBlock, at);
        self.statements(&mut e.block);
        if self.close_used() {
            let first = leading_items(&e.block.stmts);
            e.block.stmts.splice(first..first, opening);
            let future = mem::replace(expr, Expr::PLACEHOLDER);
            let site = &self.tables[self.body.table].ident;
            *expr = self.emitter.poll(site, &future, at);
        }
        self.body = outer;
    }

    /// Begins a body inside the one being walked, which is handed back with the first marker of the new one.
    fn open(&mut self, kind: SiteKind, at: Span) -> (Body, Option<Stmt>) {
        let line = self.source.line(at);
        let table = self.nested_table(kind, line);
        let task = (kind == SiteKind::AsyncBlock).then(|| self.tables[table].ident.clone());
        let outer = mem::replace(&mut self.body, Body::new(table, task));
        (outer, self.open_rest(line))
    }

    /// Ends a body inside another: whether it got markers. Its table is dropped if not.
    fn close_used(&mut self) -> bool {
        let used = self.body.emitted > 0;
        self.used[self.body.table] = used;
        used
    }

    /// Whether the body of a closure has lines of its own: a block that is not all on the line of its statement, or an
    /// expression over several lines.
    fn has_own_lines(&self, body: &Expr, at: Span) -> bool {
        match body {
            Expr::Block(e) => self.spans_lines(at, e.block.brace_token.span) || !self.is_here(at),
            // The last token is printed anew, so that a group there has no closing delimiter of its own.
            _ => self.source.line(at) != self.source.last_line(start::last_token(body).span()),
        }
    }

    /// Whether a body that begins at `first` ends on another line.
    fn spans_lines(&self, first: Span, braces: DelimSpan) -> bool {
        self.source.line(first) != self.source.closing_line(braces)
    }

    /// Whether control is on the line of `at` already.
    fn is_here(&self, at: Span) -> bool {
        self.body.here == Here::Line(self.source.line(at))
    }
}

/// Whether a statement may be the value of its block.
pub(super) fn is_value(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Expr(_, semi) => semi.is_none(),
        Stmt::Macro(mac) => mac.semi_token.is_none(),
        Stmt::Local(_) | Stmt::Item(_) => false,
    }
}

/// Whether a statement is the value of its block under some condition only, as in `#[cfg(a)] { 1 } #[cfg(not(a))] { 2 }`.
fn conditional_value(stmt: &mut Stmt) -> bool {
    is_value(stmt)
        && crate::helpers::attributes(stmt)
            .is_some_and(|attrs| attrs.iter().any(start::is_condition))
}

/// The expression, if there is nothing else; the statements otherwise.
fn sole_expression(mut stmts: Vec<Stmt>) -> Result<Expr, Vec<Stmt>> {
    match (stmts.pop(), stmts.is_empty()) {
        (Some(Stmt::Expr(expr, None)), true) => Ok(expr),
        (last, _) => {
            stmts.extend(last);
            Err(stmts)
        }
    }
}
