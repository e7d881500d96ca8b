//! Names of files in a folder of checkpoints.
//!
//! Source: sagemaker-xgboost-container, `checkpointing.py`; SageMaker's agent for its suffixes.

use std::path::{Path, PathBuf};

/// What every checkpoint's name begins with; the number of its last round follows, from 0.
const PREFIX: &str = "xgboost-checkpoint.";

/// What XGBoost's own callback puts in the place of the dot.
const FOREIGN_PREFIX: &str = "xgboost-checkpoint_";

const MANIFEST: &str = ".manifest";

/// What SageMaker's agent does not upload: a file that is being written.
pub const NOT_UPLOADED: &str = ".sagemaker-ignore";

/// The agent's marker beside a file that it is uploading.
pub const UPLOADING: &str = ".sagemaker-uploading";

/// The agent's marker beside a file that it has uploaded.
pub const UPLOADED: &str = ".sagemaker-uploaded";

/// The model after `round`.
pub fn checkpoint_file(folder: &Path, round: u32) -> PathBuf {
    folder.join(format!("{PREFIX}{round}"))
}

/// The manifest of the model after `round`.
pub fn manifest_file(folder: &Path, round: u32) -> PathBuf {
    folder.join(format!("{PREFIX}{round}{MANIFEST}"))
}

/// Where a file lies while it is written.
pub fn temporary_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(NOT_UPLOADED);
    name.into()
}

/// Whether a file is what a writer of checkpoints left that was ended.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(NOT_UPLOADED)
}

/// The folder of a fold's checkpoints, counted from 0 over all repetitions.
pub fn fold_folder(folder: &Path, fold: usize) -> PathBuf {
    folder.join(format!("model-{fold}"))
}

/// The last round of the checkpoint that a file of this name is.
pub fn round_of(name: &str) -> Option<u32> {
    let digits = name.strip_prefix(PREFIX)?;
    let is_number = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

/// The name that a file of XGBoost's own callback, `xgboost-checkpoint_7.ubj`, would need to be a checkpoint.
pub fn foreign_name(name: &str) -> Option<String> {
    let (digits, format) = name.strip_prefix(FOREIGN_PREFIX)?.split_once('.')?;
    let is_model = matches!(format, "ubj" | "json" | "model" | "deprecated");
    let renamed = format!("{PREFIX}{digits}");
    (is_model && round_of(&renamed).is_some()).then_some(renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_behind_the_dot_makes_a_checkpoint() {
        for (name, round) in [
            ("xgboost-checkpoint.0", Some(0)),
            ("xgboost-checkpoint.017", Some(17)),
            ("xgboost-checkpoint.4294967295", Some(u32::MAX)),
            ("xgboost-checkpoint.4294967296", None),
            ("xgboost-checkpoint.", None),
            ("xgboost-checkpoint.+1", None),
            ("xgboost-checkpoint.7.manifest", None),
            ("xgboost-checkpoint.7.sagemaker-ignore", None),
            ("xgboost-checkpoint_7.ubj", None),
            ("xgboost-model", None),
        ] {
            assert_eq!(round_of(name), round, "{name}");
        }
    }

    #[test]
    fn a_file_of_xgboosts_callback_is_told_by_its_name() {
        for (name, renamed) in [
            ("xgboost-checkpoint_7.ubj", Some("xgboost-checkpoint.7")),
            ("xgboost-checkpoint_0.json", Some("xgboost-checkpoint.0")),
            ("xgboost-checkpoint_7.txt", None),
            ("xgboost-checkpoint_x.ubj", None),
            ("xgboost-checkpoint.7", None),
        ] {
            assert_eq!(foreign_name(name).as_deref(), renamed, "{name}");
        }
    }

    #[test]
    fn what_is_being_written_is_not_uploaded() {
        let path = temporary_file(&checkpoint_file(Path::new("/opt/ml/checkpoints"), 3));
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(name, "xgboost-checkpoint.3.sagemaker-ignore");
        assert!(is_temporary(name) && !is_temporary("xgboost-checkpoint.3"));
    }
}
