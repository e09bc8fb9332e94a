//! Which function a line of a source file belongs to: stacks do not tell it of closures, nor the type of a method that was inlined.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;

use hprof_reports::FunctionAt;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Source files, each read once.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    files: RefCell<HashMap<String, Vec<Span>>>,
}

/// The lines of a function, and its type and name.
#[derive(Debug)]
struct Span {
    start: u32,
    end: u32,
    name: String,
}

impl Sources {
    /// The innermost function around a line of a file; `None` if the file is not there, is not Rust, or has no function there.
    pub(crate) fn function(&self, file: &str, line: u32) -> Option<FunctionAt> {
        let mut files = self.files.borrow_mut();
        let functions = files
            .entry(file.to_owned())
            .or_insert_with(|| functions(&fs::read_to_string(file).unwrap_or_default()));
        let around = functions
            .iter()
            .filter(|function| (function.start..=function.end).contains(&line));
        let innermost = around.min_by_key(|function| function.end - function.start)?;
        Some(FunctionAt {
            name: innermost.name.clone(),
            line: innermost.start,
        })
    }
}

/// All functions of a source text, those inside others too.
fn functions(text: &str) -> Vec<Span> {
    let mut found = Found::default();
    if let Ok(file) = syn::parse_file(text) {
        found.visit_file(&file);
    }
    found.functions
}

#[derive(Default)]
struct Found {
    functions: Vec<Span>,
    /// The type or trait around.
    owner: Option<String>,
}

impl Found {
    fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let line = |line: usize| u32::try_from(line).unwrap_or(u32::MAX);
        let name = &signature.ident;
        self.functions.push(Span {
            start: line(signature.fn_token.span.start().line),
            end: line(body.span().end().line),
            name: match &self.owner {
                Some(owner) => format!("{owner}::{name}"),
                None => name.to_string(),
            },
        });
    }

    /// Visits what is inside of something with this name.
    fn inside(&mut self, owner: Option<String>, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.owner, owner);
        visit(self);
        self.owner = before;
    }
}

impl<'a> Visit<'a> for Found {
    fn visit_item_fn(&mut self, function: &'a syn::ItemFn) {
        self.inside(None, |found| {
            found.add(&function.sig, &function.block);
            visit::visit_item_fn(found, function);
        });
    }

    fn visit_item_impl(&mut self, block: &'a syn::ItemImpl) {
        let owner = match &*block.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        self.inside(owner, |found| visit::visit_item_impl(found, block));
    }

    fn visit_item_trait(&mut self, block: &'a syn::ItemTrait) {
        let owner = Some(block.ident.to_string());
        self.inside(owner, |found| visit::visit_item_trait(found, block));
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'a syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.add(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_function_around_a_line_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.rs");
        let text = "#[inline]\npub(crate) fn sum<T>() {\n    1;\n    (0..2).map(|n| {\n        n + 1\n    });\n\
                    fn inner() {\n        2;\n    }\n}\nimpl<T> a::Field<T> {\n    fn advance(&self) {}\n}\n\
                    trait Step {\n    fn step() {\n    }\n    fn none();\n}\nstruct S;\n";
        fs::write(&path, text).unwrap();
        let sources = Sources::default();
        let at = |line| {
            let found = sources.function(path.to_str().unwrap(), line)?;
            Some((found.name, found.line))
        };
        assert_eq!(at(3), Some(("sum".into(), 2)));
        assert_eq!(at(5), Some(("sum".into(), 2)), "a closure");
        assert_eq!(at(8), Some(("inner".into(), 7)));
        assert_eq!(at(12), Some(("Field::advance".into(), 12)));
        assert_eq!(at(16), Some(("Step::step".into(), 15)));
        assert_eq!(at(19), None);
        assert_eq!(sources.function("/there/is/none.rs", 1), None);
    }

    #[test]
    fn a_file_that_does_not_parse_has_no_functions() {
        assert!(functions("fn f() { 1 +").is_empty());
    }
}
