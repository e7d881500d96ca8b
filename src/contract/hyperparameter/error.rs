//! Why hyperparameters were refused: every problem, in the words of the built-in algorithm where it has some.
//!
//! Invariant: each problem names the hyperparameter, its value and what is allowed.

use std::fmt;

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HyperparameterError {
    /// Required, and not there.
    #[error("Missing required hyperparameter: {name}")]
    Missing {
        /// The hyperparameter.
        name: &'static str,
    },
    /// No algorithm here knows the name.
    #[error("Extraneous hyperparameter found: {name}{}", did_you_mean(*nearest))]
    Unknown {
        /// The name.
        name: String,
        /// A known name that is close to it.
        nearest: Option<&'static str>,
    },
    /// The text is not of the kind that it should be.
    #[error("Hyperparameter {name}: could not parse value `{value}`, expected {expected}")]
    Kind {
        /// The hyperparameter.
        name: &'static str,
        /// The text.
        value: String,
        /// `an integer` or `a number`.
        expected: &'static str,
    },
    /// The value is not one of those allowed.
    #[error("Hyperparameter {name}: {value} is not in {allowed}{}", did_you_mean(*nearest))]
    Range {
        /// The hyperparameter.
        name: &'static str,
        /// The value.
        value: String,
        /// An interval or a list.
        allowed: String,
        /// A choice that is close to it.
        nearest: Option<&'static str>,
    },
    /// The built-in algorithm takes the value, this version does not.
    #[error("Hyperparameter {name}: `{value}` is not supported; {instead}")]
    Unsupported {
        /// The hyperparameter.
        name: String,
        /// The value.
        value: String,
        /// Why, and what to do instead.
        instead: String,
    },
    /// Given under two names, with two values.
    #[error(
        "Hyperparameter {name}: given twice, as `{first}` and as `{second}` with another value"
    )]
    Twice {
        /// The hyperparameter.
        name: &'static str,
        /// One spelling.
        first: String,
        /// The other.
        second: String,
    },
    /// Does not go together with another hyperparameter.
    #[error("{message}")]
    Rule {
        /// The hyperparameter to change.
        name: &'static str,
        /// What does not go together.
        message: String,
    },
}

/// Why a row's setter does not take an allowed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The part of the value that is refused; `None` for all of it.
    pub(super) part: Option<String>,
    /// Why, and what to do instead; or a whole message of the built-in algorithm.
    pub(super) why: Why,
}

/// How a refusal reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Becomes [`HyperparameterError::Unsupported`].
    Instead(String),
    /// Becomes [`HyperparameterError::Rule`].
    Message(String),
}

impl Refusal {
    pub(super) fn instead(part: &str, why: impl Into<String>) -> Self {
        Self {
            part: Some(part.to_owned()),
            why: Why::Instead(why.into()),
        }
    }

    pub(super) fn message(message: impl Into<String>) -> Self {
        Self {
            part: None,
            why: Why::Message(message.into()),
        }
    }

    pub(super) fn of(self, name: &'static str, value: &str) -> HyperparameterError {
        match self.why {
            Why::Message(message) => HyperparameterError::Rule { name, message },
            Why::Instead(instead) => HyperparameterError::Unsupported {
                name: name.to_owned(),
                value: self.part.unwrap_or_else(|| value.to_owned()),
                instead,
            },
        }
    }
}

impl HyperparameterError {
    /// The hyperparameter that has to change, as the user spelled it where the name is not known.
    pub fn name(&self) -> &str {
        match self {
            Self::Missing { name }
            | Self::Kind { name, .. }
            | Self::Range { name, .. }
            | Self::Twice { name, .. }
            | Self::Rule { name, .. } => name,
            Self::Unknown { name, .. } | Self::Unsupported { name, .. } => name,
        }
    }
}

/// All problems of a set of hyperparameters; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HyperparameterErrors(pub(super) Vec<HyperparameterError>);

impl HyperparameterErrors {
    /// Every problem, in the order of the names.
    pub fn problems(&self) -> &[HyperparameterError] {
        &self.0
    }
}

impl fmt::Display for HyperparameterErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut problems = self.0.iter();
        if let Some(first) = problems.next() {
            write!(f, "{first}")?;
        }
        match problems.len() {
            0 => Ok(()),
            1 => f.write_str(" (and 1 more problem)"),
            n_more => write!(f, " (and {n_more} more problems)"),
        }
    }
}

impl std::error::Error for HyperparameterErrors {}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest
        .map(|it| format!("; did you mean `{it}`?"))
        .unwrap_or_default()
}
