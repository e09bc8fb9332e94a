//! Jumps out of blocks: what they leave is dropped on their row; on the header, if they continue a loop.

use super::code::{Code, Kind, Output, Scope};
use super::expressions::QUESTION;

const RETURN: Kind = "return with a value";
const RETURNED: Kind = "drop: return";
const BROKEN: Kind = "drop: break";
const CONTINUED: Kind = "drop: continue";
const FAILED: Kind = "drop: question mark";

impl Code {
    /// How many blocks a jump to the innermost of those wanted leaves; nothing if it would meet other work on its way out.
    fn way_out(&self, wanted: impl Fn(&Scope) -> bool) -> Option<usize> {
        let mut inner = self.scopes.iter().rev();
        let target = inner.position(wanted)?;
        let mut crossed = self.scopes.iter().rev().take(target);
        crossed.all(|scope| scope.plain).then_some(target + 1)
    }

    /// A jump, if one may stand here.
    pub(super) fn jump(&mut self) {
        if self.at.opaque {
            return;
        }
        if self.random.percent(30) {
            return self.idle_jump();
        }
        let count = self.way_out(|scope| scope.turns.is_some() || scope.body.is_some());
        let target = count.map(|count| &self.scopes[self.scopes.len() - count]);
        // A function that is left early has little behind it: seldom.
        let wanted = match target {
            Some(scope) if scope.turns.is_some() => 60,
            Some(_) if self.scopes.len() > 1 => 30,
            _ => 0,
        };
        if self.random.percent(wanted) && !self.at.dead {
            self.certain_jump();
        }
    }

    /// A jump that is never taken.
    fn idle_jump(&mut self) {
        let Some(returned) = self.returned() else {
            return;
        };
        self.begin();
        self.put("if ");
        self.condition(0, false);
        self.put(" {");
        self.deeper();
        self.newline();
        self.put(&format!("{returned};"));
        self.shallower();
        self.newline();
        self.put("}");
    }

    /// `return` with what the body wants.
    fn returned(&self) -> Option<&'static str> {
        let output = self.scopes.iter().rev().find_map(|scope| scope.body)?;
        Some(match output {
            Output::Nothing => "return",
            Output::Number => "return n(3)",
            Output::Option => "return Some(n(3))",
            Output::Result => "return Ok(n(3))",
        })
    }

    /// Whether a jump may leave the innermost block from here.
    pub(super) fn may_leave(&self) -> bool {
        self.way_out(|scope| scope.turns.is_some() || scope.body.is_some())
            .is_some()
    }

    /// A jump that is taken whenever control comes here, where [`Self::may_leave`] allows one.
    pub(super) fn certain_jump(&mut self) {
        let nearest = self.way_out(|scope| scope.turns.is_some() || scope.body.is_some());
        let count = nearest.unwrap();
        let target = &self.scopes[self.scopes.len() - count];
        let (header, label) = (target.turns, target.label.unwrap_or_default());
        let body = self.way_out(|scope| scope.body.is_some());
        let returns = header.is_none() || self.random.percent(20);
        self.begin();
        match (header, body) {
            (_, Some(count)) if returns => self.return_or_fail(count),
            (header, _) => {
                let mut crossed = self.scopes.iter().rev().take(count - 1);
                let needs_label = crossed.any(|scope| scope.label.is_some());
                let label = if needs_label || self.random.percent(50) {
                    format!(" 'l{label}")
                } else {
                    String::new()
                };
                if self.random.percent(50) {
                    self.put(&format!("continue{label};"));
                    self.leave(count, header.unwrap_or_default(), CONTINUED);
                } else {
                    self.put(&format!("break{label};"));
                    self.leave(count, self.at.row, BROKEN);
                }
            }
        }
    }

    fn return_or_fail(&mut self, count: usize) {
        let output = self.scopes[self.scopes.len() - count].body;
        if output == Some(Output::Result) && self.random.percent(60) {
            let place = self.place(QUESTION);
            self.put(&format!("return Err(Fail({place}))?;"));
            self.leave(count, self.at.row, FAILED);
            return;
        }
        if output == Some(Output::Number) {
            self.put("return ");
            self.number(1, RETURN);
        } else {
            self.put(self.returned().unwrap_or("return"));
        }
        self.put(";");
        self.leave(count, self.at.row, RETURNED);
    }
}
