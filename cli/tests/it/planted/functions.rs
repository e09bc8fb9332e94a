//! The generated functions: their parameters, their results, and how they are called.

use super::branches::Ending;
use super::code::{Code, Kind, Output, Place, Scope};

const PARAMETER: Kind = "parameter";
const RECEIVER: Kind = "parameter: self";

/// How deep expressions and blocks are nested.
const DEPTH: usize = 4;

/// Parameters that own something: pattern and type, and the argument.
const OWNERS: &[(&str, &str)] = &[
    ("NAME: D", "D(ONE)"),
    ("mut NAME: D", "D(ONE)"),
    ("_: D", "D(ONE)"),
    ("_NAME: D", "D(ONE)"),
    ("(NAME, _): (D, D)", "(D(ONE), D(TWO))"),
    (
        "Pair { first: NAME, .. }: Pair",
        "Pair { first: D(ONE), second: 1 }",
    ),
    ("NAME: Vec<D>", "vec![D(ONE), D(TWO)]"),
    ("NAME: Option<D>", "Some(D(ONE))"),
    ("NAME: impl Sized", "D(ONE)"),
    ("NAME: Box<dyn std::any::Any>", "Box::new(D(ONE))"),
    (
        "NAME: impl Fn() -> u64",
        "{ let d = D(ONE); move || hold(&d) }",
    ),
];

/// Receivers, and the expression that the method is called on.
const RECEIVERS: &[(&str, &str)] = &[
    ("self", "Holder(D(ONE))"),
    ("mut self", "Holder(D(ONE))"),
    ("self: Box<Self>", "Box::new(Holder(D(ONE)))"),
    ("&self", "Holder(D(99999))"),
    ("&mut self", "Holder(D(99999))"),
];

/// The text of the functions, and what costs what in them.
pub(super) struct Functions {
    pub(super) text: String,
    pub(super) places: Vec<Place>,
    /// The line of each function's name.
    pub(super) lines: Vec<u32>,
}

/// Functions by chance.
pub(super) fn generate(seed: u64, count: usize, edition: u32) -> Functions {
    let mut code = Code::new(seed, edition);
    code.put(&format!("// Seed {seed}, edition {edition}."));
    code.newline();
    code.put("use super::plants::*;");
    code.newline();
    code.put("use hprof::profile;");
    code.newline();
    code.put(&format!("pub const COUNT: usize = {count};"));
    let (mut calls, mut lines) = (Vec::new(), Vec::new());
    for function in 0..count {
        code.function = function;
        code.newline();
        let (call, line) = code.function();
        calls.push(call);
        lines.push(line);
    }
    code.newline();
    code.put("pub fn call(number: usize) {");
    code.deeper();
    code.newline();
    code.put("match number {");
    for (number, call) in calls.iter().enumerate() {
        code.newline();
        code.put(&format!("{number} => {{ hold(&{call}); }}"));
    }
    code.newline();
    code.put("_ => {}");
    code.newline();
    code.put("}");
    code.shallower();
    code.newline();
    code.put("}");
    code.newline();
    Functions {
        text: code.text,
        places: code.places,
        lines,
    }
}

/// What stands before the body of a function, and how it is called.
struct Signature {
    is_async: bool,
    /// Whether it is a method, and then whether the attribute stands on its `impl` block.
    is_method: bool,
    attribute_above: bool,
    output: Output,
    parameters: Vec<String>,
    call: String,
    /// Places of what its parameters own.
    owned: Vec<u32>,
}

impl Code {
    fn signature(&mut self, name: &str) -> Signature {
        let output = self.random.pick(&[
            Output::Number,
            Output::Number,
            Output::Nothing,
            Output::Result,
            Output::Option,
        ]);
        let (is_async, is_method) = (self.random.percent(20), self.random.percent(25));
        let mut owned = Vec::new();
        let (mut parameters, mut arguments) = (Vec::new(), Vec::new());
        let mut callee = name.to_owned();
        if is_method {
            let (receiver, value) = self.random.pick(RECEIVERS);
            let value = self.filled(value, RECEIVER, &mut owned);
            parameters.push(receiver.to_owned());
            callee = format!("({value}).{name}");
        }
        for _ in 0..self.random.below(3) {
            let variable = self.name("p");
            let (parameter, value) = if self.random.percent(50) {
                ("NAME: u64", "n(2)")
            } else {
                self.random.pick(OWNERS)
            };
            parameters.push(parameter.replace("NAME", &variable));
            arguments.push(self.filled(value, PARAMETER, &mut owned));
        }
        let call = format!("{callee}({})", arguments.join(", "));
        Signature {
            is_async,
            is_method,
            attribute_above: is_method && self.random.percent(50),
            output,
            parameters,
            call: if is_async {
                format!("block_on({call})")
            } else {
                call
            },
            owned,
        }
    }

