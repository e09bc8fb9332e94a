//! The worktree that the base is built in. It stands beside the repository, so that relative paths out of it lead to the same places, and goes when this
//! value does; one that a killed hprof has left goes before.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::repository::Repository;
use crate::failure::{self, Hint};
use crate::git::{self, git};

/// What its name begins with.
const PREFIX: &str = ".hprof-base-";
const LOCK: &str = "lock";

/// A working tree of the base.
#[derive(Debug)]
pub(super) struct Worktree {
    repository: PathBuf,
    folder: PathBuf,
    /// One hprof at a time has it. The system opens the lock when the process ends, however it does.
    _lock: File,
}

impl Worktree {
    /// Makes it. `own` is the folder of all that belongs to the comparison.
    pub(super) fn new(repository: &Repository, commit: &str, own: &Path) -> anyhow::Result<Self> {
        let lock = File::create(own.join(LOCK))
            .with_context(|| format!("cannot write to {}", own.display()))?;
        lock.try_lock()
            .map_err(|_| anyhow!("another hprof compares this program with a base"))
            .hint("wait for its end: two at a time would spoil the times of both")?;
        let parts = (repository.root.parent()).zip(repository.root.file_name());
        let (parent, name) = parts.context("the repository has no folder around it")?;
        let mut own_name = std::ffi::OsString::from(PREFIX);
        own_name.push(name);
        let folder = parent.join(own_name);
        if folder.symlink_metadata().is_ok() && !folder.join(".git").is_file() {
            return Err(anyhow!("{} is in the way", folder.display()))
                .hint("hprof puts the worktree of the base there: rename what is there now");
        }
        let worktree = Self {
            repository: repository.root.clone(),
            folder,
            _lock: lock,
        };
        worktree.remove();
        let add = ["worktree", "add", "--quiet", "--force", "--detach"];
        worktree
            .git_in(&repository.root, &add, &[git::text(&worktree.folder)?, commit])
            .with_context(|| {
                format!(
                    "cannot make a worktree of the base at {}",
                    worktree.folder.display()
                )
            })
            .hint("it stands beside the repository, so that paths lead to the same places: may you write there?")?;
        Ok(worktree)
    }

    /// Adds what a checkout does not have; returns the manifest of the package in it.
    pub(super) fn prepare(
        &self,
        repository: &Repository,
        workspace: &Path,
        revision: &str,
    ) -> anyhow::Result<PathBuf> {
        if self.folder.join(".gitmodules").is_file() {
            self.fetch_submodules(repository)
                .context("cannot fetch the submodules of the base")?;
        }
        let manifest = self.folder.join(&repository.package).join("Cargo.toml");
        if !manifest.is_file() {
            let name = repository.package.join("Cargo.toml");
            return Err(anyhow!("{revision} has no {}", name.display()))
                .hint("name a revision that has the package");
        }
        let workspace = workspace.canonicalize().unwrap_or(workspace.to_owned());
        if let Ok(inside) = workspace.strip_prefix(&repository.root) {
            let (ours, theirs) = (
                workspace.join("Cargo.lock"),
                self.folder.join(inside).join("Cargo.lock"),
            );
            if ours.is_file() && !theirs.exists() && theirs.parent().is_some_and(Path::is_dir) {
                fs::copy(&ours, &theirs)
                    .map_err(failure::without_path)
                    .with_context(|| format!("cannot copy {}", ours.display()))?;
            }
        }
        Ok(manifest)
    }

    /// From what the repository has of them, so that no network is needed; from where they are, if it has not the commit.
    fn fetch_submodules(&self, repository: &Repository) -> anyhow::Result<()> {
        let keys = [
            "config",
            "-z",
            "--file",
            ".gitmodules",
            "--get-regexp",
            r"^submodule\..*\.path$",
        ];
        let listed = self.git_in(&self.folder, &keys, &[])?;
        let common = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
        let common = self.git_in(&repository.root, &common, &[])?;
        let modules = Path::new(common.trim_end_matches('\n')).join("modules");
        for entry in listed.split_terminator('\0') {
            let Some((key, path)) = entry.split_once('\n') else {
                continue;
            };
            let name = key
                .trim_start_matches("submodule.")
                .trim_end_matches(".path");
            let there = modules.join(name);
            let update = [
                "submodule",
                "--quiet",
                "update",
                "--init",
                "--recursive",
                "--",
            ];
            let near = format!("submodule.{name}.url={}", there.display());
            let from_near = there.is_dir()
                && self
                    .git_in(
                        &self.folder,
                        &["-c", "protocol.file.allow=always", "-c", &near],
                        &[&update[..], &[path]].concat(),
                    )
                    .is_ok();
            if !from_near {
                self.git_in(&self.folder, &update, &[path])?;
            }
        }
        Ok(())
    }

    /// Without the user's hooks, which are for the user's own checkouts.
    fn git_in(&self, folder: &Path, first: &[&str], rest: &[&str]) -> anyhow::Result<String> {
        let start = ["-C", git::text(folder)?, "-c", "core.hooksPath=/dev/null"];
        git(&[&start, first, rest].concat())
    }

    fn remove(&self) {
        // Whatever is left is named by git, and removed the next time.
        let _ = fs::remove_dir_all(&self.folder);
        let _ = self.git_in(&self.repository, &["worktree", "prune"], &[]);
    }
}

impl Drop for Worktree {
    fn drop(&mut self) {
        self.remove();
    }
}
