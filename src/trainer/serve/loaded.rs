//! A loaded model and what is answered of it: a request's bytes in, an answer's bytes out, on the caller's thread.
//!
//! Invariant: what is wrong is told in the built-in container's order: content type and bytes (415), rows (400), the form of
//! the answer (406), what is selected of it (500).
//!
//! Source: sagemaker-xgboost-container `algorithm_mode/serve.py`, `invocations`.

use std::path::Path;

use axum::http::StatusCode;

use super::accept::{Accept, UnknownAccept};
use super::encode::Layout;
use super::model::Model;
use super::model_files::{self, ModelFileError};
use super::refusal::Refusal;
use super::request::RequestType;
use super::select::{NotSelectable, Selection};
use super::settings::{Hosting, Settings};
use crate::data::number::shown;

/// The longest body that may be answered at once: some 10 µs of parsing.
const QUICK_BYTES: usize = 4 << 10;

/// The most lines: so few rows are walked one by one.
const QUICK_LINES: usize = 16;

/// Steps from a node to its child that may be taken at once: some 60 µs where the trees are in the processor's cache, and
/// a millisecond where each step has to wait for memory.
const QUICK_STEPS: usize = 20_000;

/// A model, and what is selected of its predictions.
#[derive(Debug)]
pub struct Loaded {
    model: Model,
    selection: Option<Result<Selection, NotSelectable>>,
}

/// A request, as far as predictions depend on it.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The header `Content-Type`.
    pub content_type: Option<&'a str>,
    /// The header `Accept`.
    pub accept: Option<&'a str>,
    /// The bytes.
    pub body: &'a [u8],
}

/// What is answered.
#[derive(Debug)]
pub struct Answer {
    /// What it is.
    pub content_type: &'static str,
    /// The bytes.
    pub body: Vec<u8>,
    /// Rows that were predicted.
    pub n_rows: usize,
}

impl Loaded {
    /// Loads the models of a folder.
    ///
    /// # Errors
    /// [`ModelFileError`].
    pub fn load(folder: &Path, settings: &Settings) -> Result<Self, ModelFileError> {
        let model = model_files::load(folder, settings)?;
        // The server of several models knows no selection.
        let asked = match settings.hosting {
            Hosting::One => settings.selected.as_ref(),
            Hosting::Many => None,
        };
        let selection = asked.map(|it| Selection::new(it, model.objective(), model.n_outputs()));
        if let Some(Err(err)) = &selection {
            tracing::warn!("{err}");
        }
        Ok(Self { model, selection })
    }

    /// Whether a request is answered in less time than it takes to hand it to another thread: few lines, whose rows all trees
    /// together bring to their leaves in few steps. How many rows are in other forms is only known once they were read.
    pub(super) fn is_quick(&self, content_type: Option<&str>, body: &[u8]) -> bool {
        if body.len() > QUICK_BYTES {
            return false;
        }
        match RequestType::from_header(content_type) {
            Ok(RequestType::Csv | RequestType::Libsvm) => {
                let n_lines = 1 + memchr::memchr2_iter(b'\n', b'\r', body).count();
                n_lines <= QUICK_LINES
                    && n_lines.saturating_mul(self.model.steps_per_row()) <= QUICK_STEPS
            }
            Ok(RequestType::RecordIoProtobuf | RequestType::Json | RequestType::JsonLines)
            | Err(_) => false,
        }
    }

    /// Answers a request.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn answer(&self, asked: &Asked<'_>, settings: &Settings) -> Result<Answer, Refusal> {
        let unsupported = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let kind = RequestType::from_header(asked.content_type)
            .map_err(|err| Refusal::new(unsupported, err.to_string(), "an unknown content type"))?;
        let rows = kind
            .decode(asked.body, self.model.words())
            .map_err(|err| Refusal::new(unsupported, err.to_string(), err.for_log()))?;
        let n_rows = rows.n_rows();
        let predictions = self.model.predict(rows, kind).map_err(|err| {
            let message = format!("Unable to evaluate payload provided: {err}");
            Refusal::new(StatusCode::BAD_REQUEST, message, err.for_log())
        })?;
        let accept = accept(asked.accept.unwrap_or_default(), settings)?;
        let selection = match &self.selection {
            None => None,
            Some(Ok(selection)) => Some(selection),
            Some(Err(err)) => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                return Err(Refusal::new(status, err.to_string(), err.to_string()));
            }
        };
        let layout = Layout {
            accept,
            caller: settings.caller,
            hosting: settings.hosting,
            selection,
        };
        Ok(Answer {
            content_type: accept.content_type(),
            body: layout.encode(&predictions),
            n_rows,
        })
    }
}

/// The form of the answer. The server of several models has two, and another status for the others.
fn accept(header: &str, settings: &Settings) -> Result<Accept, Refusal> {
    let usual = settings.default_accept;
    match (settings.hosting, Accept::from_header(header, usual)) {
        (Hosting::One, Ok(accept)) | (Hosting::Many, Ok(accept @ (Accept::Csv | Accept::Json))) => {
            Ok(accept)
        }
        (Hosting::One, Err(UnknownAccept(text))) => {
            let err = UnknownAccept(shown(text.as_bytes()));
            let status = StatusCode::NOT_ACCEPTABLE;
            Err(Refusal::new(
                status,
                err.to_string(),
                "an unknown accept type",
            ))
        }
        (Hosting::Many, Err(UnknownAccept(text))) if text.eq_ignore_ascii_case("csv") => {
            Ok(Accept::Csv)
        }
        (Hosting::Many, Err(UnknownAccept(text))) if text.eq_ignore_ascii_case("json") => {
            Ok(Accept::Json)
        }
        (Hosting::Many, Ok(Accept::JsonLines | Accept::RecordIoProtobuf) | Err(_)) => {
            let said = shown(header.as_bytes());
            let message = format!(
                "Encoding to accept type {said} failed with exception: {said} is not an accepted Accept type. Please choose \
                 one of the following: ['text/csv', 'application/json']."
            );
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            Err(Refusal::new(status, message, "an unknown accept type"))
        }
    }
}
