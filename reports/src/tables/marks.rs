//! The signs that stand beside a row for its marks.

use crate::view::Mark;

/// The marks as they stand beside a row.
pub(crate) fn signs(marks: &[Mark]) -> String {
    marks.iter().map(|mark| sign(*mark)).collect()
}

pub(crate) fn sign(mark: Mark) -> char {
    match mark {
        Mark::Prior => '~',
        Mark::Resolution => '<',
        Mark::Group => '|',
        Mark::Cut => '!',
        Mark::Thin => '^',
        Mark::Recording => '*',
    }
}
