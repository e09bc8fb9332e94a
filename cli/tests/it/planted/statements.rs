//! Blocks and their statements.

use super::branches::Ending;
use super::code::{Code, Kind, Scope};
use super::expressions::{ARGUMENT, OPERAND};

const LET: Kind = "let";
const STATEMENT: Kind = "statement";
const HEADER: Kind = "header of a loop";
const ITERATOR: Kind = "iterator step";
const VARIABLE: Kind = "drop: variable of a loop";
const COUNTED: Kind = "drop: turn of a counted loop";
const ARM_VARIABLE: Kind = "drop: variable of an arm";
const ASSIGNED: Kind = "assignment";

impl Code {
    /// A block from brace to brace. Control is where it was before.
    pub(super) fn block(&mut self, depth: usize, scope: Scope, ending: Ending) {
        let at = self.at;
        self.put("{");
        self.scopes.push(scope);
        self.deeper();
        let least = usize::from(matches!(ending, Ending::Nothing));
        self.statements(least, depth);
        self.ending(depth, ending);
        self.shallower();
        self.close_scope();
        self.at = at;
    }

    /// Some statements of the innermost block.
    pub(super) fn statements(&mut self, least: usize, depth: usize) {
        let count = least + self.random.below(if depth == 0 { 2 } else { 3 });
        for index in 0..count {
            let jumps = self.jumps;
            self.statement(depth);
            if self.jumps > jumps && index + 1 == count {
                // Else a jump out of the last statement would leave the block by its value.
                self.begin();
                self.put("sink(0);");
            }
        }
        if self.random.percent(25) {
            self.jump();
        }
    }

    fn statement(&mut self, depth: usize) {
        let at = self.at;
        self.at.temporaries = true;
        match self.random.below(20) {
            0..=2 => self.let_number(depth),
            3 | 4 => self.called(depth),
            5..=8 => self.owner(depth),
            9 => self.assignment(depth),
            10 | 11 if depth > 0 => self.for_loop(depth - 1),
            12 if depth > 0 => self.while_loop(depth - 1),
            13 if depth > 0 => self.endless_loop(depth - 1),
            14 | 15 if depth > 0 => self.branch_statement(depth - 1),
            16 if depth > 0 => self.block_statement(depth - 1),
            17 if depth > 0 => self.closure_statement(depth - 1),
            18 if depth > 0 => self.let_else(depth - 1),
            19 if depth > 0 => self.caught(depth - 1),
            _ => self.called(depth.min(1)),
        }
        let row = self.at.row;
        self.at = at;
        self.at.row = row;
    }

    fn let_number(&mut self, depth: usize) {
        self.begin();
        match self.random.below(5) {
            4 => {
                let (name, truth) = (self.name("x"), self.random.percent(50));
                self.put(&format!("let {name} = "));
                self.condition(depth, truth);
            }
            0 => {
                let (one, other) = (self.name("x"), self.name("x"));
                self.put(&format!("let ({one}, {other}) = ("));
                self.number(depth, LET);
                self.put(", ");
                self.leaf(LET);
                self.put(")");
            }
            1 => {
                let name = self.name("r");
                self.put(&format!("let {name} = "));
                let list = self.open("Rec { ");
                self.put("kind: ");
                self.number(depth, LET);
                self.next(list);
                self.put("size: ");
                self.leaf(LET);
                self.close(list, " }");
            }
            _ => {
                let name = self.name("x");
                self.put(&format!("let {name} = "));
                self.number(depth, LET);
            }
        }
        self.put(";");
        if self.random.percent(10) {
            // A second statement on the line.
            let name = self.name("x");
            self.put(&format!(" let {name} = "));
            let flat = std::mem::replace(&mut self.at.flat, true);
            self.arrive();
            self.leaf(LET);
            self.at.flat = flat;
            self.put(";");
        }
    }

    fn called(&mut self, depth: usize) {
        self.begin();
        if self.random.percent(10) {
            self.put("#[allow(unused)]");
            self.begin();
        }
        let list = self.open("sink(");
        self.number(depth, STATEMENT);
        self.close(list, ");");
    }

