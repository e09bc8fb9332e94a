//! Writes the plain twins: the workloads' own sources with their `#[hprof::profile]` lines as empty comments.
//!
//! A workload is written once, as a user would write it. Its plain twin is the same text without the
//! attribute, on the same line numbers, so that both can be timed and disassembled in one process and
//! can never drift apart.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What marks a workload, and all that its plain twin lacks.
const ATTRIBUTE: &str = "#[hprof::profile";

/// Workloads that are only built with the feature `mpi`.
const ONLY_WITH_MPI: [&str; 1] = ["ring"];

fn main() -> io::Result<()> {
    let sources = Path::new("src");
    println!("cargo::rerun-if-changed={}", sources.display());

    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts"));
    let twins = out.join("plain");
    if twins.exists() {
        // A workload that was renamed must not leave its old twin behind.
        fs::remove_dir_all(&twins)?;
    }
    fs::create_dir_all(&twins)?;

    let mut modules = String::from("//! The plain twins, one module a workload.\n");
    for file in rust_files(sources)? {
        let text = fs::read_to_string(&file)?;
        if !text.lines().any(is_attribute) {
            continue;
        }
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if ONLY_WITH_MPI.contains(&name.as_str()) {
            modules.push_str("#[cfg(feature = \"mpi\")]\n");
        }
        modules.extend(["pub mod ", &name, ";\n"]);
        write_twin(&text, &twins.join(format!("{name}.rs")))?;

        let parts = sources.join(&name);
        if parts.is_dir() {
            fs::create_dir_all(twins.join(&name))?;
            for part in rust_files(&parts)? {
                let target = twins.join(&name).join(part.file_name().unwrap_or_default());
                write_twin(&fs::read_to_string(&part)?, &target)?;
            }
        }
    }
    fs::write(twins.join("mod.rs"), modules)?;
    fs::write(
        out.join("plain.rs"),
        format!("#[path = {:?}]\npub mod plain;\n", twins.join("mod.rs")),
    )
}

/// The Rust files of one folder, sorted so that builds repeat, without the crate's root.
fn rust_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("src/lib.rs")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn is_attribute(line: &str) -> bool {
    line.trim_start().starts_with(ATTRIBUTE)
}

/// Writes `text` with an empty comment for each attribute line, so that line numbers stay.
fn write_twin(text: &str, target: &Path) -> io::Result<()> {
    let plain: Vec<&str> = text
        .lines()
        .map(|line| if is_attribute(line) { "//" } else { line })
        .collect();
    fs::write(target, plain.join("\n") + "\n")
}
