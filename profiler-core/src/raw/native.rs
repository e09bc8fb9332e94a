//! The file of sampled stacks that `hprof run --native` leaves beside a raw file: its text, written by the recorder, read with suspicion.
//!
//! One fact a line, its fields parted by tabs; `\`, tab, line feed and carriage return inside a name are written `\\`, `\t`, `\n` and `\r`.
//!
//! ```text
//! hprof-native  1                                       first line
//! asked         HZ                                      rate that was asked for
//! cpu           NS                                      CPU time of the process while stacks were sampled
//! signals       N                                       signals of the timer that reached the process
//! frame         INLINED LINE FILE FUNCTION              numbered from 0 in their order; INLINED is 0 or 1, LINE 0 if not known
//! stack         SAMPLES THREAD FRAME FRAME ...          numbers of frames, innermost first
//! end                                                   last line: the file is whole
//! ```

/// Extension of the file; the rest of its name is that of the raw file.
pub const EXTENSION: &str = "native";

const FIRST_LINE: &str = "hprof-native\t1";

/// Stacks of a process, annotated or not, sampled while it had the processor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Native {
    /// Rate that was asked for, samples a CPU second. The system's clock tick limits what is reached.
    pub asked_hz: u32,
    /// CPU time of the process while stacks were sampled, nanoseconds.
    pub cpu_ns: u64,
    /// Signals of the timer that reached the process: those above the samples were dropped.
    pub signals: u64,
    /// Each frame once.
    pub frames: Vec<NativeFrame>,
    /// Each stack of a thread once.
    pub stacks: Vec<NativeStack>,
}

/// A place where code ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NativeFrame {
    /// Name of the function, demangled; an address if there is no name.
    pub function: String,
    /// Source file, as the compiler wrote it down; empty if not known.
    pub file: String,
    /// Line in the file, from 1; 0 if not known.
    pub line: u32,
    /// Whether the function is inlined into the next frame outwards.
    pub inlined: bool,
}

/// A stack, and how often it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NativeStack {
    /// Name of the thread.
    pub thread: String,
    /// Indices in [`Native::frames`], innermost first.
    pub frames: Vec<u32>,
    /// Samples.
    pub samples: u64,
}

impl Native {
    /// All samples.
    ///
    /// ```
    /// assert_eq!(hprof::model::Native::default().samples(), 0);
    /// ```
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.stacks
            .iter()
            .fold(0, |sum, stack| sum.saturating_add(stack.samples))
    }

    /// The frames of a stack, innermost first.
    pub fn frames_of(&self, stack: &NativeStack) -> impl DoubleEndedIterator<Item = &NativeFrame> {
        stack
            .frames
            .iter()
            .filter_map(|frame| self.frames.get(*frame as usize))
    }
}

mod write {
    use std::fmt::{self, Write};

    use super::{FIRST_LINE, Native};

    /// The text of the whole file.
    pub(crate) fn text(native: &Native) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = write(native, &mut out);
        out
    }

    fn write(native: &Native, out: &mut String) -> fmt::Result {
        writeln!(out, "{FIRST_LINE}")?;
        writeln!(out, "asked\t{}", native.asked_hz)?;
        writeln!(out, "cpu\t{}", native.cpu_ns)?;
        writeln!(out, "signals\t{}", native.signals)?;
        for frame in &native.frames {
            let (file, function) = (escaped(&frame.file), escaped(&frame.function));
            let inlined = u8::from(frame.inlined);
            writeln!(out, "frame\t{inlined}\t{}\t{file}\t{function}", frame.line)?;
        }
        for stack in &native.stacks {
            write!(out, "stack\t{}\t{}", stack.samples, escaped(&stack.thread))?;
            for frame in &stack.frames {
                write!(out, "\t{frame}")?;
            }
            writeln!(out)?;
        }
        writeln!(out, "end")
    }

    fn escaped(name: &str) -> String {
        name.replace('\\', "\\\\")
            .replace('\t', "\\t")
            .replace('\n', "\\n")
            .replace('\r', "\\r")
    }
}
pub(crate) use write::text;

#[cfg(feature = "model")]
mod read {
    use super::{FIRST_LINE, Native, NativeFrame, NativeStack};

    /// Frames, or stacks, of a file: a short line of text takes several times its length in memory.
    const MOST: usize = 1 << 20;

    /// Reads the text of a file; `None` unless all of it makes sense.
    pub(crate) fn parse(text: &str) -> Option<Native> {
        let mut lines = text.lines();
        let mut native = Native::default();
        if lines.next()? != FIRST_LINE {
            return None;
        }
        loop {
            let mut fields = lines.next()?.split('\t');
            let kind = fields.next()?;
            if kind == "end" {
                break;
            }
            match kind {
                "asked" => native.asked_hz = fields.next()?.parse().ok()?,
                "cpu" => native.cpu_ns = fields.next()?.parse().ok()?,
                "signals" => native.signals = fields.next()?.parse().ok()?,
                "frame" => native.frames.push(NativeFrame {
                    inlined: fields.next()? == "1",
                    line: fields.next()?.parse().ok()?,
                    file: plain(fields.next()?)?,
                    function: plain(fields.next()?)?,
                }),
                "stack" => {
                    let samples = fields.next()?.parse().ok()?;
                    let thread = plain(fields.next()?)?;
                    let known = |number: &u32| (*number as usize) < native.frames.len();
                    let frames: Option<Vec<u32>> = fields
                        .by_ref()
                        .map(|field| field.parse().ok().filter(known))
                        .collect();
                    native.stacks.push(NativeStack {
                        thread,
                        frames: frames?,
                        samples,
                    });
                }
                _ => return None,
            }
            if fields.next().is_some() || native.frames.len().max(native.stacks.len()) > MOST {
                return None;
            }
        }
        lines.next().is_none().then_some(native)
    }

    fn plain(escaped: &str) -> Option<String> {
        let mut name = String::with_capacity(escaped.len());
        let mut signs = escaped.chars();
        while let Some(sign) = signs.next() {
            name.push(match sign {
                '\\' => match signs.next()? {
                    '\\' => '\\',
                    't' => '\t',
                    'n' => '\n',
                    'r' => '\r',
                    _ => return None,
                },
                other => other,
            });
        }
        Some(name)
    }
}
#[cfg(feature = "model")]
pub(crate) use read::parse;

#[cfg(all(test, feature = "model"))]
mod tests {
    use super::*;

    fn example() -> Native {
        let frame = |function: &str, line| NativeFrame {
            function: function.to_owned(),
            file: "/a\tb/src/\\main.rs".to_owned(),
            line,
            inlined: line == 3,
        };
        Native {
            asked_hz: 100,
            cpu_ns: 2_000_000_000,
            signals: 200,
            frames: vec![frame("core::iter::sum\n\r", 3), frame("main", 0)],
            stacks: vec![
                NativeStack {
                    thread: "main".to_owned(),
                    frames: vec![0, 1],
                    samples: 190,
                },
                NativeStack::default(),
            ],
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(parse(&text(&example())), Some(example()));
        assert_eq!(example().samples(), 190);
    }

    #[test]
    fn a_part_of_a_file_is_none() {
        let whole = text(&example());
        for end in 0..whole.len() - 1 {
            assert_eq!(parse(&whole[..end]), None, "the first {end} bytes");
        }
        assert_eq!(parse(&format!("{whole}more\n")), None);
    }

    #[test]
    fn a_stack_names_only_frames_that_are_there() {
        let wrong = text(&example()).replace("\t0\t1\n", "\t0\t2\n");
        assert_eq!(parse(&wrong), None);
    }
}
