//! Which rows and columns a tree, a level and a node see.
//!
//! Invariant: whether a row is drawn depends on the seed, the tree and the row alone, by a hash without a state, so any
//! number of threads draws the same and a training that continues draws as if it had never stopped. What a node sees
//! depends on its way from the root, not on when it is split.
//!
//! Source: XGBoost `src/common/random.h`, `ColumnSampler`: a level draws from the tree's columns, a node from its level's.

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
        // Another stream than the rows'.
        draw((0..n_features as u32).collect(), share, mix(!self.0))
    }

    /// What the tree's levels and nodes see.
    pub(crate) fn node_columns(self, by_level: f32, by_node: f32) -> NodeColumns {
        NodeColumns {
            state: mix(self.0.rotate_left(32)),
            by_level,
            by_node,
        }
    }
}

/// The columns that a tree's levels and nodes see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeColumns {
    state: u64,
    by_level: f32,
    by_node: f32,
}

/// A node by its way from the root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    pub(crate) depth: u32,
    hash: u64,
}

impl Path {
    /// The root's.
    pub(crate) const ROOT: Self = Self { depth: 0, hash: 0 };

    /// The ways to the left and the right child.
    pub(crate) fn children(self) -> [Self; 2] {
        [1, 2].map(|side| Self {
            depth: self.depth + 1,
            hash: mix(self.hash ^ side),
        })
    }
}

impl NodeColumns {
    /// Whether each of a tree's `n_columns` is seen at a node; `None` if all are.
    pub(crate) fn allowed(self, n_columns: usize, path: Path) -> Option<Vec<bool>> {
        if self.by_level >= 1.0 && self.by_node >= 1.0 {
            return None;
        }
        let all = (0..n_columns as u32).collect();
        let level = draw(all, self.by_level, mix(self.state ^ u64::from(path.depth)));
        let drawn = draw(level, self.by_node, mix(!self.state ^ path.hash));
        let mut allowed = vec![false; n_columns];
        for column in drawn {
            allowed[column as usize] = true;
        }
        Some(allowed)
    }
}

/// `share` of `columns`, which ascend, rounded down, but at least one.
fn draw(mut columns: Vec<u32>, share: f32, state: u64) -> Vec<u32> {
    if share < 1.0 {
        let n_drawn = ((columns.len() as f64 * f64::from(share)) as usize).max(1);
        columns.sort_by_cached_key(|&column| (mix(state ^ u64::from(column)), column));
        columns.truncate(n_drawn);
        columns.sort_unstable();
    }
    columns
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
