//! The routes, and the way of an invocation: a place in the house, its body, a worker, the answer.
//!
//! Invariants: nothing that computes for long runs on the threads that wait for sockets, only what takes less time than a
//! worker's waking up; a request that is let go by its client leaves its worker only when the work is done, so that workers
//! are never more than they should be; what is logged of a request is its route, status, size and time.
//!
//! Source: SageMaker developer guide, "Use Your Own Inference Code with Hosting Services"; sagemaker-xgboost-container
//! `algorithm_mode/serve.py`.

use std::future::{Ready, ready};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::admission::{Admission, Place};
use super::body::{self, BodyError};
use super::loaded::{Answer, Asked, Loaded};
use super::metrics::Metrics;
use super::models;
use super::refusal::Refusal;
use super::registry::Registry;
use super::settings::{Hosting, Settings};

/// Which model of several is asked.
const TARGET_MODEL: HeaderName = HeaderName::from_static("x-amzn-sagemaker-target-model");

/// The most MiB that a transform job may have under way, by SageMaker's rule.
const MAX_MIB_UNDER_WAY: usize = 100;

/// What the handlers share.
#[derive(Debug)]
pub(super) struct App {
    pub(super) settings: Arc<Settings>,
    pub(super) models: Models,
    admission: Admission,
    metrics: Metrics,
    stopping: AtomicBool,
}

/// The model, or the models.
#[derive(Debug)]
pub(super) enum Models {
    One(Arc<Loaded>),
    Many(Registry),
}

/// How an invocation ended well.
enum Ended {
    Empty,
    Answered(Answer),
}

impl App {
    pub(super) fn new(settings: Arc<Settings>, models: Models) -> Self {
        let admission = Admission::new(settings.workers, settings.queue, settings.timeout);
        Self {
            settings,
            models,
            admission,
            metrics: Metrics::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// From now on whoever still gets through is refused.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Everything that is answered.
    pub(super) fn router(self: &Arc<Self>) -> Router {
        let mut router = Router::new()
            .route("/ping", get(ping))
            .route("/execution-parameters", get(execution_parameters))
            .route("/invocations", post(invocations))
            .fallback(nothing_there);
        if self.settings.hosting == Hosting::Many {
            router = router.merge(models::routes());
        }
        if self.settings.metrics {
            router = router.route("/metrics", get(metrics));
        }
        router
            .layer(middleware::from_fn(without_body))
            .with_state(Arc::clone(self))
    }

    /// Answers an invocation of a model.
    pub(super) async fn invoke(
        self: &Arc<Self>,
        model: Result<Arc<Loaded>, Refusal>,
        request: Request,
    ) -> Response {
        let start = Instant::now();
        let (parts, body) = request.into_parts();
        let ended = self.work(model, &parts, body).await;
        let took = start.elapsed();
        let micros = took.as_micros() as u64;
        match ended {
            Ok(Ended::Empty) => {
                self.metrics.answered(StatusCode::NO_CONTENT, took);
                StatusCode::NO_CONTENT.into_response()
            }
            Ok(Ended::Answered(answer)) => {
                self.metrics.answered(StatusCode::OK, took);
                tracing::debug!(status = 200, rows = answer.n_rows, micros, "invocation");
                let content_type = [(header::CONTENT_TYPE, answer.content_type)];
                (content_type, answer.body).into_response()
            }
            Err(refusal) => {
                self.metrics.answered(refusal.status(), took);
                let status = refusal.status().as_u16();
                tracing::warn!(status, micros, "invocation refused: {}", refusal.for_log());
                refusal.into_response()
            }
        }
    }

    async fn work(
        self: &Arc<Self>,
        model: Result<Arc<Loaded>, Refusal>,
        parts: &Parts,
        body: Body,
    ) -> Result<Ended, Refusal> {
        let admitted = model.and_then(|model| Ok((model, self.door(&parts.headers)?)));
        let (model, place) = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => {
                body::drop_rest(body).await;
                return Err(refusal);
            }
        };
        let settings = Arc::clone(&self.settings);
        let body = body::read(body, settings.max_body, settings.timeout).await;
        let body =
            body.map_err(|err| Refusal::new(status_of(err), err.to_string(), err.to_string()))?;
        if body.is_empty() {
            return Ok(Ended::Empty);
        }
        let n_bytes = body.len();
        let (content_type, accept) = (
            text(&parts.headers, header::CONTENT_TYPE),
            text(&parts.headers, header::ACCEPT),
        );
        let is_quick = model.is_quick(content_type.as_deref(), &body);
        let answering = move || {
            let asked = Asked {
                content_type: content_type.as_deref(),
                accept: accept.as_deref(),
                body: &body,
            };
            let answer = model.answer(&asked, &settings);
            drop(place);
            answer
        };
        let answer = if is_quick {
            here(answering)
        } else {
            self.by_worker(answering).await
        }?;
        self.metrics.predicted(answer.n_rows, n_bytes);
        Ok(Ended::Answered(answer))
    }

    /// Has a worker answer, when one is free.
    async fn by_worker(
        &self,
        answering: impl FnOnce() -> Result<Answer, Refusal> + Send + 'static,
    ) -> Result<Answer, Refusal> {
        let Some(worker) = self.admission.worker().await else {
            let message = "no worker was free in time; ask again, or ask less at once";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(Refusal::new(status, message, "no worker was free in time"));
        };
        let answered = tokio::task::spawn_blocking(move || {
            let answer = answering();
            drop(worker);
            answer
        });
        let answered = answered.await;
        answered.map_err(|err| Refusal::internal(err.to_string()))?
    }

    /// Lets a request in, or says why not.
    fn door(&self, headers: &HeaderMap) -> Result<Place, Refusal> {
        if self.stopping.load(Ordering::Relaxed) {
            let message = "the server is stopping";
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                message,
                message,
            ));
        }
        let encoding = headers.get(header::CONTENT_ENCODING);
        if encoding.is_some_and(|it| !it.as_bytes().eq_ignore_ascii_case(b"identity")) {
            let message = "Content-Encoding is not supported; send the request as it is";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Refusal::new(status, message, "a content encoding"));
        }
        self.admission.enter().ok_or_else(|| {
            let message = format!(
                "{} requests are under way or wait; ask again later",
                self.settings.workers + self.settings.queue
            );
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, message, "too many requests")
        })
    }
}

