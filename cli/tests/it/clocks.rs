//! CPU time of lines that wait and work in turn, and programs that must not find a thread more than they started.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};

use crate::fixture::{Fixture, Printed, hprof, printed};

/// What one program printed, and hprof's figures of its lines.
struct Recorded {
    run: Printed,
    /// CPU time and time of a line with all it calls, by its text, in nanoseconds.
    lines: HashMap<String, (Option<u64>, u64)>,
    /// Net time, likewise.
    net: HashMap<String, u64>,
}

fn record(options: &[&str], program: &str) -> Recorded {
    record_with_code(options, program, 0)
}

fn record_with_code(options: &[&str], program: &str, code: i32) -> Recorded {
    let fixture = Fixture::shared("clocks");
    let mut args = vec!["run"];
    args.extend(options);
    args.extend(["--", program]);
    let run = printed(&mut fixture.hprof(args)).code(code);
    let mut export = hprof(["export", "--format", "csv"]);
    let csv = printed(export.arg(fixture.profile())).code(0).stdout;
    let source = std::fs::read_to_string(fixture.project().join("src/main.rs")).unwrap();
    let source: Vec<&str> = source.lines().map(str::trim).collect();
    let (mut lines, mut net) = (HashMap::new(), HashMap::new());
    for row in csv.lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        let line: usize = fields[1].parse().unwrap();
        let number = |at: usize| fields[at].parse::<u64>().ok();
        let text = source[line - 1].to_owned();
        lines.insert(text.clone(), (number(6), number(4).unwrap_or(0)));
        net.extend(number(11).map(|time| (text, time)));
    }
    Recorded { run, lines, net }
}

impl Recorded {
    /// Time of the line whose text begins so, in milliseconds.
    #[track_caller]
    fn time(&self, start: &str) -> f64 {
        let mut found = self
            .lines
            .iter()
            .filter(|(text, _)| text.starts_with(start));
        let (_, (_, time)) = found.next().unwrap_or_else(|| panic!("no {start:?}"));
        *time as f64 / 1e6
    }

    /// CPU time of the line whose text begins so, in milliseconds.
    #[track_caller]
    fn cpu(&self, start: &str) -> f64 {
        let mut found = self
            .lines
            .iter()
            .filter(|(text, _)| text.starts_with(start));
        let (_, (cpu, time)) = found.next().unwrap_or_else(|| panic!("no {start:?}"));
        let cpu = cpu.unwrap_or_else(|| panic!("no CPU time of {start:?}"));
        assert!(cpu <= *time, "{start:?} spent {cpu} of {time}");
        cpu as f64 / 1e6
    }
}

/// Another process that wants a core, until this is dropped.
struct Busy(Child);

