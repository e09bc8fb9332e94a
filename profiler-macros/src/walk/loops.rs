//! Markers of loops: the header, `continue`, and the innermost loops that only count.

use super::around::{GroupedLoop, Loop};
use super::block::block_of;
use super::ending::leave_behind;
use super::running_line::RunningLine;
use super::walker::{Selection, Walker};
use super::{simple, start};
use crate::paths::hidden;
use crate::sites::{LineKind, Row};
use proc_macro2::Span;
use std::mem;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, Expr, ExprBlock, ExprBreak, ExprConst, Item, Label, Lifetime, Pat, Stmt,
    Token, Type, parse_quote,
};

/// The parts of a loop that matter here.
struct Parts<'e> {
    label: &'e mut Option<Label>,
    /// What is evaluated once, before the first turn.
    iterator: Option<&'e mut Expr>,
    /// What is evaluated before every turn.
    condition: Option<&'e mut Expr>,
    body: &'e mut Block,
}

fn parts(expr: &mut Expr) -> Option<Parts<'_>> {
    Some(match expr {
        Expr::ForLoop(e) => Parts {
            label: &mut e.label,
            iterator: Some(&mut e.expr),
            condition: None,
            body: &mut e.body,
        },
        Expr::While(e) => Parts {
            label: &mut e.label,
            iterator: None,
            condition: Some(&mut e.cond),
            body: &mut e.body,
        },
        Expr::Loop(e) => Parts {
            label: &mut e.label,
            iterator: None,
            condition: None,
            body: &mut e.body,
        },
        _ => return None,
    })
}

