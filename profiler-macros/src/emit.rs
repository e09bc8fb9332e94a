//! The only module that builds tokens.

use crate::check::WhyNot;
use crate::paths::{Paths, SWITCH, hidden};
use crate::sites::{LineKind, SiteKind, SiteTable};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, Block, Expr, Stmt, Token, Type, parse_quote_spanned};

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

/// One parameter of an async function, to be moved into its future.
pub(crate) enum Binding {
    /// `self`: mentioned, so that the future takes the whole of it.
    Receiver(Span),
    /// `let pat = value;`
    Named {
        attrs: Vec<Attribute>,
        pat: TokenStream,
        value: Ident,
    },
    /// `let value = value; let pat = value;`
    Destructured {
        attrs: Vec<Attribute>,
        pat: TokenStream,
        value: Ident,
    },
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
        whole(quote_spanned! {span=>
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
        whole(quote_spanned! {span=>
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
        whole(quote_spanned!(span=> let frame = #frame::enter(&#site);))
    }

    /// `let _span = enter_span(call_span!("name"));`
    pub(crate) fn enter_span(&self, name: &str, at: Span) -> Stmt {
        let span = hidden(at);
        let enter_span = self.paths.private("enter_span", span);
        let call_span = self.call_span(name, span);
        whole(quote_spanned!(span=> let _span = #enter_span(#call_span);))
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

    /// `let brace = Frame::brace::<L>(&frame);`, whose drop is the marker of the closing brace.
    pub(crate) fn brace_guard(&self, slot: usize, at: Span) -> Stmt {
        let span = hidden(at);
        let (frame, slot) = (
            self.paths.private("Frame", span),
            Literal::usize_unsuffixed(slot),
        );
        whole(quote_spanned!(span=> let _brace = #frame::brace::<#slot>(&frame);))
    }

    /// `let mut group = Frame::group::<K>(&frame, &[slots]);`
    pub(crate) fn group(&self, slots: &[usize], at: Span) -> Stmt {
        let span = hidden(at);
        let frame = self.paths.private("Frame", span);
        let count = Literal::usize_unsuffixed(slots.len());
        let slots = slots.iter().map(|slot| Literal::usize_unsuffixed(*slot));
        whole(
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

    /// The body of an async function: `poll(&SITE, async move { hint; bindings; body }).await`. The inner block ends the
    /// temporaries of its tail before the parameters are dropped, as the plain function does. `span_name` is that of the span that
    /// each poll enters, if one is wanted.
    pub(crate) fn async_body(
        &self,
        site: &Ident,
        output: Option<&Type>,
        bindings: &[Binding],
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
        let bindings = bindings.iter().map(binding);
        let mut future = quote_spanned!(span=> async move { #hint #(#bindings)* #body });
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

/// `const _: Option<&str> = option_env!("HPROF");`: tells cargo that the expansion depends on the switch.
pub(crate) fn tracking() -> Stmt {
    let span = Span::mixed_site();
    whole(
        quote_spanned!(span=> const _: ::core::option::Option<&str> = ::core::option_env!(#SWITCH);),
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
fn whole(tokens: TokenStream) -> Stmt {
    Stmt::Expr(Expr::Verbatim(tokens), None)
}

fn site_kind_name(kind: SiteKind) -> &'static str {
    match kind {
        SiteKind::Function => "Function",
        SiteKind::Closure => "Closure",
        SiteKind::AsyncFunction => "AsyncFunction",
        SiteKind::AsyncBlock => "AsyncBlock",
    }
}

fn line_kind_name(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Statement => "Statement",
        LineKind::LoopHeader => "LoopHeader",
        LineKind::GroupHeader => "GroupHeader",
        LineKind::GroupBody => "GroupBody",
        LineKind::Brace => "Brace",
        LineKind::WholeBody => "WholeBody",
    }
}
