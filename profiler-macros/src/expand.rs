//! From the annotated item to the instrumented one: the order of the stages.

use crate::args::{Flag, Options, Switch};
use crate::check::WhyNot;
use crate::emit::{self, Counter, Emitter, Facts};
use crate::fit::{self, Fitted};
use crate::handed_on::{self, HandedOn, Part};
use crate::item::{Function, Target};
use crate::paths::{Paths, SWITCH, hidden, site_name, thin_name};
use crate::sites::{LineKind, Row, SiteKind, SiteTable};
use crate::source::Source;
use crate::thin::{self, Choice};
use crate::walk::{Place, Selection, Walker, leading_items};
use crate::{async_fn, check, fragments, helpers, parameters};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use std::mem;
use syn::token::Brace;
use syn::{Attribute, Block, Error, ItemFn, ReturnType, Stmt, Type};

/// Expands `#[profile(args)] item`. `switch` is the value of the build switch.
pub(crate) fn expand(
    args: TokenStream,
    item: TokenStream,
    switch: Option<&str>,
    source: &dyn Source,
) -> TokenStream {
    let mut errors = Vec::new();
    let mut options = Options::parse(args, &mut errors);
    let switch = Switch::parse(switch).unwrap_or_else(|message| {
        errors.push(Error::new(Span::call_site(), message));
        Switch::Off
    });
    let lenient = switch == Switch::Off && !options.has(Flag::Always);
    let mut target = match Target::parse(item.clone(), lenient) {
        Ok(target) => target,
        Err(error) => {
            errors.push(error);
            Target::Untouched(item.clone())
        }
    };
    check::options(&options, &target, &mut errors);
    let expansion = Expansion {
        level: if errors.is_empty() {
            level(&options, switch)
        } else {
            Level::Nothing
        },
        emitter: Emitter::new(Paths::new(options.root.take())),
        options,
        source,
    };
    if fragments::mentioned(item.clone()) {
        target.hold_fragments_together();
    }
    let has_helpers = helpers::mentioned(item);
    let mut beside = Vec::new();
    target.each_function(&mut |function| {
        beside.extend(expansion.function(function, has_helpers, &mut errors));
    });
    let errors = emit::errors(&errors);
    quote!(#errors #target #(#beside)*)
}

/// How much of a function is instrumented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// Not even the note on the build switch.
    Nothing,
    /// Off: the note only.
    Off,
    /// The number of calls.
    Thin,
    /// Entry and exit.
    Calls,
    /// Lines.
    Lines(Selection),
}

fn level(options: &Options, switch: Switch) -> Level {
    let switch = match switch {
        Switch::Off if options.has(Flag::Always) => Switch::Lines { split: false },
        other => other,
    };
    if options.has(Flag::Skip) {
        return Level::Nothing;
    }
    match switch {
        Switch::Off => Level::Off,
        Switch::Calls => Level::Calls,
        Switch::Lines { .. } if options.has(Flag::Calls) => Level::Calls,
        Switch::Lines { .. } if options.has(Flag::Marked) => Level::Lines(Selection::Marked),
        Switch::Lines { split } => Level::Lines(Selection::All {
            split: split || options.has(Flag::Split),
        }),
    }
}

/// One attribute at work.
struct Expansion<'a> {
    options: Options,
    level: Level,
    emitter: Emitter,
    source: &'a dyn Source,
}

