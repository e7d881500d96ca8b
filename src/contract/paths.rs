//! Every path below the contract's root. Nothing else builds one.
//!
//! Invariant: all paths follow from the root alone, so a test or a local run moves the whole tree with one variable.
//!
//! Source: SageMaker developer guide, "Amazon SageMaker AI Training Storage Folders".

use std::path::{Path, PathBuf};

use crate::artifact;
use crate::environment;

/// Where SageMaker mounts the tree.
pub const DEFAULT_ROOT: &str = "/opt/ml";

/// `hyperparameters.json`, the name that messages use.
pub const HYPERPARAMETERS_JSON: &str = "hyperparameters.json";
/// `inputdataconfig.json`.
pub const INPUTDATACONFIG_JSON: &str = "inputdataconfig.json";
/// `resourceconfig.json`.
pub const RESOURCECONFIG_JSON: &str = "resourceconfig.json";
/// `checkpointconfig.json`.
pub const CHECKPOINTCONFIG_JSON: &str = "checkpointconfig.json";

/// The root of the contract tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MlRoot(PathBuf);

impl MlRoot {
    /// The tree at `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The tree that the environment names: `SAGEMAKER_BASE_DIR`, else `/opt/ml`. An empty value counts as none.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let moved = variable(environment::SAGEMAKER_BASE_DIR.name).filter(|it| !it.is_empty());
        Self::at(moved.unwrap_or_else(|| DEFAULT_ROOT.to_owned()))
    }

    /// The root itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// `input/config`.
    pub fn input_config_dir(&self) -> PathBuf {
        self.0.join("input").join("config")
    }

    /// `input/config/hyperparameters.json`; always there.
    pub fn hyperparameters_json(&self) -> PathBuf {
        self.input_config_dir().join(HYPERPARAMETERS_JSON)
    }

    /// `input/config/inputdataconfig.json`; there if the job has channels.
    pub fn inputdataconfig_json(&self) -> PathBuf {
        self.input_config_dir().join(INPUTDATACONFIG_JSON)
    }

    /// `input/config/resourceconfig.json`; always there.
    pub fn resourceconfig_json(&self) -> PathBuf {
        self.input_config_dir().join(RESOURCECONFIG_JSON)
    }

    /// `input/config/checkpointconfig.json`; there if the job has a checkpoint configuration.
    pub fn checkpointconfig_json(&self) -> PathBuf {
        self.input_config_dir().join(CHECKPOINTCONFIG_JSON)
    }

    /// `input/data`, the channels' parent.
    pub fn input_data_dir(&self) -> PathBuf {
        self.0.join("input").join("data")
    }

    /// `input/data/<channel>`: the files of a File or `FastFile` channel.
    pub fn channel_dir(&self, channel: &str) -> PathBuf {
        self.input_data_dir().join(channel)
    }

    /// `input/data/<channel>_<epoch>`: the pipe of a Pipe channel.
    pub fn channel_pipe(&self, channel: &str, epoch: u32) -> PathBuf {
        self.input_data_dir().join(format!("{channel}_{epoch}"))
    }

    /// `model`: becomes `model.tar.gz`.
    pub fn model_dir(&self) -> PathBuf {
        self.0.join("model")
    }

    /// `model/xgboost-model`.
    pub fn model_file(&self) -> PathBuf {
        self.model_dir().join(artifact::MODEL_FILE)
    }

    /// `model/xgboost-model-<fold>`: a model of cross-validation, counted from 0 over all repetitions.
    pub fn fold_model_file(&self, fold: usize) -> PathBuf {
        self.model_dir()
            .join(format!("{}-{fold}", artifact::MODEL_FILE))
    }

    /// `output/data/predictions.csv`: what each row was predicted to be while it was held out.
    pub fn predictions_file(&self) -> PathBuf {
        self.output_data_dir().join(artifact::PREDICTIONS_FILE)
    }

    /// `model/linden`: side files of the model.
    pub fn side_dir(&self) -> PathBuf {
        self.model_dir().join(artifact::SIDE_DIR)
    }

    /// `output`.
    pub fn output_dir(&self) -> PathBuf {
        self.0.join("output")
    }

    /// `output/data`: becomes `output.tar.gz`.
    pub fn output_data_dir(&self) -> PathBuf {
        self.output_dir().join("data")
    }

    /// `output/data/evaluation.json`.
    pub fn evaluation_file(&self) -> PathBuf {
        self.output_data_dir().join(artifact::EVALUATION_FILE)
    }

    /// `output/failure`: its first 1,024 characters become the job's `FailureReason`.
    pub fn failure_file(&self) -> PathBuf {
        self.output_dir().join("failure")
    }

    /// `checkpoints`: the default of `CheckpointConfig.LocalPath`.
    pub fn checkpoints_dir(&self) -> PathBuf {
        self.0.join("checkpoints")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_dir_variable_moves_the_whole_tree() {
        let root =
            MlRoot::from_env(|name| (name == "SAGEMAKER_BASE_DIR").then(|| "/tmp/ml".to_owned()));
        assert_eq!(
            root.hyperparameters_json(),
            Path::new("/tmp/ml/input/config/hyperparameters.json")
        );
        assert_eq!(
            root.channel_dir("train"),
            Path::new("/tmp/ml/input/data/train")
        );
        assert_eq!(root.failure_file(), Path::new("/tmp/ml/output/failure"));
        assert_eq!(
            root.evaluation_file(),
            Path::new("/tmp/ml/output/data/evaluation.json")
        );
    }

    #[test]
    fn without_the_variable_the_tree_is_opt_ml() {
        assert_eq!(
            MlRoot::from_env(|_| None).model_file(),
            Path::new("/opt/ml/model/xgboost-model")
        );
        assert_eq!(
            MlRoot::from_env(|_| Some(String::new())).path(),
            Path::new("/opt/ml")
        );
    }
}
