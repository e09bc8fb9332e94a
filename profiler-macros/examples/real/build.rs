//! The packages of programs, plain and instrumented.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hprof_injector::Kind;
use toml::Table;

use crate::list::Entry;
use crate::{Result, package};

/// The programs as they are built. Those that are fitted are built for each program, see `fit`.
pub(crate) struct Built {
    pub(crate) plain: PathBuf,
    /// With frames and lines in every function.
    pub(crate) full: PathBuf,
    /// The attribute counts as bulk: small functions count their calls only.
    pub(crate) thin: PathBuf,
}

/// The folder of the copies whose small functions are thin.
pub(crate) const THIN: &str = "thin";
/// The folder of those with lines in every function.
pub(crate) const FULL: &str = "full";

const CRATES: [Entry; 7] = [
    published("memchr", "2.8.3"),
    published("lz4_flex", "0.14.2"),
    published("miniz_oxide", "0.9.1"),
    published("jzon", "0.12.5"),
    published("tinyjson", "2.5.1"),
    published("pulldown-cmark", "0.13.6"),
    published("num-bigint", "0.5.1"),
];

const fn published(name: &'static str, version: &'static str) -> Entry {
    Entry {
        name,
        version,
        features: "",
        without: &[],
        targets: &[],
        patched: false,
        switch: "lines",
        small: false,
    }
}

/// Texts of the package of programs.
const SOURCES: [(&str, &str); 7] = [
    ("main.rs", include_str!("programs/main.rs")),
    ("binary_trees.rs", include_str!("programs/binary_trees.rs")),
    ("fannkuch.rs", include_str!("programs/fannkuch.rs")),
    ("mandelbrot.rs", include_str!("programs/mandelbrot.rs")),
    ("n_body.rs", include_str!("programs/n_body.rs")),
    ("published.rs", include_str!("programs/published.rs")),
    (
        "spectral_norm.rs",
        include_str!("programs/spectral_norm.rs"),
    ),
];

/// Downloads the crates, makes the packages and builds them as a release with line tables.
pub(crate) fn programs(folder: &Path) -> Result<Built> {
    let entries: Vec<&Entry> = CRATES.iter().collect();
    let sources = package::sources(folder, &entries)?;
    for (entry, source) in entries.iter().zip(&sources) {
        package::plain(folder, entry, source)?;
        package::profiled(folder, FULL, entry, source, Kind::ByHand)?;
        package::profiled(folder, THIN, entry, source, Kind::Bulk)?;
    }
    Ok(Built {
        plain: build(folder, "plain", None)?,
        full: build(folder, FULL, Some(Kind::ByHand))?,
        thin: build(folder, THIN, Some(Kind::Bulk))?,
    })
}

/// Builds a package of programs; `kind` is what the attributes of an instrumented one count as.
fn build(folder: &Path, copies: &str, kind: Option<Kind>) -> Result<PathBuf> {
    let package = folder.join(copies).join("programs");
    fs::create_dir_all(package.join("src"))?;
    for (name, text) in SOURCES {
        let injected = kind.and_then(|kind| hprof_injector::inject(text, kind));
        let text = injected.map_or_else(|| text.to_owned(), |injected| injected.text);
        write(&package.join("src").join(name), &text)?;
    }
    write(&package.join("Cargo.toml"), &manifest(kind.is_some())?)?;
    let target = folder.join("target").join(copies);
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--release", "--quiet"])
        .args(["--config", "profile.release.debug=\"limited\""])
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", flags())
        .env_remove("HPROF")
        .env_remove("HPROF_DIR");
    if kind.is_some() {
        cargo.env("HPROF", "lines");
    }
    if !cargo.status()?.success() {
        return Err(format!("the {copies} programs do not build").into());
    }
    Ok(target.join("release/programs"))
}

/// How programs whose ratios are compared are compiled: as the Makefile says, and as cargo does it for published crates, for what their authors may
/// be warned of is nothing to us.
pub(crate) fn flags() -> String {
    let flags = std::env::var("PROGRAM_FLAGS").unwrap_or_default();
    format!("{} --cap-lints allow", flags.trim())
}

fn manifest(profiled: bool) -> Result<String> {
    let mut manifest: Table = "workspace = {}\n\
        package = { name = \"programs\", version = \"0.0.0\", edition = \"2024\" }\n\
        dependencies = {}\n"
        .parse()?;
    let dependencies = manifest["dependencies"].as_table_mut();
    let dependencies = dependencies.ok_or("no table of dependencies")?;
    let mut add = |name: &str, path: String| {
        let dependency = Table::from_iter([("path".to_owned(), toml::Value::from(path))]);
        dependencies.insert(name.to_owned(), dependency.into());
    };
    for entry in &CRATES {
        add(entry.name, format!("../{}", entry.name));
    }
    if profiled {
        let core = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("profiler-core");
        add("hprof-core", core.display().to_string());
    }
    Ok(manifest.to_string())
}

/// Writes a file, unless it holds that already: cargo goes by the time of the last change.
fn write(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|present| present == text) {
        return Ok(());
    }
    Ok(fs::write(path, text)?)
}
