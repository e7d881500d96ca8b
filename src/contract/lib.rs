//! The agreement with SageMaker, as data: what a training job is asked with, what it finds on its disk, what it leaves.
//!
//! ```text
//! /opt/ml                              paths::MlRoot; SAGEMAKER_BASE_DIR moves it
//! ├── input/
//! │   ├── config/
//! │   │   ├── hyperparameters.json     hyperparameter::read_hyperparameters_json -> Hyperparameters
//! │   │   ├── inputdataconfig.json     channel::InputDataConfig
//! │   │   ├── resourceconfig.json      resource::ResourceConfig
//! │   │   └── checkpointconfig.json    checkpoint::CheckpointConfig, only where the job has one
//! │   └── data/<channel>/...           content_type::ContentType says how to read it; streamed: or it is read from S3
//! ├── checkpoints/                     synchronised with S3 while the job runs
//! ├── model/                           becomes model.tar.gz: artifact::MODEL_FILE and artifact::SIDE_DIR
//! └── output/
//!     ├── failure                      failure::Failure, written only by a job that fails
//!     └── data/                        becomes output.tar.gz: artifact::Evaluation
//! ```
//!
//! The other side of the agreement is the request: a job file ([`job`]) becomes one `CreateTrainingJob` document, and the
//! answers to `DescribeTrainingJob` come back as [`job::TrainingJobDescription`].
//!
//! Invariants: this crate is data. It opens no file, socket or clock, and reads the environment only through a function
//! that the caller gives. Each document has a reader and a writer, and what the writer writes the reader takes. Nothing
//! but [`paths::MlRoot`] builds a path below the root, and nothing but [`environment`] names an environment variable.
//!
//! ```
//! use contract::channel::InputDataConfig;
//! use contract::paths::MlRoot;
//!
//! let root = MlRoot::at("/tmp/job");
//! assert_eq!(root.model_file().to_str(), Some("/tmp/job/model/xgboost-model"));
//!
//! let channels = InputDataConfig::read(br#"{"train": {"ContentType": "text/csv;label_size=1"}}"#)?;
//! assert_eq!(channels.train()?.content_type.unwrap().to_string(), "text/csv;label_size=1");
//! # Ok::<(), contract::error::ContractError>(())
//! ```

#[macro_use]
mod spelling;

pub mod artifact;
pub mod channel;
pub mod checkpoint;
pub mod content_type;
mod document;
pub mod environment;
pub mod error;
pub mod exit;
pub mod failure;
pub mod hyperparameter;
pub mod job;
pub mod metric_line;
pub mod nearest;
pub mod paths;
pub mod resource;
pub mod streamed;
