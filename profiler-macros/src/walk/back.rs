//! The way back from a branch to the statement around it.
//!
//! `heavy(if c { .. } else { .. })` goes on when the branch is over: the line of `heavy` runs again, and no marker says so. So the branch
//! begins with a guard whose drop gives the running line back, after all locals of the branch and however it is left. That is
//! done only where the branch has markers of another line and the statement has something left to do.

use super::around::Branch;
use super::block::{block_of, leading_items};
use super::running_line::RunningLine;
use super::walker::Walker;
use super::{drops, start};
use crate::emit::Counter;
use crate::sites::{LineKind, Row};
use proc_macro2::{Ident, Span};
use quote::quote;
use std::mem;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, Stmt};

impl Walker<'_> {
    /// A statement begins: branches in it come back to its line.
    pub(super) fn begin_statement(&mut self, at: Span) {
        self.body.statement = if self.selects_all() {
            self.line_of(at)
        } else {
            self.body.marked.rest
        };
        self.body.goes_on = false;
    }

    /// The parts of an expression, in the order of the source: which of them are followed by more work of the expression itself.
    pub(super) fn operands(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Array(e) => self.elements(e.elems.iter_mut()),
            Expr::Assign(e) => {
                self.operand(&mut e.left);
                self.operand(&mut e.right);
            }
            Expr::Await(e) => self.operand(&mut e.base),
            Expr::Call(e) => {
                self.operand(&mut e.func);
                e.args.iter_mut().for_each(|arg| self.operand(arg));
            }
            Expr::Field(e) => self.operand(&mut e.base),
            Expr::Index(e) => {
                self.operand(&mut e.expr);
                self.operand(&mut e.index);
            }
            Expr::MethodCall(e) => {
                self.operand(&mut e.receiver);
                e.args.iter_mut().for_each(|arg| self.operand(arg));
            }
            Expr::Range(e) => {
                let bounds = [&mut e.start, &mut e.end];
                self.elements(bounds.into_iter().flatten().map(|bound| &mut **bound));
            }
            Expr::Repeat(e) => self.operand(&mut e.expr),
            Expr::Struct(e) => {
                let fields = e.fields.iter_mut().map(|field| &mut field.expr);
                self.elements(fields.chain(e.rest.as_deref_mut()));
            }
            Expr::Try(e) => self.operand(&mut e.expr),
            Expr::Tuple(e) => self.elements(e.elems.iter_mut()),
            Expr::Unary(e) => self.operand(&mut e.expr),
            // What is left of these does nothing with the value: parentheses, casts, references, patterns.
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    /// A part of an expression that goes on when the part has its value.
    pub(super) fn operand(&mut self, expr: &mut Expr) {
        let goes_on = mem::replace(&mut self.body.goes_on, true);
        self.visit_expr_mut(expr);
        self.body.goes_on = goes_on;
    }

    /// Parts that are evaluated one after the other and then only put together.
    fn elements<'e>(&mut self, parts: impl Iterator<Item = &'e mut Expr>) {
        let mut parts = parts.peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_some() {
                self.operand(part);
            } else {
                self.visit_expr_mut(part);
            }
        }
    }

    /// Begins a branch or block of the statement being walked. Inside, nothing is left to do until [`Self::leave_branch`].
    pub(super) fn enter_branch(&mut self) {
        let goes_on = mem::replace(&mut self.body.goes_on, false);
        self.body.branches.push(Branch {
            line: self.body.statement,
            strayed: false,
            goes_on,
        });
    }

    /// Ends it: the guard that it has to begin with, if any. `bound` are names that its pattern binds, which are dropped behind it:
    /// that is the statement's. `joins`: control may leave the block from inside.
    pub(super) fn leave_branch(&mut self, bound: &[Ident], joins: bool, at: Span) -> Option<Stmt> {
        let branch = self.body.branches.pop()?;
        self.body.goes_on = branch.goes_on;
        let ends = joins || self.body.here != RunningLine::Never;
        let wanted = ends && branch.strayed && !self.body.quiet && self.body.group.is_none();
        let line = branch.line.filter(|_| wanted)?;
        if !joins && self.body.here == RunningLine::Line(line) {
            return None;
        }
        if !branch.goes_on && (bound.is_empty() || !self.selects_all()) {
            return None;
        }
        let counter = self.counter_of_statement(line)?;
        if branch.goes_on {
            self.arrive(line);
            return Some(self.emitter.back_guard(&counter, None, at));
        }
        let here = self.body.here;
        self.arrive(line);
        self.body.here = here.join(self.body.here);
        let drop_glue = self.emitter.drop_glue(at);
        let asked = bound.iter().map(|name| {
            let subject = drops::Subject::Binding {
                name: name.clone(),
                behind: false,
            };
            subject.tokens(&drop_glue, at)
        });
        let asked = quote!(#(#asked)|*);
        Some(self.emitter.back_guard(&counter, Some(&asked), at))
    }

    /// Takes [`Self::enter_branch`] back: there is no place for a guard.
    pub(super) fn forget_branch(&mut self) {
        if let Some(branch) = self.body.branches.pop() {
            self.body.goes_on = branch.goes_on;
        }
    }

    fn counter_of_statement(&mut self, line: u32) -> Option<Counter> {
        let slot = if self.selects_all() {
            self.slot(line, LineKind::Statement)
        } else {
            self.tables[self.body.table].slot(line, LineKind::WholeBody, Row::BetweenMarked)
        };
        slot.map(|slot| self.counter(slot))
    }

    /// A block that is a branch: its guard comes first.
    pub(super) fn branch(&mut self, block: &mut Block, mut bound: Vec<Ident>) {
        drops::keep_what_stays(&mut bound, &block.stmts);
        self.enter_branch();
        self.visit_block_mut(block);
        let guard = self.leave_branch(&bound, false, block.brace_token.span.open());
        prepend(block, guard);
    }

    /// A loop that may be an operand: `loop { .. } + 1` becomes `{ guard; loop { .. } } + 1`. A loop has no operands, so there is no temporary
    /// that the block would end.
    pub(super) fn returning_loop(&mut self, expr: &mut Expr) {
        let at = start::of_expression(expr);
        self.enter_branch();
        self.loop_expression(expr);
        if let Some(guard) = self.leave_branch(&[], true, at) {
            let turning = mem::replace(expr, Expr::PLACEHOLDER);
            *expr = block_of(vec![guard, Stmt::Expr(turning, None)], at);
        }
    }
}

/// Puts a guard before all other statements of a block, behind the items it begins with.
pub(super) fn prepend(block: &mut Block, guard: Option<Stmt>) {
    let first = leading_items(&block.stmts);
    block.stmts.splice(first..first, guard);
}
