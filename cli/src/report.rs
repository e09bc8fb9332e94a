//! Where a report goes, with the colours and the width of the stream.

use std::io::{self, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use anyhow::Context;
use hprof_reports::Style;
use terminal_size::{Width, terminal_size_of};

use crate::failure::Hint;
use crate::output_file::OutputFile;

/// Where a report goes.
#[derive(Debug)]
pub(crate) enum Report {
    /// The standard error.
    Stderr,
    /// The standard output.
    Stdout,
    /// Nowhere.
    None,
    /// A file, or what else has the name.
    File(OutputFile),
}

impl Report {
    /// Opens what `--report` names: a file that cannot be written is found out before anything runs.
    pub(crate) fn open(place: &Path) -> anyhow::Result<Self> {
        match place.to_str() {
            Some("stderr") => Ok(Self::Stderr),
            Some("stdout") => Ok(Self::Stdout),
            Some("none") => Ok(Self::None),
            _ => Self::file(place).hint(
                "--report takes stderr, stdout, none or the path of a file that may be written",
            ),
        }
    }

    /// Opens what `-o` names: a file, or the standard output if it is `-`.
    pub(crate) fn file_or_stdout(place: &Path) -> anyhow::Result<Self> {
        if place == "-" {
            return Ok(Self::Stdout);
        }
        Self::file(place)
            .hint("give the path of a file that may be written, or - for the standard output")
    }

    fn file(place: &Path) -> anyhow::Result<Self> {
        let file = OutputFile::new(place)
            .with_context(|| format!("cannot write to '{}'", place.display()))?;
        Ok(Self::File(file))
    }

    /// Lets `write` write the report, which is told what the stream can show; `rich` wants colours anyway.
    pub(crate) fn write(
        self,
        rich: bool,
        write: impl Fn(Style, &mut dyn Write) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Stderr => to_stream(io::stderr(), rich, write),
            Self::Stdout => to_stream(io::stdout(), rich, write),
            Self::None => Ok(()),
            Self::File(file) => file.write(|out| {
                let style = Style {
                    color: rich,
                    width: None,
                };
                write(style, out)
            }),
        }
    }
}

fn to_stream<S>(
    stream: S,
    rich: bool,
    write: impl Fn(Style, &mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()>
where
    S: anstream::stream::RawStream + std::os::fd::AsFd,
{
    let color = rich || AutoStream::choice(&stream) != ColorChoice::Never;
    let width = stream
        .is_terminal()
        .then(|| terminal_size_of(&stream))
        .flatten();
    let style = Style {
        color,
        width: width.map(|(Width(columns), _)| usize::from(columns)),
    };
    let mut out = io::BufWriter::new(stream);
    write(style, &mut out)?;
    out.flush()?;
    Ok(())
}
