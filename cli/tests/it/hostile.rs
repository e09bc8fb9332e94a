//! Files that somebody else may have made: pipes, devices, links, holes, bombs, and profiles whose names are traps. Every command that
//! reads gets each of them, and ends soon, within its memory, with a documented exit code, and prints no control character.

use std::fs::{self, File};
use std::io::Write;
use std::mem::offset_of;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use hprof::model::{Native, NativeFrame, NativeStack, Profile};
use hprof::raw::layout::{HEADER_BYTES, Header, MAGIC};

use crate::fixture::hprof;

#[expect(dead_code, reason = "one example is enough here")]
#[path = "../../../profiler-core/tests/pprof_file/example.rs"]
pub(crate) mod example;
#[expect(clippy::print_stdout, reason = "tests tell their counts")]
#[path = "../../../profiler-core/tests/fuzz/tally.rs"]
mod tally;

#[expect(dead_code, reason = "not every kind of record is needed here")]
#[expect(clippy::cast_possible_truncation, reason = "small files")]
#[path = "../../../profiler-core/tests/model/raw_file.rs"]
mod raw_file;

mod crafted;

/// CPU time that a command may take. Unoptimised as tests are, hprof is up to twenty times slower than it is for its users.
const SECONDS: u32 = if cfg!(debug_assertions) { 20 } else { 2 };
/// How many of something a crafted file has: so many that the square of it shows, and in the quick test few.
const MANY: u32 = 30_000;
const FEW: u32 = 300;
/// KiB that a command may have resident at a time.
const MOST_KIB: i64 = 200 << 10;

/// What became of a command.
struct Outcome {
    code: Option<i32>,
    printed: Vec<u8>,
    kib: i64,
    cpu: Duration,
}

/// Runs a command, whose output goes to files of the folder, and measures it. It is killed when it takes too long.
fn outcome(command: &mut Command, folder: &Path) -> Outcome {
    let out = folder.join("printed");
    let file = File::create(&out).unwrap();
    command
        .stdin(Stdio::null())
        .stderr(file.try_clone().unwrap());
    #[expect(
        clippy::zombie_processes,
        reason = "wait4 collects it, and measures it"
    )]
    let child = command.stdout(file).spawn().unwrap();
    let pid = libc::pid_t::try_from(child.id()).unwrap();
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    let mut status = 0;
    let mut waited = 0;
    // A hang takes no CPU time, so the wall counts too, generously: the machine may be busy.
    let most = SECONDS * 1000;
    loop {
        // SAFETY: a child of ours that nobody else waits for, and valid places for the answers.
        #[expect(unsafe_code, reason = "the standard library measures no child")]
        let ended = unsafe { libc::wait4(pid, &raw mut status, libc::WNOHANG, usage.as_mut_ptr()) };
        if ended == pid {
            break;
        }
        if waited > most * 3 {
            // SAFETY: a child that has not been waited for.
            #[expect(unsafe_code, reason = "the child belongs to wait4")]
            unsafe {
                libc::kill(pid, libc::SIGKILL)
            };
        }
        thread::sleep(Duration::from_millis(2));
        waited += 2;
    }
    // SAFETY: all zeroes is a value of this plain structure, and the call filled it.
    #[expect(unsafe_code, reason = "as above")]
    let usage = unsafe { usage.assume_init() };
    let part = |time: libc::timeval| {
        Duration::new(
            u64::try_from(time.tv_sec).unwrap(),
            u32::try_from(time.tv_usec).unwrap() * 1000,
        )
    };
    Outcome {
        code: std::process::ExitStatus::from_raw(status).code(),
        printed: fs::read(&out).unwrap(),
        kib: usage.ru_maxrss,
        cpu: part(usage.ru_utime) + part(usage.ru_stime),
    }
}

