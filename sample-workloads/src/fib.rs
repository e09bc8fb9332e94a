//! Fibonacci numbers by plain recursion: the test of what a profiler does with a function that calls itself.
//!
//! `fib(n)` makes `2 * fib(n + 1) - 1` calls, one of them primitive. Of these `fib(n + 1)` end at `return n` and
//! `fib(n + 1) - 1` at the sum. Its total time is its elapsed time, not a multiple.

/// The `n`-th Fibonacci number, `n` at most 93: `fib(0)` is 0, `fib(1)` is 1.
///
/// ```
/// assert_eq!(sample_workloads::fib::fib(20), 6765);
/// ```
#[hprof::profile]
pub fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    fib(n - 1) + fib(n - 2)
}
