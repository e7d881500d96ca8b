//! The prediction to start from, where the user gives none.
//!
//! Source: XGBoost 3.0 `src/objective/init_estimation.cc`: the mean of the labels for losses with a canonical link, one
//! Newton step where `scale_pos_weight` makes the mean wrong, 0.5 for classes.

use crate::bin::BinnedDataset;
use crate::objective::{GradientPair, Objective};

/// Probabilities and means are kept this far from where the margin would be infinite.
const MARGIN_OF_SAFETY: f32 = 1e-6;

/// Estimates the base score, in output space. `None` if all weights are 0.
///
/// With exposures it is the rate for an exposure of 1.
pub(super) fn estimate(objective: &Objective, data: &BinnedDataset) -> Option<f32> {
    let (labels, weights) = (data.labels(), data.weights());
    let weight = |row: usize| weights.map_or(1.0, |weights| f64::from(weights[row]));
    let total: f64 = (0..labels.len()).map(weight).sum();
    if total <= 0.0 {
        return None;
    }
    if objective.name.is_multiclass() {
        return Some(0.5);
    }
    let mut score = if let Some(exposure) = data.exposure() {
        rate(objective, labels, exposure, weight)
    } else if objective.has_positives() && objective.scale_pos_weight != 1.0 {
        let mut score = [newton_step(objective, labels, weights)];
        objective.transform(&mut score);
        score[0]
    } else {
        let sum: f64 = labels
            .iter()
            .enumerate()
            .map(|(row, &label)| weight(row) * f64::from(label))
            .sum();
        (sum / total) as f32
    };
    if !objective.prob_to_margin(score).is_finite() {
        score = score.clamp(MARGIN_OF_SAFETY, 1.0 - MARGIN_OF_SAFETY);
    }
    Some(score)
}

/// The constant rate that is most likely where a label's mean is rate times exposure, and its variance a power p of that
/// mean: sum of w y e^(1-p) over sum of w e^(2-p), the root of the likelihood's derivative.
fn rate(
    objective: &Objective,
    labels: &[f32],
    exposure: &[f32],
    weight: impl Fn(usize) -> f64,
) -> f32 {
    let power = objective.variance_power().unwrap_or(1.0);
    let (mut above, mut below) = (0.0, 0.0);
    for (row, (&label, &exposure)) in labels.iter().zip(exposure).enumerate() {
        let exposure = f64::from(exposure);
        above += weight(row) * f64::from(label) * exposure.powf(1.0 - power);
        below += weight(row) * exposure.powf(2.0 - power);
    }
    (above / below) as f32
}

fn newton_step(objective: &Objective, labels: &[f32], weights: Option<&[f32]>) -> f32 {
    let mut pairs = vec![GradientPair::default(); labels.len()];
    objective.gradients(&vec![0.0; labels.len()], labels, weights, &mut pairs);
    let grad: f64 = pairs.iter().map(|pair| f64::from(pair.grad)).sum();
    let hess: f64 = pairs.iter().map(|pair| f64::from(pair.hess)).sum();
    (-grad / hess.max(1e-6)) as f32
}
