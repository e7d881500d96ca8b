//! The form of an answer, from the `Accept` header.
//!
//! Source: sagemaker-xgboost-container `algorithm_mode/serve.py`, `_parse_accept`.

use std::str::FromStr;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accept {
    /// One document.
    Json,
    /// A document a row.
    JsonLines,
    /// A record a row.
    RecordIoProtobuf,
    /// A line a row.
    Csv,
}

/// A form that there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Accept type {0} is not supported. Please use supported accept types: ['application/json', 'application/jsonlines', 'application/x-recordio-protobuf', 'text/csv']."
)]
pub(super) struct UnknownAccept(pub(super) String);

impl Accept {
    /// The media types.
    pub(super) const NAMES: [&str; 4] = [
        "application/json",
        "application/jsonlines",
        "application/x-recordio-protobuf",
        "text/csv",
    ];

    /// The `Content-Type` of the answer.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLines => "application/jsonlines",
            Self::RecordIoProtobuf => "application/x-recordio-protobuf",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    /// Reads a header; `usual` stands for any form. Parameters are passed over.
    ///
    /// # Errors
    /// [`UnknownAccept`] for everything else.
    pub(super) fn from_header(header: &str, usual: Self) -> Result<Self, UnknownAccept> {
        let media_type = header.split(';').next().unwrap_or_default().trim();
        match media_type {
            "" | "*/*" => Ok(usual),
            other => other.parse(),
        }
    }
}

impl FromStr for Accept {
    type Err = UnknownAccept;

    fn from_str(text: &str) -> Result<Self, UnknownAccept> {
        match text.to_ascii_lowercase().as_str() {
            "application/json" => Ok(Self::Json),
            "application/jsonlines" => Ok(Self::JsonLines),
            "application/x-recordio-protobuf" => Ok(Self::RecordIoProtobuf),
            "text/csv" => Ok(Self::Csv),
            _ => Err(UnknownAccept(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_form_is_the_usual_one() {
        for header in ["", "*/*", "*/*;q=0.8"] {
            assert_eq!(
                Accept::from_header(header, Accept::JsonLines),
                Ok(Accept::JsonLines)
            );
        }
    }

    #[test]
    fn parameters_and_case_do_not_matter() {
        for (header, expected) in [
            ("Application/JSON; charset=utf-8", Accept::Json),
            ("application/jsonlines", Accept::JsonLines),
            ("application/x-recordio-protobuf", Accept::RecordIoProtobuf),
            ("TEXT/csv", Accept::Csv),
        ] {
            assert_eq!(Accept::from_header(header, Accept::Csv), Ok(expected));
        }
    }

    #[test]
    fn other_forms_are_refused_in_the_built_in_containers_words() {
        let told = Accept::from_header("text/html", Accept::Csv).unwrap_err();
        assert_eq!(
            told.to_string(),
            "Accept type text/html is not supported. Please use supported accept types: ['application/json', \
             'application/jsonlines', 'application/x-recordio-protobuf', 'text/csv']."
        );
    }
}
