//! What cannot be instrumented, and what does not go together.

use crate::args::Options;
use crate::item::{Function, Target, ends_in};
use syn::{Attribute, Error, Meta};

/// Attributes of functions that the compiler treats as its own entry points.
const OWN_ENTRY_POINTS: [&str; 4] = [
    "panic_handler",
    "proc_macro",
    "proc_macro_attribute",
    "proc_macro_derive",
];

/// Why a function has to stay as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhyNot {
    /// Nothing can be called from it that the compiler cannot run.
    Constant,
    /// It has no body of Rust.
    Naked,
    /// It runs outside the program.
    EntryPoint,
    /// Another attribute has put its lines where this one does not see them; its calls are measured.
    Hidden,
    /// An earlier run found it so small that counting its calls would cost more than it does.
    TooSmall,
}

/// Whether a function has to stay as it is, and why.
pub(crate) fn left_alone(function: &Function<'_>) -> Option<WhyNot> {
    let entry_point = |attr: &Attribute| {
        OWN_ENTRY_POINTS
            .iter()
            .any(|name| attr.path().is_ident(name))
    };
    if function.attrs.iter().any(entry_point) {
        Some(WhyNot::EntryPoint)
    } else if function.attrs.iter().any(is_naked) {
        Some(WhyNot::Naked)
    } else {
        function.sig.constness.map(|_| WhyNot::Constant)
    }
}

/// `#[naked]` or `#[unsafe(naked)]`.
fn is_naked(attr: &Attribute) -> bool {
    match &attr.meta {
        Meta::List(list) if list.path.is_ident("unsafe") => list.tokens.to_string() == "naked",
        meta => ends_in(meta.path(), "naked"),
    }
}

/// Options that make no sense on this item.
pub(crate) fn options(options: &Options, target: &Target, errors: &mut Vec<Error>) {
    let many = matches!(
        target,
        Target::Impl(_) | Target::Trait(_) | Target::Module(_)
    );
    if let (Some(name), true) = (&options.name, many) {
        errors.push(Error::new(name.span(), "`name` goes on a single function"));
    }
    if let (Some((span, _)), true) = (&options.max_allocs, many) {
        errors.push(Error::new(*span, "`max_allocs` goes on a single function"));
    }
    // A future may go on in another thread.
    if let (Some((span, _)), Target::Function(item)) = (&options.max_allocs, target)
        && item.sig.asyncness.is_some()
    {
        let message = "`max_allocs` needs a function that is not async";
        errors.push(Error::new(*span, message));
    }
}
