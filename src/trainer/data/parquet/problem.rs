//! What can be wrong with a Parquet file, and how its places are told.
//!
//! Invariant: rows, row groups and columns count from 1 in messages, rows from the start of the file and columns as they
//! lie in it, the label first.

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use engine::objective::LabelError;
use parquet::errors::ParquetError;

use super::super::error::DataError;
use super::super::number::shown;
use super::super::rows::NoFeature;
use super::super::side::SideProblem;
use super::source::{ReadFailed, Source};
use crate::store::StoreError;

/// The most columns that are read: as many as libsvm can number.
pub const MAX_COLUMNS: usize = 1 << 20;

/// Why a Parquet file was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParquetProblem {
    /// The first bytes are not Parquet's.
    #[error("this is not a Parquet file, it does not start with `PAR1`")]
    NotParquet,
    /// The last bytes are not Parquet's.
    #[error("the file is cut short: it starts like Parquet but does not end with `PAR1`")]
    CutShort,
    /// Footer or columns are encrypted.
    #[error("the file is encrypted, which this version does not read")]
    Encrypted,
    /// The footer does not describe a table.
    #[error("the footer is damaged: {0}")]
    Footer(String),
    /// There is no room for a feature.
    #[error(transparent)]
    NoFeature(#[from] NoFeature),
    /// There are more columns than a model can have.
    #[error("{0} columns, allowed are up to {MAX_COLUMNS}")]
    TooManyColumns(usize),
    /// A row holds a list, a map or a struct there.
    #[error("the column is nested or repeated, expected one number in a row")]
    Nested,
    /// The column holds neither numbers nor, as a feature, text.
    #[error("the column holds {0}, expected numbers")]
    Type(String),
    /// Nothing here unpacks the column.
    #[error("the column is compressed with {0}; allowed are SNAPPY, GZIP, ZSTD, LZ4 and none")]
    Compression(String),
    /// The file has more or fewer columns than the first one.
    #[error("{found} columns, expected {expected} as in {fixed_by}")]
    Width {
        /// Columns of this file.
        found: usize,
        /// Columns of the first file.
        expected: usize,
        /// The first file.
        fixed_by: Arc<str>,
    },
    /// The column is another one in the first file.
    #[error("the column holds {found}, expected `{name}` with {expected} as in {fixed_by}")]
    Differs {
        /// The type here.
        found: String,
        /// The name in the first file.
        name: String,
        /// The type in the first file.
        expected: String,
        /// The first file.
        fixed_by: Arc<str>,
    },
    /// The footer contradicts itself.
    #[error("the row group has {rows} rows, but the column has {values} values")]
    Counts {
        /// Rows of the row group.
        rows: i64,
        /// Values of the column.
        values: i64,
    },
    /// The pages hold fewer rows than the footer says.
    #[error("the column ends after {found} of {expected} rows")]
    Ended {
        /// Rows that are there.
        found: u64,
        /// Rows of the row group.
        expected: u64,
    },
    /// The pages cannot be decoded.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// The label is null or NaN.
    #[error("the label is missing, every row needs one")]
    NoLabel,
    /// The objective cannot learn from the label.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// The weight cannot be one.
    #[error("weight `{0}` is not allowed, allowed are finite numbers from 0")]
    Weight(f32),
    /// A column beside the features is not what it should be.
    #[error(transparent)]
    Side(#[from] SideProblem),
    /// The feature is infinite, or too large for 32 bits.
    #[error(
        "`{0}` is infinite or beyond 32-bit floating point, allowed are finite numbers below 3.4e38"
    )]
    TooLarge(f32),
}

