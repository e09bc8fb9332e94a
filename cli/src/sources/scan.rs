//! The functions of a Rust source text, found by its words and brackets. No grammar is followed: a text that nobody vouches for could
//! nest deeper than a parser's stack is, while this keeps no more than the brackets that are open.

/// Brackets that may be open at once: no text of a person is nested deeper.
const DEEPEST: usize = 1000;

/// The lines of a function, and its type and name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) name: String,
    /// The function around, by its index.
    around: Option<usize>,
}

/// All functions of a text, those inside others too, in the order of their first lines. None if its brackets do not match.
pub(super) fn functions(text: &str) -> Vec<Span> {
    let mut scan = Scan {
        spans: Vec::new(),
        levels: vec![Level::default()],
    };
    let mut words = Words {
        text,
        at: 0,
        line: 1,
    };
    while let Some((word, line)) = words.next() {
        if scan.take(&word, line).is_none() {
            return Vec::new();
        }
    }
    if scan.levels.len() == 1 {
        scan.spans
    } else {
        Vec::new()
    }
}

/// The innermost function around a line.
pub(super) fn innermost(spans: &[Span], line: u32) -> Option<&Span> {
    let after = spans.partition_point(|span| span.start <= line);
    let mut found = spans.get(after.checked_sub(1)?)?;
    while found.end < line {
        found = spans.get(found.around?)?;
    }
    Some(found)
}

/// A word of a text.
#[derive(Debug, PartialEq, Eq)]
enum Word<'a> {
    Name(&'a str),
    /// A name that is no keyword, whatever it looks like.
    Raw(&'a str),
    Open(u8),
    Close(u8),
    Sign(u8),
    /// A literal or a lifetime.
    Other,
}

/// The words of a text one after the other.
struct Words<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

impl<'a> Words<'a> {
    fn byte(&self, ahead: usize) -> u8 {
        let byte = self.text.as_bytes().get(self.at.saturating_add(ahead));
        byte.copied().unwrap_or(0)
    }

    /// Goes on by so many bytes, and counts the lines.
    fn skip(&mut self, bytes: usize) {
        let end = (self.at + bytes).min(self.text.len());
        let skipped = self.text.as_bytes().get(self.at..end).unwrap_or_default();
        let lines = skipped.iter().filter(|byte| **byte == b'\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.at = end;
    }

    /// Goes on to the end of what `is_part` holds of, and returns it.
    fn run(&mut self, is_part: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let length = rest.iter().position(|byte| !is_part(*byte));
        self.skip(length.unwrap_or(rest.len()));
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The next word and its line.
    fn next(&mut self) -> Option<(Word<'a>, u32)> {
        loop {
            match (self.byte(0), self.byte(1)) {
                _ if self.at >= self.text.len() => return None,
                (byte, _) if byte.is_ascii_whitespace() => self.skip(1),
                (b'/', b'/') => {
                    self.run(|byte| byte != b'\n');
                }
                (b'/', b'*') => self.comment(),
                _ => break,
            }
        }
        let line = self.line;
        let word = match self.byte(0) {
            byte @ (b'(' | b'[' | b'{') => {
                self.skip(1);
                Word::Open(byte)
            }
            byte @ (b')' | b']' | b'}') => {
                self.skip(1);
                Word::Close(byte)
            }
            b'"' => self.text_literal(1),
            b'\'' => self.quote(),
            byte if byte.is_ascii_digit() => {
                self.run(is_name);
                Word::Other
            }
            byte if is_name(byte) => self.name(),
            byte => {
                self.skip(1);
                Word::Sign(byte)
            }
        };
        Some((word, line))
    }

    /// A name, or the literal that it begins.
    fn name(&mut self) -> Word<'a> {
        let name = self.run(is_name);
        match (name, self.byte(0)) {
            ("b" | "c", b'"') => self.text_literal(1),
            ("b", b'\'') => self.quote(),
            ("r" | "br" | "cr", b'"' | b'#') => self.raw(),
            _ => Word::Name(name),
        }
    }

    /// What follows an `r`: a string without escapes, or a name.
    fn raw(&mut self) -> Word<'a> {
        let hashes = self.run(|byte| byte == b'#').len();
        if self.byte(0) == b'"' {
            let end = format!("\"{}", "#".repeat(hashes));
            self.skip(1);
            let rest = self.text.get(self.at..).unwrap_or_default();
            let length = rest.find(&end).map_or(rest.len(), |at| at + end.len());
            self.skip(length);
            return Word::Other;
        }
        Word::Raw(self.run(is_name))
    }

    /// The rest of a string with escapes, after so many bytes.
    fn text_literal(&mut self, start: usize) -> Word<'a> {
        self.skip(start);
        loop {
            self.run(|byte| !matches!(byte, b'"' | b'\\'));
            match self.byte(0) {
                b'\\' => self.skip(2),
                _ => {
                    self.skip(1);
                    return Word::Other;
                }
            }
        }
    }

    /// A character or a lifetime.
    fn quote(&mut self) -> Word<'a> {
        self.skip(1);
        if self.byte(0) == b'\\' {
            self.skip(2);
            self.run(|byte| !matches!(byte, b'\'' | b'\n'));
            self.skip(1);
            return Word::Other;
        }
        let first = self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next());
        let length = first.map_or(0, char::len_utf8);
        if self.byte(length) == b'\'' {
            self.skip(length + 1);
        } else {
            self.run(is_name);
        }
        Word::Other
    }

    fn comment(&mut self) {
        let mut depth = 0_u32;
        loop {
            match (self.byte(0), self.byte(1)) {
                (b'/', b'*') => {
                    depth = depth.saturating_add(1);
                    self.skip(2);
                }
                (b'*', b'/') => {
                    depth = depth.saturating_sub(1);
                    self.skip(2);
                }
                _ => self.skip(1),
            }
            if depth == 0 || self.at >= self.text.len() {
                return;
            }
        }
    }
}

