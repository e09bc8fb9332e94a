//! Profiles: printed after a run, saved, shown again.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fixture::{Fixture, Printed, printed};

/// Hits of the line of a table that ends with this source text.
#[track_caller]
fn hits(table: &str, source: &str) -> u64 {
    let row = table.lines().find(|line| line.trim_end().ends_with(source));
    let row = row.unwrap_or_else(|| panic!("no row {source:?} in\n{table}"));
    row.split_whitespace()
        .nth(1)
        .unwrap()
        .replace(',', "")
        .parse()
        .unwrap()
}

/// The line in the loop of `annotated`, which is hit once a turn.
const STEP: &str = "sum = step(sum, turn);";

/// The part of the standard error between cargo's last message and the one on the saved profile.
#[track_caller]
fn table(run: &Printed) -> String {
    let lines = run
        .stderr
        .lines()
        .skip_while(|line| !line.contains("Running `"))
        .skip(1);
    lines
        .take_while(|line| !line.starts_with("hprof: saved to "))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn raw_files(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "hpraw")
        })
        .collect()
}

#[test]
fn run_prints_the_table_and_show_prints_it_again() {
    let annotated = Fixture::shared("annotated");
    let run = printed(&mut annotated.hprof(["run", "--", "1000"]))
        .code(0)
        .stdout("999\n");
    let run = run
        .says("hprof: saved to /")
        .says("show it again with: hprof show /");
    let table = table(&run);
    assert_eq!(hits(&table, STEP), 1000);
    assert_eq!(hits(&table, "for turn in 0..turns {"), 1001);
    let show = printed(&mut annotated.hprof(["show"]))
        .code(0)
        .says("hprof: showing ");
    assert_eq!(show.stdout, table);
    let again = printed(&mut annotated.hprof(["run"])).code(0);
    assert!(!again.stderr.contains("Compiling"), "{again:#?}");
    printed(&mut annotated.hprof(["run", "--", "1000"])).code(0);
    let in_ms = printed(&mut annotated.hprof(["show", "-u", "1e-3"])).code(0);
    assert_eq!(hits(&in_ms.stdout, "let mut sum = 0;"), 1);
    assert_ne!(in_ms.stdout, table);
}

#[test]
fn report_goes_where_it_is_wanted() {
    let annotated = Fixture::shared("annotated");
    let stdout = printed(&mut annotated.hprof(["run", "--report", "stdout"]))
        .code(0)
        .stdout;
    assert!(stdout.starts_with("9\n"), "{stdout}");
    assert_eq!(hits(&stdout, STEP), 10);
    let path = annotated.path("table.txt");
    let file = printed(annotated.hprof(["run", "--report"]).arg(&path))
        .code(0)
        .stdout("9\n");
    assert!(!file.stderr.contains(STEP), "{file:#?}");
    assert_eq!(hits(&fs::read_to_string(path).unwrap(), STEP), 10);
    let none = printed(&mut annotated.hprof(["run", "--report", "none"]))
        .code(0)
        .stdout("9\n");
    assert!(!none.stderr.contains(STEP), "{none:#?}");
}

#[test]
fn profile_is_saved_also_if_the_program_fails() {
    let annotated = Fixture::shared("annotated");
    let path = annotated.path("failed.hprof");
    printed(
        annotated
            .hprof(["run", "-o"])
            .arg(&path)
            .args(["code", "3"]),
    )
    .code(3)
    .says("saved to ");
    let show = printed(annotated.hprof(["show"]).arg(path)).code(0);
    assert_eq!(hits(&show.stdout, STEP), 10);
    assert!(!annotated.profile().exists(), "-o wins over HPROF_OUT");
}

#[test]
fn profiles_are_listed_and_cleaned() {
    let annotated = Fixture::shared("annotated");
    let hprof = |args: &[&str]| printed(annotated.hprof(args).env_remove("HPROF_OUT")).code(0);
    hprof(&["clean"]);
    hprof(&["run"]);
    hprof(&["run", "--", "20"]);
    assert_eq!(hits(&hprof(&["show"]).stdout, STEP), 20);
    let list = hprof(&["list"]).stdout;
    assert_eq!(
        list.lines()
            .filter(|line| line.contains("-annotated"))
            .count(),
        2,
        "{list}"
    );
    hprof(&["clean", "--keep", "1"]).says("deleted 1 of 2 profiles");
    assert_eq!(hits(&hprof(&["show"]).stdout, STEP), 20);
    hprof(&["clean"]).says("deleted 1 of 1 profiles");
}

