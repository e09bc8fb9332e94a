//! The only module that builds tokens.

use crate::check::WhyNot;
use crate::parameters::{Binding, Parameter};
use crate::paths::{Paths, hidden};
use crate::sites::{LineKind, SiteKind, SiteTable};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, Block, Expr, Stmt, Token, Type, parse_quote_spanned, token};

/// Facts that the sites of one function share.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) end_line: u32,
    pub(crate) package: String,
    pub(crate) source: String,
    /// How many allocations a call may make at most.
    pub(crate) max_allocs: Option<u32>,
}

/// How a body reaches its counters.
#[derive(Clone, Debug)]
pub(crate) enum Counter {
    /// A line of a body with a frame.
    Frame { slot: usize },
    /// A line of an async body, whose frame is found at run time.
    Task { site: Ident, slot: usize },
    /// A local counter of a grouped loop.
    Group { index: usize },
}

/// What the row of a closing brace is told.
pub(crate) struct Brace<'a> {
    pub(crate) counter: &'a Counter,
    /// Whether something has to be dropped there, if that depends on types.
    pub(crate) drops: Option<&'a Ident>,
    /// Whether coming there counts as a hit: not where another statement begins on the line of the brace.
    pub(crate) hit: bool,
}

/// Builds the statements that are added to a body.
pub(crate) struct Emitter {
    paths: Paths,
}

impl Emitter {
    pub(crate) fn new(paths: Paths) -> Self {
        Self { paths }
    }

    /// `static SITE: Site<N> = Site::new(facts, [lines]);`
    pub(crate) fn site(&self, table: &SiteTable, facts: &Facts) -> Stmt {
        let span = table.ident.span();
        let private = |name| self.paths.private(name, span);
        let (site, site_facts, site_kind) =
            (private("Site"), private("SiteFacts"), private("SiteKind"));
        let kind = Ident::new(site_kind_name(table.kind), span);
        let ident = &table.ident;
        let count = Literal::usize_unsuffixed(table.slots.len());
        let lines = self.lines(table, span);
        let Facts {
            name,
            file,
            package,
            ..
        } = facts;
        let [line, column, end_line] =
            [facts.line, facts.column, facts.end_line].map(Literal::u32_unsuffixed);
        let source = match table.kind {
            SiteKind::Function | SiteKind::AsyncFunction => facts.source.as_str(),
            SiteKind::Closure | SiteKind::AsyncBlock => "",
        };
        let max_allocs = match facts.max_allocs.map(Literal::u32_unsuffixed) {
            Some(most) => quote_spanned!(span=> ::core::option::Option::Some(#most)),
            None => quote_spanned!(span=> ::core::option::Option::None),
        };
        verbatim(quote_spanned! {span=>
            static #ident: #site<#count> = #site::new(
                #site_facts {
                    kind: #site_kind::#kind,
                    module: ::core::module_path!(),
                    name: #name,
                    file: #file,
                    line: #line,
                    column: #column,
                    end_line: #end_line,
                    package: #package,
                    source: #source,
                    max_allocs: #max_allocs,
                },
                [#lines],
            );
        })
    }

    /// `static NOTE: &NotMeasured = &NotMeasured { .. };` in the section where the recorder looks for it.
    pub(crate) fn not_measured(&self, ident: &Ident, why: WhyNot, facts: &Facts) -> Stmt {
        let span = ident.span();
        let [not_measured, why_not] =
            ["NotMeasured", "WhyNot"].map(|name| self.paths.private(name, span));
        let why = Ident::new(&format!("{why:?}"), span);
        let Facts { name, file, .. } = facts;
        let line = Literal::u32_unsuffixed(facts.line);
        // The attribute is unsafe, for a section may mean anything: this one is the recorder's, and holds such references only.
        verbatim(quote_spanned! {span=>
            #[cfg(any(target_os = "linux", target_os = "macos"))]
            #[cfg_attr(target_os = "linux", unsafe(link_section = "hprof_not_measured"))]
            #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,hprof_not_meas"))]
            #[used]
            static #ident: &#not_measured = &#not_measured {
                why: #why_not::#why,
                module: ::core::module_path!(),
                name: #name,
                file: #file,
                line: #line,
            };
        })
    }

