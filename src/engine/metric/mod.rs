//! Evaluation metrics: their names, and which way is better.
//!
//! Invariant: a metric reads predictions after the objective's transform (probabilities, means), row-major
//! `(n_rows, n_groups)`. It is an `f64` sum over fixed blocks of rows, or over all of them in a fixed order, so that it
//! does not depend on threads.
//!
//! A new metric is one file here and one line in `registry.rs`.
//!
//! Source: XGBoost 3.2 `src/metric/`; scikit-learn for those that the built-in algorithm leaves to it.

mod aft;
mod auc;
mod block;
mod class;
mod confusion;
mod cox;
mod difference;
mod likelihood;
pub(crate) mod ln;
mod quantile;
mod query_auc;
mod r2;
mod rank;
mod registry;
mod row;

use std::fmt;
use std::str::FromStr;

use crate::dataset::Targets;
use crate::objective::{Objective, ObjectiveName};
use crate::threads::Threads;

pub(crate) use block::{BLOCK, BlockSums, argmax, from_blocks};
pub(crate) use ln::ln;
pub use rank::Cut;
pub use registry::Metric;
pub use row::Judged;

/// A metric's name that is not one of [`Metric::NAMES`], or has something behind it that the metric does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown metric `{name}`, allowed are {}", forms())]
pub struct UnknownMetric {
    /// What was asked for.
    pub name: String,
}

/// Every metric as it may be written.
fn forms() -> String {
    let forms = Metric::FORMS.iter();
    let forms: Vec<_> = forms
        .map(|(name, suffix)| format!("{name}{suffix}"))
        .collect();
    forms.join(", ")
}

impl Metric {
    /// The metric's value on plain predictions, without settings or upper bounds; see [`Metric::evaluate_on`].
    ///
    /// Shapes: `predictions` is `(n_rows, n_groups)` row-major; `labels` and `weights` are `(n_rows,)`. NaN without rows.
    ///
    /// # Panics
    /// If the shapes do not agree.
    pub fn evaluate(self, predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> f64 {
        if labels.is_empty() {
            return f64::NAN;
        }
        let plain = Objective::new(ObjectiveName::RegQuantileError);
        let rows = Judged::new(predictions, Targets::new(labels, weights), &plain);
        self.evaluate_on(&rows, &Threads::single())
    }

    /// The metric's value.
    ///
    /// No weights means that each row counts once. Where all weights are 0 the bare sum is returned, which is 0, as
    /// XGBoost does; areas under curves are NaN where a class is absent.
    pub fn evaluate_on(self, rows: &Judged<'_>, threads: &Threads) -> f64 {
        if let Some(value) = self.of_table(rows, threads) {
            return value;
        }
        let blocks = (0..rows.n_rows()).step_by(BLOCK);
        let sums = blocks.map(|first| {
            let block = rows.slice(first..rows.n_rows().min(first + BLOCK));
            BlockSums::of(&[self], &block)
        });
        from_blocks(&[self], &sums.collect::<Vec<_>>())[0]
    }

    /// Whether the metric can judge several targets of the objective: as a mean over all labels of all rows, as in XGBoost.
    pub fn judges_targets(self, objective: &Objective) -> bool {
        !self.needs_all_rows() && self.judges(objective)
    }

    /// The same metric as XGBoost would name it beside this objective: `tweedie-nloglik` has its power in its name.
    #[must_use]
    pub fn beside(self, objective: &Objective) -> Self {
        match self {
            Self::TweedieNloglik { rho: None } => Self::TweedieNloglik {
                rho: Some(objective.tweedie_variance_power),
            },
            other => other,
        }
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Self, UnknownMetric> {
        let (base, parameter) = match (name.split_once('@'), name.strip_suffix('-')) {
            (Some((base, parameter)), _) => (base, Some(parameter)),
            (None, Some(base)) => (base, Some("-")),
            (None, None) => (name, None),
        };
        let known = Self::ALL.iter().copied().find(|it| it.name() == base);
        let metric = match (known, parameter) {
            (Some(metric), Some(parameter)) => metric.with(parameter),
            (known, _) => known,
        };
        metric.ok_or_else(|| UnknownMetric {
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self.suffix() {
            Some(suffix) => f.write_str(&suffix),
            None => Ok(()),
        }
    }
}
