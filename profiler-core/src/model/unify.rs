//! Functions that are the same, told by where they stand and what they are called.

use super::place::FunctionId;
use super::profile::{Function, Line};
use crate::site::LineKind;

/// What makes two functions one. The order is that of a profile: by file, then from top to bottom.
type Identity<'a> = (&'a str, u32, u32, &'a str, &'a str, &'a str);

fn identity(function: &Function) -> Identity<'_> {
    (
        &function.file,
        function.line,
        function.column,
        &function.module,
        &function.name,
        &function.package,
    )
}

/// Puts functions that are the same together: the bodies of one function (closures and async blocks have sites of their own), or
/// one function as recorded by several processes. Returns them in the order of a profile, and for each one given its id.
///
/// The result does not depend on the order in which they are given.
pub(crate) fn unify(bodies: Vec<Function>) -> (Vec<Function>, Vec<FunctionId>) {
    let mut order: Vec<usize> = (0..bodies.len()).collect();
    order.sort_by(|&a, &b| identity(&bodies[a]).cmp(&identity(&bodies[b])));
    let mut ids = vec![FunctionId(0); bodies.len()];
    let mut bodies: Vec<Option<Function>> = bodies.into_iter().map(Some).collect();
    let mut functions: Vec<Function> = Vec::new();
    for index in order {
        let Some(body) = bodies[index].take() else {
            continue;
        };
        match functions.last_mut() {
            Some(last) if identity(last) == identity(&body) => absorb(last, body),
            _ => functions.push(body),
        }
        let newest = functions.len().saturating_sub(1);
        ids[index] = FunctionId(u32::try_from(newest).unwrap_or(u32::MAX));
    }
    for function in &mut functions {
        function.lines = merge_lines(core::mem::take(&mut function.lines));
    }
    (functions, ids)
}

fn absorb(function: &mut Function, body: Function) {
    function.end_line = function.end_line.max(body.end_line);
    // A closure carries no source. Two that differ come from two builds; which one is shown must not depend on the order.
    if function.source.is_empty() || (!body.source.is_empty() && body.source < function.source) {
        function.source = body.source;
    }
    function.lines.extend(body.lines);
    // What two builds say: the one that allows less.
    let limits = [function.max_allocs, body.max_allocs];
    function.max_allocs = limits.into_iter().flatten().min();
}

/// Several slots on one line are one line.
fn merge_lines(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by(|a, b| {
        let key = |line: &Line| (line.line, rank(line.kind), line.group);
        key(a).cmp(&key(b)).then_with(|| a.label.cmp(&b.label))
    });
    lines.dedup_by(|next, kept| {
        let same = next.line == kept.line;
        if same && kept.label.is_empty() {
            kept.label = core::mem::take(&mut next.label);
        }
        same
    });
    lines
}

/// What to call a line that is several things at once: the one that says most about its time comes first.
fn rank(kind: LineKind) -> u32 {
    match kind {
        LineKind::GroupHeader => 0,
        LineKind::LoopHeader => 1,
        LineKind::Statement => 2,
        LineKind::WholeBody => 3,
        LineKind::Brace => 4,
        LineKind::GroupBody => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(name: &str, lines: &[(u32, LineKind)]) -> Function {
        Function {
            module: "m".to_owned(),
            name: name.to_owned(),
            file: "src/m.rs".to_owned(),
            package: "/p".to_owned(),
            line: 1,
            column: 1,
            end_line: 9,
            source: Vec::new(),
            lines: lines
                .iter()
                .map(|&(line, kind)| Line {
                    line,
                    kind,
                    group: line,
                    label: String::new(),
                })
                .collect(),
            max_allocs: None,
        }
    }

    #[test]
    fn a_closure_on_the_line_of_a_loop_leaves_it_a_loop() {
        let mut outer = body("f", &[(2, LineKind::LoopHeader), (4, LineKind::Brace)]);
        outer.source = vec!["fn f() {".to_owned()];
        let closure = body("f", &[(2, LineKind::Statement), (3, LineKind::Statement)]);
        let other = body("a", &[]);
        let (functions, ids) = unify(vec![closure, other, outer]);
        assert_eq!(ids, [FunctionId(1), FunctionId(0), FunctionId(1)]);
        let kinds: Vec<_> = functions[1]
            .lines
            .iter()
            .map(|l| (l.line, l.kind))
            .collect();
        assert_eq!(
            kinds,
            [
                (2, LineKind::LoopHeader),
                (3, LineKind::Statement),
                (4, LineKind::Brace)
            ]
        );
        assert_eq!(functions[1].source, ["fn f() {"]);
    }
}
