//! Endpoints: models that stay and answer whoever asks.
//!
//! ```text
//! CreateEndpointConfig: variants (model, weight)
//! CreateEndpoint ─> Creating ─> a process a variant ─> InService
//! InvokeEndpoint ─> the variant that is named, or one by its weight ─> its answer
//! ```
//! An endpoint outlives its server, and its processes: those that ended are started again, and calls wait for them. Invariants: an endpoint
//! that is `InService` has a process for each variant, or is getting one; what its model answers comes back as it was.
//!
//! Source: SageMaker API, `CreateEndpointConfig`, `CreateEndpoint`; SageMaker Runtime API, `InvokeEndpoint`.

mod config;
mod host;
mod invoke;
mod record;
mod submit;

pub(crate) use config::{
    ConfigRecord, create as create_config, delete as delete_config, describe as describe_config,
    list as list_configs,
};
pub(crate) use host::Hosted;
pub(crate) use invoke::{endpoint_of, invoke};
pub(crate) use record::EndpointRecord;
pub(crate) use submit::{create, delete, describe, list, resume};
