//! Approximate contributions: along a row's way each split adds the difference of its child's mean to its own.
//!
//! Source: Saabas, "Interpreting random forests" (2014); XGBoost `src/predictor/treeshap.cc`,
//! `CalculateContributionsApprox`.

use crate::booster::Booster;
use crate::dataset::Dataset;
use crate::threads::Threads;
use crate::tree::Tree;

use super::path::cover_share;
use super::rows::{RowBlock, SplitRows};

/// `(n_rows, n_groups, n_features + 1)`, without what rows start from.
pub(super) fn contributions(booster: &Booster, data: &Dataset, threads: &Threads) -> Vec<f64> {
    let n_columns = booster.n_features() + 1;
    let mut out = vec![0.0; data.n_rows() * booster.n_groups() * n_columns];
    let rows = SplitRows::new(booster, data);
    let trees: Vec<_> = (0..booster.trees.len())
        .map(|idx| MeanTree::new(booster, idx))
        .collect();
    rows.for_each(
        &mut out,
        threads,
        || (),
        |(), block, row, out| {
            for tree in &trees {
                tree.add(&rows, (block, row), n_columns, out);
            }
        },
    );
    out
}

/// A tree and the mean of each of its nodes.
struct MeanTree<'a> {
    tree: &'a Tree,
    group: usize,
    n_outputs: usize,
    /// `(n_nodes, n_outputs)` row-major, the tree's weight included.
    means: Vec<f64>,
}

impl<'a> MeanTree<'a> {
    fn new(booster: &'a Booster, idx: usize) -> Self {
        let tree = &booster.trees[idx];
        let weight = f64::from(booster.tree_weight(idx));
        let n_outputs = tree.leaf_values(0).len();
        let mut means = vec![0.0; tree.nodes.len() * n_outputs];
        // Children come after their parent, so that backwards they are there before it.
        for (node, it) in tree.nodes.iter().enumerate().rev() {
            for output in 0..n_outputs {
                means[node * n_outputs + output] = match it.left {
                    None => f64::from(tree.leaf_values(node)[output]) * weight,
                    Some(left) => [left as usize, left as usize + 1]
                        .map(|it| cover_share(tree, it) * means[it * n_outputs + output])
                        .iter()
                        .sum(),
                };
            }
        }
        Self {
            tree,
            group: booster.tree_info[idx] as usize,
            n_outputs,
            means,
        }
    }

    fn add(
        &self,
        rows: &SplitRows<'_>,
        (block, row): (&RowBlock, usize),
        n_columns: usize,
        out: &mut [f64],
    ) {
        let mean = |node: usize, output: usize| self.means[node * self.n_outputs + output];
        let first = |output: usize| (self.group + output) * n_columns;
        for output in 0..self.n_outputs {
            out[first(output) + n_columns - 1] += mean(0, output);
        }
        let mut node = 0;
        while let Some(left) = self.tree.nodes[node].left {
            let feature = self.tree.nodes[node].split_index;
            let value = block.value(row, rows.column(feature) as usize);
            let child = left as usize + usize::from(!self.tree.goes_left(node, value));
            for output in 0..self.n_outputs {
                out[first(output) + feature as usize] += mean(child, output) - mean(node, output);
            }
            node = child;
        }
    }
}
