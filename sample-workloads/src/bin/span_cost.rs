//! What a span costs under `hprof::layer()` and under other layers: the rows of `docs/spans-and-native-stacks.md`.
//!
//! Each row runs in a process of its own, for a subscriber is for good. A row is the best of some rounds.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use std::io;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Spans of a round; tracing-chrome keeps all of them in memory for a while.
const SPANS: u32 = 100_000;
const ROUNDS: u32 = 9;

const ROWS: [&str; 6] = [
    "no subscriber",
    "bare Registry",
    "hprof::layer(), not recording",
    "hprof::layer(), recording",
    "tracing-flame",
    "tracing-chrome",
];

/// Makes, enters, leaves and drops spans.
fn spans(count: u32) {
    for _ in 0..count {
        let _entered = tracing::info_span!("measured").entered();
    }
}

/// The best time of a span, nanoseconds, with this many threads at it at the same time.
fn best(threads: u32) -> f64 {
    let round = || {
        let started = Instant::now();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| spans(SPANS));
            }
        });
        started.elapsed()
    };
    let best = (0..ROUNDS).map(|_| round()).min().unwrap_or(Duration::MAX);
    best.as_secs_f64() * 1e9 / f64::from(SPANS)
}

/// Installs what the row measures. The guard writes the rest of a trace when it is dropped.
fn install(row: &str) -> anyhow::Result<Option<tracing_chrome::FlushGuard>> {
    match row {
        "no subscriber" => {}
        "bare Registry" => tracing_subscriber::registry().init(),
        "tracing-flame" => tracing_subscriber::registry()
            .with(tracing_flame::FlameLayer::new(io::sink()))
            .init(),
        "tracing-chrome" => {
            let (layer, guard) = tracing_chrome::ChromeLayerBuilder::new()
                .writer(io::sink())
                .build();
            tracing_subscriber::registry().with(layer).init();
            return Ok(Some(guard));
        }
        _ => tracing_subscriber::registry().with(hprof::layer()).init(),
    }
    Ok(None)
}

fn main() -> anyhow::Result<()> {
    if let Some(row) = std::env::args().nth(1) {
        let guard = install(&row)?;
        let (one, two) = (best(1), best(2));
        drop(guard);
        println!("| {row} | {one:.0} | {two:.0} |");
        return Ok(());
    }
    println!("| layer | 1 thread | 2 threads |\n|---|---|---|");
    let folder = std::env::temp_dir().join(format!("span-cost-{}", std::process::id()));
    std::fs::create_dir(&folder).context("cannot make a folder for raw files")?;
    for row in ROWS {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(row).env_remove("HPROF_DIR");
        if row.ends_with(", recording") {
            command.env("HPROF_DIR", &folder);
        }
        let status = command.status()?;
        anyhow::ensure!(status.success(), "{row} failed");
    }
    std::fs::remove_dir_all(&folder).context("cannot remove the raw files")
}