/// Bytes that a terminal takes for commands: all control characters but the end of a line, and their forms of two bytes.
fn is_disturbing(printed: &[u8]) -> bool {
    let text = String::from_utf8_lossy(printed);
    text.chars().any(|sign| {
        // Marks that turn the direction of writing show text in a false order.
        let turns = matches!(sign, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        turns || (sign.is_control() && sign != '\n')
    })
}

/// Makes the files. All are in one folder, which is a package.
struct Traps {
    folder: tempfile::TempDir,
    files: Vec<PathBuf>,
}

impl Traps {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path();
        fs::write(package.join("Cargo.toml"), "[package]\nname = 'x'\n").unwrap();
        fs::create_dir(package.join("src")).unwrap();
        fs::write(package.join("src/main.rs"), "fn main() {\n}\n".repeat(2000)).unwrap();
        Self {
            folder,
            files: Vec::new(),
        }
    }

    fn place(&mut self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        self.files.push(path.clone());
        path
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.place(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn hole(&mut self, name: &str, start: &[u8], length: u64) {
        let path = self.file(name, start);
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(length)
            .unwrap();
    }

    fn pipe(&mut self, name: &str) -> PathBuf {
        let path = self.place(name);
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        path
    }

    fn link(&mut self, name: &str, to: &str) {
        symlink(to, self.place(name)).unwrap();
    }

    fn profile(&mut self, name: &str, profile: &Profile) {
        let mut bytes = Vec::new();
        hprof::pprof_file::write(profile, &mut bytes).unwrap();
        self.file(name, &bytes);
    }

    /// A sound profile whose texts are all this one.
    fn named(&mut self, name: &str, text: &str) {
        let mut profile = example::diffusion();
        for function in &mut profile.functions {
            function.name = text.to_owned();
            function.module = text.to_owned();
            function.file = text.to_owned();
            function.source = vec![text.to_owned(); 3];
        }
        profile.run.command = vec![text.to_owned()];
        profile.run.source_root = Some(self.folder.path().to_str().unwrap().to_owned());
        for process in &mut profile.processes {
            process.host = text.to_owned();
            process.exe = text.to_owned();
            process.threads[0].name = text.to_owned();
            process.native = Some(native(text, text));
        }
        profile.not_measured.clear();
        self.profile(name, &profile);
    }
}

/// Native stacks in one file.
fn native(function: &str, file: &str) -> Native {
    let frame = NativeFrame {
        function: function.to_owned(),
        file: file.to_owned(),
        line: 1,
        inlined: false,
    };
    Native {
        asked_hz: 100,
        cpu_ns: 1_000_000_000,
        signals: 10,
        frames: vec![frame],
        stacks: vec![NativeStack {
            thread: function.to_owned(),
            frames: vec![0],
            samples: 9,
        }],
    }
}

fn packed(parts: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for part in parts {
        encoder.write_all(&part).unwrap();
    }
    encoder.finish().unwrap()
}

/// A part of a protobuf message.
fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    let mut part = Vec::new();
    for mut word in [number << 3 | 2, bytes.len() as u64] {
        while word >= 0x80 {
            part.push(u8::try_from(word & 0x7f).unwrap() | 0x80);
            word >>= 7;
        }
        part.push(u8::try_from(word).unwrap());
    }
    part.extend(bytes);
    part
}

/// The start of a raw file that says so many chunks are in use.
fn raw_header(chunks: u64) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    bytes[offset_of!(Header, magic)..][..8].copy_from_slice(&MAGIC.to_ne_bytes());
    bytes[offset_of!(Header, chunks)..][..8].copy_from_slice(&chunks.to_ne_bytes());
    bytes
}

const TEXTS: [&str; 14] = [
    "\u{1b}[2J\u{1b}]0;title\u{7}",
    "\u{9b}31m\r\n\t\u{8}\u{0}",
    "hprof: saved\nhprof: to x",
    "=HYPERLINK(\"http://x\")",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\u{202e}gpj.exe",
    "\u{202a}a\u{202b}b\u{202c}c\u{202d}",
    "\u{2066}a\u{2067}b\u{2068}c\u{2069}",
    "a\u{200e}b\u{200f}",
    "\u{1b}[8m\u{1b}[31mhidden\u{1b}[0m",
    "x\u{85}y\u{ad}\u{feff}z\u{7f}",
    "<script>alert(1)</script>&\"';",
];

