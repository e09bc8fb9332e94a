//! Where the program is in its repository, as git tells.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use crate::failure::Hint;
use crate::git::{self, git};

/// The repository of the program, or the worktree of it that the user stands in.
#[derive(Debug)]
pub(super) struct Repository {
    /// Its working tree.
    pub(super) root: PathBuf,
    /// The folder of the manifest, from there.
    pub(super) package: PathBuf,
}

impl Repository {
    /// The one with this manifest; that of the current folder, or the nearest above, without one.
    pub(super) fn of(manifest: Option<&Path>) -> anyhow::Result<Self> {
        let here = std::env::current_dir().context("cannot find the current folder")?;
        let folder = match manifest {
            Some(manifest) => here.join(manifest).parent().map(Path::to_owned),
            None => here
                .ancestors()
                .find(|folder| folder.join("Cargo.toml").is_file())
                .map(Path::to_owned),
        };
        let folder = folder.context("there is no Cargo.toml here or above")?;
        let folder = folder
            .canonicalize()
            .with_context(|| format!("cannot find {}", folder.display()))?;
        let root = git(&["-C", git::text(&folder)?, "rev-parse", "--show-toplevel"])
            .hint("--base builds a revision that git knows: the program must be in a repository")?;
        let root = PathBuf::from(root.trim_end_matches('\n'));
        let root = root.canonicalize().unwrap_or(root);
        let package = folder
            .strip_prefix(&root)
            .map_err(|_| anyhow!("{} is not in {}", folder.display(), root.display()))?
            .to_owned();
        Ok(Self { root, package })
    }

    /// The commit that a revision is.
    pub(super) fn commit(&self, revision: &str) -> anyhow::Result<String> {
        git::commit(Some(&self.root), revision)
    }
}
