//! `InvokeEndpoint` of SageMaker Runtime: REST, with the body of the request for the model and that of the model for the
//! caller.
//!
//! A model that answers with an error is a `ModelError` (424) which has the model's status and text; what cannot be asked is a
//! `ValidationError`.
//!
//! Source: SageMaker Runtime API, `InvokeEndpoint`; service model of 2017-05-13.

use super::record::EndpointStatus;
use crate::app::App;
use crate::serving::http;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The largest request, as the service has it: 25 MB since 2025, before that 6.
const MAX_BODY: usize = 25 * 1024 * 1024;
/// The time that a model has for an answer.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often an endpoint is looked at whose processes are starting again.
const LOOK: Duration = Duration::from_millis(50);
const TARGET_VARIANT: &str = "x-amzn-sagemaker-target-variant";
const CUSTOM_ATTRIBUTES: &str = "x-amzn-sagemaker-custom-attributes";
const INVOKED_VARIANT: &str = "x-amzn-invoked-production-variant";

/// The endpoint that a request asks, if it asks one.
pub(crate) fn endpoint_of(request: &Request) -> Option<String> {
    if request.method() != Method::POST || request.uri().query().is_some() {
        return None;
    }
    let path = request.uri().path().strip_prefix("/endpoints/")?;
    let name = path.strip_suffix("/invocations")?;
    (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())
}

/// Asks the model.
pub(crate) async fn invoke(app: &App, name: &str, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return refused(&format!("a request has at most {MAX_BODY} bytes"));
    };
    let start = Instant::now();
    let record = loop {
        let Some(record) = app.records.endpoints.get(name) else {
            let account = &app.config.account;
            return refused(&format!("Endpoint {name} of account {account} not found."));
        };
        // One that was in service before the server started again is on its way, unless it fails or is deleted.
        let is_awaited = record.status == EndpointStatus::InService && !app.hosted.has(name);
        if !is_awaited || start.elapsed() >= PATIENCE {
            break record;
        }
        tokio::time::sleep(LOOK).await;
    };
    let text = |name: &str| head.headers.get(name).and_then(|it| it.to_str().ok());
    let variant = text(TARGET_VARIANT);
    let Some(answering) = app.hosted.pick(name, variant) else {
        return refused(&match variant.filter(|_| app.hosted.has(name)) {
            Some(variant) => format!("Variant {variant} not found for endpoint {name}."),
            None => format!(
                "Endpoint {name} is in status {}, only one that is InService answers.",
                record.status
            ),
        });
    };
    let asked = http::Request::post("/invocations", body)
        .with("content-type", text("content-type"))
        .with("accept", text("accept"))
        .with(CUSTOM_ATTRIBUTES, text(CUSTOM_ATTRIBUTES));
    let reply = tokio::time::timeout(PATIENCE, http::ask(answering.addr, asked)).await;
    let mut response = match reply {
        Ok(Ok(reply)) if (200..300).contains(&reply.status) => answered(reply),
        Ok(Ok(reply)) => {
            let said = String::from_utf8_lossy(&reply.body).into_owned();
            model_error(name, reply.status, &said)
        }
        Ok(Err(err)) => model_error(name, 500, &format!("the model did not answer: {err}")),
        Err(_) => model_error(name, 500, "the model did not answer in time"),
    };
    if let Ok(variant) = HeaderValue::from_str(&answering.variant) {
        response.headers_mut().insert(INVOKED_VARIANT, variant);
    }
    response
}

fn answered(reply: http::Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    copy(&reply.headers, response.headers_mut());
    response
}

fn copy(from: &HeaderMap, to: &mut HeaderMap) {
    for name in [header::CONTENT_TYPE.as_str(), CUSTOM_ATTRIBUTES] {
        if let Some(value) = from.get(name)
            && let Ok(name) = name.parse::<header::HeaderName>()
        {
            to.insert(name, value.clone());
        }
    }
}

fn model_error(endpoint: &str, status: u16, said: &str) -> Response {
    let message = format!(
        "Received client or server error ({status}) from primary with message \"{said}\" of endpoint {endpoint}."
    );
    let document =
        json!({ "Message": message, "OriginalStatusCode": status, "OriginalMessage": said });
    error("ModelError", StatusCode::FAILED_DEPENDENCY, &document)
}

fn refused(message: &str) -> Response {
    error(
        "ValidationError",
        StatusCode::BAD_REQUEST,
        &json!({ "Message": message }),
    )
}

fn error(code: &'static str, status: StatusCode, document: &Value) -> Response {
    let mut response = Response::new(Body::from(document.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert("x-amzn-errortype", HeaderValue::from_static(code));
    response
}
