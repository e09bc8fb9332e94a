//! What an async function needs so that its body can move into a future of ours: its output named.

use syn::visit_mut::{self, VisitMut};
use syn::{ReturnType, Type, parse_quote};

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