    /// A function; how it is called, and its line.
    fn function(&mut self) -> (String, u32) {
        let name = format!("f{}", self.function);
        let signature = self.signature(&name);
        if signature.is_method {
            self.put_if(signature.attribute_above, "#[profile] ");
            self.put("impl Holder {");
            self.deeper();
            self.newline();
        }
        self.put_if(!signature.attribute_above, "#[profile]");
        self.newline();
        let line = self.line;
        let result = match signature.output {
            Output::Nothing => "",
            Output::Number => "-> u64 ",
            Output::Option => "-> Option<u64> ",
            Output::Result => "-> Result<u64, Failure> ",
        };
        let parameters = signature.parameters.join(", ");
        self.put("pub ");
        self.put_if(signature.is_async, "async ");
        self.put(&format!("fn {name}({parameters}) {result}"));
        self.at.row = self.line;
        (self.at.may_await, self.at.task) = (signature.is_async, signature.is_async);
        let end = self.function_body(signature.output);
        for place in signature.owned {
            self.settle(place, end);
        }
        if signature.is_method {
            self.shallower();
            self.newline();
            self.put("}");
        }
        self.newline();
        (signature.call, line)
    }

    /// An argument with places for what it owns, which is dropped where the function ends.
    fn filled(&mut self, value: &str, kind: Kind, owned: &mut Vec<u32>) -> String {
        let mut value = value.to_owned();
        for gap in ["ONE", "TWO"] {
            if value.contains(gap) {
                let place = self.add(kind, 0);
                value = value.replace(gap, &place.to_string());
                owned.push(place);
            }
        }
        value
    }

    /// The row of the closing brace.
    fn function_body(&mut self, output: Output) -> u32 {
        self.put("{");
        self.scopes.push(Scope::body("drop: function", output));
        self.deeper();
        if self.random.percent(15) {
            self.nested();
        }
        self.statements(1, DEPTH - 1);
        match output {
            Output::Nothing => {}
            Output::Number => self.ending(DEPTH, Ending::Number),
            Output::Option | Output::Result => {
                self.at.temporaries = self.tail_ends_temporaries();
                self.begin();
                self.put(if output == Output::Option {
                    "Some("
                } else {
                    "Ok("
                });
                self.number(DEPTH, "argument");
                self.put(")");
            }
        }
        self.shallower();
        self.close_scope();
        self.line
    }
}

impl Code {
    /// An annotated function in the function, and its call.
    fn nested(&mut self) {
        let name = self.name("inner");
        let outer = (std::mem::take(&mut self.scopes), self.at);
        let mut owned = Vec::new();
        self.newline();
        self.put("#[profile]");
        self.newline();
        let (parameter, value) = self.random.pick(OWNERS);
        let variable = self.name("p");
        let parameter = parameter.replace("NAME", &variable);
        let value = self.filled(value, PARAMETER, &mut owned);
        self.put(&format!("fn {name}({parameter}, k: u64) -> u64 "));
        (self.at.may_await, self.at.task) = (false, false);
        self.put("{");
        self.scopes
            .push(Scope::body("drop: nested function", Output::Number));
        self.deeper();
        self.statements(0, DEPTH - 2);
        self.ending(DEPTH - 1, Ending::Number);
        self.shallower();
        self.close_scope();
        for place in owned {
            self.settle(place, self.line);
        }
        (self.scopes, self.at) = outer;
        let result = self.name("x");
        self.begin();
        self.put(&format!("let {result} = {name}({value}, "));
        self.leaf("argument");
        self.put(");");
    }
}
