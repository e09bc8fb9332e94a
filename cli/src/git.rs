//! Git as a process: what it prints, and one line of why it failed.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, anyhow, bail};

use crate::failure::with_hint;

/// What git prints.
pub(crate) fn git(args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git").args(args).output();
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("git is not installed"),
        output => output.context("cannot run git")?,
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().find(|line| !line.is_empty());
        bail!("git: {}", said.unwrap_or("it failed and did not say why"));
    }
    // A source in another encoding has its lines where it has them.
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The commit that a revision is, in the repository of a folder or of the current one.
pub(crate) fn commit(folder: Option<&Path>, revision: &str) -> anyhow::Result<String> {
    let commit = format!("{revision}^{{commit}}");
    let mut args = Vec::new();
    if let Some(folder) = folder {
        args.extend(["-C", text(folder)?]);
    }
    args.extend(["rev-parse", "--verify", "--end-of-options", &commit]);
    let commit = git(&args).map_err(|_| {
        with_hint(
            anyhow!("git knows no revision {revision:?}"),
            "name a branch, a tag or a commit: git log --oneline lists them; a shallow clone has only its last ones",
        )
    })?;
    Ok(commit.trim().to_owned())
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str()
        .with_context(|| format!("the path of the repository is no text: {}", path.display()))
}
