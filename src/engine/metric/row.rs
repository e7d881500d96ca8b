//! What metrics read, and the two kinds of metrics.
//!
//! A new metric is one file that implements [`RowMetric`] or [`TableMetric`], and one line in `registry.rs`.

use std::ops::Range;

use crate::dataset::Targets;
use crate::objective::Objective;
use crate::threads::Threads;

use super::block::{BLOCK, weighted_sum};

/// Predictions with what they are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    predictions: &'a [f32],
    targets: Targets<'a>,
    objective: &'a Objective,
    n_groups: usize,
}

/// A row of [`Judged`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    /// `(n_groups,)`
    pub(crate) prediction: &'a [f32],
    pub(crate) label: f32,
    /// The label, where there is no other.
    pub(crate) upper_bound: f32,
    pub(crate) objective: &'a Objective,
}

impl<'a> Judged<'a> {
    /// Predictions, `(n_rows, n_groups)` row-major, as `Objective::transform_for_metrics` leaves them, and the objective
    /// that they come from; its settings are those of metrics that have some.
    ///
    /// # Panics
    /// If there is no row, or the shapes do not agree.
    #[inline(always)]
    pub fn new(predictions: &'a [f32], targets: Targets<'a>, objective: &'a Objective) -> Self {
        let n_rows = targets.labels().len();
        assert!(n_rows > 0, "there are rows");
        assert_eq!(
            predictions.len() % n_rows,
            0,
            "predictions must be (n_rows, n_groups)"
        );
        let n_groups = predictions.len() / n_rows;
        Self {
            predictions,
            targets,
            objective,
            n_groups,
        }
    }

    #[inline(always)]
    pub(crate) fn n_rows(&self) -> usize {
        self.targets.labels().len()
    }

    pub(crate) fn n_groups(&self) -> usize {
        self.n_groups
    }

    pub(crate) fn predictions(&self) -> &'a [f32] {
        self.predictions
    }

    pub(crate) fn targets(&self) -> &Targets<'a> {
        &self.targets
    }

    pub(crate) fn objective(&self) -> &'a Objective {
        self.objective
    }

    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> Row<'a> {
        let label = self.targets.labels()[row];
        Row {
            prediction: &self.predictions[row * self.n_groups..][..self.n_groups],
            label,
            upper_bound: self.targets.upper_bounds().map_or(label, |it| it[row]),
            objective: self.objective,
        }
    }

    /// Some of the rows.
    pub(crate) fn slice(&self, rows: Range<usize>) -> Self {
        let values = rows.start * self.n_groups..rows.end * self.n_groups;
        Self {
            predictions: &self.predictions[values],
            targets: self.targets.slice(rows),
            ..*self
        }
    }
}

/// Which rows count more than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Each row as often as its weight says.
    ByWeight,
    /// Each row once: scikit-learn's way, where the built-in algorithm leaves a metric to it.
    Once,
}

/// A mean over the rows of a loss of each.
pub(crate) trait RowMetric: Copy {
    /// Whether a larger value is better.
    const MAXIMIZE: bool = false;
    /// How rows count.
    const COUNTED: Counted = Counted::ByWeight;
    /// What may stand behind the name, as messages show it.
    const SUFFIX: &'static str = "";

    /// Whether it can judge the objective's predictions.
    fn judges(self, objective: &Objective) -> bool {
        objective.n_groups() == 1
    }

    /// The loss of a row. Implementations are `#[inline(always)]`.
    fn loss(self, row: Row<'_>) -> f64;

    /// The metric's value from the mean of the losses.
    fn finish(self, mean: f64) -> f64 {
        mean
    }

    /// The metric with what stands behind an `@`; `None` if it takes no such thing.
    fn with(self, _parameter: f32) -> Option<Self> {
        None
    }

    /// What to print behind an `@`.
    fn parameter(self) -> Option<f32> {
        None
    }

    /// The metric with a finite number in the place of its parameter.
    fn with_text(self, text: &str) -> Option<Self> {
        let number = text.parse().ok().filter(|it: &f32| it.is_finite());
        number.and_then(|it| self.with(it))
    }

    /// The summed losses of some rows, at most [`BLOCK`], each as often as it counts; where there is a faster way, that.
    #[inline(always)]
    fn sum(self, rows: &Judged<'_>) -> f64 {
        self.sum_row_by_row(rows)
    }

    /// The summed losses from the loss of each row.
    #[inline(always)]
    fn sum_row_by_row(self, rows: &Judged<'_>) -> f64 {
        let mut losses = [0.0; BLOCK];
        let losses = &mut losses[..rows.n_rows()];
        for (row, loss) in losses.iter_mut().enumerate() {
            *loss = self.loss(rows.row(row));
        }
        let weights = match Self::COUNTED {
            Counted::ByWeight => rows.targets().weights(),
            Counted::Once => None,
        };
        weighted_sum(losses, weights)
    }
}

/// A metric that needs all rows at once.
pub(crate) trait TableMetric: Copy {
    /// Whether a larger value is better.
    const MAXIMIZE: bool = true;
    /// Whether it is a mean over queries, and nothing without them.
    const OF_QUERIES: bool = false;
    /// What may stand behind the name, as messages show it.
    const SUFFIX: &'static str = "";

    /// Whether it can judge the objective's predictions.
    fn judges(self, objective: &Objective) -> bool {
        objective.n_groups() == 1
    }

    /// The metric's value, the same for any number of threads.
    fn evaluate(self, rows: &Judged<'_>, threads: &Threads) -> f64;

    /// The metric with what stands behind an `@`, or with the `-` behind its name; `None` if it takes no such thing.
    fn with_text(self, _text: &str) -> Option<Self> {
        None
    }

    /// What is printed behind the name.
    fn suffix(self) -> Option<String> {
        None
    }
}
