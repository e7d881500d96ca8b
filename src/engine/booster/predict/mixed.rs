//! Trees with categorical splits or several outputs, walked a row at a time.
//!
//! Invariants: sums take the trees in the model's order, as everywhere; a tree's leaves lie in `values` one after the
//! other, as many values each as the tree has outputs, dart's weight included.

use crate::dataset::Selection;
use crate::tree::{CategorySet, Tree};

use super::super::{Booster, ZERO_THRESHOLD};
use super::block::Block;

/// What a node asks.
#[derive(Clone, Copy, Debug)]
enum Test {
    /// Nothing: it is a leaf, whose values begin here.
    Leaf(usize),
    /// Whether the value is below this.
    Below(f32),
    /// Whether the value is outside the categories of this number.
    Outside(usize),
}

#[derive(Clone, Copy, Debug)]
struct MixedNode {
    test: Test,
    column: u32,
    left: u32,
    default_left: bool,
}

#[derive(Clone, Copy, Debug)]
struct MixedTree {
    root: usize,
    group: usize,
    n_outputs: usize,
}

/// A model's trees, whatever they are.
#[derive(Clone, Debug)]
pub(super) struct MixedForest {
    nodes: Vec<MixedNode>,
    sets: Vec<CategorySet>,
    values: Vec<f32>,
    trees: Vec<MixedTree>,
    /// By column, whether 0 is missing.
    zero_is_missing: Vec<bool>,
}

impl MixedForest {
    pub(super) fn new(booster: &Booster, selection: &Selection) -> Self {
        let features = selection.features().iter();
        let zero_is_missing = features.map(|it| booster.zero_is_missing.contains(it));
        let mut forest = Self {
            nodes: Vec::new(),
            sets: Vec::new(),
            values: Vec::new(),
            trees: Vec::new(),
            zero_is_missing: zero_is_missing.collect(),
        };
        for (idx, (tree, &group)) in booster.trees.iter().zip(&booster.tree_info).enumerate() {
            forest.trees.push(MixedTree {
                root: forest.nodes.len(),
                group: group as usize,
                n_outputs: tree.leaf_values(0).len(),
            });
            forest.push(tree, booster.tree_weight(idx), selection);
        }
        forest
    }

    fn push(&mut self, tree: &Tree, weight: f32, selection: &Selection) {
        for (idx, node) in tree.nodes.iter().enumerate() {
            let test = if node.left.is_none() {
                let first = self.values.len();
                let values = tree.leaf_values(idx).iter();
                self.values.extend(values.map(|value| value * weight));
                Test::Leaf(first)
            } else if let Some(set) = tree.categories.get(&(idx as u32)) {
                self.sets.push(set.clone());
                Test::Outside(self.sets.len() - 1)
            } else {
                Test::Below(node.split_condition)
            };
            self.nodes.push(MixedNode {
                test,
                column: selection.column(node.split_index).unwrap_or(0) as u32,
                left: node.left.unwrap_or(0),
                default_left: node.default_left,
            });
        }
    }

    /// Trees.
    pub(super) fn n_trees(&self) -> usize {
        self.trees.len()
    }

    /// Adds the leaves of all trees to `out`, `(n_rows, n_groups)` row-major.
    pub(super) fn add_all(&self, block: &Block<'_>, n_groups: usize, out: &mut [f32]) {
        for (row, sums) in out.chunks_exact_mut(n_groups).enumerate() {
            for tree in &self.trees {
                let (_, first) = self.leaf(tree, block, row);
                let values = &self.values[first..first + tree.n_outputs];
                for (sum, value) in sums[tree.group..].iter_mut().zip(values) {
                    *sum += value;
                }
            }
        }
    }

    /// Writes the leaf of each tree, as the node's number in it, to `out`, `(n_rows, n_trees)` row-major.
    pub(super) fn leaves(&self, block: &Block<'_>, out: &mut [u32]) {
        for (row, out) in out.chunks_exact_mut(self.trees.len()).enumerate() {
            for (tree, out) in self.trees.iter().zip(out) {
                *out = self.leaf(tree, block, row).0 as u32;
            }
        }
    }

    /// The leaf that a row reaches, as its number in the tree, and where its values begin.
    fn leaf(&self, tree: &MixedTree, block: &Block<'_>, row: usize) -> (usize, usize) {
        let mut idx = 0;
        loop {
            let node = &self.nodes[tree.root + idx];
            let column = node.column as usize;
            let mut value = block.values[column * block.stride + row];
            if self.zero_is_missing.get(column) == Some(&true) && value.abs() <= ZERO_THRESHOLD {
                value = f32::NAN;
            }
            let goes_left = match node.test {
                Test::Leaf(first) => return (idx, first),
                Test::Below(_) | Test::Outside(_) if value.is_nan() => node.default_left,
                Test::Below(threshold) => value < threshold,
                Test::Outside(set) => !self.sets[set].contains(value),
            };
            idx = node.left as usize + usize::from(!goes_left);
        }
    }
}