/// The files; the crafted ones have so many of something.
#[expect(clippy::too_many_lines, reason = "a list of files")]
fn traps(size: u32) -> Traps {
    let mut traps = Traps::new();
    for (name, craft) in crafted::CRAFTED {
        traps.profile(&format!("crafted_{name}.pb.gz"), &craft(size));
    }
    for (name, craft) in crafted::CRAFTED_RAW {
        traps.file(&format!("crafted_{name}.hpraw"), &craft(size));
    }
    for (name, craft) in crafted::CRAFTED_NATIVE {
        traps.file(&format!("native_{name}.hpraw"), &crafted::sound_raw());
        traps.file(&format!("native_{name}.native"), craft(size).as_bytes());
    }
    for extension in ["hpraw", "pb.gz", "native", "rs"] {
        let name = |kind: &str| format!("{kind}.{extension}");
        traps.pipe(&name("pipe"));
        traps.link(&name("zero"), "/dev/zero");
        traps.link(&name("null"), "/dev/null");
        traps.link(&name("tty"), "/dev/tty");
        traps.link(&name("loop"), &name("loop"));
        traps.link(&name("nowhere"), "/no/such/place");
        traps.link(&name("folder"), "/");
        traps.link(&name("memory"), "/proc/self/mem");
        traps.file(&name("empty"), b"");
        traps.file(&name("text"), b"not a profile\n");
        traps.hole(&name("hole"), b"", 32 << 30);
        traps.hole(&name("gzip_hole"), &[0x1f, 0x8b], 32 << 30);
        let sound = packed([vec![0; 10]]);
        traps.hole(&name("tail_hole"), &sound, 32 << 30);
        traps.hole(&name("raw_hole"), &raw_header(1 << 20), 32 << 30);
        traps.file(&name("raw_short"), &raw_header(u64::MAX));
        traps.file(&name("gzip_start"), &[0x1f, 0x8b, 8]);
        traps.file(&name("bytes"), &[0xff; 100]);
    }
    // A native file that is none beside a raw file that is none.
    for name in ["pipe", "zero", "hole"] {
        traps.file(&format!("beside_{name}.hpraw"), &raw_header(0));
    }
    traps.pipe("beside_pipe.native");
    traps.link("beside_zero.native", "/dev/zero");
    traps.hole("beside_hole.native", b"", 32 << 30);
    // Bombs.
    let zeroes = || std::iter::repeat_n(vec![0; 1 << 20], 200);
    traps.file("bomb.pb.gz", &packed(zeroes()));
    let mut twice = packed(zeroes());
    twice = packed([twice]);
    traps.file("bomb_twice.pb.gz", &twice);
    let types = [
        field(1, &[8, 1, 16, 2]),
        field(6, b""),
        field(6, &vec![b'x'; 30 << 20]),
        field(6, b"ns"),
    ];
    traps.file("long_type.pb.gz", &packed(types));
    let types = [
        field(1, b"\x08\x01\x10\x02"),
        field(6, b""),
        field(6, "\u{1b}[31mcpu".as_bytes()),
        field(6, b"\x1b]0;ns\x07"),
    ];
    traps.file("foreign.pb.gz", &packed(types));
    let many = |part: Vec<u8>, times: usize| packed([field(6, b""), part.repeat(times)]);
    traps.file("strings.pb.gz", &many(field(6, b"x"), 5 << 20));
    traps.file("functions.pb.gz", &many(field(5, &[8, 1]), 5 << 20));
    traps.file("samples.pb.gz", &many(field(2, b""), 5 << 20));
    let mut crowd = example::diffusion();
    let function = crowd.functions[0].clone();
    for number in 0..120_000 {
        let mut function = function.clone();
        function.name = format!("f{number}");
        function.line = 1_000_000 + number;
        function.lines.clear();
        function.source.clear();
        crowd.functions.push(function);
    }
    traps.profile("many_functions.pb.gz", &crowd);
    // Names.
    for (number, text) in TEXTS.iter().enumerate() {
        traps.named(&format!("named{number}.pb.gz"), text);
        let name: String = text.replace(['/', '\0'], "_");
        traps.file(&format!("{name}.pb.gz"), b"text");
        traps.file(&format!("{name}.hpraw"), b"text");
        traps.file(&format!("{name}2.hpraw"), &raw_header(0));
    }
    traps.named("long_names.pb.gz", &"n".repeat(1 << 20));
    // Sources that `suggest` would open.
    let root = traps.folder.path().to_owned();
    fs::write(root.join("brackets.rs"), "(".repeat(200_000)).unwrap();
    fs::write(root.join("braces.rs"), "fn f() {".repeat(200_000)).unwrap();
    let sources = [
        "pipe.rs",
        "zero.rs",
        "hole.rs",
        "brackets.rs",
        "braces.rs",
        "folder.rs",
        "../../../etc/passwd",
        "/etc/passwd",
        "/dev/zero",
    ];
    for (number, source) in sources.iter().enumerate() {
        let mut profile = example::diffusion();
        profile.run.source_root = Some(root.to_str().unwrap().to_owned());
        profile.processes[0].native = Some(native("f", source));
        traps.profile(&format!("names_source{number}.pb.gz"), &profile);
    }
    traps
}

