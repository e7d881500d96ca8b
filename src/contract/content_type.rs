//! What a channel's bytes are: `text/csv`, `text/libsvm` and the other content types of the built-in algorithm, and
//! `application/jsonlines`, which SageMaker's other algorithms read.
//!
//! The built-in algorithm compares the type literally, so that `text/csv;label_size=1` and `text/csv; charset=utf-8` are
//! refused there for training. Here parameters are read: `label_size` must be 1, `charset` must be UTF-8 or ASCII.
//!
//! Source: sagemaker-xgboost-container, `get_content_type`.

use std::fmt;
use std::str::FromStr;

/// The spellings that the built-in algorithm takes, and those of JSON Lines, which it does not; messages list them.
const ACCEPTED: &str = "csv, libsvm, parquet, recordio-protobuf, text/csv, text/libsvm, text/x-libsvm, \
                        application/x-parquet, application/x-recordio-protobuf, jsonlines, application/jsonlines";

/// How to read the bytes of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentType {
    /// Comma-separated values without a header, label first.
    Csv {
        /// How many leading columns are labels; always 1.
        label_size: u32,
    },
    /// `label index:value ...`.
    Libsvm,
    /// Apache Parquet, label in the first column.
    Parquet,
    /// `RecordIO` frames of `aialgs.data.Record`.
    RecordIoProtobuf,
    /// A JSON array or object a line.
    JsonLines,
}

impl ContentType {
    /// What a channel without a content type is, as in the built-in algorithm.
    pub const DEFAULT: Self = Self::Libsvm;

    /// The media type, without parameters.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv { .. } => "text/csv",
            Self::Libsvm => "text/libsvm",
            Self::Parquet => "application/x-parquet",
            Self::RecordIoProtobuf => "application/x-recordio-protobuf",
            Self::JsonLines => "application/jsonlines",
        }
    }
}

/// A content type that no reader takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentTypeError {
    /// Another media type.
    #[error("`{0}` is not an accepted ContentType: {ACCEPTED}")]
    Unknown(String),
    /// `label_size` is not 1.
    #[error(
        "`{0}` is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"
    )]
    LabelSize(String),
    /// A parameter that is not `name=value`, or is there twice, or is not known.
    #[error(
        "`{0}` is not an accepted ContentType: parameter `{1}`, allowed is `label_size=1` or `charset=utf-8`"
    )]
    Parameter(String, String),
}

impl FromStr for ContentType {
    type Err = ContentTypeError;

    fn from_str(s: &str) -> Result<Self, ContentTypeError> {
        let lower = s.to_ascii_lowercase();
        let mut parts = lower.split(';').map(str::trim);
        let media_type = match parts.next().unwrap_or_default() {
            "csv" | "text/csv" => Self::Csv { label_size: 1 },
            "libsvm" | "text/libsvm" | "text/x-libsvm" => Self::Libsvm,
            "parquet" | "application/x-parquet" => Self::Parquet,
            "recordio-protobuf" | "application/x-recordio-protobuf" => Self::RecordIoProtobuf,
            "jsonlines" | "application/jsonlines" | "application/x-jsonlines" => Self::JsonLines,
            _ => return Err(ContentTypeError::Unknown(s.to_owned())),
        };
        let mut seen = Vec::new();
        for part in parts.filter(|it| !it.is_empty()) {
            let refused = || ContentTypeError::Parameter(s.to_owned(), part.to_owned());
            let (name, value) = part.split_once('=').ok_or_else(refused)?;
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if seen.contains(&name) {
                return Err(refused());
            }
            seen.push(name);
            match (name, value, media_type) {
                ("label_size", "1", Self::Csv { .. })
                | ("charset", "utf-8" | "utf8" | "us-ascii", _) => {}
                ("label_size", _, Self::Csv { .. }) => {
                    return Err(ContentTypeError::LabelSize(s.to_owned()));
                }
                _ => return Err(refused()),
            }
        }
        Ok(media_type)
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Csv { label_size } => write!(f, "{};label_size={label_size}", self.media_type()),
            Self::Libsvm | Self::Parquet | Self::RecordIoProtobuf | Self::JsonLines => {
                f.write_str(self.media_type())
            }
        }
    }
}

impl serde::Serialize for ContentType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
