//! Bytes whose first one begins a cache line.
//!
//! Invariant: the first byte's address is a multiple of [`LINE`]. A row of 32 bytes then never lies in two lines, which
//! is what a histogram's wait for memory depends on.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line on every processor that we know.
pub(crate) const LINE: usize = 64;

/// A fixed number of bytes, zero at first.
#[derive(Debug)]
pub(crate) struct AlignedBytes {
    /// Some bytes more than asked for, so that there is a line's begin among the first ones.
    bytes: Vec<u8>,
    first: usize,
    len: usize,
}

impl AlignedBytes {
    /// `len` zeros. Memory that nobody writes to is not taken from the system.
    pub(crate) fn zeros(len: usize) -> Self {
        let bytes = vec![0; len + LINE - 1];
        let first = bytes.as_ptr().align_offset(LINE).min(LINE - 1);
        Self { bytes, first, len }
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
        &self.bytes[self.first..self.first + self.len]
    }
}

impl DerefMut for AlignedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.first..self.first + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::{AlignedBytes, LINE};

    #[test]
    fn begin_a_line_and_keep_what_is_written() {
        for len in [0, 1, 63, 64, 1000] {
            let mut bytes = AlignedBytes::zeros(len);
            assert_eq!(bytes.len(), len);
            assert_eq!(bytes.as_ptr().addr() % LINE, 0);
            bytes.fill(7);
            assert_eq!(*bytes.clone(), *vec![7; len]);
        }
    }
}
