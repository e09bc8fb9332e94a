//! `assert_allocs!(N, { .. })`: a block with a frame and rows of its own, as a function has them, and a limit on its allocations.

use crate::args::Switch;
use crate::emit::{self, Emitter, Facts};
use crate::fragments::{self, HoldTogether};
use crate::paths::{Paths, SWITCH};
use crate::sites::SiteKind;
use crate::source::Source;
use crate::walk::{Place, Selection, Walker};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::visit::{self, Visit};
use syn::visit_mut::VisitMut;
use syn::{Block, Error, ExprAsync, ExprAwait, ExprClosure, Item, LitInt, Path, Stmt, Token};

/// The name of the rows.
const NAME: &str = "assert_allocs!";
const WANTED: &str = "expected a number of allocations and a block: assert_allocs!(0, { .. })";

/// What stands in the parentheses, behind the crate that the macro was called of.
struct Call {
    root: Path,
    most: LitInt,
    /// As it is written, with its braces.
    block: Group,
}

impl Parse for Call {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let root = input.call(Path::parse_mod_style)?;
        input.parse::<Token![;]>()?;
        let wanted = |error: Error| Error::new(error.span(), WANTED);
        let most = input.parse().map_err(wanted)?;
        input.parse::<Token![,]>().map_err(wanted)?;
        let block: Group = input.parse().map_err(wanted)?;
        input.parse::<Option<Token![,]>>()?;
        if block.delimiter() != Delimiter::Brace || !input.is_empty() {
            return Err(Error::new(block.span(), WANTED));
        }
        Ok(Self { root, most, block })
    }
}

/// Expands the macro. `switch` is the value of the build switch.
pub(crate) fn expand(
    tokens: TokenStream,
    switch: Option<&str>,
    source: &dyn Source,
) -> TokenStream {
    let mut errors = Vec::new();
    let switch = Switch::parse(switch).unwrap_or_else(|message| {
        errors.push(Error::new(Span::call_site(), message));
        Switch::Off
    });
    let block = syn::parse2(tokens).and_then(|call| block(call, switch, source, &mut errors));
    let block = block.map_err(|error| errors.push(error));
    let block = block.unwrap_or_default();
    let errors = errors.iter().map(Error::to_compile_error);
    let tracking = emit::tracking(SWITCH);
    quote!({ #tracking #(#errors;)* #block })
}

/// What becomes of the block.
fn block(
    call: Call,
    switch: Switch,
    source: &dyn Source,
    errors: &mut Vec<Error>,
) -> syn::Result<TokenStream> {
    let wanted = |_| Error::new(call.most.span(), WANTED);
    let most = call.most.base10_parse().map_err(wanted)?;
    let written = call.block.to_token_stream();
    let block = match syn::parse2(written.clone()) {
        Ok(block) => block,
        // Syntax that is newer than our parser is left alone.
        Err(_) if switch == Switch::Off => return Ok(written),
        Err(error) => return Err(error),
    };
    let awaits = Awaits::of(&block);
    let is_refused = !awaits.is_empty();
    errors.extend(awaits);
    let selection = match switch {
        Switch::Lines { split } => Selection::All { split },
        Switch::Calls => Selection::Marked,
        Switch::Off => return Ok(written),
    };
    if is_refused {
        return Ok(written);
    }
    Ok(measured((&call, block), most, selection, source, errors))
}

/// The block with its frame and markers.
fn measured(
    (call, mut block): (&Call, Block),
    most: u32,
    selection: Selection,
    source: &dyn Source,
    errors: &mut Vec<Error>,
) -> TokenStream {
    let at = call.most.span();
    if fragments::mentioned(call.block.stream()) {
        HoldTogether.visit_block_mut(&mut block);
    }
    let emitter = Emitter::new(Paths::new(Some(call.root.clone())));
    let line = source.line(at);
    let end_line = source.closing_line(block.brace_token.span).max(line);
    let place = Place {
        name: Ident::new("assert_allocs", at),
        file: source.file(at),
        line,
        column: source.column(at),
        fn_span: at,
        fn_line: line,
        end_line,
        handed_on: None,
        returns_nothing: !matches!(block.stmts.last(), Some(Stmt::Expr(_, None))),
    };
    let mut walker = Walker::new(
        SiteKind::Function,
        &place,
        selection,
        source,
        &emitter,
        errors,
    );
    walker.function_body(&mut block, false);
    let tables = walker.into_tables();
    let facts = Facts {
        name: NAME.to_owned(),
        file: place.file.clone(),
        line,
        column: place.column,
        end_line,
        package: source.package(),
        source: source.text(at, line, end_line),
        max_allocs: Some(most),
    };
    let enter = emitter.enter(&tables[0].ident, at);
    let sites = tables.iter().map(|table| emitter.site(table, &facts));
    let framed = emitter.framed(vec![enter], block);
    quote!(#(#sites)* #framed)
}

/// Finds `.await`: a frame cannot stay open while its thread does something else.
struct Awaits(Vec<Error>);

impl Awaits {
    fn of(block: &Block) -> Vec<Error> {
        let mut found = Self(Vec::new());
        found.visit_block(block);
        found.0
    }
}

impl Visit<'_> for Awaits {
    fn visit_expr_await(&mut self, found: &ExprAwait) {
        let message =
            "no `.await` in `assert_allocs!`: whatever ran meanwhile would be counted too";
        self.0.push(Error::new(found.await_token.span, message));
        visit::visit_expr_await(self, found);
    }

    fn visit_expr_async(&mut self, _: &ExprAsync) {}
    fn visit_expr_closure(&mut self, _: &ExprClosure) {}
    fn visit_item(&mut self, _: &Item) {}
}
