//! Writes the attribute into source text, so that no line and hardly a column moves.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{AttrStyle, Attribute, ImplItemFn, ItemFn, Signature, TraitItemFn};

/// What the attribute counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Written by hand on each function: it gets lines.
    ByHand,
    /// One choice of all functions: small ones are thin.
    Bulk,
}

impl Kind {
    /// What stands before a function afterwards.
    const fn attribute(self) -> &'static str {
        match self {
            Self::ByHand => " #[::hprof::profile] ",
            Self::Bulk => " #[::hprof::profile(bulk)] ",
        }
    }
}

/// Source text with the attribute on every function that has a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Injected {
    /// The text, with as many lines as before.
    pub text: String,
    /// Functions that the attribute instruments: those that are not `const`.
    pub functions: usize,
}

/// Writes the attribute in front of every function. `None` if the text is not Rust that can be parsed: it is some file of test data.
#[must_use]
pub fn inject(text: &str, kind: Kind) -> Option<Injected> {
    let attribute = kind.attribute();
    let tokens: TokenStream = text.parse().ok()?;
    let mut ends = Vec::new();
    token_ends(tokens.clone(), text, &mut ends);
    let file: syn::File = syn::parse2(tokens).ok()?;
    let mut functions = Functions::default();
    functions.visit_file(&file);
    let mut places: Vec<usize> = functions
        .starts
        .iter()
        .map(|start| behind(&ends, *start))
        .collect();
    places.sort_unstable();
    let mut injected = String::with_capacity(text.len() + places.len() * attribute.len());
    let mut done = 0;
    for place in places {
        injected.push_str(&text[done..place]);
        injected.push_str(attribute);
        done = place;
    }
    injected.push_str(&text[done..]);
    Some(Injected {
        text: injected,
        functions: functions.instrumented,
    })
}

/// End of the last token before `start`: the attribute goes there, before the comments of the function, and not in front of
/// `fn`, so that the columns of the function stay.
fn behind(ends: &[usize], start: usize) -> usize {
    match ends.partition_point(|end| *end <= start) {
        0 => 0,
        count => ends[count - 1],
    }
}

/// Where the tokens of a file end, in order.
fn token_ends(tokens: TokenStream, text: &str, ends: &mut Vec<usize>) {
    for token in tokens {
        if let TokenTree::Group(group) = &token
            && group.delimiter() != Delimiter::None
            && !text[group.span().byte_range()].starts_with('/')
        {
            ends.push(group.span_open().byte_range().end);
            token_ends(group.stream(), text, ends);
            ends.push(group.span_close().byte_range().end);
            continue;
        }
        let range = token.span().byte_range();
        let comment = text[range.clone()].starts_with("//");
        // What follows a comment on its line would be part of it.
        let line_end = text[range.end..].find('\n').filter(|_| comment);
        ends.push(range.end + line_end.map_or(0, |length| length + 1));
    }
}

#[derive(Default)]
struct Functions {
    /// Where the functions begin, attributes included.
    starts: Vec<usize>,
    instrumented: usize,
}

impl Functions {
    fn found(&mut self, item: &impl ToTokens, attrs: &[Attribute], sig: &Signature) {
        if attrs.iter().any(is_entry_point) {
            return;
        }
        // Outer attributes come first, whichever order the parser keeps them in.
        let first = attrs
            .iter()
            .find(|attr| matches!(attr.style, AttrStyle::Outer));
        let span = match first {
            Some(attr) => Some(attr.pound_token.span),
            None => item
                .to_token_stream()
                .into_iter()
                .next()
                .map(|token| token.span()),
        };
        self.starts.extend(span.map(|span| span.byte_range().start));
        self.instrumented += usize::from(sig.constness.is_none());
    }
}

/// The compiler allows nothing else on these.
fn is_entry_point(attr: &Attribute) -> bool {
    let name = attr
        .path()
        .segments
        .last()
        .map(|last| last.ident.to_string());
    matches!(
        name.as_deref(),
        Some("panic_handler" | "proc_macro" | "proc_macro_attribute" | "proc_macro_derive")
    )
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.found(item, &item.attrs, &item.sig);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.found(item, &item.attrs, &item.sig);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if item.default.is_some() {
            self.found(item, &item.attrs, &item.sig);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::{Injected, Kind, inject};

    fn injected(text: &str) -> Injected {
        let injected = inject(text, Kind::ByHand).unwrap();
        assert_eq!(injected.text.lines().count(), text.lines().count());
        injected
    }

    #[test]
    fn attribute_goes_behind_the_token_before_a_function() {
        let text = "//! Größe.\n\nuse a::b;\n\n/// Adds.\n#[inline]\npub fn f() { fn g() {} }\n";
        assert_eq!(
            injected(text).text,
            "//! Größe.\n\nuse a::b; #[::hprof::profile] \n\n/// Adds.\n#[inline]\npub fn f() { #[::hprof::profile]  fn g() {} }\n"
        );
    }

    #[test]
    fn first_function_of_a_file_may_follow_a_comment() {
        assert_eq!(
            injected("// a\nfn f() {}").text,
            " #[::hprof::profile] // a\nfn f() {}"
        );
        assert_eq!(
            injected("//! a\nfn f() {}").text,
            "//! a\n #[::hprof::profile] fn f() {}"
        );
    }

    #[test]
    fn methods_get_it_and_declarations_do_not() {
        let found =
            injected("trait T { fn a(); fn b() {} } impl T for () { const fn a() {} fn c() {} }");
        assert_eq!(found.text.matches("::hprof").count(), 3);
        assert_eq!(found.functions, 2);
    }

    #[test]
    fn in_bulk_the_attribute_says_so() {
        let found = inject("//! a\nfn f() {}", Kind::Bulk).unwrap();
        assert_eq!(found.text, "//! a\n #[::hprof::profile(bulk)] fn f() {}");
    }

    #[test]
    fn text_that_is_not_rust_is_left_alone() {
        assert_eq!(inject("fn f( {", Kind::ByHand), None);
        assert_eq!(inject("fn f() }", Kind::Bulk), None);
    }
}
