//! What a block or a pattern may have to drop: which bindings can own something, as far as their shape tells.
//!
//! Whether a binding really has something to drop is decided by its type, which the macro does not know. So the expansion asks
//! `drop_glue(&binding)` behind each `let`, and the compiler folds the answer into a constant.

use crate::paths::hidden;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{Attribute, BinOp, Expr, Local, Pat, Stmt, Type, UnOp};

/// What the expansion asks of one `let`.
pub(super) struct Question {
    /// The conditions (`#[cfg]`) of the `let` itself.
    pub(super) conditions: Vec<Attribute>,
    pub(super) subjects: Vec<Subject>,
    pub(super) at: Span,
}

/// One thing that may have drop glue.
pub(super) enum Subject {
    /// A binding; with `behind` the temporary that it refers to, which lives as long.
    Binding { name: Ident, behind: bool },
    /// A type that was written down.
    Written(Box<Type>),
    /// Nothing is known but that something may be dropped.
    Unknown,
}

impl Subject {
    /// The question as an expression; `drop_glue` is the path of the function that answers it.
    pub(super) fn tokens(&self, drop_glue: &TokenStream, at: Span) -> TokenStream {
        let span = hidden(at);
        match self {
            Self::Binding {
                name,
                behind: false,
            } => quote_spanned!(span=> #drop_glue(&#name)),
            Self::Binding { name, behind: true } => quote_spanned!(span=> #drop_glue(&*#name)),
            Self::Written(ty) => quote_spanned!(span=> ::core::mem::needs_drop::<#ty>()),
            Self::Unknown => quote_spanned!(span=> true),
        }
    }
}

/// What is to be asked behind the first of these statements, if it binds something that may own something. The others are the rest of its block:
/// what they certainly move away is not dropped at the end of that.
pub(super) fn question(stmts: &[Stmt]) -> Option<Question> {
    let (Stmt::Local(local), rest) = stmts.split_first()? else {
        return None;
    };
    let mut subjects = subjects(local);
    subjects.retain(|subject| match subject {
        Subject::Binding { name, behind } => *behind || !is_moved_away(name, rest),
        Subject::Written(_) | Subject::Unknown => true,
    });
    let conditions = local.attrs.iter().filter(|a| super::start::is_condition(a));
    (!subjects.is_empty()).then(|| Question {
        conditions: conditions.cloned().collect(),
        subjects,
        at: local.let_token.span,
    })
}

fn subjects(local: &Local) -> Vec<Subject> {
    let written = match &local.pat {
        Pat::Type(typed) => Some(&*typed.ty),
        _ => None,
    };
    let Some(init) = &local.init else {
        // The value comes later, so there is nothing to ask yet but the type.
        return match written {
            Some(ty) if owns_nothing(ty) => Vec::new(),
            Some(ty) if is_inferred(ty) => vec![Subject::Unknown],
            Some(ty) => vec![Subject::Written(Box::new(ty.clone()))],
            None => vec![Subject::Unknown],
        };
    };
    if never_ends(&init.expr) {
        return Vec::new();
    }
    if binds_by_reference(&local.pat) && is_or_is_in_temporary(&init.expr) {
        // Like a reference to it, such a binding makes a temporary live as long.
        return match &local.pat {
            Pat::Ident(name) if is_temporary(&init.expr) => vec![Subject::Binding {
                name: name.ident.clone(),
                behind: true,
            }],
            _ => vec![Subject::Unknown],
        };
    }
    let names = owning_names(&local.pat);
    match kept_temporary(&init.expr) {
        Kept::Nothing if written.is_some_and(owns_nothing) || gives_nothing(&init.expr) => {
            Vec::new()
        }
        Kept::Nothing => names
            .into_iter()
            .map(|name| Subject::Binding {
                name,
                behind: false,
            })
            .collect(),
        Kept::Behind if written.is_none() && names.len() == 1 => names
            .into_iter()
            .map(|name| Subject::Binding { name, behind: true })
            .collect(),
        Kept::Behind | Kept::Somewhere => vec![Subject::Unknown],
    }
}

/// Of names bound before these statements, those that they do not certainly move away.
pub(super) fn keep_what_stays(names: &mut Vec<Ident>, stmts: &[Stmt]) {
    names.retain(|name| !is_moved_away(name, stmts));
}

/// Of the names that an arm binds, those that its body does not certainly move away.
pub(super) fn keep_what_arm_keeps(names: &mut Vec<Ident>, body: &Expr) {
    match body {
        Expr::Block(block) => keep_what_stays(names, &block.block.stmts),
        body => names.retain(|name| !moves(body, name)),
    }
}

/// Whether a binding is moved away by one of the statements behind its `let`, on all paths to the end of its block. The macro sees no types,
/// but what is copied there has nothing to drop either.
fn is_moved_away(name: &Ident, rest: &[Stmt]) -> bool {
    for (index, stmt) in rest.iter().enumerate() {
        let is_last = index + 1 == rest.len();
        match stmt {
            Stmt::Local(local) => {
                let init = local.init.as_ref();
                if init.is_some_and(|init| moves(&init.expr, name)) && !is_conditional(stmt) {
                    return !is_assigned(name, &rest[index..]);
                }
                if owning_names(&local.pat).contains(name) {
                    return false;
                }
            }
            Stmt::Expr(expr, _) if moves(expr, name) && !is_conditional(stmt) => {
                return is_last || !is_assigned(name, &rest[index..]);
            }
            Stmt::Expr(..) | Stmt::Item(_) | Stmt::Macro(_) => {}
        }
    }
    false
}

/// Whether a statement exists under some condition only.
fn is_conditional(stmt: &Stmt) -> bool {
    let mut stmt = stmt.clone();
    let attrs = crate::helpers::attributes(&mut stmt);
    attrs.is_some_and(|attrs| attrs.iter().any(super::start::is_condition))
}

/// Whether evaluating an expression certainly moves the binding `name` away.
fn moves(expr: &Expr, name: &Ident) -> bool {
    match expr {
        Expr::Path(path) => path.path.is_ident(name),
        Expr::Array(e) => e.elems.iter().any(|elem| moves(elem, name)),
        Expr::Await(e) => moves(&e.base, name),
        Expr::Binary(e) => {
            let both = !matches!(e.op, BinOp::And(_) | BinOp::Or(_));
            moves(&e.left, name) || both && moves(&e.right, name)
        }
        Expr::Call(e) => e.args.iter().any(|arg| moves(arg, name)),
        Expr::Group(e) => moves(&e.expr, name),
        // A receiver that is the binding itself may be borrowed.
        Expr::MethodCall(e) => {
            let receiver = !matches!(*e.receiver, Expr::Path(_)) && moves(&e.receiver, name);
            receiver || e.args.iter().any(|arg| moves(arg, name))
        }
        Expr::Paren(e) => moves(&e.expr, name),
        Expr::Return(e) => e.expr.as_deref().is_some_and(|expr| moves(expr, name)),
        Expr::Struct(e) => e.fields.iter().any(|field| moves(&field.expr, name)),
        Expr::Try(e) => moves(&e.expr, name),
        Expr::Tuple(e) => e.elems.iter().any(|elem| moves(elem, name)),
        _ => false,
    }
}

/// Whether something is assigned to `name` somewhere in these statements.
fn is_assigned(name: &Ident, stmts: &[Stmt]) -> bool {
    struct Assigned<'a>(&'a Ident, bool);
    impl syn::visit_mut::VisitMut for Assigned<'_> {
        fn visit_expr_assign_mut(&mut self, assign: &mut syn::ExprAssign) {
            self.1 |= matches!(&*assign.left, Expr::Path(path) if path.path.is_ident(self.0));
            syn::visit_mut::visit_expr_assign_mut(self, assign);
        }
    }
    let mut assigned = Assigned(name, false);
    for stmt in stmts {
        syn::visit_mut::VisitMut::visit_stmt_mut(&mut assigned, &mut stmt.clone());
    }
    assigned.1
}

/// The names that a pattern binds by value.
pub(super) fn owning_names(pat: &Pat) -> Vec<Ident> {
    let mut names = Vec::new();
    collect(pat, &mut names);
    names
}

fn collect(pat: &Pat, names: &mut Vec<Ident>) {
    match pat {
        Pat::Ident(name) => {
            // Words in capitals are constants and variants without fields.
            let text = name.ident.to_string();
            let constant = name.subpat.is_none()
                && name.mutability.is_none()
                && text.starts_with(char::is_uppercase);
            if name.by_ref.is_none() && !constant && !names.contains(&name.ident) {
                names.push(name.ident.clone());
            }
            if let Some((_, inner)) = &name.subpat {
                collect(inner, names);
            }
        }
        Pat::Guard(guarded) => collect(&guarded.pat, names),
        Pat::Or(or) => or.cases.iter().for_each(|case| collect(case, names)),
        Pat::Paren(paren) => collect(&paren.pat, names),
        Pat::Slice(slice) => slice.elems.iter().for_each(|elem| collect(elem, names)),
        Pat::Struct(fields) => fields
            .fields
            .iter()
            .for_each(|field| collect(&field.pat, names)),
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|elem| collect(elem, names)),
        Pat::TupleStruct(tuple) => tuple.elems.iter().for_each(|elem| collect(elem, names)),
        Pat::Type(typed) => collect(&typed.pat, names),
        // What is behind a reference can only be copied out of it.
        _ => {}
    }
}

