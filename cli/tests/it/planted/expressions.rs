//! Numbers: calls, operators and everything else that works on what stands inside it.
//!
//! Behind an operand control is on the row of the statement again, whatever the operand was, so most shapes here are a place behind an
//! operand that may hold branches.

use super::branches::Ending;
use super::code::{Code, Kind, Output};

pub(super) const ARGUMENT: Kind = "argument";
pub(super) const OPERAND: Kind = "operand";
pub(super) const CONDITION: Kind = "condition";
const CALL: Kind = "call behind its arguments";
const RECEIVER: Kind = "receiver";
const METHOD: Kind = "method behind its receiver";
const FIELD: Kind = "field";
const ELEMENT: Kind = "element";
const OPERATOR: Kind = "operator";
const INDEX: Kind = "index";
const RANGE: Kind = "range";
const AWAIT: Kind = "await";
pub(super) const QUESTION: Kind = "question mark";
const TEMPORARY: Kind = "temporary of a statement";
const MACRO: Kind = "macro argument";

impl Code {
    /// An expression that is a number, `depth` deep at most.
    pub(super) fn number(&mut self, depth: usize, kind: Kind) {
        if depth == 0 || self.is_long() {
            return self.leaf(kind);
        }
        let depth = depth - 1;
        match self.random.below(23) {
            0 => self.leaf(kind),
            1 | 2 => self.call(depth),
            3 | 4 => self.method(depth),
            5 => self.fields(depth),
            6 | 7 => self.sum(depth),
            8 => self.operator(depth),
            9 => self.indexed(depth),
            10 => self.elements(depth),
            11 => self.awaited(depth),
            12 => self.questioned(depth),
            13 => self.temporary(depth),
            14 => self.in_macro(depth),
            15 | 16 => self.if_value(depth),
            17 | 18 => self.match_value(depth),
            19 => self.block_value(depth),
            20 => self.loop_value(depth),
            21 => self.called_closure(depth),
            _ => self.chain(depth),
        }
    }

    pub(super) fn leaf(&mut self, kind: Kind) {
        if self.random.percent(70) {
            let place = self.place(kind);
            self.put(&format!("w({place})"));
        } else {
            let number = self.random.below(5);
            self.put(&format!("n({number})"));
        }
    }

    fn call(&mut self, depth: usize) {
        let list = self.open("heavy(");
        self.number(depth, ARGUMENT);
        self.next(list);
        let place = self.place(CALL);
        self.put(&format!("{place}"));
        self.close(list, ")");
    }

    fn method(&mut self, depth: usize) {
        if self.random.percent(60) {
            // A block-like receiver needs no parentheses, at the start of a statement either.
            if self.random.percent(50) {
                self.if_with(depth, Ending::Receiver);
            } else {
                self.match_with(depth, Ending::Receiver);
            }
        } else {
            let list = self.open("N(");
            self.number(depth, RECEIVER);
            self.close(list, ")");
        }
        let broken = self.random.percent(40);
        if broken {
            self.deeper();
            self.newline();
        }
        let place = self.place(METHOD);
        self.put(&format!(".heavy({place})"));
        if broken {
            self.shallower();
        }
    }

    fn fields(&mut self, depth: usize) {
        self.put("Rec::sum(");
        let fields = self.open("Rec { ");
        self.put("kind: ");
        self.number(depth, FIELD);
        self.next(fields);
        self.put("size: ");
        if self.random.percent(50) {
            self.leaf(FIELD);
        } else {
            self.number(depth, FIELD);
        }
        self.close(fields, " })");
    }

    fn sum(&mut self, depth: usize) {
        let parentheses = self.leading;
        self.put_if(parentheses, "(");
        self.number(depth, OPERAND);
        self.put_if(parentheses, ")");
        self.put(" + ");
        if self.random.percent(60) {
            self.leaf(OPERAND);
        } else {
            self.put("(");
            self.number(depth, OPERAND);
            self.put(")");
        }
    }

