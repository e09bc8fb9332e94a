//! Messages and text that are printed, and the bar that shows how far something is.

use std::fmt;
use std::io::{self, Write};

use hprof_reports::clean;
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure;

/// Characters of a line of a message, and lines of it, that are printed: names in a profile can be of any length.
const LONGEST_LINE: usize = 2000;
const MOST_LINES: usize = 50;

/// Prints a message of hprof on the standard error.
pub(crate) fn say(message: impl fmt::Display) {
    let message = printable(&message.to_string());
    // Nobody is left to be told if the standard error is gone.
    let _ = writeln!(io::stderr().lock(), "hprof: {message}");
}

/// A message as it may be printed, whatever the names in it are: nothing disturbs the terminal, and a line after the first is indented,
/// so that none can be taken for a message of its own.
fn printable(message: &str) -> String {
    let mut lines = message.trim_end().lines();
    let mut text = cut(lines.next().unwrap_or_default());
    for line in lines.by_ref().take(MOST_LINES) {
        let indent = if line.starts_with("    ") { "" } else { "    " };
        text.extend(["\n", indent, &cut(line)]);
    }
    if lines.next().is_some() {
        text.push_str("\n    ...");
    }
    text
}

/// A line without what could disturb a terminal, and not too long.
fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}...", clean(&line[..end])),
        None => clean(line).into_owned(),
    }
}

/// Prints what is wrong with the arguments, which may be names of files that a shell put there.
pub(crate) fn usage(error: &clap::Error) {
    let text = error.render().to_string();
    if text.contains(|sign: char| sign.is_control() && sign != '\n') {
        for line in text.lines() {
            let _ = writeln!(io::stderr().lock(), "{}", cut(line));
        }
    } else {
        let _ = error.print();
    }
}

/// Prints an error as one line, and its hint as another.
pub(crate) fn error(error: &anyhow::Error) {
    say(format_args!("{error:#}"));
    if let Some(hint) = failure::hint_of(error) {
        say(format_args!("hint: {hint}"));
    }
}

/// Prints the message of another program as it is.
pub(crate) fn pass_on(message: &[u8]) {
    let _ = io::stderr().lock().write_all(message);
}

/// Prints lines with names of files on the standard output.
pub(crate) fn print_lines(text: &str) -> anyhow::Result<()> {
    let lines: Vec<_> = text.lines().map(clean).collect();
    print(&(lines.join("\n") + "\n"))
}

/// Prints text on the standard output as it is.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// A bar on the terminal while something takes long; nothing where the standard error is no terminal.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// So few steps are over before anybody could read it.
    const FEW: usize = 16;

    /// Starts with the name of what is done, so many times.
    pub(crate) fn start(what: &'static str, steps: usize) -> Self {
        if steps <= Self::FEW {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("hprof: {msg} {pos} of {len}");
        let bar = ProgressBar::new(steps as u64).with_message(what);
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// One more is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_lines_that_disturb_no_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\u{9b}c"), "a\u{fffd}[2Jb\u{fffd}c");
        let forged = printable("no\nhprof: saved to x\n    indented\n");
        assert_eq!(forged, "no\n    hprof: saved to x\n    indented");
        let long = printable(&"x".repeat(66 << 20));
        assert_eq!(long.len(), LONGEST_LINE + 3);
        assert!(printable(&"x\n".repeat(1 << 20)).len() < 1000);
    }
}
