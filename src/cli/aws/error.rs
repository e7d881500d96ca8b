//! One error for every call to AWS, told by what can be done about it.
//!
//! The SDK's own text says only "service error", so code and message come from the error's metadata. An answer that is not
//! AWS's at all (a proxy's HTML page) is reported with its HTTP status, not as broken JSON. Nothing else looks at the SDK's
//! errors; the classes follow the table in [`AwsErrorKind::of_code`].

use aws_sdk_sagemaker::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sagemaker::operation::RequestId;
use aws_smithy_types::body::SdkBody;

/// What kind of trouble a call met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// Too many calls; retries are used up.
    Throttled,
    /// An account limit (a service quota) is reached.
    Quota,
    /// The instances are not to be had now.
    Capacity,
    /// Known credentials, but not allowed.
    Denied,
    /// No credentials, or expired ones.
    Credentials,
    /// The thing does not exist.
    NotFound,
    /// The name is taken, or the thing is in use.
    NameTaken,
    /// The request itself is refused.
    Invalid,
    /// AWS failed.
    Service,
    /// AWS was not reached, or did not answer in time.
    Network,
    /// An answer that nobody knows.
    Unexpected,
}

impl AwsErrorKind {
    /// The kind that an error code of AWS stands for, where it is known.
    pub fn of_code(code: &str) -> Option<Self> {
        Some(match code {
            "ThrottlingException"
            | "Throttling"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "SlowDown"
            | "ThrottledException"
            | "RequestThrottled" => Self::Throttled,
            "ResourceLimitExceeded"
            | "LimitExceededException"
            | "ServiceQuotaExceededException" => Self::Quota,
            "CapacityError" | "InsufficientInstanceCapacity" | "InsufficientCapacityException" => {
                Self::Capacity
            }
            "AccessDenied"
            | "AccessDeniedException"
            | "UnauthorizedOperation"
            | "AllAccessDisabled" => Self::Denied,
            "UnrecognizedClientException"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "InvalidToken"
            | "RequestExpired" => Self::Credentials,
            "ResourceNotFound"
            | "ResourceNotFoundException"
            | "NoSuchKey"
            | "NoSuchBucket"
            | "NoSuchEntity"
            | "NoSuchResourceException"
            | "RepositoryNotFoundException"
            | "ImageNotFoundException"
            | "LayersNotFoundException"
            | "NotFound" => Self::NotFound,
            "ResourceInUse"
            | "ImageTagAlreadyExistsException"
            | "ConflictException"
            | "BucketAlreadyExists"
            | "BucketAlreadyOwnedByYou" => Self::NameTaken,
            "ValidationException"
            | "ValidationError"
            | "SerializationException"
            | "InvalidParameterException"
            | "InvalidBucketName"
            | "InvalidInput"
            | "InvalidRequest" => Self::Invalid,
            "InternalServerError"
            | "InternalFailure"
            | "InternalError"
            | "InternalServerException"
            | "ServerException"
            | "ServiceException"
            | "ServiceFailure"
            | "ServiceUnavailable"
            | "ServiceUnavailableException" => Self::Service,
            _ => return None,
        })
    }

    /// The kind that a bare HTTP status stands for.
    fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Credentials,
            403 => Self::Denied,
            404 => Self::NotFound,
            429 | 503 => Self::Throttled,
            400..=499 => Self::Invalid,
            500..=599 => Self::Service,
            _ => Self::Unexpected,
        }
    }
}

/// A failed call to AWS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation} failed: {message}")]
pub struct AwsError {
    /// What can be done about it.
    pub kind: AwsErrorKind,
    /// The operation, in AWS's spelling.
    pub operation: &'static str,
    /// AWS's error code, where it sent one.
    pub code: Option<String>,
    /// AWS's message, or what happened on the way.
    pub message: String,
    /// AWS's request id, for its support.
    pub request_id: Option<String>,
}

