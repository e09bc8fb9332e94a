//! Bodies inside a body: closures, async blocks, and what is caught when it panics.

use super::branches::Ending;
use super::code::{Code, Kind, Output, Scope};
use super::expressions::ARGUMENT;

const CLOSURE: Kind = "closure";
const STEP: Kind = "iterator step";
const CAPTURE: Kind = "drop: capture of a closure";
const PARAMETER: Kind = "parameter of a closure";
const PANICKED: Kind = "drop: panic";

impl Code {
    /// A body of its own: no `await` of the one around, no statement that goes on.
    fn body(&mut self, depth: usize, kind: Kind, output: Output, may_await: bool) {
        let at = self.at;
        (self.at.may_await, self.at.temporaries) = (may_await, false);
        self.at.task = may_await;
        let ending = match output {
            Output::Number => Ending::Number,
            _ => Ending::Nothing,
        };
        self.block(depth, Scope::body(kind, output), ending);
        self.at = at;
    }

    /// `|x| ..`, which is called by the statement it stands in.
    fn closure(&mut self, depth: usize, parameters: &str, kind: Kind) {
        let at = self.at;
        (self.at.may_await, self.at.temporaries) = (false, false);
        self.at.task = false;
        self.put(&format!("|{parameters}| "));
        match self.random.below(4) {
            // On a single line it has no row.
            0 => {
                (self.at.flat, self.at.opaque) = (true, true);
                self.scopes.push(Scope::body(kind, Output::Number));
                self.number(depth.min(1), kind);
                self.scopes.pop();
            }
            // An expression over several lines has the row of the first.
            1 if !self.at.flat => {
                self.arrive();
                self.put("heavy(");
                self.scopes.push(Scope::body(kind, Output::Number));
                self.deeper();
                self.newline();
                self.number(depth, kind);
                self.put(",");
                self.newline();
                let place = self.place(kind);
                self.put(&format!("{place}"));
                self.shallower();
                self.newline();
                self.put(")");
                self.scopes.pop();
            }
            _ if self.at.flat => self.leaf(kind),
            _ => self.body(depth, "drop: closure", Output::Number, false),
        }
        self.at = at;
    }

    pub(super) fn called_closure(&mut self, depth: usize) {
        if self.random.percent(20) {
            return self.owning_parameter(depth);
        }
        let name = self.name("c");
        let list = self.open("apply(");
        self.closure(depth, &format!("{name}: u64"), CLOSURE);
        self.next(list);
        self.number(depth.min(1), ARGUMENT);
        self.close(list, ")");
    }

    /// A parameter of a closure is dropped at the end of its body.
    fn owning_parameter(&mut self, depth: usize) {
        if self.at.flat {
            return self.leaf(ARGUMENT);
        }
        let name = self.name("c");
        let at = self.at;
        (self.at.may_await, self.at.temporaries) = (false, false);
        self.at.task = false;
        self.put(&format!("apply(|{name}: D| {{"));
        let inner = self.at;
        self.scopes
            .push(Scope::body("drop: closure", Output::Number));
        let place = self.add(PARAMETER, 0);
        self.deeper();
        self.statements(0, depth);
        self.ending(depth, Ending::Number);
        self.shallower();
        self.close_scope();
        let row = if inner.opaque { inner.row } else { self.line };
        self.settle(place, row);
        self.at = inner;
        self.put(&format!(", D({place}))"));
        self.at = at;
    }

    /// An iterator whose steps are closures.
    pub(super) fn chain(&mut self, depth: usize) {
        let place = self.place(STEP);
        let broken = self.random.percent(70);
        self.put(&format!("it(2, {place})"));
        if broken {
            self.deeper();
        }
        for _ in 0..=self.random.below(2) {
            if broken {
                self.newline();
            }
            let name = self.name("c");
            self.put(".map(");
            self.closure(depth, &name, STEP);
            self.put(")");
        }
        if broken {
            self.newline();
        }
        if self.random.percent(50) {
            self.put(".sum::<u64>()");
        } else {
            self.put(".fold(0, ");
            let (sum, name) = (self.name("c"), self.name("c"));
            self.closure(depth.min(1), &format!("{sum}, {name}"), STEP);
            self.put(")");
        }
        if broken {
            self.shallower();
        }
    }

