//! `programs NAME TURNS` runs a program and prints what it computed and the CPU time that its thread took, in nanoseconds.

mod binary_trees;
mod fannkuch;
mod mandelbrot;
mod n_body;
mod published;
mod spectral_norm;

fn program(name: &str) -> Option<fn(u64) -> u64> {
    Some(match name {
        "memchr, iter" => published::memchr_iter,
        "memchr, dense" => published::memchr_dense,
        "lz4_flex, compress" => published::lz4_compress,
        "lz4_flex, decompress" => published::lz4_decompress,
        "miniz_oxide, deflate" => published::deflate,
        "miniz_oxide, inflate" => published::inflate,
        "jzon" => published::jzon,
        "tinyjson" => published::tinyjson,
        "pulldown-cmark" => published::pulldown_cmark,
        "num-bigint" => published::num_bigint,
        "n-body" => n_body::run,
        "spectral-norm" => spectral_norm::run,
        "mandelbrot" => mandelbrot::run,
        "binary-trees" => binary_trees::run,
        "fannkuch" => fannkuch::run,
        _ => return None,
    })
}

/// CPU time of the main thread so far.
fn cpu_time() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|time| time.parse().ok()).unwrap_or(0)
}

fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let turns = args.next().and_then(|turns| turns.parse().ok());
    let (Some(run), Some(turns)) = (program(&name), turns) else {
        panic!("usage: programs NAME TURNS");
    };
    let computed = run(turns);
    println!("{computed} {}", cpu_time());
}
