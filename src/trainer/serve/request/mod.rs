//! The bytes of a request become rows, by their content type.
//!
//! Invariant: one line or record in, one row out, in order, so that answers can be put beside what was asked. What is
//! refused is refused with the row, in the built-in container's words up to the reason.
//!
//! Source: sagemaker-xgboost-container `algorithm_mode/serve_utils.py`, `parse_content_data`; SageMaker developer guide,
//! "Common Data Formats for Inference", for JSON, which the built-in container does not take.

mod csv;
mod json;
mod libsvm;
mod recordio;

use contract::content_type::{ContentType, ContentTypeError};

use crate::data::csv::CsvProblem;
use crate::data::libsvm::LibsvmProblem;
use crate::data::number::shown;
use crate::data::recordio::RecordProblem;
use crate::data::recordio::frame::FrameProblem;

use super::rows::{RowProblem, Rows};
use super::words::Words;

/// What a request's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestType {
    Csv,
    Libsvm,
    RecordIoProtobuf,
    Json,
    JsonLines,
}

/// A content type that is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RequestTypeError {
    /// Nobody knows it.
    #[error(
        "{0} is not an accepted ContentType: csv, libsvm, recordio-protobuf, text/csv, text/libsvm, text/x-libsvm, application/x-recordio-protobuf, application/json, application/jsonlines."
    )]
    Unknown(String),
    /// Only training reads it.
    #[error("Content-type {0} is not supported.")]
    Parquet(String),
    /// A parameter that is not allowed.
    #[error(
        "{0} is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"
    )]
    LabelSize(String),
    /// Another parameter that is not allowed.
    #[error("{0}")]
    Parameter(String),
}

/// Why a request's bytes are no rows.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "Loading {kind} data failed with Exception, please ensure data is in {kind} format:\n {place}{problem}"
)]
pub(super) struct DecodeError {
    kind: &'static str,
    place: Spot,
    problem: Problem,
}

/// Where in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// All of it.
    Whole,
    /// A row, from 1.
    Row(usize),
    /// A cell, both from 1.
    Cell(usize, usize),
}

impl std::fmt::Display for Spot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Row(row) => write!(f, "row {row}: "),
            Self::Cell(row, column) => write!(f, "row {row}, column {column}: "),
        }
    }
}

/// What is wrong there.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum Problem {
    /// There is no row.
    #[error("there are no rows")]
    Empty,
    /// The first line holds names.
    #[error("text `{0}` where a number is expected: leave the header line out")]
    Header(String),
    /// A cell of CSV.
    #[error(transparent)]
    Csv(#[from] CsvProblem),
    /// A field of libsvm.
    #[error(transparent)]
    Libsvm(#[from] LibsvmProblem),
    /// The row does not go with the others.
    #[error(transparent)]
    Row(#[from] RowProblem),
    /// A record that cannot be read.
    #[error(transparent)]
    Record(#[from] RecordProblem),
    /// Bytes that are no frames.
    #[error(transparent)]
    Frame(#[from] FrameProblem),
    /// JSON that is something else.
    #[error("{0}")]
    Json(String),
    /// A number beyond 32 bits.
    #[error(
        "a number is infinite or beyond 32-bit floating point, allowed are finite numbers up to 3.4e38"
    )]
    Infinite,
}

impl Problem {
    /// What a log may say: the kind of it, and nothing that stood in the request.
    fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "no rows",
            Self::Header(_) => "a header",
            Self::Csv(_) => "a cell that is no number",
            Self::Libsvm(_) => "a field that is no pair",
            Self::Row(RowProblem::Ragged { .. }) => "rows of different widths",
            Self::Row(RowProblem::Repeated(_)) => "an index twice",
            Self::Record(_) | Self::Frame(_) => "a damaged record",
            Self::Json(_) => "JSON of another form",
            Self::Infinite => "a number beyond 32 bits",
        }
    }
}

impl DecodeError {
    /// What a log may say.
    pub(super) fn for_log(&self) -> String {
        format!("{}{} in {}", self.place, self.problem.kind(), self.kind)
    }
}

/// A problem and its place, before the content type is put to it.
type Found = (Spot, Problem);

