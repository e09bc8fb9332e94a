//! Cargo as hprof starts it, and what it prints.

use std::env;
use std::process::{Command, Output};

use anyhow::Context;

use crate::failure::Hint;

/// Cargo without what an outer cargo told hprof of hprof's own package, and without what would make a build script record.
pub(super) fn bare_cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let outer = ["CARGO_PKG_", "CARGO_BIN_", "CARGO_MANIFEST_"]
            .iter()
            .any(|prefix| text.starts_with(prefix));
        if outer
            || matches!(
                &*text,
                "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE" | "OUT_DIR"
            )
        {
            command.env_remove(name);
        }
    }
    command.env_remove(hprof::env::DIR);
    command
}

/// Runs cargo for what it prints.
pub(super) fn output(command: &mut Command) -> anyhow::Result<Output> {
    command
        .output()
        .context("cannot start cargo")
        .hint(CARGO_HINT)
}

/// What to do when there is no cargo.
pub(super) const CARGO_HINT: &str = "is Rust installed and cargo in PATH?";
