//! Whether control may fail to come to the end of statements, as far as their shape tells.

use syn::{Attribute, Block, Expr, Stmt, parse_quote};

/// The leave for a marker behind these statements to be unreachable, if they may never end. Without need it is not given: it
/// would be an error under `#![forbid(unreachable_code)]`.
pub(super) fn leave_behind(stmts: &[Stmt]) -> Vec<Attribute> {
    if may_not_end(stmts) {
        vec![parse_quote!(#[allow(unreachable_code)])]
    } else {
        Vec::new()
    }
}

/// Only the last statement matters: had an earlier one no end, the compiler would have complained to the user already.
fn may_not_end(stmts: &[Stmt]) -> bool {
    let mut backwards = stmts.iter().rev();
    // What the macro itself has put there ends.
    let ours = |stmt: &&Stmt| matches!(stmt, Stmt::Expr(Expr::Verbatim(_), _));
    let last = backwards.find(|stmt| !matches!(stmt, Stmt::Item(_)) && !ours(stmt));
    match last {
        None | Some(Stmt::Item(_)) => false,
        Some(Stmt::Local(_) | Stmt::Macro(_)) => true,
        Some(Stmt::Expr(expr, _)) => expression(expr),
    }
}

fn expression(expr: &Expr) -> bool {
    let block = |block: &Block| may_not_end(&block.stmts);
    match expr {
        // Had one of their operands no end, the compiler would have complained about the operation itself.
        Expr::Assign(_) | Expr::Binary(_) | Expr::Field(_) | Expr::Unary(_) => false,
        Expr::ForLoop(_) | Expr::While(_) | Expr::Lit(_) | Expr::Path(_) => false,
        Expr::If(e) => {
            let alternative = e.else_branch.as_ref();
            block(&e.then_branch) && alternative.is_some_and(|(_, e)| expression(e))
        }
        Expr::Match(e) => e.arms.iter().all(|arm| expression(&arm.body)),
        Expr::Paren(e) => expression(&e.expr),
        // Someone may break out of a labelled block, but then the end is reached at least once.
        Expr::Block(e) => e.label.is_none() && block(&e.block),
        Expr::Unsafe(e) => block(&e.block),
        _ => true,
    }
}
