//! The Query protocol, as far as clients ask it beside their jobs: STS says who asks, IAM that it may not be asked.
//!
//! A request is a form posted to `/`, which S3 has no operation for, and an answer an XML document. SageMaker's Python SDK
//! looks at the role of a job before it submits it. Here are no roles that could be looked at, so IAM refuses as it does
//! callers without the right to look: clients then go on and say that they do not know. A made-up `allowed` would tell
//! somebody that a role works on AWS.
//!
//! Source: AWS STS API Reference, `GetCallerIdentity`; IAM API Reference, "Common Errors".

use crate::config::Config;
use crate::wire;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

const FORM: &str = "application/x-www-form-urlencoded";
/// A form of these services is smaller than this, or it is no request.
const MAX_FORM_BYTES: usize = 64 * 1024;
/// The versions by which clients tell the services apart.
const STS: &str = "2011-06-15";
const IAM: &str = "2010-05-08";
const NO_IAM: &str = "the local SageMaker has no IAM: what a role may do can be asked of AWS alone";

/// Whether a request is one of the Query protocol's.
pub(crate) fn is_query(request: &Request) -> bool {
    let media_type = request.headers().get(header::CONTENT_TYPE);
    request.method() == Method::POST
        && request.uri().path() == "/"
        && media_type.is_some_and(|it| it.as_bytes().starts_with(FORM.as_bytes()))
}

/// Answers such a request.
pub(crate) async fn answer(config: &Config, body: Body) -> Response {
    let Ok(form) = axum::body::to_bytes(body, MAX_FORM_BYTES).await else {
        let text = format!("the form broke off, or is larger than {MAX_FORM_BYTES} bytes");
        return refusal(StatusCode::BAD_REQUEST, "MalformedInput", &text);
    };
    let form = String::from_utf8_lossy(&form);
    // Names of actions and versions are never escaped.
    let member = |name| {
        let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    };
    match (member("Version"), member("Action")) {
        (STS, "GetCallerIdentity") => caller(config),
        (IAM, _) => refusal(StatusCode::FORBIDDEN, "AccessDenied", NO_IAM),
        (version, action) => {
            let text = format!("Could not find operation {action} for version {version}");
            refusal(StatusCode::BAD_REQUEST, "InvalidAction", &text)
        }
    }
}

/// Whoever it is, since any credentials are taken.
fn caller(config: &Config) -> Response {
    let (account, id) = (&config.account, wire::request_id());
    let body = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/{STS}/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::{account}:user/local</Arn><UserId>local</UserId><Account>{account}</Account>\
         </GetCallerIdentityResult><ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    );
    xml(StatusCode::OK, body)
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    let (message, id) = (escaped(message), wire::request_id());
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>{id}</RequestId></ErrorResponse>"
    );
    xml(status, body)
}

fn xml(status: StatusCode, body: String) -> Response {
    let media_type = HeaderValue::from_static("text/xml");
    (status, [(header::CONTENT_TYPE, media_type)], body).into_response()
}

/// Text as XML has it between two tags.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