impl Expansion<'_> {
    /// Returns what has to stand beside the item.
    fn function(
        &self,
        mut function: Function<'_>,
        has_helpers: bool,
        errors: &mut Vec<Error>,
    ) -> Option<TokenStream> {
        let mut beside = None;
        match (check::left_alone(&function), self.level) {
            (_, Level::Nothing) | (Some(WhyNot::EntryPoint), _) => {}
            // No statement may stand in it, and nothing beside a method.
            (Some(why @ WhyNot::Naked), level) => {
                let note =
                    (level != Level::Off && !function.direct).then(|| self.note(why, &function));
                beside = note.map(|note| quote!(const _: () = { #note };));
            }
            (why_not, level) => {
                match why_not {
                    _ if level == Level::Off => {}
                    None => self.measure(&mut function, errors),
                    Some(why) => function.block.stmts.insert(0, self.note(why, &function)),
                }
                if level != Level::Off
                    && let Some(name) = self.source.crate_name()
                {
                    let fit = emit::tracking(&fit::variable(&name));
                    function.block.stmts.insert(0, fit);
                }
                function.block.stmts.insert(0, emit::tracking(SWITCH));
            }
        }
        if has_helpers {
            helpers::strip(function.block, errors);
        }
        beside
    }

    /// Instruments a function, or what another attribute has made of it.
    fn measure(&self, function: &mut Function<'_>, errors: &mut Vec<Error>) {
        let at = function.sig.fn_token.span;
        let mut level = match thin::choose(function, &self.options) {
            Choice::Full => self.level,
            Choice::Thin => Level::Thin,
        };
        match self.fitted(function) {
            None => {}
            Some(Fitted::Thin) => level = Level::Thin,
            Some(Fitted::LeftOut) => {
                let note = self.note(WhyNot::TooSmall, function);
                function.block.stmts.insert(0, note);
                return;
            }
        }
        let made = handed_on::is_made(function.block.brace_token.span, self.source);
        if !(made && function.direct && matches!(level, Level::Lines(_) | Level::Thin)) {
            return self.instrument(function, level, errors);
        }
        let owner = function.owner.clone();
        let part = {
            let mut measure_inner = |inner: &mut ItemFn| {
                let mut inner = Function {
                    owner: owner.clone(),
                    attrs: &mut inner.attrs,
                    sig: &mut inner.sig,
                    block: &mut inner.block,
                    direct: true,
                };
                self.instrument(&mut inner, level, errors);
            };
            let after = Span::call_site();
            handed_on::part(function.block, after, self.source, &mut measure_inner)
        };
        match part {
            Part::Here => self.instrument(function, level, errors),
            Part::Inside => {}
            // Its calls are measured, and no line is missing.
            Part::Elsewhere(_) if level == Level::Thin => self.count_calls(function),
            Part::Elsewhere(called) => {
                self.instrument(function, Level::Calls, errors);
                let place = self.place(function);
                let mut facts = self.facts(&place, function);
                facts.line = self.source.line(Span::call_site());
                if let Some(called) = called {
                    facts.name = called.to_string();
                }
                let name = site_name(&place.name, self.source.line(at), Some(0));
                let note = self.emitter.not_measured(&name, WhyNot::Hidden, &facts);
                function.block.stmts.insert(0, note);
            }
        }
    }

    /// What an earlier run says of a function.
    fn fitted(&self, function: &Function<'_>) -> Option<Fitted> {
        if !thin::may_be_fitted(function, &self.options) {
            return None;
        }
        self.source
            .fitted(&|| self.facts(&self.place(function), function))
    }

    /// What the report is to say of a function that is left alone.
    fn note(&self, why: WhyNot, function: &Function<'_>) -> Stmt {
        let place = self.place(function);
        let name = site_name(&place.name, place.line, None);
        self.emitter
            .not_measured(&name, why, &self.facts(&place, function))
    }

    /// Puts the sites, the frame and the markers into a body.
    fn instrument(&self, function: &mut Function<'_>, level: Level, errors: &mut Vec<Error>) {
        if level == Level::Thin {
            return self.count_calls(function);
        }
        let place = self.place(function);
        let kind = match function.sig.asyncness {
            Some(_) => SiteKind::AsyncFunction,
            None => SiteKind::Function,
        };
        let selection = match level {
            Level::Lines(selection) => Some(selection),
            Level::Calls | Level::Thin | Level::Off | Level::Nothing => None,
        };
        let is_async = kind == SiteKind::AsyncFunction;
        let bindings = if is_async {
            parameters::of_future(function.sig)
        } else {
            parameters::of_function(function.sig, function.block)
        };
        let owned = bindings.iter().any(|parameter| parameter.may_own);
        let (tables, brace) = if let Some(selection) = selection {
            let mut walker =
                Walker::new(kind, &place, selection, self.source, &self.emitter, errors);
            let brace = walker.function_body(function.block, owned);
            (walker.into_tables(), brace)
        } else {
            (self.calls_only(kind, &place, function.block), None)
        };
        let facts = self.facts(&place, function);
        let site = &tables[0].ident;
        let span_name = self.options.has(Flag::Span).then_some(facts.name.as_str());
        let at = function.sig.fn_token.span;
        let bound = self.emitter.parameters(&bindings, brace.as_ref(), at);
        let body = mem::replace(function.block, empty_like(function.block));
        let body = if is_async {
            let output = async_fn::output_hint(&function.sig.output);
            self.emitter
                .async_body(site, output.as_ref(), &bound, &body, span_name)
        } else {
            let span = span_name.map(|name| self.emitter.enter_span(name, at));
            let entering = [self.emitter.enter(site, at)].into_iter().chain(span);
            self.emitter.framed(entering.chain(bound).collect(), body)
        };
        function.attrs.push(emit::shape_lints());
        hide_from_canonical_lints(function);
        let sites = tables.iter().map(|table| self.emitter.site(table, &facts));
        function.block.stmts = sites.chain([body]).collect();
    }

    /// Has a body count its calls and stay as it is.
    fn count_calls(&self, function: &mut Function<'_>) {
        let place = self.place(function);
        let name = site_name(&place.name, place.line, None);
        let mut table = SiteTable::new(SiteKind::Function, name);
        // A table that is empty has room.
        table.slot(place.fn_line, LineKind::WholeBody, Row::Own);
        let site = self.emitter.site(&table, &self.facts(&place, function));
        let thin = thin_name(&place.name, place.line);
        let counter = self.emitter.thin(&thin, &table.ident);
        let count = self.emitter.thin_call(&thin, place.name.span());
        function.attrs.push(emit::shape_lints());
        hide_from_canonical_lints(function);
        let stmts = &mut function.block.stmts;
        stmts.insert(leading_items(stmts), count);
        stmts.splice(0..0, [site, counter]);
    }

    /// One marker for the whole body.
    fn calls_only(&self, kind: SiteKind, place: &Place, body: &mut Block) -> Vec<SiteTable> {
        let mut table = SiteTable::new(kind, site_name(&place.name, place.line, None));
        if let Some(slot) = table.slot(place.fn_line, LineKind::WholeBody, Row::Own) {
            let counter = match kind {
                SiteKind::AsyncFunction => Counter::Task {
                    site: table.ident.clone(),
                    slot,
                },
                _ => Counter::Frame { slot },
            };
            let marker = self.emitter.marker(&counter, &[], place.name.span());
            body.stmts.insert(leading_items(&body.stmts), marker);
        }
        vec![table]
    }

    fn place(&self, function: &Function<'_>) -> Place {
        let fn_token = function.sig.fn_token.span;
        let fn_line = self.source.line(fn_token);
        let file = self.source.file(fn_token);
        let braces = function.block.brace_token.span;
        let handed_on = HandedOn::look(function.block, fn_token, self.source);
        let end_line = match &handed_on {
            Some(made) => made.end_line(braces, self.source),
            None => self.source.closing_line(braces),
        };
        let first = self.first_token(function);
        let first_line = self.source.line(first);
        // An attribute that a macro brought along may stand somewhere else.
        let near = first_line <= fn_line && self.source.file(first) == file;
        Place {
            name: function.sig.ident.clone(),
            file,
            line: if near { first_line } else { fn_line },
            column: self.source.column(if near { first } else { fn_token }),
            fn_span: fn_token,
            fn_line,
            end_line: end_line.max(fn_line),
            handed_on,
            returns_nothing: returns_nothing(&function.sig.output),
        }
    }

    /// What the rows of a function begin with: its attribute.
    fn first_token(&self, function: &Function<'_>) -> Span {
        let made = handed_on::is_made(function.block.brace_token.span, self.source);
        let written =
            |attr: &&Attribute| !attr.path().is_ident("doc") && (!made || handed_on::is_own(attr));
        // One that a tool has written stands behind whatever comes before the function.
        if function.direct && !self.options.has(Flag::Bulk) {
            return Span::call_site();
        }
        let attr = function.attrs.iter().find(written);
        attr.map_or(function.sig.fn_token.span, |attr| attr.pound_token.span)
    }

    fn facts(&self, place: &Place, function: &Function<'_>) -> Facts {
        let plain = function.sig.ident.to_string();
        let plain = plain.trim_start_matches("r#");
        let name = match (&self.options.name, &function.owner) {
            (Some(name), _) => name.value(),
            (None, Some(owner)) => format!("{owner}::{plain}"),
            (None, None) => plain.to_owned(),
        };
        let fn_token = function.sig.fn_token.span;
        let source = self.source.text(fn_token, place.line, place.end_line);
        Facts {
            name,
            file: place.file.clone(),
            line: place.line,
            column: place.column,
            end_line: place.end_line,
            package: self.source.package(),
            source: source.replace(BULK_ATTRIBUTE, ""),
            max_allocs: self.options.max_allocs.as_ref().map(|(_, most)| *most),
        }
    }
}

/// What tools write before each function. The user did not, and does not want to see it.
const BULK_ATTRIBUTE: &str = " #[::hprof::profile(bulk)] ";

/// Clippy wants a `clone` and a `partial_cmp` of one expression in some impls, and no attribute of a method changes that. It passes
/// over bodies that a macro wrote, told by their braces.
fn hide_from_canonical_lints(function: &mut Function<'_>) {
    if function.sig.ident == "clone" || function.sig.ident == "partial_cmp" {
        let braces = &mut function.block.brace_token;
        *braces = Brace(hidden(braces.span.join()));
    }
}

/// A block without statements in the same braces.
fn empty_like(block: &Block) -> Block {
    Block {
        brace_token: block.brace_token,
        stmts: Vec::new(),
    }
}

/// Whether a function has no result.
fn returns_nothing(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, output) => {
            matches!(&**output, Type::Tuple(tuple) if tuple.elems.is_empty())
        }
    }
}
