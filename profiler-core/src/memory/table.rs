//! A hash table of pairs of words in memory of the recorder's own: it never asks the allocator for anything.
//!
//! Open addressing with linear search; what is taken out closes the gap behind it, so a search ends at the first free slot. It doubles
//! when it is three quarters full, up to a limit. Whoever uses it holds a lock: the words are atomic only to be shared.

use core::sync::atomic::Ordering::Relaxed;

use super::words::{self, AtomicPtr, AtomicU64, AtomicUsize};

/// Slots of a table at first: one page.
const FIRST_SLOTS: usize = if cfg!(loom) { 4 } else { 256 };

/// A pair; the key 0 marks a free slot.
#[derive(Debug, Default)]
#[repr(C)]
struct Slot {
    key: AtomicU64,
    value: AtomicU64,
}

/// A table of pairs.
#[derive(Debug)]
pub(super) struct Table {
    slots: AtomicPtr<Slot>,
    /// Slots less one, a power of two less one; 0 without memory.
    mask: AtomicUsize,
    used: AtomicUsize,
}

impl Table {
    #[cfg(not(loom))]
    pub(super) const fn new() -> Self {
        Self {
            slots: AtomicPtr::new(core::ptr::null_mut()),
            mask: AtomicUsize::new(0),
            used: AtomicUsize::new(0),
        }
    }

    /// The model checker's words are not constant.
    #[cfg(loom)]
    pub(super) fn new() -> Self {
        Self {
            slots: AtomicPtr::new(core::ptr::null_mut()),
            mask: AtomicUsize::new(0),
            used: AtomicUsize::new(0),
        }
    }

    /// Pairs in the table.
    pub(super) fn len(&self) -> usize {
        self.used.load(Relaxed)
    }

    fn slot(&self, index: usize) -> &Slot {
        let place = self.slots.load(Relaxed).wrapping_add(index);
        // SAFETY: every index here is masked, the table has one slot more than the mask says, and its memory goes only when the lock's
        // holder replaces it.
        unsafe { &*place }
    }

