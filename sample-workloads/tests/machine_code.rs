//! What the compiler makes of annotated functions, read from the machine code of this test: nothing when profiling is off, and when it is on,
//! arithmetic that stays in its line and grouped loops that stay vectorised.
//!
//! Only optimised code means anything here, so a debug build runs none of it: `make machine-code`. Needs `objdump`, and says so where it is
//! missing.

#![cfg(all(target_arch = "x86_64", target_os = "linux", not(debug_assertions)))]
#![expect(clippy::print_stderr, reason = "what is not checked must be seen")]

use std::collections::HashMap;
use std::env;
use std::hint::black_box;
use std::pin::pin;
use std::process::Command;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use sample_workloads::grid::{Grid, Variant};
use sample_workloads::parameters::Parameters;
use sample_workloads::{auc, diffusion, fib, plain};

/// Functions by name, as lines of `mnemonic operands`.
type Functions = HashMap<String, Vec<String>>;

/// The code of this test program; `None` without `objdump`.
fn functions() -> Option<&'static Functions> {
    static FUNCTIONS: OnceLock<Option<Functions>> = OnceLock::new();
    FUNCTIONS.get_or_init(disassemble).as_ref()
}

fn disassemble() -> Option<Functions> {
    keep();
    let program = env::current_exe().expect("this program has a path");
    let output = Command::new("objdump")
        .args(["-d", "--no-show-raw-insn", "-M", "intel", "--demangle"])
        .arg(program)
        .output();
    let Ok(output) = output else {
        eprintln!("machine_code: `objdump` is missing, nothing was checked");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let mut functions = Functions::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(head) = line.strip_suffix(">:") {
            name = head.split_once('<').map_or("", |(_, name)| name).to_owned();
        } else if let Some((_, code)) = line.split_once(":\t") {
            let code = code.split('#').next().unwrap_or_default().trim();
            functions
                .entry(name.clone())
                .or_default()
                .push(code.to_owned());
        }
    }
    Some(functions)
}

/// Calls what is looked at, so that it is there.
fn keep() {
    let parameters = Parameters::default();
    let grid = Grid::new(&parameters).expect("the default parameters describe a grid");
    if black_box(false) {
        let mut output = |_: f64, _: &dyn Fn(usize, usize) -> f64| {};
        for variant in [Variant::Naive, Variant::Slices, Variant::Flat] {
            let start = diffusion::four_peaks(&grid);
            black_box(diffusion::run(variant, &grid, &start, &mut output));
            let start = plain::diffusion::four_peaks(&grid);
            black_box(plain::diffusion::run(variant, &grid, &start, &mut output));
        }
        black_box((fib::fib(20), plain::fib::fib(20)));
        black_box((auc::serial(9), plain::auc::serial(9)));
        black_box((
            doubling(1.0, 9),
            fourfold(1.0, 9),
            black_box(in_async(black_box(1.0), black_box(9))).is_ready(),
        ));
    }
}

/// The code of the function with this path, and whether it is there at all: equal functions may have been merged into one.
fn code<'a>(functions: &'a Functions, path: &str) -> Option<&'a [String]> {
    let is_it = |name: &str| {
        name == path
            || name
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with("::h"))
    };
    let found = functions.iter().find(|(name, _)| is_it(name));
    found.map(|(_, code)| code.as_slice())
}

/// The instructions without what depends on where the function lies.
fn placeless(code: &[String]) -> Vec<String> {
    let own = |target: &str| target.contains("+0x");
    let line = |line: &String| {
        let (before, target) = line.split_once('<').unwrap_or((line, ""));
        let words: Vec<&str> = before.split_whitespace().collect();
        match words.first() {
            // A jump inside, or to another function: by name.
            Some(word) if !target.is_empty() => {
                let name = if own(target) {
                    target.rsplit("+0x").next().unwrap_or_default()
                } else {
                    target
                };
                format!("{word} {name}")
            }
            _ if before.contains("[rip+") => {
                let start = before.split("[rip+").next().unwrap_or_default();
                format!("{start}[rip]")
            }
            _ => words.join(" "),
        }
    };
    let padding = |line: &String| {
        line.starts_with("nop")
            || line.starts_with("int3")
            || line.starts_with("data16")
            || line.starts_with("cs nop")
    };
    code.iter()
        .filter(|line| !padding(line))
        .map(line)
        .map(|line| line.replace("plain::", ""))
        .collect()
}

