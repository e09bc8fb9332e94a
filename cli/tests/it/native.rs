//! Native stacks: `hprof run --native`, and what is made of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hprof::model::Native;

use crate::fixture::{Fixture, Printed, printed};

/// The only hot line of the project `half`.
const HOT: &str = "numbers.sort_unstable();";

/// The number of the line of `half` that begins so.
fn line_of(source: &str) -> usize {
    let text = fs::read_to_string(Fixture::shared("half").project().join("src/main.rs")).unwrap();
    let found = text
        .lines()
        .position(|line| line.trim().starts_with(source));
    1 + found.unwrap_or_else(|| panic!("no {source:?}"))
}

fn native_stacks(profile: &Path) -> Option<Native> {
    let profile = hprof::pprof_file::read(profile).unwrap();
    profile.processes.into_iter().next()?.native
}

/// The rows below a heading that ends so, up to an empty line, in words.
fn rows<'a>(text: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let mut lines = text.lines().skip_while(|line| !line.ends_with(heading));
    assert!(lines.next().is_some(), "no {heading:?} in\n{text}");
    lines
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().collect())
        .collect()
}

/// A run long enough for some dozens of samples, at whatever rate the machine allows.
fn recorded(half: &Fixture) -> Printed {
    printed(&mut half.hprof(["run", "--native=250"]))
        .code(0)
        .says("Native stacks: ")
}

#[test]
fn native_stacks_name_the_hot_line_outside_annotated_code() {
    let half = Fixture::shared("half");
    let run = recorded(&half).says("sum += middle(turn);");
    let rows = rows(&run.stderr, "  Line");
    let hottest = &rows[0];
    let place = format!("src/main.rs:{}", line_of(HOT));
    assert_eq!(
        hottest[hottest.len() - 2..],
        [&*place, "middle"],
        "{run:#?}"
    );
    let percent: f64 = hottest[1].parse().unwrap();
    assert!(percent > 60.0, "{run:#?}");
    // The recorder and its allocator are nobody's hot line, nor has any line the number 0.
    for row in &rows {
        assert!(row[row.len() - 2].starts_with("src/main.rs:"), "{row:?}");
        assert!(!row[row.len() - 2].ends_with(":0"), "{row:?}");
    }
    // One profile has it all.
    let show = printed(&mut half.hprof(["show"])).code(0);
    assert!(
        show.stdout.contains(&format!("{place} middle\n")),
        "{show:#?}"
    );
    assert!(show.stdout.contains("sum += middle(turn);"), "{show:#?}");
    let native = native_stacks(&half.profile()).unwrap();
    assert!(native.samples() >= 10, "{native:?}");
    assert!(native.signals >= native.samples());
}

#[test]
fn suggest_names_the_function_and_the_flamegraph_shows_whose_it_is() {
    let half = Fixture::shared("half");
    let place = format!("src/main.rs:{}", line_of("fn middle("));
    recorded(&half).says(&format!("Worth #[profile]: middle ({place})"));
    let suggest = printed(&mut half.hprof(["suggest"])).code(0);
    let rows = rows(&suggest.stdout, "Function to annotate");
    assert_eq!(rows[0][2..], [&*place, "middle"], "{suggest:#?}");
    let svg = printed(&mut half.hprof(["flamegraph", "--native", "-o", "-"]))
        .code(0)
        .stdout;
    for (frame, color) in [
        ("half::work", "rgb(90,190,90)"),
        ("middle (src/main.rs)", "rgb(255,160,60)"),
    ] {
        let after = svg.split_once(&format!("<title>{frame} ("));
        let (_, after) = after.unwrap_or_else(|| panic!("no {frame} in {svg}"));
        let frame = after.split("</g>").next().unwrap();
        assert!(frame.contains(color), "{frame}");
    }
}

