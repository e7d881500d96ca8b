//! A set in bins: how its margins learn the values of trees that are grown on the same bins.
//!
//! Invariant: a tree is followed by codes, column by column where codes are dense bytes and row by row elsewhere; a margin
//! is the same either way.

use crate::bin::{AlignedBytes, BinnedDataset};
use crate::threads::Threads;
use crate::tree::column_tree::{ColumnSplit, ColumnTree, Columns};
use crate::tree::follow::CodeTree;

use super::observe::{ROWS_AT_A_TIME, Set};
use super::{Booster, NamedData};

/// A set in bins.
pub(super) struct BinnedSet<'a> {
    pub(super) data: &'a BinnedDataset,
    pub(super) set: Set<'a>,
    /// Codes by column, of a set that trees are followed on; empty where codes are not dense bytes.
    columns: AlignedBytes,
}

impl<'a> BinnedSet<'a> {
    /// A set whose margins are `bases`, `(n_groups,)`, unless it brings its own, and what it brings beside them.
    pub(super) fn new(named: &NamedData<'a>, bases: &[f32]) -> Self {
        Self {
            data: named.data,
            set: Set::new(&named.rows(), bases),
            columns: AlignedBytes::zeros(0),
        }
    }

    /// The set, ready for [`BinnedSet::follow`].
    pub(super) fn with_columns(mut self, threads: &Threads) -> Self {
        self.columns = self.data.matrix().columns(threads);
        self
    }

    /// Takes what `booster` predicts for the margins: what rows start from, and its trees. All of its splits are cuts of the
    /// set, whose margins to start from have been checked.
    pub(super) fn predict(&mut self, booster: &Booster, threads: &Threads) {
        let predicted = booster.predict_margin_binned(self.data, threads);
        self.set.margins = predicted.expect("the set's columns and margins are the booster's");
    }

    /// Adds those of the start's trees to every row's margins, in this order, by the leaves that the set brings.
    pub(super) fn add_start(&mut self, booster: &Booster, trees: &[usize], threads: &Threads) {
        let Some(leaves) = self.data.start_leaves().filter(|_| !trees.is_empty()) else {
            return;
        };
        let values: Vec<(usize, usize, Vec<f32>)> = trees
            .iter()
            .map(|&tree| {
                let weight = booster.tree_weight(tree);
                let nodes = booster.trees[tree].nodes.iter();
                let values = nodes.map(|node| node.split_condition * weight);
                let group = booster.tree_info[tree] as usize;
                (tree, group, values.collect())
            })
            .collect();
        let (n_groups, n_trees) = (self.set.n_groups(), leaves.len() / self.data.n_rows());
        let parts = self.set.margins.chunks_mut(ROWS_AT_A_TIME * n_groups);
        let parts = parts.zip(leaves.chunks(ROWS_AT_A_TIME * n_trees)).collect();
        threads.for_each(parts, |(margins, leaves): (&mut [f32], &[u32])| {
            let rows = margins.chunks_exact_mut(n_groups);
            for (margins, leaves) in rows.zip(leaves.chunks_exact(n_trees)) {
                for (tree, group, values) in &values {
                    margins[*group] += values[leaves[*tree] as usize];
                }
            }
        });
    }

    /// Adds trees, each of its group, to every row's margins, in this order.
    pub(super) fn follow<'t>(
        &mut self,
        trees: impl IntoIterator<Item = (usize, &'t CodeTree)>,
        threads: &Threads,
    ) {
        let mut together = Vec::new();
        for (group, tree) in trees {
            let by_columns = ColumnTree::new(tree, |idx| ColumnSplit {
                column: tree.nodes[idx].feature as usize,
                right: tree.right_side(idx),
            });
            if let Some(by_columns) = by_columns.filter(|_| !self.columns.is_empty()) {
                together.push((group, by_columns));
            } else {
                self.add_by_columns(&std::mem::take(&mut together), threads);
                self.walk(group, tree, threads);
            }
        }
        self.add_by_columns(&together, threads);
    }

    fn add_by_columns(&mut self, trees: &[(usize, ColumnTree)], threads: &Threads) {
        let n_groups = self.set.n_groups();
        let table = Columns {
            codes: &self.columns,
            n_rows: self.data.n_rows(),
        };
        ColumnTree::add_all(trees, table, (&mut self.set.margins, n_groups), threads);
    }

    /// As [`BinnedSet::follow`], row by row.
    pub(super) fn walk(&mut self, group: usize, tree: &CodeTree, threads: &Threads) {
        let (n_groups, matrix) = (self.set.n_groups(), self.data.matrix());
        let margins = &mut self.set.margins;
        let parts = margins.chunks_mut(ROWS_AT_A_TIME * n_groups).enumerate();
        threads.for_each(parts.collect(), |(part, margins): (usize, &mut [f32])| {
            for (offset, margin) in margins[group..].iter_mut().step_by(n_groups).enumerate() {
                *margin += tree.leaf_value(matrix, part * ROWS_AT_A_TIME + offset);
            }
        });
    }
}
