//! The path to the recorder's crate and the names generated code uses.
//!
//! Everything is named by an absolute path and called by path, never as a method: a user's trait with a method `line`
//! for all types would win otherwise.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Path;

/// Variable that switches instrumentation on at build time.
pub(crate) const SWITCH: &str = "HPROF";

/// Where generated code finds the recorder.
pub(crate) struct Paths {
    root: Option<Path>,
}

impl Paths {
    /// The recorder at `root`, the path given by `#[profile(crate = path)]`, or at `::hprof`.
    pub(crate) fn new(root: Option<Path>) -> Self {
        Self { root }
    }

    /// The path of an item that only generated code uses.
    pub(crate) fn private(&self, name: &str, span: Span) -> TokenStream {
        let name = Ident::new(name, span);
        if let Some(root) = &self.root {
            let root = root.to_token_stream();
            quote_spanned!(span=> #root::__private::#name)
        } else {
            quote_spanned!(span=> ::hprof::__private::#name)
        }
    }
}

/// A span at the place of `span` whose names are invisible to the user's code, and the other way round.
pub(crate) fn hidden(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// Name of the static of a body. Names of items are not hygienic, so it has to be unlikely.
pub(crate) fn site_name(function: &Ident, line: u32, nested: Option<usize>) -> Ident {
    static_name("SITE", function, line, nested)
}

/// Name of the counter of a thin function.
pub(crate) fn thin_name(function: &Ident, line: u32) -> Ident {
    static_name("THIN", function, line, None)
}

fn static_name(what: &str, function: &Ident, line: u32, nested: Option<usize>) -> Ident {
    let name = function.to_string();
    let name = name.trim_start_matches("r#").to_uppercase();
    let suffix = nested.map(|index| format!("_{index}")).unwrap_or_default();
    Ident::new(
        &format!("HPROF_{what}_{name}_{line}{suffix}"),
        hidden(function.span()),
    )
}
