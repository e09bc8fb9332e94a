//! `hprof::layer()`: spans of `tracing` as rows of the profile, beside the annotated functions.

use tracing::{Metadata, Subscriber, span};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

#[cfg(hprof_recorder)]
use crate::recorder::{SpanCalls, SpanSites};
#[cfg(hprof_recorder)]
use crate::site::{LineKind, LineSite, Site, SiteFacts, SiteKind};

/// Target of the spans that `#[profile(span)]` opens: their functions have rows already.
pub(crate) const OWN_TARGET: &str = "hprof";

/// A layer that gives each span of the program a row: calls, busy time, idle time.
///
/// One place in the source that makes spans is one function of the report. A span made is a call; the time between enter and exit
/// is the row's time, less what ran below it in other spans and annotated functions; the time between an exit and the next enter, as
/// of an async task that waits, is its await time. Spans nest with annotated functions in both directions, on any number of threads.
///
/// Nothing is recorded, and next to nothing done, unless the program runs under `hprof run` or with `HPROF_DIR` set.
///
/// The layer has no use for events. In a program that emits many, keep it from enabling them for all:
/// `hprof::layer().with_filter(filter_fn(|metadata| metadata.is_span()))`.
///
/// Where a span is entered in the middle of an annotated body, the lines of that body go on being the function's: the row of the span
/// has its calls, and the time until the next line begins.
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt as _;
/// use tracing_subscriber::util::SubscriberInitExt as _;
///
/// tracing_subscriber::registry().with(hprof::layer()).init();
/// tracing::info_span!("load").in_scope(|| {
///     // its time is that of the row `load`
/// });
/// ```
#[must_use]
pub const fn layer() -> SpanLayer {
    SpanLayer { _private: () }
}

/// Made by [`layer`].
#[derive(Clone, Copy, Debug)]
pub struct SpanLayer {
    _private: (),
}

#[cfg(hprof_recorder)]
static SITES: SpanSites<4096> = SpanSites::new();

/// What a span from this place in the source is recorded as.
#[cfg(hprof_recorder)]
fn site(metadata: &'static Metadata<'static>) -> Site<1> {
    let line = metadata.line().unwrap_or(1);
    let facts = SiteFacts {
        kind: SiteKind::Function,
        module: metadata.module_path().unwrap_or(metadata.target()),
        name: metadata.name(),
        file: metadata.file().unwrap_or_default(),
        line,
        column: 1,
        end_line: line,
        package: "",
        source: "",
        max_allocs: None,
    };
    Site::new(facts, [LineSite::new(line, LineKind::WholeBody, 0)])
}

#[cfg(hprof_recorder)]
impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SpanLayer {
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        let metadata = attributes.metadata();
        if metadata.target() == OWN_TARGET {
            return;
        }
        let key = core::ptr::from_ref(metadata).addr();
        if let Some(calls) = SpanCalls::new(|| SITES.get(key, || site(metadata)))
            && let Some(span) = context.span(id)
        {
            span.extensions_mut().replace(calls);
        }
    }

    fn on_enter(&self, id: &span::Id, context: Context<'_, S>) {
        with_calls(id, &context, |calls| calls.enter(id.into_u64()));
    }

    fn on_exit(&self, id: &span::Id, context: Context<'_, S>) {
        with_calls(id, &context, |calls| calls.exit(id.into_u64()));
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        with_calls(&id, &context, SpanCalls::close);
    }
}

/// Hands over what is kept with the span, if it is recorded.
#[cfg(hprof_recorder)]
fn with_calls<S: Subscriber + for<'a> LookupSpan<'a>>(
    id: &span::Id,
    context: &Context<'_, S>,
    act: impl FnOnce(&SpanCalls),
) {
    if SpanCalls::wanted()
        && let Some(span) = context.span(id)
        && let Some(calls) = span.extensions().get::<SpanCalls>()
    {
        act(calls);
    }
}

#[cfg(not(hprof_recorder))]
impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SpanLayer {}
