//! Evaluation metrics: their names, and which way is better.
//!
//! Invariant: a metric reads predictions after the objective's transform (probabilities, means), row-major
//! `(n_rows, n_groups)`, and is an `f64` sum over fixed blocks of rows, so that it does not depend on threads.
//!
//! Source: XGBoost `src/metric/elementwise_metric.cu`, `multiclass_metric.cu`, `auc.cc`.

mod auc;
mod evaluate;
mod ln;

use std::fmt;
use std::str::FromStr;

pub(crate) use auc::auc;
pub(crate) use evaluate::{BLOCK, BlockSums, argmax, from_blocks};

/// What an evaluation measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// Root of the mean squared difference.
    Rmse,
    /// Mean absolute difference.
    Mae,
    /// Mean negative log-likelihood of a Bernoulli label.
    Logloss,
    /// Share of rows on the wrong side of a threshold.
    Error {
        /// A prediction above it counts as positive; `None` is 0.5.
        threshold: Option<f32>,
    },
    /// Area under the receiver operating characteristic; one class against the rest where there are several.
    Auc,
    /// Share of rows whose most probable class is not the label.
    Merror,
    /// Mean negative log-likelihood of the label's class.
    Mlogloss,
    /// Mean negative log-likelihood of a Poisson count.
    PoissonNloglik,
}

/// A metric's name that is not one of [`Metric::NAMES`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown metric `{name}`, allowed are {}", Metric::NAMES.join(", "))]
pub struct UnknownMetric {
    /// What was asked for.
    pub name: String,
}

impl Metric {
    /// Every metric, `error` with its usual threshold.
    pub const ALL: &[Self] = &[
        Self::Rmse,
        Self::Mae,
        Self::Logloss,
        Self::Error { threshold: None },
        Self::Auc,
        Self::Merror,
        Self::Mlogloss,
        Self::PoissonNloglik,
    ];

    /// The names that [`FromStr`] takes; `error` may be followed by `@` and a threshold.
    pub const NAMES: &[&str] = &[
        "rmse",
        "mae",
        "logloss",
        "error",
        "error@t",
        "auc",
        "merror",
        "mlogloss",
        "poisson-nloglik",
    ];

    /// Whether a larger value is better.
    pub fn maximize(self) -> bool {
        matches!(self, Self::Auc)
    }

    /// Whether the metric can judge predictions of `n_groups` columns.
    pub fn accepts_groups(self, n_groups: usize) -> bool {
        match self {
            Self::Auc => true,
            Self::Merror | Self::Mlogloss => n_groups > 1,
            Self::Rmse | Self::Mae | Self::Logloss | Self::Error { .. } | Self::PoissonNloglik => {
                n_groups == 1
            }
        }
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Self, UnknownMetric> {
        let unknown = || UnknownMetric {
            name: name.to_owned(),
        };
        if let Some(threshold) = name.strip_prefix("error@") {
            let threshold = threshold
                .parse()
                .ok()
                .filter(|t: &f32| t.is_finite())
                .ok_or_else(unknown)?;
            return Ok(Self::Error {
                threshold: Some(threshold),
            });
        }
        let known = Self::ALL.iter().find(|metric| metric.to_string() == name);
        known.copied().ok_or_else(unknown)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rmse => f.write_str("rmse"),
            Self::Mae => f.write_str("mae"),
            Self::Logloss => f.write_str("logloss"),
            // XGBoost leaves the usual threshold out of the printed name, even where it was given.
            Self::Error { threshold } => {
                match threshold.filter(|&t| t != evaluate::ERROR_THRESHOLD) {
                    Some(threshold) => write!(f, "error@{threshold}"),
                    None => f.write_str("error"),
                }
            }
            Self::Auc => f.write_str("auc"),
            Self::Merror => f.write_str("merror"),
            Self::Mlogloss => f.write_str("mlogloss"),
            Self::PoissonNloglik => f.write_str("poisson-nloglik"),
        }
    }
}
