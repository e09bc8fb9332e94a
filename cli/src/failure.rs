//! Errors that carry a hint: what went wrong in one line, what to do about it in another.

use std::error::Error;
use std::fmt;
use std::io;

/// Exit code of all errors of hprof itself.
pub(crate) const CODE: u8 = 2;

/// An error chain with a hint.
#[derive(Debug)]
struct Hinted {
    error: anyhow::Error,
    hint: String,
}

impl fmt::Display for Hinted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:#}", self.error)
    }
}

impl Error for Hinted {}

/// Adds a hint to an error.
pub(crate) trait Hint<T> {
    /// The sentence tells what the user can do.
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Hint<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| with_hint(error.into(), hint))
    }
}

/// The error, with a sentence that tells what the user can do.
pub(crate) fn with_hint(error: anyhow::Error, hint: impl Into<String>) -> anyhow::Error {
    let hint = hint.into();
    anyhow::Error::new(Hinted { error, hint })
}

/// What happened, without the name that the error of a temporary file adds: nobody knows that file.
pub(crate) fn without_path(error: io::Error) -> io::Error {
    io::Error::from(error.kind())
}

/// The innermost hint of an error, which knows best.
pub(crate) fn hint_of(error: &anyhow::Error) -> Option<&str> {
    let hinted = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Hinted>())?;
    Some(hint_of(&hinted.error).unwrap_or(&hinted.hint))
}

/// Whether the reader of our output went away.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_is_found_below_added_context() {
        let error =
            with_hint(anyhow::anyhow!("no such file"), "give another").context("cannot read x");
        assert_eq!(format!("{error:#}"), "cannot read x: no such file");
        assert_eq!(hint_of(&error), Some("give another"));
    }

    #[test]
    fn temporary_names_are_left_out() {
        let error = tempfile::tempdir_in("/no such folder")
            .map(drop)
            .unwrap_err();
        assert!(error.to_string().contains(".tmp"), "{error}");
        assert_eq!(without_path(error).to_string(), "entity not found");
    }

    #[test]
    fn broken_pipe_is_found_in_the_chain() {
        let pipe = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(is_broken_pipe(
            &anyhow::Error::new(pipe).context("cannot print")
        ));
        assert!(!is_broken_pipe(&anyhow::anyhow!("other")));
    }
}
