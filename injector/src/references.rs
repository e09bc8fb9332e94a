//! The other files that the text of a file names: modules, included and embedded files.

use proc_macro2::{TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, ItemMod, Lit, LitStr, Macro, Meta, Token};

use crate::functions::cfg_if_items;

/// Another file that a file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// `mod name;` in these inline modules, with the paths that attributes may give it.
    Module {
        name: String,
        inline: Vec<Inline>,
        paths: Vec<String>,
    },
    /// `include!("..")`
    Included { path: String, around: Vec<String> },
    /// `include_str!("..")` or `include_bytes!("..")`: the program sees the text.
    Embedded(String),
}

/// An inline module around another, and the folder that an attribute gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inline {
    pub(crate) name: String,
    pub(crate) path: Option<String>,
}

/// The files that a file names.
pub(crate) fn references(file: &syn::File, tokens: TokenStream) -> Vec<Reference> {
    let mut finder = Finder::default();
    finder.visit_file(file);
    embedded(tokens, &mut finder.found);
    finder.found
}

#[derive(Default)]
struct Finder {
    found: Vec<Reference>,
    inline: Vec<Inline>,
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let mut paths = paths(&item.attrs);
        let name = item.ident.to_string();
        if item.content.is_some() {
            self.inline.push(Inline {
                name,
                path: paths.pop(),
            });
            visit::visit_item_mod(self, item);
            self.inline.pop();
        } else {
            self.found.push(Reference::Module {
                name,
                inline: self.inline.clone(),
                paths,
            });
        }
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        let last = item.path.segments.last();
        let last = last.map(|last| last.ident.to_string());
        match last.as_deref() {
            Some("include") => {
                if let Ok(path) = syn::parse2::<LitStr>(item.tokens.clone()) {
                    let around = self.inline.iter().map(|one| one.name.clone());
                    self.found.push(Reference::Included {
                        path: path.value(),
                        around: around.collect(),
                    });
                }
            }
            Some("cfg_if") => {
                for item in cfg_if_items(item.tokens.clone()) {
                    self.visit_item(&item);
                }
            }
            _ => self.modules_among(item.tokens.clone()),
        }
    }
}

impl Finder {
    /// `mod name;` among the tokens of a macro, which may hand it on.
    fn modules_among(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            if let TokenTree::Group(group) = token {
                self.modules_among(group.stream());
            }
            if let [
                TokenTree::Ident(word),
                TokenTree::Ident(name),
                TokenTree::Punct(end),
                ..,
            ] = &tokens[at..]
                && word == "mod"
                && end.as_char() == ';'
            {
                self.found.push(Reference::Module {
                    name: name.to_string(),
                    inline: self.inline.clone(),
                    paths: Vec::new(),
                });
            }
        }
    }
}

/// All paths that `#[path = ".."]` gives, under whatever condition.
fn paths(attrs: &[Attribute]) -> Vec<String> {
    let mut found = Vec::new();
    for attr in attrs {
        paths_in(&attr.meta, &mut found);
    }
    found
}

fn paths_in(meta: &Meta, found: &mut Vec<String>) {
    match meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => {
            if let Expr::Lit(ExprLit {
                lit: Lit::Str(path),
                ..
            }) = &pair.value
            {
                found.push(path.value());
            }
        }
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
            if let Ok(parts) = list.parse_args_with(parser) {
                for part in parts.iter().skip(1) {
                    paths_in(part, found);
                }
            }
        }
        _ => {}
    }
}

/// The files whose text the program embeds, wherever in the text that stands.
fn embedded(tokens: TokenStream, found: &mut Vec<Reference>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            embedded(group.stream(), found);
        }
        if let [
            TokenTree::Ident(name),
            TokenTree::Punct(sign),
            TokenTree::Group(group),
            ..,
        ] = &tokens[at..]
            && (name == "include_str" || name == "include_bytes")
            && sign.as_char() == '!'
            && let Ok(path) = syn::parse2::<LitStr>(group.stream())
        {
            found.push(Reference::Embedded(path.value()));
        }
    }
}