impl Busy {
    fn new() -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", "while :; do :; done"])
            .stdin(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn work_between_waits_has_its_cpu_time() {
    let _busy = Busy::new();
    // Program, milliseconds of work in its line, and the line that waits.
    for (program, work, line, waiting) in [
        (
            "bursts",
            70.0,
            "sum += work(700)",
            "thread::sleep(Duration::from_millis(4))",
        ),
        (
            "short_bursts",
            60.0,
            "sum += work(150)",
            "thread::sleep(Duration::from_micros(150))",
        ),
        ("channel", 60.0, "sum += work(job)", "let Ok(job)"),
        ("frames", 90.0, "sum += work(3_000)", "thread::sleep(next"),
        ("ping_pong", 100.0, "sum += work(500)", "let mut turn"),
    ] {
        let recorded = record(&[], program);
        let cpu = recorded.cpu(line);
        assert!(
            (cpu / work - 1.0).abs() < 0.15,
            "{program}: {cpu} ms of {work} ms in {line:?}"
        );
        let waited = recorded.cpu(waiting);
        assert!(
            waited < 0.25 * work,
            "{program}: {waited} ms in {waiting:?}"
        );
    }
}

#[test]
fn busy_lines_have_their_cpu_time_and_without_a_sampler_too() {
    let _busy = Busy::new();
    for options in [&[][..], &["--no-sampler"], &["--clock", "exact"]] {
        let recorded = record(options, "busy");
        let coarse = recorded.cpu("let mut sum = work(40_000)");
        assert!((coarse / 40.0 - 1.0).abs() < 0.15, "{options:?}: {coarse}");
        // Lines too short to say anything are blank.
        let all = recorded.lines.values().filter_map(|(cpu, _)| *cpu);
        let whole = all.sum::<u64>() as f64 / 1e6;
        assert!((whole / 80.0 - 1.0).abs() < 0.15, "{options:?}: {whole}");
    }
}

/// The line that calls a function of a few instructions 20 million times had as many entries, whatever else the machine did meanwhile. The line that works had
/// one marker. Rows are marked where that is more than a fifth of their time.
#[test]
fn net_time_is_without_what_recording_took() {
    let recorded = record(&[], "steps");
    let taken = |start: &str| {
        let net = recorded
            .net
            .iter()
            .find(|(text, _)| text.starts_with(start));
        let (_, net) = net.unwrap_or_else(|| panic!("no {start:?}"));
        recorded.time(start) - *net as f64 / 1e6
    };
    let (work, step) = ("let mut state = work(50_000)", "state = step(state)");
    assert!((0.0..0.1).contains(&taken(work)), "{}", taken(work));
    assert!((10.0..400.0).contains(&taken(step)), "{}", taken(step));
    let table = &recorded.run.stderr;
    let is_marked = |code: &str| {
        let row = table.lines().find(|line| line.contains(code)).unwrap();
        row.split_once(code).unwrap().0.contains('*')
    };
    let is_much = taken(step) > 0.2 * recorded.time(step);
    assert_eq!(is_marked(step), is_much, "{table}");
    assert!(!is_marked(work), "{table}");
    let legend = "*      more than a fifth of the time is that of recording it";
    assert!(table.contains(legend) || !is_much, "{table}");
}

/// Without markers that read the CPU clock the sampler charges it: all of it, but to which line of a burst is a matter of looks.
#[test]
fn the_sampled_clock_charges_the_cpu_time_of_bursts() {
    let recorded = record(&["--clock", "sampled"], "bursts");
    let (work, waiting) = (
        recorded.cpu("sum += work(700)"),
        recorded.cpu("thread::sleep(Duration::from_millis(4))"),
    );
    let sum = work + waiting;
    assert!((50.0..90.0).contains(&sum), "{work} {waiting}");
}

/// Nobody looks at a program without a hot line, so nothing in its file tells when it was killed; `hprof` saw it.
#[test]
fn a_killed_program_was_in_its_last_line_until_its_end() {
    let recorded = record_with_code(&[], "killed", 128 + 9);
    let first = recorded.time("thread::sleep(Duration::from_millis(500))");
    let last = recorded.time("thread::sleep(Duration::from_secs(60))");
    assert!(first >= 500.0 && last > 100.0, "{first} {last}");
    let sum = first + last;
    assert!((1_400.0..30_000.0).contains(&sum), "{first} {last}");
    recorded
        .run
        .says("thread main was in waits_to_be_killed at src/main.rs:");
}

/// The end of the process is that of a program which is not recorded.
#[test]
fn a_program_that_became_another_had_ended_before() {
    let recorded = record(&[], "becomes");
    let time = recorded.time("panic!");
    assert!(time < 900.0, "{time}");
}

#[test]
fn a_program_that_refuses_system_calls_does_what_it_does_without_us() {
    for program in ["refused", "sleepless"] {
        let expected = plain(program);
        assert!(expected.starts_with("sum "), "{expected}");
        let recorded = record(&[], program);
        assert!(recorded.lines.contains_key("sum ^= spins();"));
        let run = recorded.run.stdout(&expected);
        // One that could not sleep would look all the time.
        if program == "sleepless" {
            run.says(" looks").says("sampler 0 ns of CPU in 0 looks");
        }
    }
}

/// With a sampler it would be killed: that cannot be helped, and is said in docs/metrics.md.
#[test]
fn a_program_that_is_killed_for_system_calls_needs_two_for_us() {
    let expected = plain("killed_for_others");
    record(&["--no-sampler"], "killed_for_others")
        .run
        .stdout(&expected);
}

/// What a program sees that was built without hprof.
fn plain(program: &str) -> String {
    let fixture = Fixture::shared("clocks");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["run", "--quiet", "--release", "--", program])
        .current_dir(fixture.project())
        .env("CARGO_TARGET_DIR", fixture.target())
        .stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("HPROF") || name.starts_with("CARGO_PKG_") {
            cargo.env_remove(name);
        }
    }
    printed(&mut cargo).code(0).stdout
}

#[test]
fn a_program_without_a_hot_line_has_the_threads_it_started() {
    for program in ["alone", "namespace", "child"] {
        let expected = plain(program);
        assert!(expected.contains("threads 1"), "{expected}");
        record(&[], program).run.stdout(&expected);
    }
}

#[test]
fn a_hot_line_starts_the_sampler_even_where_nothing_is_called() {
    record(&[], "hot")
        .run
        .stdout("threads 2\n")
        .says("sampler ");
    record(&["--no-sampler"], "hot").run.stdout("threads 1\n");
}

/// The C library may be in the middle of `malloc`: a thread started there waits for ever.
#[test]
fn no_thread_is_started_in_a_signal_handler() {
    for _ in 0..3 {
        record(&[], "signals").run.stdout("threads 1\n");
    }
}
