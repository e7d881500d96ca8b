//! Metrics of differences between labels and predictions.
//!
//! Source: XGBoost `src/metric/elementwise_metric.cu`; scikit-learn `mean_squared_error` for `mse`.

use crate::objective::{Objective, Task};

use super::ln::ln;
use super::row::{Counted, Row, RowMetric};

#[derive(Clone, Copy)]
pub(super) struct Rmse;
#[derive(Clone, Copy)]
pub(super) struct Mse;
#[derive(Clone, Copy)]
pub(super) struct Rmsle;
#[derive(Clone, Copy)]
pub(super) struct Mae;
#[derive(Clone, Copy)]
pub(super) struct Mape;
#[derive(Clone, Copy)]
pub(super) struct Mphe;

impl RowMetric for Rmse {
    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        let difference = difference(row);
        difference * difference
    }

    fn finish(self, mean: f64) -> f64 {
        mean.sqrt()
    }
}

impl RowMetric for Mse {
    const COUNTED: Counted = Counted::Once;

    fn judges(self, objective: &Objective) -> bool {
        are_numbers(objective)
    }

    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        Rmse.loss(row)
    }
}

impl RowMetric for Rmsle {
    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        let difference = ln_one_more(row.label) - ln_one_more(row.prediction[0]);
        difference * difference
    }

    fn finish(self, mean: f64) -> f64 {
        mean.sqrt()
    }
}

impl RowMetric for Mae {
    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        difference(row).abs()
    }
}

impl RowMetric for Mape {
    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        (difference(row) / f64::from(row.label)).abs()
    }
}

impl RowMetric for Mphe {
    #[inline(always)]
    fn loss(self, row: Row<'_>) -> f64 {
        let slope = f64::from(row.objective.huber_slope);
        let ratio = difference(row) / slope;
        slope * slope * ((1.0 + ratio * ratio).sqrt() - 1.0)
    }
}

/// Whether predictions are of the labels' kind, and not logarithms of times.
pub(super) fn are_numbers(objective: &Objective) -> bool {
    objective.n_groups() == 1 && objective.name.task() != Task::Time
}

#[inline(always)]
fn difference(row: Row<'_>) -> f64 {
    f64::from(row.label) - f64::from(row.prediction[0])
}

/// The logarithm of one more; NaN where there is none.
#[inline(always)]
fn ln_one_more(value: f32) -> f64 {
    let one_more = 1.0 + f64::from(value);
    if one_more > 0.0 {
        ln(one_more)
    } else {
        f64::NAN
    }
}