/// Whether a pattern binds something by `ref`.
fn binds_by_reference(pat: &Pat) -> bool {
    match pat {
        Pat::Ident(name) => {
            let inner = name.subpat.as_ref();
            name.by_ref.is_some() || inner.is_some_and(|(_, inner)| binds_by_reference(inner))
        }
        Pat::Or(or) => or.cases.iter().any(binds_by_reference),
        Pat::Paren(paren) => binds_by_reference(&paren.pat),
        Pat::Slice(slice) => slice.elems.iter().any(binds_by_reference),
        Pat::Struct(fields) => fields.fields.iter().any(|f| binds_by_reference(&f.pat)),
        Pat::Tuple(tuple) => tuple.elems.iter().any(binds_by_reference),
        Pat::TupleStruct(tuple) => tuple.elems.iter().any(binds_by_reference),
        Pat::Type(typed) => binds_by_reference(&typed.pat),
        _ => false,
    }
}

/// The names that the conditions of an `if` bind: `if let P = e && let Q = f`.
pub(super) fn names_of_condition(condition: &Expr) -> Vec<Ident> {
    match condition {
        Expr::Let(e) => owning_names(&e.pat),
        Expr::Binary(e) if matches!(e.op, BinOp::And(_)) => {
            let mut names = names_of_condition(&e.left);
            names.extend(names_of_condition(&e.right));
            names
        }
        _ => Vec::new(),
    }
}

