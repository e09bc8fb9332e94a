//! The `#[profile]` attribute of hprof. Programs use it through `hprof-core`, which re-exports it.
//!
//! The modules are the stages of one expansion, in reading order: `args` reads the attribute and the build switch, `item` the
//! item under it, `handed_on` what other attributes made of it, `check` refuses, `thin` chooses what is not worth a frame, `walk` places the markers, `sites` collects the lines they stand for, `emit` builds the
//! tokens; `expand` calls them in turn, and `assert_allocs` does so for a block. No stage knows how a marker works: that is the recorder's.

mod args;
mod assert_allocs;
mod async_fn;
mod check;
mod emit;
mod expand;
mod fit;
mod fragments;
mod handed_on;
mod helpers;
mod item;
mod parameters;
mod paths;
mod sites;
mod source;
mod thin;
mod walk;

use proc_macro::TokenStream;

/// Profiles a function line by line.
///
/// Without the build switch, the environment variable `HPROF`, the attribute does nothing: the function compiles to the same
/// machine code as without it. `hprof run` sets the switch. Then every line that begins a statement counts its hits and its
/// time; what the function computes, when it drops what and what it borrows stay as they were.
///
/// ```
/// use hprof::profile;
///
/// #[profile]
/// fn sum(values: &[u64]) -> u64 {
///     let mut sum = 0;
///     for value in values {
///         sum += value;
///     }
///     sum
/// }
///
/// assert_eq!(sum(&[1, 2, 3]), 6);
/// ```
///
/// # Where it goes
///
/// On functions and methods, `async` or not; on an `impl` block, a trait with default methods or an inline module, where it
/// means every function in it that has no `profile` attribute of its own. Put it first among the attributes of an item: below another
/// one it sees what that one made of the function. Below `#[tokio::main]`, `#[tokio::test]`, `#[actix_web::main]`, `#[instrument]` or `#[async_trait]` the
/// rows are right, and what the other attribute adds, such as a runtime's wait, stands on the row of the `fn`; below `#[test_case]` or the cases of
/// `#[rstest]` it sees no line, and the report says so.
/// Functions inside a function need their own. These stay as they are: `const` and naked functions, functions without a body,
/// and the entry points of the compiler, such as a panic handler. Reports list the `const` ones as not measured, called or not, and
/// the naked ones of an annotated `impl`, trait or module.
///
/// # Options
///
/// | option | meaning |
/// |---|---|
/// | `skip` | leave the item as it is; for single functions of an annotated `impl` or module |
/// | `calls` | count and time calls only, no lines |
/// | `split` | full markers inside innermost loops that otherwise only count their hits |
/// | `marked` | only statements with `#[mark]`; all other time goes to the line of the `fn` |
/// | `thin` | count calls and nothing else |
/// | `lines` | lines, however small the function is |
/// | `max_allocs = N` | how many allocations a call may make at most, with everything that it calls on its thread: `hprof test` fails if one makes more |
/// | `name = "..."` | the name to show for a function |
/// | `crate = path` | where `hprof` is, if it is not `::hprof` |
/// | `always` | instrument without the build switch |
/// | `span` | open a `tracing` span with target `hprof` for each call, if `hprof-core` has its feature `tracing`: a trace of the program then shows the profiled functions |
///
/// ```
/// # use hprof::profile;
/// struct Grid {
///     cells: Vec<f64>,
/// }
///
/// #[profile]
/// impl Grid {
///     fn step(&mut self) {
///         for cell in &mut self.cells {
///             *cell *= 0.5;
///         }
///     }
///
///     #[profile(skip)]
///     fn len(&self) -> usize {
///         self.cells.len()
///     }
/// }
/// # let mut grid = Grid { cells: vec![1.0] };
/// # grid.step();
/// # assert_eq!((grid.len(), grid.cells[0]), (1, 0.5));
/// ```
///
/// # Thin functions
///
/// A function of a few instructions is not worth a frame: measuring it would take longer than running it. A *thin* function counts its calls, exactly and in all threads, and
/// nothing else. Its time stands on the line that called it, where it runs after inlining anyway; so do its allocations, and so does what it calls.
///
/// On an `impl` block, a trait or a module these functions are thin: one expression or statement without a loop, a closure, a macro or more than one call; `#[inline(always)]`
/// ones without a loop; bodies of literals, fields and primitive operations alone. Async functions, `main`, tests and functions of another ABI never are. An attribute on
/// the function itself always gives it lines. `#[profile(thin)]` makes any function thin, and `#[profile(lines)]` none, on a function as on an `impl`.
///
/// # Single statements
///
/// `#[mark("label")]` on a statement shows a label beside its line, and with the option `marked` it says which statements
/// count at all (the label may be left out). `#[skip]` on a statement or a loop leaves it out with everything inside; its time
/// stays with the line before it.
///
/// ```
/// # use hprof::profile;
/// # fn read() -> Vec<u32> { vec![1, 2] }
/// # fn log(_: &[u32]) {}
/// #[profile(marked)]
/// fn work() -> u32 {
///     #[mark("reading")]
///     let values = read();
///     log(&values);
///     #[mark]
///     values.iter().sum()
/// }
/// # assert_eq!(work(), 3);
/// ```
///
/// # What counts as a hit
///
/// A line is hit each time control comes to it from another line. The header of a loop is hit once more each time the loop
/// comes back to it, so `n` turns make `n + 1` hits, or `n` if the loop is left in the last of them. A statement over several lines is one row, on its first line. Lines in
/// closures and async blocks belong to the function around them.
///
/// An innermost loop that only computes, with methods of numbers at most, and is left by `break`, `return` or `?` at most, counts its
/// hits in registers, and its time stands on its header. The option `split` gives its lines markers.
///
/// # Limits
///
/// - The arguments of macros are not looked into: a `continue` there does not count the header of its loop.
/// - A function made by a `macro_rules` macro has the lines of the macro's definition.
/// - The future of an async function holds its parameters twice, and 40 bytes more for each async body in it, its own included.
/// - Syntax that is newer than the parser of the macro is an error where the function was to be measured, and is left alone
///   without the build switch.
/// - A closure on a single line has no row of its own.
#[proc_macro_attribute]
pub fn profile(args: TokenStream, item: TokenStream) -> TokenStream {
    let switch = std::env::var(paths::SWITCH).ok();
    let switch = switch.as_deref();
    expand::expand(args.into(), item.into(), switch, &source::Compiler).into()
}

/// What `hprof::assert_allocs!` calls with the crate that it is of.
#[doc(hidden)]
#[proc_macro]
pub fn assert_allocs(tokens: TokenStream) -> TokenStream {
    let switch = std::env::var(paths::SWITCH).ok();
    assert_allocs::expand(tokens.into(), switch.as_deref(), &source::Compiler).into()
}

#[cfg(test)]
mod tests;
