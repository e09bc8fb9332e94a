//! Everything that is printed: messages and reports, with the colours and the width of the stream they go to.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, anyhow};
use hprof::model::Profile;
use hprof_reports::{LineTableOptions, Style, Unit, write_line_tables};
use tempfile::NamedTempFile;
use terminal_size::{Width, terminal_size_of};

use crate::args::TableArgs;
use crate::failure::{self, Hint};

/// Prints a message of hprof on the standard error.
pub(crate) fn say(message: impl fmt::Display) {
    // Nobody is left to be told if the standard error is gone.
    let _ = writeln!(io::stderr().lock(), "hprof: {message}");
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

/// Prints text on the standard output.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Where a report goes.
#[derive(Debug)]
pub(crate) enum Report {
    /// The standard error.
    Stderr,
    /// The standard output.
    Stdout,
    /// Nowhere.
    None,
    /// A file: written under a temporary name beside it until it is complete.
    File(PathBuf, NamedTempFile),
}

impl Report {
    /// Opens it: a file that cannot be written is found out before anything runs.
    pub(crate) fn open(place: &Path) -> anyhow::Result<Self> {
        match place.to_str() {
            Some("stderr") => return Ok(Self::Stderr),
            Some("stdout") => return Ok(Self::Stdout),
            Some("none") => return Ok(Self::None),
            _ => {}
        }
        let name = || format!("cannot write the report to '{}'", place.display());
        let hint = "--report takes stderr, stdout, none or the path of a file that may be written";
        let path = std::path::absolute(place).with_context(name).hint(hint)?;
        if path.is_dir() {
            return Err(failure::with_hint(
                anyhow!("a folder is there").context(name()),
                hint,
            ));
        }
        let folder = path.parent().unwrap_or(Path::new("/"));
        let file = NamedTempFile::new_in(folder)
            .map_err(failure::without_path)
            .with_context(name)
            .hint(hint)?;
        Ok(Self::File(path, file))
    }

    /// Writes the tables of a profile.
    pub(crate) fn tables(self, profile: &Profile, args: &TableArgs) -> anyhow::Result<()> {
        match self {
            Self::Stderr => to_stream(io::stderr(), profile, args),
            Self::Stdout => to_stream(io::stdout(), profile, args),
            Self::None => Ok(()),
            Self::File(path, mut file) => {
                let style = Style {
                    color: args.rich,
                    width: None,
                };
                write_line_tables(
                    profile,
                    &options(args, style),
                    &mut io::BufWriter::new(&mut file),
                )?;
                persist(file, &path)
                    .with_context(|| format!("cannot write the report to {}", path.display()))
            }
        }
    }
}

/// Gives a finished file its name, readable as any other file.
fn persist(file: NamedTempFile, path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(0o644))?;
    file.persist(path)?;
    Ok(())
}

fn to_stream<S>(stream: S, profile: &Profile, args: &TableArgs) -> anyhow::Result<()>
where
    S: anstream::stream::RawStream + std::os::fd::AsFd,
{
    let color = args.rich || AutoStream::choice(&stream) != ColorChoice::Never;
    let width = stream
        .is_terminal()
        .then(|| terminal_size_of(&stream))
        .flatten();
    let style = Style {
        color,
        width: width.map(|(Width(columns), _)| usize::from(columns)),
    };
    let mut out = io::BufWriter::new(stream);
    write_line_tables(profile, &options(args, style), &mut out)?;
    out.flush()?;
    Ok(())
}

fn options(args: &TableArgs, style: Style) -> LineTableOptions {
    let mut options = LineTableOptions::default();
    options.unit = args.unit.map_or(Unit::Auto, Unit::Seconds);
    options.sort_by_total = args.sort;
    options.summarize = args.summarize;
    options.skip_zero = args.skip_zero;
    options.min_percent = args.min_percent;
    options.top = args.top;
    options.alloc = args.alloc;
    options.style = style;
    options
}
