//! Why rows cannot be predicted: what the client is told, and what the log.

use engine::booster::PredictError;
use engine::dataset::DatasetError;

use super::side::SideError;

/// Why rows cannot be predicted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum RowsError {
    /// A row has too many features or too few.
    #[error("Feature size of {kind} inference data {found} is {} feature size of trained model {expected}.{}", relation(*is_sparse), advice(*found, *expected))]
    Width {
        /// The content type.
        kind: &'static str,
        /// Features of a row.
        found: usize,
        /// Features of the model.
        expected: usize,
        /// Whether rows list what they have.
        is_sparse: bool,
    },
    /// The model's categories are words, for which the content type has no place.
    #[error("the model has categories by name, which {kind} requests cannot bring; send text/csv")]
    Words {
        /// The content type.
        kind: &'static str,
    },
    /// What stands beside the features is not what it should be.
    #[error(transparent)]
    Side(#[from] SideError),
    /// The engine takes the rows for no table.
    #[error(transparent)]
    Table(#[from] DatasetError),
    /// The engine does not predict them.
    #[error(transparent)]
    Predict(#[from] PredictError),
}

fn relation(is_sparse: bool) -> &'static str {
    if is_sparse {
        "larger than"
    } else {
        "not consistent with"
    }
}

fn advice(found: usize, expected: usize) -> &'static str {
    if found == expected + 1 {
        " If one column is the label, leave it out."
    } else {
        ""
    }
}

impl RowsError {
    /// What a log may say.
    pub(super) fn for_log(&self) -> &'static str {
        match self {
            Self::Width { .. } => "rows of another width than the model's",
            Self::Words { .. } => "a content type without words for a model with words",
            Self::Side(SideError::NoColumn { .. }) => "rows without exposure or base margin",
            Self::Side(SideError::Value { .. }) => "an exposure or a base margin that is none",
            Self::Table(_) | Self::Predict(_) => "rows that the engine refuses",
        }
    }
}