impl AwsError {
    /// An error that this program found by itself.
    pub fn of(kind: AwsErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            operation,
            code: None,
            message: message.into(),
            request_id: None,
        }
    }

    /// Reads what the SDK knows about a failed `operation`.
    pub fn from_sdk<E>(operation: &'static str, err: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        SdkError<E>: RequestId,
    {
        let request_id = err.request_id().map(ToOwned::to_owned);
        let (kind, code, message) = match err {
            SdkError::ServiceError(it) => {
                of_answer(it.err(), it.raw().status().as_u16(), it.raw().body())
            }
            SdkError::ResponseError(it) => {
                let status = it.raw().status().as_u16();
                let (kind, _, message) = of_page(status, it.raw().body());
                // A status that says "fine" with a body that is not AWS's: whoever answered, it was not AWS.
                let kind = if (200..300).contains(&status) {
                    AwsErrorKind::Service
                } else {
                    kind
                };
                (kind, None, message)
            }
            SdkError::TimeoutError(_) => {
                (AwsErrorKind::Network, None, "no answer in time".to_owned())
            }
            SdkError::DispatchFailure(it) => {
                let text = chain(err);
                let kind = if credentials_are_missing(&text) {
                    AwsErrorKind::Credentials
                } else {
                    AwsErrorKind::Network
                };
                let message = if it.is_timeout() {
                    format!("no answer in time ({text})")
                } else {
                    text
                };
                (kind, None, message)
            }
            SdkError::ConstructionFailure(_) => {
                let text = chain(err);
                let kind = if credentials_are_missing(&text) {
                    AwsErrorKind::Credentials
                } else {
                    AwsErrorKind::Invalid
                };
                (kind, None, text)
            }
            other => (AwsErrorKind::Unexpected, None, chain(other)),
        };
        Self {
            kind,
            operation,
            code,
            message,
            request_id,
        }
    }
}

type Read = (AwsErrorKind, Option<String>, String);

/// An error answer that the SDK could read.
fn of_answer<E: ProvideErrorMetadata>(err: &E, status: u16, body: &SdkBody) -> Read {
    let Some(code) = err.code() else {
        return of_page(status, body);
    };
    // AWS JSON 1.1 may prefix the code with a name space: `com.amazonaws.sagemaker#ResourceInUse`.
    let code = code.rsplit('#').next().unwrap_or(code);
    let message = err.message().unwrap_or("AWS gave no reason").to_owned();
    let mut kind = AwsErrorKind::of_code(code).unwrap_or_else(|| AwsErrorKind::of_status(status));
    if kind == AwsErrorKind::Invalid && message.contains("Rate exceeded") {
        kind = AwsErrorKind::Throttled;
    }
    (kind, Some(code.to_owned()), message)
}

/// An answer without an error code: a bare status, or a page from something between us and AWS.
fn of_page(status: u16, body: &SdkBody) -> Read {
    let bytes = body.bytes().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(400)]);
    let text = text.trim();
    let message = if text.starts_with('<') && !text.starts_with("<?xml") {
        format!(
            "HTTP {status} with a web page in place of an answer; is there a proxy on the way, or a wrong --endpoint-url?"
        )
    } else if text.is_empty() {
        format!("HTTP {status} without a reason")
    } else {
        format!("HTTP {status}: {}", text.lines().next().unwrap_or_default())
    };
    (AwsErrorKind::of_status(status), None, message)
}

fn credentials_are_missing(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("credential")
        || text.contains("sso") && text.contains("token")
        || text.contains("identity")
}

/// The innermost causes, outermost first, without the SDK's empty phrases.
pub(crate) fn chain(err: &dyn std::error::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(err);
    while let Some(err) = next {
        let text = err.to_string();
        let empty = matches!(
            text.as_str(),
            "dispatch failure"
                | "service error"
                | "failed to construct request"
                | "other"
                | "io error"
        );
        if !empty && !texts.iter().any(|it| it.contains(&text)) {
            texts.push(text);
        }
        next = err.source();
    }
    if texts.is_empty() {
        "the request could not be sent".to_owned()
    } else {
        texts.join(": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_page_is_not_reported_as_broken_json() {
        let page = SdkBody::from("<html><body>Bad gateway</body></html>");
        let (kind, code, message) = of_page(502, &page);
        assert_eq!((kind, code), (AwsErrorKind::Service, None));
        assert!(message.starts_with("HTTP 502 with a web page"), "{message}");
    }

    #[test]
    fn every_signal_of_the_documented_table_has_its_kind() {
        let table = [
            ("ThrottlingException", AwsErrorKind::Throttled),
            ("ResourceLimitExceeded", AwsErrorKind::Quota),
            ("CapacityError", AwsErrorKind::Capacity),
            ("AccessDeniedException", AwsErrorKind::Denied),
            ("ExpiredTokenException", AwsErrorKind::Credentials),
            ("UnrecognizedClientException", AwsErrorKind::Credentials),
            ("ResourceNotFound", AwsErrorKind::NotFound),
            ("ResourceInUse", AwsErrorKind::NameTaken),
            ("ValidationException", AwsErrorKind::Invalid),
            ("InternalServerError", AwsErrorKind::Service),
        ];
        for (code, kind) in table {
            assert_eq!(AwsErrorKind::of_code(code), Some(kind), "{code}");
        }
        assert_eq!(AwsErrorKind::of_code("SomethingNew"), None);
    }
}
