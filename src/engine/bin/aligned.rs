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

/// A fixed number of bytes, zero at first.
#[derive(Debug)]
pub(crate) enum AlignedBytes {
    /// Few.
    Heap {
        /// Some bytes more than asked for, so that there is a line's begin among the first ones.
        bytes: Vec<u8>,
        first: usize,
        len: usize,
    },
    /// Many; exactly as long as asked for.
    Pages(MmapMut),
}

impl AlignedBytes {
    /// `len` zeros. Memory that nobody writes to is not taken from the system.
    pub(crate) fn zeros(len: usize) -> Self {
        let pages = (len >= LARGE).then(|| MmapMut::map_anon(len).ok());
        if let Some(pages) = pages.flatten() {
            // A system without huge pages says no, and the bytes are as good as any.
            #[cfg(target_os = "linux")]
            let _ = pages.advise(memmap2::Advice::HugePage);
            return Self::Pages(pages);
        }
        let bytes = vec![0; len + LINE - 1];
        let first = bytes.as_ptr().align_offset(LINE).min(LINE - 1);
        Self::Heap { bytes, first, len }
    }
}

impl Clone for AlignedBytes {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.len());
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Heap { bytes, first, len } => &bytes[*first..first + len],
            Self::Pages(pages) => pages,
        }
    }
}

impl DerefMut for AlignedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Heap { bytes, first, len } => &mut bytes[*first..*first + *len],
            Self::Pages(pages) => pages,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AlignedBytes, LARGE, LINE};

    #[test]
    fn begin_a_line_and_keep_what_is_written() {
        for len in [0, 1, 63, 64, 1000, LARGE, LARGE + 1] {
            let mut bytes = AlignedBytes::zeros(len);
            assert_eq!(bytes.len(), len);
            assert_eq!(bytes.as_ptr().addr() % LINE, 0);
            assert!(bytes.iter().all(|&byte| byte == 0));
            bytes.fill(7);
            assert_eq!(*bytes.clone(), *vec![7; len]);
        }
    }
}