    /// A closure that is called later, or an async block.
    pub(super) fn closure_statement(&mut self, depth: usize) {
        match self.random.below(4) {
            0 => self.async_block(depth),
            1 => self.capturing(depth),
            2 => self.on_one_line(),
            _ => {
                let (name, result) = (self.name("f"), self.name("x"));
                self.begin();
                self.put(&format!("let {name} = || "));
                self.body(depth, "drop: closure", Output::Number, false);
                self.put(";");
                self.begin();
                self.put(&format!("let {result} = {name}();"));
            }
        }
    }

    /// A closure that has no row of its own costs where it is called.
    fn on_one_line(&mut self) {
        let (name, result) = (self.name("f"), self.name("x"));
        let place = self.add(CLOSURE, 0);
        self.begin();
        self.put(&format!("let {name} = || w({place});"));
        self.begin();
        self.put(&format!("let {result} = {name}() + "));
        self.leaf(ARGUMENT);
        self.put(";");
        self.settle(place, self.at.row);
    }

    /// What a closure has captured is dropped with it: by the call that takes it, or with its variable.
    fn capturing(&mut self, depth: usize) {
        let consumed = self.random.percent(50);
        let place = if consumed {
            self.add(CAPTURE, 0)
        } else {
            self.owned(None)
        };
        let (owner, name) = (self.name("d"), self.name("f"));
        self.begin();
        self.put(&format!("let {owner} = D({place});"));
        self.begin();
        self.put(&format!("let {name} = move |k: u64| "));
        let at = self.at;
        self.put("{");
        self.scopes
            .push(Scope::body("drop: closure", Output::Number));
        self.deeper();
        (self.at.may_await, self.at.temporaries) = (false, false);
        self.at.task = false;
        self.begin();
        self.put(&format!("sink(hold(&{owner}));"));
        self.statements(0, depth);
        self.ending(depth, Ending::Number);
        self.shallower();
        self.close_scope();
        self.at = at;
        self.put(";");
        if consumed {
            self.begin();
            self.put(&format!("sink(apply({name}, 1));"));
            self.settle(place, self.at.row);
        }
    }

    fn async_block(&mut self, depth: usize) {
        let result = self.name("x");
        self.begin();
        let moves = self.random.pick(&["async ", "async move "]);
        if self.at.may_await && self.random.percent(60) {
            self.put(&format!("let {result} = {moves}"));
            self.body(depth, "drop: async block", Output::Number, true);
            self.put(".await;");
        } else {
            self.put(&format!("let {result} = block_on({moves}"));
            self.body(depth, "drop: async block", Output::Number, true);
            self.put(");");
        }
    }

    /// What a panic leaves is dropped on the row of the panic.
    pub(super) fn caught(&mut self, depth: usize) {
        self.begin();
        if self.at.flat || self.at.opaque {
            return self.put("sink(1);");
        }
        let result = self.name("x");
        self.put(&format!("let {result} = caught(|| "));
        let at = self.at;
        self.put("{");
        self.scopes
            .push(Scope::body("drop: closure", Output::Number));
        self.deeper();
        (self.at.may_await, self.at.temporaries) = (false, false);
        self.at.task = false;
        self.owner(0);
        let jumps = self.jumps;
        self.statements(0, depth);
        if self.jumps == jumps {
            self.begin();
            self.put("std::panic::resume_unwind(Box::new(1));");
            self.leave(1, self.at.row, PANICKED);
        } else {
            self.begin();
            self.put("0");
        }
        self.shallower();
        self.close_scope();
        self.at = at;
        self.put(");");
    }
}