    /// Assignments drop the old value behind the new one, and are calls where the operator is.
    fn assignment(&mut self, depth: usize) {
        let name = self.name("a");
        self.begin();
        if self.random.percent(30) {
            let place = self.add(ASSIGNED, 0);
            self.put(&format!("let mut {name} = Op(1, {place});"));
            self.begin();
            self.put(&format!("{name} += "));
            self.number(depth, OPERAND);
            self.put(";");
            self.settle(place, self.at.row);
            return;
        }
        let (old, new) = (self.add(ASSIGNED, 0), self.owned(None));
        let (declared, target) = self.random.pick(&[
            ("D(OLD)", "NAME"),
            ("Box::new(D(OLD))", "*NAME"),
            ("[D(OLD)]", "NAME[0]"),
            ("(1, D(OLD))", "NAME.1"),
        ]);
        let declared = declared.replace("OLD", &old.to_string());
        self.put(&format!("let mut {name} = {declared};"));
        self.begin();
        self.put(&format!("{} = ", target.replace("NAME", &name)));
        match self.random.below(3) {
            0 => self.if_with(depth, Ending::Owner(new)),
            1 => self.match_with(depth, Ending::Owner(new)),
            _ => self.put(&format!("D({new})")),
        }
        self.put(";");
        self.settle(old, self.at.row);
    }

    /// The header of a loop has the time of its iterator and of its variables.
    fn for_loop(&mut self, depth: usize) {
        self.begin();
        let header = self.at.row;
        let label = self.number_of_a_name();
        let mut scope = Scope::plain("drop: turn of a for loop");
        (scope.turns, scope.label) = (Some(header), Some(label));
        let name = self.name("i");
        match self.random.below(5) {
            0 => {
                self.put(&format!("'l{label}: for {name} in 0..2u64 "));
            }
            1 => {
                let (one, other) = (self.add(VARIABLE, 0), self.add(VARIABLE, 0));
                (scope.variables, scope.around) = (vec![one, other], header);
                let name = if self.random.percent(20) { "_" } else { &name };
                self.put(&format!("'l{label}: for {name} in [D({one}), D({other})] "));
            }
            2 => {
                self.put(&format!("'l{label}: for {name} in 0..N("));
                self.number(depth, ARGUMENT);
                self.put(").least(2) ");
            }
            _ => {
                let place = self.place(ITERATOR);
                self.put(&format!("'l{label}: for {name} in it(2, {place}) "));
            }
        }
        self.loop_body(depth, scope);
    }

    /// The body of a loop whose header is no call. One in which nothing is called only counts, and all its time is the header's, what it
    /// drops included; so the others begin with a call.
    fn loop_body(&mut self, depth: usize, mut scope: Scope) {
        let counted = self.random.percent(20) && !self.at.task;
        if counted {
            for place in scope.variables.drain(..) {
                self.settle(place, scope.around);
            }
        }
        let at = self.at;
        self.put("{");
        self.scopes.push(scope);
        self.deeper();
        if counted {
            let place = self.add(COUNTED, at.row);
            let name = self.name("d");
            self.newline();
            self.put(&format!("let {name} = D({place});"));
        } else {
            self.begin();
            self.put("sink(0);");
            self.statements(1, depth);
        }
        self.shallower();
        self.close_scope();
        self.at = at;
    }

    fn while_loop(&mut self, depth: usize) {
        let name = self.name("t");
        self.begin();
        let label = self.number_of_a_name();
        let mut scope = Scope::plain("drop: turn of a while loop");
        scope.label = Some(label);
        if self.random.percent(30) {
            let place = self.add(VARIABLE, 0);
            self.put(&format!("let mut {name} = vec![D({place})];"));
            self.begin();
            let bound = self.random.pick(&["Some(x)", "Some(_)"]);
            self.put(&format!("'l{label}: while let {bound} = {name}.pop() "));
            (scope.variables, scope.around) = (vec![place], self.at.row);
        } else {
            self.put(&format!("let mut {name} = 0;"));
            self.begin();
            let place = self.place(HEADER);
            self.put(&format!("'l{label}: while step(&mut {name}, 2, {place})"));
            if self.random.percent(50) {
                self.put(" && ");
                self.condition(depth, true);
            }
            self.put(" ");
        }
        scope.turns = Some(self.at.row);
        self.block(depth, scope, Ending::Nothing);
    }

