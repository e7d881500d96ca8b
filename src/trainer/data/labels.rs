//! What a label and a weight may be, asked where they are read, so that a refusal can name the line.

use engine::objective::{LabelError, ObjectiveName};

/// The labels that the job's objective can learn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelRule {
    /// The objective.
    pub objective: ObjectiveName,
    /// Classes, for the `multi:` objectives; 0 else.
    pub num_class: u32,
}

impl LabelRule {
    /// Checks one label.
    ///
    /// # Errors
    /// [`LabelError`], which says what is allowed.
    pub fn check(self, label: f32) -> Result<(), LabelError> {
        self.objective.check_label(label, self.num_class)
    }
}

/// Whether a row may have this weight: XGBoost takes finite numbers from 0.
pub fn is_weight(weight: f32) -> bool {
    weight.is_finite() && weight >= 0.0
}
