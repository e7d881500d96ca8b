//! The objectives' names, and the labels that each can learn from.

use std::fmt;
use std::str::FromStr;

use crate::metric::Metric;

/// An objective by name.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum ObjectiveName {
    /// `reg:squarederror`: half the squared difference.
    RegSquaredError,
    /// `reg:logistic`: logistic regression on labels in `[0, 1]`, judged by rmse.
    RegLogistic,
    /// `binary:logistic`: logistic regression for two classes, judged by logloss.
    BinaryLogistic,
    /// `count:poisson`: counts, with a logarithmic link.
    CountPoisson,
    /// `multi:softmax`: several classes, predicts the class.
    MultiSoftmax,
    /// `multi:softprob`: several classes, predicts each one's probability.
    MultiSoftprob,
}

/// An objective's name that is not one of [`ObjectiveName::ALL`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown objective `{name}`, allowed are {}", allowed_names())]
pub struct UnknownObjective {
    /// What was asked for.
    pub name: String,
}

/// A label that an objective cannot learn from; the text is XGBoost's where XGBoost has one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{allowed}, got `{label}`")]
pub struct LabelError {
    /// The label.
    pub label: f32,
    /// What is allowed, as a sentence.
    pub allowed: String,
}

impl ObjectiveName {
    /// Every objective.
    pub const ALL: &[Self] = &[
        Self::RegSquaredError,
        Self::RegLogistic,
        Self::BinaryLogistic,
        Self::CountPoisson,
        Self::MultiSoftmax,
        Self::MultiSoftprob,
    ];

    /// XGBoost's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RegSquaredError => "reg:squarederror",
            Self::RegLogistic => "reg:logistic",
            Self::BinaryLogistic => "binary:logistic",
            Self::CountPoisson => "count:poisson",
            Self::MultiSoftmax => "multi:softmax",
            Self::MultiSoftprob => "multi:softprob",
        }
    }

    /// What judges the objective where the user names no metric.
    pub fn default_metric(self) -> Metric {
        match self {
            Self::RegSquaredError | Self::RegLogistic => Metric::Rmse,
            Self::BinaryLogistic => Metric::Logloss,
            Self::CountPoisson => Metric::PoissonNloglik,
            Self::MultiSoftmax | Self::MultiSoftprob => Metric::Mlogloss,
        }
    }

    /// Whether there is one tree a class in each round.
    pub fn is_multiclass(self) -> bool {
        matches!(self, Self::MultiSoftmax | Self::MultiSoftprob)
    }

    /// Checks a label against what the objective can learn from; `num_class` only matters to the `multi:` ones.
    ///
    /// # Errors
    /// [`LabelError`], which says what is allowed.
    pub fn check_label(self, label: f32, num_class: u32) -> Result<(), LabelError> {
        let (fits, allowed) = match self {
            Self::RegSquaredError => (
                label.is_finite(),
                "label must be a finite number".to_owned(),
            ),
            Self::RegLogistic | Self::BinaryLogistic => (
                (0.0..=1.0).contains(&label),
                "label must be in [0,1] for logistic regression".to_owned(),
            ),
            Self::CountPoisson => (
                label >= 0.0 && label.is_finite(),
                "PoissonRegression: label must be nonnegative".to_owned(),
            ),
            Self::MultiSoftmax | Self::MultiSoftprob => {
                let fits = label >= 0.0 && label < num_class as f32 && label.fract() == 0.0;
                let allowed = format!(
                    "SoftmaxMultiClassObj: label must be in [0, num_class), a whole number below {num_class}"
                );
                (fits, allowed)
            }
        };
        if fits {
            Ok(())
        } else {
            Err(LabelError { label, allowed })
        }
    }
}

impl FromStr for ObjectiveName {
    type Err = UnknownObjective;

    fn from_str(name: &str) -> Result<Self, UnknownObjective> {
        if name == "reg:linear" {
            return Ok(Self::RegSquaredError);
        }
        let known = Self::ALL
            .iter()
            .find(|objective| objective.as_str() == name);
        known.copied().ok_or_else(|| UnknownObjective {
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for ObjectiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn allowed_names() -> String {
    let names: Vec<_> = ObjectiveName::ALL
        .iter()
        .map(|name| name.as_str())
        .collect();
    names.join(", ")
}
