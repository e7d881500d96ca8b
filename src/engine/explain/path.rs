//! A tree as the ways to its leaves: for each leaf what every feature on its way must be.
//!
//! Invariants: a way has each feature once, with all that its splits ask of it; a feature's share is the product of the
//! shares of rows that go on towards the leaf at its splits (its factor where its value is not known). Memory is at most
//! the sum of the leaves' depths.

use std::ops::Range;

use crate::booster::Booster;
use crate::tree::{CategorySet, Tree};

use super::ExplainError;
use super::rows::{RowBlock, SplitRows};

/// Features on one way: their orders are counted in `f64`, which ends soon after this many.
pub(super) const MAX_PLAYERS: usize = 1000;

/// Splits on all ways of one tree.
const MAX_STEPS: usize = 1 << 27;

/// The share of its parent's cover that a node has; a half each where covers say nothing.
pub(super) fn cover_share(tree: &Tree, node: usize) -> f64 {
    let cover = |idx: usize| f64::from(tree.nodes[idx].sum_hessian);
    let share = cover(node) / cover(tree.nodes[node].parent as usize);
    if share.is_finite() { share } else { 0.5 }
}

/// What a way asks of one feature.
#[derive(Clone, Debug)]
pub(super) struct Player<'a> {
    /// The column of the block.
    pub(super) column: u32,
    /// The factor where the feature is not known.
    pub(super) share: f64,
    /// Values from `low` on and below `high` go on.
    low: f32,
    high: f32,
    missing: bool,
    /// Sets in which, or outside of which, a value must be.
    categories: Vec<(&'a CategorySet, bool)>,
}

impl<'a> Player<'a> {
    fn new(column: u32) -> Self {
        Self {
            column,
            share: 1.0,
            low: f32::NEG_INFINITY,
            high: f32::INFINITY,
            missing: true,
            categories: Vec::new(),
        }
    }

    /// Adds what the split above `child` asks.
    fn add(&mut self, tree: &'a Tree, child: usize) {
        let parent = tree.nodes[child].parent;
        let split = &tree.nodes[parent as usize];
        let is_left = split.left == Some(child as u32);
        self.share *= cover_share(tree, child);
        self.missing &= split.default_left == is_left;
        match tree.categories.get(&parent) {
            Some(right) => self.categories.push((right, !is_left)),
            // No value is below a threshold that is no number.
            None if split.split_condition.is_nan() && is_left => self.high = f32::NEG_INFINITY,
            None if split.split_condition.is_nan() => {}
            None if is_left => self.high = self.high.min(split.split_condition),
            None => self.low = self.low.max(split.split_condition),
        }
    }

    /// Whether a row with this value goes on.
    pub(super) fn takes(&self, value: f32) -> bool {
        if value.is_nan() {
            return self.missing;
        }
        let in_sets = |&(set, inside): &(&CategorySet, bool)| set.contains(value) == inside;
        value >= self.low && value < self.high && self.categories.iter().all(in_sets)
    }
}

/// A leaf's players, from the leaf up.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) players: Range<usize>,
}

/// A tree's ways.
#[derive(Clone, Debug)]
pub(super) struct PathTree<'a> {
    pub(super) ways: Vec<Way>,
    pub(super) players: Vec<Player<'a>>,
    /// `(n_leaves, n_outputs)` row-major in the order of the ways, the tree's weight included.
    values: Vec<f64>,
    pub(super) group: usize,
    pub(super) n_outputs: usize,
}

impl<'a> PathTree<'a> {
    pub(super) fn new(
        booster: &'a Booster,
        idx: usize,
        rows: &SplitRows<'_>,
    ) -> Result<Self, ExplainError> {
        let tree = &booster.trees[idx];
        let too_deep = |problem: String| Err(ExplainError::TooDeep { tree: idx, problem });
        let leaves = || (0..tree.nodes.len()).filter(|&it| tree.nodes[it].left.is_none());
        if leaves().count().saturating_mul(tree.depth()) > MAX_STEPS {
            return too_deep(format!(
                "it has {} leaves and is {} splits deep",
                leaves().count(),
                tree.depth()
            ));
        }
        let mut paths = Self {
            ways: Vec::new(),
            players: Vec::new(),
            values: Vec::new(),
            group: booster.tree_info[idx] as usize,
            n_outputs: tree.leaf_values(0).len(),
        };
        let weight = f64::from(booster.tree_weight(idx));
        for leaf in leaves() {
            let first = paths.players.len();
            paths.push_way(tree, leaf, rows);
            let players = first..paths.players.len();
            if players.len() > MAX_PLAYERS {
                return too_deep(format!(
                    "there are {} features above a leaf, at most {MAX_PLAYERS} can be told apart",
                    players.len()
                ));
            }
            paths.ways.push(Way { players });
            let values = tree.leaf_values(leaf).iter();
            paths
                .values
                .extend(values.map(|&it| f64::from(it) * weight));
        }
        Ok(paths)
    }

    /// Adds the players from the root to `leaf`.
    fn push_way(&mut self, tree: &'a Tree, leaf: usize, rows: &SplitRows<'_>) {
        let first = self.players.len();
        let mut child = leaf;
        while child > 0 {
            let parent = tree.nodes[child].parent as usize;
            let column = rows.column(tree.nodes[parent].split_index);
            let known = self.players[first..]
                .iter()
                .position(|it| it.column == column);
            let place = known.map_or(self.players.len(), |it| first + it);
            if known.is_none() {
                self.players.push(Player::new(column));
            }
            self.players[place].add(tree, child);
            child = parent;
        }
    }

    /// The values of the leaf of way number `way`, `(n_outputs,)`.
    pub(super) fn values(&self, way: usize) -> &[f64] {
        &self.values[way * self.n_outputs..(way + 1) * self.n_outputs]
    }

    /// What the tree adds to each output where no feature is known.
    pub(super) fn bias(&self) -> Vec<f64> {
        let mut bias = vec![0.0; self.n_outputs];
        for (number, way) in self.ways.iter().enumerate() {
            let players = self.players[way.players.clone()].iter();
            let share: f64 = players.map(|it| it.share).product();
            for (bias, value) in bias.iter_mut().zip(self.values(number)) {
                *bias += share * value;
            }
        }
        bias
    }

    /// Whether each player of a way takes the row's value.
    pub(super) fn takes(&self, way: &Way, block: &RowBlock, row: usize, taken: &mut Vec<bool>) {
        let players = &self.players[way.players.clone()];
        taken.clear();
        taken.extend(
            players
                .iter()
                .map(|it| it.takes(block.value(row, it.column as usize))),
        );
    }
}
