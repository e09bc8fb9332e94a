//! `hprof man`: manual pages, made from the help.

use anyhow::anyhow;
use clap::CommandFactory;
use clap_mangen::Man;

use crate::args::{Cli, ManArgs};
use crate::failure;
use crate::output;

/// `hprof man`.
pub(crate) fn man(args: &ManArgs) -> anyhow::Result<u8> {
    let mut hprof = Cli::command();
    // Names the page of a command `hprof-run`, and its usage `hprof run`.
    hprof.build();
    let page = match &args.command {
        None => hprof,
        Some(name) => hprof.find_subcommand(name).cloned().ok_or_else(|| {
            failure::with_hint(
                anyhow!("there is no command '{name}'"),
                "hprof --help lists the commands",
            )
        })?,
    };
    let mut text = Vec::new();
    Man::new(page).render(&mut text)?;
    output::print(&String::from_utf8(text)?)?;
    Ok(0)
}
