//! Markers in branches: `if`, `match`, `&&`, `||` and blocks.

use super::{Walker, block_around, block_of, start};
use crate::sites::LineKind;
use std::mem;
use syn::visit_mut::VisitMut;
use syn::{Arm, BinOp, Expr, ExprBinary, ExprBlock, ExprIf, ExprMatch, Stmt};

impl Walker<'_> {
    pub(super) fn if_expression(&mut self, e: &mut ExprIf) {
        self.visit_expr_mut(&mut e.cond);
        let branching = self.body.here;
        self.visit_block_mut(&mut e.then_branch);
        let after_then = mem::replace(&mut self.body.here, branching);
        if let Some((_, alternative)) = &mut e.else_branch {
            self.alternative(alternative);
        }
        self.body.here = after_then.join(self.body.here);
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
        let marker = self.mark(at, LineKind::Statement, &[]);
        self.if_expression(nested);
        if let Some(marker) = marker {
            let nested = mem::replace(alternative, Expr::PLACEHOLDER);
            *alternative = block_around(vec![marker, Stmt::Expr(nested, None)], braces);
        }
    }

    pub(super) fn match_expression(&mut self, e: &mut ExprMatch) {
        self.visit_expr_mut(&mut e.expr);
        let branching = self.body.here;
        let mut after = super::Here::Never;
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
            return;
        }
        let Some(marker) = self.mark(at, LineKind::Statement, &[]) else {
            self.visit_expr_mut(&mut arm.body);
            return;
        };
        let body = mem::replace(&mut *arm.body, Expr::PLACEHOLDER);
        let mut stmts = vec![marker];
        self.tail(body, &mut stmts);
        *arm.body = block_of(stmts, at);
    }

    /// The right side of `&&` and `||` may not be evaluated.
    pub(super) fn binary(&mut self, e: &mut ExprBinary) {
        self.visit_expr_mut(&mut e.left);
        let before = self.body.here;
        self.visit_expr_mut(&mut e.right);
        if matches!(e.op, BinOp::And(_) | BinOp::Or(_)) {
            self.body.here = before.join(self.body.here);
        }
    }

    /// A block; one with a label may be left from anywhere inside.
    pub(super) fn block_expression(&mut self, e: &mut ExprBlock) {
        let (before, emitted) = (self.body.here, self.body.emitted);
        self.visit_block_mut(&mut e.block);
        if e.label.is_some() {
            let unmoved = self.body.emitted == emitted;
            self.body.here = if unmoved {
                before
            } else {
                super::Here::Unknown
            };
        }
    }
}
