//! What views print: on narrow terminals, and of sources that have changed since the run.

use std::fs;
use std::process::Command;

use crate::fixture::{Fixture, Printed, printed};

/// `hprof ARGS` on a terminal of that many columns, which `script` makes.
fn on_terminal(fixture: &Fixture, columns: u32, args: &[&str]) -> String {
    let inner = fixture.hprof(args);
    let mut words = vec![inner.get_program().to_owned()];
    words.extend(inner.get_args().map(ToOwned::to_owned));
    let words = words.iter().map(|word| format!("'{}'", word.display()));
    let command = words.collect::<Vec<_>>().join(" ");
    let mut script = Command::new("script");
    script
        .args(["--quiet", "--return", "--command"])
        .arg(format!("stty rows 40 cols {columns}; NO_COLOR=1 {command}"))
        .arg("/dev/null")
        .current_dir(fixture.project());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    printed(&mut script).code(0).stdout.replace('\r', "")
}

/// Columns that a text takes, near enough: the signs of the fixture that are not Latin take two.
fn width(text: &str) -> usize {
    text.chars()
        .map(|sign| if sign > '\u{2e7f}' { 2 } else { 1 })
        .sum()
}

#[test]
fn code_keeps_forty_columns_of_a_narrow_terminal() {
    let deep = Fixture::shared("deep");
    let run = ["run", "--memory", "--report", "none"];
    printed(&mut deep.hprof(run)).code(0);
    for columns in [80, 100] {
        for view in [&["show", "--alloc"][..], &["show", "--memory"]] {
            let shown = on_terminal(&deep, columns, view);
            let rows = shown
                .lines()
                .filter(|row| row.contains("words") || row.contains("match"));
            let mut seen = 0;
            for row in rows.filter(|row| row.trim_start().starts_with(char::is_numeric)) {
                assert!(width(row) <= columns as usize, "{row}");
                seen += 1;
            }
            assert!(seen >= 4, "{shown}");
            assert!(
                shown.contains("let mut words: Vec<String> = Vec::"),
                "{shown}"
            );
            assert!(shown.contains("match inner % 3 {"), "{shown}");
            assert!(shown.contains("words.push(\"größe: "), "{shown}");
        }
    }
    let narrow = on_terminal(&deep, 80, &["show", "--memory"]);
    assert!(narrow.contains("(80 columns have no room for "), "{narrow}");
    let pipe = printed(&mut deep.hprof(["show", "--memory"])).code(0);
    assert!(!pipe.stdout.contains("have no room"), "{}", pipe.stdout);
}

/// `hprof annotate` on a text in the place of the source of `annotated`.
fn annotated_with(fixture: &Fixture, text: Option<&str>) -> Printed {
    let folder = fixture.path("moved");
    let file = folder.join("src/lib.rs");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    match text {
        Some(text) => fs::write(&file, text).unwrap(),
        None => fs::remove_file(&file).unwrap_or_default(),
    }
    let mut annotate = fixture.hprof(["annotate"]);
    printed(annotate.arg(file).arg(fixture.profile())).code(0)
}

/// The row of a text: its line number, the former one if there is a column for it, and the hits.
#[track_caller]
fn row<'a>(table: &'a str, source: &str) -> Vec<&'a str> {
    let row = table.lines().find(|line| line.trim_end().ends_with(source));
    let row = row.unwrap_or_else(|| panic!("no row {source:?} in\n{table}"));
    row.strip_suffix(source)
        .unwrap()
        .split_whitespace()
        .take(3)
        .collect()
}

