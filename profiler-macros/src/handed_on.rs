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
use std::mem;
use syn::visit_mut::VisitMut;
use syn::{Attribute, Block, ItemFn, Stmt};

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
        // One token may read as the user's by chance: the name of a crate before a path.
        let tokens = stmt.to_token_stream().into_iter();
        let mut own = tokens.skip_while(|token| place_of(token.span(), source) != place);
        own.by_ref().take(2).any(|token| !is_written(&token))
    }
}

/// Where the user's part of a body is.
pub(crate) enum Part {
    /// In the body itself.
    Here,
    /// In a function inside it.
    Inside,
    /// Somewhere else: in the function of this name, if it is called here.
    Elsewhere(Option<Ident>),
}

/// Looks for the user's part of a body and calls `visit` for the function inside that holds it, if one does. `after`: where the attribute
/// stands.
pub(crate) fn part(
    body: &mut Block,
    after: Span,
    source: &dyn Source,
    visit: &mut dyn FnMut(&mut ItemFn),
) -> Part {
    let after = place_of(after, source);
    let only_items = body.stmts.iter().all(|stmt| matches!(stmt, Stmt::Item(_)));
    let tokens: TokenStream = body.stmts.iter().map(ToTokens::to_token_stream).collect();
    // A body of which every token is the user's is the user's, also if it is a single expression.
    let only_written = tokens.clone().into_iter().all(|token| is_written(&token));
    if only_items || only_written || has_code(tokens.clone(), after, source) {
        return Part::Here;
    }
    let mut inner = Inner {
        after,
        source,
        visit,
        found: false,
    };
    inner.visit_block_mut(body);
    if inner.found {
        Part::Inside
    } else {
        Part::Elsewhere(called(tokens, after, source))
    }
}

/// Looks for the function that holds the user's part.
struct Inner<'a> {
    after: Place,
    source: &'a dyn Source,
    visit: &'a mut dyn FnMut(&mut ItemFn),
    found: bool,
}

impl VisitMut for Inner<'_> {
    fn visit_item_fn_mut(&mut self, item: &mut ItemFn) {
        let body = item.block.to_token_stream();
        if !self.found && has_code(body, self.after, self.source) {
            self.found = true;
            (self.visit)(item);
        }
    }
}

/// Whether there are statements of the user's among these tokens, but for functions inside: a block or the end of one, behind the
/// attribute. Names and types from the head of the function may stand anywhere.
fn has_code(tokens: TokenStream, after: Place, source: &dyn Source) -> bool {
    let mut in_function = false;
    tokens.into_iter().any(|token| {
        let own = || is_written(&token) && place_of(token.span(), source) > after;
        match &token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let inside = mem::replace(&mut in_function, false);
                !inside && (own() || has_code(group.stream(), after, source))
            }
            TokenTree::Group(group) => has_code(group.stream(), after, source),
            TokenTree::Punct(punct) if punct.as_char() == ';' => {
                in_function = false;
                own()
            }
            TokenTree::Punct(_) => false,
            TokenTree::Ident(word) => {
                in_function |= word == "fn";
                false
            }
            TokenTree::Literal(_) => false,
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
        // The sign of a lifetime or a label has the place of all of it.
        TokenTree::Punct(punct) if punct.as_char() == '\'' => text.starts_with('\''),
        // One sign of several, such as `->`.
        TokenTree::Punct(punct) => text.len() <= 3 && text.contains(punct.as_char()),
        // A lifetime is a name behind a sign.
        TokenTree::Ident(_) | TokenTree::Literal(_) => {
            text.trim_start_matches('\'') == token.to_string().trim_start_matches('\'')
        }
    }
}
