//! The twin tests in an older edition, and hprof under another name. An edition belongs to a package, so these are throw-away
//! packages of one workspace that stays in the target folder, with the versions of the dependencies that this one has.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;
use std::process::Command;

const RENAMED: &str = r#"//! `profiler` is hprof.

use profiler::profile;

#[profile(always, crate = ::profiler)]
pub mod inner {
    pub async fn add(a: u32, b: u32) -> u32 {
        let sum = a + b;
        sum
    }

    pub fn sum(values: &[u32]) -> u32 {
        let mut sum = 0;
        for value in values {
            sum += value;
        }
        let twice = values.iter().map(|value| {
            let twice = value * 2;
            twice
        });
        sum + twice.sum::<u32>()
    }
}

#[profile(crate = profiler, always, calls)]
pub fn calls(value: u32) -> u32 {
    value + 1
}

#[test]
fn compiles_and_computes_the_same() {
    assert_eq!(inner::sum(&[1, 2, 3]) + calls(1), 20);
    drop(inner::add(1, 2));
}
"#;

fn package(folder: &Path, name: &str, edition: &str, rest: &str) {
    let package = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"{edition}\"\nautotests = false\n{rest}"
    );
    write(&folder.join(name).join("Cargo.toml"), &package);
}

/// Cargo goes by the time of the last change.
fn write(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|present| present == text) {
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn other_editions_and_names_work() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("editions");
    let core = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dependency = format!("path = '{}'", core.display());
    write(
        &folder.join("Cargo.toml"),
        "[workspace]\nresolver = \"2\"\nmembers = [\"edition-2021\", \"renamed\"]\n",
    );
    let lock = fs::read_to_string(core.with_file_name("Cargo.lock")).unwrap();
    if !folder.join("Cargo.lock").exists() {
        write(&folder.join("Cargo.lock"), &lock);
    }
    let mut rest = format!(
        "[dependencies]\nhprof-core = {{ {dependency}, features = [\"model\"] }}\ntempfile = \"3\"\n"
    );
    for test in [
        "async",
        "control_flow",
        "counting",
        "drops",
        "functions",
        "guards",
        "options",
    ] {
        let path = core.join(format!("tests/macro_{test}.rs"));
        let target = format!(
            "[[test]]\nname = \"macro_{test}\"\npath = '{}'\n",
            path.display()
        );
        rest.push_str(&target);
    }
    package(&folder, "edition-2021", "2021", &rest);
    write(&folder.join("edition-2021/src/lib.rs"), "");
    let rest = format!("[dependencies]\nprofiler = {{ package = \"hprof-core\", {dependency} }}\n");
    package(&folder, "renamed", "2018", &rest);
    write(&folder.join("renamed/src/lib.rs"), RENAMED);
    let output = Command::new(env!("CARGO"))
        .args(["test", "--workspace", "--tests", "--no-fail-fast"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .output()
        .unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(stdout.contains("test compiles_and_computes_the_same ... ok"));
    // One in each file of twins that counts hits.
    let counted = stdout
        .matches("test hits_are_as_worked_by_hand ... ok")
        .count();
    assert_eq!(counted, 6, "{stdout}");
}
