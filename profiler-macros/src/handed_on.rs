//! Functions that another attribute above ours has handed on, such as `#[tokio::main]`, with code of its own in them.
//!
//! Such code has the place of that attribute, or that of some token of the user's: an error in it is to point there. Rows must not,
//! or the wait of a runtime stands on the last line of the user's. What the user wrote is told by the text of the source: there a token
//! of the user's reads as it does here.

use crate::source::Source;
use proc_macro2::extra::DelimSpan;
use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::HashSet;
use syn::{Attribute, Block, Item, ItemFn, Stmt};

/// Line and column.
type Place = (u32, u32);

/// What is known of a body that was handed on.
#[derive(Debug)]
pub(crate) struct HandedOn {
    /// Where the user's tokens stand.
    written: HashSet<Place>,
    /// Their last line in the file of the function.
    last_line: u32,
}

impl HandedOn {
    /// Looks at the body of the function whose `fn` stands at `at`. Nothing if no other macro has made its braces.
    pub(crate) fn look(body: &Block, at: Span, source: &dyn Source) -> Option<Self> {
        if !is_made(body.brace_token.span, source) {
            return None;
        }
        let mut this = Self {
            written: HashSet::new(),
            last_line: 0,
        };
        this.collect(body.to_token_stream(), &source.file(at), source);
        Some(this)
    }

    fn collect(&mut self, tokens: TokenStream, file: &str, source: &dyn Source) {
        for token in tokens {
            let span = token.span();
            if is_written(&token) && source.file(span) == file {
                self.written.insert(place_of(span, source));
                self.last_line = self.last_line.max(source.last_line(span));
            }
            if let TokenTree::Group(group) = token {
                self.collect(group.stream(), file, source);
            }
        }
    }

    /// The last line of the body: that of its closing brace, if it is the user's, or else the last one that is.
    pub(crate) fn end_line(&self, braces: DelimSpan, source: &dyn Source) -> u32 {
        let text = braces.open().source_text();
        if text.is_none_or(|text| text.starts_with('{')) {
            source.closing_line(braces)
        } else {
            self.last_line
        }
    }

    /// Whether the user wrote the token at `span`, or another one has its place.
    pub(crate) fn is_taken(&self, span: Span, source: &dyn Source) -> bool {
        self.written.contains(&place_of(span, source))
    }

    /// Whether a statement that begins at `at` has taken the place of a token of the user's.
    pub(crate) fn is_intruder(&self, stmt: &Stmt, at: Span, source: &dyn Source) -> bool {
        let place = place_of(at, source);
        if !self.written.contains(&place) {
            return false;
        }
        let mut tokens = stmt.to_token_stream().into_iter();
        let first = tokens.find(|token| place_of(token.span(), source) == place);
        first.is_some_and(|token| !is_written(&token))
    }
}

/// Where the user's part of a body is.
pub(crate) enum Part<'a> {
    /// In the body itself.
    Here,
    /// In this function inside it.
    Inside(&'a mut ItemFn),
    /// Somewhere else: in the function of this name, if it is called here.
    Elsewhere(Option<Ident>),
}

/// Looks for the user's part of a body. `after`: where the attribute stands.
pub(crate) fn part<'a>(body: &'a mut Block, after: Span, source: &dyn Source) -> Part<'a> {
    let after = place_of(after, source);
    let is_function = |stmt: &Stmt| matches!(stmt, Stmt::Item(Item::Fn(_)));
    let mut outside = body.stmts.iter().filter(|stmt| !is_function(stmt));
    let has_code = |tokens| has_code(tokens, after, source);
    let only_items = body.stmts.iter().all(|stmt| matches!(stmt, Stmt::Item(_)));
    if only_items || outside.any(|stmt| has_code(stmt.to_token_stream())) {
        return Part::Here;
    }
    let called = called(body.to_token_stream(), after, source);
    let inner = body.stmts.iter_mut().find_map(|stmt| match stmt {
        Stmt::Item(Item::Fn(inner)) if has_code(inner.block.to_token_stream()) => Some(inner),
        _ => None,
    });
    inner.map_or(Part::Elsewhere(called), Part::Inside)
}

/// Whether there are statements of the user's among these tokens: a block or the end of one, behind the attribute. Names and types from
/// the head of the function may stand anywhere.
fn has_code(tokens: TokenStream, after: Place, source: &dyn Source) -> bool {
    tokens.into_iter().any(|token| {
        let own = || is_written(&token) && place_of(token.span(), source) > after;
        match &token {
            TokenTree::Group(group) => {
                let is_block = group.delimiter() == Delimiter::Brace;
                (is_block && own()) || has_code(group.stream(), after, source)
            }
            TokenTree::Punct(punct) => punct.as_char() == ';' && own(),
            TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        }
    })
}

/// The first function of the user's that is called here.
fn called(tokens: TokenStream, after: Place, source: &dyn Source) -> Option<Ident> {
    let mut before: Option<Ident> = None;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                if before.is_some() && group.delimiter() == Delimiter::Parenthesis {
                    return before;
                }
                let inside = called(group.stream(), after, source);
                if inside.is_some() {
                    return inside;
                }
                before = None;
            }
            TokenTree::Ident(name) => {
                let token = TokenTree::Ident(name.clone());
                let own = is_written(&token) && place_of(name.span(), source) > after;
                before = own.then_some(name);
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => before = None,
        }
    }
    None
}

/// Whether a macro has made these braces: then both have one place, that of all that is between them or of the macro.
pub(crate) fn is_made(braces: DelimSpan, source: &dyn Source) -> bool {
    place_of(braces.open(), source) == place_of(braces.close(), source)
}

fn place_of(span: Span, source: &dyn Source) -> Place {
    (source.line(span), source.column(span))
}

/// Whether the user wrote an attribute.
pub(crate) fn is_own(attr: &Attribute) -> bool {
    attr.pound_token
        .to_token_stream()
        .into_iter()
        .all(|sign| is_written(&sign))
}

/// Whether the source reads as the token does, where the token says that it stands. Where there is no source, nobody knows better.
fn is_written(token: &TokenTree) -> bool {
    let Some(text) = token.span().source_text() else {
        return true;
    };
    match token {
        TokenTree::Group(group) => {
            let opening = match group.delimiter() {
                Delimiter::Brace => "{",
                Delimiter::Bracket => "[",
                Delimiter::Parenthesis => "(",
                Delimiter::None => "",
            };
            // Made braces may have taken the place of others: what is in them has not.
            let first = group.stream().into_iter().next();
            text.starts_with(opening) && first.is_none_or(|first| is_written(&first))
        }
        // One sign of several, such as `->`.
        TokenTree::Punct(punct) => text.len() <= 3 && text.contains(punct.as_char()),
        // A lifetime is a name behind a sign.
        TokenTree::Ident(_) | TokenTree::Literal(_) => {
            text.trim_start_matches('\'') == token.to_string().trim_start_matches('\'')
        }
    }
}
