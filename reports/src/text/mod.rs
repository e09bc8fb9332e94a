//! How figures and code become text: width, colour, units of numbers, and the layout that all tables have. It knows no profile.

pub(crate) mod beside;
mod clean;
pub(crate) mod emphasis;
pub(crate) mod grid;
mod highlight;
pub(crate) mod markdown;
pub(crate) mod numbers;
pub(crate) mod page;
pub(crate) mod screen;
pub(crate) mod source;
pub(crate) mod style;

pub use clean::clean;
pub(crate) use clean::{cut, is_unsafe, left, right, tail, width, wrapped};
