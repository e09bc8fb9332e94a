//! Runs a function plain and instrumented and compares everything a caller can observe.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    clippy::allow_attributes,
    reason = "not every test needs all of it"
)]

use std::any::Any;
use std::cell::RefCell;
use std::fmt::Debug;
use std::panic::{self, AssertUnwindSafe};

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Notes an observable step.
pub(crate) fn log(step: impl Into<String>) {
    LOG.with_borrow_mut(|log| log.push(step.into()));
}

/// Logs when it is dropped.
#[derive(Debug, PartialEq)]
pub(crate) struct Noisy(pub(crate) &'static str);

impl Drop for Noisy {
    fn drop(&mut self) {
        log(format!("drop {}", self.0));
    }
}

impl Noisy {
    /// A value borrowed from a temporary.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Items borrowed from a temporary.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes()
    }
}

/// The result of a run, or the message of its panic, and its log.
fn observed<R: Debug>(run: impl FnOnce() -> R) -> (Result<R, String>, Vec<String>) {
    LOG.take();
    let result = panic::catch_unwind(AssertUnwindSafe(run)).map_err(|payload| message(&*payload));
    (result, LOG.take())
}

fn message(payload: &dyn Any) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".to_owned())
}

/// Asserts that both runs give the same result, or panic alike, with the same log.
#[track_caller]
pub(crate) fn same<R: Debug + PartialEq>(plain: impl FnOnce() -> R, profiled: impl FnOnce() -> R) {
    let plain = observed(plain);
    let profiled = observed(profiled);
    assert_eq!(
        plain, profiled,
        "plain on the left, instrumented on the right"
    );
}

/// Compiles the same code twice: as `plain`, and instrumented as `profiled`.
macro_rules! twins {
    ($($code:tt)*) => {
        mod plain {
            #[allow(unused_imports, reason = "not every case needs all of it")]
            use super::*;
            $($code)*
        }
        #[::hprof::profile(always)]
        mod profiled {
            #[allow(unused_imports, reason = "not every case needs all of it")]
            use super::*;
            $($code)*
        }
    };
}
pub(crate) use twins;
