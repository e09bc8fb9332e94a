//! The text of the generated functions, and the row that control is on while it is written.
//!
//! The rules of docs/metrics.md are few, seen from here. A statement has the row of its first line. What is written inside a
//! branch has the rows of the statements there, and behind the branch the row of the statement around holds again: who writes a
//! branch keeps [`Code::at`] and puts it back. What a block owns is dropped on the row of its closing brace, which is known when
//! that is written: [`Scope::owned`] waits for it.

use super::random::Random;

/// What kind of place it is, as it is printed.
pub(super) type Kind = &'static str;

/// Something that may cost time.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Number of the generated function.
    pub(super) function: usize,
    pub(super) kind: Kind,
    /// The row that its cost belongs to; 0 until it is known.
    pub(super) row: u32,
    /// Another row that is as right: what a jump out of an arm leaves may be dropped on the row of the jump, or on that of the
    /// statement with the arm, if the arm has a variable to drop itself.
    pub(super) also: u32,
    /// The limit of hprof that makes this row the right one, if it takes one.
    pub(super) limit: Option<&'static str>,
}

/// What a `return` or `?` would leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    Nothing,
    Number,
    Option,
    Result,
}

/// Where control is, and what may be written there. Who writes something that has such a state of its own, as a branch does, keeps
/// this and puts it back.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) row: u32,
    /// Everything on one line.
    pub(super) flat: bool,
    /// Inside something that has no rows of its own.
    pub(super) opaque: bool,
    pub(super) may_await: bool,
    /// In the body of an async function or block, where no loop only counts.
    pub(super) task: bool,
    /// Control never comes here.
    pub(super) dead: bool,
    /// Whether a temporary would be dropped at the end of the statement, while control is on its row.
    pub(super) temporaries: bool,
}

/// A block that is being written.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) kind: Kind,
    /// Places of what is dropped at its end.
    pub(super) owned: Vec<u32>,
    /// Places of what a pattern around the block has bound, which is dropped behind it, and the row of that.
    pub(super) variables: Vec<u32>,
    pub(super) around: u32,
    /// Row of the header, if it is the body of a loop.
    pub(super) turns: Option<u32>,
    pub(super) label: Option<u32>,
    /// What it returns, if it is the body of a function, a closure or an async block.
    pub(super) body: Option<Output>,
    /// Whether it is a statement, so that a jump out of it meets no more work and no guard of a value.
    pub(super) plain: bool,
}

impl Scope {
    /// A block whose value is wanted.
    pub(super) fn value(kind: Kind) -> Self {
        Self {
            kind,
            owned: Vec::new(),
            variables: Vec::new(),
            around: 0,
            turns: None,
            label: None,
            body: None,
            plain: false,
        }
    }

    /// A block that is a statement.
    pub(super) fn plain(kind: Kind) -> Self {
        Self {
            plain: true,
            ..Self::value(kind)
        }
    }

    /// The body of a function, a closure or an async block.
    pub(super) fn body(kind: Kind, output: Output) -> Self {
        Self {
            body: Some(output),
            ..Self::value(kind)
        }
    }
}

/// The text so far.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) text: String,
    pub(super) line: u32,
    depth: usize,
    pub(super) at: At,
    /// Nothing of the statement is written yet, so `if` and `{` would be statements of their own.
    pub(super) leading: bool,
    pub(super) scopes: Vec<Scope>,
    pub(super) places: Vec<Place>,
    pub(super) random: Random,
    pub(super) edition: u32,
    pub(super) function: usize,
    /// Jumps written so far that are taken.
    pub(super) jumps: u32,
    names: u32,
}

impl Code {
    pub(super) fn new(seed: u64, edition: u32) -> Self {
        Self {
            text: String::new(),
            line: 1,
            depth: 0,
            at: At {
                row: 0,
                flat: false,
                opaque: false,
                may_await: false,
                task: false,
                dead: false,
                temporaries: false,
            },
            leading: false,
            scopes: Vec::new(),
            places: Vec::new(),
            random: Random::new(seed),
            edition,
            function: 0,
            jumps: 0,
            names: 0,
        }
    }

    /// Writes on the line.
    pub(super) fn put(&mut self, text: &str) {
        assert!(!text.contains('\n'), "lines are counted: {text}");
        self.text.push_str(text);
        self.leading = false;
    }

