//! `hprof diff` and `hprof check` on real runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hprof::model::{Scope, function_costs};

use crate::fixture::{Fixture, hprof, printed};
use crate::hostile::example;

/// A program that was changed: what a version of `lib.rs` recorded.
struct Versions {
    project: Fixture,
}

impl Versions {
    fn run(&self, name: &str, edit: impl FnOnce(String) -> String) -> PathBuf {
        let source = self.project.project().join("src/lib.rs");
        let text = fs::read_to_string(&source).unwrap();
        self.project.write("src/lib.rs", &edit(text));
        let profile = self.project.path(&format!("{name}.pb.gz"));
        let mut run = self.project.hprof(["run", "--report", "none", "-o"]);
        run.arg(&profile).args(["--", "1000"]);
        printed(&mut run).code(0);
        profile
    }
}

fn diff(format: &str, older: &Path, newer: &Path) -> String {
    let mut diff = hprof(["diff", "--format", format]);
    diff.arg(older).arg(newer);
    printed(&mut diff).code(0).stdout
}

#[test]
fn edits_that_change_nothing_are_no_change_and_those_that_do_are_named() {
    let versions = Versions {
        project: Fixture::own("annotated"),
    };
    let first = versions.run("first", |text| text);
    for format in ["text", "md", "json"] {
        let same = diff(format, &first, &first);
        assert!(same.contains("no change: "), "{same}");
    }
    // A comment above, a module around.
    let moved = versions.run("moved", |text| {
        let (before, rest) = text.split_once("#[profile]").unwrap();
        let (function, after) = rest.split_once("\n#[inline(never)]").unwrap();
        format!(
            "{before}\n// A comment.\n\nmod inner {{\n    use super::step;\n    use hprof::profile;\n\n    #[profile]{function}}}\npub use inner::count;\n\n#[inline(never)]{after}"
        )
        .replacen("use hprof::profile;\n", "", 1)
    });
    let same = diff("text", &first, &moved);
    assert!(same.contains("no change: "), "{same}");
    // Twice as often round the loop.
    let slower = versions.run("slower", |text| text.replace("0..turns", "0..2 * turns"));
    let changed = diff("text", &moved, &slower);
    assert!(
        changed.contains("1 line does more, 1 line was added, 1 line was removed"),
        "{changed}"
    );
    let row = changed
        .lines()
        .find(|line| line.ends_with("sum = step(sum, turn);"));
    assert!(row.unwrap().contains("1000      2000"), "{changed}");
    let check = |baseline: &Path, profile: &Path| {
        let mut check = hprof(["check", "--no-hprof-config", "--baseline"]);
        printed(check.arg(baseline).arg(profile))
    };
    check(&moved, &slower).code(1);
    check(&slower, &moved).code(0);
    let passed = check(&first, &moved).code(0).stdout;
    assert!(passed.starts_with("passed: no change: "), "{passed}");
}

/// Saves a profile; returns the name of one of its functions.
fn save(path: &Path) -> String {
    let profile = example::diffusion();
    let mut bytes = Vec::new();
    hprof::pprof_file::write(&profile, &mut bytes).unwrap();
    fs::write(path, bytes).unwrap();
    let costs = function_costs(&profile, Scope::All);
    let entered = costs.iter().find(|cost| cost.calls > 0).unwrap().function;
    profile.functions[entered.0 as usize].name.clone()
}

#[test]
fn budgets_are_kept_or_broken_and_mistakes_in_the_policy_named() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("run.pb.gz");
    let name = save(&profile);
    let policy = folder.path().join("hprof.toml");
    let check = |text: &str, options: &[&str]| {
        fs::write(&policy, text).unwrap();
        let mut check = hprof(["check", "--hprof-config"]);
        printed(check.arg(&policy).args(options).arg(&profile))
    };
    let budget = |limit: &str| format!("[[budget]]\nfunction = '{name}'\n{limit}\n");
    let kept = check(&budget("max-calls = 1000000"), &[]).code(0).stdout;
    assert!(kept.starts_with("passed: 1 budget is kept"), "{kept}");
    for (format, part) in [
        ("text", "  broken "),
        ("md", "| **broken** |"),
        ("json", "\"passed\": false"),
        ("github", "::error::hprof check failed: 1 budget is broken"),
    ] {
        let broken = check(&budget("max-calls = 0"), &["--format", format]);
        assert!(broken.stdout.contains(part), "{broken:#?}");
        assert_eq!(broken.code, Some(1));
    }
    check(&budget("max-cals = 0"), &[])
        .code(2)
        .says("there is no key `max-cals`")
        .says("is `max-calls` meant?");
    check("[chek]", &["--validate"])
        .code(2)
        .says("is `check` meant?");
    check(&budget("max-calls = 0"), &["--validate"])
        .code(0)
        .says("the policy is right: 1 budget");
    let nothing = check("", &[]).code(0).stdout;
    assert!(nothing.starts_with("nothing to judge"), "{nothing}");
}

