//! The `#[profile]` attribute of hprof. Programs use it through `hprof-core`, which re-exports it.

mod args;
mod async_fn;
mod check;
mod emit;
mod expand;
mod helpers;
mod item;
mod paths;
mod sites;
mod source;
mod walk;

use proc_macro::TokenStream;

/// Profiles a function line by line.
///
/// ```
/// #[hprof::profile]
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
/// The attribute does nothing until the program is built with the environment variable `HPROF` set, which is what
/// `hprof run` does: without it the function compiles to the same machine code as without the attribute.
#[proc_macro_attribute]
pub fn profile(args: TokenStream, item: TokenStream) -> TokenStream {
    let switch = std::env::var(paths::SWITCH).ok();
    expand::expand(
        args.into(),
        item.into(),
        switch.as_deref(),
        &source::Compiler,
    )
    .into()
}

#[cfg(test)]
mod tests;
