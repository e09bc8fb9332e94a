//! Writes the attribute into source text, so that no line and hardly a column moves.
//!
//! `source` reads the text of one file, `functions` finds the functions in it, `modules` the other files of its crate.

mod functions;
mod modules;
mod source;

pub use functions::Function;
pub use modules::{Crate, SourceFile};
pub use source::{Edition, Source};

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
    let source = Source::parse(text, Edition::Later)?;
    let functions = source.functions.iter();
    Some(Injected {
        text: source.inject(text, kind, |_| true),
        functions: functions.filter(|function| !function.is_const).count(),
    })
}

#[cfg(test)]
mod tests;
