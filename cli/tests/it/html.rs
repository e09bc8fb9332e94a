//! `hprof html` in a real browser: Chromium without a window, which prints what the page became and what it complained of.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use hprof::model::{Profile, Scope, function_costs};

use crate::fixture::{hprof, printed};
use crate::hostile::example;

fn browser() -> Option<&'static str> {
    let known = ["chromium", "chromium-browser", "google-chrome"];
    known.into_iter().find(|name| {
        let found = Command::new(name).arg("--version").output();
        found.is_ok_and(|output| output.status.success())
    })
}

fn page(folder: &Path, profile: &Profile, args: &[&str]) -> std::path::PathBuf {
    let (saved, page) = (folder.join("a.pb.gz"), folder.join("a.html"));
    let mut bytes = Vec::new();
    hprof::pprof_file::write(profile, &mut bytes).unwrap();
    fs::write(&saved, bytes).unwrap();
    printed(hprof(["html", "-o"]).arg(&page).args(args).arg(&saved)).code(0);
    page
}

/// What became of the page, and its complaints.
fn look(page: &Path, place: &str) -> Option<(String, String)> {
    let Some(browser) = browser() else {
        let note = b"NOT TESTED: the HTML page in a browser: no chromium\n";
        std::io::stderr().write_all(note).unwrap();
        return None;
    };
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--v=0",
        ])
        .arg(format!("--user-data-dir={}", home.path().display()))
        .args(["--virtual-time-budget=3000", "--dump-dom"])
        .arg(format!("file://{}{place}", page.display()))
        .env("HOME", home.path());
    let output = command.output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    let complaints = complaints.lines().filter(|line| line.contains("CONSOLE"));
    let complaints: Vec<&str> = complaints.collect();
    Some((
        String::from_utf8_lossy(&output.stdout).into_owned(),
        complaints.join("\n"),
    ))
}

#[test]
fn a_browser_shows_the_function_of_a_link_and_complains_of_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let profile = example::diffusion();
    let costs = function_costs(&profile, Scope::All);
    let cost = costs.iter().max_by_key(|cost| cost.total).unwrap();
    let function = &profile.functions[cost.function.0 as usize];
    let line = cost
        .lines
        .iter()
        .find(|line| line.own.hits > 0)
        .unwrap()
        .line;
    let page = page(folder.path(), &profile, &[]);
    let place = format!("#{}-L{line}", function.file);
    let Some((shown, complaints)) = look(&page, &place) else {
        return;
    };
    assert_eq!(complaints, "");
    assert!(shown.contains("class=\"scripted"), "the script did not run");
    let source = shown.split("<table id=\"source\">").nth(1);
    let source = source.unwrap_or_else(|| panic!("no table for {place}"));
    let here = source
        .split("class=\"here\"")
        .nth(1)
        .or(source.split(" here\"").nth(1));
    assert!(here.is_some(), "no row is marked");
    assert!(source.contains(&format!("data-line=\"{line}\"")));
}

#[test]
fn nothing_of_a_hostile_profile_runs_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let mut profile = example::diffusion();
    let evil = "</script><script>document.title='EVIL'</script><img src=x onerror=\"document.title='EVIL'\">";
    for function in &mut profile.functions {
        function.name.push_str(evil);
        function.file.push_str(evil);
        function
            .source
            .iter_mut()
            .for_each(|line| line.push_str(evil));
    }
    let page = page(folder.path(), &profile, &["--title", evil]);
    let Some((shown, complaints)) = look(&page, "") else {
        return;
    };
    assert_eq!(complaints, "");
    assert!(
        !shown.contains("<title>EVIL"),
        "a script of the profile ran"
    );
    assert!(
        !shown.contains("<img"),
        "markup of the profile was taken for the page's own"
    );
}

#[test]
fn a_run_writes_a_page_too() {
    let annotated = crate::fixture::Fixture::shared("annotated");
    let page = annotated.path("run.html");
    let mut run = annotated.hprof(["run", "--report", "none", "--html"]);
    printed(run.arg(&page)).code(0);
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("<title>annotated by line</title>"));
    // Found out before anything runs.
    let mut run = annotated.hprof(["run", "--html", "/nowhere/run.html"]);
    let refused = printed(&mut run).code(2).says("cannot write to");
    assert_eq!(refused.stdout, "");
}

#[test]
fn a_page_can_be_written_anywhere_and_without_source() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path(), &example::diffusion(), &["--no-source"]);
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.starts_with("<!DOCTYPE html>"));
    for function in &example::diffusion().functions {
        for line in function.source.iter().filter(|line| line.trim().len() > 8) {
            assert!(!text.contains(line.trim()), "{line}");
        }
    }
    let saved = folder.path().join("a.pb.gz");
    let printed = printed(hprof(["html", "-o", "-"]).arg(&saved)).code(0);
    assert!(printed.stdout.starts_with("<!DOCTYPE html>"));
    crate::fixture::printed(hprof(["html", "-o", "-", "--open"]).arg(&saved))
        .code(2)
        .says("hint: name it with -o page.html");
}
