//! Metrics of times that may be known as intervals only. They read margins: logarithms of times.
//!
//! Source: XGBoost `src/metric/survival_metric.cu`.

use crate::objective::aft::Time;
use crate::objective::{Objective, ObjectiveName};

use super::row::{Row, RowMetric};

#[derive(Clone, Copy)]
pub(super) struct AftNloglik;
#[derive(Clone, Copy)]
pub(super) struct IntervalRegressionAccuracy;

impl RowMetric for AftNloglik {
    fn judges(self, objective: &Objective) -> bool {
        objective.name == ObjectiveName::SurvivalAft
    }

    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        Time::new(row.label, row.upper_bound).nloglik(row.objective, row.prediction[0])
    }
}

impl RowMetric for IntervalRegressionAccuracy {
    // The built-in algorithm has it among those that are better when smaller, which no share of hits is.
    const MAXIMIZE: bool = true;

    fn judges(self, objective: &Objective) -> bool {
        objective.name == ObjectiveName::SurvivalAft
    }

    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        let time = libm::exp(row.prediction[0].into());
        f64::from(Time::new(row.label, row.upper_bound).contains(time))
    }
}
