//! How functions and lines of a profile are named.

/// Index of a function in [`Profile::functions`](super::Profile::functions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId(pub u32);

/// A line of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The function.
    pub function: FunctionId,
    /// Line number in its file.
    pub line: u32,
}
