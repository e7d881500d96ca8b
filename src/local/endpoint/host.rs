//! The task of an endpoint: its processes, from their start until somebody ends them.
//!
//! Invariant: a host that ends changes nothing of a namesake that was made since: neither its record, nor its tree, nor who
//! answers for it.

use super::record::{EndpointRecord, EndpointStatus, VariantRecord};
use crate::app::App;
use crate::chance::even;
use crate::job::{Order, next_order, now};
use crate::model::{Use, served};
use crate::serving::{INSTANCE, ServeError, Serving, clear};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The endpoints of a server that have their processes.
#[derive(Debug, Default)]
pub(crate) struct Hosted(Mutex<BTreeMap<String, Hosting>>);

/// What answers for an endpoint, and whose it is.
#[derive(Debug)]
struct Hosting {
    host: String,
    variants: Vec<Answering>,
}

/// A variant that answers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answering {
    pub(super) variant: String,
    pub(super) weight: f64,
    pub(super) addr: SocketAddr,
}

impl Hosted {
    /// The variant that is asked: the named one, or one by its weight. `None` if there is none.
    pub(super) fn pick(&self, endpoint: &str, named: Option<&str>) -> Option<Answering> {
        let hosted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let variants = &hosted.get(endpoint)?.variants;
        if let Some(name) = named {
            return variants.iter().find(|it| it.variant == name).cloned();
        }
        let sum: f64 = variants.iter().map(|it| it.weight).sum();
        let mut chance = (now() * 1e6) as u64;
        let mut left = even(&mut chance) * sum;
        for it in variants {
            left -= it.weight;
            if left < 0.0 {
                return Some(it.clone());
            }
        }
        variants.first().cloned()
    }

    /// Whether an endpoint has its processes.
    pub(super) fn has(&self, endpoint: &str) -> bool {
        let hosted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hosted.contains_key(endpoint)
    }

    fn set(&self, endpoint: &str, hosting: Hosting) {
        let mut hosted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hosted.insert(endpoint.to_owned(), hosting);
    }

    /// Forgets what answers for an endpoint if it is `host`'s.
    fn remove(&self, endpoint: &str, host: &str) {
        let mut hosted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hosted.get(endpoint).is_some_and(|it| it.host == host) {
            hosted.remove(endpoint);
        }
    }
}

/// How often processes are looked at, so that one that dies at once is not started without a pause either.
const LOOK: Duration = Duration::from_millis(200);

/// Returns once one of the processes has ended by itself.
async fn one_ended(servings: &[Serving]) {
    loop {
        tokio::time::sleep(LOOK).await;
        if servings.iter().any(Serving::has_ended) {
            return;
        }
    }
}

/// An endpoint that runs.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) app: Arc<App>,
    pub(super) name: String,
    /// When its endpoint was made, by which a namesake's record is told from its own.
    pub(super) created: f64,
    /// Its own, and part of its tree's name.
    pub(super) id: String,
}

impl Host {
    /// Starts its processes, again whenever one of them has ended, and ends them when it is told to.
    pub(super) async fn run(self, mut orders: watch::Receiver<Order>) {
        let record = self.app.records.endpoints.get(&self.name);
        let Some(record) = record.filter(|it| self.is_of(it)) else {
            return;
        };
        loop {
            let mut servings = Vec::new();
            let started = tokio::select! {
                started = self.start(&record.variants, &mut servings) => Some(started),
                _ = next_order(&mut orders) => None,
            };
            match started {
                Some(Ok(answering)) => self.enter_service(answering, &servings),
                Some(Err(reason)) => {
                    self.stop(servings).await;
                    return self.fail(reason);
                }
                None => return self.end(servings).await,
            }
            let is_over = tokio::select! {
                _ = next_order(&mut orders) => true,
                () = one_ended(&servings) => false,
            };
            if is_over {
                return self.end(servings).await;
            }
            tracing::warn!(
                endpoint = self.name,
                "a model's process has ended and is started again"
            );
            self.stop(servings).await;
        }
    }

    /// Tells who answers, and then that somebody does.
    fn enter_service(&self, variants: Vec<Answering>, servings: &[Serving]) {
        let hosting = Hosting {
            host: self.id.clone(),
            variants,
        };
        self.note(|record| {
            // Before anybody is told that it is in service.
            self.app.hosted.set(&self.name, hosting);
            record.processes = servings.iter().filter_map(|it| it.id).collect();
            if record.status != EndpointStatus::InService {
                record.enter(EndpointStatus::InService);
            }
        });
    }

    fn fail(&self, reason: String) {
        self.note(|record| {
            record.failure_reason = Some(reason);
            record.processes.clear();
            record.enter(EndpointStatus::Failed);
        });
        clear(&self.root());
    }

    /// Starts the variants one after the other. Whatever was started by then is in `servings`.
    async fn start(
        &self,
        variants: &[VariantRecord],
        servings: &mut Vec<Serving>,
    ) -> Result<Vec<Answering>, String> {
        let mut answering = Vec::new();
        for variant in variants {
            let hosted = Use {
                environment: BTreeMap::new(),
                root: self.root().join(&variant.name),
                instance_type: variant.instance_type.clone(),
            };
            let served = served(&self.app, &variant.model, hosted);
            let served = served.map_err(|err| err.message)?;
            let stream = format!("{}/{INSTANCE}-{}", variant.name, now() as u64);
            let log = self.app.logs.endpoint(&self.name);
            let log = log.map_err(|err| err.to_string())?;
            let sink = log.stream(stream).map_err(|err| err.to_string())?;
            let unwell = |err: ServeError| {
                format!(
                    "The container for production variant {} did not pass the ping health check: {err}",
                    variant.name
                )
            };
            let serving = Serving::start(&self.app.config, served, sink).await;
            let at = servings.len();
            servings.push(serving.map_err(unwell)?);
            answering.push(Answering {
                variant: variant.name.clone(),
                weight: variant.weight,
                addr: servings[at].answers().await.map_err(unwell)?,
            });
        }
        Ok(answering)
    }

    async fn end(&self, servings: Vec<Serving>) {
        self.stop(servings).await;
        self.note(|record| record.processes.clear());
        clear(&self.root());
    }

    async fn stop(&self, servings: Vec<Serving>) {
        self.app.hosted.remove(&self.name, &self.id);
        for serving in servings {
            serving.stop(self.app.config.stop_grace).await;
        }
    }

    fn root(&self) -> PathBuf {
        self.app
            .folders
            .work
            .join(format!("endpoint.{}.{}", self.name, self.id))
    }

    fn is_of(&self, record: &EndpointRecord) -> bool {
        record.creation_time == self.created
    }

    fn note(&self, change: impl FnOnce(&mut EndpointRecord)) {
        let change = |record: &mut EndpointRecord| {
            if self.is_of(record) {
                change(record);
            }
            Ok::<_, Infallible>(())
        };
        // One that was deleted meanwhile has nothing to be noted.
        if let Err(err) = self.app.records.endpoints.update(&self.name, change) {
            tracing::error!(endpoint = self.name, %err, "the endpoint could not be recorded");
        }
    }
}