impl ParquetProblem {
    /// What to do about it, where that is not plain.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotParquet => {
                "check the channel's content type, and that only Parquet files lie under its prefix"
            }
            Self::CutShort | Self::Footer(_) | Self::Damaged(_) | Self::Ended { .. } => {
                "write or upload the file again"
            }
            Self::Encrypted => "write the file without Parquet's encryption; S3 can encrypt it",
            Self::Nested => "give each element a column of its own",
            Self::Type(_) => {
                "encode dates and times as numbers such as hour, weekday or days since a date, \
                 or leave the column out"
            }
            Self::Compression(_) => "write the file with compression snappy or zstd",
            Self::Width { .. } | Self::Differs { .. } => {
                "all files of a channel have the same columns, with the same names and types, in the same order"
            }
            Self::Weight(_) | Self::NoFeature(NoFeature { weighted: true, .. }) => {
                "csv_weights is 1, so the second column holds weights"
            }
            Self::Side(_)
            | Self::NoFeature(_)
            | Self::TooManyColumns(_)
            | Self::Counts { .. }
            | Self::NoLabel
            | Self::Label(_)
            | Self::TooLarge(_) => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether one cell is to blame, rather than the column of a row group.
    pub(super) fn is_of_cell(&self) -> bool {
        match self {
            Self::Side(problem) => problem.is_of_cell(),
            _ => matches!(
                self,
                Self::NoLabel | Self::Label(_) | Self::Weight(_) | Self::TooLarge(_)
            ),
        }
    }
}

/// Which rows of a file are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// All.
    File,
    /// Those of a row group, from 0.
    Group(usize),
    /// One, from 0 at the start of the file.
    One(u64),
}

/// A spot in a Parquet file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParquetPlace {
    /// The file, as channel name and path below the channel.
    pub object: Arc<str>,
    /// The rows.
    pub rows: Rows,
    /// Number, from 0, and name of the column, where one is to blame.
    pub column: Option<(usize, String)>,
}

impl ParquetPlace {
    /// The whole file.
    pub(super) fn file(object: &Arc<str>) -> Self {
        Self {
            object: Arc::clone(object),
            rows: Rows::File,
            column: None,
        }
    }

    pub(super) fn in_rows(self, rows: Rows) -> Self {
        Self { rows, ..self }
    }

    pub(super) fn in_column(self, idx: usize, name: &str) -> Self {
        let column = Some((idx, name.to_owned()));
        Self { column, ..self }
    }

    /// The error of this place where the library gave up.
    pub(super) fn damaged(self, source: &Source, err: ParquetError) -> DataError {
        failed(source, err, |text| {
            self.refuse(ParquetProblem::Damaged(text))
        })
    }

    /// The error of this place.
    pub(super) fn refuse(self, problem: ParquetProblem) -> DataError {
        DataError::Parquet {
            place: Box::new(self),
            problem,
        }
    }
}

impl fmt::Display for ParquetPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.object)?;
        match self.rows {
            Rows::File => {}
            Rows::Group(idx) => write!(f, ", row group {}", idx + 1)?,
            Rows::One(row) => write!(f, ", row {}", row + 1)?,
        }
        match &self.column {
            Some((idx, name)) => write!(f, ", column {} (`{}`)", idx + 1, shown(name.as_bytes())),
            None => Ok(()),
        }
    }
}

/// Calls the library, of which a part may panic on bytes that nobody wrote.
pub(super) fn guarded<T>(
    work: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, ParquetError> {
    // After a panic nothing of the file is looked at again.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|payload| Err(ParquetError::General(panic_text(&*payload))))
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("the reader gave up").to_owned()
}

/// What the library says, without its own prefix.
pub(super) fn text_of(err: &ParquetError) -> String {
    match err {
        ParquetError::General(text) | ParquetError::EOF(text) | ParquetError::NYI(text) => {
            shown_line(text)
        }
        other => shown_line(&other.to_string()),
    }
}

/// A library's message on one line, with room for the rest of the failure file.
fn shown_line(text: &str) -> String {
    const MAX_CHARS: usize = 200;
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(MAX_CHARS).collect()
}

fn is_of_store(err: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    err.is::<StoreError>()
}

/// Tells a disk that fails from a file that is damaged.
pub(super) fn failed(
    source: &Source,
    err: ParquetError,
    problem: impl FnOnce(String) -> DataError,
) -> DataError {
    let ParquetError::External(inner) = err else {
        return problem(text_of(&err));
    };
    match inner.downcast::<ReadFailed>() {
        Ok(failed) => DataError::of_io(source.path(), failed.0),
        Err(other) => match other.downcast::<io::Error>() {
            // A page's header could not be read from S3.
            Ok(err) if err.get_ref().is_some_and(is_of_store) => {
                DataError::of_io(source.path(), *err)
            }
            Ok(err) => problem(shown_line(&err.to_string())),
            Err(other) => problem(shown_line(&other.to_string())),
        },
    }
}
