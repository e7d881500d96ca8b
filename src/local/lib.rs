//! A SageMaker on this machine: one loopback port that speaks SageMaker, CloudWatch Logs and S3, and really trains.
//!
//! ```text
//! client ──> app (x-amz-target?) ──┬─ SageMaker.*        sagemaker/  checks, records, answers
//!             scenario/ (faults)   ├─ Logs_20140328.*    logs/       streams as files
//!                                  ├─ /endpoints/../..   endpoint/   InvokeEndpoint
//!                                  ├─ a form             query       STS: who asks
//!                                  └─ everything else    s3/         objects as files, by s3s
//!
//! CreateTrainingJob ──> job/runner: layout ─> channels ─> hosts (processes, or container/) ─> artifacts
//! tuning/ ──> training jobs       transform/, endpoint/ ──> serving/ (a process or a container) with a model/
//! processing/: a program of one's own over inputs and outputs, on hosts as a training job's
//! warm_pool/: machines that stay  search/: jobs by what they are made of
//! ```
//!
//! Any client of AWS works unchanged with the port as its endpoint, and with any credentials. A job whose image
//! repository is named `linden-trainer` runs the trainer of this machine; other images need [`Engine::Docker`] and are refused
//! without. What SageMaker refuses is refused with its words, and nothing is answered that has not been done.
//!
//! Invariants: all state lies in one folder, which has one server at a time ([`find_running`] tells where it listens);
//! a document is replaced as a whole, so a crash loses at most the jobs that ran, and those say so; no process outlives
//! the server.
//!
//! ```no_run
//! # async fn example() -> Result<(), local::LocalError> {
//! let server = local::Server::start(local::Config::new("/tmp/linden")).await?;
//! println!("AWS_ENDPOINT_URL=http://{}", server.addr());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod app;
mod chance;
mod config;
mod container;
mod documents;
mod endpoint;
mod error;
mod guard;
mod job;
mod list;
mod lock;
mod logs;
mod model;
mod processing;
mod query;
mod s3;
mod sagemaker;
mod scenario;
mod search;
mod server;
mod serving;
mod state;
mod transform;
mod tuning;
mod warm_pool;
mod wire;
mod work_kind;
mod work_status;

pub use config::{Config, Engine, Interruption, STOP_GRACE};
pub use error::LocalError;
pub use lock::find_running;
pub use scenario::{Scenario, ScenarioProblem, ScenarioProblems};
pub use server::Server;

/// Every operation of the JSON services.
fn operations() -> impl Iterator<Item = &'static str> + Clone {
    sagemaker::OPERATIONS
        .iter()
        .chain(logs::OPERATIONS)
        .copied()
}
