//! Importance of features: how often they are asked, and what the splits on them are worth.
//!
//! Invariant: the numbers are those of XGBoost's `get_score`, whose sums are in `f32`, to its rounding.

use std::fmt;
use std::str::FromStr;

use crate::booster::{Booster, BoosterKind};
use crate::tree::Node;

use super::ExplainError;

/// XGBoost's kinds of importance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImportanceType {
    /// Splits on the feature.
    Weight,
    /// Mean gain of the splits.
    #[default]
    Gain,
    /// Mean sum of hessians at the splits.
    Cover,
    /// Sum of the gains.
    TotalGain,
    /// Sum of the covers.
    TotalCover,
}

/// A name that is none of [`ImportanceType::ALL`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown importance type `{name}`, allowed are weight, gain, cover, total_gain, total_cover"
)]
pub struct UnknownImportance {
    /// What was asked for.
    pub name: String,
}

impl ImportanceType {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Weight,
        Self::Gain,
        Self::Cover,
        Self::TotalGain,
        Self::TotalCover,
    ];

    /// XGBoost's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Gain => "gain",
            Self::Cover => "cover",
            Self::TotalGain => "total_gain",
            Self::TotalCover => "total_cover",
        }
    }
}

impl FromStr for ImportanceType {
    type Err = UnknownImportance;

    fn from_str(name: &str) -> Result<Self, UnknownImportance> {
        let known = Self::ALL.into_iter().find(|it| it.as_str() == name);
        known.ok_or_else(|| UnknownImportance {
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for ImportanceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Booster {
    /// The importance of each feature that is in use, with the features ascending. A linear model's is the weight itself.
    ///
    /// # Errors
    /// [`ExplainError::Linear`] if the model is linear, and has several outputs or the kind is not `weight`.
    pub fn importance(&self, kind: ImportanceType) -> Result<Vec<(u32, f64)>, ExplainError> {
        if let BoosterKind::GbLinear(linear) = &self.kind {
            if kind != ImportanceType::Weight || self.n_groups() > 1 {
                return Err(ExplainError::Linear);
            }
            let weights = linear.weights[..self.n_features()].iter();
            return Ok((0..).zip(weights.map(|&it| f64::from(it))).collect());
        }
        let mut totals = std::collections::BTreeMap::new();
        let nodes = self.trees.iter().flat_map(|tree| &tree.nodes);
        for node in nodes.filter(|node| node.left.is_some()) {
            let (n_splits, total) = totals.entry(node.split_index).or_insert((0_u64, 0.0_f64));
            *n_splits += 1;
            *total += worth(node, kind);
        }
        let finish = |(feature, (n_splits, total)): (u32, (u64, f64))| match kind {
            ImportanceType::Gain | ImportanceType::Cover => (feature, total / n_splits as f64),
            ImportanceType::Weight | ImportanceType::TotalGain | ImportanceType::TotalCover => {
                (feature, total)
            }
        };
        Ok(totals.into_iter().map(finish).collect())
    }
}

fn worth(split: &Node, kind: ImportanceType) -> f64 {
    match kind {
        ImportanceType::Weight => 1.0,
        ImportanceType::Gain | ImportanceType::TotalGain => split.loss_change.into(),
        ImportanceType::Cover | ImportanceType::TotalCover => split.sum_hessian.into(),
    }
}