/// Answers on the caller's thread, whose other requests a panic would end as well.
fn here(answering: impl FnOnce() -> Result<Answer, Refusal>) -> Result<Answer, Refusal> {
    let answered = panic::catch_unwind(AssertUnwindSafe(answering));
    answered.unwrap_or_else(|_| Err(Refusal::internal("the prediction panicked")))
}

fn status_of(err: BodyError) -> StatusCode {
    match err {
        BodyError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::Slow(_) => StatusCode::REQUEST_TIMEOUT,
        BodyError::Broken => StatusCode::BAD_REQUEST,
    }
}

/// A header's text.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Reads the bodies that nobody asks for: a connection with one that was not read ends with the answer, and whether the client
/// sees the answer is then chance.
async fn without_body(request: Request, next: Next) -> Response {
    if request.method() == Method::POST {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    body::drop_rest(body).await;
    next.run(Request::from_parts(parts, Body::empty())).await
}

fn ping() -> Ready<StatusCode> {
    ready(StatusCode::OK)
}

fn execution_parameters(State(app): State<Arc<App>>) -> Ready<Response> {
    let mib = app.settings.max_body_mib();
    // A transform job keeps so many requests under way, and SageMaker allows 100 MiB of them.
    let workers = app
        .settings
        .workers
        .min((MAX_MIB_UNDER_WAY / mib.max(1)).max(1));
    let body = format!(
        "{{\"MaxConcurrentTransforms\": {workers}, \"BatchStrategy\": \"MULTI_RECORD\", \"MaxPayloadInMB\": {mib}}}"
    );
    ready(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

async fn invocations(State(app): State<Arc<App>>, request: Request) -> Response {
    let model = match &app.models {
        Models::One(model) => Ok(Arc::clone(model)),
        Models::Many(registry) => {
            let name = text(request.headers(), TARGET_MODEL).unwrap_or_default();
            registry.get(&name).ok_or_else(|| Refusal::no_model(&name))
        }
    };
    app.invoke(model, request).await
}

fn metrics(State(app): State<Arc<App>>) -> Ready<Response> {
    let n_models = match &app.models {
        Models::One(_) => 1,
        Models::Many(registry) => registry.len(),
    };
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    ready((content_type, app.metrics.text(n_models)).into_response())
}

/// As the built-in container answers whatever it does not know.
async fn nothing_there(request: Request) -> Response {
    body::drop_rest(request.into_body()).await;
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    let nothing = Bytes::from_static(b"{}");
    (StatusCode::NOT_FOUND, content_type, nothing).into_response()
}
