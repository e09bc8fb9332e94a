//! Prints an expansion for a person.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, Expr, ExprCall, ImplItemFn, Item, ItemFn, ItemStatic, Stmt, TraitItemFn,
    parse_quote,
};

/// The expansion with our boilerplate shortened.
pub(super) fn readable(tokens: TokenStream) -> String {
    // The tokens hold statements as they stand; parsing them again gives them their structure.
    let mut file = syn::parse_file(&tokens.to_string()).unwrap();
    Shorten.visit_file_mut(&mut file);
    prettyplease::unparse(&file)
}

struct Shorten;

impl VisitMut for Shorten {
    fn visit_block_mut(&mut self, block: &mut Block) {
        block.stmts.retain(|stmt| !is_tracking(stmt));
        unframe(block);
        visit_mut::visit_block_mut(self, block);
    }

    fn visit_item_fn_mut(&mut self, item: &mut ItemFn) {
        item.attrs.retain(|attr| !is_about_lints(attr));
        visit_mut::visit_item_fn_mut(self, item);
    }

    fn visit_impl_item_fn_mut(&mut self, item: &mut ImplItemFn) {
        item.attrs.retain(|attr| !is_about_lints(attr));
        visit_mut::visit_impl_item_fn_mut(self, item);
    }

    fn visit_trait_item_fn_mut(&mut self, item: &mut TraitItemFn) {
        item.attrs.retain(|attr| !is_about_lints(attr));
        visit_mut::visit_trait_item_fn_mut(self, item);
    }

    fn visit_item_static_mut(&mut self, item: &mut ItemStatic) {
        if item.ident.to_string().starts_with("HPROF_SITE")
            && let Expr::Call(call) = &*item.expr
        {
            let (kind, rows) = (site_kind(call), rows(call));
            *item.ty = parse_quote!(Site);
            *item.expr = parse_quote!(#kind(#(#rows),*));
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Call(call) => {
                let attrs = std::mem::take(&mut call.attrs);
                let text = call.to_token_stream().to_string().replace(' ', "");
                let ours = text.strip_prefix("::hprof::__private::");
                if let Some(short) = ours.and_then(shortened) {
                    *call = syn::parse_str(&short).unwrap();
                }
                call.attrs = attrs;
            }
            Expr::Path(path)
                if path
                    .to_token_stream()
                    .to_string()
                    .ends_with("__private :: poll") =>
            {
                path.path = parse_quote!(poll);
            }
            _ => {}
        }
        visit_mut::visit_expr_mut(self, expr);
    }
}

/// `{ { enter; { body } } }` is `{ enter; body }`, if no parameters are bound between.
fn unframe(block: &mut Block) {
    let is_frame = |stmt: &Stmt| {
        stmt.to_token_stream()
            .to_string()
            .contains("Frame :: enter")
    };
    let Some(Stmt::Expr(Expr::Block(framed), None)) = block.stmts.last() else {
        return;
    };
    if !framed.block.stmts.first().is_some_and(is_frame) {
        return;
    }
    let mut stmts = framed.block.stmts.clone();
    block.stmts.pop();
    if let [_enter, Stmt::Expr(Expr::Block(body), None)] = stmts.as_slice() {
        let body = body.block.stmts.clone();
        stmts.truncate(1);
        stmts.extend(body);
    }
    block.stmts.extend(stmts);
}

fn shortened(call: &str) -> Option<String> {
    let number = |rest: &str| rest.split('>').next().map(str::to_owned);
    if let Some(rest) = call.strip_prefix("Frame::line::<") {
        return Some(format!("M({})", number(rest)?));
    }
    if let Some(rest) = call.strip_prefix("task_line::<_,") {
        return Some(format!("M({})", number(rest)?));
    }
    if let Some(rest) = call.strip_prefix("Group::hit::<") {
        return Some(format!("hit({})", number(rest)?));
    }
    for guard in ["at_brace", "brace", "back", "leave"] {
        let frame = call.strip_prefix(&format!("Frame::{guard}::<"));
        let task = call.strip_prefix(&format!("task_{guard}::<_,"));
        if let Some(rest) = frame.or(task) {
            return guarded(guard, rest);
        }
    }
    if let Some(name) = call.strip_prefix("drop_glue(&") {
        return Some(format!("drop_glue({name}"));
    }
    if let Some(rest) = call.strip_prefix("Frame::group::<") {
        let slots = rest
            .split_once("&frame,&")
            .and_then(|(_, slots)| slots.strip_suffix(')'))?;
        return Some(format!("group({slots})"));
    }
    if let Some(thin) = call.strip_prefix("thin_call(") {
        return Some(format!("thin_call({thin}"));
    }
    let rest = call
        .strip_prefix("Frame::enter(&")
        .and_then(|rest| rest.strip_suffix(')'))?;
    Some(format!("enter(&{rest})"))
}

/// `4,true>(&frame,drops)` of a guard.
fn guarded(name: &str, rest: &str) -> Option<String> {
    let (numbers, arguments) = rest.split_once(">(")?;
    let (_, wanted) = arguments.strip_suffix(')')?.split_once(',')?;
    let wanted = wanted
        .replace("::hprof::__private::", "")
        .replace("(&", "(")
        .replace("move||", "");
    let hit = match numbers.split_once(',') {
        Some((_, "false")) => ", no_hit",
        _ => "",
    };
    let slot = numbers.split(',').next()?;
    let wanted = match wanted.as_str() {
        "true" => String::new(),
        wanted => format!(", {wanted}"),
    };
    Some(format!("{name}({slot}{hit}{wanted})"))
}

fn is_about_lints(attr: &Attribute) -> bool {
    attr.to_token_stream()
        .to_string()
        .contains("clippy :: if_not_else")
}

fn is_tracking(stmt: &Stmt) -> bool {
    matches!(stmt, Stmt::Item(Item::Const(item)) if item.to_token_stream().to_string().contains("option_env"))
}

/// `Function`, `Closure`, ...
fn site_kind(call: &ExprCall) -> Expr {
    let Some(Expr::Struct(facts)) = call.args.first() else {
        panic!("a site without facts");
    };
    let kind = facts
        .fields
        .first()
        .unwrap()
        .expr
        .to_token_stream()
        .to_string();
    syn::parse_str(kind.rsplit(' ').next().unwrap()).unwrap()
}

/// `4` for a statement on line 4, `LoopHeader(4)` for anything else, `"label": 4` becomes `4.labelled("label")`.
fn rows(call: &ExprCall) -> Vec<Expr> {
    let Some(Expr::Array(lines)) = call.args.last() else {
        panic!("a site without lines");
    };
    lines.elems.iter().map(row).collect()
}

fn row(line: &Expr) -> Expr {
    let text = line.to_token_stream().to_string();
    let (place, label) = text.split_once(')').unwrap();
    let place = place.replace(' ', "");
    let inner = place
        .strip_prefix("::hprof::__private::LineSite::new(")
        .unwrap();
    let parts: Vec<&str> = inner.split(',').collect();
    let [line, kind, group] = parts[..] else {
        panic!("three facts of a line: {text}");
    };
    let short = match kind.rsplit(':').next().unwrap() {
        "Statement" => line.to_owned(),
        "GroupBody" => format!("GroupBody({line}, of = {group})"),
        kind => format!("{kind}({line})"),
    };
    syn::parse_str(&format!("{short}{label}")).unwrap()
}
