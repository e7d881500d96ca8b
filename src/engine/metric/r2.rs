//! `r2`: the share of the labels' variance that predictions explain.
//!
//! Source: scikit-learn `r2_score`: 1 where labels do not vary and are predicted exactly, 0 where they are not, NaN for
//! fewer than two rows.

use crate::objective::Objective;
use crate::threads::Threads;

use super::BLOCK;
use super::difference::are_numbers;
use super::row::{Judged, TableMetric};

#[derive(Clone, Copy)]
pub(super) struct R2;

impl TableMetric for R2 {
    fn judges(self, objective: &Objective) -> bool {
        are_numbers(objective)
    }

    fn evaluate(self, rows: &Judged<'_>, _: &Threads) -> f64 {
        let (labels, predictions) = (rows.targets().labels(), rows.predictions());
        if labels.len() < 2 {
            return f64::NAN;
        }
        let of_labels = |of: &dyn Fn(f64) -> f64| -> f64 {
            let blocks = labels.chunks(BLOCK);
            blocks
                .map(|block| block.iter().map(|&y| of(y.into())).sum::<f64>())
                .sum()
        };
        let mean = of_labels(&|y| y) / labels.len() as f64;
        let spread = of_labels(&|y| (y - mean) * (y - mean));
        let blocks = labels.chunks(BLOCK).zip(predictions.chunks(BLOCK));
        let missed: f64 = blocks
            .map(|(labels, predictions)| {
                let pairs = labels.iter().zip(predictions);
                let squares = pairs.map(|(&y, &p)| (f64::from(y) - f64::from(p)).powi(2));
                squares.sum::<f64>()
            })
            .sum();
        match (missed == 0.0, spread == 0.0) {
            (true, true) => 1.0,
            (false, true) => 0.0,
            (_, false) => 1.0 - missed / spread,
        }
    }
}
