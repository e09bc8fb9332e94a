//! Which functions get lines and which are thin: what a function costs decides, or whoever annotated it.
//!
//! A thin function counts its calls and nothing else: its time stands on the line that called it. This is the only place that chooses.

use crate::args::{Flag, Options};
use crate::item::Function;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, Lit, Local, LocalInit, Meta, Pat, Stmt, UnOp};

/// How much of a function is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// A frame, and its lines.
    Full,
    /// Its calls alone.
    Thin,
}

/// Options that ask for more than calls, or for their time.
const ASK_FOR_MORE: [Flag; 5] = [
    Flag::Lines,
    Flag::Calls,
    Flag::Split,
    Flag::Marked,
    Flag::Span,
];

/// Chooses. What is written at a function goes before the rule, which is for functions that were annotated in bulk.
pub(crate) fn choose(function: &Function<'_>, options: &Options) -> Choice {
    let asks_for_more = ASK_FOR_MORE.iter().any(|flag| options.has(*flag));
    let is_bulk = !function.direct || options.has(Flag::Bulk);
    let by_rule =
        is_bulk && !asks_for_more && !is_called_from_outside(function) && is_small(function);
    if options.has(Flag::Thin) || by_rule {
        Choice::Thin
    } else {
        Choice::Full
    }
}

/// Whether what an earlier run found may make the function thin, or leave it out: nothing that is written at it asks for something else.
pub(crate) fn may_be_fitted(function: &Function<'_>, options: &Options) -> bool {
    let says = |flag: &Flag| options.has(*flag);
    function.sig.asyncness.is_none()
        && !options.has(Flag::Thin)
        && options.max_allocs.is_none()
        && !ASK_FOR_MORE.iter().any(says)
        && !is_called_from_outside(function)
}

/// Whether no line of the program calls it, on which its time could stand.
fn is_called_from_outside(function: &Function<'_>) -> bool {
    let is_entry = |attr: &Attribute| {
        let name = attr.path().segments.last();
        name.is_some_and(|name| {
            ["test", "bench", "main", "no_mangle", "export_name"]
                .iter()
                .any(|known| name.ident == known)
        }) || matches!(&attr.meta, Meta::List(list) if attr.path().is_ident("unsafe")
            && !list.tokens.to_string().starts_with("naked"))
    };
    function.sig.abi.is_some()
        || (function.owner.is_none() && function.sig.ident == "main")
        || function.attrs.iter().any(is_entry)
}

/// Whether the function cannot be worth a frame, as far as its text tells.
fn is_small(function: &Function<'_>) -> bool {
    if function.sig.asyncness.is_some() {
        return false;
    }
    let content = Content::of(function.block);
    if content.waits || content.loops {
        return false;
    }
    let asks_for_inlining = function.attrs.iter().any(is_inline_always);
    asks_for_inlining
        || is_one_statement(function.block) && content.is_cheap()
        || is_primitive(function.block)
}

/// `#[inline(always)]`
fn is_inline_always(attr: &Attribute) -> bool {
    matches!(&attr.meta, Meta::List(list)
        if list.path.is_ident("inline") && list.tokens.to_string() == "always")
}

/// Whether a block is one statement or none, and so are all blocks in it.
fn is_one_statement(block: &Block) -> bool {
    struct Longest(usize);
    impl<'ast> Visit<'ast> for Longest {
        fn visit_block(&mut self, block: &'ast Block) {
            self.0 = self.0.max(block.stmts.len());
            visit::visit_block(self, block);
        }
    }
    let mut longest = Longest(0);
    longest.visit_block(block);
    longest.0 <= 1
}

/// What stands in a body that can take time.
#[derive(Default)]
struct Content {
    calls: usize,
    loops: bool,
    closures: bool,
    macros: bool,
    items: bool,
    waits: bool,
}

impl Content {
    fn of(block: &Block) -> Self {
        let mut content = Self::default();
        content.visit_block(block);
        content
    }

    fn is_cheap(&self) -> bool {
        self.calls <= 1 && !self.loops && !self.closures && !self.macros && !self.items
    }
}

impl<'ast> Visit<'ast> for Content {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::Call(call) => self.calls += usize::from(!is_constructor(&call.func)),
            Expr::MethodCall(_) => self.calls += 1,
            Expr::ForLoop(_) | Expr::Loop(_) | Expr::While(_) => self.loops = true,
            Expr::Closure(_) => self.closures = true,
            Expr::Async(_) | Expr::Await(_) | Expr::Yield(_) => self.waits = true,
            // Newer than the parser: it may be anything.
            Expr::Verbatim(_) => self.macros = true,
            _ => {}
        }
        visit::visit_expr(self, expr);
    }

    fn visit_macro(&mut self, _: &'ast syn::Macro) {
        self.macros = true;
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {
        self.items = true;
    }
}

/// `Some`, `Self`, `Shape::Circle`: a call of it only puts values together.
fn is_constructor(function: &Expr) -> bool {
    let Expr::Path(path) = function else {
        return false;
    };
    let last = path.path.segments.last().map(|last| last.ident.to_string());
    last.is_some_and(|name| name.starts_with(char::is_uppercase))
}

/// Whether a body is made of literals, names, fields and primitive operations alone, from top to bottom.
fn is_primitive(block: &Block) -> bool {
    block.stmts.iter().all(|stmt| match stmt {
        Stmt::Local(Local {
            pat,
            init: None | Some(LocalInit { diverge: None, .. }),
            ..
        }) if !matches!(pat, Pat::Macro(_)) => match stmt {
            Stmt::Local(Local {
                init: Some(init), ..
            }) => is_operation(&init.expr),
            _ => true,
        },
        Stmt::Expr(expr, _) => is_operation(expr),
        Stmt::Local(_) | Stmt::Item(_) | Stmt::Macro(_) => false,
    })
}

fn is_operation(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(lit) => !matches!(lit.lit, Lit::Verbatim(_)),
        Expr::Path(_) => true,
        Expr::Field(field) => is_operation(&field.base),
        Expr::Unary(unary) => {
            matches!(unary.op, UnOp::Deref(_) | UnOp::Not(_) | UnOp::Neg(_))
                && is_operation(&unary.expr)
        }
        Expr::Binary(binary) => is_operation(&binary.left) && is_operation(&binary.right),
        Expr::Assign(assign) => is_operation(&assign.left) && is_operation(&assign.right),
        Expr::Cast(cast) => is_operation(&cast.expr),
        Expr::Index(index) => is_operation(&index.expr) && is_operation(&index.index),
        Expr::Paren(inner) => is_operation(&inner.expr),
        Expr::Group(inner) => is_operation(&inner.expr),
        Expr::Reference(inner) => is_operation(&inner.expr),
        Expr::Return(inner) => inner.expr.as_deref().is_none_or(is_operation),
        Expr::Tuple(tuple) => tuple.elems.iter().all(is_operation),
        Expr::Array(array) => array.elems.iter().all(is_operation),
        Expr::Struct(made) => {
            made.rest.as_deref().is_none_or(is_operation)
                && made.fields.iter().all(|field| is_operation(&field.expr))
        }
        Expr::Call(call) => is_constructor(&call.func) && call.args.iter().all(is_operation),
        Expr::Unsafe(inner) => is_primitive(&inner.block),
        Expr::Block(inner) => is_primitive(&inner.block),
        _ => false,
    }
}
