//! Everything that is made of a profile, on profiles of damaged files: no panic, no hang, no memory without bound, no control character
//! in what a terminal is shown, and the same for native stacks of any content.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../profiler-core/tests/fuzz/engine.rs"]
mod engine;

use std::io::{self, Write};

use engine::{MESSAGE, RAW, Target, packed, peak_of, raw_seeds, read_raw, read_saved, saved_seeds};
use hprof::model::{Nanos, Native, NativeFrame, NativeStack, Profile, Scope, merge};
use hprof_reports::{
    AnnotateOptions, Budget, BudgetFigure, BudgetPlace, Check, CheckFormat, DiffFormat,
    DiffOptions, DurationTableOptions, FlamegraphOptions, FunctionAt, FunctionTableOptions,
    Grouping, HeapMoment, HotTableOptions, HtmlOptions, Limit, LineTableOptions,
    MemoryTableOptions, Metric, MomentTableOptions, NativeTableOptions, Per, RankTableOptions,
    Side, ThreadTableOptions, export, export::ExportOptions, long_polls, write_annotated,
    write_check, write_diff, write_duration_tables, write_flamegraph, write_function_table,
    write_group_table, write_hot_table, write_html, write_line_tables, write_memory_tables,
    write_moment_table, write_native_flamegraph, write_native_table, write_rank_tables,
    write_suggestions, write_thread_table,
};

/// What a report may allocate: a flamegraph has a page of script.
const REPORTING: (usize, usize) = (512, 8 << 20);

/// Takes what a terminal would get, and refuses what could disturb it.
#[derive(Default)]
struct Screen {
    bytes: u64,
}