#[test]
fn a_killed_program_keeps_its_lines_without_stacks() {
    let half = Fixture::shared("half");
    let run = printed(&mut half.hprof(["run", "--native", "--", "3", "abort"])).code(128 + 6);
    let run = run.says("no native stacks: they are written when a process ends in order");
    let hits = |source: &str| {
        let row = run.stderr.lines().find(|line| line.ends_with(source));
        row.and_then(|row| row.split_whitespace().nth(1))
            .map(str::to_owned)
    };
    assert_eq!(
        hits("sum += middle(turn);").as_deref(),
        Some("3"),
        "{run:#?}"
    );
    let suggest = printed(&mut half.hprof(["suggest"])).code(0);
    assert!(suggest.stdout.contains("to measure alone"), "{suggest:#?}");
    printed(&mut half.hprof(["flamegraph", "--native", "-o", "-"]))
        .code(2)
        .stdout("")
        .says("the profile holds no native stacks");
}

#[test]
fn native_stacks_need_no_word_in_the_manifest_even_if_the_dependency_is_renamed() {
    let renamed = Fixture::shared("renamed");
    printed(&mut renamed.hprof(["run", "--native"]))
        .code(0)
        .stdout("42\n")
        .says("let twice = 2 * number;")
        .says("Native stacks: ");
    assert!(native_stacks(&renamed.profile()).is_some());
}

#[test]
fn native_stacks_without_the_dependency_are_refused_before_the_build() {
    let plain = Fixture::shared("plain");
    let refused = printed(&mut plain.hprof(["run", "--native"]))
        .code(2)
        .stdout("");
    let refused = refused.says("--native needs hprof-core among the dependencies");
    let refused = refused.says("hprof-core = { path = ");
    assert!(!refused.stderr.contains("Compiling"), "{refused:#?}");
}

/// Go's `pprof`, if the machine has it.
pub(crate) fn go_tool() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let platforms = folders.filter_map(|go| fs::read_dir(go.path().join("pkg/tool")).ok());
    let mut tools = platforms
        .flatten()
        .flatten()
        .map(|platform| platform.path().join("pprof"));
    tools.find(|tool| tool.is_file())
}

#[test]
fn go_opens_a_profile_with_native_stacks_and_what_it_writes_is_refused() {
    let Some(tool) = go_tool() else {
        // Not by `eprintln!`, which is not shown for tests that pass.
        let text: &[u8] =
            b"NOT TESTED: no /usr/lib/go-*/pkg/tool/*/pprof here; install golang-1.19-go\n";
        std::io::Write::write_all(&mut std::io::stderr(), text).unwrap();
        return;
    };
    let half = Fixture::shared("half");
    recorded(&half);
    let go = |options: &[&str]| {
        let mut command = Command::new(&tool);
        command.args(options).arg(half.profile());
        let output = command.env("PPROF_TMPDIR", half.path("")).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    let top = String::from_utf8(go(&["-top", "-lines"])).unwrap();
    let line = format!("half::work src/main.rs:{}", line_of("sum += middle"));
    assert!(top.contains(&line), "{top}");
    let again = half.path("again.pb.gz");
    fs::write(&again, go(&["-proto"])).unwrap();
    printed(half.hprof(["show"]).arg(&again))
        .code(2)
        .says("was written by another tool");
}

/// The recorder that hprof carries samples stacks, too; that of a program has to.
#[test]
fn native_stacks_of_a_program_that_is_not_edited() {
    let half = Fixture::shared("half");
    let main = fs::read_to_string(half.project().join("src/main.rs")).unwrap();
    let main = main
        .replace("#[profile]", "")
        .replace("use hprof::profile;", "");
    let manifest = "edition = \"2024\"\n[workspace]\n";
    let program = Fixture::written("sampled", manifest, &[("src/main.rs", &main)]);
    let run = printed(&mut program.hprof(["run", "--all", "--native=250", "--no-fit"])).code(0);
    let run = run.says("Native stacks: ").says("Function: middle at line");
    assert!(
        native_stacks(&program.profile()).unwrap().samples() >= 10,
        "{run:#?}"
    );
    printed(&mut half.hprof(["run", "--all", "--native"]))
        .code(2)
        .says("hprof: the program depends on hprof-core, whose feature `native` is off: --native cannot be used with --all")
        .says("hprof: hint: add features = [\"native\"] to that dependency");
}
