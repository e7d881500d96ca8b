//! Objectives: what a booster minimises, and how its margins become predictions.
//!
//! Invariant: names, label checks, transforms and default metrics are XGBoost's. A margin is the sum of the leaves; a
//! prediction is what the transform makes of it; `base_score` is a prediction.
//!
//! A new objective is one file here and one line in `registry.rs`.
//!
//! Source: XGBoost 3.2 `src/objective/`.

mod absolute_error;
pub(crate) mod aft;
mod cox;
mod exp;
mod gamma;
mod gradient;
mod hinge;
mod link;
mod logistic;
pub(crate) mod loss;
mod name;
mod poisson;
mod pseudo_huber;
mod quantile_error;
mod rank;
mod registry;
mod setting;
mod softmax;
mod squared_error;
mod squared_log_error;
mod tweedie;

use std::sync::Arc;

use crate::metric;

use loss::{Judged, Leaves};

pub(crate) use loss::Scores;

pub use gradient::GradientPair;
pub(crate) use link::Link;
pub use loss::Task;
pub use name::{LabelError, UnknownObjective};
pub(crate) use rank::BiasLearner;
pub use rank::{LambdaRank, PairMethod, PositionBias};
pub use registry::ObjectiveName;
pub use setting::{AftDistribution, Setting, UnknownDistribution};

/// What `count:poisson` limits a step to where the user does not say.
pub const POISSON_MAX_DELTA_STEP: f32 = 0.7;

/// An objective with what belongs to it, as XGBoost's model document holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// Which loss.
    pub name: ObjectiveName,
    /// Classes of a multi-class objective; 0 for the others.
    pub num_class: u32,
    /// Factor on the weight of rows with label 1, where the objective has such a thing; 1 is none.
    pub scale_pos_weight: f32,
    /// The limit in the hessian of `count:poisson`; 0 for the others.
    pub max_delta_step: f32,
    /// Power of the mean in the variance of `reg:tweedie`, in `(1, 2)`.
    pub tweedie_variance_power: f32,
    /// Where `reg:pseudohubererror` turns from squared to absolute, above 0.
    pub huber_slope: f32,
    /// Levels of `reg:quantileerror`, in `[0, 1]`; one group each.
    pub quantile_alpha: Arc<[f32]>,
    /// Distribution of `survival:aft`.
    pub aft_loss_distribution: AftDistribution,
    /// Scale of that distribution, above 0.
    pub aft_loss_distribution_scale: f32,
    /// What the `rank:` objectives, and the gains of `ndcg`, are set to.
    pub lambdarank: LambdaRank,
    /// What `lambdarank_unbiased` has learned; empty where it has learned nothing.
    pub position_bias: PositionBias,
}

impl Objective {
    /// An objective without classes and with the usual settings; `reg:quantileerror` gets the median.
    pub fn new(name: ObjectiveName) -> Self {
        let levels: &[f32] = match name.facts().leaves {
            Leaves::Quantile => &[0.5],
            Leaves::Newton | Leaves::Median => &[],
        };
        let mut objective = Self {
            name,
            num_class: 0,
            scale_pos_weight: 1.0,
            max_delta_step: 0.0,
            tweedie_variance_power: 1.5,
            huber_slope: 1.0,
            quantile_alpha: levels.into(),
            aft_loss_distribution: AftDistribution::Normal,
            aft_loss_distribution_scale: 1.0,
            lambdarank: LambdaRank::default(),
            position_bias: PositionBias::default(),
        };
        if objective.has(Setting::MaxDeltaStep) {
            objective.max_delta_step = POISSON_MAX_DELTA_STEP;
        }
        objective
    }

    /// Whether a setting is part of the objective.
    pub fn has(&self, setting: Setting) -> bool {
        let groups = self.name.facts().document.iter();
        groups
            .flat_map(|(_, settings)| *settings)
            .any(|&it| it == setting)
    }