/// Whether a byte is a part of names; those outside of ASCII are taken for such.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The item that a brace opens.
#[derive(Debug, Default)]
enum Head {
    #[default]
    Nothing,
    /// After `fn`, on this line.
    Keyword(u32),
    Function {
        name: String,
        line: u32,
    },
    /// After `impl`: the type so far, if it is one with a name.
    Implementation {
        owner: Option<String>,
        state: TypeState,
    },
    /// After `trait`.
    Trait(Option<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TypeState {
    /// Nothing of the type was there yet.
    Start,
    /// The last name is that of the type.
    Path,
    /// A type without a name, such as `[T]`, or the bounds that follow.
    Over,
}

/// Inside of one bracket.
#[derive(Debug, Default)]
struct Level {
    open: u8,
    /// The type or trait whose functions stand here.
    owner: Option<String>,
    /// The function that ends with the bracket.
    ends: Option<usize>,
    /// The function around.
    around: Option<usize>,
    head: Head,
    /// Angle brackets open in the head.
    angles: u32,
    /// The sign before.
    before: u8,
}

struct Scan {
    spans: Vec<Span>,
    levels: Vec<Level>,
}

impl Scan {
    /// Takes a word; `None` if it does not fit.
    fn take(&mut self, word: &Word<'_>, line: u32) -> Option<()> {
        let level = self.levels.last_mut()?;
        match *word {
            Word::Open(open) => return self.open(open, line),
            Word::Close(close) => return self.close(close, line),
            Word::Name(name) => level.name(name, line),
            Word::Raw(name) => level.raw_name(name),
            Word::Sign(sign) => level.sign(sign),
            Word::Other => {}
        }
        level.before = if let Word::Sign(sign) = *word {
            sign
        } else {
            0
        };
        Some(())
    }

    fn open(&mut self, open: u8, line: u32) -> Option<()> {
        if self.levels.len() > DEEPEST {
            return None;
        }
        let around = self.levels.last_mut()?;
        around.before = 0;
        let mut level = Level {
            open,
            around: around.around,
            ..Level::default()
        };
        if open == b'{' && around.angles == 0 {
            match std::mem::take(&mut around.head) {
                Head::Function { name, line: start } => {
                    let name = match &around.owner {
                        Some(owner) => format!("{owner}::{name}"),
                        None => name,
                    };
                    let index = self.spans.len();
                    self.spans.push(Span {
                        start,
                        end: line,
                        name,
                        around: around.around,
                    });
                    level.ends = Some(index);
                    level.around = Some(index);
                }
                Head::Implementation { owner, .. } | Head::Trait(owner) => level.owner = owner,
                Head::Nothing | Head::Keyword(_) => {}
            }
        } else {
            around.bracket();
        }
        self.levels.push(level);
        Some(())
    }

    fn close(&mut self, close: u8, line: u32) -> Option<()> {
        let level = self.levels.pop()?;
        let fits = matches!(
            (level.open, close),
            (b'(', b')') | (b'[', b']') | (b'{', b'}')
        );
        if !fits || self.levels.is_empty() {
            return None;
        }
        if let Some(span) = level.ends.and_then(|index| self.spans.get_mut(index)) {
            span.end = line;
        }
        Some(())
    }
}

impl Level {
    fn name(&mut self, name: &str, line: u32) {
        match &mut self.head {
            Head::Nothing => {
                self.angles = 0;
                self.head = match name {
                    "fn" => Head::Keyword(line),
                    "impl" => Head::Implementation {
                        owner: None,
                        state: TypeState::Start,
                    },
                    "trait" => Head::Trait(None),
                    _ => Head::Nothing,
                };
            }
            Head::Keyword(line) => {
                self.head = Head::Function {
                    name: name.to_owned(),
                    line: *line,
                };
            }
            Head::Implementation { owner, state } if self.angles == 0 => match name {
                "for" => {
                    *owner = None;
                    *state = TypeState::Start;
                }
                "where" => *state = TypeState::Over,
                "dyn" | "fn" if *state == TypeState::Start => *state = TypeState::Over,
                _ if *state != TypeState::Over => {
                    *owner = Some(name.to_owned());
                    *state = TypeState::Path;
                }
                _ => {}
            },
            Head::Trait(owner @ None) => *owner = Some(name.to_owned()),
            Head::Function { .. } | Head::Implementation { .. } | Head::Trait(Some(_)) => {}
        }
    }

    fn raw_name(&mut self, name: &str) {
        if !matches!(self.head, Head::Nothing) {
            self.name(name, 0);
        }
    }

    fn sign(&mut self, sign: u8) {
        match sign {
            b';' => self.head = Head::Nothing,
            b'<' => self.angles = self.angles.saturating_add(1),
            b'>' if !matches!(self.before, b'-' | b'=') => {
                self.angles = self.angles.saturating_sub(1);
            }
            b'&' | b'*' | b'!' => self.unnamed(),
            _ => {}
        }
        if matches!(self.head, Head::Keyword(_)) {
            self.head = Head::Nothing;
        }
        if matches!(self.head, Head::Nothing) {
            self.angles = 0;
        }
    }

    /// A bracket that opens no item.
    fn bracket(&mut self) {
        if matches!(self.head, Head::Keyword(_)) {
            self.head = Head::Nothing;
        }
        self.unnamed();
    }

    /// What comes is no type with a name.
    fn unnamed(&mut self) {
        if let Head::Implementation { state, .. } = &mut self.head
            && self.angles == 0
            && *state == TypeState::Start
        {
            *state = TypeState::Over;
        }
    }
}
