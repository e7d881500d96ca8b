//! What a loss says about itself: its facts, the labels that it takes, and its gradients by one of three traits.
//!
//! A new objective is one file that implements [`Loss`] and one of [`MarginLoss`], [`RowLoss`] and [`TableLoss`], and one
//! line in `registry.rs`. Everything is resolved when the engine is compiled, so that loops over rows become vectors.

use crate::dataset::Targets;
use crate::metric::Metric;
use crate::threads::Threads;

use super::{GradientPair, Link, Objective, Setting};

/// What all objectives have.
pub(crate) trait Loss {
    /// What does not depend on settings.
    const FACTS: Facts;

    /// What judges the objective where the user names no metric.
    fn default_metric(objective: &Objective) -> Metric;

    /// Whether it can learn from a label; `num_class` only matters where there are classes.
    #[inline(always)]
    fn takes(label: f32, _num_class: u32) -> bool {
        label.is_finite()
    }

    /// The labels that it takes, as a sentence; XGBoost's where it has one.
    fn allowed(_num_class: u32) -> String {
        "label must be a finite number".to_owned()
    }
}

/// A loss of one margin and one label.
pub(crate) trait MarginLoss: Loss {
    /// The derivatives for a row of weight 1. Implementations are `#[inline(always)]`.
    fn pair(objective: &Objective, margin: f32, label: f32) -> GradientPair;
}

/// A loss of all that belongs to one row.
pub(crate) trait RowLoss: Loss {
    /// The derivatives of some rows, of weight 1 each; scores and `pairs` are `(n_rows, n_groups)` row-major.
    /// Implementations are `#[inline(always)]`.
    fn gradients(
        objective: &Objective,
        scores: Scores<'_>,
        targets: &Targets<'_>,
        pairs: &mut [GradientPair],
    );
}

/// What some rows are at, `(n_rows, n_groups)` row-major.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scores<'s> {
    /// The sums of leaves.
    pub(crate) margins: &'s [f32],
    /// What the link makes of them, where metrics have asked for it already.
    pub(crate) predictions: Option<&'s [f32]>,
}

impl<'s> Scores<'s> {
    /// Margins that nobody has transformed.
    #[inline(always)]
    pub(crate) fn of_margins(margins: &'s [f32]) -> Self {
        Self {
            margins,
            predictions: None,
        }
    }
}

/// A loss in which rows have to do with each other.
pub(crate) trait TableLoss: Loss {
    /// As [`RowLoss::gradients`], of all rows of a table and from margins.
    fn gradients(
        objective: &Objective,
        margins: &[f32],
        targets: &Targets<'_>,
        pairs: &mut [GradientPair],
        threads: &Threads,
    );
}

/// What an objective is, whatever its settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) task: Task,
    /// How margins become predictions.
    pub(crate) link: Link,
    /// What metrics read.
    pub(crate) judged: Judged,
    /// How the prediction to start from is estimated.
    pub(crate) start: Start,
    /// What leaves hold.
    pub(crate) leaves: Leaves,
    /// How labels spread, where their mean is a rate that an exposure may multiply.
    pub(crate) rate: Option<Rate>,
    /// Whether `scale_pos_weight` means anything.
    pub(crate) weighs_positives: bool,
    /// The groups of XGBoost's model document, each with the settings that it holds.
    pub(crate) document: &'static [(&'static str, &'static [Setting])],
}

impl Facts {
    /// A number without a link, started by one Newton step.
    pub(crate) const NUMBER: Self = Self {
        task: Task::Number,
        link: Link::Identity,
        judged: Judged::Prediction,
        start: Start::Newton,
        leaves: Leaves::Newton,
        rate: None,
        weighs_positives: false,
        document: &[],
    };
}

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A number.
    Number,
    /// Which of two classes, or its probability.
    Binary,
    /// Which of several classes, or their probabilities.
    Classes,
    /// A time that may be known as an interval only.
    Time,
    /// The order of the rows of a query.
    Ranking,
}

/// What metrics read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// What the link makes of margins.
    Prediction,
    /// Margins.
    Margin,
}

/// How the prediction to start from is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// The mean of the labels, or a Newton step where `scale_pos_weight` makes the mean wrong.
    Mean,
    /// One Newton step from margin 0.
    Newton,
    /// The quantile that leaves hold.
    Quantile,
    /// One half.
    Half,
    /// Nothing: only differences matter.
    Zero,
}

/// What leaves hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// Newton steps.
    Newton,
    /// The median of what the margins leave of the labels.
    Median,
    /// As `Median`, with a quantile for each of `quantile_alpha`.
    Quantile,
}

/// How labels spread around a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rate {
    /// Their variance is the mean.
    Poisson,
    /// Their variance is the mean's square.
    Gamma,
    /// Their variance is the mean to the power of `tweedie_variance_power`.
    Tweedie,
}
