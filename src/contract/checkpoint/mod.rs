//! Checkpoints: where they lie, what their files are called, and what stands in them.
//!
//! ```text
//! checkpoints/
//! ├── xgboost-checkpoint.7              the model after round 7, which XGBoost loads; `State` is one of its attributes
//! ├── xgboost-checkpoint.7.manifest     Manifest: its digest, written last
//! └── model-0/                          the same for a fold of cross-validation
//! ```
//!
//! Invariant: a checkpoint counts once its manifest is there and agrees with it. A model without manifest and without
//! [`State`] is XGBoost's own, as the built-in algorithm leaves it.

mod config;
mod manifest;
mod names;
mod state;

pub use config::CheckpointConfig;
pub use manifest::Manifest;
pub use names::{
    NOT_UPLOADED, UPLOADED, UPLOADING, checkpoint_file, fold_folder, foreign_name, is_temporary,
    manifest_file, round_of, temporary_file,
};
pub use state::{ATTRIBUTE, AsBest, StartedFrom, State};

closed_spelling! {
    /// What to do about a checkpoint that another job has left.
    #[derive(Default)]
    OnMismatch {
        /// The job fails and says what differs.
        #[default]
        Fail = "fail",
        /// The checkpoint is passed over.
        Restart = "restart",
    }
}

/// When checkpoints are written, and how many stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// `checkpoint_interval_rounds`: rounds from one to the next.
    pub rounds: Option<u32>,
    /// `checkpoint_interval_seconds`: seconds from one to the next.
    pub seconds: Option<u32>,
    /// `checkpoint_keep`: how many stay.
    pub keep: u32,
}

impl Default for Cadence {
    fn default() -> Self {
        Self {
            rounds: None,
            seconds: None,
            keep: DEFAULT_KEEP,
        }
    }
}

/// Checkpoints that stay, as in the built-in algorithm.
pub const DEFAULT_KEEP: u32 = 5;

/// Seconds between two checkpoints where the job says nothing.
pub const DEFAULT_SECONDS: u32 = 10;
