//! Where tokens stand in the source files: lines, columns, paths and text.
//!
//! The stages of the macro ask through [`Source`], because the compiler's spans do not exist outside a real expansion
//! and the unit tests run on plain `proc_macro2` tokens.

use crate::emit::Facts;
use crate::fit::{Fitted, List};
use proc_macro2::Span;
use proc_macro2::extra::DelimSpan;
use std::cell::{OnceCell, RefCell};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Answers questions on places in the source.
pub(crate) trait Source {
    /// Line on which `span` starts, from 1.
    fn line(&self, span: Span) -> u32;
    /// Line on which `span` ends, from 1.
    fn last_line(&self, span: Span) -> u32;
    /// Line of a closing brace, from 1. Not that of the span of the brace: once another macro has handed the code on, our own of a
    /// function around it among them, both braces have the span of all that is between them.
    fn closing_line(&self, braces: DelimSpan) -> u32 {
        self.last_line(braces.close())
    }
    /// Column at which `span` starts, from 1.
    fn column(&self, span: Span) -> u32;
    /// Path of the file as the compiler was told it.
    fn file(&self, span: Span) -> String;
    /// Lines `first..=last` of the file of `span`, joined by `\n`; empty if it cannot be read.
    fn text(&self, span: Span, first: u32, last: u32) -> String;
    /// Folder of the package that is being compiled, or empty outside cargo.
    fn package(&self) -> String;
    /// The crate that is being compiled; `None` outside cargo.
    fn crate_name(&self) -> Option<String>;
    /// What becomes of a function as an earlier run has it. Its facts are asked for only if that run left a list.
    fn fitted(&self, facts: &dyn Fn() -> Facts) -> Option<Fitted>;
}

/// The compiler's own spans. Works only inside a real macro call.
pub(crate) struct Compiler;

impl Source for Compiler {
    fn line(&self, span: Span) -> u32 {
        u32::try_from(span.unwrap().line()).unwrap_or(u32::MAX)
    }

    fn last_line(&self, span: Span) -> u32 {
        u32::try_from(span.unwrap().end().line()).unwrap_or(u32::MAX)
    }

    fn column(&self, span: Span) -> u32 {
        u32::try_from(span.unwrap().column()).unwrap_or(u32::MAX)
    }

    fn file(&self, span: Span) -> String {
        span.unwrap().file()
    }

    fn text(&self, span: Span, first: u32, last: u32) -> String {
        span.unwrap()
            .local_file()
            .and_then(|path| lines_of(&path, first, last))
            .unwrap_or_default()
    }

    fn package(&self) -> String {
        env::var("CARGO_MANIFEST_DIR").unwrap_or_default()
    }

    fn crate_name(&self) -> Option<String> {
        env::var("CARGO_CRATE_NAME").ok()
    }

    fn fitted(&self, facts: &dyn Fn() -> Facts) -> Option<Fitted> {
        let crate_name = self.crate_name()?;
        FITTED.with(|list| list.get_or_init(|| List::of(&crate_name)).find(facts))
    }
}

thread_local! {
    // A compiler process compiles one crate.
    static FITTED: OnceCell<List> = const { OnceCell::new() };
    // A file with many annotated functions is asked for many times in a row.
    static LAST_FILE: RefCell<Option<(PathBuf, String)>> = const { RefCell::new(None) };
}

/// Lines `first..=last` of a file, or nothing if it cannot be read.
fn lines_of(path: &Path, first: u32, last: u32) -> Option<String> {
    LAST_FILE.with_borrow_mut(|cache| {
        if cache.as_ref().is_none_or(|(cached, _)| cached != path) {
            *cache = Some((path.to_owned(), fs::read_to_string(path).ok()?));
        }
        let (_, text) = cache.as_ref()?;
        Some(cut(text, first, last))
    })
}

/// Lines `first..=last` (from 1) of `text`.
pub(crate) fn cut(text: &str, first: u32, last: u32) -> String {
    let skipped = first.saturating_sub(1) as usize;
    let taken = last.saturating_sub(first) as usize + 1;
    let lines: Vec<&str> = text.lines().skip(skipped).take(taken).collect();
    lines.join("\n")
}
