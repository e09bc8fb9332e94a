//! Why a report cannot be made.

use std::io;

/// Why a report cannot be made. Nothing was written then, unless it is [`ReportError::Write`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// No instrumented function was entered in the scope.
    #[error("the profile holds no call of an instrumented function")]
    Empty,
    /// There are calls, but all their values are zero.
    #[error("the profile holds no {metric}: every value is zero")]
    AllZero {
        /// What was asked for.
        metric: &'static str,
    },
    /// The values cannot be added up.
    #[error("the {metric} of the profile add up to more than 64 bits hold")]
    TooLarge {
        /// What was asked for.
        metric: &'static str,
    },
    /// The stacks are too many and too long.
    #[error("the stacks of the profile come to more than {limit} bytes of text")]
    TooDeep {
        /// Bytes that would have been accepted.
        limit: usize,
    },
    /// No function of the profile stands in the file.
    #[error("the profile holds no function of the file {file}")]
    NotInProfile {
        /// The file asked for.
        file: String,
    },
    /// No process has noted which lines its blocks are of.
    #[error("the profile holds no live blocks")]
    NoBlocks,
    /// Nobody looked at a process while it ran.
    #[error("the profile holds no readings of memory and CPU over time")]
    NotObserved,
    /// No process has native stacks.
    #[error("the profile holds no native stacks")]
    NoNative,
    /// The native stacks were taken of a process that used no CPU time.
    #[error("the native stacks hold no sample: the program used too little CPU time")]
    NoSamples,
    /// The writer refused.
    #[error("the report cannot be written")]
    Write(#[from] io::Error),
}
