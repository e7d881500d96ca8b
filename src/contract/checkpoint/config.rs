//! `checkpointconfig.json`: where checkpoints lie on disk and in S3. Written only for jobs that ask for checkpoints.
//!
//! Source: SageMaker developer guide, "Use Checkpoints".

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::document;
use crate::error::ContractError;
use crate::paths::{CHECKPOINTCONFIG_JSON, DEFAULT_ROOT, MlRoot};

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

    /// Where the folder is on this machine: what SageMaker mounts below `/opt/ml` moves with the root of the tree.
    pub fn folder(&self, root: &MlRoot) -> PathBuf {
        match self.local_path.strip_prefix(DEFAULT_ROOT) {
            Ok(below) => root.path().join(below),
            Err(_) => self.local_path.clone(),
        }
    }

    /// The document's text.
    pub fn write(&self) -> String {
        document::write(self)
    }
}

fn default_path() -> PathBuf {
    Path::new(DEFAULT_ROOT).join("checkpoints")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_moves_with_the_tree_and_other_folders_do_not() {
        let folder = |text: &str, root: &str| {
            let config = CheckpointConfig::read(text.as_bytes()).unwrap();
            config.folder(&MlRoot::at(root))
        };
        assert_eq!(folder("{}", "/opt/ml"), Path::new("/opt/ml/checkpoints"));
        assert_eq!(folder("{}", "/tmp/a"), Path::new("/tmp/a/checkpoints"));
        let own = r#"{"LocalPath": "/opt/ml/kept/here"}"#;
        assert_eq!(folder(own, "/tmp/a"), Path::new("/tmp/a/kept/here"));
        let elsewhere = r#"{"LocalPath": "/mnt/kept"}"#;
        assert_eq!(folder(elsewhere, "/tmp/a"), Path::new("/mnt/kept"));
    }
}
