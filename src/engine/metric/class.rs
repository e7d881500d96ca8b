//! Means over rows of what a prediction of classes is worth.
//!
//! Source: XGBoost `src/metric/elementwise_metric.cu`, `multiclass_metric.cu`.

use crate::objective::{Objective, Task};

use super::BLOCK;
use super::block::{argmax, weighted_sum};
use super::likelihood::SMALLEST;
use super::ln::ln;
use super::row::{Judged, Row, RowMetric};

/// Predictions above this are positive where `error` has no threshold of its own.
const ERROR_THRESHOLD: f32 = 0.5;

#[derive(Clone, Copy)]
pub(super) struct Error {
    pub(super) threshold: Option<f32>,
}
#[derive(Clone, Copy)]
pub(super) struct Merror;
#[derive(Clone, Copy)]
pub(super) struct Mlogloss;

impl RowMetric for Error {
    const SUFFIX: &'static str = "[@threshold]";

    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        let label = f64::from(row.label);
        if row.prediction[0] > self.threshold.unwrap_or(ERROR_THRESHOLD) {
            1.0 - label
        } else {
            label
        }
    }

    fn with(self, parameter: f32) -> Option<Self> {
        let threshold = Some(parameter);
        Some(Self { threshold })
    }

    /// XGBoost leaves the usual threshold out of the printed name, even where it was given.
    fn parameter(self) -> Option<f32> {
        self.threshold.filter(|&t| t != ERROR_THRESHOLD)
    }
}

impl RowMetric for Merror {
    fn judges(self, objective: &Objective) -> bool {
        objective.name.task() == Task::Classes
    }

    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        f64::from(argmax(row.prediction) != row.label as usize)
    }
}

impl RowMetric for Mlogloss {
    fn judges(self, objective: &Objective) -> bool {
        objective.name.task() == Task::Classes
    }

    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        let own = f64::from(row.prediction[row.label as usize]);
        -ln(own.max(SMALLEST))
    }

    /// Each row's own probability is fetched before any logarithm is taken, so that logarithms become vectors.
    #[inline(always)]
    fn sum(self, rows: &Judged<'_>) -> f64 {
        let (targets, n_groups) = (rows.targets(), rows.n_groups());
        let mut losses = [0.0; BLOCK];
        let losses = &mut losses[..rows.n_rows()];
        let predictions = rows.predictions().chunks_exact(n_groups);
        let of_rows = predictions.zip(targets.labels());
        for (loss, (prediction, &label)) in losses.iter_mut().zip(of_rows) {
            *loss = f64::from(prediction[label as usize]);
        }
        for loss in losses.iter_mut() {
            *loss = -ln(loss.max(SMALLEST));
        }
        weighted_sum(losses, targets.weights())
    }
}
