//! What parameters say about single features and single rows: directions, company, chances.

use super::words::words;
use super::{BoosterParams, BoosterValidParams};

/// Which way predictions may go while a feature grows and the others stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Monotone {
    /// Any way.
    #[default]
    Free,
    /// Up, or not at all.
    Increasing,
    /// Down, or not at all.
    Decreasing,
}

impl Monotone {
    /// The direction that XGBoost means by a number: its sign.
    pub fn from_sign(number: i64) -> Self {
        match number {
            ..0 => Self::Decreasing,
            0 => Self::Free,
            1.. => Self::Increasing,
        }
    }

    /// XGBoost's number: 1, 0 or -1.
    pub fn sign(self) -> i8 {
        match self {
            Self::Free => 0,
            Self::Increasing => 1,
            Self::Decreasing => -1,
        }
    }
}

words! {
    /// Which rows a tree sees where `subsample` leaves some out.
    SamplingMethod of "sampling_method" {
        /// Each with the same probability.
        #[default]
        Uniform = "uniform",
        /// Those with large gradients rather than others, each weighted so that sums are right on average.
        GradientBased = "gradient_based",
    }
}

impl From<BoosterValidParams> for BoosterParams {
    /// The same, to be changed and checked again.
    fn from(params: BoosterValidParams) -> Self {
        Self(params)
    }
}

impl BoosterParams {
    /// Chances of the columns where a tree, a level or a node sees a share of them, one each and none negative; none is the
    /// same for all. A column of weight 0 is drawn where no others are left.
    #[must_use]
    pub fn feature_weights(mut self, feature_weights: Vec<f32>) -> Self {
        self.0.feature_weights = feature_weights;
        self
    }

    /// Which way predictions may go with each of the first columns; the others are free.
    #[must_use]
    pub fn monotone_constraints(mut self, monotone_constraints: Vec<Monotone>) -> Self {
        self.0.monotone_constraints = monotone_constraints;
        self
    }

    /// Groups of columns that may meet on a way from the root to a leaf; none is all. A column in no group stands alone.
    #[must_use]
    pub fn interaction_constraints(mut self, interaction_constraints: Vec<Vec<u32>>) -> Self {
        self.0.interaction_constraints = interaction_constraints;
        self
    }
}

impl BoosterValidParams {
    /// Chances of the columns to be drawn; empty where all have the same.
    pub fn feature_weights(&self) -> &[f32] {
        &self.feature_weights
    }

    /// Which way predictions may go with each of the first columns.
    pub fn monotone_constraints(&self) -> &[Monotone] {
        &self.monotone_constraints
    }

    /// Groups of columns that may meet on a way from the root to a leaf; empty where any may.
    pub fn interaction_constraints(&self) -> &[Vec<u32>] {
        &self.interaction_constraints
    }
}
