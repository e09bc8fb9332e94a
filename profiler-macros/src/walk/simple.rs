//! Which loops only count: innermost ones whose body does nothing but plain arithmetic, moves, branches and jumps out of it.
//!
//! Such a body cannot call profiled code by name or run for long, so local counters tell all of its hits; however the loop is left,
//! their guard adds them up. A macro sees no types: what looks like an operator or like a method of a number may still be a call of
//! the user's. That costs nothing but a less exact place of its time.

use super::numbers;
use syn::{Block, Expr, ExprCall, ExprMethodCall, Label, Lifetime, Pat, RangeLimits, Stmt};

/// Whether every turn of a loop is simple. `condition`: what is evaluated before each.
pub(super) fn turns(label: Option<&Label>, condition: Option<&Expr>, body: &Block) -> bool {
    let body_of = Simple {
        label: label.map(|label| &label.name),
    };
    condition.is_none_or(|condition| body_of.expression(condition)) && body_of.block(body)
}

/// What is simple in the body of one loop.
#[derive(Clone, Copy)]
struct Simple<'a> {
    /// The name of the loop, by which its body may leave it.
    label: Option<&'a Lifetime>,
}

impl Simple<'_> {
    fn block(self, block: &Block) -> bool {
        block.stmts.iter().all(|stmt| self.statement(stmt))
    }

    fn statement(self, stmt: &Stmt) -> bool {
        match stmt {
            Stmt::Local(local) => local.init.as_ref().is_none_or(|init| {
                let diverging = init.diverge.as_ref();
                self.expression(&init.expr) && diverging.is_none_or(|(_, e)| self.expression(e))
            }),
            Stmt::Item(_) => true,
            Stmt::Expr(expr, _) => self.expression(expr),
            Stmt::Macro(_) => false,
        }
    }

    fn expression(self, expr: &Expr) -> bool {
        match expr {
            Expr::Array(e) => self.all(&e.elems),
            Expr::Assign(e) => self.all([&*e.left, &*e.right]),
            Expr::Binary(e) => self.all([&*e.left, &*e.right]),
            Expr::Block(e) => e.label.is_none() && self.block(&e.block),
            Expr::Break(e) => self.is_own(e.label.as_ref()) && self.all(e.expr.as_deref()),
            Expr::Call(e) => is_plain_call(e) && self.all(&e.args),
            Expr::Cast(e) => self.expression(&e.expr),
            Expr::Const(_) | Expr::Infer(_) | Expr::Lit(_) | Expr::Path(_) => true,
            Expr::Continue(e) => self.is_own(e.label.as_ref()),
            Expr::Field(e) => self.expression(&e.base),
            Expr::Group(e) => self.expression(&e.expr),
            Expr::If(e) => {
                let alternative = e.else_branch.as_ref();
                self.expression(&e.cond)
                    && self.block(&e.then_branch)
                    && alternative.is_none_or(|(_, e)| self.expression(e))
            }
            Expr::Index(e) => self.all([&*e.expr, &*e.index]),
            Expr::Let(e) => self.expression(&e.expr),
            Expr::Match(e) => {
                self.expression(&e.expr)
                    && e.arms
                        .iter()
                        .all(|arm| self.unguarded(&arm.pat) && self.expression(&arm.body))
            }
            Expr::MethodCall(e) => {
                is_plain_method(e) && self.expression(&e.receiver) && self.all(&e.args)
            }
            Expr::Paren(e) => self.expression(&e.expr),
            Expr::Range(e) => {
                let open = matches!(e.limits, RangeLimits::HalfOpen(_) | RangeLimits::Closed(_));
                open && self.all([&e.start, &e.end].into_iter().flatten().map(|e| &**e))
            }
            Expr::RawAddr(e) => self.expression(&e.expr),
            Expr::Reference(e) => self.expression(&e.expr),
            Expr::Repeat(e) => self.expression(&e.expr),
            Expr::Return(e) => self.all(e.expr.as_deref()),
            Expr::Struct(e) => {
                self.all(e.fields.iter().map(|field| &field.expr)) && self.all(e.rest.as_deref())
            }
            Expr::Try(e) => self.expression(&e.expr),
            Expr::Tuple(e) => self.all(&e.elems),
            Expr::Unary(e) => self.expression(&e.expr),
            Expr::Unsafe(e) => self.block(&e.block),
            _ => false,
        }
    }

    fn all<'e>(self, exprs: impl IntoIterator<Item = &'e Expr>) -> bool {
        exprs.into_iter().all(|expr| self.expression(expr))
    }

    /// Whether the guard of an arm, if there is one, is simple.
    fn unguarded(self, pat: &Pat) -> bool {
        match pat {
            Pat::Guard(guarded) => self.expression(&guarded.guard),
            _ => true,
        }
    }

    /// Whether a jump is about this loop. One to a loop around it is not: that header's marker would stand among the counters.
    fn is_own(self, label: Option<&Lifetime>) -> bool {
        label.is_none() || label == self.label
    }
}

/// Whether a method is one of numbers, as far as its name and the number of its arguments tell.
fn is_plain_method(call: &ExprMethodCall) -> bool {
    call.turbofish.is_none() && numbers::is_method(&call.method.to_string(), call.args.len())
}

/// Whether a call is of `black_box`, of a method of a number by its path such as `f64::sqrt(x)`, or no call at all but a value
/// being made: `Some(x)`.
fn is_plain_call(call: &ExprCall) -> bool {
    let Expr::Path(function) = &*call.func else {
        return false;
    };
    let mut names = function.path.segments.iter().rev();
    let Some(last) = names.next().map(|segment| segment.ident.to_string()) else {
        return false;
    };
    let owner = names.next().map(|segment| segment.ident.to_string());
    let arguments = call.args.len();
    if last == "black_box" {
        return arguments == 1;
    }
    if owner.is_some_and(|owner| numbers::is_type(&owner)) {
        return numbers::is_function(&last, arguments);
    }
    // Functions of C may begin like this too, but then with an underscore somewhere.
    last.starts_with(|first: char| first.is_uppercase()) && !last.contains('_')
}
