//! Puts the sources of the recorder's crates into the command, which builds them for programs that do not depend on them.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What those crates are built from, seen from the root of the workspace.
const CARRIED: [&str; 7] = [
    "Cargo.lock",
    "Cargo.toml",
    "profiler-core/Cargo.toml",
    "profiler-core/build.rs",
    "profiler-core/src",
    "profiler-macros/Cargo.toml",
    "profiler-macros/src",
];

fn main() -> io::Result<()> {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let root = Path::new(&manifest).parent().unwrap_or(Path::new(".."));
    let mut files = Vec::new();
    for name in CARRIED {
        let path = root.join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        find(&path, &mut files)?;
    }
    files.sort();
    let mut list = String::from("[\n");
    for path in &files {
        let name = path.strip_prefix(root).unwrap_or(path);
        let (name, path) = (name.display().to_string(), path.display().to_string());
        writeln!(list, "    ({name:?}, include_str!({path:?})),").map_err(io::Error::other)?;
    }
    list.push(']');
    let out = env::var_os("OUT_DIR").unwrap_or_default();
    fs::write(Path::new(&out).join("carried.rs"), list)
}

fn find(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        // Tests are not built.
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        if !is_test {
            find(&path, files)?;
        }
    }
    Ok(())
}
