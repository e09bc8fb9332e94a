//! Branches that have a value: `if`, `match`, blocks and loops. Behind them the row of the statement around holds again.

use super::code::{Code, Kind, Scope};

const BRANCH: Kind = "value of a branch";
const ARM: Kind = "arm";
const GUARD: Kind = "guard of an arm";
const SCRUTINEE: Kind = "scrutinee";
const BREAK: Kind = "break with a value";

/// What the end of a block has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// A statement.
    Nothing,
    /// A number.
    Number,
    /// What has a method that takes it.
    Receiver,
    /// What takes time to be dropped, wherever it is then.
    Owner(u32),
    /// A future that is slow, when someone awaits it.
    Later(u32),
    /// A number, by jumping out of the block with this label.
    Break(u32),
}

impl Code {
    /// A value of the kind that is wanted, except a jump.
    fn value(&mut self, depth: usize, kind: Kind, ending: Ending) {
        match ending {
            Ending::Nothing => self.put("()"),
            Ending::Number | Ending::Break(_) => self.number(depth, kind),
            Ending::Receiver => {
                self.put("N(");
                self.number(depth, kind);
                self.put(")");
            }
            Ending::Owner(place) => self.put(&format!("D({place})")),
            Ending::Later(place) => {
                self.put("later(");
                self.number(depth, kind);
                self.put(&format!(", {place})"));
            }
        }
    }

    /// Something in braces whose value is wanted. One that is never reached is short.
    fn value_block(&mut self, depth: usize, scope: Scope, ending: Ending) {
        let at = self.at;
        self.at.may_await = false;
        self.at.flat |= self.random.percent(20);
        self.block(depth, scope, ending);
        self.at = at;
    }

    pub(super) fn if_value(&mut self, depth: usize) {
        self.if_with(depth, Ending::Number);
    }

    pub(super) fn if_with(&mut self, depth: usize, ending: Ending) {
        let at = self.at;
        let first = self.random.percent(60);
        if self.random.percent(25) {
            let (name, source) = (self.name("o"), if first { "some" } else { "absent" });
            self.put(&format!("if let Some({name}) = {source}("));
            self.at.temporaries = false;
            self.number(depth.saturating_sub(1), SCRUTINEE);
            self.at = at;
            self.put(") ");
        } else {
            self.put("if ");
            self.condition(depth, first);
            self.put(" ");
        }
        self.branch(depth, first, "drop: if", ending);
        self.put(" else ");
        if self.random.percent(35) {
            let second = self.random.percent(50);
            self.arrive();
            self.put("if ");
            self.condition(depth.min(1), second);
            self.put(" ");
            self.branch(depth, !first && second, "drop: else if", ending);
            self.put(" else ");
            self.branch(depth, !first && !second, "drop: else", ending);
        } else {
            self.branch(depth, !first, "drop: else", ending);
        }
        self.at = at;
    }

    fn branch(&mut self, depth: usize, taken: bool, kind: Kind, ending: Ending) {
        self.value_block(if taken { depth } else { 0 }, Scope::value(kind), ending);
    }

    pub(super) fn match_value(&mut self, depth: usize) {
        self.match_with(depth, Ending::Number);
    }

    pub(super) fn match_with(&mut self, depth: usize, ending: Ending) {
        let at = self.at;
        self.put("match ");
        self.at.temporaries = false;
        self.number(depth.saturating_sub(1), SCRUTINEE);
        self.put(" {");
        self.deeper();
        for _ in 0..self.random.below(3) {
            self.newline();
            self.at.row = at.row;
            if self.random.percent(40) {
                let place = self.place(GUARD);
                self.put(&format!("k if k + w({place}) > 5000 => "));
            } else {
                let number = 7000 + self.random.below(9);
                self.put(&format!("{number} => "));
            }
            self.arm(0, ending);
        }
        self.newline();
        self.put("_ => ");
        self.arm(depth, ending);
        self.shallower();
        self.newline();
        self.put("}");
        self.at = at;
    }

    /// The body of an arm, which is on the row of the pattern if it is no block.
    fn arm(&mut self, depth: usize, ending: Ending) {
        let at = self.at;
        if self.random.percent(50) {
            self.value_block(depth, Scope::value("drop: arm"), ending);
            self.put_if(self.at.flat, ",");
        } else {
            self.at.may_await = false;
            self.at.temporaries = self.tail_ends_temporaries();
            self.arrive();
            if self.random.percent(25) {
                self.deeper();
                self.newline();
                self.shallower();
            }
            self.leading = true;
            self.value(depth, ARM, ending);
            self.put(",");
        }
        self.at = at;
    }

    /// A block, `unsafe` or with a label that it is left by: `'a: { .. break 'a v; }`; or such a loop.
    pub(super) fn block_value(&mut self, depth: usize) {
        match self.random.below(3) {
            0 => self.value_block(depth, Scope::value("drop: block"), Ending::Number),
            1 => {
                self.put("unsafe ");
                self.value_block(depth, Scope::value("drop: unsafe block"), Ending::Number);
            }
            _ => self.labelled(depth, "", Scope::value("drop: labelled block")),
        }
    }

    pub(super) fn loop_value(&mut self, depth: usize) {
        self.labelled(depth, "loop ", Scope::value("drop: loop with a value"));
    }

    fn labelled(&mut self, depth: usize, keyword: &str, mut scope: Scope) {
        let label = self.number_of_a_name();
        scope.label = Some(label);
        self.put(&format!("'l{label}: {keyword}"));
        let falls_out = keyword.is_empty() && self.random.percent(40);
        let ending = if falls_out {
            Ending::Number
        } else {
            Ending::Break(label)
        };
        self.value_block(depth, scope, ending);
    }

    /// Whether temporaries of the value of a block are dropped before its variables, while control is on its last row.
    pub(super) fn tail_ends_temporaries(&self) -> bool {
        self.edition >= 2024
    }

    /// What a block ends with.
    pub(super) fn ending(&mut self, depth: usize, ending: Ending) {
        self.at.temporaries = self.tail_ends_temporaries();
        // The row of a brace behind a value would have to be kept over the await.
        self.at.may_await &= self
            .scopes
            .last()
            .is_some_and(|scope| scope.owned.is_empty());
        match ending {
            Ending::Nothing => {}
            Ending::Break(label) => {
                self.begin();
                self.put(&format!("break 'l{label} "));
                self.number(depth, BREAK);
                self.leave(1, self.at.row, "drop: break with a value");
                self.put(";");
            }
            _ => {
                self.begin();
                self.value(depth, BRANCH, ending);
            }
        }
    }
}
