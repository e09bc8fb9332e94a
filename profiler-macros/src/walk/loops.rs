//! Markers of loops: the header, `continue`, and the innermost loops that only count.

use super::ending::leave_behind;
use super::{Here, Walker, block_of, simple, start};
use crate::sites::LineKind;
use proc_macro2::Span;
use std::mem;
use syn::visit_mut::VisitMut;
use syn::{Attribute, Block, Expr, ExprBlock, Label, Lifetime, Stmt, Token, parse_quote};

/// A loop around the place that is being walked.
pub(super) struct Loop {
    label: Option<Lifetime>,
    /// Slot and place of its header, if it has a row.
    header: Option<(usize, Span)>,
    /// Line of the header.
    pub(super) line: Option<u32>,
    /// What lies between its marked statements, where only those count.
    rest: Option<u32>,
    /// Whether a marker of another line stands inside.
    pub(super) strayed: bool,
}

/// A loop that only counts.
pub(super) struct GroupedLoop {
    /// Slot of its header.
    pub(super) header: usize,
    /// Slot of each local counter, the header's first.
    slots: Vec<usize>,
}

impl GroupedLoop {
    /// Index of the local counter of a slot.
    pub(super) fn counter(&mut self, slot: usize) -> usize {
        let known = self.slots.iter().position(|known| *known == slot);
        known.unwrap_or_else(|| {
            self.slots.push(slot);
            self.slots.len() - 1
        })
    }
}

/// The parts of a loop that matter here.
struct Parts<'e> {
    label: Option<&'e Label>,
    /// What is evaluated once, before the first turn.
    iterator: Option<&'e mut Expr>,
    /// What is evaluated before every turn.
    condition: Option<&'e mut Expr>,
    body: &'e mut Block,
}

fn parts(expr: &mut Expr) -> Option<Parts<'_>> {
    Some(match expr {
        Expr::ForLoop(e) => Parts {
            label: e.label.as_ref(),
            iterator: Some(&mut e.expr),
            condition: None,
            body: &mut e.body,
        },
        Expr::While(e) => Parts {
            label: e.label.as_ref(),
            iterator: None,
            condition: Some(&mut e.cond),
            body: &mut e.body,
        },
        Expr::Loop(e) => Parts {
            label: e.label.as_ref(),
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

    /// A `for` or `while` that is a statement: one with a simple body only counts.
    pub(super) fn loop_statement(
        &mut self,
        mut expr: Expr,
        semi: Option<Token![;]>,
        last: bool,
        out: &mut Vec<Stmt>,
    ) {
        let at = start::of_expression(&expr);
        let candidate = self.may_group(&mut expr);
        let Some(Parts {
            label,
            iterator,
            condition,
            body,
        }) = parts(&mut expr)
        else {
            return;
        };
        let header = self.header(at);
        if let Some(iterator) = iterator {
            self.operand(iterator);
        }
        let on_header = self.line_of(at).map(Here::Line) == Some(self.body.here);
        let Some((slot, _)) = header.filter(|_| candidate && on_header) else {
            self.turns(label, condition, body, header, at);
            out.push(Stmt::Expr(expr, semi));
            return;
        };
        self.tables[self.body.table].slots[slot].kind = LineKind::GroupHeader;
        self.body.group = Some(GroupedLoop {
            header: slot,
            slots: vec![slot],
        });
        self.turns(label, condition, body, header, at);
        let slots = self
            .body
            .group
            .take()
            .map(|group| group.slots)
            .unwrap_or_default();
        let guard = self.emitter.group(&slots, at);
        wrap(guard, expr, semi, last, at, out);
    }

    /// Whether the rules allow local counters here.
    fn may_group(&self, expr: &mut Expr) -> bool {
        let full = matches!(self.selection, super::Selection::All { split: false });
        let has_frame = self.body.task.is_none();
        if !full || !has_frame || self.body.quiet || self.body.group.is_some() {
            return false;
        }
        parts(expr).is_some_and(|parts| {
            simple::block(parts.body)
                && parts
                    .condition
                    .is_none_or(|condition| simple::expression(condition))
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
        label: Option<&Label>,
        condition: Option<&mut Expr>,
        body: &mut Block,
        header: Option<(usize, Span)>,
        at: Span,
    ) {
        let line = header.and_then(|_| self.line_of(at));
        let back = line.map_or(Here::Unknown, Here::Line);
        if !self.body.quiet {
            self.body.here = self.body.here.join(back);
        }
        if let Some(condition) = condition {
            self.once(condition);
        }
        let before_body = self.body.here;
        self.body.loops.push(Loop {
            label: label.map(|label| label.name.clone()),
            header,
            line,
            rest: self.body.marked.rest,
            strayed: false,
        });
        self.visit_block_mut(body);
        let ends_early = self.body.here == Here::Never;
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
            body.stmts = vec![inner_block(mem::replace(body, empty)), back];
        }
        self.body.here = if strayed { Here::Unknown } else { before_body };
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
        self.body.here = Here::Never;
        if let Some(marker) = marker {
            let jump = mem::replace(expr, Expr::PLACEHOLDER);
            *expr = block_of(vec![marker, Stmt::Expr(jump, None)], at);
        }
    }
}

/// The body of a loop as a statement. Its braces stay the user's, since the edition of a brace decides when the temporaries
/// of a tail are dropped; a lint on braces would blame the user for them.
fn inner_block(block: Block) -> Stmt {
    let single = matches!(block.stmts.as_slice(), [Stmt::Expr(_, None)]);
    let attrs = if single {
        vec![parse_quote!(#[allow(unused_braces)])]
    } else {
        Vec::new()
    };
    Stmt::Expr(
        Expr::Block(ExprBlock {
            attrs,
            label: None,
            block,
        }),
        None,
    )
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
        _ => Vec::new(),
    };
    let Expr::Block(mut block) = block_of(vec![guard, Stmt::Expr(expr, None)], at) else {
        return;
    };
    block.attrs = attrs;
    out.push(Stmt::Expr(Expr::Block(block), semi));
}
