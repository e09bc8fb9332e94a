//! Writes the attribute into source text, so that no line and hardly a column moves.
//!
//! `source` reads the text of one file, `functions` finds the functions in it, `references` the other files that it names; `modules` reads
//! those files of a crate; `kind` is the attribute itself.

mod functions;
mod kind;
mod modules;
mod references;
mod source;

pub use functions::Function;
pub use kind::Kind;
pub use modules::{Crate, SourceFile};
pub use source::{Edition, Source};

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
