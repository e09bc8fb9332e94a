//! Where a marker goes, and where it must not.
//!
//! One pass over a body in the order it runs. A marker goes before each statement that begins a line, at every depth; it
//! never wraps an expression, so control flow, borrows, temporaries and types stay as they were. Types, patterns, constants,
//! macro arguments and nested items are never entered.
//!
//! The pass knows which line the last marker on every path was of ([`RunningLine`]), so that a line gets one marker however many
//! statements it holds.

mod around;
mod back;
mod begun;
mod block;
mod bodies;
mod branches;
mod drops;
mod ending;
mod loops;
mod marked;
mod numbers;
mod running_line;
mod simple;
mod start;
mod walker;

use crate::helpers::{self, Helpers};
use crate::sites::LineKind;
pub(crate) use block::leading_items;
pub(crate) use drops::owns_nothing;
use running_line::RunningLine;
use std::mem;
use syn::visit_mut::{self, VisitMut};
use syn::{
    AngleBracketedGenericArguments, Attribute, Block, Expr, Item, Macro, Pat, QSelf, Stmt, Type,
};
use walker::Walked;
pub(crate) use walker::{Place, Selection, Walker};

impl Walker<'_> {
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
            walked.tail = block::is_value(&stmt);
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
                self.body.here = RunningLine::Never;
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