    /// Columns of a margin: the classes, the levels, or 1.
    pub fn n_groups(&self) -> usize {
        let n_groups = match (self.name.task(), self.name.facts().leaves) {
            (Task::Classes, _) => self.num_class as usize,
            (_, Leaves::Quantile) => self.quantile_alpha.len(),
            (
                Task::Number | Task::Binary | Task::Time | Task::Ranking,
                Leaves::Newton | Leaves::Median,
            ) => 1,
        };
        n_groups.max(1)
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
    /// `multi:softmax` gives probabilities here; [`Objective::decide`] makes classes of them.
    #[inline(always)]
    pub fn transform(&self, margins: &mut [f32]) {
        let link = self.name.facts().link;
        link.transform(margins, self.n_groups());
    }

    /// Turns margins into what metrics read: predictions, but for `survival:aft` the margins themselves, as in XGBoost.
    #[inline(always)]
    pub fn transform_for_metrics(&self, margins: &mut [f32]) {
        match self.name.facts().judged {
            Judged::Prediction => self.transform(margins),
            Judged::Margin => {}
        }
    }

    /// The scores of some rows from their margins and what [`Objective::transform_for_metrics`] has made of them.
    #[inline(always)]
    pub(crate) fn scores<'s>(&self, margins: &'s [f32], judged: &'s [f32]) -> Scores<'s> {
        let predictions = match self.name.facts().judged {
            Judged::Prediction => Some(judged),
            Judged::Margin => None,
        };
        Scores {
            margins,
            predictions,
        }
    }

    /// What metrics would read if `label` were predicted: for a comparison with something that is no booster.
    pub fn judged(&self, label: f32) -> f32 {
        if self.predicts_log_odds() {
            return Link::Logistic.margin(label);
        }
        let facts = self.name.facts();
        match (facts.link, facts.judged) {
            (link, Judged::Margin) => link.margin(label),
            (Link::Step, Judged::Prediction) => f32::from(u8::from(label > 0.5)),
            (_, Judged::Prediction) => label,
        }
    }

    /// Whether predictions are margins of logistic regression.
    fn predicts_log_odds(&self) -> bool {
        let facts = self.name.facts();
        facts.task == Task::Binary && facts.link == Link::Identity
    }

    /// Of two classes, the second is predicted where a prediction is above this: one half of a probability, 0 of a margin.
    pub fn decision_threshold(&self) -> f32 {
        if self.predicts_log_odds() { 0.0 } else { 0.5 }
    }

    /// Whether a prediction of one of two classes stands for the positive one.
    pub fn is_positive(&self, prediction: f32) -> bool {
        prediction > self.decision_threshold()
    }

    /// Turns transformed predictions into what the user asked for: `multi:softmax` gives `(n_rows,)` class numbers, the
    /// first of equally probable ones; every other objective gives them back as they are.
    pub fn decide(&self, predictions: Vec<f32>) -> Vec<f32> {
        if self.n_outputs() == self.n_groups() {
            return predictions;
        }
        let rows = predictions.chunks_exact(self.n_groups());
        rows.map(|row| metric::argmax(row) as f32).collect()
    }

    /// The power p of the mean that the labels' variance grows with, where the margin is the logarithm of the mean, so that
    /// an exposure is an addend of the margin; `None` for the others. 1 is Poisson, 2 gamma, between them Tweedie.
    pub fn variance_power(&self) -> Option<f64> {
        self.name.facts().rate.map(|rate| match rate {
            loss::Rate::Poisson => 1.0,
            loss::Rate::Gamma => 2.0,
            loss::Rate::Tweedie => f64::from(self.tweedie_variance_power),
        })
    }

    /// The margin that stands for the prediction `base_score`.
    pub fn prob_to_margin(&self, base_score: f32) -> f32 {
        self.name.facts().link.margin(base_score)
    }

    /// What makes predictions of margins, but for the choice of a class.
    pub(crate) fn link(&self) -> Link {
        self.name.facts().link
    }

    /// The predictions that have a margin, as text.
    pub(crate) fn allowed_predictions(&self) -> &'static str {
        self.name.facts().link.allowed()
    }

    /// The quantile that a group's leaves hold, where they hold one.
    pub(crate) fn leaf_level(&self, group: usize) -> Option<f32> {
        match self.name.facts().leaves {
            Leaves::Newton => None,
            Leaves::Median => Some(0.5),
            Leaves::Quantile => self.quantile_alpha.get(group).copied(),
        }
    }

    /// Checks a label and its upper bound against what the objective can learn from.
    ///
    /// # Errors
    /// [`LabelError`], which says what is allowed.
    pub fn check_target(&self, label: f32, upper_bound: Option<f32>) -> Result<(), LabelError> {
        self.name.check_label(label, self.num_class)?;
        if self.name == ObjectiveName::SurvivalAft && upper_bound.unwrap_or(label) <= 0.0 {
            let allowed = "a time must be positive, or 0 with a positive upper bound".to_owned();
            return Err(LabelError { label, allowed });
        }
        Ok(())
    }
}
