//! An answer that is no prediction: its status, what the client is told, and what the log says.
//!
//! Invariant: the log says what kind of thing went wrong and where, and repeats nothing that stood in the request.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Seconds after which a client may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// See the module.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    body: Body,
    for_log: String,
}

#[derive(Debug)]
enum Body {
    Text(String),
    /// As the server of several models answers: what kind of error, and the message.
    Document(&'static str, String),
}

impl Refusal {
    /// A refusal in plain text.
    pub(super) fn new(
        status: StatusCode,
        message: impl Into<String>,
        for_log: impl Into<String>,
    ) -> Self {
        Self {
            status,
            body: Body::Text(message.into()),
            for_log: for_log.into(),
        }
    }

    /// A refusal as a document, as the server of several models has it. The log has the kind.
    pub(super) fn document(
        status: StatusCode,
        kind: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            body: Body::Document(kind, message.into()),
            for_log: kind.to_owned(),
        }
    }

    /// No model of that name is loaded.
    pub(super) fn no_model(name: &str) -> Self {
        let message = format!("Model not found: {name}");
        Self::document(StatusCode::NOT_FOUND, "ModelNotFoundException", message)
    }

    /// This program failed.
    pub(super) fn internal(for_log: impl Into<String>) -> Self {
        let message = "the prediction failed inside the server; its log says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message, for_log)
    }

    /// The same, with another text for the log.
    pub(super) fn logged(self, for_log: String) -> Self {
        Self { for_log, ..self }
    }

    /// What kind of answer it is.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What the log says.
    pub fn for_log(&self) -> &str {
        &self.for_log
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (content_type, body) = match self.body {
            Body::Text(text) => ("text/plain; charset=utf-8", text),
            Body::Document(kind, message) => {
                let document =
                    json!({"code": self.status.as_u16(), "type": kind, "message": message});
                ("application/json", document.to_string())
            }
        };
        let mut response =
            (self.status, [(header::CONTENT_TYPE, content_type)], body).into_response();
        if [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ]
        .contains(&self.status)
        {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}
