//! `checkpointconfig.json`: where checkpoints lie on disk and in S3. Written only for jobs that ask for checkpoints.
//!
//! Source: SageMaker developer guide, "Use Checkpoints".

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::document;
use crate::error::ContractError;
use crate::paths::CHECKPOINTCONFIG_JSON;

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CheckpointConfig {
    /// The folder in the container that is kept in step with S3.
    #[serde(default = "default_path")]
    pub local_path: PathBuf,
    /// Where SageMaker keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_uri: Option<String>,
}

impl CheckpointConfig {
    /// Reads the document; unknown keys are ignored.
    ///
    /// # Errors
    /// If it is not JSON or a value has another type.
    pub fn read(bytes: &[u8]) -> Result<Self, ContractError> {
        document::read(CHECKPOINTCONFIG_JSON, bytes)
    }

    /// The document's text.
    pub fn write(&self) -> String {
        document::write(self)
    }
}

fn default_path() -> PathBuf {
    Path::new(crate::paths::DEFAULT_ROOT).join("checkpoints")
}
