//! Bodies: the function itself, closures and async blocks.

use super::block::{block_around, is_value, leading_items};
use super::ending::leave_behind;
use super::running_line::RunningLine;
use super::walker::{Body, Walked, Walker};
use super::{begun, start};
use crate::emit::{Brace, Counter};
use crate::parameters;
use crate::paths::hidden;
use crate::sites::{LineKind, Row, SiteKind};
use proc_macro2::extra::DelimSpan;
use proc_macro2::{Ident, Span};
use std::mem;
use syn::punctuated::Punctuated;
use syn::visit_mut::VisitMut;
use syn::{Block, Expr, ExprClosure, Pat, Stmt, Token};

impl Walker<'_> {
    /// Walks the body of the function. With `parameters`, which may have to be dropped, the result is the way to the line of the closing brace.
    pub(crate) fn function_body(&mut self, body: &mut Block, parameters: bool) -> Option<Counter> {
        if !self.selects_all() {
            let opening = self.open_rest(self.place.fn_line);
            self.statements(body);
            let first = leading_items(&body.stmts);
            body.stmts.splice(first..first, opening);
            return self.parameters_end(None, parameters);
        }
        self.begun = begun::lines(body, self.source);
        let binds = body.stmts.iter().any(|stmt| matches!(stmt, Stmt::Local(_)));
        let certain = !body.stmts.iter_mut().any(conditional_value);
        let walked = self.statements(body);
        if binds && certain {
            self.closing_brace(body, &walked);
        }
        let line = self.line_of_closing(body.brace_token.span);
        self.parameters_end(line, parameters)
    }

    /// The way to the row on which the parameters of a body are dropped, if it has any: `line`; where only marked statements count, what lies
    /// between them.
    fn parameters_end(&mut self, line: Option<u32>, parameters: bool) -> Option<Counter> {
        if !parameters {
            return None;
        }
        let slot = if self.selects_all() {
            self.slot(line?, LineKind::Brace)?
        } else {
            let line = self.body.marked.rest?;
            self.tables[self.body.table].slot(line, LineKind::WholeBody, Row::BetweenMarked)?
        };
        Some(self.counter(slot))
    }

    /// The row of the closing brace: what it costs to drop the locals. A body that ends in a statement gets a marker there,
    /// if the end can be reached, which is when it returns nothing. One with a tail gets a guard declared last and so dropped first.
    fn closing_brace(&mut self, body: &mut Block, walked: &Walked) {
        let braces = body.brace_token.span;
        let at = braces.close();
        let Some(line) = self.line_of_closing(braces) else {
            return;
        };
        if !walked.tail {
            if self.place.returns_nothing && self.body.here != RunningLine::Never {
                let leave = leave_behind(&body.stmts);
                let marker = self.mark_line(line, at, LineKind::Brace, &leave);
                body.stmts.extend(marker);
            }
            return;
        }
        if self.body.here == RunningLine::Line(line) {
            return;
        }
        if let Some(slot) = self.slot(line, LineKind::Brace) {
            let brace = Brace {
                counter: &self.counter(slot),
                drops: None,
                hit: true,
            };
            let guard = self.emitter.brace_guard(&brace, at);
            before_tail(body, walked.last, guard);
        }
    }

    /// Walks a block inside a body. Its closing brace gets a row if something that its statements bind has to be dropped there, which
    /// depends on types: the marker is behind a condition that the compiler folds.
    pub(super) fn block(&mut self, block: &mut Block) {
        let certain = !block.stmts.iter_mut().any(conditional_value);
        let walked = self.statements(block);
        let counts = self.body.group.is_some();
        if walked.questions.is_empty() || self.body.quiet || counts || !self.selects_all() {
            return;
        }
        let braces = block.brace_token.span;
        let at = braces.close();
        let reached = self.body.here != RunningLine::Never && certain;
        let Some(line) = self.line_of_closing(braces).filter(|_| reached) else {
            return;
        };
        if self.body.here == RunningLine::Line(line) {
            return;
        }
        let Some(slot) = self.slot(line, LineKind::Brace) else {
            return;
        };
        let drops = Ident::new("drops", hidden(at));
        let brace = Brace {
            counter: &self.counter(slot),
            drops: Some(&drops),
            hit: !self.begun.contains(&line),
        };
        if walked.tail {
            let guard = self.emitter.brace_guard(&brace, at);
            before_tail(block, walked.last, guard);
        } else {
            let leave = leave_behind(&block.stmts);
            block
                .stmts
                .push(self.emitter.brace_marker(&brace, &leave, at));
        }
        self.ask(block, &walked);
        self.stray(line);
        self.body.here = self.body.here.join(RunningLine::Line(line));
    }

    /// Puts the questions on the types of its bindings behind each `let` of a block.
    fn ask(&self, block: &mut Block, walked: &Walked) {
        for (index, (place, question)) in walked.questions.iter().enumerate().rev() {
            let at = question.at;
            let drop_glue = self.emitter.drop_glue(at);
            let subjects = question.subjects.iter();
            let asked: Vec<_> = subjects
                .map(|subject| subject.tokens(&drop_glue, at))
                .collect();
            let asked = self
                .emitter
                .question(index == 0, &question.conditions, &asked, at);
            block.stmts.insert(*place, asked);
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
        let body = mem::replace(&mut *e.body, Expr::PLACEHOLDER);
        // The outermost braces stay the user's: their edition decides what a closure captures.
        *e.body = match body {
            Expr::Block(mut body) if body.label.is_none() => {
                self.block(&mut body.block);
                let braces = body.block.brace_token;
                if self.close_used() {
                    let end = self.line_of_closing(braces.span);
                    let opening = self.closure_opening(&mut e.inputs, opening, at, end);
                    let block = mem::replace(
                        &mut body.block,
                        Block {
                            brace_token: braces,
                            stmts: Vec::new(),
                        },
                    );
                    body.block.stmts = vec![self.emitter.framed(opening, block)];
                }
                Expr::Block(body)
            }
            body => {
                let end = start::last_token(&body).span();
                let mut stmts = Vec::new();
                self.statement(Stmt::Expr(body, None), true, &mut stmts);
                if self.close_used() {
                    let opening =
                        self.closure_opening(&mut e.inputs, opening, at, self.line_of(at));
                    stmts.splice(0..0, opening);
                }
                sole_expression(stmts).unwrap_or_else(|stmts| block_around(stmts, end))
            }
        };
        self.body = outer;
    }

    /// The first statements of a closure that got markers: its frame, and its parameters bound again, which are dropped on the line `end`.
    fn closure_opening(
        &mut self,
        inputs: &mut Punctuated<Pat, Token![,]>,
        first: Option<Stmt>,
        at: Span,
        end: Option<u32>,
    ) -> Vec<Stmt> {
        let enter = self.emitter.enter(&self.tables[self.body.table].ident, at);
        let bindings = parameters::of_closure(inputs);
        let last = self.parameters_end(end, !bindings.is_empty());
        let bound = self.emitter.parameters(&bindings, last.as_ref(), at);
        [enter].into_iter().chain(first).chain(bound).collect()
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
        self.block(&mut e.block);
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
        // Code of another attribute is all on the line of that one, and yet has the user's in it.
        self.place.handed_on.is_some()
            || self.source.line(first) != self.source.closing_line(braces)
    }

    /// Whether control is on the line of `at` already.
    fn is_here(&self, at: Span) -> bool {
        self.body.here == RunningLine::Line(self.source.line(at))
    }
}

/// Puts a guard before the last expression of a block, whose markers begin at `last`, and behind its marker.
fn before_tail(block: &mut Block, last: usize, guard: Stmt) {
    let behind_marker = usize::from(block.stmts.len() > last + 1);
    block.stmts.insert(last + behind_marker, guard);
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
