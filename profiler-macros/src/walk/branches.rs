//! Markers in branches: `if`, `match`, `&&`, `||` and blocks.

use super::back::prepend;
use super::block::{block_around, block_of};
use super::running_line::RunningLine;
use super::walker::Walker;
use super::{drops, start};
use crate::sites::LineKind;
use std::mem;
use syn::visit_mut::VisitMut;
use syn::{Arm, BinOp, Expr, ExprBinary, ExprBlock, ExprIf, ExprMatch, Pat, Stmt};

impl Walker<'_> {
    pub(super) fn if_expression(&mut self, e: &mut ExprIf) {
        self.once(&mut e.cond);
        let branching = self.body.here;
        let bound = drops::names_of_condition(&e.cond);
        self.branch(&mut e.then_branch, bound);
        let after_then = mem::replace(&mut self.body.here, branching);
        if let Some((_, alternative)) = &mut e.else_branch {
            self.alternative(alternative);
        }
        self.body.here = after_then.join(self.body.here);
    }

    /// A condition or scrutinee: whatever comes behind it has markers of its own.
    pub(super) fn once(&mut self, expr: &mut Expr) {
        let goes_on = mem::replace(&mut self.body.goes_on, false);
        self.visit_expr_mut(expr);
        self.body.goes_on = goes_on;
    }

    /// The branch after `else`. The condition of `else if` on a line of its own gets a marker: `else { M; if c {} }`, where
    /// the block changes nothing, since temporaries end with an else branch anyway.
    fn alternative(&mut self, alternative: &mut Expr) {
        let Expr::If(nested) = alternative else {
            self.visit_expr_mut(alternative);
            return;
        };
        let at = nested.if_token.span;
        // Where lints look for the block: they read the text between `else` and it, and the text it ends with.
        let branch = nested.then_branch.brace_token.span;
        let one_line = self.source.line(at) == self.source.line(branch.open());
        let braces = if one_line { branch.join() } else { at };
        let statement = self.body.statement;
        self.enter_branch();
        let marker = self.mark(at, LineKind::Statement, &[]);
        if marker.is_some() {
            self.body.statement = self.line_of(at);
        } else {
            // No block of ours: the way back begins in the branches.
            self.forget_branch();
        }
        self.if_expression(nested);
        self.body.statement = statement;
        if let Some(marker) = marker {
            let guard = self.leave_branch(&[], false, at);
            let nested = mem::replace(alternative, Expr::PLACEHOLDER);
            let stmts = guard.into_iter().chain([marker, Stmt::Expr(nested, None)]);
            *alternative = block_around(stmts.collect(), braces);
        }
    }

    pub(super) fn match_expression(&mut self, e: &mut ExprMatch) {
        // Guards of arms run on the line of the statement.
        if e.arms.iter().any(|arm| matches!(arm.pat, Pat::Guard(_))) {
            self.operand(&mut e.expr);
        } else {
            self.once(&mut e.expr);
        }
        let branching = self.body.here;
        let mut after = RunningLine::Never;
        for arm in &mut e.arms {
            self.body.here = branching;
            self.arm(arm);
            after = after.join(self.body.here);
        }
        self.body.here = if e.arms.is_empty() { branching } else { after };
    }

    /// `P => expr` becomes `P => { M; expr }`: the body of an arm ends temporaries already.
    fn arm(&mut self, arm: &mut Arm) {
        let at = start::of_pattern(&arm.pat);
        let mut bound = drops::owning_names(&arm.pat);
        drops::keep_what_arm_keeps(&mut bound, &arm.body);
        self.enter_branch();
        if let Expr::Block(body) = &mut *arm.body
            && body.label.is_none()
        {
            if body.block.stmts.is_empty() {
                body.block
                    .stmts
                    .extend(self.mark(at, LineKind::Statement, &[]));
            } else {
                self.visit_block_mut(&mut body.block);
            }
            let guard = self.leave_branch(&bound, false, at);
            prepend(&mut body.block, guard);
            return;
        }
        let marker = self.mark(at, LineKind::Statement, &[]);
        let body = mem::replace(&mut *arm.body, Expr::PLACEHOLDER);
        if marker.is_none() {
            // An expression on the line of the statement.
            let mut body = body;
            self.visit_expr_mut(&mut body);
            *arm.body = match self.leave_branch(&bound, false, at) {
                Some(guard) => block_of(vec![guard, Stmt::Expr(body, None)], at),
                None => body,
            };
            return;
        }
        let line = self.line_of(at);
        let statement = mem::replace(&mut self.body.statement, line);
        let mut stmts: Vec<Stmt> = marker.into_iter().collect();
        self.tail(body, &mut stmts);
        self.body.statement = statement;
        stmts.splice(0..0, self.leave_branch(&bound, false, at));
        *arm.body = block_of(stmts, at);
    }

    /// The right side of `&&` and `||` may not be evaluated, and nothing is left to do behind it.
    pub(super) fn binary(&mut self, e: &mut ExprBinary) {
        self.operand(&mut e.left);
        if matches!(e.op, BinOp::And(_) | BinOp::Or(_)) {
            let before = self.body.here;
            self.visit_expr_mut(&mut e.right);
            self.body.here = before.join(self.body.here);
        } else {
            self.operand(&mut e.right);
        }
    }

    /// A block; one with a label may be left from anywhere inside.
    pub(super) fn block_expression(&mut self, e: &mut ExprBlock) {
        let at = e.block.brace_token.span.open();
        let labelled = e.label.is_some();
        let (before, emitted) = (self.body.here, self.body.emitted);
        self.enter_branch();
        self.visit_block_mut(&mut e.block);
        if labelled {
            let unmoved = self.body.emitted == emitted;
            self.body.here = if unmoved {
                before
            } else {
                RunningLine::Unknown
            };
        }
        let guard = self.leave_branch(&[], labelled, at);
        prepend(&mut e.block, guard);
    }
}
