//! What can be wrong with a channel's bytes, always with the place where it is wrong.
//!
//! Invariant: whoever reads one of these messages can open the file at that line. Each format has its own enum of
//! problems beside its reader; here they only get their place.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::content_type::ContentType;
use engine::dataset::DatasetError;
use engine::tree::MAX_CATEGORIES;

use super::csv::CsvProblem;
use super::delimiter::DelimiterError;
use super::json_lines::JsonProblem;
use super::libsvm::LibsvmProblem;
use super::parquet::{ParquetPlace, ParquetProblem};
use super::recordio::frame::FrameProblem;
use super::recordio::{RecordPlace, RecordProblem};
use crate::store::StoreError;

/// What a Parquet file is called among text.
pub(super) const PARQUET: &str = "a Parquet file";

/// What a `RecordIO` file is called among text.
pub(super) const RECORD_IO: &str = "a RecordIO file";

/// A spot in an input file; lines and columns count from 1, and the label's column is 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as channel name and path below the channel.
    pub object: Arc<str>,
    /// The line in the file.
    pub line: u64,
    /// The cell in the line, where one cell is to blame.
    pub column: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.object, self.line)?;
        match self.column {
            Some(column) => write!(f, ", column {column}"),
            None => Ok(()),
        }
    }
}

/// What the rows of an object are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Lines of text.
    Line,
    /// Records of `RecordIO`.
    Record,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line => "line",
            Self::Record => "record",
        })
    }
}

/// A line or record of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPlace {
    /// The object, as channel name and path below the channel.
    pub object: Arc<str>,
    /// What is counted.
    pub unit: Unit,
    /// Its number, from 1.
    pub number: u64,
}

impl RowPlace {
    pub(super) fn first_line(object: &Arc<str>) -> Self {
        Self {
            object: Arc::clone(object),
            unit: Unit::Line,
            number: 1,
        }
    }
}

impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} {}", self.object, self.unit, self.number)
    }
}

/// Why a channel could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or folder could not be opened, listed or read.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// S3 gave no bytes, or not those that it had listed.
    #[error(transparent)]
    Store(StoreError),
    /// A symbolic link leads to nothing.
    #[error("`{}` is a link to nothing", path.display())]
    DanglingLink {
        /// The link.
        path: PathBuf,
    },
    /// A symbolic link leads out of its channel.
    #[error("`{}` links to `{}`, outside of its channel", path.display(), target.display())]
    OutsideLink {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// A symbolic link leads to a folder that holds it.
    #[error("`{}` links to a folder above itself, so the channel has no end", path.display())]
    LinkLoop {
        /// The link.
        path: PathBuf,
    },
    /// A pipe, socket or device lies in the channel.
    #[error("`{}` is neither a file nor a folder", path.display())]
    NotAFile {
        /// The strange thing.
        path: PathBuf,
    },
    /// The first bytes are those of another format.
    #[error("{object} is {found}, expected plain UTF-8 text")]
    Foreign {
        /// The file.
        object: Arc<str>,
        /// What it is, with an article.
        found: &'static str,
    },
    /// A line has no end for longer than a line can be.
    #[error(
        "{place}: the line does not end within {limit_mib} MiB; a quote may have been left open"
    )]
    EndlessLine {
        /// Where the line starts.
        place: Place,
        /// The longest line that is read.
        limit_mib: usize,
    },
    /// Nothing separates the cells of a CSV file's first line.
    #[error("{place}: {source}")]
    Delimiter {
        /// The line that was looked at.
        place: Place,
        /// Why there is no delimiter.
        source: DelimiterError,
    },
    /// A CSV line does not fit.
    #[error("{place}: {problem}")]
    Csv {
        /// The line and, where one is to blame, the cell.
        place: Place,
        /// What is wrong there.
        problem: CsvProblem,
    },
    /// A libsvm line does not fit.
    #[error("{place}: {problem}")]
    Libsvm {
        /// The line.
        place: Place,
        /// What is wrong there.
        problem: LibsvmProblem,
    },
    /// A Parquet file does not fit.
    #[error("{place}: {problem}")]
    Parquet {
        /// The file and, where they are to blame, rows and column.
        place: Box<ParquetPlace>,
        /// What is wrong there.
        problem: ParquetProblem,
    },
    /// A compressed object cannot be decompressed to its end.
    #[error("{place}: the {encoding} stream cannot be read on, {problem}")]
    Compressed {
        /// The line or record that was to come next.
        place: RowPlace,
        /// How it is compressed.
        encoding: &'static str,
        /// Why not.
        problem: String,
    },
    /// The frames of records do not fit.
    #[error("{place}: {problem}")]
    Frame {
        /// The record.
        place: RowPlace,
        /// What is wrong there.
        problem: FrameProblem,
    },
    /// A record is no row.
    #[error("{place}: {problem}")]
    Record {
        /// The record and, where one is to blame, the column.
        place: RecordPlace,
        /// What is wrong there.
        problem: RecordProblem,
    },
    /// A line of JSON does not fit.
    #[error("{place}: {problem}")]
    JsonLine {
        /// The line and, where one is to blame, the column.
        place: Place,
        /// What is wrong there.
        problem: JsonProblem,
    },
    /// The content type cannot come through a pipe.
    #[error(
        "channel `{channel}` is {content_type} in Pipe mode, which cannot be read, since what the file holds is told at \
         its end; allowed are File and FastFile"
    )]
    Piped {
        /// The channel.
        channel: String,
        /// Its content type.
        content_type: ContentType,
    },
    /// More rows were left out than are left.
    #[error(
        "channel `{channel}`: {n_skipped} rows do not fit and {n_rows} do; the first that does not: {first}"
    )]
    MostlyBad {
        /// The channel.
        channel: String,
        /// Rows that were left out.
        n_skipped: u64,
        /// Rows that were read.
        n_rows: u64,
        /// What is wrong with the first.
        first: String,
    },
    /// The rows of a query are not adjacent.
    #[error(
        "{object}, row {row}: query {id} was there before other queries; the rows of a query must be adjacent"
    )]
    SplitQuery {
        /// The file.
        object: String,
        /// The row in it, from 1.
        row: u64,
        /// The query.
        id: u64,
    },
    /// A value of a feature of categories is no code of one.
    #[error(
        "{object}, row {row}: feature {feature} is `{value}`, which is no category; allowed are whole numbers from 0 to {} and \
         missing values",
        MAX_CATEGORIES - 1
    )]
    Category {
        /// The file.
        object: String,
        /// The row in it, from 1.
        row: u64,
        /// The feature, from 0.
        feature: usize,
        /// The value, or the word.
        value: String,
    },
    /// The rows do not make one table.
    #[error("the rows of channel `{channel}` do not make one table: {source}")]
    Table {
        /// The channel.
        channel: String,
        /// What the dataset said.
        source: DatasetError,
    },
}

