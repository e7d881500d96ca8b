//! The prediction to start from, where the user gives none.
//!
//! Source: XGBoost 3.2 `src/objective/init_estimation.cc` and each objective's `InitEstimation`: the mean of the labels for
//! losses with a canonical link, the quantile that leaves hold, else one Newton step; 0.5 for classes and for intervals.
//!
//! Several levels of `reg:quantileerror` start apart, and so do several targets, as in XGBoost 3.1 and later. Where a set brings margins of its own
//! they start together, from the mean of their starts, as in XGBoost up to 3.0: see `Rounds::move_start`.

use crate::dataset::Targets;
use crate::objective::loss::Start;
use crate::objective::{GradientPair, Objective};
use crate::quantile::{quantile, weighted_quantile};

use super::start::SetRows;

/// Probabilities and means are kept this far from where the margin would be infinite.
const MARGIN_OF_SAFETY: f32 = 1e-6;

/// The predictions that groups start from, in output space.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BaseScores {
    /// `(n_groups,)`
    scores: Vec<f32>,
}

impl BaseScores {
    /// The same for all groups.
    pub(super) fn together(score: f32, n_groups: usize) -> Self {
        Self {
            scores: vec![score; n_groups],
        }
    }

    /// Estimates the start from the labels, each target's from its own: with exposures, the rate for an exposure of 1. `None`
    /// if all weights are 0.
    pub(super) fn estimate(objective: &Objective, rows: &SetRows<'_>) -> Option<Self> {
        let n_targets = rows.n_targets;
        if n_targets == 1 {
            return Self::estimate_one(objective, rows, &rows.targets);
        }
        let mut scores = Vec::new();
        for target in 0..n_targets {
            let own = rows.labels.iter().skip(target).step_by(n_targets);
            let own: Vec<f32> = own.copied().collect();
            let targets = Targets::new(&own, rows.targets.weights());
            scores.extend(Self::estimate_one(objective, rows, &targets)?.scores);
        }
        Some(Self { scores })
    }

    fn estimate_one(
        objective: &Objective,
        rows: &SetRows<'_>,
        targets: &Targets<'_>,
    ) -> Option<Self> {
        let n_groups = objective.n_groups();
        let total = targets.total_weight();
        if total <= 0.0 {
            return None;
        }
        if let (Some(exposure), Some(power)) = (rows.start.exposure, objective.variance_power()) {
            let rate = rate(power, targets, exposure);
            return Some(Self::together(rate, n_groups).kept_finite(objective));
        }
        let score = match objective.name.facts().start {
            Start::Zero => 0.0,
            Start::Half => 0.5,
            Start::Mean if objective.positive_weight() == 1.0 => {
                (weighted_sum(targets) / total) as f32
            }
            Start::Mean | Start::Newton => newton_step(objective, targets),
            Start::Quantile => {
                let levels = (0..n_groups).filter_map(|group| objective.leaf_level(group));
                let scores = levels.map(|level| label_quantile(level, targets)).collect();
                return Some(Self { scores }.kept_finite(objective));
            }
        };
        Some(Self::together(score, n_groups).kept_finite(objective))
    }

    /// The same start for all groups, from the mean of theirs.
    pub(super) fn mean(&self) -> Self {
        let n_groups = self.scores.len();
        Self::together(self.scores.iter().sum::<f32>() / n_groups as f32, n_groups)
    }

    /// The base score of a model whose groups start together; of others the mean.
    pub(super) fn base_score(&self) -> f32 {
        if self.is_by_group() {
            self.mean().scores[0]
        } else {
            self.scores[0]
        }
    }

    /// Whether groups start apart.
    pub(super) fn is_by_group(&self) -> bool {
        self.scores.iter().any(|&it| it != self.scores[0])
    }

    /// The margins that stand for the scores, `(n_groups,)`.
    pub(super) fn margins(&self, objective: &Objective) -> Vec<f32> {
        let scores = self.scores.iter();
        scores
            .map(|&score| objective.prob_to_margin(score))
            .collect()
    }

    fn kept_finite(mut self, objective: &Objective) -> Self {
        for score in &mut self.scores {
            if !objective.prob_to_margin(*score).is_finite() {
                *score = score.clamp(MARGIN_OF_SAFETY, 1.0 - MARGIN_OF_SAFETY);
            }
        }
        self
    }
}

fn weighted_sum(targets: &Targets<'_>) -> f64 {
    let labels = targets.labels().iter().map(|&label| f64::from(label));
    match targets.weights() {
        None => labels.sum(),
        Some(weights) => labels
            .zip(weights)
            .map(|(label, &it)| f64::from(it) * label)
            .sum(),
    }
}

/// The constant rate that is most likely where a label's mean is rate times exposure, and its variance a power p of that
/// mean: sum of w y e^(1-p) over sum of w e^(2-p), the root of the likelihood's derivative.
fn rate(power: f64, targets: &Targets<'_>, exposure: &[f32]) -> f32 {
    let (mut above, mut below) = (0.0, 0.0);
    for (row, (&label, &exposure)) in targets.labels().iter().zip(exposure).enumerate() {
        let exposure = f64::from(exposure);
        above += targets.weight(row) * f64::from(label) * exposure.powf(1.0 - power);
        below += targets.weight(row) * exposure.powf(2.0 - power);
    }
    (above / below) as f32
}

/// What one Newton step from margin 0 predicts.
fn newton_step(objective: &Objective, targets: &Targets<'_>) -> f32 {
    let n_rows = targets.labels().len();
    let mut pairs = vec![GradientPair::default(); n_rows];
    objective.gradients(&vec![0.0; n_rows], targets, &mut pairs);
    let grad: f64 = pairs.iter().map(|pair| f64::from(pair.grad)).sum();
    let hess: f64 = pairs.iter().map(|pair| f64::from(pair.hess)).sum();
    let mut score = [(-grad / hess.max(1e-6)) as f32];
    objective.transform(&mut score);
    score[0]
}

fn label_quantile(level: f32, targets: &Targets<'_>) -> f32 {
    match targets.weights() {
        None => quantile(level, &mut targets.labels().to_vec()),
        Some(weights) => {
            let labels = targets.labels().iter().copied();
            let mut rows: Vec<_> = labels.zip(weights.iter().copied()).collect();
            weighted_quantile(level, &mut rows)
        }
    }
}
