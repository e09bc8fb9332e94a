//! Children by `fork`, which go on with a copy of the parent, and by `fork` and `exec`, which start a program afresh.
//!
//! Every process must have a profile of its own. Hits over all of them: `for` header `children + 1`, the lines of its
//! body `children`, the lines of [`child`] `children`.

#![expect(
    clippy::print_stdout,
    reason = "a greeting is all that these children do"
)]

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, Command};

use crate::processes::{join, spawn};

/// Forks `children` children that greet, and waits for them.
///
/// # Errors
/// The system's error if a child cannot be made or fails.
#[hprof::profile]
pub fn first_fork(children: usize) -> io::Result<()> {
    let mut pids = Vec::new();
    for _ in 0..children {
        let pid = spawn(child)?;
        println!("Hello from parent {} {pid}", process::id());
        pids.push(pid);
    }
    join(pids)
}

/// Forks `children` children that become `program --hello`, and waits for them.
///
/// # Errors
/// The system's error if a child cannot be made or the program fails.
#[hprof::profile]
pub fn second_fork(program: &Path, children: usize) -> io::Result<()> {
    let mut pids = Vec::new();
    for _ in 0..children {
        let pid = spawn(|| become_program(program))?;
        println!("The child is {pid}");
        pids.push(pid);
    }
    join(pids)
}

/// What a child does: greets with its process number.
#[hprof::profile]
pub fn child() {
    println!("Hello from {}", process::id());
}

/// Replaces this process by `program --hello`; only a failure comes back, and ends the child.
fn become_program(program: &Path) {
    let error = Command::new(program).arg("--hello").exec();
    panic!("cannot start {}: {error}", program.display());
}
