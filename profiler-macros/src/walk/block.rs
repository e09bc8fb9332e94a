//! Blocks of statements: how they are made, what they begin with and which statement may be their value.

use crate::paths::hidden;
use proc_macro2::Span;
use syn::{Block, Expr, ExprBlock, Stmt, token};

/// A block of the given statements in braces that lints take for ours. For places where a block ends no temporaries that
/// would not end there anyway.
pub(super) fn block_of(stmts: Vec<Stmt>, at: Span) -> Expr {
    braced(stmts, token::Brace(hidden(at)))
}

/// A block of the given statements around tokens of the user that end with `last`. The edition of its braces is the user's: it
/// decides when the temporaries of an `if` around it are dropped and what a closure captures.
pub(super) fn block_around(stmts: Vec<Stmt>, last: Span) -> Expr {
    braced(stmts, token::Brace(last))
}

fn braced(stmts: Vec<Stmt>, brace_token: token::Brace) -> Expr {
    Expr::Block(ExprBlock {
        attrs: Vec::new(),
        label: None,
        block: Block { brace_token, stmts },
    })
}

/// Whether a statement may be the value of its block.
pub(super) fn is_value(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Expr(_, semi) => semi.is_none(),
        Stmt::Macro(mac) => mac.semi_token.is_none(),
        Stmt::Local(_) | Stmt::Item(_) => false,
    }
}

/// How many items a body begins with. They stay before our statements, which some people mind otherwise.
pub(crate) fn leading_items(stmts: &[Stmt]) -> usize {
    let items = stmts
        .iter()
        .take_while(|stmt| matches!(stmt, Stmt::Item(_)));
    items.count()
}
