//! What is stored once and referred to by number: texts and locations.

use std::cell::Cell;
use std::collections::HashMap;

use super::error::Damage;
use super::message;
use super::wire::Fields;

/// Texts and locations while a file is written.
#[derive(Debug)]
pub(super) struct Tables {
    strings: HashMap<String, u32>,
    locations: HashMap<(u32, u32), u64>,
    in_order: Vec<message::Location>,
}

impl Tables {
    pub(super) fn new() -> Self {
        Self {
            strings: HashMap::from([(String::new(), 0)]),
            locations: HashMap::new(),
            in_order: Vec::new(),
        }
    }

    /// Number of a text.
    pub(super) fn string(&mut self, text: &str) -> u32 {
        if let Some(number) = self.strings.get(text) {
            return *number;
        }
        let number = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        self.strings.insert(text.to_owned(), number);
        number
    }

    /// The same as the messages of pprof have it.
    pub(super) fn text(&mut self, text: &str) -> i64 {
        i64::from(self.string(text))
    }

    /// Id of a line of a function.
    pub(super) fn location(&mut self, function: u32, line: u32) -> u64 {
        let next = self.in_order.len() as u64 + 1;
        let id = *self.locations.entry((function, line)).or_insert(next);
        if id == next {
            self.in_order.push(message::Location {
                id,
                mapping: 1,
                line: vec![message::Line {
                    function: function_id(function),
                    line: line.into(),
                }],
            });
        }
        id
    }

    /// All locations, and all texts by number.
    pub(super) fn finish(self) -> (Vec<message::Location>, Vec<String>) {
        let mut strings: Vec<_> = self.strings.into_iter().collect();
        strings.sort_unstable_by_key(|(_, number)| *number);
        let strings = strings.into_iter().map(|(text, _)| text).collect();
        (self.in_order, strings)
    }
}

/// Id of a function in pprof's messages, given its index.
pub(super) fn function_id(index: u32) -> u64 {
    u64::from(index) + 1
}

/// The texts of a file that is read.
#[derive(Debug)]
pub(super) struct Strings<'a> {
    texts: Vec<&'a str>,
    budget: Budget,
}

/// Bytes of memory that the profile may still take: small parts, and a long text that many parts refer to, must not fill the memory.
#[derive(Debug)]
pub(super) struct Budget(Cell<usize>);

/// What any profile may take.
const SMALL: usize = 64 << 20;
/// Above that, how often the bytes of the message: profiles come to 6 times.
const LARGEST: usize = 16;
/// And how often the bytes that those were packed in.
const LARGEST_PACKED: usize = 256;

impl Budget {
    /// For a message of so many bytes, packed in so many.
    pub(super) fn new(message: usize, packed: usize) -> Self {
        let most = message.saturating_mul(LARGEST);
        let most = most.min(packed.saturating_mul(LARGEST_PACKED));
        Self(Cell::new(most.max(SMALL)))
    }

    /// Takes so many bytes of it.
    fn spend(&self, bytes: usize) -> Result<(), Damage> {
        let left = self.0.get().checked_sub(bytes);
        let left =
            left.ok_or_else(|| Damage::new("memory", "less than the file makes likely", "more"))?;
        self.0.set(left);
        Ok(())
    }
}

impl<'a> Strings<'a> {
    pub(super) fn read(message: &'a [u8], budget: Budget) -> Result<Self, Damage> {
        let mut texts = Vec::new();
        for bytes in Fields::parts(message, message::field::STRING) {
            budget.spend(size_of::<&str>())?;
            let text = str::from_utf8(bytes?);
            texts.push(text.map_err(|error| Damage::new("text", "UTF-8", error))?);
        }
        match texts.first() {
            Some(&"") => {}
            Some(first) => {
                return Err(Damage::new(
                    "first text",
                    "the empty one",
                    format!("{first:?}"),
                ));
            }
            None => return Err(Damage::new("table of texts", "one text or more", "none")),
        }
        Ok(Self { texts, budget })
    }

    pub(super) fn get(&self, number: i64) -> Result<&'a str, Damage> {
        let text = usize::try_from(number)
            .ok()
            .and_then(|number| self.texts.get(number));
        text.copied().ok_or_else(|| {
            Damage::new(
                "number of a text",
                format!("one below {}", self.texts.len()),
                number,
            )
        })
    }

    /// A copy of a text.
    pub(super) fn copy(&self, number: impl Into<i64>) -> Result<String, Damage> {
        let text = self.get(number.into())?;
        self.spend(text.len())?;
        Ok(text.to_owned())
    }

    /// Notes that something takes so many bytes of memory.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), Damage> {
        self.budget.spend(bytes)
    }

    /// Notes that so many of a kind take their room.
    pub(super) fn spend_on<T>(&self, count: usize) -> Result<(), Damage> {
        self.spend(count.saturating_mul(size_of::<T>()))
    }
}
