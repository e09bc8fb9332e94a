//! Copies of published crates that can be built on their own, as published and instrumented.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hprof_injector::Kind;
use serde_json::Value;
use toml::Table;

use crate::Result;
use crate::list::Entry;

/// Folders whose files are not code of the crate: benchmarks are not built, and the others hold programs that must not compile.
const NOT_INSTRUMENTED: [&str; 5] = ["benches", "examples", "ui", "compile-fail", "trybuild"];

/// Downloads the crates, as dependencies of a package that is never built, and says where their sources are.
pub(crate) fn sources(folder: &Path, entries: &[&Entry]) -> Result<Vec<PathBuf>> {
    let list = folder.join("list");
    let mut dependencies = Table::new();
    for entry in entries {
        let version = format!("={}", entry.version);
        let dependency = table([
            ("version", version.into()),
            ("default-features", false.into()),
        ]);
        dependencies.insert(entry.name.to_owned(), dependency.into());
    }
    let package = table([
        ("name", "list".into()),
        ("version", "0.0.0".into()),
        ("edition", "2024".into()),
    ]);
    let manifest = table([
        ("package", package.into()),
        ("workspace", Table::new().into()),
        ("dependencies", dependencies.into()),
    ]);
    write(&list.join("Cargo.toml"), manifest.to_string().as_bytes())?;
    write(&list.join("src/lib.rs"), b"")?;
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1"])
        .current_dir(&list)
        .stderr(Stdio::inherit())
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    entries
        .iter()
        .map(|entry| source(&metadata, entry))
        .collect()
}

fn source(metadata: &Value, entry: &Entry) -> Result<PathBuf> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let manifest = packages
        .filter(|package| package["name"] == entry.name && package["version"] == entry.version)
        .find_map(|package| package["manifest_path"].as_str());
    let folder = manifest.and_then(|manifest| Path::new(manifest).parent());
    Ok(folder
        .ok_or_else(|| format!("cargo did not find {}", entry.name))?
        .to_owned())
}

/// The crate as published, but for its benchmarks and examples.
pub(crate) fn plain(folder: &Path, entry: &Entry, source: &Path) -> Result<PathBuf> {
    let copy = folder.join("plain").join(entry.name);
    copy_files(source, &copy, &mut |_, bytes| bytes)?;
    let manifest = manifest(entry, source)?;
    write(&copy.join("Cargo.toml"), manifest.to_string().as_bytes())?;
    Ok(copy)
}

/// The same with the attribute on every function, in the folder `copies`, and how many there are.
pub(crate) fn profiled(
    folder: &Path,
    copies: &str,
    entry: &Entry,
    source: &Path,
    kind: Kind,
) -> Result<(PathBuf, usize)> {
    let copy = folder.join(copies).join(entry.name);
    let inject = |text: &str| hprof_injector::inject(text, kind);
    let mut functions = 0;
    copy_files(source, &copy, &mut |path, bytes| {
        let inside = path.strip_prefix(source).unwrap_or(path);
        let left_alone = inside
            .iter()
            .any(|part| NOT_INSTRUMENTED.iter().any(|name| part == *name));
        if left_alone
            || path.extension() != Some(OsStr::new("rs"))
            || inside == Path::new("build.rs")
        {
            return bytes;
        }
        match std::str::from_utf8(&bytes).ok().and_then(inject) {
            Some(injected) => {
                functions += injected.functions;
                injected.text.into_bytes()
            }
            None => bytes,
        }
    })?;
    let mut manifest = manifest(entry, source)?;
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("profiler-core");
    let dependency = table([("path", core.display().to_string().into())]);
    sub_table(&mut manifest, "dependencies").insert("hprof-core".to_owned(), dependency.into());
    write(&copy.join("Cargo.toml"), manifest.to_string().as_bytes())?;
    Ok((copy, functions))
}

/// The manifest as published, without what is not built.
fn manifest(entry: &Entry, source: &Path) -> Result<Table> {
    let mut manifest: Table = fs::read_to_string(source.join("Cargo.toml"))?.parse()?;
    for targets in ["bench", "example"] {
        manifest.remove(targets);
    }
    let package = sub_table(&mut manifest, "package");
    package.insert("autobenches".to_owned(), false.into());
    package.insert("autoexamples".to_owned(), false.into());
    let dependencies = sub_table(&mut manifest, "dev-dependencies");
    dependencies.retain(|name, _| !entry.without.contains(&name));
    if let Some(tests) = manifest.get_mut("test").and_then(toml::Value::as_array_mut) {
        tests.retain(|test| {
            test["name"]
                .as_str()
                .is_none_or(|name| !entry.without.contains(&name))
        });
    }
    manifest.insert("workspace".to_owned(), Table::new().into());
    // Test helpers that are built on the crate itself mean this copy.
    let patch = table([("path", ".".into())]);
    let patches = table([("crates-io", table([(entry.name, patch.into())]).into())]);
    if entry.patched {
        manifest.insert("patch".to_owned(), patches.into());
    }
    Ok(manifest)
}

/// Copies a folder; `change` may replace what a file holds.
fn copy_files(
    from: &Path,
    to: &Path,
    change: &mut dyn FnMut(&Path, Vec<u8>) -> Vec<u8>,
) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_files(&path, &copy, change)?;
        } else if !["Cargo.toml", "Cargo.lock"]
            .iter()
            .any(|name| entry.file_name() == *name)
        {
            write(&copy, &change(&path, fs::read(&path)?))?;
        }
    }
    Ok(())
}

/// Writes a file, unless it holds that already: cargo goes by the time of the last change.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().ok_or("a file without a folder")?)?;
    Ok(fs::write(path, bytes)?)
}

fn table<const N: usize>(entries: [(&str, toml::Value); N]) -> Table {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// The table of that name, which is made if there is none.
fn sub_table<'a>(manifest: &'a mut Table, name: &str) -> &'a mut Table {
    let value = manifest.entry(name).or_insert_with(|| Table::new().into());
    match value {
        toml::Value::Table(table) => table,
        other => {
            *other = Table::new().into();
            other.as_table_mut().expect("just made")
        }
    }
}
