//! Variables that take time to be dropped: mostly on the row of the brace that closes their block.

use super::branches::Ending;
use super::code::{Code, Kind};
use super::expressions::ARGUMENT;

const DROPPED: Kind = "drop: by a call";
const AT_ONCE: Kind = "drop: at once";
const SCRUTINEE: Kind = "drop: temporary of a scrutinee";
const EXTENDED: Kind = "drop: temporary as long as its block";
const LATE: Kind = "drop: variable initialised later";

/// Ways to own something, where `D` stands for it and `NAME` for the variable.
const WAYS: &[&str] = &[
    "let NAME = D;",
    "let NAME = D;",
    "let _NAME = D;",
    "let mut NAME = D;",
    "let NAME: D_TYPE = D;",
    "let NAME = Box::new(D);",
    "let NAME = vec![D];",
    "let NAME = std::rc::Rc::new(D);",
    "let NAME: Box<dyn std::any::Any> = Box::new(D);",
    "let NAME = (1, D);",
    "let NAME = [D];",
    "let NAME = Some(D);",
    "let NAME = Pair { first: D, second: 2 };",
    "let (NAME, _) = (D, 1);",
    "let Pair { first: NAME, .. } = (Pair { first: D, second: 2 });",
    "let ref NAME = D;",
    "let Some(NAME) = some(D) else { panic!() };",
    "let mut NAME = Vec::new(); NAME.push(D);",
    "let mut NAME = None; NAME = Some(D);",
    "let NAME = D; let NAME = Some(NAME);",
    "let NAME = D; let NAME = move || hold(&NAME);",
];

impl Code {
    /// Something that is dropped, in one of many ways.
    pub(super) fn owner(&mut self, depth: usize) {
        match self.random.below(16) {
            0 => self.passed_on(),
            1 => self.moved(),
            2 => self.shadowed(),
            3 => self.dropped_at_once(),
            4 => self.held_by_a_scrutinee(depth),
            5 => self.extended(),
            6 => self.initialised_later(),
            7 => self.branch_owner(depth),
            _ => {
                let way = self.random.pick(WAYS);
                let place = self.owned(None);
                let (name, value) = (self.name("d"), format!("D({place})"));
                let parts = way.split_inclusive("; ");
                for part in parts {
                    self.begin();
                    let part = part.replace("D_TYPE", "plants::D_");
                    let part = part.replace("= D;", &format!("= {value};"));
                    let part = part.replace("(D", &format!("({value}"));
                    let part = part.replace(" D)", &format!(" {value})"));
                    let part = part.replace("[D]", &format!("[{value}]"));
                    let part = part.replace(": D,", &format!(": {value},"));
                    let part = part.replace("plants::D_", "D").replace("NAME", &name);
                    self.put(part.trim_end());
                }
            }
        }
    }

    fn declared(&mut self) -> (String, u32) {
        let (name, place) = (self.name("d"), self.owned(None));
        self.begin();
        self.put(&format!("let {name} = D({place});"));
        (name, place)
    }

    /// Dropped by a call, always or where a condition holds.
    fn passed_on(&mut self) {
        let (name, place) = self.declared();
        let call = self.random.pick(&["drop", "eat"]);
        match self.random.below(3) {
            0 => {
                self.begin();
                self.put(&format!("{call}({name});"));
                self.disown(place);
                self.rename(place, DROPPED);
            }
            taken => {
                self.begin();
                self.put("if ");
                self.condition(0, taken == 1);
                self.put(" {");
                let at = self.at;
                self.deeper();
                self.begin();
                self.put(&format!("{call}({name});"));
                if taken == 1 {
                    self.disown(place);
                    self.rename(place, DROPPED);
                }
                self.shallower();
                self.newline();
                self.put("}");
                self.at = at;
            }
        }
    }

    fn rename(&mut self, place: u32, kind: Kind) {
        self.places[place as usize].kind = kind;
    }

    /// Moved to another variable of the block.
    fn moved(&mut self) {
        let (name, _) = self.declared();
        let other = self.name("d");
        self.begin();
        self.put(&format!("let {other} = {name};"));
    }

    fn shadowed(&mut self) {
        let (name, _) = self.declared();
        let place = self.owned(None);
        self.begin();
        self.put(&format!("let {name} = D({place});"));
    }

    fn dropped_at_once(&mut self) {
        self.begin();
        let place = self.place(AT_ONCE);
        let statement = self.random.pick(&[
            "let _ = D(P);",
            "_ = D(P);",
            "D(P);",
            "let _ = hold(&D(P));",
        ]);
        self.put(&statement.replace('P', &place.to_string()));
    }

    /// What is matched lives as long as the `match`: its drop stays with what ran last. A limit of hprof.
    fn held_by_a_scrutinee(&mut self, depth: usize) {
        if self.at.opaque || self.at.flat {
            return self.dropped_at_once();
        }
        let place = self.add(SCRUTINEE, 0);
        self.begin();
        let at = self.at;
        self.put(&format!("match hold(&D({place})) {{"));
        self.deeper();
        self.newline();
        self.put("9 => {}");
        self.newline();
        self.put("_ => {");
        self.deeper();
        self.begin();
        self.put("sink(");
        self.number(depth.min(1), ARGUMENT);
        self.put(");");
        let last = self.at.row;
        self.shallower();
        self.newline();
        self.put("}");
        self.shallower();
        self.newline();
        // A value of the block, which it would be without, may end its temporaries later.
        self.put("};");
        self.settle(place, last);
        self.places[place as usize].limit = Some("temporaries of a scrutinee");
        self.at = at;
    }

    /// A temporary behind a reference lives as long as the variable.
    fn extended(&mut self) {
        let (name, place) = (self.name("d"), self.owned(Some(EXTENDED)));
        self.begin();
        self.put(&format!("let {name} = &D({place});"));
    }

    fn initialised_later(&mut self) {
        let (name, place) = (self.name("d"), self.owned(Some(LATE)));
        self.begin();
        self.put(&format!("let {name};"));
        self.begin();
        self.put(&format!("{name} = D({place});"));
    }

    fn branch_owner(&mut self, depth: usize) {
        let place = self.owned(None);
        let name = self.name("d");
        self.begin();
        self.put(&format!("let {name} = "));
        if self.random.percent(50) {
            self.if_with(depth.min(1), Ending::Owner(place));
        } else {
            self.match_with(depth.min(1), Ending::Owner(place));
        }
        self.put(";");
    }
}
