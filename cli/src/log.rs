//! Diagnostics of hprof itself, for `HPROF_LOG=debug`; silent otherwise.

use std::io;

use tracing_subscriber::EnvFilter;

/// Starts the log if `HPROF_LOG` asks for one.
pub(crate) fn start() {
    let Ok(filter) = EnvFilter::try_from_env(hprof::env::LOG) else {
        return;
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // Fails only if a log was started before, which nothing else does.
    let _ = log.try_init();
}
