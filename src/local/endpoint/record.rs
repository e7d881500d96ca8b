//! An endpoint as it is kept.

use crate::documents::Document;
use crate::job::now;
use contract::job::request::Tag;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where an endpoint is, in the API's spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum EndpointStatus {
    Creating,
    InService,
    Failed,
}

impl fmt::Display for EndpointStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// An endpoint as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EndpointRecord {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) config: String,
    /// What the configuration had when the endpoint was made; it may be gone since.
    pub(crate) variants: Vec<VariantRecord>,
    pub(crate) status: EndpointStatus,
    pub(crate) failure_reason: Option<String>,
    pub(crate) creation_time: f64,
    pub(crate) last_modified_time: f64,
    pub(crate) tags: Vec<Tag>,
    /// The models' processes.
    #[serde(default)]
    pub(crate) processes: Vec<u32>,
}

/// A model's part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VariantRecord {
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) weight: f64,
    pub(crate) instances: i64,
    #[serde(default)]
    pub(crate) instance_type: Option<String>,
}

impl Document for EndpointRecord {
    fn name(&self) -> &str {
        &self.name
    }
}

impl EndpointRecord {
    pub(super) fn enter(&mut self, status: EndpointStatus) {
        self.status = status;
        self.last_modified_time = now();
    }
}
