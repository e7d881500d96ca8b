//! Objectives: what a booster minimises, and how its margins become predictions.
//!
//! Invariant: names, label checks, transforms and default metrics are XGBoost's. A margin is the sum of the leaves; a
//! prediction is what the transform makes of it; `base_score` is a prediction.
//!
//! Source: XGBoost 3.0 `src/objective/regression_obj.cu`, `multiclass_obj.cu`.

mod exp;
mod gradient;
mod name;

use crate::metric;

use self::exp::exp;

pub use gradient::GradientPair;
pub use name::{LabelError, ObjectiveName, UnknownObjective};

/// What `count:poisson` limits a step to where the user does not say.
pub const POISSON_MAX_DELTA_STEP: f32 = 0.7;

/// An objective with what belongs to it, as XGBoost's model document holds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// Which loss.
    pub name: ObjectiveName,
    /// Classes of a multi-class objective; 0 for the others.
    pub num_class: u32,
    /// Factor on the weight of rows with label 1, for the `reg:` and `binary:` objectives; 1 is none.
    pub scale_pos_weight: f32,
    /// The limit in the hessian of `count:poisson`; 0 for the others.
    pub max_delta_step: f32,
}

impl Objective {
    /// An objective without classes and with the usual settings.
    pub fn new(name: ObjectiveName) -> Self {
        let max_delta_step = if name == ObjectiveName::CountPoisson {
            POISSON_MAX_DELTA_STEP
        } else {
            0.0
        };
        Self {
            name,
            num_class: 0,
            scale_pos_weight: 1.0,
            max_delta_step,
        }
    }

    /// Columns of a margin: the classes, or 1.
    pub fn n_groups(&self) -> usize {
        if self.name.is_multiclass() {
            (self.num_class as usize).max(1)
        } else {
            1
        }
    }

    /// Columns of a prediction: 1 for `multi:softmax`, which predicts a class, else as many as groups.
    pub fn n_outputs(&self) -> usize {
        if self.name == ObjectiveName::MultiSoftmax {
            1
        } else {
            self.n_groups()
        }
    }

    /// Turns margins, `(n_rows, n_groups)` row-major, into predictions of the same shape, in place.
    ///
    /// `multi:softmax` gives probabilities here, as metrics want them; [`Objective::decide`] makes classes of them.
    #[inline(always)]
    pub fn transform(&self, margins: &mut [f32]) {
        match self.name {
            ObjectiveName::RegSquaredError => {}
            ObjectiveName::RegLogistic | ObjectiveName::BinaryLogistic => {
                for margin in margins {
                    *margin = sigmoid(*margin);
                }
            }
            ObjectiveName::CountPoisson => {
                for margin in margins {
                    *margin = exp(*margin);
                }
            }
            ObjectiveName::MultiSoftmax | ObjectiveName::MultiSoftprob => {
                for row in margins.chunks_exact_mut(self.n_groups()) {
                    softmax(row);
                }
            }
        }
    }

    /// Turns transformed predictions into what the user asked for: `multi:softmax` gives `(n_rows,)` class numbers, the
    /// first of equally probable ones; every other objective gives them back as they are.
    pub fn decide(&self, predictions: Vec<f32>) -> Vec<f32> {
        match self.name {
            ObjectiveName::MultiSoftmax => {
                let rows = predictions.chunks_exact(self.n_groups());
                rows.map(|row| metric::argmax(row) as f32).collect()
            }
            ObjectiveName::RegSquaredError
            | ObjectiveName::RegLogistic
            | ObjectiveName::BinaryLogistic
            | ObjectiveName::CountPoisson
            | ObjectiveName::MultiSoftprob => predictions,
        }
    }

    /// The power p of the mean that the labels' variance grows with, where the margin is the logarithm of the mean, so that
    /// an exposure is an addend of the margin; `None` for the others. 1 is Poisson, 2 gamma, between them Tweedie.
    pub fn variance_power(&self) -> Option<f64> {
        match self.name {
            ObjectiveName::CountPoisson => Some(1.0),
            ObjectiveName::RegSquaredError
            | ObjectiveName::RegLogistic
            | ObjectiveName::BinaryLogistic
            | ObjectiveName::MultiSoftmax
            | ObjectiveName::MultiSoftprob => None,
        }
    }

    /// The margin that stands for the prediction `base_score`.
    pub fn prob_to_margin(&self, base_score: f32) -> f32 {
        match self.name {
            ObjectiveName::RegLogistic | ObjectiveName::BinaryLogistic => {
                -(1.0 / base_score - 1.0).ln()
            }
            ObjectiveName::CountPoisson => base_score.ln(),
            ObjectiveName::RegSquaredError
            | ObjectiveName::MultiSoftmax
            | ObjectiveName::MultiSoftprob => base_score,
        }
    }
}

/// The logistic function; the exponent is cut where `exp` would overflow, as XGBoost does.
#[inline(always)]
fn sigmoid(margin: f32) -> f32 {
    1.0 / (exp((-margin).min(88.7)) + 1.0 + 1e-16)
}

/// Makes probabilities of one row's margins.
#[inline(always)]
fn softmax(row: &mut [f32]) {
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
