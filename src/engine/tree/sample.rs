//! Which rows and columns a tree, a level and a node see.
//!
//! Invariant: whether a row is drawn depends on the seed, the tree and the row alone, by a hash without a state, so any
//! number of threads draws the same and a training that continues draws as if it had never stopped. What a node sees
//! depends on its way from the root, not on when it is split.
//!
//! Weighted draws are without replacement: a column arrives after a time that is exponentially distributed with its weight
//! as rate, and the first ones are drawn; so equal weights draw what no weights draw.
//!
//! Source: XGBoost 3.2 `src/common/random.h`, `ColumnSampler`: a level draws from the tree's columns, a node from its
//! level's; Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir".

use crate::metric::ln::ln;

/// The weight of columns that are to be drawn last; XGBoost's.
const LEAST_WEIGHT: f64 = 1e-6;

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
        share >= 1.0 || self.chance(row) < f64::from(share)
    }

    /// A row's number in `[0, 1)`.
    #[inline(always)]
    pub(crate) fn chance(self, row: u32) -> f64 {
        unit(mix(self.0 ^ u64::from(row)))
    }

    /// The columns of a tree, ascending: `share` of them, rounded down, but at least one. `weights` are the columns' or
    /// empty.
    pub(crate) fn columns(self, n_features: usize, share: f32, weights: &[f32]) -> Vec<u32> {
        // Another stream than the rows'.
        let state = mix(!self.0);
        draw((0..n_features as u32).collect(), share, state, weights)
    }

    /// What the tree's levels and nodes see.
    pub(crate) fn node_columns(
        self,
        (by_level, by_node): (f32, f32),
        weights: &[f32],
    ) -> NodeColumns<'_> {
        NodeColumns {
            state: mix(self.0.rotate_left(32)),
            by_level,
            by_node,
            weights,
        }
    }
}

/// The columns that a tree's levels and nodes see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeColumns<'w> {
    state: u64,
    by_level: f32,
    by_node: f32,
    /// One for each feature of the table, or none.
    weights: &'w [f32],
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

impl NodeColumns<'_> {
    /// Whether each of a tree's `features` is seen at a node; `None` if all are.
    pub(crate) fn allowed(self, features: &[u32], path: Path) -> Option<Vec<bool>> {
        if self.by_level >= 1.0 && self.by_node >= 1.0 {
            return None;
        }
        let weights: Vec<f32> = if self.weights.is_empty() {
            Vec::new()
        } else {
            let features = features.iter();
            features.map(|&it| self.weights[it as usize]).collect()
        };
        let all = (0..features.len() as u32).collect();
        let of_level = mix(self.state ^ u64::from(path.depth));
        let level = draw(all, self.by_level, of_level, &weights);
        let drawn = draw(level, self.by_node, mix(!self.state ^ path.hash), &weights);
        let mut allowed = vec![false; features.len()];
        for column in drawn {
            allowed[column as usize] = true;
        }
        Some(allowed)
    }
}

/// `share` of `columns`, which ascend, rounded down, but at least one. `weights` are by column, or empty.
fn draw(mut columns: Vec<u32>, share: f32, state: u64, weights: &[f32]) -> Vec<u32> {
    if share < 1.0 {
        let n_drawn = ((columns.len() as f64 * f64::from(share)) as usize).max(1);
        let number = |column: u32| mix(state ^ u64::from(column));
        if weights.is_empty() {
            columns.sort_by_cached_key(|&column| (number(column), column));
        } else {
            // Times are not negative, so their bits order as they do.
            columns.sort_by_cached_key(|&column| {
                let number = number(column);
                (
                    arrival(number, weights[column as usize]).to_bits(),
                    number,
                    column,
                )
            });
        }
        columns.truncate(n_drawn);
        columns.sort_unstable();
    }
    columns
}

/// When a column of this weight arrives that has drawn `number`.
fn arrival(number: u64, weight: f32) -> f64 {
    let rate = f64::from(weight).max(LEAST_WEIGHT);
    // The difference is exact, and above 0.
    (-ln(1.0 - unit(number)) / rate).max(0.0)
}

/// A number in `[0, 1)` of the upper 53 bits.
pub(crate) fn unit(bits: u64) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each of four columns is drawn, two at a time, of many trees.
    fn shares(weights: &[f32]) -> [f64; 4] {
        let mut counts = [0_u32; 4];
        for tree in 0..20_000 {
            for column in Draw::new(5, 0, 0, tree).columns(4, 0.5, weights) {
                counts[column as usize] += 1;
            }
        }
        counts.map(|it| f64::from(it) / 20_000.0)
    }

    /// The same shares by the definition: one column after the other, each in proportion to what is left.
    fn expected(weights: [f64; 4]) -> [f64; 4] {
        let total: f64 = weights.iter().sum();
        let mut shares = [0.0; 4];
        for first in 0..4 {
            let of_first = weights[first] / total;
            shares[first] += of_first;
            for second in (0..4).filter(|&it| it != first) {
                shares[second] += of_first * weights[second] / (total - weights[first]);
            }
        }
        shares
    }

    #[test]
    fn columns_are_drawn_in_proportion_to_what_is_left() {
        for weights in [[1., 1., 1., 1.], [4., 2., 1., 1.], [0.1, 0.2, 30., 0.5]] {
            let found = shares(&weights.map(|it| it as f32));
            for (found, expected) in found.into_iter().zip(expected(weights)) {
                assert!(
                    (found - expected).abs() < 0.015,
                    "{weights:?}: {found}, {expected}"
                );
            }
        }
    }

    #[test]
    fn columns_without_weight_are_drawn_where_no_others_are_left() {
        assert_eq!(shares(&[0., 1., 1., 0.]), [0., 1., 1., 0.]);
        let one_left = shares(&[0., 7., 0., 0.]);
        assert_eq!(one_left[1], 1.0);
        assert!(one_left.iter().all(|&it| it > 0.3), "{one_left:?}");
        let none_left = shares(&[0.; 4]);
        assert!(
            none_left.iter().all(|&it| (it - 0.5).abs() < 0.015),
            "{none_left:?}"
        );
    }

    #[test]
    fn equal_weights_draw_what_no_weights_draw() {
        for seed in 0..200 {
            let draw = Draw::new(seed, 1, 0, 0);
            let (none, equal) = (
                draw.columns(50, 0.3, &[]),
                draw.columns(50, 0.3, &[2.5; 50]),
            );
            assert_eq!(none, equal);
            let paths = Path::ROOT.children();
            let of_nodes = |weights: &[f32]| {
                let columns = draw.node_columns((0.7, 0.5), weights);
                paths.map(|path| columns.allowed(&none, path))
            };
            assert_eq!(of_nodes(&[]), of_nodes(&[0.3; 50]));
        }
    }
}
