//! Bytes for codes: the first one begins a cache line, and many of them lie in huge pages.
//!
//! Invariant: the first byte's address is a multiple of [`LINE`]. A row of 32 bytes then never lies in two lines, which
//! is what a histogram's wait for memory depends on. The other wait is for addresses: with pages of 4 KiB nearly every
//! row of a deep node needs a page that the processor has to look up.

use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// Bytes of a cache line on every processor that we know.
pub(crate) const LINE: usize = 64;

/// Bytes from which huge pages pay: two of them.
const LARGE: usize = 4 << 20;

/// Bytes that can grow, zero at first.
#[derive(Debug)]
pub(crate) struct AlignedBytes {
    memory: Memory,
    len: usize,
}

#[derive(Debug)]
enum Memory {
    /// Few bytes, and some more, so that there is a line's begin among the first ones.
    Heap(Vec<u8>, usize),
    /// Many bytes.
    Pages(MmapMut),
}

impl Memory {
    /// Zeros. Memory that nobody writes to is not taken from the system, so room that stays empty costs nothing.
    fn zeros(len: usize) -> Self {
        if len >= LARGE
            && let Some(pages) = Self::pages(len)
        {
            return pages;
        }
        let bytes = vec![0; len + LINE - 1];
        let first = bytes.as_ptr().align_offset(LINE).min(LINE - 1);
        Self::Heap(bytes, first)
    }

    fn pages(len: usize) -> Option<Self> {
        let pages = MmapMut::map_anon(len).ok()?;
        // A system without huge pages says no, and the bytes are as good as any.
        #[cfg(target_os = "linux")]
        let _ = pages.advise(memmap2::Advice::HugePage);
        Some(Self::Pages(pages))
    }

    /// Zeros of about this length, or none where the system does not promise so many: whoever asks only expects to need them.
    fn room(len: usize) -> Self {
        if len < LARGE {
            return Self::zeros(len);
        }
        Self::pages(len).unwrap_or_else(|| Self::zeros(0))
    }

    fn capacity(&self) -> usize {
        match self {
            Self::Heap(bytes, _) => bytes.len() - (LINE - 1),
            Self::Pages(pages) => pages.len(),
        }
    }
}

impl AlignedBytes {
    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        Self {
            memory: Memory::zeros(len),
            len,
        }
    }

    /// No bytes, and room for `capacity` if the system promises it.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            memory: Memory::room(capacity),
            len: 0,
        }
    }

    /// Adds `n_more` zeros, and gives them to be written to.
    pub(crate) fn grow(&mut self, n_more: usize) -> &mut [u8] {
        let (begin, len) = (self.len, self.len + n_more);
        let capacity = self.memory.capacity();
        if len > capacity {
            let mut larger = Self {
                memory: Memory::zeros(len.max(capacity + capacity / 2)),
                len: begin,
            };
            larger.copy_from_slice(self);
            *self = larger;
        }
        self.len = len;
        &mut self[begin..]
    }
}

impl Clone for AlignedBytes {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.memory {
            Memory::Heap(bytes, first) => &bytes[*first..first + self.len],
            Memory::Pages(pages) => &pages[..self.len],
        }
    }
}

impl DerefMut for AlignedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Memory::Heap(bytes, first) => &mut bytes[*first..*first + self.len],
            Memory::Pages(pages) => &mut pages[..self.len],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AlignedBytes, LARGE, LINE};

    #[test]
    fn begin_a_line_and_keep_what_is_written() {
        let mut bytes = AlignedBytes::with_capacity(100);
        let mut expected = Vec::new();
        for n_more in [0, 1, 63, 64, 1000, 3, LARGE, LARGE + 1] {
            assert!(bytes.grow(n_more).iter().all(|&byte| byte == 0));
            let begin = expected.len();
            bytes[begin..].fill(n_more as u8 | 1);
            expected.resize(begin + n_more, n_more as u8 | 1);
            assert_eq!(bytes.as_ptr().addr() % LINE, 0);
            assert!(*bytes == *expected && *bytes.clone() == *expected);
        }
    }
}
