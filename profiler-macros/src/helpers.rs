//! The helper attributes `#[mark]` and `#[skip]` on statements. They exist for this macro only, so they are taken off
//! in every mode.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Block, Error, Expr, Item, LitStr, Meta, Stmt};

/// What the helper attributes of one statement say.
#[derive(Debug, Default)]
pub(crate) struct Helpers {
    pub(crate) skip: bool,
    pub(crate) mark: bool,
    /// The text of `#[mark("label")]`.
    pub(crate) label: Option<String>,
}

impl Helpers {
    /// Takes the helper attributes off a statement.
    pub(crate) fn take(stmt: &mut Stmt, errors: &mut Vec<Error>) -> Self {
        let mut helpers = Self::default();
        let Some(attrs) = attributes(stmt) else {
            return helpers;
        };
        for attr in attrs.extract_if(.., |attr| is_helper(attr)) {
            if let Err(error) = helpers.read(&attr) {
                errors.push(error);
            }
        }
        helpers
    }

    fn read(&mut self, attr: &Attribute) -> syn::Result<()> {
        if attr.path().is_ident("skip") {
            self.skip = true;
            attr.meta.require_path_only().map_err(|error| {
                Error::new(error.span(), "`#[skip]` on a statement takes no arguments")
            })?;
        } else {
            self.mark = true;
            if let Meta::List(list) = &attr.meta {
                let label = syn::parse2::<LitStr>(list.tokens.clone()).ok();
                let label = label.ok_or_else(|| bad_mark(attr))?;
                self.label = Some(label.value());
            } else if let Meta::NameValue(_) = &attr.meta {
                return Err(bad_mark(attr));
            }
        }
        if self.skip && self.mark {
            return Err(Error::new_spanned(
                attr,
                "`#[mark]` and `#[skip]` exclude each other",
            ));
        }
        Ok(())
    }
}

fn bad_mark(attr: &Attribute) -> Error {
    Error::new_spanned(attr, "expected `#[mark]` or `#[mark(\"label\")]`")
}

fn is_helper(attr: &Attribute) -> bool {
    attr.path().is_ident("mark") || attr.path().is_ident("skip")
}

/// The attributes of a statement; items have their own.
pub(crate) fn attributes(stmt: &mut Stmt) -> Option<&mut Vec<Attribute>> {
    match stmt {
        Stmt::Local(local) => Some(&mut local.attrs),
        Stmt::Macro(mac) => Some(&mut mac.attrs),
        Stmt::Expr(expr, _) => expression_attributes(expr),
        Stmt::Item(_) => None,
    }
}

/// The attributes written before an expression statement. The parser hangs them on the leftmost operand.
fn expression_attributes(expr: &mut Expr) -> Option<&mut Vec<Attribute>> {
    Some(match expr {
        Expr::Assign(e) => return expression_attributes(&mut e.left),
        Expr::Binary(e) => return expression_attributes(&mut e.left),
        Expr::Cast(e) => return expression_attributes(&mut e.expr),
        Expr::Array(e) => &mut e.attrs,
        Expr::Async(e) => &mut e.attrs,
        Expr::Await(e) => &mut e.attrs,
        Expr::Block(e) => &mut e.attrs,
        Expr::Break(e) => &mut e.attrs,
        Expr::Call(e) => &mut e.attrs,
        Expr::Closure(e) => &mut e.attrs,
        Expr::Const(e) => &mut e.attrs,
        Expr::Continue(e) => &mut e.attrs,
        Expr::Field(e) => &mut e.attrs,
        Expr::ForLoop(e) => &mut e.attrs,
        Expr::Group(e) => &mut e.attrs,
        Expr::If(e) => &mut e.attrs,
        Expr::Index(e) => &mut e.attrs,
        Expr::Infer(e) => &mut e.attrs,
        Expr::Let(e) => &mut e.attrs,
        Expr::Lit(e) => &mut e.attrs,
        Expr::Loop(e) => &mut e.attrs,
        Expr::Macro(e) => &mut e.attrs,
        Expr::Match(e) => &mut e.attrs,
        Expr::MethodCall(e) => &mut e.attrs,
        Expr::Paren(e) => &mut e.attrs,
        Expr::Path(e) => &mut e.attrs,
        Expr::Range(e) => &mut e.attrs,
        Expr::RawAddr(e) => &mut e.attrs,
        Expr::Reference(e) => &mut e.attrs,
        Expr::Repeat(e) => &mut e.attrs,
        Expr::Return(e) => &mut e.attrs,
        Expr::Struct(e) => &mut e.attrs,
        Expr::Try(e) => &mut e.attrs,
        Expr::TryBlock(e) => &mut e.attrs,
        Expr::Tuple(e) => &mut e.attrs,
        Expr::Unary(e) => &mut e.attrs,
        Expr::Unsafe(e) => &mut e.attrs,
        Expr::While(e) => &mut e.attrs,
        Expr::Yield(e) => &mut e.attrs,
        _ => return None,
    })
}

/// Whether a helper attribute may stand somewhere in these tokens. Cheap, so that items without any are not walked.
pub(crate) fn mentioned(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "mark" || ident == "skip",
        TokenTree::Group(group) => mentioned(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Takes off the helper attributes that no earlier stage has read. Mistakes in them are told in every build.
pub(crate) fn strip(block: &mut Block, errors: &mut Vec<Error>) {
    Strip { errors }.visit_block_mut(block);
}

struct Strip<'a> {
    errors: &'a mut Vec<Error>,
}

impl VisitMut for Strip<'_> {
    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        Helpers::take(stmt, self.errors);
        visit_mut::visit_stmt_mut(self, stmt);
    }

    fn visit_item_mut(&mut self, _: &mut Item) {
        // An item inside a body has its own `#[profile]`, or none.
    }
}
