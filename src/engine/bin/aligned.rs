//! Bytes whose first one begins a cache line.
//!
//! Invariant: the first byte's address is a multiple of [`LINE`]. A row of 32 bytes then never lies in two lines, which
//! is what a histogram's wait for memory depends on.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line on every processor that we know.
pub(crate) const LINE: usize = 64;

/// Bytes that can grow, zero at first.
#[derive(Debug)]
pub(crate) struct AlignedBytes {
    /// Some bytes more than there is room for, so that there is a line's begin among the first ones.
    bytes: Vec<u8>,
    first: usize,
    len: usize,
}

impl AlignedBytes {
    /// No bytes, and room for `capacity`. Memory that nobody writes to is not taken from the system, so room that stays
    /// empty costs nothing.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let bytes = vec![0; capacity + LINE - 1];
        let first = bytes.as_ptr().align_offset(LINE).min(LINE - 1);
        Self {
            bytes,
            first,
            len: 0,
        }
    }

    /// Adds `n_more` zeros, and gives them to be written to.
    pub(crate) fn grow(&mut self, n_more: usize) -> &mut [u8] {
        let (begin, len) = (self.len, self.len + n_more);
        let capacity = self.bytes.len() - (LINE - 1);
        if len > capacity {
            let mut larger = Self::with_capacity(len.max(capacity + capacity / 2));
            larger.len = begin;
            larger.copy_from_slice(self);
            *self = larger;
        }
        self.len = len;
        &mut self[begin..]
    }
}

impl Clone for AlignedBytes {
    fn clone(&self) -> Self {
        let mut copy = Self::with_capacity(self.len);
        copy.grow(self.len).copy_from_slice(self);
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
        let mut bytes = AlignedBytes::with_capacity(100);
        let mut expected = Vec::new();
        for n_more in [0, 1, 63, 64, 1000, 3] {
            bytes.grow(n_more).fill(n_more as u8);
            expected.resize(expected.len() + n_more, n_more as u8);
            assert_eq!(bytes.as_ptr().addr() % LINE, 0);
            assert_eq!(*bytes, *expected);
            assert_eq!(*bytes.clone(), *expected);
        }
    }
}
