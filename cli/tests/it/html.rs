//! `hprof html` in a real browser: `browser/page.mjs` opens what is made here in Chromium and looks at it as its reader would.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use hprof::model::{Heap, Profile};

use crate::fixture::{hprof, printed};
use crate::hostile::example;

/// Whether a program can be started; says that something was not tested if not.
fn is_there(name: &str) -> bool {
    let found = Command::new(name).arg("--version").output();
    let is_there = found.is_ok_and(|output| output.status.success());
    if !is_there {
        let note = format!("NOT TESTED: the HTML page in a browser: no {name}\n");
        std::io::stderr().write_all(note.as_bytes()).unwrap();
    }
    is_there
}

/// A folder of profiles, their pages, and what else hprof prints of them.
struct Pages(tempfile::TempDir);

impl Pages {
    fn new() -> Self {
        let mut t = tempfile::tempdir().unwrap();
        t.disable_cleanup(true); /*XXX*/
        Self(t)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn save(&self, name: &str, profile: &Profile) -> std::path::PathBuf {
        let saved = self.path(&format!("{name}.pb.gz"));
        let mut bytes = Vec::new();
        hprof::pprof_file::write(profile, &mut bytes).unwrap();
        fs::write(&saved, bytes).unwrap();
        saved
    }

    fn page(&self, name: &str, profile: &Profile, args: &[&str]) -> std::path::PathBuf {
        let saved = self.save(name, profile);
        let page = self.path(&format!("{name}.html"));
        printed(hprof(["html", "-o"]).arg(&page).args(args).arg(&saved)).code(0);
        page
    }

    /// What `hprof ARGS` prints of a saved profile, as a file.
    fn print(&self, to: &str, args: &[&str], name: &str) {
        let saved = self.path(&format!("{name}.pb.gz"));
        let printed = printed(hprof(args).arg(saved)).code(0);
        fs::write(self.path(to), printed.stdout).unwrap();
    }

    /// Runs one of the programs in `browser` on the folder.
    fn look(&self, program: &str) -> String {
        let program = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/browser")
            .join(program);
        let mut node = Command::new("node");
        node.arg(program).arg("chromium").arg(self.0.path());
        let printed = printed(&mut node);
        assert_eq!(
            printed.code,
            Some(0),
            "{}{}",
            printed.stdout,
            printed.stderr
        );
        printed.stdout
    }
}

/// The same with a heap, so that allocations have their columns.
fn with_heap(mut profile: Profile) -> Profile {
    for process in &mut profile.processes {
        process.heap = Some(Heap {
            live_bytes: 4000,
            peak_bytes: 12_345,
            bound_bytes: 0,
            lines: None,
        });
    }
    profile
}

/// Names and source that a careless page would run, and that would turn or tear it.
fn hostile() -> Profile {
    let mut profile = example::diffusion();
    let evil = "</script><script>document.title='EVIL'</script><img src=x onerror=\"document.title='EVIL'\">\u{202e}'\"&amp;<[u8; 8]>";
    for function in &mut profile.functions {
        function.name.push_str(evil);
        function.file.push_str(evil);
        function.module.push_str(evil);
        function
            .source
            .iter_mut()
            .for_each(|line| line.push_str(evil));
        function.source[0] = "<b>x</b> ".repeat(1200);
    }
    profile.run.command = vec![evil.to_owned(); 2];
    profile.processes[0].threads[0].name = evil.to_owned();
    profile
}

#[test]
fn a_browser_shows_what_hprof_prints_and_runs_nothing_else() {
    if !is_there("chromium") || !is_there("node") {
        return;
    }
    let pages = Pages::new();
    pages.page("ranks", &with_heap(example::diffusion()), &[]);
    pages.print("ranks.txt", &["show", "--top", "all", "--alloc"], "ranks");
    pages.print("ranks.by.txt", &["show", "--by", "rank"], "ranks");
    pages.page("large", &with_heap(example::large(40, 12)), &[]);
    pages.print("large.txt", &["show", "--top", "all", "--alloc"], "large");
    pages.print("large.hot.txt", &["show", "--hot", "20"], "large");
    pages.page(
        "hostile",
        &hostile(),
        &["--title", "</title><script>document.title='EVIL'</script>"],
    );
    let said = pages.look("page.mjs");
    assert!(said.contains("pages: all right"), "{said}");
    assert!(
        said.contains("scripts of the hostile profile that ran: 0"),
        "{said}"
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
    let pages = Pages::new();
    let page = pages.page("a", &example::diffusion(), &["--no-source"]);
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.starts_with("<!DOCTYPE html>"));
    for function in &example::diffusion().functions {
        for line in function.source.iter().filter(|line| line.trim().len() > 8) {
            assert!(!text.contains(line.trim()), "{line}");
        }
    }
    let saved = pages.path("a.pb.gz");
    let printed = printed(hprof(["html", "-o", "-"]).arg(&saved)).code(0);
    assert!(printed.stdout.starts_with("<!DOCTYPE html>"));
    crate::fixture::printed(hprof(["html", "-o", "-", "--open"]).arg(&saved))
        .code(2)
        .says("hint: name it with -o page.html");
}