#[test]
fn the_policy_may_stand_in_the_manifest() {
    let annotated = Fixture::own_with(
        "annotated",
        &[(
            "[dependencies]",
            "[package.metadata.hprof.check]\nhitz = 'off'\n\n[dependencies]",
        )],
    );
    let profile = annotated.profile();
    save(&profile);
    printed(annotated.hprof(["check"]).arg(&profile))
        .code(2)
        .says("cannot use metadata.hprof of /")
        .says("is `hits` meant?");
}

#[test]
fn what_cannot_be_compared_has_a_reason_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("a.pb.gz");
    save(&profile);
    let empty = folder.path().join("empty.pb.gz");
    let mut bytes = Vec::new();
    hprof::pprof_file::write(&hprof::model::Profile::default(), &mut bytes).unwrap();
    fs::write(&empty, bytes).unwrap();
    printed(hprof(["diff"]).arg(&profile).arg(&empty))
        .code(2)
        .says("empty.pb.gz: no instrumented function was entered")
        .says("hint: compare two runs of the same program");
    printed(
        hprof(["diff"])
            .arg(&profile)
            .arg(folder.path().join("missing")),
    )
    .code(2)
    .says("missing");
}

/// Runs git as nobody in particular, whatever the user's settings are.
fn git(folder: &Path, args: &[&str]) {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=a", "-c", "user.email=a@b.c"]);
    git.args(args).current_dir(folder);
    let output = git.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn changed_lines_carry_their_share_also_after_the_next_edit() {
    let project = Fixture::own("annotated");
    let versions = Versions { project };
    let folder = versions.project.project().to_owned();
    fs::write(folder.join(".gitignore"), "target\n").unwrap();
    git(&folder, &["init", "-q"]);
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "-q", "-m", "first"]);
    let profile = versions.run("now", |text| text.replace("0..turns", "0..2 * turns"));
    let show = |revision: &str| {
        let mut show = versions.project.hprof(["show", "--changed", revision]);
        printed(show.arg(&profile))
    };
    let changed = show("HEAD").code(0).stdout;
    assert!(
        changed.starts_with("Since HEAD 1 line changed: 1 measured, 1 reached, which carry "),
        "{changed}"
    );
    let row = |text: &str| text.lines().any(|line| line.contains("0..2 * turns"));
    assert!(row(&changed), "{changed}");
    let mut page = versions.project.hprof(["show", "--changed", "HEAD"]);
    page.args(["--format", "md", "--budget", "500"])
        .arg(&profile);
    let page = printed(&mut page).code(0).stdout;
    let sentence = changed.lines().next().unwrap();
    assert!(page.contains(sentence) && row(&page), "{page}");
    assert_eq!(page.matches("\n## ").count(), 1, "{page}");
    // What is written after the run moves the lines, and is not measured.
    let source = folder.join("src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, format!("// one\n// two\n{text}")).unwrap();
    let later = show("HEAD").code(0).stdout;
    assert!(
        later.starts_with("Since HEAD 3 lines changed: 1 measured"),
        "{later}"
    );
    assert!(row(&later), "{later}");
    git(&folder, &["commit", "-q", "-a", "-m", "second"]);
    show("HEAD")
        .code(0)
        .stdout("No line of a Rust file changed since HEAD.\n");
    // A file that git does not know of has nothing that was measured.
    fs::write(folder.join("src/new.rs"), "fn a() {}\n").unwrap();
    let new = show("HEAD").code(0).stdout;
    assert!(
        new.starts_with("Since HEAD 1 line changed, none of which is measured"),
        "{new}"
    );
    // Another copy of the repository serves as well.
    let copies = versions.project.path("copies");
    fs::create_dir(&copies).unwrap();
    git(&copies, &["clone", "-q", folder.to_str().unwrap(), "copy"]);
    let mut show = hprof(["show", "--changed", "HEAD~1"]);
    show.arg(&profile).current_dir(copies.join("copy"));
    let copied = printed(&mut show).code(0).stdout;
    assert!(
        copied.starts_with("Since HEAD~1 3 lines changed: 1 measured"),
        "{copied}"
    );
}

#[test]
fn what_git_cannot_tell_has_a_reason_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("a.pb.gz");
    save(&profile);
    let show = |revision: &str| {
        let mut show = hprof(["show", "--changed", revision]);
        printed(show.arg(&profile).current_dir(folder.path())).code(2)
    };
    show("HEAD")
        .says("not a git repository")
        .says("hint: --changed asks git");
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["commit", "-q", "--allow-empty", "-m", "x"]);
    for unknown in ["no-such", "HEAD~1"] {
        show(unknown)
            .says(&format!("git knows no revision \"{unknown}\""))
            .says("hint: name a branch");
    }
    show("HEAD")
        .says("no source file of the profile is in the repository")
        .says("hint: stand in the repository of the program");
}
