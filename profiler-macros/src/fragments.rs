//! Fragments that a `macro_rules` macro put into an item, such as `$value:expr`.
//!
//! The compiler holds each together by an invisible group, but no longer once a macro like ours has handed the tokens
//! back: `$value * 2` with `1 + 1` for `$value` would become `1 + 1 * 2`. So what needs it gets parentheses that can be seen.

use crate::paths::hidden;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use std::mem;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprParen, Type, TypeParen, token};

/// Whether there is an invisible group somewhere in these tokens.
pub(crate) fn mentioned(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => {
            group.delimiter() == Delimiter::None || mentioned(group.stream())
        }
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Puts fragments that would fall apart into parentheses.
pub(crate) struct HoldTogether;

impl VisitMut for HoldTogether {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_mut::visit_expr_mut(self, expr);
        if let Expr::Group(group) = expr
            && !is_whole(&group.expr)
        {
            let inner = mem::replace(&mut *group.expr, Expr::PLACEHOLDER);
            *expr = Expr::Paren(ExprParen {
                attrs: mem::take(&mut group.attrs),
                paren_token: parentheses(&inner),
                expr: Box::new(inner),
            });
        }
    }

    fn visit_type_mut(&mut self, ty: &mut Type) {
        visit_mut::visit_type_mut(self, ty);
        if let Type::Group(group) = ty
            && matches!(*group.elem, Type::TraitObject(_) | Type::ImplTrait(_))
        {
            let inner = Type::clone(&group.elem);
            *ty = Type::Paren(TypeParen {
                attrs: mem::take(&mut group.attrs),
                paren_token: parentheses(&inner),
                elem: Box::new(inner),
            });
        }
    }
}

/// Parentheses at the place of what they hold.
fn parentheses(inner: &impl ToTokens) -> token::Paren {
    let first = inner.to_token_stream().into_iter().next();
    token::Paren(hidden(
        first.map_or_else(proc_macro2::Span::call_site, |token| token.span()),
    ))
}

/// Whether no operator around an expression can tear it apart.
fn is_whole(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Array(_)
            | Expr::Await(_)
            | Expr::Call(_)
            | Expr::Field(_)
            | Expr::Group(_)
            | Expr::Index(_)
            | Expr::Lit(_)
            | Expr::MethodCall(_)
            | Expr::Paren(_)
            | Expr::Path(_)
            | Expr::Repeat(_)
            | Expr::Try(_)
            | Expr::Tuple(_)
    )
}
