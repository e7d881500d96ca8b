//! Trees that are walked from the root, for any tree, and for few rows.
//!
//! Invariant: all trees lie in one slice and children are numbered in it, so rows of one tree and trees of one row are
//! walked side by side by the same step: one's wait for memory is another's work.

use crate::dataset::Selection;
use crate::tree::Node;

use super::super::Booster;
use super::block::Block;

/// Rows, or trees, that are walked side by side.
pub(super) const LANES: usize = 8;

/// The bit of [`FlatNode::column`] that says where a missing value goes.
const DEFAULT_LEFT: u32 = 1 << 31;

/// A node as it is walked over: a row goes to `left`, or to the node after it.
///
/// A leaf is its own left child, and its threshold is NaN, which no value reaches: a row that has arrived stays.
#[derive(Clone, Copy, Debug)]
struct FlatNode {
    threshold: f32,
    /// The column of the block, and [`DEFAULT_LEFT`].
    column: u32,
    left: u32,
}

impl FlatNode {
    /// Node `idx` of a tree whose root is node `root` of all trees' nodes.
    fn new(root: u32, idx: usize, node: &Node, selection: &Selection) -> Self {
        match node.left {
            None => Self {
                threshold: f32::NAN,
                column: DEFAULT_LEFT,
                left: root + idx as u32,
            },
            Some(left) => {
                let column = selection
                    .column(node.split_index)
                    .expect("the features of all splits are selected");
                let default = if node.default_left { DEFAULT_LEFT } else { 0 };
                Self {
                    threshold: threshold(node),
                    column: column as u32 | default,
                    left: root + left,
                }
            }
        }
    }
}

/// Where a tree begins, and how far its leaves are.
#[derive(Clone, Copy, Debug)]
struct FlatTree {
    root: u32,
    depth: u32,
    group: u32,
}

/// A model's trees in one piece of memory.
#[derive(Clone, Debug, Default)]
pub(super) struct WalkedForest {
    nodes: Vec<FlatNode>,
    /// Leaf values, by node.
    values: Vec<f32>,
    trees: Vec<FlatTree>,
}

impl WalkedForest {
    pub(super) fn new(booster: &Booster, selection: &Selection) -> Self {
        let n_nodes = booster.trees.iter().map(|tree| tree.nodes.len()).sum();
        let mut nodes = Vec::with_capacity(n_nodes);
        let mut values = Vec::with_capacity(n_nodes);
        let mut trees = Vec::with_capacity(booster.trees.len());
        for (number, (tree, &group)) in booster.trees.iter().zip(&booster.tree_info).enumerate() {
            let weight = booster.tree_weight(number);
            let root = nodes.len() as u32;
            let flat = tree.nodes.iter().enumerate();
            nodes.extend(flat.map(|(idx, node)| FlatNode::new(root, idx, node, selection)));
            values.extend(tree.nodes.iter().map(|node| node.split_condition * weight));
            trees.push(FlatTree {
                root,
                depth: tree.depth() as u32,
                group,
            });
        }
        Self {
            nodes,
            values,
            trees,
        }
    }

    /// Trees.
    pub(super) fn n_trees(&self) -> usize {
        self.trees.len()
    }

    /// Adds the leaves of all trees to `out`, `(n_rows, n_groups)` row-major.
    pub(super) fn add_all(&self, block: &Block<'_>, n_groups: usize, out: &mut [f32]) {
        let whole = block.n_rows - block.n_rows % LANES;
        for tree in &self.trees {
            for first in (0..whole).step_by(LANES) {
                let found: [u32; LANES] = self.walk_rows(tree, block, first);
                for (lane, leaf) in found.into_iter().enumerate() {
                    out[(first + lane) * n_groups + tree.group as usize] +=
                        self.values[leaf as usize];
                }
            }
        }
        for row in whole..block.n_rows {
            self.add_to_row(block, row, &mut out[row * n_groups..(row + 1) * n_groups]);
        }
    }

    /// Adds the leaves of one tree to `sums`, one a row.
    pub(super) fn add_tree(&self, tree: usize, block: &Block<'_>, sums: &mut [f32]) {
        let tree = &self.trees[tree];
        let mut lanes = sums[..block.n_rows].chunks_exact_mut(LANES);
        for (chunk, sums) in lanes.by_ref().enumerate() {
            let found: [u32; LANES] = self.walk_rows(tree, block, chunk * LANES);
            for (sum, leaf) in sums.iter_mut().zip(found) {
                *sum += self.values[leaf as usize];
            }
        }
        let first = block.n_rows - block.n_rows % LANES;
        for (lane, sum) in lanes.into_remainder().iter_mut().enumerate() {
            let [leaf] = self.walk_rows(tree, block, first + lane);
            *sum += self.values[leaf as usize];
        }
    }

    /// Writes the leaf of each tree, as the node's number in it, to `out`, `(n_rows, n_trees)` row-major.
    pub(super) fn leaves(&self, block: &Block<'_>, out: &mut [u32]) {
        let n_trees = self.trees.len();
        for (row, out) in out.chunks_exact_mut(n_trees).enumerate() {
            for (trees, out) in self.trees.chunks(LANES).zip(out.chunks_mut(LANES)) {
                let found = self.walk_trees(trees, block, row);
                for ((leaf, tree), out) in found.into_iter().zip(trees).zip(out) {
                    *out = leaf - tree.root;
                }
            }
        }
    }

    fn add_to_row(&self, block: &Block<'_>, row: usize, out: &mut [f32]) {
        for trees in self.trees.chunks(LANES) {
            let found = self.walk_trees(trees, block, row);
            for (leaf, tree) in found.into_iter().zip(trees) {
                out[tree.group as usize] += self.values[leaf as usize];
            }
        }
    }

    /// Walks `N` rows down one tree, a level at a time.
    #[inline]
    fn walk_rows<const N: usize>(
        &self,
        tree: &FlatTree,
        block: &Block<'_>,
        first: usize,
    ) -> [u32; N] {
        let mut reached = [tree.root; N];
        for _ in 0..tree.depth {
            let mut moved = 0;
            for (lane, idx) in reached.iter_mut().enumerate() {
                let next = self.step(*idx, block, first + lane);
                moved |= next ^ *idx;
                *idx = next;
            }
            if moved == 0 {
                break;
            }
        }
        reached
    }

    /// Walks one row down as many trees as there are, at most [`LANES`]; what is beyond them means nothing.
    #[inline]
    fn walk_trees(&self, trees: &[FlatTree], block: &Block<'_>, row: usize) -> [u32; LANES] {
        let mut reached = [trees[0].root; LANES];
        for (idx, tree) in reached.iter_mut().zip(trees) {
            *idx = tree.root;
        }
        let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or(0);
        for _ in 0..depth {
            for idx in &mut reached {
                *idx = self.step(*idx, block, row);
            }
        }
        reached
    }

    #[inline]
    fn step(&self, idx: u32, block: &Block<'_>, row: usize) -> u32 {
        let node = self.nodes[idx as usize];
        let column = (node.column & !DEFAULT_LEFT) as usize;
        let value = block.values[column * block.stride + row];
        let missing_right = node.column < DEFAULT_LEFT && value.is_nan();
        node.left + u32::from((value >= node.threshold) | missing_right)
    }
}

/// The value from which on a split sends right. Nothing is below a threshold that is no number, so that sends all right.
pub(super) fn threshold(node: &Node) -> f32 {
    if node.split_condition.is_nan() {
        f32::NEG_INFINITY
    } else {
        node.split_condition
    }
}