impl Write for Screen {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(part);
        let turns = |sign| matches!(sign, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let is_bad = |sign: char| (sign.is_control() && sign != '\n') || turns(sign);
        assert!(!text.contains(is_bad), "{text:?}");
        self.bytes += part.len() as u64;
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Stacks whose names and counts come from the profile itself, so that they are as odd.
fn native(profile: &Profile) -> Native {
    let frames = profile
        .functions
        .iter()
        .take(8)
        .map(|function| NativeFrame {
            function: function.name.clone(),
            file: function.file.clone(),
            line: function.line,
            inlined: function.column.is_multiple_of(2),
        });
    let frames: Vec<NativeFrame> = frames.collect();
    let processes = profile.processes.iter();
    let threads = processes.flat_map(|process| process.threads.iter().take(4));
    let stacks = threads.take(8).map(|thread| NativeStack {
        thread: thread.name.clone(),
        frames: (0..u32::try_from(frames.len()).unwrap()).collect(),
        samples: thread.wall.0,
    });
    Native {
        asked_hz: u32::MAX,
        cpu_ns: profile
            .processes
            .first()
            .map_or(0, |process| process.wall.0),
        signals: u64::MAX,
        stacks: stacks.collect(),
        frames,
    }
}

/// Writes every report there is.
fn render(mut profile: Profile) {
    let screen = &mut Screen::default();
    for process in &mut profile.processes {
        process.native.get_or_insert_default();
    }
    let stacks = native(&profile);
    if let Some(process) = profile.processes.first_mut() {
        process.native = Some(stacks);
    }
    let find = |_: &str, line: u32| {
        line.is_multiple_of(2).then(|| FunctionAt {
            name: "f".into(),
            line,
        })
    };
    let mut lines = LineTableOptions::default();
    lines.alloc = true;
    lines.summarize = true;
    lines.sort_by_total = true;
    lines.style.width = Some(80);
    write_line_tables(&profile, &lines, screen).unwrap();
    write_line_tables(&profile, &LineTableOptions::default(), screen).unwrap();
    write_function_table(&profile, &FunctionTableOptions::default(), screen).unwrap();
    let mut threads = ThreadTableOptions::default();
    threads.lines = Some(LineTableOptions::default());
    write_thread_table(&profile, &threads, screen).unwrap();
    write_memory_tables(&profile, &MemoryTableOptions::default(), screen).unwrap();
    write_native_table(&profile, &NativeTableOptions::default(), &find, screen).unwrap();
    let _ = write_suggestions(&profile, None, &find, screen);
    let _ = write_native_flamegraph(&profile, None, screen);
    for metric in Metric::all() {
        let mut options = FlamegraphOptions::default();
        options.metric = metric;
        options.lines = metric.name() == "hits";
        let _ = write_flamegraph(&profile, &options, screen);
    }
    let file = profile
        .functions
        .first()
        .map(|function| function.file.clone());
    let text = "fn f() {\n    let x = 1;\n}\n".repeat(20);
    for text in [Some(text.as_str()), None] {
        let options = AnnotateOptions::default();
        let _ = write_annotated(
            &profile,
            file.as_deref().unwrap_or("x"),
            text,
            &options,
            screen,
        );
    }
    for format in export::FORMATS {
        let format = format.with(&ExportOptions::default());
        let _ = format.export(&profile, Scope::All, screen);
    }
    render_more(&profile, screen);
}

/// What compares, judges, or is looked at in a browser.
fn render_more(profile: &Profile, screen: &mut Screen) {
    let mut brief = LineTableOptions::default();
    brief.brief = true;
    write_line_tables(profile, &brief, screen).unwrap();
    write_hot_table(profile, &HotTableOptions::default(), screen).unwrap();
    write_rank_tables(profile, &RankTableOptions::default(), screen).unwrap();
    write_duration_tables(profile, &DurationTableOptions::default(), screen).unwrap();
    let _ = long_polls(profile, Nanos::ZERO);
    for by in [
        Grouping::Rank,
        Grouping::Host,
        Grouping::Process,
        Grouping::Thread,
    ] {
        write_group_table(profile, by, &RankTableOptions::default(), screen).unwrap();
    }
    for moment in [HeapMoment::Peak, HeapMoment::End] {
        let _ = write_moment_table(profile, moment, &MomentTableOptions::default(), screen);
    }
    let _ = write_html(profile, &HtmlOptions::default(), screen);
    let side = Side {
        name: "a",
        runs: std::slice::from_ref(profile),
    };
    for format in [DiffFormat::Text, DiffFormat::Markdown, DiffFormat::Json] {
        let mut options = DiffOptions::default();
        options.format = format;
        let worse = write_diff(side, side, &options, screen);
        assert!(
            worse.is_err() || worse.is_ok_and(|worse| !worse),
            "worse than itself"
        );
    }
    judge(profile, side, screen);
}

/// Budgets, one of each kind.
fn judge(profile: &Profile, side: Side<'_>, screen: &mut Screen) {
    let line = profile
        .functions
        .first()
        .map_or(0, |function| function.line);
    let budget = Budget {
        name: "x".into(),
        place: BudgetPlace::Line {
            file: String::new(),
            line,
        },
        limits: vec![
            Limit {
                figure: BudgetFigure::Bytes,
                most: u64::MAX,
                per: Some(Per::Call),
            },
            Limit {
                figure: BudgetFigure::P99,
                most: 0,
                per: None,
            },
        ],
    };
    let check = Check {
        profile: side,
        baseline: Some(side),
        host: profile
            .processes
            .first()
            .map(|process| process.host.as_str()),
        budgets: &[budget],
        options: DiffOptions::default(),
    };
    for format in [
        CheckFormat::Text,
        CheckFormat::Markdown,
        CheckFormat::Json,
        CheckFormat::Github,
    ] {
        let _ = write_check(&check, format, screen);
    }
}

#[test]
fn reports_of_damaged_raw_files_do_no_harm() {
    Target {
        name: "reports-raw",
        seeds: raw_seeds(),
        mutations: RAW,
        changes: 6,
        pack: |file| file,
        run: &|files| read_raw(&files[0]).map(render).is_some(),
        files: 1,
        memory: REPORTING,
    }
    .fuzz();
}

#[test]
fn reports_of_damaged_profiles_do_no_harm() {
    Target {
        name: "reports-saved",
        seeds: saved_seeds(),
        mutations: MESSAGE,
        changes: 2,
        pack: packed,
        run: &|files| {
            let profiles: Vec<Profile> = files.iter().filter_map(|file| read_saved(file)).collect();
            let any = !profiles.is_empty();
            render(merge(profiles));
            any
        },
        files: 2,
        memory: REPORTING,
    }
    .fuzz();
}

/// A sound profile with something of everything.
fn sound() -> Profile {
    read_saved(&packed(saved_seeds().swap_remove(0))).unwrap()
}

#[test]
fn functions_at_the_last_line_number_there_is_have_reports() {
    for first in [u32::MAX - 2, u32::MAX - 1, u32::MAX] {
        let mut profile = sound();
        for function in &mut profile.functions {
            function.line = first;
            function.end_line = u32::MAX;
            for line in &mut function.lines {
                line.line = u32::MAX;
                line.group = u32::MAX;
            }
            function.lines.truncate(1);
        }
        render(profile);
    }
}

#[test]
fn no_text_of_a_profile_reaches_a_terminal_as_a_command() {
    const TRAP: &str = "\u{1b}[31m\u{9b}2J\u{202e}\u{200f}x\r";
    let mut profile = sound();
    for function in &mut profile.functions {
        function.module = TRAP.into();
        function.name = TRAP.into();
        function.file = TRAP.into();
        function.package = TRAP.into();
        function.source = vec![TRAP.into(); function.source.len()];
        for line in &mut function.lines {
            line.label = TRAP.into();
        }
    }
    for function in &mut profile.not_measured {
        function.file = TRAP.into();
        function.module = TRAP.into();
        function.name = TRAP.into();
    }
    profile.run.command = vec![TRAP.into(); 2];
    profile.run.cargo_profile = Some(TRAP.into());
    profile.run.source_root = Some(TRAP.into());
    for process in &mut profile.processes {
        process.host = TRAP.into();
        process.exe = TRAP.into();
        process.opt_level = '\u{1b}';
        process.finished = false;
        for thread in &mut process.threads {
            thread.name = TRAP.into();
        }
    }
    render(profile.clone());
    profile.run.cargo_profile = None;
    profile.run.end = None;
    render(profile);
}

#[test]
fn names_longer_than_a_width_of_a_format_string_have_reports() {
    let mut profile = sound();
    let long = "n".repeat(usize::from(u16::MAX) + 1);
    for function in &mut profile.functions {
        function.name.clone_from(&long);
        function.file.clone_from(&long);
        for line in &mut function.lines {
            line.label.clone_from(&long);
        }
    }
    for process in &mut profile.processes {
        for thread in &mut process.threads {
            thread.name.clone_from(&long);
        }
    }
    render(profile);
}

/// A file of 3,000 bytes may hold this chain. Its picture took 30 MB.
#[test]
fn a_chain_of_calls_with_long_names_has_reports_within_their_memory() {
    let mut profile = sound();
    for (number, function) in profile.functions.iter_mut().enumerate() {
        function.name = format!("{number}{}", "n;".repeat(650));
    }
    let thread = &mut profile.processes[0].threads[0];
    let first = thread.nodes[0].clone();
    let (called_from, _) = first.lines.iter().next().unwrap();
    thread.nodes = (0..150)
        .map(|number: u32| {
            let mut node = first.clone();
            node.parent = number.checked_sub(1).map(|parent| (parent, called_from));
            node.function.0 = number % 2;
            node
        })
        .collect();
    let ((), peak) = peak_of(|| render(profile));
    assert!(peak < REPORTING.1, "{peak} bytes");
}