#[test]
fn tests_and_benches_are_profiled() {
    let annotated = Fixture::shared("annotated");
    let all = printed(&mut annotated.hprof(["test", "--test", "counts"])).code(0);
    assert!(all.stdout.contains("test result: ok. 2 passed"), "{all:#?}");
    assert_eq!(hits(&all.stderr, STEP), 12);
    let one = printed(&mut annotated.hprof(["test", "counts_five"])).code(0);
    assert!(one.stdout.contains("test result: ok. 1 passed"), "{one:#?}");
    assert_eq!(hits(&one.stderr, STEP), 5);
    let bench = printed(&mut annotated.hprof(["bench", "--bench", "plain_harness"]))
        .code(0)
        .stdout("bench 3\n");
    assert_eq!(hits(&bench.stderr, STEP), 3);
}

#[test]
fn exec_merges_all_processes() {
    let annotated = Fixture::shared("annotated");
    printed(&mut annotated.hprof(["run", "--report", "none"])).code(0);
    let program = annotated.target().join("hprof/annotated");
    let script = "\"$0\" 4 & \"$0\" 6 & wait; exit 5";
    let exec = printed(
        annotated
            .hprof(["exec", "--", "sh", "-c", script])
            .arg(program),
    )
    .code(5);
    assert_eq!(hits(&exec.stderr, STEP), 10);
    let saved = hprof::pprof_file::read(&annotated.profile()).unwrap();
    assert_eq!(saved.processes.len(), 2);
}

/// Documentation tests are programs too, built while they are run.
#[test]
fn documentation_tests_are_recorded() {
    let annotated = Fixture::shared("annotated");
    let test = printed(&mut annotated.hprof(["test", "--doc"])).code(0);
    assert_eq!(hits(&test.stderr, STEP), 12);
    assert!(test.stdout.contains("1 passed"), "{test:#?}");
}

/// Cargo's own name for the target of this machine.
#[test]
fn a_target_by_its_name_host_tuple_is_recorded() {
    let annotated = Fixture::shared("annotated");
    let run = printed(&mut annotated.hprof(["run", "--target", "host-tuple", "10"])).code(0);
    assert_eq!(hits(&run.stderr, STEP), 10);
    assert!(!run.stderr.contains("started no program"), "{run:#?}");
}

/// Programs use such a one to test that something does not allocate: nor must the recording that begins with it.
const COUNTING_ALLOCATOR: &str = "
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
pub static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
struct Mine;
unsafe impl GlobalAlloc for Mine {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(1, Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { System.dealloc(block, layout) }
    }
}
#[global_allocator]
static MINE: Mine = Mine;
";