    /// Operators that are calls.
    fn operator(&mut self, depth: usize) {
        let place = self.place(OPERATOR);
        if self.random.percent(50) {
            self.put("!Op(");
            self.number(depth, OPERAND);
            self.put(&format!(", {place})"));
        } else {
            self.put(&format!("(Op(1, {place}) + "));
            self.number(depth, OPERAND);
            self.put(")");
        }
    }

    fn indexed(&mut self, depth: usize) {
        if self.random.percent(50) {
            let place = self.place(INDEX);
            self.put(&format!("Op(3, {place})["));
            self.number(depth, INDEX);
            self.put("]");
        } else {
            let list = self.open("len(");
            self.put("(");
            self.number(depth, RANGE);
            self.put(")..");
            self.leaf(RANGE);
            self.close(list, ")");
        }
    }

    fn elements(&mut self, depth: usize) {
        let (opening, closing) = self.random.pick(&[("(", ").1"), ("[", "][1]")]);
        let list = self.open(opening);
        self.number(depth, ELEMENT);
        self.next(list);
        self.leaf(ELEMENT);
        self.close(list, closing);
    }

    fn awaited(&mut self, depth: usize) {
        if !self.at.may_await {
            return self.call(depth);
        }
        let place = self.place(AWAIT);
        if self.random.percent(40) {
            self.if_with(depth, Ending::Later(place));
            return self.put(".await");
        }
        let name = self.random.pick(&["later", "slow"]);
        let list = self.open(&format!("{name}("));
        self.number(depth, ARGUMENT);
        self.next(list);
        self.put(&format!("{place}"));
        self.close(list, ").await");
    }

    fn questioned(&mut self, depth: usize) {
        let returned = self.scopes.iter().rev().find_map(|scope| scope.body);
        if self.at.opaque || returned != Some(Output::Result) {
            return self.method(depth);
        }
        let list = self.open("pass(");
        self.number(depth, ARGUMENT);
        self.next(list);
        let place = self.place(QUESTION);
        self.put(&format!("{place}"));
        self.close(list, ")?");
    }

    /// What is dropped where the statement ends, which is behind all of it. Temporaries of the value of a block may outlive it.
    fn temporary(&mut self, depth: usize) {
        if !self.at.temporaries {
            return self.call(depth);
        }
        let place = self.place(TEMPORARY);
        self.put(&format!("(hold(&D({place})), "));
        self.number(depth, ARGUMENT);
        self.put(").1");
    }

    /// Nothing in the arguments of a macro has a row of its own.
    fn in_macro(&mut self, depth: usize) {
        let at = self.at;
        (self.at.opaque, self.at.may_await, self.at.temporaries) = (true, false, false);
        let (opening, closing) = self
            .random
            .pick(&[("same!(", ")"), ("hold(&vec![1, ", "])")]);
        self.put(opening);
        self.number(depth, MACRO);
        self.put(closing);
        self.at = at;
    }

    /// Something that is true or false, as wanted.
    pub(super) fn condition(&mut self, depth: usize, truth: bool) {
        if depth > 0 && !self.is_long() && self.random.percent(50) {
            let depth = depth - 1;
            match self.random.below(4) {
                0 => {
                    self.put("(");
                    self.number(depth, CONDITION);
                    self.put(if truth { ") < 1000" } else { ") > 1000" });
                }
                1 => {
                    self.condition(depth, true);
                    self.put(" && ");
                    self.condition(0, truth);
                }
                2 if !truth => {
                    self.put("(");
                    self.condition(depth, false);
                    self.put(" || ");
                    self.condition(0, false);
                    self.put(")");
                }
                _ => {
                    self.put("!(");
                    self.condition(depth, !truth);
                    self.put(")");
                }
            }
            return;
        }
        let place = self.place(CONDITION);
        self.put(&format!("w({place}) {}", if truth { "> 0" } else { "> 9" }));
    }

    pub(super) fn put_if(&mut self, wanted: bool, text: &str) {
        if wanted {
            self.put(text);
        }
    }
}
