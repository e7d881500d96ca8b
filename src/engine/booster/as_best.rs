//! What a booster was after its best round, where later rounds change more than they add.
//!
//! Invariant: a booster that is cut after its best round and set back is what it was then, bit for bit.

use crate::objective::PositionBias;
use crate::tree::Tree;

use super::check::starts_apart;
use super::{Booster, BoosterKind};

/// What later rounds change of a booster: the weights of a `dart`'s trees and of a linear model, and what is learned of
/// the places of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AsBest {
    /// Rounds that the booster had.
    pub n_rounds: u32,
    /// The trees' weights of a `dart`, the weights of a linear model.
    pub weights: Vec<f32>,
    /// The leaves of the trees that hold what groups of a `dart` start from, tree by tree, which follow its weight.
    pub start_leaves: Vec<f32>,
    /// What was learned of the places of rows.
    pub position_bias: PositionBias,
}

impl AsBest {
    /// A booster as it is; `None` if later rounds only add trees.
    pub(super) fn of(booster: &Booster) -> Option<Self> {
        if !booster.changes_rounds() {
            return None;
        }
        let mut as_best = Self {
            n_rounds: booster.n_rounds() as u32,
            position_bias: booster.objective.position_bias.clone(),
            ..Self::default()
        };
        match &booster.kind {
            BoosterKind::GbTree => {}
            BoosterKind::Dart { weight_drop } => as_best.weights.clone_from(weight_drop),
            BoosterKind::GbLinear(linear) => as_best.weights.clone_from(&linear.weights),
        }
        if booster.holds_starts() {
            let trees = booster.trees.iter().take(booster.trees_per_round());
            as_best.start_leaves = trees.flat_map(leaves).collect();
        }
        Some(as_best)
    }

    /// Whether it goes with this booster, or with fewer rounds of it.
    pub(super) fn fits(&self, booster: &Booster) -> bool {
        let n_weights = match &booster.kind {
            BoosterKind::GbTree => 0,
            BoosterKind::Dart { .. } => self.n_rounds as usize * booster.trees_per_round(),
            BoosterKind::GbLinear(linear) => linear.weights.len(),
        };
        let n_leaves = if booster.holds_starts() {
            let trees = booster.trees.iter().take(booster.trees_per_round());
            trees.map(|tree| leaves(tree).count()).sum()
        } else {
            0
        };
        booster.changes_rounds()
            && self.n_rounds as usize <= booster.n_rounds()
            && self.weights.len() == n_weights
            && self.start_leaves.len() == n_leaves
    }

    /// Sets a booster back that was cut to as many rounds.
    pub(super) fn set_back(self, booster: &mut Booster) {
        if booster.holds_starts() {
            let n_trees = booster.trees_per_round();
            let mut values = self.start_leaves.into_iter();
            for tree in booster.trees.iter_mut().take(n_trees) {
                tree.change_leaves(|value| values.next().unwrap_or(value));
            }
        }
        match &mut booster.kind {
            BoosterKind::GbTree => {}
            BoosterKind::Dart { weight_drop } => *weight_drop = self.weights,
            BoosterKind::GbLinear(linear) => {
                linear.weights = self.weights;
                linear.boosted_rounds = self.n_rounds;
            }
        }
        booster.objective.position_bias = self.position_bias;
    }
}

fn leaves(tree: &Tree) -> impl Iterator<Item = f32> {
    let leaves = tree.nodes.iter().filter(|node| node.left.is_none());
    leaves.map(|node| node.split_condition)
}

impl Booster {
    /// Whether a round changes more than it adds, so that fewer rounds of this booster are not what it was then.
    pub fn changes_rounds(&self) -> bool {
        match self.kind {
            BoosterKind::GbTree => self.objective.lambdarank.unbiased,
            BoosterKind::Dart { .. } | BoosterKind::GbLinear(_) => true,
        }
    }

    /// Whether trees of the first round hold what groups of a `dart` start from.
    fn holds_starts(&self) -> bool {
        matches!(self.kind, BoosterKind::Dart { .. }) && starts_apart(self)
    }
}
