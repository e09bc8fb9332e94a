//! The text of one source file: where its tokens end, which functions and modules it has, and how an attribute comes into it.

use std::ops::Range;

use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};
use syn::AttrStyle;

use crate::functions::{self, Function};
use crate::kind::Kind;
use crate::references::{self, Reference};

/// What the words of a source file mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// 2015: `async`, `await`, `dyn` and `try` may be names, and crates have to be declared.
    First,
    /// 2018 and all that follow.
    Later,
}

/// What was found in the text of a source file.
#[derive(Debug)]
pub struct Source {
    /// All functions that have a body and may carry the attribute, in the order of the text.
    pub functions: Vec<Function>,
    /// Functions in the arguments and definitions of macros, which nobody can tell from data.
    pub in_macros: usize,
    /// Other files that the text names.
    pub(crate) references: Vec<Reference>,
    /// Where an item of our own may stand: behind the inner attributes.
    first_item: usize,
}

impl Source {
    /// Reads a text. `None` if it is not Rust that can be parsed.
    #[must_use]
    pub fn parse(text: &str, edition: Edition) -> Option<Self> {
        let skipped = prologue(text);
        let code = &text[skipped..];
        let tokens: TokenStream = code.parse().ok()?;
        let mut ends = Vec::new();
        token_ends(tokens.clone(), code, &mut ends);
        let tokens = match edition {
            Edition::First => with_raw_names(tokens),
            Edition::Later => tokens,
        };
        let file: syn::File = syn::parse2(tokens.clone()).ok()?;
        let found = functions::find(&file);
        let mut functions = found.functions;
        let lines_before = text[..skipped].matches('\n').count();
        for function in &mut functions {
            function.place = skipped + behind(&ends, function.place);
            function.lines.0 += lines_before;
            function.lines.1 += lines_before;
        }
        functions.sort_by_key(|function| function.place);
        let inner = file
            .attrs
            .iter()
            .filter(|attr| matches!(attr.style, AttrStyle::Inner(_)));
        let inner = inner.map(|attr| attr.bracket_token.span.close().byte_range().end);
        let first_item = inner.max().map_or(0, |end| whole_end(&ends, end));
        Some(Self {
            functions,
            in_macros: found.in_macros,
            references: references::references(&file, tokens),
            first_item: skipped + first_item,
        })
    }

    /// The text with the attribute on the functions that are chosen.
    #[must_use]
    pub fn inject(&self, text: &str, kind: Kind, chosen: impl Fn(&Function) -> bool) -> String {
        let chosen = self.functions.iter().filter(|function| chosen(function));
        let places = chosen.map(|function| (function.place, kind.attribute()));
        insert(text, places)
    }

    /// The text of the root of a crate of the first edition, which has to declare the crate of the attribute.
    #[must_use]
    pub fn inject_root(
        &self,
        text: &str,
        kind: Kind,
        chosen: impl Fn(&Function) -> bool,
    ) -> String {
        let chosen = self.functions.iter().filter(|function| chosen(function));
        let places = chosen.map(|function| (function.place, kind.attribute()));
        let declaration = (self.first_item, " extern crate hprof; ");
        insert(text, std::iter::once(declaration).chain(places))
    }
}

/// The text with more of it at some places, in their order.
fn insert<'a>(text: &str, places: impl Iterator<Item = (usize, &'a str)>) -> String {
    let mut whole = String::with_capacity(text.len() * 2);
    let mut done = 0;
    for (place, more) in places {
        whole.push_str(&text[done..place]);
        whole.push_str(more);
        done = place;
    }
    whole.push_str(&text[done..]);
    whole
}

/// Bytes before the code: a byte-order mark, and a line for the shell that is no attribute.
fn prologue(text: &str) -> usize {
    let mark = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let rest = &text[mark..];
    let is_attribute = || rest[2..].trim_start().starts_with('[');
    if rest.starts_with("#!") && !is_attribute() {
        mark + rest.find('\n').map_or(rest.len(), |end| end + 1)
    } else {
        mark
    }
}

/// End of the last token before `start`: the attribute goes there, before the comments of the function, and not in front of
/// `fn`, so that the columns of the function stay.
fn behind(ends: &[usize], start: usize) -> usize {
    match ends.partition_point(|end| *end <= start) {
        0 => 0,
        count => ends[count - 1],
    }
}

/// End of the token that ends there, with the end of its line if it is a comment.
fn whole_end(ends: &[usize], end: usize) -> usize {
    let at = ends.partition_point(|other| *other < end);
    ends.get(at).copied().unwrap_or(end)
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
        ends.push(end_of(text, &token.span().byte_range()));
    }
}

/// What follows a comment on its line would be part of it.
fn end_of(text: &str, range: &Range<usize>) -> usize {
    let is_line = text[range.clone()].starts_with("//");
    let line_end = text[range.end..].find('\n').filter(|_| is_line);
    range.end + line_end.map_or(0, |length| length + 1)
}

/// The tokens with names that were to become keywords written so that they are names to the parser.
fn with_raw_names(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut raw = Vec::new();
    while let Some(token) = tokens.next() {
        raw.push(match token {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), with_raw_names(group.stream()));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            TokenTree::Ident(ident) if is_name(&ident.to_string(), tokens.peek()) => {
                TokenTree::Ident(Ident::new_raw(&ident.to_string(), ident.span()))
            }
            other => other,
        });
    }
    raw.into_iter().collect()
}

/// Whether a word is a name in the first edition, where `dyn` is a keyword before a trait alone.
fn is_name(word: &str, next: Option<&TokenTree>) -> bool {
    match word {
        "async" | "await" | "try" => true,
        "dyn" => match next {
            Some(TokenTree::Ident(_)) => false,
            Some(TokenTree::Punct(sign)) => {
                let begins_path = sign.as_char() == ':' && sign.spacing() == Spacing::Joint;
                !begins_path && sign.as_char() != '\''
            }
            Some(TokenTree::Group(_)) => false,
            _ => true,
        },
        _ => false,
    }
}
