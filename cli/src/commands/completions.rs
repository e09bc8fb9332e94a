//! `hprof completions`: a completion script for a shell.

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};
use crate::output;

/// `hprof completions`.
pub(crate) fn completions(args: &CompletionsArgs) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hprof", &mut script);
    output::print(&String::from_utf8(script)?)?;
    Ok(0)
}
