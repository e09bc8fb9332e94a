//! Diagnostics of hprof itself, for `HPROF_LOG=debug`; silent otherwise.

use std::env;
use std::io;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the log if `HPROF_LOG` asks for one: a level, or levels of modules such as `hprof::launch=trace`.
pub(crate) fn start() {
    let Ok(levels) = env::var(hprof::env::LOG) else {
        return;
    };
    let Ok(filter) = levels.parse::<Targets>() else {
        return;
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let log = tracing_subscriber::registry().with(lines).with(filter);
    // Fails only if a log was started before, which nothing else does.
    let _ = log.try_init();
}
