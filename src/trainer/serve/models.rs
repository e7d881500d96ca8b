//! The routes of a multi-model endpoint: load, list, describe, invoke and unload.
//!
//! Invariants: only what lies below the contract's root is loaded; one model is loaded at a time, and not where there is no
//! memory for it, which SageMaker answers by unloading others; who unloads a model that is being loaded is answered when it
//! is loaded and gone. Texts and statuses are those of the built-in container's server.
//!
//! Source: SageMaker developer guide, "Contract for Custom Containers to serve multiple models"; Multi Model Server's
//! management API.

use std::future::{Ready, ready};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path as UrlPath, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::app::{App, Models};
use super::body;
use super::loaded::Loaded;
use super::model_files::ModelFileError;
use super::refusal::Refusal;
use super::registry::{Registry, Removed};
use super::settings::Settings;

/// A request to load a model is smaller than this.
const MAX_DOCUMENT: usize = 64 << 10;
/// Models of a page of the list, where nobody says.
const PAGE: usize = 100;

/// One model is loaded at a time, so that each sees the memory that the others took.
static LOADING: Mutex<()> = Mutex::const_new(());

/// What is to be loaded.
#[derive(Debug, Deserialize)]
struct Order {
    model_name: String,
    url: String,
}

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/models", get(list).post(load))
        .route("/models/{name}", get(describe).delete(unload))
        .route("/models/{name}/invoke", post(invoke))
}

fn registry(app: &App) -> Result<&Registry, Refusal> {
    match &app.models {
        Models::Many(registry) => Ok(registry),
        Models::One(_) => Err(Refusal::internal("a route of several models")),
    }
}

fn document(document: &Value) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (content_type, document.to_string()).into_response()
}

fn answered(answer: Result<Value, Refusal>) -> Response {
    match answer {
        Ok(answer) => document(&answer),
        Err(refusal) => {
            let status = refusal.status().as_u16();
            tracing::warn!(status, "model request refused: {}", refusal.for_log());
            refusal.into_response()
        }
    }
}

async fn load(State(app): State<Arc<App>>, request: Request) -> Response {
    answered(load_model(&app, request).await)
}

async fn load_model(app: &Arc<App>, request: Request) -> Result<Value, Refusal> {
    let bad = |message: String| {
        Refusal::document(StatusCode::BAD_REQUEST, "BadRequestException", message)
    };
    let body = body::read(request.into_body(), MAX_DOCUMENT, app.settings.timeout).await;
    let body = body.map_err(|err| bad(err.to_string()))?;
    let order: Order = serde_json::from_slice(&body).map_err(|err| {
        bad(format!(
            "expected {{\"model_name\": \"...\", \"url\": \"...\"}}: {err}"
        ))
    })?;
    let Some(reserved) = registry(app)?.reserve(&order.model_name, &order.url) else {
        let message = format!("Model {} is already registered.", order.model_name);
        let conflict = "ConflictStatusException";
        return Err(Refusal::document(StatusCode::CONFLICT, conflict, message));
    };
    // Not bound to the request: a client that lets go leaves a model that is loaded, or none, and no name that is taken.
    let app = Arc::clone(app);
    let loading = tokio::spawn(async move {
        let (settings, url) = (Arc::clone(&app.settings), order.url);
        let one_at_a_time = LOADING.lock().await;
        let loaded = tokio::task::spawn_blocking(move || load_folder(&url, &settings)).await;
        drop(one_at_a_time);
        let loaded = loaded.unwrap_or_else(|err| Err(Refusal::internal(err.to_string())));
        let (model, ended) = match loaded {
            Ok(model) => (Some(model), Ok(())),
            Err(refusal) => (None, Err(refusal)),
        };
        registry(&app)?.settle(&reserved, model);
        ended
    });
    let loaded = loading.await;
    loaded.map_err(|err| Refusal::internal(err.to_string()))??;
    Ok(json!({"status": "Workers scaled"}))
}

