//! The objectives' names, and the labels that each can learn from.

use std::fmt;
use std::str::FromStr;

use super::ObjectiveName;
use super::loss::Task;

/// The name that `reg:squarederror` had first.
const OLD_NAME: &str = "reg:linear";

/// An objective's name that is not one of [`ObjectiveName::ALL`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown objective `{name}`, allowed are {}", ObjectiveName::NAMES.join(", "))]
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
    /// What is predicted.
    pub fn task(self) -> Task {
        self.facts().task
    }

    /// Whether there is one tree a class in each round.
    pub fn is_multiclass(self) -> bool {
        self.task() == Task::Classes
    }

    /// Whether classes are told apart: `reg:logistic` does so too.
    pub fn classifies(self) -> bool {
        match self.task() {
            Task::Binary | Task::Classes => true,
            Task::Number | Task::Time | Task::Ranking => self == Self::RegLogistic,
        }
    }

    /// Checks a label against what the objective can learn from; `num_class` only matters to the `multi:` ones.
    ///
    /// # Errors
    /// [`LabelError`], which says what is allowed.
    pub fn check_label(self, label: f32, num_class: u32) -> Result<(), LabelError> {
        if self.takes(label, num_class) {
            return Ok(());
        }
        let allowed = self.allowed(num_class);
        Err(LabelError { label, allowed })
    }
}

impl FromStr for ObjectiveName {
    type Err = UnknownObjective;

    fn from_str(name: &str) -> Result<Self, UnknownObjective> {
        if name == OLD_NAME {
            return Ok(Self::RegSquaredError);
        }
        let known = Self::ALL.iter().find(|it| it.as_str() == name);
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
