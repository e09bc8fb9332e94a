//! What `#[profile(span)]` opens for a call: a span of `tracing`, or nothing without the feature.

#[cfg(feature = "tracing")]
#[doc(hidden)]
pub use tracing;

#[cfg(feature = "tracing")]
mod with {
    use core::future::Future;

    use tracing::instrument::Instrumented;
    use tracing::span::EnteredSpan;
    use tracing::{Instrument as _, Span};

    /// Enters the span until the guard is dropped.
    #[inline]
    pub fn enter_span(span: Span) -> EnteredSpan {
        span.entered()
    }

    /// Enters the span for each poll of the future.
    #[inline]
    pub fn in_span<F: Future>(span: Span, future: F) -> Instrumented<F> {
        future.instrument(span)
    }
}

#[cfg(not(feature = "tracing"))]
mod without {
    use core::future::Future;

    /// Stands for the span.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct NoSpan;

    /// Does nothing.
    #[inline(always)]
    pub const fn enter_span(span: NoSpan) -> NoSpan {
        span
    }

    /// The future as it is.
    #[inline(always)]
    pub fn in_span<F: Future>(_span: NoSpan, future: F) -> F {
        future
    }
}

#[cfg(feature = "tracing")]
pub use with::{enter_span, in_span};
#[cfg(not(feature = "tracing"))]
pub use without::{NoSpan, enter_span, in_span};

/// The span of a call: made where it stands, for its metadata is static.
#[cfg(feature = "tracing")]
#[doc(hidden)]
#[macro_export]
macro_rules! __call_span {
    ($name:literal) => {
        $crate::__private::tracing::span!(
            target: "hprof",
            $crate::__private::tracing::Level::INFO,
            $name
        )
    };
}

/// See above.
#[cfg(not(feature = "tracing"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __call_span {
    ($name:literal) => {
        $crate::__private::NoSpan
    };
}

pub use crate::__call_span as call_span;
