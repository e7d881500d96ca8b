//! Why a model was not explained.

use crate::booster::PredictError;

/// Why a model was not explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// The table does not fit the model.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// Exact values of such a tree would take more memory or time than anybody has.
    #[error("tree {tree}: {problem}; ask for approximate contributions")]
    TooDeep {
        /// The tree's place in the model.
        tree: usize,
        /// What is too much.
        problem: String,
    },
    /// A linear model has no gain and no cover.
    #[error("booster `gblinear` has importance `weight` only, with one output")]
    Linear,
    /// Partial dependence of none, of more than two, or of one feature twice.
    #[error("partial dependence is of one or two different features")]
    Features,
    /// There is no such feature.
    #[error("there is no feature {feature}, the model has {n_features}")]
    NoSuchFeature {
        /// What was asked for.
        feature: u32,
        /// Features of the model.
        n_features: usize,
    },
    /// No row of the background has a value.
    #[error("the data has no value of feature {feature}, so there is nothing to put it to")]
    NoValues {
        /// The feature.
        feature: u32,
    },
}
