//! Which loops only count: innermost ones whose body does nothing but plain arithmetic, moves and branches.
//!
//! Such a body cannot leave the loop early, call profiled code by name or run for long, so local counters tell all of its
//! hits. What looks like an operator may still be a call; that costs nothing but a less exact place of its time.

use syn::{Block, Expr, Pat, RangeLimits, Stmt};

/// Whether every statement of a block is simple.
pub(super) fn block(block: &Block) -> bool {
    block.stmts.iter().all(statement)
}

fn statement(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Local(local) => local
            .init
            .as_ref()
            .is_none_or(|init| init.diverge.is_none() && expression(&init.expr)),
        Stmt::Item(_) => true,
        Stmt::Expr(expr, _) => expression(expr),
        Stmt::Macro(_) => false,
    }
}

/// Whether an expression is simple.
pub(super) fn expression(expr: &Expr) -> bool {
    match expr {
        Expr::Array(e) => e.elems.iter().all(expression),
        Expr::Assign(e) => expression(&e.left) && expression(&e.right),
        Expr::Binary(e) => expression(&e.left) && expression(&e.right),
        Expr::Block(e) => e.label.is_none() && block(&e.block),
        Expr::Cast(e) => expression(&e.expr),
        Expr::Const(_) | Expr::Infer(_) | Expr::Lit(_) | Expr::Path(_) => true,
        Expr::Field(e) => expression(&e.base),
        Expr::Group(e) => expression(&e.expr),
        Expr::If(e) => {
            let alternative = e.else_branch.as_ref();
            expression(&e.cond)
                && block(&e.then_branch)
                && alternative.is_none_or(|(_, e)| expression(e))
        }
        Expr::Index(e) => expression(&e.expr) && expression(&e.index),
        Expr::Let(e) => expression(&e.expr),
        Expr::Match(e) => {
            expression(&e.expr)
                && e.arms
                    .iter()
                    .all(|arm| unguarded(&arm.pat) && expression(&arm.body))
        }
        Expr::Paren(e) => expression(&e.expr),
        Expr::Range(e) => {
            let open = matches!(e.limits, RangeLimits::HalfOpen(_) | RangeLimits::Closed(_));
            open && [&e.start, &e.end]
                .into_iter()
                .flatten()
                .all(|e| expression(e))
        }
        Expr::RawAddr(e) => expression(&e.expr),
        Expr::Reference(e) => expression(&e.expr),
        Expr::Repeat(e) => expression(&e.expr),
        Expr::Struct(e) => {
            e.fields.iter().all(|field| expression(&field.expr))
                && e.rest.as_deref().is_none_or(expression)
        }
        Expr::Tuple(e) => e.elems.iter().all(expression),
        Expr::Unary(e) => expression(&e.expr),
        Expr::Unsafe(e) => block(&e.block),
        _ => false,
    }
}

/// Whether the guard of an arm, if there is one, is simple.
fn unguarded(pat: &Pat) -> bool {
    match pat {
        Pat::Guard(guarded) => expression(&guarded.guard),
        _ => true,
    }
}
