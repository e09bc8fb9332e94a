//! Calls of thin functions.

use core::mem::offset_of;
use std::collections::BTreeMap;

use super::bytes::Bytes;
use super::records::Records;
use super::sites::SiteTable;
use crate::model::{FunctionId, ThinCalls};
use crate::raw::layout::ThinCell;

/// The sums over all threads, ascending by function.
pub(super) fn read(
    bytes: Bytes<'_>,
    records: &Records,
    sites: &SiteTable,
    damaged: &mut u64,
) -> Vec<ThinCalls> {
    let mut sums = BTreeMap::<FunctionId, u64>::new();
    for &at in &records.thin {
        let left = bytes.i64(at + offset_of!(ThinCell, left));
        let site = sites.get(bytes.u32(at + offset_of!(ThinCell, site)));
        // A forked child knows the site though it has not called it yet.
        match (site, 1_u64.checked_add_signed(left.saturating_neg())) {
            (Some(_), Some(0)) => {}
            (Some(site), Some(calls)) => {
                let sum = sums.entry(site.function).or_default();
                *sum = sum.saturating_add(calls);
            }
            _ => *damaged += 1,
        }
    }
    let calls = |(function, calls)| ThinCalls { function, calls };
    sums.into_iter().map(calls).collect()
}