fn load_folder(url: &str, settings: &Settings) -> Result<Loaded, Refusal> {
    let failed = |err: &dyn std::fmt::Display| {
        let message = format!("Unable to load model: {err}");
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        // Which file of which folder it was is what whoever runs the endpoint has to know.
        Refusal::document(status, "InternalServerException", message.clone()).logged(message)
    };
    let folder = folder_of(url, settings)?;
    Loaded::load(&folder, settings).map_err(|err| match err {
        ModelFileError::Memory { .. } => {
            let status = StatusCode::INSUFFICIENT_STORAGE;
            let kind = "InsufficientMemoryException";
            Refusal::document(status, kind, err.to_string()).logged(err.to_string())
        }
        err => match err.hint() {
            Some(hint) => failed(&format!("{err}; {hint}")),
            None => failed(&err),
        },
    })
}

/// Where the model is, if it is where models may be.
fn folder_of(url: &str, settings: &Settings) -> Result<PathBuf, Refusal> {
    let missing = || {
        let message = format!("Model not found at: {url}");
        Refusal::document(StatusCode::NOT_FOUND, "ModelNotFoundException", message)
    };
    let root = settings.root.path().canonicalize().map_err(|_| missing())?;
    let folder = Path::new(url).canonicalize().map_err(|_| missing())?;
    if folder.starts_with(&root) {
        Ok(folder)
    } else {
        // Whether something is there is nobody's business.
        Err(missing())
    }
}

fn list(State(app): State<Arc<App>>, uri: Uri) -> Ready<Response> {
    ready(answered(registry(&app).and_then(|registry| {
        let target = uri.into_parts().path_and_query;
        let query = target.as_ref().and_then(PathAndQuery::query);
        let query = query.unwrap_or_default();
        let limit = number(query, "limit", PAGE)?.max(1);
        let first = number(query, "next_page_token", 0)?;
        let (models, next) = registry.list(first, limit);
        let mut document = json!({ "models": models });
        if let Some(next) = next {
            document["nextPageToken"] = json!(next.to_string());
        }
        Ok(document)
    })))
}

/// A number of the query.
fn number(query: &str, name: &str, usual: usize) -> Result<usize, Refusal> {
    let mut pairs = query.split('&').filter_map(|it| it.split_once('='));
    let Some((_, text)) = pairs.find(|it| it.0 == name) else {
        return Ok(usual);
    };
    text.parse().map_err(|_| {
        let message = format!("`{name}` must be a whole number");
        Refusal::document(StatusCode::BAD_REQUEST, "BadRequestException", message)
    })
}

fn describe(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>) -> Ready<Response> {
    ready(answered(registry(&app).and_then(|registry| {
        let listed = registry.listed(&name);
        let listed = listed.ok_or_else(|| Refusal::no_model(&name))?;
        Ok(json!(listed))
    })))
}

async fn unload(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>) -> Response {
    answered(unload_model(&app, &name).await)
}

async fn unload_model(app: &App, name: &str) -> Result<Value, Refusal> {
    let registry = registry(app)?;
    loop {
        match registry.remove(name) {
            Removed::Gone => {
                return Ok(json!({"status": format!("Model \"{name}\" unregistered")}));
            }
            Removed::Missing => return Err(Refusal::no_model(name)),
            Removed::Loading(mut ended) => {
                // Nothing is ever sent: waiting ends with the loading, or with the patience.
                let waited = timeout(app.settings.timeout, ended.changed()).await;
                if waited.is_err() {
                    let message = format!("Model {name} is still being loaded; ask again later");
                    let status = StatusCode::SERVICE_UNAVAILABLE;
                    let kind = "ServiceUnavailableException";
                    return Err(Refusal::document(status, kind, message));
                }
            }
        }
    }
}

async fn invoke(
    State(app): State<Arc<App>>,
    UrlPath(name): UrlPath<String>,
    request: Request,
) -> Response {
    let model = registry(&app).and_then(|registry| {
        let model = registry.get(&name);
        model.ok_or_else(|| Refusal::no_model(&name))
    });
    app.invoke(model, request).await
}