#[test]
fn program_with_an_allocator_of_its_own_is_built_again() {
    let fixture = Fixture::own("own_allocator");
    let run = printed(&mut fixture.hprof(["run"])).code(0).stdout("42\n");
    let run = run
        .says("has a #[global_allocator] of its own")
        .says("hprof::Alloc::new(Mine)");
    assert_eq!(hits(&run.stderr, "let twice = 2 * number;"), 1);
    // It is known from then on, whatever else is asked for.
    let calls = printed(&mut fixture.hprof(["run", "--clock", "calls"]))
        .code(0)
        .stdout("42\n");
    assert!(!calls.stderr.contains("conflicts"), "{calls:#?}");
    let calls = calls.says("building without hprof's");
    assert_eq!(hits(&calls.stderr, "fn twice(number: u64) -> u64 {"), 1);
    // The text of the source is in the profile.
    fs::remove_dir_all(fixture.project().join("src")).unwrap();
    let show = printed(&mut fixture.hprof(["show"])).code(0);
    assert_eq!(hits(&show.stdout, "fn twice(number: u64) -> u64 {"), 1);
    // It may stand in a test alone, in a file that is not even in the package.
    fixture.write("src/lib.rs", "");
    fixture.write("../mine.rs", COUNTING_ALLOCATOR);
    fixture.write(
        "tests/count.rs",
        "#[path = \"../../mine.rs\"]\nmod mine;\n#[hprof::profile]\nfn one() -> u8 {\n    1\n}\n#[test]\nfn does_not_allocate() {\n    let before = mine::ALLOCATED.load(std::sync::atomic::Ordering::Relaxed);\n    one();\n    assert_eq!(mine::ALLOCATED.load(std::sync::atomic::Ordering::Relaxed), before);\n}\n",
    );
    for times in 0..2 {
        let test = printed(&mut fixture.hprof(["test", "--test", "count"])).code(0);
        assert_eq!(test.stderr.contains("conflicts"), times == 0, "{test:#?}");
        test.says("building without hprof's")
            .says("Function: one at line 3");
    }
    // Or in documentation tests, which are built when they are run.
    fixture.write(
        "src/lib.rs",
        "#[global_allocator]\nstatic MINE: std::alloc::System = std::alloc::System;\n/// ```\n/// assert_eq!(own_allocator::three(), 3);\n/// ```\n#[hprof::profile]\npub fn three() -> u8 {\n    3\n}\n",
    );
    for times in 0..2 {
        let test = printed(&mut fixture.hprof(["test", "--doc"])).code(0);
        assert_eq!(test.stdout.contains("conflicts"), times == 0, "{test:#?}");
        test.says("building without hprof's")
            .says("Function: three at line 6");
    }
    fixture.write("src/lib.rs", "");
    // Its recording begins before any function is entered, which may never be.
    let none = printed(&mut fixture.hprof(["test", "--test", "count", "no_such_test"])).code(0);
    none.says("the program entered no function with #[profile]");
    // What is known of it says nothing of another package with the same target folder.
    let other = printed(&mut Fixture::shared("annotated").hprof(["run"])).code(0);
    assert!(!other.stderr.contains("building without"), "{other:#?}");
}

/// The line of a CSV export that has `text` in the source of the fixture, by the names of the columns.
fn exported(fixture: &Fixture, text: &str) -> HashMap<String, String> {
    let csv = printed(&mut fixture.hprof(["export", "--format", "csv"])).code(0);
    let source = fs::read_to_string(fixture.project().join("src/main.rs")).unwrap();
    let at = source.lines().position(|line| line.contains(text)).unwrap() + 1;
    let mut lines = csv.stdout.lines().map(|line| line.split(','));
    let names = lines.next().unwrap();
    let row = lines.find(|row| row.clone().nth(1) == Some(&at.to_string()));
    let row = row.unwrap_or_else(|| panic!("no row {at} in {}", csv.stdout));
    names
        .zip(row)
        .map(|(name, cell)| (name.into(), cell.into()))
        .collect()
}

#[test]
fn an_allocator_that_is_wrapped_is_counted() {
    let fixture = Fixture::shared("wrapped_allocator");
    let run = printed(&mut fixture.hprof(["run", "--alloc", "--alloc-exact"]))
        .code(0)
        .stdout("100\n");
    let run = run
        .says("Still allocated at the end:")
        .says("Every block is counted: these figures are exact.");
    assert!(!run.stderr.contains("Warning"), "{run:#?}");
    let row = |text: &str| exported(&fixture, text);
    // In four threads, of which three give back what they kept.
    let made = row("kept.push(");
    assert_eq!(
        (&*made["allocs"], &*made["alloc_bytes"]),
        ("400", "4000000")
    );
    let grown = row("reserve_exact(");
    assert_eq!(
        (&*grown["allocs"], &*grown["alloc_bytes"]),
        ("400", "12000000")
    );
    assert_eq!(grown["free_bytes"], "4000000");
    let list = row("with_capacity(");
    assert_eq!((&*list["allocs"], &*list["alloc_bytes"]), ("4", "9600"));
    let freed = row("drop(kept)");
    assert_eq!(freed["free_bytes"], (3 * (100 * 30_000 + 2400)).to_string());
    // What was moved belongs to the line that moved it.
    assert_eq!(
        (&*made["live_bytes"], &*made["live_error_bytes"]),
        ("0", "0")
    );
    assert_eq!(grown["live_bytes"], "3000000");
    assert_eq!(list["live_bytes"], "2400");

    for (metric, of_keep) in [
        ("alloc-bytes", "16,009,600"),
        ("allocs", "804"),
        ("live-bytes", "3,002,400"),
        ("peak-bytes", ""),
    ] {
        let picture = fixture
            .hprof(["flamegraph", "--metric", metric, "-o", "-"])
            .output();
        let picture = Printed::from(picture.unwrap()).code(0).stdout;
        let keep = format!("wrapped_allocator::keep ({of_keep}");
        assert!(picture.contains(&keep), "no {keep:?} in {picture}");
    }
}

