//! The lines of a body on which something begins that gets a row of its own: a statement, an arm, a condition, a body.
//!
//! A closing brace may share its line with one of these (`} else if c {`); then coming to the brace is no hit of that row.

use super::start;
use crate::source::Source;
use std::collections::HashSet;
use syn::visit_mut::{self, VisitMut};
use syn::{Arm, Block, Expr, Item, Stmt};

/// The lines of everything in `body` that begins a row.
pub(super) fn lines(body: &mut Block, source: &dyn Source) -> HashSet<u32> {
    let mut begun = Begun {
        source,
        lines: HashSet::new(),
    };
    begun.visit_block_mut(body);
    begun.lines
}

struct Begun<'a> {
    source: &'a dyn Source,
    lines: HashSet<u32>,
}

impl VisitMut for Begun<'_> {
    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        if let Some(at) = start::of_statement(stmt) {
            self.lines.insert(self.source.line(at));
        }
        visit_mut::visit_stmt_mut(self, stmt);
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        self.lines
            .insert(self.source.line(start::of_pattern(&arm.pat)));
        visit_mut::visit_arm_mut(self, arm);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let at = match expr {
            Expr::Closure(e) => Some(start::of_expression(&e.body)),
            Expr::If(_) | Expr::ForLoop(_) | Expr::While(_) | Expr::Loop(_) => {
                Some(start::of_expression(expr))
            }
            _ => None,
        };
        self.lines.extend(at.map(|at| self.source.line(at)));
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}
