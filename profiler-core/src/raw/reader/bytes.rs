//! Numbers and text at offsets of bytes that nobody vouches for.

/// Bytes of a raw file. Records are checked to lie inside before their fields are read; should a check be missing, what lies
/// beyond the end reads as 0, so no content can make the reader panic.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn len(self) -> usize {
        self.0.len()
    }

    pub(super) fn u16(self, at: usize) -> u16 {
        self.array(at).map_or(0, u16::from_ne_bytes)
    }

    pub(super) fn u32(self, at: usize) -> u32 {
        self.array(at).map_or(0, u32::from_ne_bytes)
    }

    pub(super) fn u64(self, at: usize) -> u64 {
        self.array(at).map_or(0, u64::from_ne_bytes)
    }

    pub(super) fn i64(self, at: usize) -> i64 {
        self.array(at).map_or(0, i64::from_ne_bytes)
    }

    /// A `u32` that counts or measures something in memory.
    pub(super) fn size(self, at: usize) -> usize {
        usize::try_from(self.u32(at)).unwrap_or(usize::MAX)
    }

    /// Text that should be UTF-8; bytes that are not are replaced.
    pub(super) fn text(self, at: usize, len: usize) -> String {
        at.checked_add(len)
            .and_then(|end| self.0.get(at..end))
            .map_or_else(String::new, |text| {
                String::from_utf8_lossy(text).into_owned()
            })
    }

    fn array<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        let tail: &'a [u8] = self.0.get(at..)?;
        tail.first_chunk().copied()
    }
}
