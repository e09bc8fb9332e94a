//! Parameters bound again inside the frame of their body, so that they are dropped before it is closed.
//!
//! A parameter outlives every local of the body. Bound again in order, behind the frame, parameters are dropped in the order of the plain
//! function, those that the body never names among them, and what that costs stands on the closing brace.

use crate::paths::hidden;
use crate::walk::owns_nothing;
use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, Expr, FnArg, Item, Macro, Pat, PatIdent, PatType, Receiver, Signature, Token,
    Type,
};

/// One parameter, to be bound again inside the body: before what the macro adds to an async function, or behind its frame.
pub(crate) enum Binding {
    /// `self`: mentioned, so that the future takes the whole of it.
    Receiver(Span),
    /// `let [mut] value = self;`
    ReceiverByValue {
        at: Span,
        mutability: Option<Token![mut]>,
        value: Ident,
    },
    /// `let pat = value;`
    Named {
        attrs: Vec<Attribute>,
        pat: TokenStream,
        value: Ident,
    },
    /// `let value = value; let pat = value;`
    Destructured {
        attrs: Vec<Attribute>,
        pat: TokenStream,
        value: Ident,
    },
}

/// A parameter and how it is bound again.
pub(crate) struct Parameter {
    pub(crate) binding: Binding,
    /// Whether its type may own something that has to be dropped.
    pub(crate) may_own: bool,
}

impl From<Binding> for Parameter {
    fn from(binding: Binding) -> Self {
        Self {
            binding,
            may_own: true,
        }
    }
}

/// Prepares all parameters of an async function to be moved into its future, and says how each is bound there.
pub(crate) fn of_future(sig: &mut Signature) -> Vec<Parameter> {
    let inputs = sig.inputs.iter_mut().enumerate();
    let bound = inputs.map(|(index, input)| match input {
        FnArg::Receiver(receiver) => Parameter {
            binding: Binding::Receiver(receiver.self_token.span),
            may_own: !is_by_reference(receiver),
        },
        FnArg::Typed(parameter) => Parameter {
            may_own: !owns_nothing(&parameter.ty),
            binding: typed(index, parameter),
        },
    });
    bound.collect()
}

/// Prepares the parameters of a function that may own something to be bound again in its body, and says how.
pub(crate) fn of_function(sig: &mut Signature, body: &mut Block) -> Vec<Parameter> {
    let inputs = sig.inputs.iter_mut().enumerate();
    let bound = inputs.filter_map(|(index, input)| match input {
        FnArg::Receiver(receiver) => receiver_by_value(receiver, body),
        FnArg::Typed(parameter) => (!owns_nothing(&parameter.ty)).then(|| typed(index, parameter)),
    });
    bound.map(Parameter::from).collect()
}

/// The same for the parameters of a closure, whose types are seldom written down.
pub(crate) fn of_closure(inputs: &mut Punctuated<Pat, Token![,]>) -> Vec<Parameter> {
    let inputs = inputs.iter_mut().enumerate();
    let bound = inputs.filter_map(|(index, input)| match input {
        Pat::Type(parameter) => (!owns_nothing(&parameter.ty)).then(|| typed(index, parameter)),
        // What is behind a reference can only be copied out of it; a hole owns nothing that has a name.
        Pat::Reference(_) | Pat::Verbatim(_) => None,
        pat => Some(bind(index, Vec::new(), pat)),
    });
    bound.map(Parameter::from).collect()
}

fn typed(index: usize, parameter: &mut PatType) -> Binding {
    bind(index, parameter.attrs.clone(), &mut parameter.pat)
}

