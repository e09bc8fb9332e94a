//! `make marker-cost`: what markers add to a program in bytes and in compile time, the tables of `docs/overhead-macro.md`.
//!
//! A program of 400 functions of 25 lines is built in release in three ways: without the switch, with calls only, with lines.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Whatever goes wrong ends the program.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const FUNCTIONS: u32 = 400;
/// Of each function.
const LINES: u32 = 25;
/// Builds of which the middle one counts.
const BUILDS: usize = 3;

/// One way to build the program.
struct Build {
    text: u64,
    data: u64,
    /// User time of the compiler, seconds.
    seconds: f64,
}

#[expect(clippy::print_stdout, reason = "a program for the terminal")]
fn main() -> Result<()> {
    let folder = folder()?;
    write_program(&folder)?;
    let plain = build(&folder, None)?;
    let calls = build(&folder, Some("calls"))?;
    let lines = build(&folder, Some("lines"))?;
    println!("release         plain      calls      lines");
    for (name, bytes) in [
        ("text, bytes", (|build| build.text) as fn(&Build) -> u64),
        ("data, bytes", |build| build.data),
    ] {
        let [plain, calls, lines] = [&plain, &calls, &lines].map(bytes);
        println!("{name:<11} {plain:>9} {calls:>10} {lines:>10}");
    }
    let [a, b, c] = [&plain, &calls, &lines].map(|build| build.seconds);
    println!("compile, s  {a:>9.2} {b:>10.2} {c:>10.2}");
    println!();
    println!("added by        text, B    data, B    compile, ms");
    // A function has one marker where only calls count.
    let markers = FUNCTIONS * (LINES - 1);
    added("each marker", &calls, &lines, markers);
    added("each function", &plain, &calls, FUNCTIONS);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a program for the terminal")]
fn added(what: &str, without: &Build, with: &Build, count: u32) {
    let each = |with: u64, without: u64| with.saturating_sub(without) / u64::from(count);
    println!(
        "{what:<13} {:>9} {:>10} {:>14.2}",
        each(with.text, without.text),
        each(with.data, without.data),
        (with.seconds - without.seconds) * 1e3 / f64::from(count)
    );
}

/// `marker-cost` in the target folder this program was built into.
fn folder() -> Result<PathBuf> {
    let exe = env::current_exe()?;
    let target = exe
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists());
    Ok(target.ok_or("not run by cargo")?.join("marker-cost"))
}

fn write_program(folder: &Path) -> Result<()> {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("profiler-core");
    let manifest = format!(
        "[package]\nname = \"marker-cost\"\nedition = \"2024\"\n\n[dependencies]\nhprof-core = {{ path = {core:?} }}\n\n[workspace]\n"
    );
    let mut source = String::from(
        "use hprof::profile;\n\n#[inline(never)]\nfn work(x: u64) -> u64 {\n    std::hint::black_box(x)\n}\n",
    );
    let mut calls = String::new();
    for function in 0..FUNCTIONS {
        writeln!(source, "\n#[profile]\nfn f{function}(mut x: u64) -> u64 {{")?;
        for line in 1..LINES {
            writeln!(source, "    x ^= work(x + {});", function + line)?;
        }
        writeln!(source, "    x\n}}")?;
        writeln!(calls, "    x = f{function}(x);")?;
    }
    write!(
        source,
        "\nfn main() {{\n    let mut x = 1;\n{calls}    println!(\"{{x}}\");\n}}\n"
    )?;
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    Ok(fs::write(folder.join("src/main.rs"), source)?)
}

fn build(folder: &Path, switch: Option<&str>) -> Result<Build> {
    // The first one builds the dependencies.
    run_cargo(folder, switch)?;
    let mut seconds = Vec::new();
    for _ in 0..BUILDS {
        let source = folder.join("src/main.rs");
        let text = fs::read(&source)?;
        fs::write(&source, text)?;
        let before = children_seconds()?;
        run_cargo(folder, switch)?;
        seconds.push(children_seconds()? - before);
    }
    seconds.sort_by(f64::total_cmp);
    let (text, data) = sections(&folder.join("target/release/marker-cost"))?;
    Ok(Build {
        text,
        data,
        seconds: seconds[BUILDS / 2],
    })
}

fn run_cargo(folder: &Path, switch: Option<&str>) -> Result<()> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--release", "--quiet"])
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env_remove("HPROF")
        .current_dir(folder);
    if let Some(switch) = switch {
        cargo.env("HPROF", switch);
    }
    if !cargo.status()?.success() {
        return Err("the program does not build".into());
    }
    Ok(())
}

/// User time of the children that have ended.
fn children_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // Behind the name, which may hold anything: the 14th field from there, in hundredths of a second.
    let (_, fields) = stat.rsplit_once(')').ok_or("no /proc/self/stat")?;
    let ticks: f64 = fields
        .split_whitespace()
        .nth(13)
        .ok_or("a short /proc/self/stat")?
        .parse()?;
    Ok(ticks / 100.0)
}

/// Bytes of code with constants, and of data, as `size` of binutils tells them.
fn sections(program: &Path) -> Result<(u64, u64)> {
    let output = Command::new("size").arg(program).output()?;
    let output = String::from_utf8(output.stdout)?;
    let row = output.lines().nth(1).ok_or("`size` printed no row")?;
    let mut numbers = row.split_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(text), Some(data)) => Ok((text?, data?)),
        _ => Err("`size` printed no numbers".into()),
    }
}
