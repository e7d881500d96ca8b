//! `quantile`: what `reg:quantileerror` minimises, a mean over rows and levels.
//!
//! Source: XGBoost `src/metric/elementwise_metric.cu`.

use crate::objective::{Objective, ObjectiveName};

use super::row::{Row, RowMetric};

#[derive(Clone, Copy)]
pub(super) struct Quantile;

impl RowMetric for Quantile {
    fn judges(self, objective: &Objective) -> bool {
        objective.name == ObjectiveName::RegQuantileError
    }

    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        let label = f64::from(row.label);
        let mut sum = 0.0;
        for (&prediction, &level) in row.prediction.iter().zip(&*row.objective.quantile_alpha) {
            let difference = label - f64::from(prediction);
            let level = f64::from(level);
            sum += difference
                * if difference >= 0.0 {
                    level
                } else {
                    level - 1.0
                };
        }
        sum / row.prediction.len() as f64
    }
}