#[test]
fn nothing_is_left_of_the_attribute_when_profiling_is_off() {
    if option_env!("HPROF").is_some() {
        eprintln!("machine_code: built for profiling, the code of plain builds was not checked");
        return;
    }
    let Some(functions) = functions() else { return };
    let mut compared = 0;
    // Not `naive`: the compiler orders the code of two plain copies of it in two ways.
    for path in [
        "diffusion::four_peaks",
        "diffusion::slices::slices",
        "diffusion::flat::flat",
        "fib::fib",
        "auc::area_of_part",
        "auc::serial",
    ] {
        let annotated = code(functions, &format!("sample_workloads::{path}"));
        let plain = code(functions, &format!("sample_workloads::plain::{path}"));
        match (annotated, plain) {
            (Some(annotated), Some(plain)) => {
                same(path, &placeless(annotated), &placeless(plain));
                compared += 1;
            }
            // One symbol for both: the compiler found them equal, or inlined both.
            (one, other) => eprintln!(
                "machine_code: {path} has {} symbol(s)",
                one.iter().count() + other.iter().count()
            ),
        }
    }
    assert!(compared > 0, "no function was left to compare");
}

/// Fails with the first instructions that differ.
fn same(path: &str, annotated: &[String], plain: &[String]) {
    let differ = |(one, other): (&String, &String)| one != other;
    let at = annotated.iter().zip(plain).position(differ);
    let at = at.or((annotated.len() != plain.len()).then_some(annotated.len().min(plain.len())));
    if let Some(at) = at {
        let from = |code: &[String]| code[at.min(code.len())..(at + 5).min(code.len())].join("; ");
        panic!(
            "{path}, instruction {at}: annotated `{}`, plain `{}`",
            from(annotated),
            from(plain)
        );
    }
}

#[test]
fn grouped_loops_stay_vectorised() {
    if option_env!("HPROF").is_none() {
        eprintln!("machine_code: built without profiling, grouped loops were not checked");
        return;
    }
    let Some(functions) = functions() else { return };
    let packed = |path: &str| {
        let code = code(functions, path).expect("the function has code of its own");
        let is_packed = |line: &&String| {
            let word = line.split_whitespace().next().unwrap_or_default();
            ["addpd", "subpd", "mulpd", "vaddpd", "vsubpd", "vmulpd"].contains(&word)
        };
        code.iter().filter(is_packed).count()
    };
    let annotated = packed("sample_workloads::diffusion::slices::slices");
    let plain = packed("sample_workloads::plain::diffusion::slices::slices");
    assert!(plain > 0, "the plain loops are not vectorised");
    assert_eq!(annotated, plain, "packed instructions");
}

#[hprof::profile(always, thin)]
fn turned(x: u64) -> u64 {
    x.rotate_left(7)
}

#[hprof::profile(always, thin)]
fn swapped(x: u64) -> u64 {
    x.swap_bytes()
}

#[hprof::profile(always, thin)]
fn added(x: u64) -> u64 {
    x.wrapping_mul(9).wrapping_add(1)
}

/// Calls of three thin functions.
#[inline(never)]
fn mixed(x: u64) -> u64 {
    added(swapped(turned(x)))
}

/// What they compute.
#[inline(never)]
fn mixed_plain(x: u64) -> u64 {
    x.rotate_left(7)
        .swap_bytes()
        .wrapping_mul(9)
        .wrapping_add(1)
}

#[inline(never)]
fn mixed_often(mut x: u64, turns: u64) -> u64 {
    for _ in 0..turns {
        x = turned(x);
    }
    x
}

