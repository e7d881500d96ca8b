//! What a split sends right: the bins above one, or some bins of categories.
//!
//! Invariant: a set is of bins and not of the categories' codes, so it takes 32 bytes whatever the codes are.

use crate::bin::CODES;

/// Bits of a word.
const WORD: usize = u64::BITS as usize;

/// Some of a feature's bins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BinSet([u64; CODES / WORD]);

impl BinSet {
    pub(crate) fn insert(&mut self, bin: u8) {
        self.0[usize::from(bin) / WORD] |= 1 << (usize::from(bin) % WORD);
    }

    #[inline(always)]
    pub(crate) fn contains(&self, bin: u8) -> bool {
        self.0[usize::from(bin) / WORD] >> (usize::from(bin) % WORD) & 1 == 1
    }
}

impl FromIterator<u8> for BinSet {
    fn from_iter<I: IntoIterator<Item = u8>>(bins: I) -> Self {
        let mut set = Self::default();
        bins.into_iter().for_each(|bin| set.insert(bin));
        set
    }
}

/// How a split divides what is present.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cut {
    /// Bins up to and with this one go left.
    Through(u16),
    /// These bins go right.
    Without(BinSet),
}

#[cfg(test)]
mod tests {
    use super::BinSet;

    #[test]
    fn holds_what_was_put_in() {
        let set: BinSet = [0, 63, 64, 200, 255, 64].into_iter().collect();
        let held: Vec<u8> = (0..=255).filter(|&bin| set.contains(bin)).collect();
        assert_eq!(held, [0, 63, 64, 200, 255]);
    }
}
