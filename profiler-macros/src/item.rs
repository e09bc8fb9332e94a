//! The items that can be profiled, and the functions in them.

use crate::fragments::HoldTogether;
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::visit_mut::VisitMut;
use syn::{
    Attribute, Block, Error, ImplItem, Item, ItemFn, ItemImpl, ItemMod, ItemTrait, Meta, Path,
    Signature, TraitItem, Type,
};

/// An annotated item.
pub(crate) enum Target {
    /// A function or a method.
    Function(Box<ItemFn>),
    /// An `impl` block.
    Impl(ItemImpl),
    /// A trait definition.
    Trait(ItemTrait),
    /// A module with its content.
    Module(ItemMod),
    /// A function without a body, or something the parser knows no more about: stays as it is.
    Untouched(TokenStream),
}

/// A function with a body.
pub(crate) struct Function<'a> {
    /// Name of the type or trait around it, where the macro sees one.
    pub(crate) owner: Option<String>,
    pub(crate) attrs: &'a mut Vec<Attribute>,
    pub(crate) sig: &'a mut Signature,
    pub(crate) block: &'a mut Block,
    /// Whether the attribute stands on the function itself.
    pub(crate) direct: bool,
}

impl Target {
    /// Parses an annotated item; anything that has no functions is an error. `lenient`: what does not parse stays as it is. The
    /// compiler has its own words for what is no Rust, and syntax newer than the parser must not stop a build without hprof.
    pub(crate) fn parse(tokens: TokenStream, lenient: bool) -> syn::Result<Self> {
        match syn::parse2(tokens.clone()) {
            Err(_) if lenient => Ok(Self::Untouched(tokens)),
            parsed => Self::new(parsed?),
        }
    }

    fn new(item: Item) -> syn::Result<Self> {
        match item {
            Item::Fn(item) => Ok(Self::Function(Box::new(item))),
            Item::Impl(item) => Ok(Self::Impl(item)),
            Item::Trait(item) => Ok(Self::Trait(item)),
            Item::Mod(item) if item.content.is_some() => Ok(Self::Module(item)),
            Item::Mod(item) => Err(Error::new_spanned(
                item,
                "`#[profile]` cannot see the content of a module in another file; annotate the items there",
            )),
            Item::Verbatim(tokens) => Ok(Self::Untouched(tokens)),
            item => Err(Error::new(
                first_token(&item),
                "`#[profile]` goes on a function, a method, an `impl` block, a trait or an inline module",
            )),
        }
    }

    /// Keeps the fragments that a macro put into the item in one piece.
    pub(crate) fn hold_fragments_together(&mut self) {
        match self {
            Self::Function(item) => HoldTogether.visit_item_fn_mut(item),
            Self::Impl(item) => HoldTogether.visit_item_impl_mut(item),
            Self::Trait(item) => HoldTogether.visit_item_trait_mut(item),
            Self::Module(item) => HoldTogether.visit_item_mod_mut(item),
            Self::Untouched(_) => {}
        }
    }

    /// Calls `visit` for every function of the item, except those with their own `profile` attribute.
    pub(crate) fn each_function(&mut self, visit: &mut dyn FnMut(Function<'_>)) {
        match self {
            Self::Function(item) => free_function(item, true, visit),
            Self::Impl(item) => methods(item, visit),
            Self::Trait(item) => default_methods(item, visit),
            Self::Module(item) => module(item, visit),
            Self::Untouched(_) => {}
        }
    }
}

impl ToTokens for Target {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Function(item) => item.to_tokens(tokens),
            Self::Impl(item) => item.to_tokens(tokens),
            Self::Trait(item) => item.to_tokens(tokens),
            Self::Module(item) => item.to_tokens(tokens),
            Self::Untouched(item) => item.to_tokens(tokens),
        }
    }
}

fn free_function(item: &mut ItemFn, direct: bool, visit: &mut dyn FnMut(Function<'_>)) {
    if has_own(&item.attrs) {
        return;
    }
    visit(Function {
        owner: None,
        attrs: &mut item.attrs,
        sig: &mut item.sig,
        block: &mut item.block,
        direct,
    });
}

fn methods(item: &mut ItemImpl, visit: &mut dyn FnMut(Function<'_>)) {
    let owner = type_name(&item.self_ty);
    for item in &mut item.items {
        if let ImplItem::Fn(method) = item
            && !has_own(&method.attrs)
        {
            visit(Function {
                owner: Some(owner.clone()),
                attrs: &mut method.attrs,
                sig: &mut method.sig,
                block: &mut method.block,
                direct: false,
            });
        }
    }
}

fn default_methods(item: &mut ItemTrait, visit: &mut dyn FnMut(Function<'_>)) {
    for inner in &mut item.items {
        if let TraitItem::Fn(method) = inner
            && let Some(block) = &mut method.default
            && !has_own(&method.attrs)
        {
            visit(Function {
                owner: Some(item.ident.to_string()),
                attrs: &mut method.attrs,
                sig: &mut method.sig,
                block,
                direct: false,
            });
        }
    }
}

fn module(item: &mut ItemMod, visit: &mut dyn FnMut(Function<'_>)) {
    let items = item.content.iter_mut().flat_map(|(_, items)| items);
    for item in items {
        match item {
            Item::Fn(item) => free_function(item, false, visit),
            Item::Impl(item) if !has_own(&item.attrs) => methods(item, visit),
            Item::Trait(item) if !has_own(&item.attrs) => default_methods(item, visit),
            Item::Mod(item) if !has_own(&item.attrs) => module(item, visit),
            _ => {}
        }
    }
}

/// Whether an item carries a `profile` attribute of its own, perhaps under a condition; it is left to that one.
fn has_own(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| match &attr.meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            let mut tokens = list.tokens.clone().into_iter();
            tokens.any(|token| token.to_string() == "profile")
        }
        meta => ends_in(meta.path(), "profile"),
    })
}

/// Whether a path ends in `name`.
pub(crate) fn ends_in(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}

/// Short name of a type: its last segment without arguments, or its text.
fn type_name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .map(|last| last.ident.to_string())
            .unwrap_or_default(),
        Type::Group(group) => type_name(&group.elem),
        Type::Paren(paren) => type_name(&paren.elem),
        Type::Reference(reference) => {
            let mutable = if reference.mutability.is_some() {
                "mut "
            } else {
                ""
            };
            format!("&{mutable}{}", type_name(&reference.elem))
        }
        other => other.to_token_stream().to_string(),
    }
}

fn first_token(tokens: &impl ToTokens) -> Span {
    let first = tokens.to_token_stream().into_iter().next();
    first.map_or_else(Span::call_site, |token| token.span())
}