fn bind(index: usize, attrs: Vec<Attribute>, pat: &mut Pat) -> Binding {
    let bound = pat.to_token_stream();
    match pat {
        // A name that begins with an underscore is not to be used, which lints see; it gets bound as any other pattern.
        Pat::Ident(name) if is_plain(name) => {
            name.mutability = None;
            Binding::Named {
                attrs,
                pat: bound,
                value: name.ident.clone(),
            }
        }
        other => {
            let at = bound.clone().into_iter().next();
            let at = at.map_or_else(Span::call_site, |token| token.span());
            let value = Ident::new(&format!("parameter_{index}"), hidden(at));
            *other = Pat::Verbatim(value.to_token_stream());
            Binding::Destructured {
                attrs,
                pat: bound,
                value,
            }
        }
    }
}

/// Whether a parameter can keep its name and be bound again under it.
fn is_plain(name: &PatIdent) -> bool {
    let plain = name.by_ref.is_none() && name.subpat.is_none();
    plain && !name.ident.to_string().starts_with('_')
}

/// `self` cannot be bound again, so the body names another local in its place. Not where a macro names `self` in a string, which nobody but
/// that macro can read.
fn receiver_by_value(receiver: &mut Receiver, body: &mut Block) -> Option<Binding> {
    if is_by_reference(receiver) || NamedInText::anywhere(body) {
        return None;
    }
    let at = receiver.self_token.span;
    let value = Ident::new("receiver", hidden(at));
    Rename { to: &value }.visit_block_mut(body);
    let mutability = receiver.mutability.take();
    Some(Binding::ReceiverByValue {
        at,
        mutability,
        value,
    })
}

fn is_by_reference(receiver: &Receiver) -> bool {
    match &receiver.kind {
        syn::ReceiverKind::Value => false,
        syn::ReceiverKind::Typed(_, ty) => owns_nothing(ty) || is_pinned_reference(ty),
        _ => true,
    }
}

/// `Pin<&mut Self>`.
fn is_pinned_reference(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let Some(last) = path.path.segments.last() else {
        return false;
    };
    match &last.arguments {
        syn::PathArguments::AngleBracketed(arguments) => arguments
            .args
            .iter()
            .all(|argument| matches!(argument, syn::GenericArgument::Type(Type::Reference(_)))),
        _ => false,
    }
}

/// Looks for `{self}` and its like in the text of macros.
struct NamedInText(bool);

impl NamedInText {
    fn anywhere(body: &mut Block) -> bool {
        let mut named = Self(false);
        named.visit_block_mut(body);
        named.0
    }

    fn look(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Literal(literal) => {
                    self.0 |= literal.to_string().replace("{{", "").contains("{self");
                }
                TokenTree::Group(group) => self.look(group.stream()),
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}

impl VisitMut for NamedInText {
    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        self.look(mac.tokens.clone());
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// Puts another name in the place of `self`.
struct Rename<'a> {
    to: &'a Ident,
}

impl Rename<'_> {
    fn tokens(&self, tokens: TokenStream) -> TokenStream {
        let mut tokens = tokens.into_iter().peekable();
        let mut renamed = TokenStream::new();
        while let Some(token) = tokens.next() {
            let is_path =
                matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == ':');
            renamed.extend([match token {
                TokenTree::Ident(word) if word == "self" && !is_path => {
                    let mut to = self.to.clone();
                    to.set_span(self.to.span().located_at(word.span()));
                    TokenTree::Ident(to)
                }
                TokenTree::Group(group) => {
                    let mut inside = Group::new(group.delimiter(), self.tokens(group.stream()));
                    inside.set_span(group.span());
                    TokenTree::Group(inside)
                }
                other => other,
            }]);
        }
        renamed
    }
}

impl VisitMut for Rename<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Expr::Verbatim(tokens) = expr {
            *tokens = self.tokens(std::mem::take(tokens));
            return;
        }
        if let Expr::Path(path) = expr
            && path.path.is_ident("self")
        {
            let word = &mut path.path.segments[0].ident;
            let mut to = self.to.clone();
            to.set_span(self.to.span().located_at(word.span()));
            *word = to;
            return;
        }
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        mac.tokens = self.tokens(std::mem::take(&mut mac.tokens));
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}
