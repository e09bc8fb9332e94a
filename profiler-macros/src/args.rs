//! Options of the attribute, and the value of the build switch.

use crate::paths::SWITCH;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, LitInt, LitStr, Path, Token};

/// An option without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    /// Leave the item as it is.
    Skip,
    /// Count and time calls only.
    Calls,
    /// Full markers inside grouped loops.
    Split,
    /// Only statements with `#[mark]`.
    Marked,
    /// Instrument without the build switch.
    Always,
    /// Open a `tracing` span for each call.
    Span,
    /// Count calls alone.
    Thin,
    /// Lines, however small the function is.
    Lines,
    /// The attribute stands for a choice of many functions, not of this one.
    Bulk,
}

const FLAGS: [(&str, Flag); 9] = [
    ("skip", Flag::Skip),
    ("calls", Flag::Calls),
    ("split", Flag::Split),
    ("marked", Flag::Marked),
    ("always", Flag::Always),
    ("span", Flag::Span),
    ("thin", Flag::Thin),
    ("lines", Flag::Lines),
    // For tools that annotate many functions at once; the manual does not name it.
    ("bulk", Flag::Bulk),
];

const VALID_OPTIONS: &str = "valid options are `skip`, `calls`, `split`, `marked`, `always`, `span`, `thin`, `lines`, `max_allocs = N`, `name = \"...\"` and `crate = path`";

/// Pairs of options that ask for two different things.
const CONFLICTS: [(Flag, Flag); 8] = [
    (Flag::Calls, Flag::Split),
    (Flag::Calls, Flag::Marked),
    (Flag::Calls, Flag::Lines),
    (Flag::Thin, Flag::Lines),
    (Flag::Thin, Flag::Calls),
    (Flag::Thin, Flag::Split),
    (Flag::Thin, Flag::Marked),
    (Flag::Thin, Flag::Span),
];

/// The options of one attribute.
#[derive(Default)]
pub(crate) struct Options {
    flags: Vec<(Flag, Span)>,
    pub(crate) name: Option<LitStr>,
    /// How many allocations a call may make at most, and where that is said.
    pub(crate) max_allocs: Option<(Span, u32)>,
    pub(crate) root: Option<Path>,
}

impl Options {
    pub(crate) fn has(&self, flag: Flag) -> bool {
        self.flags.iter().any(|(known, _)| *known == flag)
    }

    /// Reads the tokens in the attribute's parentheses. Every mistake becomes an error; what is right is kept.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Vec<Error>) -> Self {
        let mut options = Self::default();
        for part in split_at_commas(tokens) {
            let read = |input: ParseStream<'_>| options.read(input);
            if let Err(error) = read.parse2(part) {
                errors.extend(error.into_iter().map(|one| Error::new(one.span(), one)));
            }
        }
        options.refuse_conflicts(errors);
        options
    }

    /// Reads one option.
    fn read(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let word = input.call(Ident::parse_any).map_err(|error| {
            Error::new(error.span(), format!("expected an option: {VALID_OPTIONS}"))
        })?;
        let name = word.to_string();
        if let Some((_, flag)) = FLAGS.iter().find(|(known, _)| *known == name) {
            let repeated = self.has(*flag);
            self.flags.push((*flag, word.span()));
            return refuse_repeated(&word, repeated);
        }
        match name.as_str() {
            "name" => {
                expect_value(&word, input)?;
                let value = input.parse()?;
                let earlier = self.name.replace(value);
                refuse_repeated(&word, earlier.is_some())
            }
            "max_allocs" => {
                expect_value(&word, input)?;
                let value: LitInt = input.parse()?;
                let most = value.base10_parse().map_err(|_| {
                    let message = "`max_allocs` is a number of allocations, such as 0";
                    Error::new(value.span(), message)
                })?;
                let earlier = self.max_allocs.replace((word.span(), most));
                refuse_repeated(&word, earlier.is_some())
            }
            "crate" => {
                expect_value(&word, input)?;
                let value = input.call(Path::parse_mod_style)?;
                let earlier = self.root.replace(value);
                refuse_repeated(&word, earlier.is_some())
            }
            _ => {
                // The rest of the option says nothing more about the mistake.
                input.parse::<TokenStream>()?;
                let message = format!("unknown option `{name}`: {VALID_OPTIONS}");
                Err(Error::new(word.span(), message))
            }
        }
    }

    fn refuse_conflicts(&self, errors: &mut Vec<Error>) {
        for (one, other) in CONFLICTS {
            let second = self
                .flags
                .iter()
                .rev()
                .find(|(flag, _)| *flag == one || *flag == other);
            if let (true, true, Some((_, span))) = (self.has(one), self.has(other), second) {
                let message = format!("`{}` and `{}` exclude each other", word(one), word(other));
                errors.push(Error::new(*span, message));
            }
        }
        for flag in [Flag::Thin, Flag::Skip] {
            if let (Some((span, _)), true) = (&self.max_allocs, self.has(flag)) {
                let message = format!("`{}` and `max_allocs` exclude each other", word(flag));
                errors.push(Error::new(*span, message));
            }
        }
    }
}

/// How a flag is written.
fn word(flag: Flag) -> &'static str {
    FLAGS
        .iter()
        .find(|(_, known)| *known == flag)
        .map_or("", |(word, _)| word)
}

/// Reads the `=` of an option with a value. What is missing has no place of its own, so the option is named.
fn expect_value(word: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
    if input.parse::<Option<Token![=]>>()?.is_none() || input.is_empty() {
        let message = format!("`{word}` takes a value: {VALID_OPTIONS}");
        return Err(Error::new(word.span(), message));
    }
    Ok(())
}

fn refuse_repeated(word: &Ident, repeated: bool) -> syn::Result<()> {
    if repeated {
        return Err(Error::new(word.span(), format!("`{word}` is given twice")));
    }
    Ok(())
}

/// The options apart, so that a mistake in one does not hide those in the others.
fn split_at_commas(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in tokens {
        match (&token, parts.last_mut()) {
            (TokenTree::Punct(punct), _) if punct.as_char() == ',' => {
                parts.push(TokenStream::new())
            }
            (_, Some(part)) => part.extend([token]),
            (_, None) => {}
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// What the build switch asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// Not set: leave the code as it is.
    Off,
    /// Markers on lines; `split`: also inside grouped loops.
    Lines { split: bool },
    /// Calls only.
    Calls,
}

impl Switch {
    /// Reads the value of the environment variable; unset and empty are the same.
    pub(crate) fn parse(value: Option<&str>) -> Result<Self, String> {
        let value = value.unwrap_or_default();
        let mut parts = value.split('+');
        let base = parts.next().unwrap_or_default();
        let (mut split, mut noalloc) = (false, false);
        for part in parts {
            let seen = match part {
                "split" if base == "lines" => &mut split,
                "noalloc" => &mut noalloc,
                _ => return Err(refused(value)),
            };
            if std::mem::replace(seen, true) {
                return Err(refused(value));
            }
        }
        match base {
            "" if !noalloc => Ok(Self::Off),
            "lines" => Ok(Self::Lines { split }),
            "calls" => Ok(Self::Calls),
            _ => Err(refused(value)),
        }
    }
}

fn refused(value: &str) -> String {
    format!(
        "the environment variable {SWITCH} is `{value}`: valid values are `lines`, `lines+split` and `calls`, each with an optional `+noalloc`; unset it to build without hprof"
    )
}
