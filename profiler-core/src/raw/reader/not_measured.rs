//! Records of functions that are left as they are.

use core::mem::{offset_of, size_of};

use super::bytes::Bytes;
use super::records::{NOT_MEASURED_STRINGS, Records};
use crate::model::NotMeasured;
use crate::raw::layout::NotMeasuredRecord;
use crate::site::WhyNot;

/// The functions, in the order of a profile and each once.
pub(super) fn read(bytes: Bytes<'_>, records: &mut Records) -> Vec<NotMeasured> {
    let mut functions = Vec::new();
    for &at in &records.not_measured {
        match read_one(bytes, at) {
            Some(function) => functions.push(function),
            None => records.damaged += 1,
        }
    }
    functions.sort_unstable();
    functions.dedup();
    functions
}

fn read_one(bytes: Bytes<'_>, at: usize) -> Option<NotMeasured> {
    let why = WhyNot::from_raw(bytes.u32(at + offset_of!(NotMeasuredRecord, why)))?;
    let mut next = at + size_of::<NotMeasuredRecord>();
    let [module, name, file] = NOT_MEASURED_STRINGS.map(|length_field| {
        let length = bytes.size(at + length_field);
        let text = bytes.text(next, length);
        next += length;
        text
    });
    let line = bytes.u32(at + offset_of!(NotMeasuredRecord, line));
    Some(NotMeasured {
        file,
        line,
        module,
        name,
        why,
    })
}
