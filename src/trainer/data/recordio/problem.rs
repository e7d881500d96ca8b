//! What can be wrong with a record, and how its place is told.

use std::fmt;

use super::super::error::RowPlace;
use super::super::row_layout::RowProblem;

/// A spot in a channel of records; records and columns count from 1, and the label's column is 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPlace {
    /// The record.
    pub row: RowPlace,
    /// The number in it, where one is to blame.
    pub column: Option<u64>,
}

impl fmt::Display for RecordPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.row.fmt(f)?;
        match self.column {
            Some(column) => write!(f, ", column {column}"),
            None => Ok(()),
        }
    }
}

/// Why a record was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RecordProblem {
    /// The bytes are no protobuf.
    #[error("this is not aialgs.data.Record: {0}")]
    Protobuf(&'static str),
    /// Numbers are expected.
    #[error("the {of} hold bytes, allowed are float32, float64 and int32 tensors")]
    Bytes {
        /// Features or labels.
        of: &'static str,
    },
    /// What is read stands under another name.
    #[error("the {of} have the name `{name}`, expected `values`")]
    Name {
        /// Features or labels.
        of: &'static str,
        /// The name.
        name: String,
    },
    /// Nothing says how wide rows are.
    #[error(
        "the first record has neither features nor a shape; one of them must say how many columns there are"
    )]
    NoWidth,
    /// The label is not one number.
    #[error("the label has {0} numbers, expected one")]
    Labels(usize),
    /// The row is wider or narrower than the first one.
    #[error("{found} features, expected {expected} as in {fixed_by}")]
    Ragged {
        /// Features of this record.
        found: u64,
        /// Features of the first.
        expected: u64,
        /// The first.
        fixed_by: RowPlace,
    },
    /// The record is dense and the first is sparse, or the other way round.
    #[error("the record is {}, while {fixed_by} is {}", form(*is_sparse), form(!*is_sparse))]
    Mixed {
        /// Whether this one is sparse.
        is_sparse: bool,
        /// The first.
        fixed_by: RowPlace,
    },
    /// The shape asks for another number of values.
    #[error("{found} values for a shape of {expected}")]
    Shape {
        /// Values.
        found: usize,
        /// What the dimensions make.
        expected: u64,
    },
    /// Keys and values do not go together.
    #[error("{keys} keys for {values} values")]
    Keys {
        /// Keys.
        keys: usize,
        /// Values.
        values: usize,
    },
    /// A key is not a column.
    #[error("key {key} is not a column, allowed are whole numbers from 0 to {last}")]
    Key {
        /// The key.
        key: u64,
        /// The last column.
        last: u64,
    },
    /// A key is there twice.
    #[error("key {0} is there twice")]
    Repeated(u64),
    /// Sparse records have no place for it.
    #[error("Hyperparameter {0}: sparse records have no column for it")]
    NoColumn(&'static str),
    /// The cells do not fit.
    #[error(transparent)]
    Row(#[from] RowProblem),
}

fn form(is_sparse: bool) -> &'static str {
    if is_sparse { "sparse" } else { "dense" }
}

impl RecordProblem {
    /// What to do about it, where that is not plain.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Row(problem) => return problem.hint(),
            Self::Ragged { .. } | Self::Mixed { .. } => {
                "all records of a channel have the same columns, and keys on every record or on none"
            }
            Self::NoColumn(_) => {
                "write dense records, in which columns are numbered from 0 for the label"
            }
            Self::Protobuf(_)
            | Self::Bytes { .. }
            | Self::Name { .. }
            | Self::NoWidth
            | Self::Labels(_)
            | Self::Shape { .. }
            | Self::Keys { .. }
            | Self::Key { .. }
            | Self::Repeated(_) => return None,
        };
        Some(hint.to_owned())
    }
}