/// Whether a type owns nothing that would have to be dropped, whatever its names mean.
pub(crate) fn owns_nothing(ty: &Type) -> bool {
    const PRIMITIVES: [&str; 17] = [
        "bool", "char", "str", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8",
        "u16", "u32", "u64", "u128", "usize",
    ];
    match ty {
        Type::Reference(_) | Type::Ptr(_) | Type::FnPtr(_) | Type::Never(_) => true,
        Type::Array(array) => owns_nothing(&array.elem),
        Type::Slice(slice) => owns_nothing(&slice.elem),
        Type::Group(group) => owns_nothing(&group.elem),
        Type::Paren(paren) => owns_nothing(&paren.elem),
        Type::Tuple(tuple) => tuple.elems.iter().all(owns_nothing),
        Type::Path(path) if path.qself.is_none() => PRIMITIVES
            .iter()
            .any(|primitive| path.path.is_ident(primitive)),
        _ => false,
    }
}

fn is_inferred(ty: &Type) -> bool {
    struct Holes(bool);
    impl syn::visit_mut::VisitMut for Holes {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            self.0 |= matches!(ty, Type::Infer(_) | Type::ImplTrait(_));
            syn::visit_mut::visit_type_mut(self, ty);
        }
        fn visit_lifetime_mut(&mut self, lifetime: &mut syn::Lifetime) {
            self.0 |= lifetime.ident == "_";
        }
    }
    let mut holes = Holes(false);
    syn::visit_mut::VisitMut::visit_type_mut(&mut holes, &mut ty.clone());
    holes.0
}