    /// `static THIN: Thin = Thin::new(&SITE);` in the section whose order is that of the counters.
    pub(crate) fn thin(&self, ident: &Ident, site: &Ident) -> Stmt {
        let span = ident.span();
        let thin = self.paths.private("Thin", span);
        // The attribute is unsafe, for a section may mean anything: this one is the recorder's, and holds such counters only.
        verbatim(quote_spanned! {span=>
            #[cfg_attr(target_os = "linux", unsafe(link_section = "hprof_thin"))]
            #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,hprof_thin"))]
            static #ident: #thin = #thin::new(&#site);
        })
    }

    /// `thin_call(&THIN);`
    pub(crate) fn thin_call(&self, thin: &Ident, at: Span) -> Stmt {
        let span = hidden(at);
        let thin_call = self.paths.private("thin_call", span);
        let thin = Ident::new(&thin.to_string(), span);
        let tokens = quote_spanned!(span=> #thin_call(&#thin));
        Stmt::Expr(Expr::Verbatim(tokens), Some(Token![;](span)))
    }

    fn lines(&self, table: &SiteTable, span: Span) -> TokenStream {
        let line_site = self.paths.private("LineSite", span);
        let line_kind = self.paths.private("LineKind", span);
        let mut lines = TokenStream::new();
        for slot in &table.slots {
            let line = Literal::u32_unsuffixed(slot.line);
            let kind = Ident::new(line_kind_name(slot.kind), span);
            let group = Literal::usize_unsuffixed(slot.group);
            lines.extend(quote_spanned!(span=> #line_site::new(#line, #line_kind::#kind, #group)));
            if !slot.label.is_empty() {
                let label = &slot.label;
                lines.extend(quote_spanned!(span=> .labelled(#label)));
            }
            lines.extend(quote_spanned!(span=> ,));
        }
        lines
    }

    /// `let frame = Frame::enter(&SITE);`
    pub(crate) fn enter(&self, site: &Ident, at: Span) -> Stmt {
        let span = hidden(at);
        let frame = self.paths.private("Frame", span);
        let site = Ident::new(&site.to_string(), span);
        verbatim(quote_spanned!(span=> let frame = #frame::enter(&#site);))
    }

    /// `let _span = enter_span(call_span!("name"));`
    pub(crate) fn enter_span(&self, name: &str, at: Span) -> Stmt {
        let span = hidden(at);
        let enter_span = self.paths.private("enter_span", span);
        let call_span = self.call_span(name, span);
        verbatim(quote_spanned!(span=> let _span = #enter_span(#call_span);))
    }

    fn call_span(&self, name: &str, span: Span) -> TokenStream {
        let call_span = self.paths.private("call_span", span);
        quote_spanned!(span=> #call_span!(#name))
    }

    /// The marker of a line, under the conditions of the statement it stands for.
    pub(crate) fn marker(&self, counter: &Counter, conditions: &[Attribute], at: Span) -> Stmt {
        let span = hidden(at);
        let call = match counter {
            Counter::Frame { slot } => {
                let (frame, slot) = (
                    self.paths.private("Frame", span),
                    Literal::usize_unsuffixed(*slot),
                );
                quote_spanned!(span=> #frame::line::<#slot>(&frame))
            }
            Counter::Task { site, slot } => {
                let (line, slot) = (
                    self.paths.private("task_line", span),
                    Literal::usize_unsuffixed(*slot),
                );
                let site = Ident::new(&site.to_string(), span);
                quote_spanned!(span=> #line::<_, #slot>(&#site))
            }
            Counter::Group { index } => {
                let (group, index) = (
                    self.paths.private("Group", span),
                    Literal::usize_unsuffixed(*index),
                );
                quote_spanned!(span=> #group::hit::<#index>(&mut group))
            }
        };
        let tokens = quote_spanned!(span=> #(#conditions)* #call);
        Stmt::Expr(Expr::Verbatim(tokens), Some(Token![;](span)))
    }

    /// A local whose drop is a marker of the closing brace: `let _brace = Frame::brace::<L, HIT>(&frame, drops);`.
    pub(crate) fn brace_guard(&self, brace: &Brace<'_>, at: Span) -> Stmt {
        let call = self.brace_call(brace, "brace", at);
        verbatim(quote_spanned!(hidden(at)=> let _brace = #call;))
    }

    /// The marker of a closing brace behind a statement: `Frame::at_brace::<L, HIT>(&frame, drops);`.
    pub(crate) fn brace_marker(
        &self,
        brace: &Brace<'_>,
        conditions: &[Attribute],
        at: Span,
    ) -> Stmt {
        let call = self.brace_call(brace, "at_brace", at);
        let span = hidden(at);
        let tokens = quote_spanned!(span=> #(#conditions)* #call);
        Stmt::Expr(Expr::Verbatim(tokens), Some(Token![;](span)))
    }

    fn brace_call(&self, brace: &Brace<'_>, name: &str, at: Span) -> TokenStream {
        let span = hidden(at);
        let drops = match brace.drops {
            Some(drops) => drops.to_token_stream(),
            None => quote_spanned!(span=> true),
        };
        let hit = syn::LitBool::new(brace.hit, span);
        match brace.counter {
            Counter::Frame { slot } => {
                let frame = self.paths.private("Frame", span);
                let (name, slot) = (Ident::new(name, span), Literal::usize_unsuffixed(*slot));
                quote_spanned!(span=> #frame::#name::<#slot, #hit>(&frame, #drops))
            }
            Counter::Task { site, slot } => {
                let name = self.paths.private(&format!("task_{name}"), span);
                let (site, slot) = (
                    Ident::new(&site.to_string(), span),
                    Literal::usize_unsuffixed(*slot),
                );
                quote_spanned!(span=> #name::<_, #slot, #hit>(|| &#site, move || #drops))
            }
            // Loops that only count have no row for a brace.
            Counter::Group { .. } => TokenStream::new(),
        }
    }

    /// A local whose drop makes the line of the statement around run again: `let _back = Frame::back::<L>(&frame, wanted);`.
    pub(crate) fn back_guard(
        &self,
        counter: &Counter,
        wanted: Option<&TokenStream>,
        at: Span,
    ) -> Stmt {
        let span = hidden(at);
        let asked = wanted.map(|wanted| quote_spanned!(span=> let wanted = #wanted;));
        let wanted = match wanted {
            Some(_) => quote_spanned!(span=> wanted),
            None => quote_spanned!(span=> true),
        };
        let call = match counter {
            Counter::Frame { slot } => {
                let frame = self.paths.private("Frame", span);
                let slot = Literal::usize_unsuffixed(*slot);
                quote_spanned!(span=> #frame::back::<#slot>(&frame, #wanted))
            }
            Counter::Task { site, slot } => {
                let back = self.paths.private("task_back", span);
                let (site, slot) = (
                    Ident::new(&site.to_string(), span),
                    Literal::usize_unsuffixed(*slot),
                );
                quote_spanned!(span=> #back::<_, #slot>(|| &#site, move || #wanted))
            }
            Counter::Group { .. } => TokenStream::new(),
        };
        verbatim(quote_spanned!(span=> #asked let _back = #call;))
    }

    /// The path of the function that tells whether the type of a value has something to drop.
    pub(crate) fn drop_glue(&self, at: Span) -> TokenStream {
        self.paths.private("drop_glue", hidden(at))
    }

    /// `let drops = drops | question;`, the answers for all bindings of a block so far; `first`: there are none before.
    pub(crate) fn question(
        &self,
        first: bool,
        conditions: &[Attribute],
        questions: &[TokenStream],
        at: Span,
    ) -> Stmt {
        let span = hidden(at);
        let asked = quote_spanned!(span=> #(#questions)|*);
        verbatim(match (first, conditions.is_empty()) {
            (true, true) => quote_spanned!(span=> let drops = #asked;),
            (true, false) => quote_spanned! {span=>
                let drops = false;
                #(#conditions)* let drops = drops | #asked;
            },
            (false, _) => quote_spanned!(span=> #(#conditions)* let drops = drops | #asked;),
        })
    }

    /// `let mut group = Frame::group::<K>(&frame, &[slots]);`
    pub(crate) fn group(&self, slots: &[usize], at: Span) -> Stmt {
        let span = hidden(at);
        let frame = self.paths.private("Frame", span);
        let count = Literal::usize_unsuffixed(slots.len());
        let slots = slots.iter().map(|slot| Literal::usize_unsuffixed(*slot));
        verbatim(
            quote_spanned!(span=> let mut group = #frame::group::<#count>(&frame, &[#(#slots),*]);),
        )
    }

    /// `poll(&SITE, future)`
    pub(crate) fn poll(&self, site: &Ident, future: &impl ToTokens, at: Span) -> Expr {
        let span = hidden(at);
        let poll = self.paths.private("poll", span);
        let site = Ident::new(&site.to_string(), span);
        Expr::Verbatim(quote_spanned!(span=> #poll(&#site, #future)))
    }

    /// The parameters bound again, and the guard that has them dropped on the line that `brace` counts, where there is one.
    pub(crate) fn parameters(
        &self,
        parameters: &[Parameter],
        brace: Option<&Counter>,
        at: Span,
    ) -> Vec<Stmt> {
        let span = hidden(at);
        let drop_glue = self.drop_glue(at);
        let mut stmts = Vec::new();
        let owners = parameters.iter().filter(|parameter| parameter.may_own);
        for Parameter { binding, .. } in owners.filter(|_| brace.is_some()) {
            let parameter = binding.parameter();
            let asked = quote_spanned!(span=> #drop_glue(&#parameter));
            let conditions = binding.conditions();
            stmts.push(self.question(stmts.is_empty(), &conditions, &[asked], at));
        }
        let asked = !stmts.is_empty();
        stmts.extend(
            parameters
                .iter()
                .map(|bound| verbatim(binding(&bound.binding))),
        );
        if let Some(brace) = brace.filter(|_| asked) {
            let leave = self.leave(brace, span);
            stmts.push(verbatim(quote_spanned!(span=> let _leave = #leave;)));
        }
        stmts
    }

    fn leave(&self, brace: &Counter, span: Span) -> TokenStream {
        match brace {
            Counter::Frame { slot } => {
                let frame = self.paths.private("Frame", span);
                let slot = Literal::usize_unsuffixed(*slot);
                quote_spanned!(span=> #frame::leave::<#slot>(&frame, drops))
            }
            Counter::Task { site, slot } => {
                let leave = self.paths.private("task_leave", span);
                let (site, slot) = (
                    Ident::new(&site.to_string(), span),
                    Literal::usize_unsuffixed(*slot),
                );
                quote_spanned!(span=> #leave::<_, #slot>(|| &#site, move || drops))
            }
            Counter::Group { .. } => TokenStream::new(),
        }
    }

    /// The body of a function behind its frame: `{ enter; parameters; body }`. The braces are of our edition, in which the temporaries of
    /// the last expression, the user's body, are dropped before the parameters, as those of a function are.
    pub(crate) fn framed(&self, opening: Vec<Stmt>, body: Block) -> Stmt {
        let brace = token::Brace(hidden(body.brace_token.span.join()));
        let inner = Expr::Block(syn::ExprBlock {
            attrs: Vec::new(),
            label: None,
            block: body,
        });
        let stmts = opening.into_iter().chain([Stmt::Expr(inner, None)]);
        let block = Block {
            brace_token: brace,
            stmts: stmts.collect(),
        };
        Stmt::Expr(
            Expr::Block(syn::ExprBlock {
                attrs: Vec::new(),
                label: None,
                block,
            }),
            None,
        )
    }

    /// The body of an async function: `poll(&SITE, async move { hint; parameters; body }).await`. The inner block ends the
    /// temporaries of its tail before the parameters are dropped, as the plain function does. `span_name` is that of the span that
    /// each poll enters, if one is wanted.
    pub(crate) fn async_body(
        &self,
        site: &Ident,
        output: Option<&Type>,
        parameters: &[Stmt],
        body: &Block,
        span_name: Option<&str>,
    ) -> Stmt {
        let span = hidden(body.brace_token.span.open());
        // Never taken; tells `?` and coercions in the body what they are to end up with.
        let hint = output.map(|output| {
            quote_spanned! {span=>
                if let ::core::option::Option::Some(output) = ::core::option::Option::None::<#output> {
                    return output;
                }
            }
        });
        let mut future = quote_spanned!(span=> async move { #hint #(#parameters)* #body });
        if let Some(name) = span_name {
            let (in_span, call_span) = (
                self.paths.private("in_span", span),
                self.call_span(name, span),
            );
            future = quote_spanned!(span=> #in_span(#call_span, #future));
        }
        let poll = self.poll(site, &future, span);
        Stmt::Expr(Expr::Verbatim(quote_spanned!(span=> #poll.await)), None)
    }
}

impl Binding {
    /// The parameter as it comes in.
    fn parameter(&self) -> TokenStream {
        match self {
            Self::Receiver(at) | Self::ReceiverByValue { at, .. } => {
                Token![self](*at).to_token_stream()
            }
            Self::Named { value, .. } | Self::Destructured { value, .. } => value.to_token_stream(),
        }
    }

    /// The conditions under which it exists.
    fn conditions(&self) -> Vec<Attribute> {
        match self {
            Self::Receiver(_) | Self::ReceiverByValue { .. } => Vec::new(),
            Self::Named { attrs, .. } | Self::Destructured { attrs, .. } => {
                let conditions = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
                conditions.cloned().collect()
            }
        }
    }
}

/// What clippy would say of the shape that markers give a body: an `else if` with one becomes an `else` with an `if` in it, and a
/// body or arm of one expression gets statements.
pub(crate) fn shape_lints() -> Attribute {
    parse_quote_spanned! {Span::mixed_site()=>
        #[allow(
            clippy::if_not_else,
            clippy::redundant_else,
            clippy::semicolon_if_nothing_returned,
            clippy::single_match_else,
            clippy::unnecessary_semicolon
        )]
    }
}

/// `const _: Option<&str> = option_env!("HPROF");`: tells cargo that the expansion depends on the variable.
pub(crate) fn tracking(variable: &str) -> Stmt {
    let span = Span::mixed_site();
    verbatim(
        quote_spanned!(span=> const _: ::core::option::Option<&str> = ::core::option_env!(#variable);),
    )
}

/// The errors, to stand beside the item.
pub(crate) fn errors(errors: &[syn::Error]) -> TokenStream {
    let errors = errors.iter().map(syn::Error::to_compile_error);
    quote!(#(#errors)*)
}

fn binding(binding: &Binding) -> TokenStream {
    match binding {
        Binding::Receiver(span) => {
            // The word has the user's span: `self` is a name like any other.
            let receiver = Token![self](*span);
            let span = hidden(*span);
            quote_spanned!(span=> let _ = &#receiver;)
        }
        Binding::ReceiverByValue {
            at,
            mutability,
            value,
        } => {
            let receiver = Token![self](*at);
            let span = hidden(*at);
            quote_spanned!(span=> let #mutability #value = #receiver;)
        }
        Binding::Named { attrs, pat, value } => {
            let span = hidden(value.span());
            quote_spanned!(span=> #(#attrs)* let #pat = #value;)
        }
        Binding::Destructured { attrs, pat, value } => {
            let span = hidden(value.span());
            let conditions = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
            quote_spanned!(span=> #(#conditions)* let #value = #value; #(#attrs)* let #pat = #value;)
        }
    }
}

/// A statement that no later stage looks into.
fn verbatim(tokens: TokenStream) -> Stmt {
    Stmt::Expr(Expr::Verbatim(tokens), None)
}

pub(crate) fn site_kind_name(kind: SiteKind) -> &'static str {
    match kind {
        SiteKind::Function => "Function",
        SiteKind::Closure => "Closure",
        SiteKind::AsyncFunction => "AsyncFunction",
        SiteKind::AsyncBlock => "AsyncBlock",
    }
}

pub(crate) fn line_kind_name(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Statement => "Statement",
        LineKind::LoopHeader => "LoopHeader",
        LineKind::GroupHeader => "GroupHeader",
        LineKind::GroupBody => "GroupBody",
        LineKind::Brace => "Brace",
        LineKind::WholeBody => "WholeBody",
    }
}
