//! A trained model: trees in rounds, and what is needed to turn their sum into a prediction.
//!
//! Invariants: `trees.len() == tree_info.len()`; a round holds `n_groups * num_parallel_tree` trees, group by group, so
//! `trees.len()` is a multiple of that; `base_score` is in the objective's output space, as XGBoost stores it.

mod base_score;
mod early_stopping;
mod error;
mod margins;
mod observe;
mod predict;
mod round;
mod start;
mod train;

use std::collections::BTreeMap;

use crate::objective::Objective;
use crate::params::BoosterParams;
use crate::tree::Tree;

pub use early_stopping::BestRound;
pub use error::TrainError;
pub use predict::{PredictError, Predictor};
pub use train::{
    Evaluation, Monitor, NamedData, RoundReport, TrainEnd, Trained, check_start, train,
};

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
    /// Names of the columns; empty where the data had none.
    pub feature_names: Vec<String>,
    /// XGBoost's `attributes`: `best_iteration`, `best_score` and whatever a user adds.
    pub attributes: BTreeMap<String, String>,
}

impl Booster {
    /// Parameters with XGBoost's defaults, to be set and then fitted.
    pub fn params() -> BoosterParams {
        BoosterParams::default()
    }

    /// Columns of a margin: classes, or 1.
    pub fn n_groups(&self) -> usize {
        self.objective.n_groups()
    }

    /// Rounds that the trees make up.
    pub fn n_rounds(&self) -> usize {
        self.trees.len() / self.trees_per_round()
    }

    /// Columns that the trees may ask for.
    pub fn n_features(&self) -> usize {
        self.n_features as usize
    }

    /// Trees of one round.
    pub fn trees_per_round(&self) -> usize {
        self.n_groups() * (self.num_parallel_tree as usize).max(1)
    }
}
