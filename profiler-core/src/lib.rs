//! hprof: what every line of your Rust program costs.
//!
//! Put [`profile`] on a function, a module or an `impl`, and run the program by `hprof run`: it shows hits, time, CPU time and allocations of
//! each line. Without `hprof run` the attribute does nothing.
//!
//! ```
//! use hprof::profile;
//!
//! #[profile]
//! fn sum_of_squares(numbers: &[u64]) -> u64 {
//!     let mut sum = 0;
//!     for number in numbers {
//!         sum += number * number;
//!     }
//!     sum
//! }
//!
//! assert_eq!(sum_of_squares(&[1, 2, 3]), 14);
//! ```
//!
//! Programs with an allocator of their own wrap it in [`Alloc`]. With the feature `tracing`, `layer()` shows spans beside functions. The feature
//! `model` reads recordings; the command line tool is built on it.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
#[cfg_attr(not(feature = "model"), doc(hidden))]
pub mod env;
#[cfg(not(hprof_recorder))]
mod inert;
#[cfg(hprof_recorder)]
#[expect(unsafe_code, reason = "an allocator is unsafe to write")]
mod memory;
#[cfg(feature = "model")]
pub mod model;
#[cfg(feature = "model")]
pub mod pprof_file;
#[cfg_attr(not(feature = "model"), doc(hidden))]
pub mod raw;
#[cfg(hprof_recorder)]
#[expect(
    unsafe_code,
    reason = "markers are assembly, and their cells lie in mapped memory"
)]
mod recorder;
#[cfg(feature = "model")]
pub mod regular_file;
#[cfg_attr(not(feature = "model"), doc(hidden))]
pub mod site;
mod spans;

#[cfg(feature = "runtime")]
pub use hprof_macros::profile;
#[cfg(hprof_recorder)]
pub use memory::Alloc;
#[cfg(feature = "tracing")]
pub use spans::{SpanLayer, layer};

/// Runs a block that may make so many allocations at most, with everything that it calls on this thread.
///
/// `hprof test` judges it: the block runs to its end whatever it allocates, and if all tests passed and a limit was broken, hprof names the lines that allocated and
/// ends with exit code 1. Without the build switch the block stands as it is written, and nothing is counted; its value is returned either way. `return`, `?` and `break` leave
/// it as they leave any block; `.await` is an error in it. The option `max_allocs = N` of [`profile`] says the same of a function.
///
/// ```
/// let mut sums = vec![0; 8];
/// let last = hprof::assert_allocs!(0, {
///     for (index, sum) in sums.iter_mut().enumerate() {
///         *sum += index * index;
///     }
///     sums[7]
/// });
/// assert_eq!(last, 49);
/// ```
#[cfg(feature = "runtime")]
#[macro_export]
macro_rules! assert_allocs {
    ($($parts:tt)*) => {
        $crate::__private::assert_allocs!($crate; $($parts)*)
    };
}
