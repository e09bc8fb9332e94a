//! How a stream wants its text: colours or not, and how wide it is. The caller decides both; nothing here asks a terminal.

use std::fmt;

use anstyle::{AnsiColor, Color};

/// What the stream that takes a report can show.
///
/// ```
/// use hprof_reports::Style;
/// let pipe = Style::default();
/// assert!(!pipe.color && pipe.width.is_none());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Colours, bars and syntax colours; plain ASCII without it.
    pub color: bool,
    /// Columns of the terminal: longer lines are cut. `None` for no limit.
    pub width: Option<usize>,
}

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Heading,
    Dim,
    Warning,
    Warm,
    Hot,
    Keyword,
    Type,
    Text,
    Comment,
    Number,
    Lifetime,
    Attribute,
    Macro,
}

impl Tone {
    fn ansi(self) -> anstyle::Style {
        let plain = anstyle::Style::new();
        let colored = |color: AnsiColor| plain.fg_color(Some(Color::Ansi(color)));
        match self {
            Self::Plain => plain,
            Self::Heading => plain.bold(),
            Self::Dim => plain.dimmed(),
            Self::Warning | Self::Hot => colored(AnsiColor::Red).bold(),
            Self::Warm => colored(AnsiColor::Yellow),
            Self::Keyword => colored(AnsiColor::Magenta),
            Self::Type => colored(AnsiColor::Cyan),
            Self::Text => colored(AnsiColor::Green),
            Self::Comment => colored(AnsiColor::BrightBlack).italic(),
            Self::Number => colored(AnsiColor::Blue),
            Self::Lifetime | Self::Attribute => colored(AnsiColor::Yellow),
            Self::Macro => colored(AnsiColor::BrightBlue),
        }
    }
}

impl Style {
    /// The text with the codes of its tone around it, or as it is without colour.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> Painted<'_> {
        let tone = if self.color && !text.is_empty() {
            tone
        } else {
            Tone::Plain
        };
        Painted { tone, text }
    }
}

/// Text that writes its own colour codes.
#[derive(Debug)]
pub(crate) struct Painted<'a> {
    tone: Tone,
    text: &'a str,
}

impl fmt::Display for Painted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = self.tone.ansi();
        write!(
            out,
            "{}{}{}",
            style.render(),
            self.text,
            style.render_reset()
        )
    }
}
