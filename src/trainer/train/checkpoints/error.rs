//! Why checkpoints cannot be kept, or not be gone on from.

use std::fmt;
use std::io;
use std::path::PathBuf;

use engine::booster::TrainError;

/// A hyperparameter that was another one when the checkpoint was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// Its value then.
    pub was: Option<String>,
    /// Its value now.
    pub is: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |it: &Option<String>| match it {
            Some(value) => format!("`{value}`"),
            None => "not given".to_owned(),
        };
        write!(
            f,
            "`{}` was {} and is {}",
            self.name,
            value(&self.was),
            value(&self.is)
        )
    }
}

/// What is wrong with checkpoints.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The folder cannot be made, listed or written to.
    #[error("checkpoints cannot be kept in `{}`: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A checkpoint could not be written.
    #[error("cannot write checkpoint `{}`: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A checkpoint is of a job that would make another model.
    #[error(
        "checkpoint `{file}` is of a job with other hyperparameters: {}",
        list(differences)
    )]
    Settings {
        /// The file.
        file: String,
        /// What differs.
        differences: Vec<Difference>,
    },
    /// A checkpoint is of a job with other data.
    #[error("checkpoint `{file}` is of a job with other data than the channels hold now")]
    Data {
        /// The file.
        file: String,
    },
    /// A checkpoint of XGBoost's is of a job that would make another model.
    #[error("checkpoint `{file}` does not go with this job: {source}")]
    Foreign {
        /// The file.
        file: String,
        /// What differs.
        source: TrainError,
    },
}

fn list(differences: &[Difference]) -> String {
    let each: Vec<String> = differences.iter().map(ToString::to_string).collect();
    each.join("; ")
}