#[test]
fn damaged_profiles_are_told_from_whole_ones() {
    let annotated = Fixture::shared("annotated");
    printed(&mut annotated.hprof(["run", "--report", "none"])).code(0);
    let folder = annotated.path("raw");
    fs::create_dir(&folder).unwrap();
    let mut program = Command::new(annotated.target().join("hprof/annotated"));
    assert!(
        program
            .env("HPROF_DIR", &folder)
            .status()
            .unwrap()
            .success()
    );
    let raw = raw_files(&folder).pop().unwrap();
    let bytes = fs::read(&raw).unwrap();
    let mut newer = bytes.clone();
    newer[8] = 99;
    let saved = fs::read(annotated.profile()).unwrap();
    for (name, bytes) in [
        ("truncated.hpraw", &bytes[..3000]),
        ("newer.hpraw", &newer[..]),
        ("truncated.pb.gz", &saved[..saved.len() / 2]),
    ] {
        let path = annotated.path(name);
        fs::write(&path, bytes).unwrap();
        printed(annotated.hprof(["show"]).arg(path))
            .code(2)
            .stdout("")
            .says(name);
    }
    // One damaged file of several is left out, and that is said.
    fs::copy(annotated.path("newer.hpraw"), folder.join("newer.hpraw")).unwrap();
    let show = printed(annotated.hprof(["show"]).arg(folder))
        .code(0)
        .says("left out: ");
    assert_eq!(hits(&show.stdout, STEP), 10);
}

#[test]
fn a_killed_program_names_the_line_that_ran() {
    let annotated = Fixture::shared("annotated");
    let run = printed(&mut annotated.hprof(["run", "abort"]))
        .code(128 + 6)
        .says("saved to ");
    let run = run.says("src/main.rs:33");
    assert_eq!(hits(&run.stderr, STEP), 10);
    assert_eq!(hits(&run.stderr, "process::abort();"), 1);
}

#[test]
fn a_profile_has_many_views() {
    let annotated = Fixture::shared("annotated");
    printed(&mut annotated.hprof(["run", "--report", "none", "--", "7"])).code(0);
    let view = |args: &[&str]| {
        printed(&mut annotated.hprof(args))
            .code(0)
            .says("hprof: showing ")
            .stdout
    };
    let functions = view(&["show", "--by-function", "-s", "ncalls"]);
    assert!(
        functions.contains("1 function calls in ") && functions.contains("call count"),
        "{functions}"
    );
    let threads = view(&["show", "--threads"]);
    assert!(threads.contains("\nThread: "), "{threads}");
    assert_eq!(hits(&threads, STEP), 7);
    let annotate = view(&["annotate", "src/lib.rs"]);
    assert_eq!(hits(&annotate, STEP), 7);
    assert!(annotate.contains("use hprof::profile;"), "{annotate}");
    let csv = view(&["export", "--format", "csv"]);
    assert!(csv.starts_with("file,line,function,hits,"), "{csv}");
    let collapsed = view(&["export", "--format", "collapsed"]);
    assert!(collapsed.contains("annotated::count"), "{collapsed}");
    assert!(view(&["export", "--format", "json"]).starts_with('{'));
    assert!(view(&["flamegraph", "-o", "-"]).contains("annotated::count"));
}