/// Whether a value owns nothing, as its expression shows.
fn gives_nothing(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) | Expr::Cast(_) | Expr::Reference(_) | Expr::RawAddr(_) => true,
        Expr::Binary(e) => matches!(
            e.op,
            BinOp::And(_)
                | BinOp::Or(_)
                | BinOp::Eq(_)
                | BinOp::Ne(_)
                | BinOp::Lt(_)
                | BinOp::Le(_)
                | BinOp::Gt(_)
                | BinOp::Ge(_)
        ),
        Expr::Group(e) => gives_nothing(&e.expr),
        Expr::Paren(e) => gives_nothing(&e.expr),
        Expr::Tuple(e) => e.elems.iter().all(gives_nothing),
        Expr::Unary(e) => !matches!(e.op, UnOp::Deref(_)) && gives_nothing(&e.expr),
        Expr::MethodCall(e) => {
            let name = e.method.to_string();
            e.args.is_empty() && matches!(name.as_str(), "len" | "is_empty")
        }
        _ => false,
    }
}

/// Whether an initialiser cannot come to an end, so that nothing may stand behind it.
fn never_ends(expr: &Expr) -> bool {
    match expr {
        Expr::Break(_) | Expr::Continue(_) | Expr::Return(_) => true,
        Expr::Macro(e) => e.mac.path.segments.last().is_some_and(|last| {
            let name = last.ident.to_string();
            matches!(
                name.as_str(),
                "panic" | "todo" | "unimplemented" | "unreachable"
            )
        }),
        _ => false,
    }
}

/// The temporaries of an initialiser that live as long as its `let` binding (*The Rust Reference*, "Temporary lifetime extension").
enum Kept {
    Nothing,
    /// The binding is a reference to the whole of one.
    Behind,
    /// There is one somewhere.
    Somewhere,
}

fn kept_temporary(expr: &Expr) -> Kept {
    match expr {
        Expr::Reference(e) if is_temporary(&e.expr) => Kept::Behind,
        Expr::Reference(e) if is_in_temporary(&e.expr) => Kept::Somewhere,
        Expr::Group(e) => kept_temporary(&e.expr),
        Expr::Paren(e) => kept_temporary(&e.expr),
        _ if keeps_inside(expr) => Kept::Somewhere,
        _ => Kept::Nothing,
    }
}

/// Whether an expression keeps a temporary in one of the places where its life is extended.
fn keeps_inside(expr: &Expr) -> bool {
    match expr {
        Expr::Reference(e) => is_or_is_in_temporary(&e.expr),
        Expr::Array(e) => e.elems.iter().any(keeps_inside),
        Expr::Cast(e) => keeps_inside(&e.expr),
        Expr::Group(e) => keeps_inside(&e.expr),
        Expr::Paren(e) => keeps_inside(&e.expr),
        Expr::Struct(e) => e.fields.iter().any(|field| keeps_inside(&field.expr)),
        Expr::Tuple(e) => e.elems.iter().any(keeps_inside),
        _ => false,
    }
}

/// Whether a borrowed expression is a value of its own that may have to be dropped.
fn is_temporary(expr: &Expr) -> bool {
    match expr {
        Expr::Group(e) => is_temporary(&e.expr),
        Expr::Paren(e) => is_temporary(&e.expr),
        Expr::Array(_)
        | Expr::Await(_)
        | Expr::Block(_)
        | Expr::Call(_)
        | Expr::If(_)
        | Expr::Macro(_)
        | Expr::Match(_)
        | Expr::MethodCall(_)
        | Expr::Repeat(_)
        | Expr::Struct(_)
        | Expr::Try(_)
        | Expr::Tuple(_)
        | Expr::Unsafe(_) => !gives_nothing(expr),
        _ => false,
    }
}

fn is_or_is_in_temporary(expr: &Expr) -> bool {
    is_temporary(expr) || is_in_temporary(expr)
}

/// Whether a borrowed expression is a part of such a value.
fn is_in_temporary(expr: &Expr) -> bool {
    match expr {
        Expr::Field(e) => is_or_is_in_temporary(&e.base),
        Expr::Group(e) => is_in_temporary(&e.expr),
        Expr::Index(e) => is_or_is_in_temporary(&e.expr),
        Expr::Paren(e) => is_in_temporary(&e.expr),
        Expr::Unary(e) => is_or_is_in_temporary(&e.expr),
        _ => false,
    }
}