    /// Goes to the next line.
    pub(super) fn newline(&mut self) {
        if self.at.flat {
            self.text.push(' ');
            return;
        }
        self.text.push('\n');
        self.line += 1;
        self.text.push_str(&"    ".repeat(self.depth));
    }

    pub(super) fn deeper(&mut self) {
        self.depth += 1;
    }

    pub(super) fn shallower(&mut self) {
        self.depth -= 1;
    }

    /// Begins a statement, with the row of its line.
    pub(super) fn begin(&mut self) {
        self.newline();
        self.leading = true;
        self.arrive();
    }

    /// Control comes to a marker of this line.
    pub(super) fn arrive(&mut self) {
        if !self.at.opaque {
            self.at.row = self.line;
        }
    }

    /// Begins a list in brackets, over several lines by chance. The result is what [`Self::next`] and [`Self::close`] want.
    pub(super) fn open(&mut self, opening: &str) -> bool {
        self.put(opening);
        let broken = self.random.percent(40);
        if broken {
            self.deeper();
            self.newline();
        }
        broken
    }

    /// Between two elements.
    pub(super) fn next(&mut self, broken: bool) {
        self.put(",");
        if broken {
            self.newline();
        } else {
            self.put(" ");
        }
    }

    pub(super) fn close(&mut self, broken: bool, closing: &str) {
        if broken {
            self.shallower();
            self.newline();
        }
        self.put(closing);
    }

    /// A new place, on the row of this moment.
    pub(super) fn place(&mut self, kind: Kind) -> u32 {
        let row = self.at.row;
        self.add(kind, row)
    }

    /// A new place, dropped where the innermost block ends.
    pub(super) fn owned(&mut self, kind: Option<Kind>) -> u32 {
        let scope = self.scopes.last().unwrap();
        let place = self.add(kind.unwrap_or(scope.kind), 0);
        self.scopes.last_mut().unwrap().owned.push(place);
        place
    }

    pub(super) fn add(&mut self, kind: Kind, row: u32) -> u32 {
        self.places.push(Place {
            function: self.function,
            kind,
            row,
            also: 0,
            limit: None,
        });
        u32::try_from(self.places.len() - 1).unwrap()
    }

    /// What is owned by a block is moved away or dropped earlier: on this row.
    pub(super) fn disown(&mut self, place: u32) {
        for scope in &mut self.scopes {
            scope.owned.retain(|owned| *owned != place);
        }
        let row = self.at.row;
        self.settle(place, row);
    }

    /// Says the row of a place, unless it is known.
    pub(super) fn settle(&mut self, place: u32, row: u32) {
        let place = &mut self.places[place as usize];
        if place.row == 0 {
            place.row = row;
        }
    }

    /// Leaves the innermost `count` blocks from the row of this moment, or from another: what they own is dropped there.
    pub(super) fn leave(&mut self, count: usize, row: u32, kind: Kind) {
        let mut also = 0;
        for scope in self.scopes.iter_mut().rev().take(count) {
            let leave = |place: u32, also: u32, places: &mut Vec<Place>| {
                let place = &mut places[place as usize];
                if place.row == 0 {
                    (place.row, place.also, place.kind) = (row, also, kind);
                }
            };
            for place in scope.owned.drain(..) {
                leave(place, also, &mut self.places);
            }
            if scope.turns.is_none() && !scope.variables.is_empty() {
                also = scope.around;
            }
            for place in scope.variables.drain(..) {
                leave(place, also, &mut self.places);
            }
        }
        self.jumps += 1;
    }

    /// The closing brace of the innermost block.
    pub(super) fn close_scope(&mut self) {
        self.newline();
        let scope = self.scopes.pop().unwrap();
        let row = if self.at.opaque {
            self.at.row
        } else {
            self.line
        };
        for place in scope.owned {
            self.settle(place, row);
        }
        for place in scope.variables {
            self.settle(place, scope.around);
        }
        self.put("}");
    }

    /// A name that no other variable has.
    pub(super) fn name(&mut self, start: &str) -> String {
        format!("{start}{}", self.number_of_a_name())
    }

    pub(super) fn number_of_a_name(&mut self) -> u32 {
        self.names += 1;
        self.names
    }

    /// Whether the function has become long enough.
    pub(super) fn is_long(&self) -> bool {
        let mine = self.places.iter().rev();
        mine.take_while(|place| place.function == self.function)
            .count()
            > 16
    }
}
