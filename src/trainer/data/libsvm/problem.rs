//! What can be wrong with a line of a libsvm file.

use engine::objective::LabelError;

use super::super::number::NumberError;
use super::super::side::SideProblem;
use super::MAX_INDEX;

/// Why a line of a libsvm file was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LibsvmProblem {
    /// The first field is not a number.
    #[error("label `{0}` is not a number, a line reads `label index:value index:value ...`")]
    Label(String),
    /// The first line looks like CSV.
    #[error("First line '{0}' is not 'LIBSVM' format, it looks like CSV")]
    Csv(String),
    /// The objective cannot learn from the label.
    #[error(transparent)]
    LabelValue(#[from] LabelError),
    /// The weight behind the label cannot be one.
    #[error("weight `{0}` is not allowed, allowed are finite numbers from 0")]
    Weight(String),
    /// Some rows have a weight and others have none.
    #[error("the row has {} weight, while the first row of the channel has {}", if *.expected { "no" } else { "a" }, if *.expected { "one" } else { "none" })]
    MixedWeights {
        /// Whether the first row has one.
        expected: bool,
    },
    /// What stands beside the features is not what it should be.
    #[error(transparent)]
    Side(#[from] SideProblem),
    /// The query id is not a whole number.
    #[error("`{0}` is not a query, expected `qid:` and a whole number")]
    Query(String),
    /// A field is not a pair.
    #[error("`{0}` is not a pair, expected `index:value`")]
    Pair(String),
    /// The index cannot be a column.
    #[error(
        "index `{index}` in `{pair}` is not a column, allowed are whole numbers from 0 to {MAX_INDEX}"
    )]
    Index {
        /// What stands before the colon.
        index: String,
        /// The whole field.
        pair: String,
    },
    /// The value is not a finite number.
    #[error("{source} (in `{pair}`)")]
    Value {
        /// The whole field.
        pair: String,
        /// What is wrong with its second half.
        source: NumberError,
    },
    /// An index is not above the one before.
    #[error("index {next} comes after {previous}, indexes must ascend and be there once")]
    Order {
        /// The index before.
        previous: u32,
        /// The index that is not above it.
        next: u32,
    },
}

impl LibsvmProblem {
    /// What to do about it, where that is not plain.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Csv(_) => "set the channel's content type to text/csv",
            Self::MixedWeights { .. } => "write `label:weight` on every line, or on none",
            Self::Side(SideProblem::MixedQueries { .. }) => {
                "write `qid:` behind the label on every line, or on none"
            }
            Self::Side(_)
            | Self::Label(_)
            | Self::LabelValue(_)
            | Self::Weight(_)
            | Self::Query(_)
            | Self::Pair(_)
            | Self::Index { .. }
            | Self::Value { .. }
            | Self::Order { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