/// The commands for one file. Exit codes are documented: 0 if there was something to show, 2 if not; 3 if only a
/// part could be merged.
fn commands(file: &Path) -> Vec<Vec<String>> {
    let file = file.to_str().unwrap();
    let with = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    vec![
        with(&["show", "--", file]),
        with(&["suggest", "--", file]),
        with(&["annotate", "src/main.rs", "--", file]),
        with(&["annotate", "--", file, "named0.pb.gz"]),
        with(&["flamegraph", "-o", "-", "--", file]),
        with(&["flamegraph", "--native", "-o", "-", "--", file]),
        with(&["show", "--threads", "--", file]),
        with(&["show", "--by-function", "--memory", "--", file]),
        with(&["export", "--format", "csv", "--", file]),
        with(&["export", "--format", "json", "--", file]),
        with(&["export", "--format", "collapsed", "--", file]),
        with(&["merge", "-o", "/dev/null", "--", file]),
    ]
}

/// Runs each command on each file, or only every so many of them; how many were run, and what was wrong.
fn try_all(each: usize) -> (usize, Vec<String>) {
    let traps = traps(if each == 1 { MANY } else { FEW });
    assert!(traps.files.len() >= 200, "{} files", traps.files.len());
    let folder = traps.folder.path();
    let scratch = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut run = |args: &[String]| {
        let mut command = match std::env::var_os("HPROF_UNDER_TEST") {
            Some(other) => Command::new(other),
            None => hprof::<&str>([]),
        };
        command.args(args).current_dir(folder);
        command.env("CARGO_TARGET_DIR", folder.join("target"));
        let outcome = outcome(&mut command, scratch.path());
        count += 1;
        let mut complain = |what: String| wrong.push(format!("{args:?}: {what}"));
        if !matches!(outcome.code, Some(0 | 2 | 3)) {
            complain(format!("exit code {:?}", outcome.code));
        }
        if outcome.kib > MOST_KIB {
            complain(format!("{} KiB", outcome.kib));
        }
        if outcome.cpu > Duration::from_secs(SECONDS.into()) {
            complain(format!("{:?} of CPU time", outcome.cpu));
        }
        if is_disturbing(&outcome.printed) {
            complain("a control character".into());
        }
        let message = String::from_utf8_lossy(&outcome.printed);
        let longest = message.lines().filter(|line| line.starts_with("hprof: "));
        if longest.map(str::len).max() > Some(10_000) {
            complain("a long message".into());
        }
    };
    // Each command gets its turn with files of each kind.
    let mut turn = 0_usize;
    for file in &traps.files {
        for args in commands(file) {
            turn += 1;
            if turn.is_multiple_of(each) {
                run(&args);
            }
        }
    }
    for args in [
        &["list"][..],
        &["show", "."],
        &["show"],
        &["clean"],
        &["recover"],
    ] {
        run(&args
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>());
    }
    (count, wrong)
}

/// Runs a test of this file once more in a process of its own. The system counts the memory of whoever starts a program as the program's until that
/// begins, and the process of all tests is large.
fn in_a_process_of_its_own(test: &str) -> bool {
    const ALONE: &str = "HPROF_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return false;
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--include-ignored", "--nocapture"])
        .env(ALONE, "")
        .status()
        .unwrap();
    assert!(status.success(), "see above");
    true
}

#[test]
fn hostile_files_do_no_harm() {
    if in_a_process_of_its_own("hostile::hostile_files_do_no_harm") {
        return;
    }
    let (count, wrong) = try_all(61);
    assert!(wrong.is_empty(), "{count} commands:\n{}", wrong.join("\n"));
}

/// All commands on all files. `HPROF_UNDER_TEST` names another program, such as an optimised one.
#[test]
#[ignore = "heavy: make fuzz"]
fn all_hostile_files_do_no_harm_to_any_command() {
    if in_a_process_of_its_own("hostile::all_hostile_files_do_no_harm_to_any_command") {
        return;
    }
    let (count, wrong) = try_all(1);
    tally::tell("commands on hostile files", count as u64, "");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
