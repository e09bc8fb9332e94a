//! The table of all nodes of a thread, and of what else a thread keeps for its sites: from the calling cell and the number of a site to an address.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::cells::word;
use super::protocol::add;
use super::space;
use crate::raw::layout::{CacheSlot, Cell, ThreadRecord};

/// Slots at first.
const FIRST_TABLE: usize = 256;

/// What a node is found by: addresses have 48 bits, the number of the site is above them.
#[inline(always)]
pub(super) fn key(caller: *const Cell, site: u32) -> u64 {
    caller.addr() as u64 ^ (u64::from(site) << 48)
}

/// Position of a key in a table, before collisions.
pub(super) const fn hash(key: u64) -> usize {
    // The golden ratio's multiplier spreads the low bits of addresses, which are all multiples of 64.
    word(key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32)
}

/// The slot of `key` in the table, or the free slot where it belongs; `None` without a table.
fn slot_of(thread: &ThreadRecord, key: u64) -> Option<&'static CacheSlot> {
    let table = thread.nodes.load(Relaxed);
    if table.is_null() {
        return None;
    }
    let mask = word(thread.nodes_mask.load(Relaxed));
    let mut index = hash(key) & mask;
    loop {
        // SAFETY: the table has one slot more than its mask says, and at least one is free.
        let slot = unsafe { &*table.wrapping_add(index) };
        let found = slot.key.load(Acquire);
        if found == key || found == 0 {
            return Some(slot);
        }
        index = (index + 1) & mask;
    }
}

/// The value of a key in the table of the thread.
pub(super) fn get(thread: &ThreadRecord, key: u64) -> Option<u64> {
    slot_of(thread, key)
        .filter(|slot| slot.key.load(Relaxed) == key)
        .map(|slot| slot.node.load(Relaxed))
}

/// Enters a key into the table of the thread. Where the table cannot grow any more the key takes the place of another.
pub(super) fn put(thread: &ThreadRecord, key: u64, value: u64) {
    let used = thread.nodes_used.load(Relaxed);
    if thread.nodes.load(Relaxed).is_null() || used * 2 > thread.nodes_mask.load(Relaxed) {
        grow(thread);
    }
    // At least one slot stays free, or a search would not end.
    let mask = thread.nodes_mask.load(Relaxed);
    if used >= mask {
        let table = thread.nodes.load(Relaxed);
        if !table.is_null() {
            // SAFETY: the table has one slot more than its mask says.
            let slot = unsafe { &*table.wrapping_add(hash(key) & word(mask)) };
            slot.node.store(value, Relaxed);
            slot.key.store(key, Relaxed);
        }
        return;
    }
    let Some(slot) = slot_of(thread, key) else {
        return;
    };
    if slot.key.load(Relaxed) == key {
        return;
    }
    slot.node.store(value, Relaxed);
    slot.key.store(key, Release);
    add(&thread.nodes_used, 1);
}

/// Gives the thread a table of twice the size. Old tables are left: they are small and few.
fn grow(thread: &ThreadRecord) {
    let old = thread.nodes.load(Relaxed);
    let old_slots = if old.is_null() {
        0
    } else {
        word(thread.nodes_mask.load(Relaxed)) + 1
    };
    let slots = (old_slots * 2).max(FIRST_TABLE);
    let Some(table) = space::private_memory(slots * size_of::<CacheSlot>()) else {
        return;
    };
    thread.nodes.store(table.cast(), Relaxed);
    thread.nodes_mask.store(slots as u64 - 1, Relaxed);
    for index in 0..old_slots {
        // SAFETY: the old table has that many slots.
        let slot = unsafe { &*old.wrapping_add(index) };
        let key = slot.key.load(Relaxed);
        if key != 0
            && let Some(new) = slot_of(thread, key)
        {
            new.node.store(slot.node.load(Relaxed), Relaxed);
            new.key.store(key, Relaxed);
        }
    }
}