#[test]
fn a_call_of_a_thin_function_takes_four_instructions_and_three_in_a_loop() {
    assert_eq!(mixed(black_box(3)), mixed_plain(black_box(3)));
    assert_eq!(mixed_often(3, 9), mixed_often(3, black_box(9)));
    let Some(functions) = functions() else { return };
    // Behind the end there is the way of the first call.
    let common = |name: &str| {
        let code = code(functions, &format!("machine_code::{name}"));
        let code = placeless(code.expect("the function has code of its own"));
        let end = code.iter().position(|line| line.starts_with("ret"));
        code[..=end.expect("the function returns")].to_vec()
    };
    let (thin, plain) = (common("mixed"), common("mixed_plain"));
    // And one for the function that calls them: where the words of a thread are.
    assert!(thin.len() - plain.len() <= 3 * 4 + 1, "{thin:#?}");
    let often = common("mixed_often");
    let count = often.iter().position(|line| line.contains("fs:"));
    let count = &often[count.expect("it reads the word of the thread")..];
    assert!(count[1].starts_with("sub QWORD PTR"), "{often:#?}");
    assert!(count[2].starts_with("jns"), "{often:#?}");
}

#[inline(always)]
fn step(x: f64) -> f64 {
    x * 1.000_000_1 + 0.5
}

#[inline(always)]
fn two(x: f64) -> f64 {
    step(step(x))
}

#[inline(always)]
fn four(x: f64) -> f64 {
    two(two(x))
}

#[inline(always)]
fn sixteen(x: f64) -> f64 {
    four(four(four(four(x))))
}

#[inline(always)]
fn sixty_four(x: f64) -> f64 {
    sixteen(sixteen(sixteen(sixteen(x))))
}

/// Lines of 1, 2, 4 and 8 multiplications.
#[hprof::profile(always, split)]
#[inline(never)]
fn doubling(mut x: f64, turns: u64) -> f64 {
    for _ in 0..turns {
        x = step(x);
        x = two(x);
        x = four(x);
        x = four(four(x));
    }
    x
}

/// Lines of 4, 16, 64 and 128 multiplications.
#[hprof::profile(always, split)]
#[inline(never)]
fn fourfold(mut x: f64, turns: u64) -> f64 {
    for _ in 0..turns {
        x = four(x);
        x = sixteen(x);
        x = sixty_four(x);
        x = sixty_four(sixty_four(x));
    }
    x
}

/// The same in an async body.
#[hprof::profile(always, split)]
async fn fourfold_in_async(mut x: f64, turns: u64) -> f64 {
    for _ in 0..turns {
        x = four(x);
        x = sixteen(x);
        x = sixty_four(x);
        x = sixty_four(sixty_four(x));
    }
    x
}

#[inline(never)]
fn in_async(x: f64, turns: u64) -> Poll<f64> {
    let mut context = Context::from_waker(Waker::noop());
    pin!(fourfold_in_async(x, turns)).poll(&mut context)
}

/// Multiplications after each marker of a function, where there are any.
fn between_markers(code: &[String]) -> Vec<usize> {
    let mut gaps = vec![0];
    for line in code {
        if line.starts_with("call") && line.contains("stub") {
            gaps.push(0);
        } else if line.contains("mulsd") {
            *gaps.last_mut().expect("one gap is always there") += 1;
        }
    }
    gaps.into_iter().filter(|count| *count > 0).collect()
}

#[test]
fn arithmetic_stays_in_its_line() {
    let Some(functions) = functions() else { return };
    for (name, expected) in [("doubling", [1, 2, 4, 8]), ("fourfold", [4, 16, 64, 128])] {
        let path = format!("machine_code::{name}");
        let code = code(functions, &path).expect("the kernel has code of its own");
        assert_eq!(between_markers(code), expected, "{name}");
    }
}

/// A `thread_local!` between two markers of an async body was a call that may unwind: all arithmetic moved behind the last marker, in builds
/// of more than one unit.
#[test]
fn arithmetic_stays_in_its_line_in_an_async_body() {
    let Some(functions) = functions() else { return };
    let is_it = |(name, _): &(&String, &Vec<String>)| name.contains("in_async");
    let found: Vec<_> = functions
        .iter()
        .filter(is_it)
        .map(|(_, code)| between_markers(code))
        .filter(|gaps| !gaps.is_empty())
        .collect();
    // Wherever the poll was inlined.
    assert_eq!(found, [[4, 16, 64, 128]]);
}