    /// A `loop` that is left before anything is bound.
    fn endless_loop(&mut self, depth: usize) {
        let name = self.name("t");
        self.begin();
        self.put(&format!("let mut {name} = 0;"));
        self.begin();
        let label = self.number_of_a_name();
        let mut scope = Scope::plain("drop: turn of a loop");
        (scope.turns, scope.label) = (Some(self.at.row), Some(label));
        self.put(&format!("'l{label}: loop {{"));
        let at = self.at;
        self.scopes.push(scope);
        self.deeper();
        self.begin();
        let place = self.place(HEADER);
        self.put(&format!("if !step(&mut {name}, 2, {place}) {{"));
        self.deeper();
        self.begin();
        self.put("break;");
        self.shallower();
        self.newline();
        self.put("}");
        self.statements(1, depth);
        self.shallower();
        self.close_scope();
        self.at = at;
    }

    fn branch_statement(&mut self, depth: usize) {
        self.begin();
        let at = self.at;
        if self.random.percent(25) {
            // What a pattern takes out of a value is dropped behind the arm.
            let (name, place) = (self.name("v"), self.add(ARM_VARIABLE, 0));
            let with_variable = |kind| Scope {
                variables: vec![place],
                around: at.row,
                ..Scope::plain(kind)
            };
            if self.random.percent(50) {
                self.put(&format!("if let Some({name}) = some(D({place})) "));
                self.block(depth, with_variable("drop: if"), Ending::Nothing);
            } else {
                self.put(&format!("match some(D({place})) {{"));
                self.deeper();
                self.newline();
                self.put("None => {}");
                self.newline();
                self.put(&format!("Some({name}) => "));
                self.block(depth, with_variable("drop: arm"), Ending::Nothing);
                self.shallower();
                self.newline();
                self.put("}");
            }
        } else if self.random.percent(50) {
            self.put("if ");
            self.condition(depth, true);
            self.put(" ");
            self.block(depth, Scope::plain("drop: if"), Ending::Nothing);
            if self.random.percent(50) {
                self.put(" else ");
                self.at.dead = true;
                self.block(0, Scope::plain("drop: else"), Ending::Nothing);
            }
        } else {
            self.put("match ");
            self.at.temporaries = false;
            self.number(depth, ARGUMENT);
            self.put(" {");
            self.deeper();
            self.newline();
            self.put("7777 => {}");
            self.newline();
            self.put("_ => ");
            self.block(depth, Scope::plain("drop: arm"), Ending::Nothing);
            self.shallower();
            self.newline();
            self.put("}");
        }
        self.at = at;
    }

    fn block_statement(&mut self, depth: usize) {
        self.begin();
        let (keyword, kind) = self.random.pick(&[
            ("", "drop: block"),
            ("unsafe ", "drop: unsafe block"),
            ("'b: ", "drop: labelled block"),
        ]);
        let mut scope = Scope::plain(kind);
        if keyword == "'b: " {
            scope.label = Some(0);
        }
        self.put(keyword);
        self.block(depth, scope, Ending::Nothing);
    }

    fn let_else(&mut self, depth: usize) {
        self.begin();
        let name = self.name("e");
        let live = self.random.percent(70) || !self.may_leave() || self.at.opaque;
        let source = if live { "some" } else { "absent" };
        self.put(&format!("let Some({name}) = {source}("));
        self.number(depth, LET);
        self.put(") else ");
        let jumps = self.jumps;
        let at = self.at;
        self.put("{");
        self.scopes.push(Scope::plain("drop: else of a let"));
        self.deeper();
        let short = if live { 0 } else { depth };
        let count = self.random.below(2);
        for _ in 0..count {
            self.statement(short);
        }
        if live {
            // Never reached: nothing is left.
            self.begin();
            self.put("panic!();");
        } else {
            self.certain_jump();
        }
        self.shallower();
        self.close_scope();
        self.at = at;
        self.jumps = jumps + u32::from(!live);
        self.put(";");
    }
}