impl Walker<'_> {
    /// A loop anywhere in an expression.
    pub(super) fn loop_expression(&mut self, expr: &mut Expr) {
        let at = start::of_expression(expr);
        if matches!(expr, Expr::Loop(_)) {
            if let Some(guard) = self.grouped(expr, at) {
                // A `loop` has no operands whose temporaries a block could end.
                let turned = mem::replace(expr, Expr::PLACEHOLDER);
                *expr = block_of(vec![guard, Stmt::Expr(turned, None)], at);
            }
            return;
        }
        let Some(parts) = parts(expr) else { return };
        let header = self.header(at);
        let Parts {
            label,
            iterator,
            condition,
            body,
        } = parts;
        if let Some(iterator) = iterator {
            self.operand(iterator);
        }
        self.turns(label, condition, body, header, at);
    }

    /// A loop that is a statement: one with a simple body only counts.
    pub(super) fn loop_statement(
        &mut self,
        mut expr: Expr,
        semi: Option<Token![;]>,
        last: bool,
        out: &mut Vec<Stmt>,
    ) {
        let at = start::of_expression(&expr);
        match self.grouped(&mut expr, at) {
            Some(guard) => wrap(guard, expr, semi, last, at, out),
            None => out.push(Stmt::Expr(expr, semi)),
        }
    }

    /// Walks a loop. One that only counts needs the guard of its counters before it.
    fn grouped(&mut self, expr: &mut Expr, at: Span) -> Option<Stmt> {
        let candidate = self.may_group(expr);
        let Parts {
            label,
            iterator,
            condition,
            body,
        } = parts(expr)?;
        let header = self.header(at);
        if let Some(iterator) = iterator {
            self.operand(iterator);
        }
        let group = header.filter(|_| candidate);
        let Some((group, turns)) = group.and_then(|(slot, _)| self.begin_group(slot, at)) else {
            self.turns(label, condition, body, header, at);
            return None;
        };
        self.body.group = Some(group);
        self.turns(label, condition, body, Some((turns, at)), at);
        let group = self.body.group.take()?;
        Some(self.emitter.group(&group.slots, at))
    }

    /// The group of a loop whose header is slot `header`, and the slot that counts its turns: one of the group's, on the line of the
    /// header, whose own slot counts the loops. Nothing where control is not on that line, or the table is full.
    fn begin_group(&mut self, header: usize, at: Span) -> Option<(GroupedLoop, usize)> {
        let line = self.line_of(at)?;
        if self.body.here != RunningLine::Line(line) {
            return None;
        }
        let table = &mut self.tables[self.body.table];
        let turns = table.slot(line, LineKind::GroupBody, Row::Grouped(header))?;
        table.slots[header].kind = LineKind::GroupHeader;
        let group = GroupedLoop {
            header,
            slots: vec![turns],
            continued: false,
        };
        Some((group, turns))
    }

    /// Whether the rules allow local counters here.
    fn may_group(&self, expr: &mut Expr) -> bool {
        let full = matches!(self.selection, Selection::All { split: false });
        let has_frame = self.body.task.is_none();
        if !full || !has_frame || self.body.quiet || self.body.group.is_some() {
            return false;
        }
        parts(expr).is_some_and(|parts| {
            simple::turns(parts.label.as_ref(), parts.condition.as_deref(), parts.body)
        })
    }

    /// Slot of a loop's header, if it gets a row.
    fn header(&mut self, at: Span) -> Option<(usize, Span)> {
        if self.body.quiet {
            return None;
        }
        let line = self.line_of(at)?;
        if self.selects_all() {
            return self.slot(line, LineKind::LoopHeader).map(|slot| (slot, at));
        }
        // Among marked statements a loop has a row if it is one itself.
        let marked = self.body.marked.next_loop.take()?;
        self.slot(marked, LineKind::LoopHeader)
            .map(|slot| (slot, at))
    }

    /// The turns of a loop: `{ { body } M(header); }`. The whole body is a statement of its own, so that the order in which
    /// its locals and the temporaries of its tail are dropped stays.
    fn turns(
        &mut self,
        label: &mut Option<Label>,
        condition: Option<&mut Expr>,
        body: &mut Block,
        header: Option<(usize, Span)>,
        at: Span,
    ) {
        let line = header.and_then(|_| self.line_of(at));
        let back = line.map_or(RunningLine::Unknown, RunningLine::Line);
        if !self.body.quiet {
            self.body.here = self.body.here.join(back);
        }
        if let Some(condition) = condition {
            self.once(condition);
        }
        let before_body = self.body.here;
        self.body.loops.push(Loop {
            label: label.as_ref().map(|label| label.name.clone()),
            header,
            line,
            rest: self.body.marked.rest,
            strayed: false,
        });
        self.visit_block_mut(body);
        let continued = self
            .body
            .group
            .as_ref()
            .is_some_and(|group| group.continued);
        let ends_early = self.body.here == RunningLine::Never && !continued;
        let strayed = self.body.loops.pop().is_none_or(|turned| turned.strayed);
        if let Some((slot, at)) = header.filter(|_| !ends_early) {
            let leave = match &self.body.group {
                Some(_) => Vec::new(),
                None => leave_behind(&body.stmts),
            };
            let back = self.back_to_header(slot, &leave, at, at);
            let empty = Block {
                brace_token: body.brace_token,
                stmts: Vec::new(),
            };
            let turn = continued.then(|| {
                NameBreaks { label, at }.visit_block_mut(body);
                turn_label(at)
            });
            body.stmts = vec![inner_block(mem::replace(body, empty), turn), back];
        }
        self.body.here = if strayed {
            RunningLine::Unknown
        } else {
            before_body
        };
    }

    /// The marker with which a turn goes back to the header.
    fn back_to_header(&mut self, slot: usize, leave: &[Attribute], header: Span, at: Span) -> Stmt {
        if let Some(line) = self.line_of(header) {
            self.arrive(line);
        }
        self.marker(slot, leave, at)
    }

    /// `continue` becomes `{ M(header); continue }`, the header being that of the loop it names.
    pub(super) fn continue_expression(&mut self, expr: &mut Expr) {
        let Expr::Continue(jump) = &*expr else { return };
        let at = jump.continue_token.span;
        if let Some(group) = &mut self.body.group {
            // One place counts the header for all turns: two would keep the compiler from doing several turns at once.
            group.continued = true;
            self.body.here = RunningLine::Never;
            let turn = turn_label(at).name;
            *expr = parse_quote!(break #turn);
            return;
        }
        let mut around = self.body.loops.iter().rev();
        let target = around.find(|target| jump.label.is_none() || jump.label == target.label);
        let target = target.map(|target| (target.header, target.rest));
        let marker = match target {
            Some((Some((slot, header)), _)) => Some(self.back_to_header(slot, &[], header, at)),
            Some((None, rest)) => {
                let own = mem::replace(&mut self.body.marked.rest, rest);
                let marker = self.back_to_rest(&[], at);
                self.body.marked.rest = own;
                marker
            }
            None => None,
        };
        self.body.here = RunningLine::Never;
        if let Some(marker) = marker {
            let jump = mem::replace(expr, Expr::PLACEHOLDER);
            *expr = block_of(vec![marker, Stmt::Expr(jump, None)], at);
        }
    }
}

