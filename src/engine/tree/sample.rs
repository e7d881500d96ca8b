//! Which rows and columns a tree sees.
//!
//! Invariant: whether a row is drawn depends on the seed, the tree and the row alone, by a hash without a state, so any
//! number of threads draws the same and a training that continues draws as if it had never stopped.

/// A stream of random numbers for one tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The stream of tree `tree` of `group` in boosting round `round` (of the whole model, from 0).
    pub(crate) fn new(seed: i64, round: usize, group: usize, tree: usize) -> Self {
        let parts = [round as u64, group as u64, tree as u64];
        Self(
            parts
                .into_iter()
                .fold(mix(seed.cast_unsigned()), |state, part| mix(state ^ part)),
        )
    }

    /// Whether the tree sees a row.
    pub(crate) fn has(self, row: u32, share: f32) -> bool {
        share >= 1.0 || unit(mix(self.0 ^ u64::from(row))) < f64::from(share)
    }

    /// The columns of a tree, ascending: `share` of them, rounded down, but at least one.
    pub(crate) fn columns(self, n_features: usize, share: f32) -> Vec<u32> {
        let mut columns: Vec<u32> = (0..n_features as u32).collect();
        if share < 1.0 {
            // Another stream than the rows'.
            let state = mix(!self.0);
            let n_columns = ((n_features as f64 * f64::from(share)) as usize).max(1);
            columns.sort_by_cached_key(|&column| (mix(state ^ u64::from(column)), column));
            columns.truncate(n_columns);
            columns.sort_unstable();
        }
        columns
    }
}

/// A number in `[0, 1)` of the upper 53 bits.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / 9_007_199_254_740_992.0
}

/// A permutation of 64-bit words whose every output bit depends on every input bit.
///
/// Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
pub(crate) fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
