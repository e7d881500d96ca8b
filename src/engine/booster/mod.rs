//! A trained model: trees in rounds, and what is needed to turn their sum into a prediction.
//!
//! Invariants: `trees.len() == tree_info.len()`; a round holds `n_groups * num_parallel_tree` trees, group by group, or
//! `num_parallel_tree` trees where each has all outputs, so `trees.len()` is a multiple of that; `base_score` is in the
//! objective's output space, as XGBoost stores it. Dart has a weight for each tree, a linear model has no trees.

mod as_best;
mod base_score;
mod binned_set;
mod check;
mod dart;
mod dart_start;
mod early_stopping;
mod error;
mod kind;
mod linear_round;
mod margins;
mod observe;
mod predict;
mod progress;
mod resume;
mod round;
mod run;
mod start;
mod train;
mod update_round;

use std::collections::{BTreeMap, BTreeSet};

use crate::dataset::CategoryNames;
use crate::objective::Objective;
use crate::params::BoosterParams;
use crate::tree::Tree;

pub use as_best::AsBest;
pub use check::{check_start, check_update};
pub use early_stopping::BestRound;
pub use error::TrainError;
pub use kind::{BoosterKind, FeatureType, LinearModel, UnknownFeatureType};
pub use predict::{PredictError, Predictor};
pub use progress::Progress;
pub use resume::{resume, resume_linear, resume_update};
pub use run::{Evaluation, Monitor, RoundReport, TrainEnd, Trained};
pub use train::{NamedColumns, NamedData, NamedValues, train, train_linear, update};

/// A boosted ensemble, a random forest (`num_parallel_tree` above one) or a single tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Booster {
    /// The trees, in the order in which their leaves are added up.
    pub trees: Vec<Tree>,
    /// The output group (class) of each tree.
    pub tree_info: Vec<u32>,
    /// Trees of one round and group.
    pub num_parallel_tree: u32,
    /// Columns that the trees may ask for.
    pub n_features: u32,
    /// The starting prediction, in output space (a probability for logistic, a mean for Poisson).
    pub base_score: f32,
    /// What was minimised, and what the trees' sum means.
    pub objective: Objective,
    /// Which of XGBoost's boosters this is, with what only that one has.
    pub kind: BoosterKind,
    /// Outputs of a model of several targets, which all share the objective; 1 for every other model.
    pub n_targets: u32,
    /// Names of the columns; empty where the data had none.
    pub feature_names: Vec<String>,
    /// Types of the columns; empty where all are numbers.
    pub feature_types: Vec<FeatureType>,
    /// Names of the categories by code, of the columns whose categories have some.
    pub category_names: CategoryNames,
    /// Columns in which 0 (and what is within 1e-35 of it) is missing: `LightGBM`'s `zero_as_missing`, where its splits
    /// need that. XGBoost has no such thing, so [`crate::export`] refuses to write these models for it.
    pub zero_is_missing: BTreeSet<u32>,
    /// XGBoost's `attributes`: `best_iteration`, `best_score` and whatever a user adds.
    pub attributes: BTreeMap<String, String>,
}

/// What [`Booster::zero_is_missing`] takes for 0.
pub const ZERO_THRESHOLD: f32 = 1e-35;

impl Booster {
    /// A booster of no trees with a base score of 0.5, on `n_features` columns.
    pub fn new(objective: Objective, n_features: u32) -> Self {
        Self {
            trees: Vec::new(),
            tree_info: Vec::new(),
            num_parallel_tree: 1,
            n_features,
            base_score: 0.5,
            objective,
            kind: BoosterKind::GbTree,
            n_targets: 1,
            feature_names: Vec::new(),
            feature_types: Vec::new(),
            category_names: CategoryNames::default(),
            zero_is_missing: BTreeSet::new(),
            attributes: BTreeMap::new(),
        }
    }

    /// Parameters with XGBoost's defaults, to be set and then fitted.
    pub fn params() -> BoosterParams {
        BoosterParams::default()
    }

    /// Columns of a margin: classes, targets, or 1.
    pub fn n_groups(&self) -> usize {
        self.objective.n_groups().max(self.n_targets as usize)
    }

    /// Rounds that the model was trained for.
    pub fn n_rounds(&self) -> usize {
        match &self.kind {
            BoosterKind::GbTree | BoosterKind::Dart { .. } => {
                self.trees.len() / self.trees_per_round()
            }
            BoosterKind::GbLinear(linear) => linear.boosted_rounds as usize,
        }
    }

    /// Columns that the trees may ask for.
    pub fn n_features(&self) -> usize {
        self.n_features as usize
    }

    /// Trees of one round.
    pub fn trees_per_round(&self) -> usize {
        let n_groups = if self.has_leaf_vectors() {
            1
        } else {
            self.n_groups()
        };
        n_groups * (self.num_parallel_tree as usize).max(1)
    }

    /// Whether each tree has all outputs.
    pub fn has_leaf_vectors(&self) -> bool {
        self.trees.iter().any(|tree| tree.leaf_vectors.is_some())
    }

    /// Whether this is an ensemble of unweighted trees with numeric splits and one output each.
    pub fn is_plain(&self) -> bool {
        self.kind == BoosterKind::GbTree
            && self.zero_is_missing.is_empty()
            && self.trees.iter().all(Tree::is_plain)
    }

    /// The columns that hold codes of categories, by their types and by the splits.
    pub fn categorical_features(&self) -> BTreeSet<u32> {
        let types = self.feature_types.iter().zip(0..);
        let by_type = types.filter(|(it, _)| **it == FeatureType::Categorical);
        let by_split = self.trees.iter().flat_map(|tree| {
            let nodes = tree.categories.keys();
            nodes.map(|&node| tree.nodes[node as usize].split_index)
        });
        by_type
            .map(|(_, feature)| feature)
            .chain(by_split)
            .collect()
    }

    /// The factor on a tree's leaves.
    pub fn tree_weight(&self, tree: usize) -> f32 {
        match &self.kind {
            BoosterKind::Dart { weight_drop } => weight_drop[tree],
            BoosterKind::GbTree | BoosterKind::GbLinear(_) => 1.0,
        }
    }

    /// The margin that each sum of leaves begins with.
    pub fn base_margin(&self) -> f32 {
        self.objective.prob_to_margin(self.base_score)
    }

    /// The base score whose margin is 0; `None` if the objective has none.
    pub(crate) fn neutral_base_score(&self) -> Option<f32> {
        let mut score = [0.0];
        if !self.objective.name.is_multiclass() {
            self.objective.transform(&mut score);
        }
        let [score] = score;
        (self.objective.prob_to_margin(score) == 0.0).then_some(score)
    }
}
