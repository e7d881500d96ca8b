//! Prediction: leaves are looked up for a block of rows at a time and added up in `f32`, tree after tree.
//!
//! Invariants: a row's sum begins with the base margin and takes the trees in the model's order, as XGBoost does, so
//! margins are the same bit for bit; neither threads nor blocks change them. A missing value is NaN and takes the
//! split's default direction.
//!
//! Source: XGBoost `src/predictor/cpu_predictor.cc`.

use std::ops::Range;

use crate::dataset::Dataset;
use crate::threads::Threads;
use crate::tree::{Node, Tree};

use super::Booster;

/// Rows that walk down a tree side by side, so that one's wait for memory is another's work.
const LANES: usize = 8;

/// A block's rows lie in one buffer of at most this many values, small enough for the first-level cache.
const BLOCK_VALUES: usize = 8192;

/// The most rows of a block: more do not make a tree's nodes any warmer.
const BLOCK_ROWS: usize = 256;

/// Blocks that one thread takes at a time.
const BLOCKS_PER_TASK: usize = 16;

/// The bit of [`FlatNode::feature`] that says where a missing value goes.
const DEFAULT_LEFT: u32 = 1 << 31;

/// Why a table cannot be predicted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PredictError {
    /// The table has another number of columns than the model was trained on.
    #[error(
        "the data has {found} columns, the model was trained on {expected}; only a sparse table may have fewer"
    )]
    Columns {
        /// Columns of the table.
        found: usize,
        /// Columns of the model.
        expected: usize,
    },
}

impl Booster {
    /// Margins, `(n_rows, n_groups)` row-major: the base margin and the leaves, before the objective's transform.
    ///
    /// # Errors
    /// [`PredictError::Columns`] if the table is wider than the model, or is dense and narrower.
    pub fn predict_margin(
        &self,
        data: &Dataset,
        threads: &Threads,
    ) -> Result<Vec<f32>, PredictError> {
        self.check_columns(data)?;
        let n_groups = self.n_groups();
        let forest = Forest::new(self, data.n_features());
        let base_margin = self.objective.prob_to_margin(self.base_score);
        let mut margins = vec![base_margin; data.n_rows() * n_groups];
        for_each_block(data, threads, n_groups, &mut margins, |block, out| {
            let trees = forest.trees().zip(&self.trees);
            for ((flat, tree), &group) in trees.zip(&self.tree_info) {
                flat.for_each_leaf(block, |row, leaf| {
                    let value = tree.nodes[leaf as usize].split_condition;
                    out[row * n_groups + group as usize] += value;
                });
            }
        });
        Ok(margins)
    }

    /// Predictions after the objective's transform, `(n_rows, n_groups)` row-major; `multi:softmax` gives `(n_rows,)`
    /// class numbers.
    ///
    /// # Errors
    /// As [`Booster::predict_margin`].
    pub fn predict(&self, data: &Dataset, threads: &Threads) -> Result<Vec<f32>, PredictError> {
        let mut predictions = self.predict_margin(data, threads)?;
        self.objective.transform(&mut predictions);
        Ok(self.objective.decide(predictions))
    }

    /// The leaf that each row reaches in each tree, `(n_rows, n_trees)` row-major, as the node's index in its tree.
    ///
    /// # Errors
    /// As [`Booster::predict_margin`].
    pub fn predict_leaf(
        &self,
        data: &Dataset,
        threads: &Threads,
    ) -> Result<Vec<u32>, PredictError> {
        self.check_columns(data)?;
        let n_trees = self.trees.len();
        let forest = Forest::new(self, data.n_features());
        let mut leaves = vec![0; data.n_rows() * n_trees];
        for_each_block(data, threads, n_trees, &mut leaves, |block, out| {
            for (idx, tree) in forest.trees().enumerate() {
                tree.for_each_leaf(block, |row, leaf| out[row * n_trees + idx] = leaf);
            }
        });
        Ok(leaves)
    }

    fn check_columns(&self, data: &Dataset) -> Result<(), PredictError> {
        let (found, expected) = (data.n_features(), self.n_features());
        if found == expected || (found < expected && data.is_sparse()) {
            return Ok(());
        }
        Err(PredictError::Columns { found, expected })
    }
}

/// Rows as they lie in a table, row-major, `(n_rows, stride)` with a stride of at least 1.
struct Block<'a> {
    values: &'a [f32],
    stride: usize,
    n_rows: usize,
}