    /// Where a key belongs.
    fn home(&self, key: u64) -> usize {
        // Blocks are multiples of 16: the golden ratio's multiplier spreads them over the upper bits.
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24) as usize & self.mask.load(Relaxed)
    }

    /// The slot of the key, or else the free slot where it belongs; `None` without memory.
    fn find(&self, key: u64) -> Option<usize> {
        let mask = self.mask.load(Relaxed);
        if mask == 0 {
            return None;
        }
        let mut index = self.home(key);
        loop {
            let found = self.slot(index).key.load(Relaxed);
            if found == key || found == 0 {
                return Some(index);
            }
            index = (index + 1) & mask;
        }
    }

    /// The value of a key, which is not 0.
    pub(super) fn get(&self, key: u64) -> Option<u64> {
        let slot = self.slot(self.find(key)?);
        (slot.key.load(Relaxed) == key).then(|| slot.value.load(Relaxed))
    }

    /// Enters a pair whose key is neither 0 nor there yet. `None` if there is no room: not more than `limit` slots.
    pub(super) fn insert(&self, key: u64, value: u64, limit: usize) -> Option<()> {
        if self.needs_to_grow() && !self.make_room(limit) && self.is_full() {
            return None;
        }
        let slot = self.slot(self.find(key)?);
        slot.value.store(value, Relaxed);
        slot.key.store(key, Relaxed);
        self.used.fetch_add(1, Relaxed);
        Some(())
    }

    /// Slots; 1 without memory.
    fn slots(&self) -> usize {
        self.mask.load(Relaxed) + 1
    }

    /// Whether the next pair needs more room, or would do well with it.
    pub(super) fn needs_to_grow(&self) -> bool {
        self.slots() == 1 || self.len() >= self.slots() / 4 * 3
    }

    /// Makes room for more pairs; returns whether there is a larger table now.
    pub(super) fn make_room(&self, limit: usize) -> bool {
        self.grow(limit).is_some()
    }

    /// Whether a table that cannot grow has no room: it is filled but for a sixteenth, as a search has to end.
    fn is_full(&self) -> bool {
        self.len() >= self.slots() / 16 * 15
    }

    /// Whether no pair can come any more: not more than `limit` slots.
    pub(super) fn is_at_its_limit(&self, limit: usize) -> bool {
        self.slots() * 2 > limit && self.is_full()
    }

    /// Takes a key out and returns its value.
    pub(super) fn remove(&self, key: u64) -> Option<u64> {
        let mut free = self.find(key)?;
        if self.slot(free).key.load(Relaxed) != key {
            return None;
        }
        let value = self.slot(free).value.load(Relaxed);
        self.used.fetch_sub(1, Relaxed);
        let mask = self.mask.load(Relaxed);
        let mut index = free;
        loop {
            index = (index + 1) & mask;
            let next = self.slot(index);
            let key = next.key.load(Relaxed);
            if key == 0 {
                break;
            }
            // A pair may move back to the free slot unless that lies before its home.
            let from_home = index.wrapping_sub(self.home(key)) & mask;
            let from_free = index.wrapping_sub(free) & mask;
            if from_home >= from_free {
                let place = self.slot(free);
                place.key.store(key, Relaxed);
                place.value.store(next.value.load(Relaxed), Relaxed);
                free = index;
            }
        }
        self.slot(free).key.store(0, Relaxed);
        Some(value)
    }

    /// Changes or takes out all pairs: `None` takes one out.
    pub(super) fn retain(&self, mut work: impl FnMut(u64, u64) -> Option<u64>) {
        let mask = self.mask.load(Relaxed);
        let is_free = |index: &usize| self.slot(*index).key.load(Relaxed) == 0;
        let Some(first) = (0..=mask).filter(|_| mask != 0).find(is_free) else {
            return;
        };
        // From a free slot on, once around: what stays goes to the first free slot from its home on, which is not behind where it was.
        for index in (first..=first + mask).map(|index| index & mask) {
            let slot = self.slot(index);
            let key = slot.key.load(Relaxed);
            if key == 0 {
                continue;
            }
            let value = slot.value.load(Relaxed);
            slot.key.store(0, Relaxed);
            match work(key, value).zip(self.find(key)) {
                Some((value, place)) => {
                    let place = self.slot(place);
                    place.value.store(value, Relaxed);
                    place.key.store(key, Relaxed);
                }
                None => drop(self.used.fetch_sub(1, Relaxed)),
            }
        }
    }

    /// All pairs, in no order.
    pub(super) fn for_each(&self, mut work: impl FnMut(u64, u64)) {
        let mask = self.mask.load(Relaxed);
        let slots = if mask == 0 { 0 } else { mask + 1 };
        for slot in (0..slots).map(|index| self.slot(index)) {
            let key = slot.key.load(Relaxed);
            if key != 0 {
                work(key, slot.value.load(Relaxed));
            }
        }
    }

    /// Doubles the memory; `None` where the limit, or the system, allows no more.
    fn grow(&self, limit: usize) -> Option<()> {
        let mask = self.mask.load(Relaxed);
        let slots = if mask == 0 {
            FIRST_SLOTS
        } else {
            (mask + 1) * 2
        };
        if slots > limit {
            return None;
        }
        let memory = words::zeroed::<Slot>(slots)?;
        let larger = Self::new();
        larger.slots.store(memory, Relaxed);
        larger.mask.store(slots - 1, Relaxed);
        self.for_each(|key, value| {
            if let Some(index) = larger.find(key) {
                larger.slot(index).value.store(value, Relaxed);
                larger.slot(index).key.store(key, Relaxed);
            }
        });
        let old = self.slots.swap(memory, Relaxed);
        self.mask.store(slots - 1, Relaxed);
        if mask != 0 {
            words::give_back(old, mask + 1);
        }
        Some(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn holds_what_a_map_of_the_standard_library_holds() {
        let table = Table::new();
        let mut map = HashMap::new();
        let mut random = 7_u64;
        for turn in 0..200_000_u64 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // Few keys, so that they come again, and runs of them lie side by side.
            let key = (random % 3_000 + 1) * 16;
            match map.remove(&key) {
                Some(value) => {
                    assert_eq!(table.get(key), Some(value));
                    assert_eq!(table.remove(key), Some(value));
                }
                None => {
                    assert_eq!(table.get(key), None);
                    assert_eq!(table.remove(key), None);
                    table.insert(key, turn, 1 << 16).unwrap();
                    map.insert(key, turn);
                }
            }
            assert_eq!(table.len(), map.len());
        }
        let all = || {
            let mut all = HashMap::new();
            table.for_each(|key, value| assert_eq!(all.insert(key, value), None));
            all
        };
        assert_eq!(all(), map);
        // Thinned out at once, until nothing is left.
        for turn in 0..4 {
            table.retain(|key, value| (key / 16 % 4 != turn).then_some(value + 1));
            map.retain(|key, _| *key / 16 % 4 != turn);
            map.values_mut().for_each(|value| *value += 1);
            assert_eq!(all(), map);
            assert_eq!(table.len(), map.len());
            assert!(
                map.iter()
                    .all(|(key, value)| table.get(*key) == Some(*value))
            );
        }
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn full_is_an_answer() {
        let table = Table::new();
        let limit = 2 * FIRST_SLOTS;
        let taken = (1..).take_while(|key| table.insert(*key, 0, limit).is_some());
        let taken = taken.count();
        assert_eq!(taken, limit / 16 * 15);
        assert_eq!(table.get(u64::try_from(taken).unwrap()), Some(0));
        assert_eq!(table.get(u64::MAX), None);
        assert_eq!(table.remove(1), Some(0));
        assert_eq!(table.insert(u64::MAX, 5, limit), Some(()));
    }
}