#[test]
fn flamegraph_is_written_whole_or_not_at_all() {
    let annotated = Fixture::shared("annotated");
    printed(&mut annotated.hprof(["run", "--report", "none"])).code(0);
    let path = annotated.path("hits.svg");
    let mut hits = annotated.hprof(["flamegraph", "--lines", "--metric", "hits", "-o"]);
    printed(hits.arg(&path))
        .code(0)
        .stdout("")
        .says("hprof: written to /");
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .trim_end()
            .ends_with("</svg>")
    );
    let none = annotated.path("allocs.svg");
    let mut allocs = annotated.hprof(["flamegraph", "--metric", "allocs", "-o"]);
    let refused = printed(allocs.arg(&none))
        .code(2)
        .says("every value is zero");
    assert!(!none.exists(), "{refused:#?}");
}

/// A full disk has no other metric, and a recording with native stacks would not help either.
#[test]
fn a_report_that_cannot_be_written_has_no_hint_about_the_profile() {
    let annotated = Fixture::shared("annotated");
    printed(&mut annotated.hprof(["run", "--report", "none"])).code(0);
    for command in [
        &["flamegraph", "-o", "/dev/full"][..],
        &["export", "--format", "csv", "-o", "/dev/full"],
        &["flamegraph", "--native", "-o", "/dev/full"],
        &["suggest"],
        &["annotate", "src/lib.rs"],
    ] {
        let mut command = annotated.hprof(command);
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let failed = printed(command.stdout(full)).code(2);
        let hinted = failed.stderr.contains("hint: ");
        if failed.stderr.contains("No space left on device") {
            assert!(!hinted, "{failed:#?}");
        } else {
            assert!(
                failed.stderr.contains("hint: native stacks are recorded"),
                "{failed:#?}"
            );
        }
    }
}

#[test]
fn a_folder_that_is_locked_keeps_nobody_for_long() {
    let annotated = Fixture::shared("annotated");
    let run = || annotated.hprof(["run", "--report", "none", "10"]);
    printed(&mut run()).code(0);
    let before = fs::read(annotated.profile()).unwrap();
    let lock = fs::File::open(annotated.profile().parent().unwrap()).unwrap();
    lock.lock().unwrap();
    let failed = printed(&mut run())
        .code(2)
        .says("the profile could not be saved: another program has locked the folder /")
        .says("hint: what was recorded is still there: hprof show /");
    assert_eq!(fs::read(annotated.profile()).unwrap(), before);
    let (_, folder) = failed.stderr.rsplit_once("hprof show ").unwrap();
    let show = printed(&mut annotated.hprof(["show", folder.trim()])).code(0);
    assert_eq!(hits(&show.stdout, STEP), 10);
    fs::remove_dir_all(folder.trim()).unwrap();
}

#[test]
fn a_folder_is_named_with_a_slash_at_its_end() {
    let annotated = Fixture::shared("annotated");
    let folder = annotated.path("new/folder/");
    let run = annotated.hprof(["run", "--report", "none", "10"]);
    for (mut command, by_option) in [
        (run, false),
        (annotated.hprof(["run", "--report", "none", "-o"]), true),
    ] {
        if by_option {
            command.arg(&folder).arg("10");
        } else {
            command.env("HPROF_OUT", &folder);
        }
        printed(&mut command).code(0).says("new/folder/");
    }
    let names: Vec<_> = fs::read_dir(&folder).unwrap().collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let mut show = annotated.hprof(["show"]);
    let show = printed(show.env("HPROF_OUT", &folder)).code(0);
    assert_eq!(hits(&show.stdout, STEP), 10);
    let mut flamegraph = annotated.hprof(["flamegraph", "-o", "no/such/"]);
    printed(flamegraph.env("HPROF_OUT", &folder))
        .code(2)
        .says("cannot write to 'no/such/': a name that ends in / is one of a folder");
    let mut into = annotated.hprof(["run", "-o"]);
    printed(into.arg(annotated.path("new/folder")))
        .code(2)
        .says("a folder is there")
        .says("hint: a name that ends in / is a folder to save in");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let annotated = Fixture::shared("annotated");
    printed(&mut annotated.hprof(["run", "--report", "none"])).code(0);
    let mut show = annotated.hprof(["show"]);
    let mut child = show
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let end = Printed::from(child.wait_with_output().unwrap()).code(0);
    assert_eq!(
        end.messages().len(),
        1,
        "only which profile is shown: {end:#?}"
    );
}