impl RequestType {
    /// Reads a `Content-Type` header; without one a request is libsvm, as in the built-in container.
    ///
    /// # Errors
    /// [`RequestTypeError`] for a type that is not read.
    pub(super) fn from_header(header: Option<&str>) -> Result<Self, RequestTypeError> {
        let Some(header) = header else {
            return Ok(Self::Libsvm);
        };
        let media_type = header.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/json") {
            return Ok(Self::Json);
        }
        if media_type.eq_ignore_ascii_case("application/jsonlines") {
            return Ok(Self::JsonLines);
        }
        let said = || shown(header.as_bytes());
        match header.parse() {
            Ok(ContentType::Csv { label_size: _ }) => Ok(Self::Csv),
            Ok(ContentType::Libsvm) => Ok(Self::Libsvm),
            Ok(ContentType::RecordIoProtobuf) => Ok(Self::RecordIoProtobuf),
            Ok(ContentType::JsonLines) => Ok(Self::JsonLines),
            Ok(ContentType::Parquet) => Err(RequestTypeError::Parquet(said())),
            Err(ContentTypeError::Unknown(_)) => Err(RequestTypeError::Unknown(said())),
            Err(ContentTypeError::LabelSize(_)) => Err(RequestTypeError::LabelSize(said())),
            Err(err @ ContentTypeError::Parameter(..)) => {
                Err(RequestTypeError::Parameter(err.to_string()))
            }
        }
    }

    /// What messages call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Libsvm => "libsvm",
            Self::RecordIoProtobuf => "recordio-protobuf",
            Self::Json => "json",
            Self::JsonLines => "jsonlines",
        }
    }

    /// Reads a request, in which some columns may hold words.
    ///
    /// # Errors
    /// [`DecodeError`] with the row.
    pub(super) fn decode(self, body: &[u8], words: &Words) -> Result<Rows, DecodeError> {
        let rows = match self {
            Self::Csv => csv::decode(body, words),
            Self::Libsvm => libsvm::decode(body),
            Self::RecordIoProtobuf => recordio::decode(body),
            Self::Json => json::decode(body),
            Self::JsonLines => json::decode_lines(body),
        };
        rows.and_then(|rows| match rows.n_rows() {
            0 => Err((Spot::Whole, Problem::Empty)),
            _ => Ok(rows),
        })
        .map_err(|(place, problem)| DecodeError {
            kind: self.name(),
            place,
            problem,
        })
    }
}

/// Text without the blanks and line ends around it. A TAB may stand for an empty cell.
fn trimmed(mut text: &[u8]) -> &[u8] {
    text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let is_outer = |it: &u8| matches!(it, b' ' | b'\n' | b'\r');
    while let Some((_, rest)) = text.split_first().filter(|it| is_outer(it.0)) {
        text = rest;
    }
    while let Some((_, rest)) = text.split_last().filter(|it| is_outer(it.0)) {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_read_as_the_built_in_container_reads_them() {
        for (header, expected) in [
            (None, RequestType::Libsvm),
            (Some("text/csv"), RequestType::Csv),
            (Some("CSV"), RequestType::Csv),
            (
                Some("text/csv; label_size=1; charset=utf-8"),
                RequestType::Csv,
            ),
            (Some("text/x-libsvm"), RequestType::Libsvm),
            (
                Some("application/x-recordio-protobuf"),
                RequestType::RecordIoProtobuf,
            ),
            (Some("application/json; charset=utf-8"), RequestType::Json),
            (Some("application/jsonlines"), RequestType::JsonLines),
        ] {
            assert_eq!(RequestType::from_header(header), Ok(expected), "{header:?}");
        }
        for (header, expected) in [
            (
                "image/png",
                "image/png is not an accepted ContentType: csv, libsvm, ",
            ),
            ("", " is not an accepted ContentType: "),
            (
                "application/x-parquet",
                "Content-type application/x-parquet is not supported.",
            ),
            (
                "text/csv;label_size=2",
                "text/csv;label_size=2 is not an accepted csv ContentType. Optional parameter label_size must be equal to 1",
            ),
            ("a\r\nX: y", "a\u{fffd}\u{fffd}X: y is not an accepted"),
        ] {
            let told = RequestType::from_header(Some(header))
                .unwrap_err()
                .to_string();
            assert!(told.starts_with(expected), "{told}");
        }
    }

    #[test]
    fn what_stood_in_a_request_is_told_to_the_client_and_not_to_the_log() {
        let err = RequestType::Csv
            .decode(b"1,2\n3,secret\n", &Words::default())
            .unwrap_err();
        assert_eq!(
            err.to_string(),
            "Loading csv data failed with Exception, please ensure data is in csv format:\n row 2, column 2: text `secret` \
             where a number is expected"
        );
        assert_eq!(
            err.for_log(),
            "row 2, column 2: a cell that is no number in csv"
        );
    }

    #[test]
    fn a_request_of_nothing_but_line_ends_has_no_rows() {
        for kind in [
            RequestType::Csv,
            RequestType::Libsvm,
            RequestType::JsonLines,
        ] {
            let told = kind
                .decode(b"\n \r\n", &Words::default())
                .unwrap_err()
                .to_string();
            assert!(told.ends_with("there are no rows"), "{told}");
        }
    }
}