/// The body of a loop as a statement. Its braces stay the user's, since the edition of a brace decides when the temporaries
/// of a tail are dropped; a lint on braces would blame the user for them.
fn inner_block(block: Block, label: Option<Label>) -> Stmt {
    let single = matches!(block.stmts.as_slice(), [Stmt::Expr(_, None)]);
    let attrs = if single {
        vec![parse_quote!(#[allow(unused_braces)])]
    } else {
        Vec::new()
    };
    Stmt::Expr(
        Expr::Block(ExprBlock {
            attrs,
            label,
            block,
        }),
        None,
    )
}

/// The name of a turn, which ends when it is left.
fn turn_label(at: Span) -> Label {
    label_of("'turn", at)
}

/// A label that the user's code does not see.
fn label_of(name: &str, at: Span) -> Label {
    Label {
        name: Lifetime::new(name, hidden(at)),
        colon_token: Token![:](hidden(at)),
    }
}

/// Names the loop that a `break` leaves, where a block with a name of ours stands between: one without a name is an error there.
struct NameBreaks<'a> {
    /// The name of the loop: given to it when the first `break` needs it.
    label: &'a mut Option<Label>,
    at: Span,
}

impl VisitMut for NameBreaks<'_> {
    fn visit_expr_break_mut(&mut self, jump: &mut ExprBreak) {
        if jump.label.is_none() {
            let around = self
                .label
                .get_or_insert_with(|| label_of("'turns", self.at));
            jump.label = Some(around.name.clone());
        }
        visit_mut::visit_expr_break_mut(self, jump);
    }

    // Loops of their own.
    fn visit_item_mut(&mut self, _: &mut Item) {}
    fn visit_expr_const_mut(&mut self, _: &mut ExprConst) {}
    fn visit_type_mut(&mut self, _: &mut Type) {}
    fn visit_pat_mut(&mut self, _: &mut Pat) {}
}

/// A loop behind the guard of its counters. The last expression of a block stays that, since its temporaries may have to
/// outlive the block; its guard is dropped first among the locals. Elsewhere both get a block.
fn wrap(
    guard: Stmt,
    mut expr: Expr,
    semi: Option<Token![;]>,
    last: bool,
    at: Span,
    out: &mut Vec<Stmt>,
) {
    if last && semi.is_none() {
        out.extend([guard, Stmt::Expr(expr, None)]);
        return;
    }
    let attrs = match &mut expr {
        Expr::ForLoop(e) => e
            .attrs
            .extract_if(.., |attr| start::is_outer(attr))
            .collect(),
        Expr::While(e) => e
            .attrs
            .extract_if(.., |attr| start::is_outer(attr))
            .collect(),
        Expr::Loop(e) => e
            .attrs
            .extract_if(.., |attr| start::is_outer(attr))
            .collect(),
        _ => Vec::new(),
    };
    let Expr::Block(mut block) = block_of(vec![guard, Stmt::Expr(expr, None)], at) else {
        return;
    };
    block.attrs = attrs;
    out.push(Stmt::Expr(Expr::Block(block), semi));
}
