//! The functions of a source file that may carry the attribute.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    AttrStyle, Attribute, ImplItemFn, Item, ItemFn, ItemImpl, ItemMod, ItemTrait, Macro, Meta,
    Signature, TraitItemFn, Type,
};

/// A function with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name below the file: `module::Type::function`.
    pub path: String,
    /// Its first line, attributes included, and its last.
    pub lines: (usize, usize),
    /// Whether it is `const`, which cannot be measured.
    pub is_const: bool,
    /// Whether its author wrote the attribute there, or around it.
    pub is_annotated: bool,
    /// First byte, attributes included, and then where the attribute goes.
    pub(crate) place: usize,
}

/// What a file has.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) functions: Vec<Function>,
    /// Functions among the tokens of macros.
    pub(crate) in_macros: usize,
}

pub(crate) fn find(file: &syn::File) -> Found {
    let mut finder = Finder::default();
    finder.visit_file(file);
    finder.found
}

#[derive(Default)]
struct Finder {
    found: Found,
    /// Names of the modules, types and functions around.
    around: Vec<String>,
    /// How many of them carry the attribute.
    annotated: usize,
}

impl Finder {
    fn function(&mut self, item: &impl ToTokens, attrs: &[Attribute], sig: &Signature) {
        if attrs.iter().any(is_left_alone) {
            return;
        }
        // Outer attributes come first, whichever order the parser keeps them in.
        let first = attrs
            .iter()
            .find(|attr| matches!(attr.style, AttrStyle::Outer));
        let tokens = item.to_token_stream();
        let start = match first {
            Some(attr) => Some(attr.pound_token.span),
            None => tokens.clone().into_iter().next().map(|token| token.span()),
        };
        let Some(start) = start else { return };
        let names = self.around.iter().cloned();
        let path: Vec<String> = names.chain([plain(&sig.ident)]).collect();
        self.found.functions.push(Function {
            path: path.join("::"),
            lines: (start.start().line, tokens.span().end().line),
            is_const: sig.constness.is_some(),
            is_annotated: self.annotated > 0 || attrs.iter().any(is_profile),
            place: start.byte_range().start,
        });
    }

    /// Visits what stands inside of something with a name.
    fn inside(&mut self, name: String, attrs: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let annotated = usize::from(attrs.iter().any(is_profile));
        self.around.push(name);
        self.annotated += annotated;
        visit(self);
        self.annotated -= annotated;
        self.around.pop();
    }
}

/// The name of an attribute without its path.
fn name(attr: &Attribute) -> String {
    let last = attr.path().segments.last();
    last.map(|last| last.ident.to_string()).unwrap_or_default()
}

/// A name without the mark of a raw one.
fn plain(name: &Ident) -> String {
    name.to_string().trim_start_matches("r#").to_owned()
}

fn is_profile(attr: &Attribute) -> bool {
    name(attr) == "profile"
}

/// The compiler allows no other code in these.
fn is_left_alone(attr: &Attribute) -> bool {
    let is_naked = matches!(&attr.meta, Meta::List(list)
        if list.path.is_ident("unsafe") && list.tokens.to_string() == "naked");
    is_naked
        || matches!(
            &*name(attr),
            "naked" | "panic_handler" | "proc_macro" | "proc_macro_attribute" | "proc_macro_derive"
        )
}

/// What a type is called: without its path, its generics and what refers to it.
fn type_name(kind: &Type) -> String {
    match kind {
        Type::Path(path) => {
            let last = path.path.segments.last();
            last.map(|last| last.ident.to_string()).unwrap_or_default()
        }
        Type::Reference(reference) => type_name(&reference.elem),
        Type::Paren(inner) => type_name(&inner.elem),
        Type::Group(inner) => type_name(&inner.elem),
        other => other.to_token_stream().to_string(),
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(item, &item.attrs, &item.sig);
        self.inside(plain(&item.sig.ident), &[], |finder| {
            visit::visit_item_fn(finder, item)
        });
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(item, &item.attrs, &item.sig);
        self.inside(plain(&item.sig.ident), &[], |finder| {
            visit::visit_impl_item_fn(finder, item);
        });
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if item.default.is_some() {
            self.function(item, &item.attrs, &item.sig);
        }
        self.inside(plain(&item.sig.ident), &[], |finder| {
            visit::visit_trait_item_fn(finder, item);
        });
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        self.inside(type_name(&item.self_ty), &item.attrs, |finder| {
            visit::visit_item_impl(finder, item);
        });
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        self.inside(plain(&item.ident), &item.attrs, |finder| {
            visit::visit_item_trait(finder, item);
        });
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.inside(plain(&item.ident), &item.attrs, |finder| {
            visit::visit_item_mod(finder, item);
        });
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        let last = item.path.segments.last();
        if last.is_some_and(|last| last.ident == "cfg_if") {
            for item in cfg_if_items(item.tokens.clone()) {
                self.visit_item(&item);
            }
        } else {
            self.found.in_macros += functions_among(item.tokens.clone());
        }
    }
}

/// The items of all branches of `cfg_if!`, which hands them on as they are.
pub(crate) fn cfg_if_items(tokens: TokenStream) -> Vec<Item> {
    let mut items = Vec::new();
    for token in tokens {
        if let TokenTree::Group(group) = token
            && group.delimiter() == Delimiter::Brace
            && let Ok(file) = syn::parse2::<syn::File>(group.stream())
        {
            items.extend(file.items);
        }
    }
    items
}

/// How often `fn name` stands among the tokens.
fn functions_among(tokens: TokenStream) -> usize {
    let mut count = 0;
    let mut after_fn = false;
    for token in tokens {
        let mut is_fn = false;
        match token {
            TokenTree::Group(group) => count += functions_among(group.stream()),
            TokenTree::Ident(ident) if ident == "fn" => is_fn = true,
            TokenTree::Ident(_) => count += usize::from(after_fn),
            // `fn $name` in a definition.
            TokenTree::Punct(sign) => count += usize::from(after_fn && sign.as_char() == '$'),
            TokenTree::Literal(_) => {}
        }
        after_fn = is_fn;
    }
    count
}