impl DataError {
    /// Why the file at `path` could not be read: the operating system's reason, or S3's.
    pub(crate) fn of_io(path: &Path, source: io::Error) -> Self {
        match source.downcast() {
            Ok(err) => Self::Store(err),
            Err(source) => Self::Io {
                path: path.to_owned(),
                source,
            },
        }
    }

    /// What to do about it, where that is not plain from the message.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(err) => err.hint(),
            Self::Csv { problem, .. } => problem.hint(),
            Self::Libsvm { problem, .. } => problem.hint(),
            Self::Parquet { problem, .. } => problem.hint(),
            Self::Record { problem, .. } => problem.hint(),
            Self::JsonLine { problem, .. } => problem.hint(),
            Self::Foreign { found, .. } if *found == PARQUET => {
                Some("give the channel the content type application/x-parquet".to_owned())
            }
            Self::Foreign { found, .. } if *found == RECORD_IO => Some(
                "give the channel the content type application/x-recordio-protobuf".to_owned(),
            ),
            Self::Frame {
                problem: FrameProblem::Magic { .. },
                ..
            } => Some(
                "give the channel the content type of its objects, and its record wrapper type only in Pipe mode"
                    .to_owned(),
            ),
            Self::MostlyBad { .. } => Some(
                "on_bad_row is `skip`, which leaves out rows up to half of a channel".to_owned(),
            ),
            Self::Foreign { .. } => Some(
                "decompress or convert the files, and give the channel its content type".to_owned(),
            ),
            Self::OutsideLink { .. } | Self::DanglingLink { .. } | Self::LinkLoop { .. } => {
                Some("put the files themselves into the channel".to_owned())
            }
            Self::Delimiter { .. } => Some(
                "the label comes first, then at least one feature, with commas between them"
                    .to_owned(),
            ),
            Self::SplitQuery { .. } => Some(
                "sort the rows by query; a query that lies in several files must end one and begin the next, and must not be \
                 cut by sharding, which gives hosts whole files"
                    .to_owned(),
            ),
            Self::Category { .. } => Some(
                "`categorical_features` names it, counted from 0 without label and weight; a category that is missing is an empty \
                 cell, and a quantity is no category"
                    .to_owned(),
            ),
            Self::Io { .. }
            | Self::NotAFile { .. }
            | Self::EndlessLine { .. }
            | Self::Compressed { .. }
            | Self::Frame { .. }
            | Self::Piped { .. }
            | Self::Table { .. } => None,
        }
    }
}
