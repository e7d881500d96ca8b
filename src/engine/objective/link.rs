//! How margins become predictions, and which margin stands for a prediction.

use super::exp::exp;

/// A link function's inverse, by what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// The margin is the prediction.
    Identity,
    /// A probability.
    Logistic,
    /// A positive number.
    Exponential,
    /// 1 for a positive margin, else 0.
    Step,
    /// A probability for each class.
    Softmax,
}

impl Link {
    /// Turns margins, `(n_rows, n_groups)` row-major, into predictions of the same shape, in place.
    #[inline(always)]
    pub(crate) fn transform(self, margins: &mut [f32], n_groups: usize) {
        match self {
            Self::Identity => {}
            Self::Logistic => {
                for margin in margins {
                    *margin = sigmoid(*margin);
                }
            }
            Self::Exponential => {
                for margin in margins {
                    *margin = exp(*margin);
                }
            }
            Self::Step => {
                for margin in margins {
                    *margin = if *margin > 0.0 { 1.0 } else { 0.0 };
                }
            }
            Self::Softmax => {
                for row in margins.chunks_exact_mut(n_groups) {
                    softmax(row);
                }
            }
        }
    }

    /// The margin that stands for a prediction; infinite or NaN if none does.
    pub(crate) fn margin(self, prediction: f32) -> f32 {
        match self {
            Self::Logistic => -(1.0 / prediction - 1.0).ln(),
            Self::Exponential => prediction.ln(),
            Self::Identity | Self::Step | Self::Softmax => prediction,
        }
    }

    /// The predictions that have a margin.
    pub(crate) fn allowed(self) -> &'static str {
        match self {
            Self::Logistic => "(0, 1)",
            Self::Exponential => "(0, ∞)",
            Self::Identity | Self::Step | Self::Softmax => "a finite number",
        }
    }
}

/// The logistic function; the exponent is cut where `exp` would overflow, as XGBoost does.
#[inline(always)]
pub(super) fn sigmoid(margin: f32) -> f32 {
    1.0 / (exp((-margin).min(88.7)) + 1.0 + 1e-16)
}

/// Makes probabilities of one row's margins.
#[inline(always)]
pub(super) fn softmax(row: &mut [f32]) {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0_f64;
    for margin in row.iter_mut() {
        *margin = exp(*margin - largest);
        sum += f64::from(*margin);
    }
    for margin in row.iter_mut() {
        *margin /= sum as f32;
    }
}
