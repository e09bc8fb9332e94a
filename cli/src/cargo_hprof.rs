//! `cargo hprof run ..` is `hprof run ..`: hands everything to the `hprof` beside this program.

use std::env;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use std::io::{self, Write};

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1).peekable();
    // Cargo repeats the name of the subcommand.
    args.next_if(|arg| arg == "hprof");
    let hprof = beside().unwrap_or_else(|| PathBuf::from("hprof"));
    let error = Command::new(&hprof).args(args).exec();
    // Nobody is left to be told if the standard error is gone.
    let _ = writeln!(
        io::stderr(),
        "hprof: cannot start {}: {error}",
        hprof.display()
    );
    let _ = writeln!(
        io::stderr(),
        "hprof: hint: install both programs: cargo install --path cli"
    );
    ExitCode::from(2)
}

/// The `hprof` in the folder of this program.
fn beside() -> Option<PathBuf> {
    let path = env::current_exe().ok()?.with_file_name("hprof");
    path.is_file().then_some(path)
}
