//! Expansion snapshots: what each rule makes of a small function, printed like hand-written Rust.
//!
//! `readable` shortens what is the same everywhere: a site becomes the list of its lines, a marker of slot 2 becomes `M(2)`,
//! counters of grouped loops `hit(0)`, and the paths into the recorder lose their beginning.

mod assert_allocs;
mod async_code;
mod branches;

mod counting;
mod fitted;
mod guards;
mod handed_on;
mod kinds;
mod loops;
mod options;
mod places;
mod readable;
mod thin;

use crate::emit::Facts;
use crate::fit::Fitted;
use crate::source::{Source, cut};
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::LitStr;

/// Places in the text that a test parses.
struct Plain {
    text: String,
    /// What an earlier run says of all functions.
    fitted: Option<Fitted>,
}

impl Source for Plain {
    fn line(&self, span: Span) -> u32 {
        u32::try_from(span.start().line).unwrap()
    }

    fn last_line(&self, span: Span) -> u32 {
        u32::try_from(span.end().line).unwrap()
    }

    fn column(&self, span: Span) -> u32 {
        u32::try_from(span.start().column).unwrap() + 1
    }

    fn file(&self, _: Span) -> String {
        "src/main.rs".to_owned()
    }

    fn text(&self, _: Span, first: u32, last: u32) -> String {
        cut(&self.text, first, last)
    }

    fn package(&self) -> String {
        "/home/me/package".to_owned()
    }

    fn crate_name(&self) -> Option<String> {
        self.fitted.map(|_| "package".to_owned())
    }

    fn fitted(&self, _: &dyn Fn() -> Facts) -> Option<Fitted> {
        self.fitted
    }
}

/// The raw expansion of `#[profile(args)] item` with the build switch set to `switch`.
fn expansion(args: &str, item: &str, switch: Option<&str>) -> TokenStream {
    let source = Plain {
        text: item.to_owned(),
        fitted: None,
    };
    let item = item.parse().unwrap();
    crate::expand::expand(args.parse().unwrap(), item, switch, &source)
}

/// The readable expansion of an item with all its lines.
fn lines(item: &str) -> String {
    readable::readable(expansion("", item, Some("lines")))
}

/// The messages of the errors in an expansion, in order.
fn messages(args: &str, item: &str, switch: Option<&str>) -> Vec<String> {
    let mut messages = Vec::new();
    let mut tokens = expansion(args, item, switch).into_iter().peekable();
    while let Some(token) = tokens.next() {
        if token.to_string() == "compile_error" {
            let Some(TokenTree::Group(message)) = tokens.nth(1) else {
                panic!("an error without a message");
            };
            let message: LitStr = syn::parse2(message.stream()).unwrap();
            messages.push(message.value());
        }
    }
    messages
}
