//! The static description of one instrumented function body: where it stands and which of its lines have markers; and of a
//! function that is left alone.
//!
//! The macro makes one [`Site`] for each function, closure or async body. It is plain constant data apart from
//! the id, which the recorder hands out when the body is entered for the first time.

use core::sync::atomic::{AtomicI64, AtomicU32};

/// What kind of body a site describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum SiteKind {
    /// A function or method: entering it is a call.
    Function = 0,
    /// The body of a closure. Its lines belong to the function that holds it; entering it is no call.
    Closure = 1,
    /// The body of an async function: a frame lives for one poll, the first poll is the call.
    AsyncFunction = 2,
    /// The body of an async block: as [`SiteKind::AsyncFunction`], but its lines belong to the function that holds it and
    /// entering it is no call.
    AsyncBlock = 3,
}

impl SiteKind {
    /// The kind with the given number in a raw file, if there is one.
    #[must_use]
    pub const fn from_raw(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Function),
            1 => Some(Self::Closure),
            2 => Some(Self::AsyncFunction),
            3 => Some(Self::AsyncBlock),
            _ => None,
        }
    }
}

/// What a line slot stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum LineKind {
    /// A statement, or a match arm or condition on a line of its own.
    Statement = 0,
    /// The header of a loop: hit once more than the loop turns.
    LoopHeader = 1,
    /// The header of a loop whose body only counts: the time of the whole loop stands here.
    GroupHeader = 2,
    /// A line in the body of such a loop: exact hits, no time of its own.
    GroupBody = 3,
    /// The closing brace of a body, reached when its locals are dropped.
    Brace = 4,
    /// The whole body, where only calls are measured or counted; with marked lines, the time between them. Its hits mean nothing.
    WholeBody = 5,
}

impl LineKind {
    /// The kind with the given number in a raw file, if there is one.
    #[must_use]
    pub const fn from_raw(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Statement),
            1 => Some(Self::LoopHeader),
            2 => Some(Self::GroupHeader),
            3 => Some(Self::GroupBody),
            4 => Some(Self::Brace),
            5 => Some(Self::WholeBody),
            _ => None,
        }
    }
}

/// One line slot of a site: a source line that has a marker.
#[derive(Clone, Copy, Debug)]
pub struct LineSite {
    /// Line number in the file, from 1.
    pub line: u32,
    /// What the slot stands for.
    pub kind: LineKind,
    /// For [`LineKind::GroupBody`]: the slot of the loop's header. Otherwise the slot itself.
    pub group: u32,
    /// The text of `#[mark("label")]`, or empty.
    pub label: &'static str,
}

impl LineSite {
    /// A slot of the given kind without a label; `group` is the slot of the group's header, or its own.
    #[must_use]
    pub const fn new(line: u32, kind: LineKind, group: u32) -> Self {
        Self {
            line,
            kind,
            group,
            label: "",
        }
    }

    /// The same slot with a label.
    #[must_use]
    pub const fn labelled(self, label: &'static str) -> Self {
        Self { label, ..self }
    }
}

/// Where a body stands in the source.
#[derive(Clone, Copy, Debug)]
pub struct SiteFacts {
    /// What kind of body this is.
    pub kind: SiteKind,
    /// Path of the module, as `module_path!` gives it.
    pub module: &'static str,
    /// Name of the function, with its type where the macro saw it (`Grid::step`). For a closure or an async block the name of
    /// the function that holds it.
    pub name: &'static str,
    /// Source file, as the compiler was told it: relative to the folder cargo ran in, or absolute.
    pub file: &'static str,
    /// First line shown for the function: that of its attribute. The same for the closures in it.
    pub line: u32,
    /// Column of the attribute, from 1; tells functions on one line apart.
    pub column: u32,
    /// Line of the closing brace of the function.
    pub end_line: u32,
    /// Folder of the package (`CARGO_MANIFEST_DIR` at expansion), for finding `file` again.
    pub package: &'static str,
    /// The source text of lines `line..=end_line`, joined by `\n`; empty for closures, or when it could not be read.
    pub source: &'static str,
    /// How many allocations a call may make at most, with everything that it calls, if somebody says so.
    pub max_allocs: Option<u32>,
}

/// The number of a site that has none, beyond all that are given.
pub(crate) const UNREGISTERED: u32 = 0xffff;

/// The static table of one instrumented body with `N` line slots.
#[derive(Debug)]
#[cfg_attr(
    not(hprof_recorder),
    expect(dead_code, reason = "only a recorder reads it")
)]
pub struct Site<const N: usize> {
    /// [`UNREGISTERED`] until the body is entered for the first time while the program records; then the number of its site record, from 1.
    pub(crate) id: AtomicU32,
    pub(crate) facts: SiteFacts,
    pub(crate) lines: [LineSite; N],
}

impl<const N: usize> Site<N> {
    /// A site with these facts and line slots.
    #[must_use]
    pub const fn new(facts: SiteFacts, lines: [LineSite; N]) -> Self {
        Self {
            id: AtomicU32::new(UNREGISTERED),
            facts,
            lines,
        }
    }
}

/// What a thin function counts its calls by. It stands in a section of its own in the executable, side by side with all others: its place there is its place
/// in the array of each thread.
#[derive(Debug)]
#[repr(C, align(16))]
pub struct Thin {
    /// Above 0 for ever: what a thread counts down that has no array yet, which sends it the slow way.
    pub(crate) nobody: AtomicI64,
    /// Where the function stands: its one line is that of its `fn`.
    pub(crate) site: &'static Site<1>,
}

impl Thin {
    /// The counter of the thin function of this site.
    #[must_use]
    pub const fn new(site: &'static Site<1>) -> Self {
        Self {
            nobody: AtomicI64::new(i64::MAX / 2),
            site,
        }
    }
}

/// Whether values of the type of `value` have something to do when they are dropped. A constant once it is compiled: a block whose locals own
/// nothing has no marker for its closing brace.
#[inline(always)]
#[must_use]
pub const fn drop_glue<T: ?Sized>(_value: &T) -> bool {
    core::mem::needs_drop::<T>()
}

/// Why an annotated function is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum WhyNot {
    /// A `const fn`: the compiler may run it, and nothing that it cannot run may stand in it.
    Constant = 1,
    /// A naked function: it is assembly from its first instruction on.
    Naked = 2,
    /// Another attribute, above `#[profile]`, has moved its body to where the macro cannot see it. Its calls are measured, its lines are not.
    Hidden = 3,
    /// An earlier run found it so small that counting its calls would cost more than it does (`hprof run --fit`).
    TooSmall = 4,
}

impl WhyNot {
    /// The reason with the given number in a raw file, if there is one.
    #[must_use]
    pub const fn from_raw(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Constant),
            2 => Some(Self::Naked),
            3 => Some(Self::Hidden),
            4 => Some(Self::TooSmall),
            _ => None,
        }
    }
}

/// What is known of a function that is left as it is. It stands in a section of its own in the executable, where the recorder finds
/// it without any call.
#[derive(Clone, Copy, Debug)]
pub struct NotMeasured {
    /// Why it is left alone.
    pub why: WhyNot,
    /// As in [`SiteFacts`].
    pub module: &'static str,
    /// As in [`SiteFacts`].
    pub name: &'static str,
    /// As in [`SiteFacts`].
    pub file: &'static str,
    /// As in [`SiteFacts`].
    pub line: u32,
}
