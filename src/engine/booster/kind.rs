//! Which of XGBoost's boosters a model is, and the types of its columns.
//!
//! Source: XGBoost `doc/model.schema`, `src/gbm/gblinear_model.h`, `src/gbm/gbtree.cc`.

use std::fmt;
use std::str::FromStr;

/// XGBoost's three boosters.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum BoosterKind {
    /// Trees, each counted once.
    #[default]
    GbTree,
    /// Trees with weights, as training that drops trees leaves behind.
    Dart {
        /// The factor on each tree's leaves, one a tree.
        weight_drop: Vec<f32>,
    },
    /// No trees: a weight for each feature.
    GbLinear(LinearModel),
}

impl BoosterKind {
    /// XGBoost's name, as the hyperparameter `booster` has it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::GbTree => "gbtree",
            Self::Dart { .. } => "dart",
            Self::GbLinear(_) => "gblinear",
        }
    }
}

/// A linear model.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearModel {
    /// `(n_features + 1, n_groups)` row-major: each feature's weights, then the biases.
    pub weights: Vec<f32>,
    /// Rounds that it was trained for.
    pub boosted_rounds: u32,
}

impl LinearModel {
    /// The weights of a feature, `(n_groups,)`; the biases at `n_features`.
    pub fn of(&self, feature: usize, n_groups: usize) -> &[f32] {
        &self.weights[feature * n_groups..(feature + 1) * n_groups]
    }
}

/// XGBoost's types of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeatureType {
    /// `float`: a number.
    #[default]
    Float,
    /// `int`: a whole number.
    Int,
    /// `i`: an indicator.
    Indicator,
    /// `q`: a quantity.
    Quantitative,
    /// `c`: the code of a category.
    Categorical,
}

impl FeatureType {
    /// Every type.
    pub const ALL: [Self; 5] = [
        Self::Float,
        Self::Int,
        Self::Indicator,
        Self::Quantitative,
        Self::Categorical,
    ];

    /// XGBoost's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Int => "int",
            Self::Indicator => "i",
            Self::Quantitative => "q",
            Self::Categorical => "c",
        }
    }
}

/// A type's name that is none of XGBoost's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown feature type `{name}`, allowed are float, int, i, q, c")]
pub struct UnknownFeatureType {
    /// What was found.
    pub name: String,
}

impl FromStr for FeatureType {
    type Err = UnknownFeatureType;

    fn from_str(name: &str) -> Result<Self, UnknownFeatureType> {
        let known = Self::ALL.into_iter().find(|it| it.as_str() == name);
        known.ok_or_else(|| UnknownFeatureType {
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for FeatureType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
