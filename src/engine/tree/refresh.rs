//! Refreshing a tree that is there: its structure stays, and its weights, covers and gains become those of other rows.
//!
//! Invariant: sums are those of fixed blocks of rows, added in order, and a split's are its children's; so neither threads
//! nor the way to the leaves show.
//!
//! Source: XGBoost 3.2 `src/tree/updater_refresh.cc`; as in `split.rs`, a weight is XGBoost 3.4's, which has one where
//! hessians add up to less than `min_child_weight`. Leaves that hold quantiles are refreshed with quantiles.

use crate::objective::GradientPair;
use crate::threads::Threads;

use super::Tree;
use super::adaptive::Adaptive;
use super::penalty::Penalty;
use super::quantise::BLOCK;

/// Rows whose sums are one block's.
const ROWS_AT_A_TIME: usize = 8 * BLOCK;

/// What a tree is refreshed with.
pub(crate) struct Refreshing<'a> {
    pub(crate) penalty: &'a Penalty,
    pub(crate) learning_rate: f32,
    /// Whether leaves get new values.
    pub(crate) refresh_leaf: bool,
    /// One group's gradients, `(n_rows,)`.
    pub(crate) pairs: &'a [GradientPair],
    /// What leaves hold, where it is not a Newton step.
    pub(crate) adaptive: Option<Adaptive<'a>>,
}

impl Refreshing<'_> {
    /// Refreshes a tree with one output; `leaves` are those that the rows reach.
    pub(crate) fn refresh(&self, tree: &mut Tree, leaves: &[u32], threads: &Threads) {
        let sums = self.sums(tree, leaves, threads);
        let quantiles = self.quantiles(tree, leaves, threads);
        let gain = |node: usize| self.penalty.gain(sums[node].0, sums[node].1);
        for (idx, node) in tree.nodes.iter_mut().enumerate() {
            let (grad, hess) = sums[idx];
            let newton = self.penalty.weight(grad, hess) as f32;
            node.base_weight = quantiles.get(idx).copied().flatten().unwrap_or(newton);
            node.sum_hessian = hess as f32;
            match node.left.map(|it| it as usize) {
                Some(left) => {
                    node.loss_change = (gain(left) + gain(left + 1) - gain(idx)) as f32;
                }
                None if self.refresh_leaf => {
                    node.split_condition = node.base_weight * self.learning_rate;
                }
                None => {}
            }
        }
    }

    /// Every node's sums of gradients and of hessians.
    fn sums(&self, tree: &Tree, leaves: &[u32], threads: &Threads) -> Vec<(f64, f64)> {
        let blocks = leaves.chunks(ROWS_AT_A_TIME);
        let blocks = blocks.zip(self.pairs.chunks(ROWS_AT_A_TIME)).collect();
        let n_nodes = tree.nodes.len();
        let of_blocks = threads.map(blocks, |(leaves, pairs): (&[u32], &[GradientPair])| {
            let mut sums = vec![(0.0, 0.0); n_nodes];
            for (&leaf, pair) in leaves.iter().zip(pairs) {
                let sum: &mut (f64, f64) = &mut sums[leaf as usize];
                sum.0 += f64::from(pair.grad);
                sum.1 += f64::from(pair.hess);
            }
            sums
        });
        let mut sums = vec![(0.0, 0.0); n_nodes];
        for block in of_blocks {
            for (sum, of_block) in sums.iter_mut().zip(block) {
                *sum = (sum.0 + of_block.0, sum.1 + of_block.1);
            }
        }
        for (idx, node) in tree.nodes.iter().enumerate().rev() {
            if let Some(left) = node.left.map(|it| it as usize) {
                let (a, b): ((f64, f64), (f64, f64)) = (sums[left], sums[left + 1]);
                sums[idx] = (a.0 + b.0, a.1 + b.1);
            }
        }
        sums
    }

    /// For each node, the quantile of its rows if it is a leaf with any; nothing where leaves hold Newton steps.
    fn quantiles(&self, tree: &Tree, leaves: &[u32], threads: &Threads) -> Vec<Option<f32>> {
        let Some(adaptive) = &self.adaptive else {
            return Vec::new();
        };
        let mut rows_of = vec![Vec::new(); tree.nodes.len()];
        for (row, &leaf) in leaves.iter().enumerate() {
            rows_of[leaf as usize].push(row as u32);
        }
        threads.map(rows_of, |rows: Vec<u32>| {
            (!rows.is_empty()).then(|| adaptive.quantile(&rows))
        })
    }
}
