//! What an async function needs so that its body can move into a future of ours: its parameters bound again in order, and
//! its output named.

use crate::emit::Binding;
use crate::paths::hidden;
use proc_macro2::Ident;
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{FnArg, Pat, PatIdent, PatType, ReturnType, Signature, Type, parse_quote};

/// Prepares the parameters to be moved into the future, and says how each is bound there. Bound in order they are dropped in
/// the order of the plain function, those that the body never names among them.
pub(crate) fn bindings(sig: &mut Signature) -> Vec<Binding> {
    let inputs = sig.inputs.iter_mut().enumerate();
    inputs.map(|(index, input)| bind(index, input)).collect()
}

fn bind(index: usize, input: &mut FnArg) -> Binding {
    let parameter = match input {
        FnArg::Receiver(receiver) => return Binding::Receiver(receiver.self_token.span),
        FnArg::Typed(parameter) => parameter,
    };
    let PatType { attrs, pat, .. } = parameter;
    let (attrs, bound) = (attrs.clone(), pat.to_token_stream());
    match &mut **pat {
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
            let at = at.map_or_else(proc_macro2::Span::call_site, |token| token.span());
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

/// The type to hint at for `?` and coercions in the body; nothing where none can be written.
pub(crate) fn output_hint(output: &ReturnType) -> Option<Type> {
    let mut output = match output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, output) => Type::clone(output),
    };
    if matches!(output, Type::Never(_) | Type::ImplTrait(_)) {
        return None;
    }
    InferImplTrait.visit_type_mut(&mut output);
    Some(output)
}

/// Replaces `impl Trait` by `_`.
struct InferImplTrait;

impl VisitMut for InferImplTrait {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::ImplTrait(_) => *ty = parse_quote!(_),
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }
}