/// Calls `work` with each block of rows and its part of `out`, which has `width` entries a row.
fn for_each_block<T: Send>(
    data: &Dataset,
    threads: &Threads,
    width: usize,
    out: &mut [T],
    work: impl Fn(&Block<'_>, &mut [T]) + Sync + Send,
) {
    if width == 0 {
        return;
    }
    let n_features = data.n_features();
    let block_rows = (BLOCK_VALUES / n_features.max(1)).clamp(LANES, BLOCK_ROWS);
    let task_rows = block_rows * BLOCKS_PER_TASK;
    let tasks = out.chunks_mut(task_rows * width).enumerate().collect();
    threads.for_each(tasks, |(task, task_out): (usize, &mut [T])| {
        let mut values = Vec::new();
        for (idx, block_out) in task_out.chunks_mut(block_rows * width).enumerate() {
            let first_row = task * task_rows + idx * block_rows;
            let n_rows = block_out.len() / width;
            let rows: Range<usize> = first_row..first_row + n_rows;
            data.copy_rows(rows, &mut values);
            // A table without columns still has one to look at, in which nothing is known.
            values.resize(n_rows * n_features.max(1), f32::NAN);
            let block = Block {
                values: &values,
                stride: n_features.max(1),
                n_rows,
            };
            work(&block, block_out);
        }
    });
}

/// A node as it is walked over: a row goes to `left`, or to the node after it.
///
/// A leaf is its own left child, and its threshold is NaN, which no value reaches: a row that has arrived stays.
#[derive(Clone, Copy)]
struct FlatNode {
    threshold: f32,
    /// The feature, and [`DEFAULT_LEFT`].
    feature: u32,
    left: u32,
}

impl FlatNode {
    /// A node from which every row goes to `next`.
    fn always(next: u32) -> Self {
        Self {
            threshold: f32::NAN,
            feature: DEFAULT_LEFT,
            left: next,
        }
    }

    /// Node `idx` of a tree, for rows of `n_features` columns: what they do not have is missing.
    fn new(idx: usize, node: &Node, n_features: usize) -> Self {
        match node.left {
            None => Self::always(idx as u32),
            Some(left) if node.split_index as usize >= n_features => {
                Self::always(left + u32::from(!node.default_left))
            }
            Some(left) => {
                let default = if node.default_left { DEFAULT_LEFT } else { 0 };
                Self {
                    threshold: node.split_condition,
                    feature: node.split_index | default,
                    left,
                }
            }
        }
    }
}

/// A model's trees in one piece of memory.
struct Forest {
    nodes: Vec<FlatNode>,
    ends: Vec<(usize, u32)>,
}

impl Forest {
    fn new(booster: &Booster, n_features: usize) -> Self {
        let n_nodes = booster.trees.iter().map(|tree| tree.nodes.len()).sum();
        let mut nodes = Vec::with_capacity(n_nodes);
        let mut ends = Vec::with_capacity(booster.trees.len());
        for tree in &booster.trees {
            let flat = tree.nodes.iter().enumerate();
            nodes.extend(flat.map(|(idx, node)| FlatNode::new(idx, node, n_features)));
            ends.push((nodes.len(), depth(tree)));
        }
        Self { nodes, ends }
    }

    fn trees(&self) -> impl Iterator<Item = FlatTree<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |&(end, depth)| {
            let nodes = &self.nodes[start..end];
            start = end;
            FlatTree { nodes, depth }
        })
    }
}

/// Splits on the longest way from the root to a leaf. Parents come before their children.
fn depth(tree: &Tree) -> u32 {
    let mut depths = vec![0_u32; tree.nodes.len()];
    for (idx, node) in tree.nodes.iter().enumerate() {
        if let Some(left) = node.left {
            depths[left as usize] = depths[idx] + 1;
            depths[left as usize + 1] = depths[idx] + 1;
        }
    }
    depths.into_iter().max().unwrap_or(0)
}

struct FlatTree<'a> {
    nodes: &'a [FlatNode],
    depth: u32,
}

impl FlatTree<'_> {
    /// Calls `found` with the number in the block of each row, and the leaf that it reaches.
    #[inline]
    fn for_each_leaf(&self, block: &Block<'_>, mut found: impl FnMut(usize, u32)) {
        let whole = block.n_rows - block.n_rows % LANES;
        for first in (0..whole).step_by(LANES) {
            let reached: [u32; LANES] = self.walk(block, first);
            for (lane, leaf) in reached.into_iter().enumerate() {
                found(first + lane, leaf);
            }
        }
        for row in whole..block.n_rows {
            let [leaf] = self.walk(block, row);
            found(row, leaf);
        }
    }

    /// Walks `N` rows from the root to their leaves, a level at a time.
    #[inline]
    fn walk<const N: usize>(&self, block: &Block<'_>, first: usize) -> [u32; N] {
        let values = &block.values[first * block.stride..(first + N) * block.stride];
        let mut reached = [0_u32; N];
        for _ in 0..self.depth {
            let mut moved = 0;
            for (lane, idx) in reached.iter_mut().enumerate() {
                let node = self.nodes[*idx as usize];
                let column = (node.feature & !DEFAULT_LEFT) as usize;
                let value = values[lane * block.stride + column];
                let missing_right = node.feature < DEFAULT_LEFT && value.is_nan();
                let goes_right = (value >= node.threshold) | missing_right;
                let next = node.left + u32::from(goes_right);
                moved |= next ^ *idx;
                *idx = next;
            }
            if moved == 0 {
                break;
            }
        }
        reached
    }
}
