//! Where a tuning job or a transform job is: what the two have in common.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A status, in the API's spelling (`HyperParameterTuningJobStatus`, `TransformJobStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WorkStatus {
    InProgress,
    Completed,
    Failed,
    Stopping,
    Stopped,
}

impl WorkStatus {
    /// Whether it has ended.
    pub(crate) fn is_terminal(self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Stopped => true,
            Self::InProgress | Self::Stopping => false,
        }
    }
}

impl fmt::Display for WorkStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