#[test]
fn costs_follow_the_lines_of_a_file_that_has_changed() {
    let annotated = Fixture::shared("annotated");
    let run = ["run", "--report", "none", "--", "7"];
    printed(&mut annotated.hprof(run)).code(0);
    let compiled = fs::read_to_string(annotated.project().join("src/lib.rs")).unwrap();
    let step = "sum = step(sum, turn);";

    let same = annotated_with(&annotated, Some(&compiled)).stdout;
    assert!(!same.contains("Was") && !same.contains("Warning"), "{same}");
    assert_eq!(row(&same, step)[..2], ["9", "7"]);

    let above = annotated_with(&annotated, Some(&format!("\n\n{compiled}"))).stdout;
    assert_eq!(row(&above, step), ["11", "9", "7"]);
    assert!(
        above.contains("the file has changed since it was compiled: 5 lines moved;"),
        "{above}"
    );

    let edited = compiled.replace(step, "sum = step(sum, turn + 1);");
    let edited = annotated_with(&annotated, Some(&edited)).stdout;
    assert_eq!(row(&edited, "sum = step(sum, turn + 1);"), ["9", "9*", "7"]);
    assert!(edited.contains(": 1 line edited (*);"), "{edited}");

    let deleted = compiled.replace(&format!("        {step}\n"), "");
    let deleted = annotated_with(&annotated, Some(&deleted)).stdout;
    assert_eq!(row(&deleted, step)[..2], ["9", "7"]);
    assert!(
        deleted.contains("1 line gone (no line number)"),
        "{deleted}"
    );

    let (function, rest) = compiled.split_at(compiled.find("#[inline").unwrap());
    let moved = format!("{rest}\n{}", function.replace("use hprof", "// use hprof"));
    let moved = annotated_with(&annotated, Some(&moved)).stdout;
    assert_eq!(row(&moved, step)[1..], ["9", "7"]);

    let gone = annotated_with(&annotated, None).stdout;
    assert_eq!(row(&gone, step)[..2], ["9", "7"]);
    assert!(gone.contains("Warning: the file is gone"), "{gone}");
}

fn fourteen_functions() -> String {
    let functions = (0..14).map(|number| {
        // So long that no other program that has the processor for a moment changes their order.
        let turns = 1_u64 << (27 - number);
        format!(
            "#[hprof::profile]\nfn f{number}() -> u64 {{\n    (0..{turns}_u64).fold(0, |a, b| a ^ std::hint::black_box(b)) // work {number}\n}}\n"
        )
    });
    let calls = (0..14).map(|number| format!("f{number}();"));
    format!(
        "{}#[hprof::profile]\nfn main() {{\n{}\n}}\n",
        functions.collect::<String>(),
        calls.collect::<Vec<_>>().join("\n")
    )
}

/// Fourteen functions, of which the first takes most of the time and the last next to none.
#[test]
fn of_many_functions_the_hottest_lines_come_first() {
    let program = Fixture::own_with("half", &[("name = \"half\"", "name = \"many\"")]);
    let main = fourteen_functions();
    program.write("src/main.rs", &main);
    let target = Fixture::shared("half").target().to_owned();
    let with_target = |mut command: Command| {
        command.env("CARGO_TARGET_DIR", &target);
        printed(&mut command).code(0)
    };
    let run = with_target(program.hprof(["run"])).stderr;
    assert!(run.contains("The 20 hottest lines: "), "{run}");
    let hottest = run.lines().find(|line| line.contains("// work 0")).unwrap();
    assert!(hottest.contains("src/main.rs:3"), "{hottest}");
    assert!(
        !run.contains("Function: f12 at") && run.contains("left out: --top all shows them"),
        "{run}"
    );
    // Other programs are recorded at the same time.
    let (_, saved) = run.split_once("show it again with: hprof show ").unwrap();
    let saved = saved
        .lines()
        .next()
        .unwrap()
        .trim_matches('\'')
        .replace("'\\''", "'");
    let of_saved = |args: &[&str]| {
        let mut command = program.hprof(args);
        command.arg(&saved);
        printed(&mut command).code(0).stdout
    };
    let all = of_saved(&["show", "--top", "all"]);
    for number in 0..14 {
        assert!(
            all.contains(&format!("Function: f{number} at line")),
            "{number}: {all}"
        );
    }
    assert!(!all.contains("left out"), "{all}");
    let three = of_saved(&["show", "--hot", "3"]);
    assert!(
        three.starts_with("The 3 hottest lines: ") && !three.contains("Function: "),
        "{three}"
    );
    let (table, _) = three.split_once("\nProgram ").unwrap();
    let places = table
        .lines()
        .filter(|line| line.contains("src/main.rs:"))
        .count();
    assert_eq!(places, 3, "{three}");
    let json = of_saved(&["export", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["hottest"][0]["line"], 3);
    assert_eq!(json["hottest"].as_array().unwrap().len(), 20);
}
