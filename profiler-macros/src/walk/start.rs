//! Where statements and expressions begin and end. The first token of a statement after its attributes gives it its line.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{AttrStyle, Attribute, Expr, Label, Meta, Pat, Path, QSelf, Stmt};

/// Start of a statement that gets a marker; nothing for items and for `let` without an initialiser.
pub(super) fn of_statement(stmt: &Stmt) -> Option<Span> {
    match stmt {
        Stmt::Local(local) => local.init.as_ref().map(|_| local.let_token.span),
        Stmt::Expr(Expr::Verbatim(_), _) | Stmt::Item(_) => None,
        Stmt::Expr(expr, _) => Some(of_expression(expr)),
        Stmt::Macro(mac) => Some(of_path(None, &mac.mac.path)),
    }
}

/// Start of an expression, without its attributes. Written out, since printing each statement to find its first token
/// would take time quadratic in the depth of the code.
pub(super) fn of_expression(expr: &Expr) -> Span {
    match expr {
        Expr::Assign(e) => of_expression(&e.left),
        Expr::Await(e) => of_expression(&e.base),
        Expr::Binary(e) => of_expression(&e.left),
        Expr::Call(e) => of_expression(&e.func),
        Expr::Cast(e) => of_expression(&e.expr),
        Expr::Field(e) => of_expression(&e.base),
        Expr::Group(e) => of_expression(&e.expr),
        Expr::Index(e) => of_expression(&e.expr),
        Expr::MethodCall(e) => of_expression(&e.receiver),
        Expr::Range(e) => e
            .start
            .as_deref()
            .map_or_else(|| e.limits.span(), of_expression),
        Expr::Try(e) => of_expression(&e.expr),
        Expr::Array(e) => e.bracket_token.span.open(),
        Expr::Async(e) => e.async_token.span,
        Expr::Block(e) => {
            of_label(e.label.as_ref()).unwrap_or_else(|| e.block.brace_token.span.open())
        }
        Expr::Break(e) => e.break_token.span,
        Expr::Closure(e) => of_closure(e),
        Expr::Const(e) => e.const_token.span,
        Expr::Continue(e) => e.continue_token.span,
        Expr::ForLoop(e) => of_label(e.label.as_ref()).unwrap_or(e.for_token.span),
        Expr::If(e) => e.if_token.span,
        Expr::Let(e) => e.let_token.span,
        Expr::Lit(e) => e.lit.span(),
        Expr::Loop(e) => of_label(e.label.as_ref()).unwrap_or(e.loop_token.span),
        Expr::Macro(e) => of_path(None, &e.mac.path),
        Expr::Match(e) => e.match_token.span,
        Expr::Paren(e) => e.paren_token.span.open(),
        Expr::Path(e) => of_path(e.qself.as_ref(), &e.path),
        Expr::RawAddr(e) => e.and_token.span,
        Expr::Reference(e) => e.and_token.span,
        Expr::Repeat(e) => e.bracket_token.span.open(),
        Expr::Return(e) => e.return_token.span,
        Expr::Struct(e) => of_path(e.qself.as_ref(), &e.path),
        Expr::Tuple(e) => e.paren_token.span.open(),
        Expr::Unary(e) => e.op.span(),
        Expr::Unsafe(e) => e.unsafe_token.span,
        Expr::While(e) => of_label(e.label.as_ref()).unwrap_or(e.while_token.span),
        _ => of_tokens(expr),
    }
}

/// Start of a pattern.
pub(super) fn of_pattern(pat: &Pat) -> Span {
    of_tokens(pat)
}

fn of_label(label: Option<&Label>) -> Option<Span> {
    label.map(|label| label.name.apostrophe)
}

fn of_closure(closure: &syn::ExprClosure) -> Span {
    let mut bare = closure.clone();
    bare.attrs.clear();
    of_tokens(&bare)
}

fn of_path(qself: Option<&QSelf>, path: &Path) -> Span {
    if let Some(qself) = qself {
        return qself.lt_token.span;
    }
    match (&path.leading_colon, path.segments.first()) {
        (Some(colons), _) => colons.spans[0],
        (None, Some(segment)) => segment.ident.span(),
        (None, None) => path.span(),
    }
}

fn of_tokens(tokens: &impl ToTokens) -> Span {
    let first = tokens.to_token_stream().into_iter().next();
    first.map_or_else(Span::call_site, |token| token.span())
}

/// The last token of an expression.
pub(super) fn last_token(expr: &Expr) -> TokenTree {
    let last = expr.to_token_stream().into_iter().last();
    last.unwrap_or_else(|| Group::new(Delimiter::None, TokenStream::new()).into())
}

/// Whether an attribute decides if its statement exists at all.
pub(super) fn is_condition(attr: &Attribute) -> bool {
    is_outer(attr) && (attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr"))
}

/// Whether an attribute stands before what it is for, not in its braces.
pub(super) fn is_outer(attr: &Attribute) -> bool {
    matches!(attr.style, AttrStyle::Outer)
}

/// Attributes of a statement that its marker needs too: those that decide whether it exists, and the leave to be
/// unreachable.
pub(super) fn inherited(attrs: &[Attribute]) -> Vec<Attribute> {
    let silences = |attr: &Attribute| match &attr.meta {
        Meta::List(list) if is_outer(attr) && list.path.is_ident("allow") => {
            let words = ["unreachable_code", "unused", "warnings"];
            let mut tokens = list.tokens.clone().into_iter();
            tokens.any(|token| words.iter().any(|word| token.to_string() == *word))
        }
        _ => false,
    };
    let wanted = |attr: &&Attribute| is_condition(attr) || silences(attr);
    attrs.iter().filter(wanted).cloned().collect()
}
