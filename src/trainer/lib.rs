//! The program in the image: channels in, model, metrics and evaluation out; or requests in, predictions out.
//!
//! ```text
//! main       argv, panics, the failure file, the exit code
//! command    train, serve, --help, --version
//! signal     SIGTERM and SIGINT as a flag
//! log        stderr in the built-in container's form
//! data       files or a pipe -> blocks of whole lines or records -> tiles, with every refusal at its line
//! store      channels straight from S3: ranges of objects, several at once, resumed and never of two versions
//! train      the one place with the order: job -> tables -> fit -> artifacts and evaluation
//! memory     how much of it there is
//! serve      the inference server: /ping and /invocations, until SIGTERM
//! error      every way to fail, and who can do something about it
//! failure    the last words: output/failure and stderr
//! ```
//!
//! Invariants: what is read is refused with its place or taken as it stands, never guessed at; the same bytes, parameters
//! and seed give the same model, whatever the number of threads; every way out leaves either a model or a reason.
//!
//! ```
//! use std::fs;
//! use std::sync::Arc;
//! use std::sync::atomic::AtomicBool;
//!
//! use contract::paths::MlRoot;
//! use trainer::train::{self, Outcome};
//!
//! let dir = tempfile::tempdir()?;
//! let root = MlRoot::at(dir.path());
//! fs::create_dir_all(root.input_config_dir())?;
//! fs::create_dir_all(root.channel_dir("train"))?;
//! fs::write(root.hyperparameters_json(), r#"{"num_round": "2"}"#)?;
//! fs::write(root.inputdataconfig_json(), r#"{"train": {"ContentType": "text/csv"}}"#)?;
//! fs::write(root.channel_dir("train").join("a.csv"), "1,0\n1,0\n3,1\n3,1\n")?;
//!
//! let (mut stdout, stop) = (Vec::new(), Arc::new(AtomicBool::new(false)));
//! assert_eq!(train::run(&root, &mut stdout, &stop)?, Outcome::Trained);
//! assert!(String::from_utf8(stdout)?.starts_with("[0]\ttrain-rmse:"));
//! assert!(root.model_file().exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod command;
pub mod data;
pub mod error;
pub mod failure;
pub mod log;
mod memory;
pub mod serve;
pub mod signal;
pub mod store;
pub mod train;
