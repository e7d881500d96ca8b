//! AWS JSON 1.1: errors, answers and how a request's body becomes a type.
//!
//! An error is `{"__type": "<code>", "message": "<text>"}` with status 400 and the code in `x-amzn-errortype`. The
//! shapes that SageMaker itself declares spell their member `Message`. Every answer has an `x-amzn-requestid`.
//!
//! Source: Smithy, "AWS JSON 1.1 protocol"; SageMaker service model of 2017-07-24.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Display;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::ReaderStream;

/// The media type of requests and answers.
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// What kind of refusal it is, by the name that clients match on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    /// SageMaker: a member is missing, malformed or does not fit the others; also an unknown job.
    Validation,
    /// SageMaker: the name is taken.
    ResourceInUse,
    /// SageMaker, where the operation declares it: no such thing.
    SageMakerResourceNotFound,
    /// CloudWatch Logs: no such group or stream.
    ResourceNotFound,
    /// CloudWatch Logs: a parameter is not usable.
    InvalidParameter,
    /// The body is not JSON, or a member has another type.
    Serialization,
    /// No such operation.
    UnknownOperation,
    /// SageMaker: a quota of the account.
    ResourceLimitExceeded,
    /// Too many calls.
    Throttling,
    /// The credentials are over.
    ExpiredToken,
    /// The service's own fault, where a scenario asks for one.
    InternalServer,
    /// This server's own fault.
    Internal,
}

impl ErrorCode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Validation => "ValidationException",
            Self::ResourceInUse => "ResourceInUse",
            Self::SageMakerResourceNotFound => "ResourceNotFound",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::InvalidParameter => "InvalidParameterException",
            Self::Serialization => "SerializationException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::ResourceLimitExceeded => "ResourceLimitExceeded",
            Self::Throttling => "ThrottlingException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::InternalServer => "InternalServerError",
            Self::Internal => "InternalFailure",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Internal | Self::InternalServer => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Validation
            | Self::ResourceInUse
            | Self::SageMakerResourceNotFound
            | Self::ResourceNotFound
            | Self::InvalidParameter
            | Self::Serialization
            | Self::UnknownOperation
            | Self::ResourceLimitExceeded
            | Self::Throttling
            | Self::ExpiredToken => StatusCode::BAD_REQUEST,
        }
    }

    fn message_member(self) -> &'static str {
        match self {
            Self::ResourceInUse | Self::SageMakerResourceNotFound | Self::ResourceLimitExceeded => {
                "Message"
            }
            Self::Validation
            | Self::ResourceNotFound
            | Self::InvalidParameter
            | Self::Serialization
            | Self::UnknownOperation
            | Self::Throttling
            | Self::ExpiredToken
            | Self::InternalServer
            | Self::Internal => "message",
        }
    }
}

/// A refusal, as a client of AWS sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwsError {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl AwsError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Validation, message)
    }

    pub(crate) fn internal(reason: impl Display) -> Self {
        Self::new(
            ErrorCode::Internal,
            format!("the local SageMaker could not do this: {reason}"),
        )
    }

    /// The answer on the wire.
    pub(crate) fn into_response(self) -> Response {
        let name = self.code.name();
        let body = json!({ "__type": name, self.code.message_member(): self.message });
        let mut response = answer(self.code.status(), body.to_string());
        response
            .headers_mut()
            .insert("x-amzn-errortype", HeaderValue::from_static(name));
        response
    }
}

/// What an operation gives: a document, or nothing at all.
pub(crate) type Answer = Result<Value, AwsError>;

/// An operation's answer on the wire. `Null` stands for operations without output: an empty body.
pub(crate) fn respond(result: Answer) -> Response {
    match result {
        Ok(Value::Null) => answer(StatusCode::OK, String::new()),
        Ok(value) => answer(StatusCode::OK, value.to_string()),
        Err(err) => err.into_response(),
    }
}

/// No answer at all: the connection ends before the first byte.
pub(crate) fn no_answer() -> Response {
    Response::new(Body::from_stream(ReaderStream::new(Broken)))
}

/// A body that cannot be read, so that a server gives up the connection.
#[derive(Debug)]
struct Broken;

impl AsyncRead for Broken {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

/// Reads a request's members; an empty body is an empty document.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, AwsError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|err| AwsError::new(ErrorCode::Serialization, err.to_string()))
}

/// The document of a serializable answer.
pub(crate) fn document(value: &impl serde::Serialize) -> Answer {
    serde_json::to_value(value).map_err(AwsError::internal)
}

fn answer(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    if let Ok(id) = HeaderValue::from_str(&request_id()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// A random UUID, version 4. The standard library's hasher keys are its source of chance.
pub(crate) fn request_id() -> String {
    let high = RandomState::new().hash_one(0);
    let low = RandomState::new().hash_one(1);
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_their_code_in_the_header_too() {
        let response = AwsError::validation("no").into_response();
        assert_eq!(response.status(), 400);
        assert_eq!(
            response.headers()["x-amzn-errortype"],
            "ValidationException"
        );
        assert_eq!(
            response.headers()["content-type"],
            "application/x-amz-json-1.1"
        );
        assert_eq!(response.headers()["x-amzn-requestid"].len(), 36);
    }

    #[test]
    fn request_ids_are_version_4_and_differ() {
        let (a, b) = (request_id(), request_id());
        assert_ne!(a, b);
        assert_eq!(a.as_bytes()[14], b'4');
        assert!(matches!(a.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{a}");
    }
}
