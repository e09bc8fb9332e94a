//! `hprof html` in a real browser: `browser/page.mjs` opens what is made here in Chromium and looks at it as its reader would.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use hprof::model::{Heap, LineLooks, Nanos, Observed, Place, Profile};

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
        Self(tempfile::tempdir().unwrap())
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

    /// What `hprof ARGS` prints of saved profiles, as a file.
    fn print(&self, to: &str, args: &[&str], names: &[&str]) {
        let mut command = hprof(args);
        for name in names {
            command.arg(self.path(&format!("{name}.pb.gz")));
        }
        fs::write(self.path(to), printed(&mut command).code(0).stdout).unwrap();
    }

    /// The page of two saved profiles.
    fn compare(&self, to: &str, [older, newer]: [&str; 2]) {
        let [older, newer] = [older, newer].map(|name| self.path(&format!("{name}.pb.gz")));
        let mut command = hprof(["html", "-o"]);
        command
            .arg(self.path(to))
            .arg(older)
            .arg("--diff")
            .arg(newer);
        printed(&mut command).code(0);
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

/// The same, seen from outside: each of its first lines in another part of the run.
fn observed(mut profile: Profile) -> Profile {
    let lines = profile.functions.iter().zip(0_u32..).take(4);
    let lines = lines.map(|(function, id)| LineLooks {
        place: Place {
            function: hprof::model::FunctionId(id),
            line: function.lines[1].line,
        },
        working: 10,
        waits: [0; 9],
        buckets: std::array::from_fn(|at| if at / 8 == id as usize { 10 + id } else { 0 }),
    });
    profile.processes[0].observed = Some(Observed {
        bucket: Nanos(2_000_000),
        lines: lines.collect(),
        ..Observed::default()
    });
    profile
}

/// So many ranks, each with the lines of the others; the fourth of eight is slow.
fn many_ranks(ranks: u32, functions: u32, lines: u32) -> Profile {
    let mut profile = example::large(functions, lines);
    let first = profile.processes.remove(0);
    for rank in 0..ranks {
        let mut process = first.clone();
        (process.pid, process.rank, process.ranks) = (1000 + rank, Some(rank), Some(ranks));
        let slow = if rank % 8 == 3 { 3 } else { 1 };
        for node in process.threads.iter_mut().flat_map(|one| &mut one.nodes) {
            node.lines.change(|line, cost| {
                cost.exact = Nanos(cost.exact.0 * slow + u64::from(rank * (*line % 5)) * 1_000_000);
            });
        }
        profile.processes.push(process);
    }
    profile
}

/// What the large profile was before: one function less, half of the hits of another, and a line that allocated more.
fn before() -> Profile {
    let mut profile = with_heap(example::large(39, 12));
    let nodes = &mut profile.processes[0].threads[0].nodes;
    nodes[3].lines.change(|_, cost| cost.hits /= 2);
    let mut at = 0;
    nodes[5].lines.change(|_, cost| {
        at += 1;
        if at == 4 {
            (cost.allocs, cost.alloc_bytes) = (cost.allocs * 9, cost.alloc_bytes * 9);
        }
    });
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
    let show = ["show", "--top", "all", "--alloc"];
    pages.page("ranks", &with_heap(example::diffusion()), &[]);
    pages.print("ranks.txt", &show, &["ranks"]);
    pages.print("ranks.by.txt", &["show", "--by", "rank"], &["ranks"]);
    pages.page("large", &observed(with_heap(example::large(40, 12))), &[]);
    pages.print("large.txt", &show, &["large"]);
    pages.print("large.hot.txt", &["show", "--hot", "20"], &["large"]);
    pages.page("map", &many_ranks(64, 4, 10), &[]);
    pages.print("map.txt", &["show", "--ranks"], &["map"]);
    pages.save("before", &before());
    pages.compare("same.html", ["large", "large"]);
    pages.compare("changed.html", ["before", "large"]);
    pages.print("changed.txt", &["diff"], &["before", "large"]);
    pages.compare("reverse.html", ["large", "before"]);
    pages.print("reverse.txt", &["diff"], &["large", "before"]);
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
#[ignore = "make page-budgets: a minute, on a quiet machine"]
fn large_pages_stay_within_their_budgets() {
    assert!(is_there("chromium") && is_there("node"));
    let pages = Pages::new();
    pages.page("large", &with_heap(example::large(2000, 50)), &[]);
    pages.page("map", &many_ranks(64, 40, 50), &[]);
    println!("{}", pages.look("budgets.mjs"));
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

#[test]
fn two_profiles_make_one_page_and_an_empty_one_none() {
    let pages = Pages::new();
    pages.save("before", &before());
    pages.save("after", &with_heap(example::large(40, 12)));
    pages.compare("html.html", ["before", "after"]);
    let (older, newer) = (pages.path("before.pb.gz"), pages.path("after.pb.gz"));
    let page = pages.path("diff.html");
    let mut diff = hprof(["diff", "--format", "html", "-o"]);
    printed(diff.arg(&page).arg(&older).arg(&newer)).code(0);
    let [one, other] =
        [page.clone(), pages.path("html.html")].map(|path| fs::read_to_string(path).unwrap());
    assert!(one.contains("11 lines were added"));
    assert!(
        one == other,
        "hprof html --diff and hprof diff --format html are one page"
    );
    let mut nothing = example::large(1, 1);
    nothing.processes[0].threads.clear();
    nothing.processes[0].thin.clear();
    let nothing = pages.save("nothing", &nothing);
    fs::write(&page, "kept").unwrap();
    let mut refused = hprof(["html", "-o"]);
    let refused = printed(refused.arg(&page).arg(&older).arg("--diff").arg(nothing)).code(2);
    assert!(
        refused
            .stderr
            .contains("no instrumented function was entered"),
        "{}",
        refused.stderr
    );
    assert_eq!(fs::read_to_string(&page).unwrap(), "kept");
    printed(&mut hprof(["html", "--diff", "a.pb.gz"]))
        .code(2)
        .says("required");
}
