//! Where a training job is: the primary status, and the finer secondary one.
//!
//! Both sets are open, since AWS adds values: an unknown one prints as it came. Invariant: a job that has a terminal
//! primary status keeps it.
//!
//! Source: SageMaker API, `DescribeTrainingJob`.

open_spelling! {
    /// `TrainingJobStatus`.
    TrainingJobStatus {
        /// It starts, loads, trains or uploads.
        InProgress = "InProgress",
        /// It ended well.
        Completed = "Completed",
        /// It failed; there is a reason.
        Failed = "Failed",
        /// It was asked to stop.
        Stopping = "Stopping",
        /// It was stopped, by somebody or by a limit.
        Stopped = "Stopped",
        /// It is being deleted.
        Deleting = "Deleting",
    }
}

open_spelling! {
    /// `SecondaryStatus`.
    SecondaryStatus {
        /// Machines are being found.
        Starting = "Starting",
        /// Older word for `Starting`.
        LaunchingMLInstances = "LaunchingMLInstances",
        /// Older word for `Starting`.
        PreparingTrainingStack = "PreparingTrainingStack",
        /// Waits for capacity.
        Pending = "Pending",
        /// Channels are being downloaded.
        Downloading = "Downloading",
        /// The image is being pulled.
        DownloadingTrainingImage = "DownloadingTrainingImage",
        /// The container runs.
        Training = "Training",
        /// Artifacts are being uploaded.
        Uploading = "Uploading",
        /// A spot machine was taken away.
        Interrupted = "Interrupted",
        /// Starts again after an internal error.
        Restarting = "Restarting",
        /// Its configuration is being changed.
        Updating = "Updating",
        /// It was asked to stop.
        Stopping = "Stopping",
        /// It was stopped.
        Stopped = "Stopped",
        /// It trained longer than allowed, and was stopped.
        MaxRuntimeExceeded = "MaxRuntimeExceeded",
        /// It waited and trained longer than allowed, and was stopped.
        MaxWaitTimeExceeded = "MaxWaitTimeExceeded",
        /// It ended well.
        Completed = "Completed",
        /// It failed.
        Failed = "Failed",
    }
}

impl TrainingJobStatus {
    /// Whether the job has ended. A status that is not known has not.
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Stopped => true,
            Self::InProgress | Self::Stopping | Self::Deleting | Self::Other(_) => false,
        }
    }
}

impl SecondaryStatus {
    /// Whether the job has ended.
    pub fn is_terminal(&self) -> bool {
        self.primary().is_some_and(|it| it.is_terminal())
    }

    /// The primary status that goes with this one; `None` if it is not known.
    pub fn primary(&self) -> Option<TrainingJobStatus> {
        match self {
            Self::Starting
            | Self::LaunchingMLInstances
            | Self::PreparingTrainingStack
            | Self::Pending
            | Self::Downloading
            | Self::DownloadingTrainingImage
            | Self::Training
            | Self::Uploading
            | Self::Interrupted
            | Self::Restarting
            | Self::Updating => Some(TrainingJobStatus::InProgress),
            Self::Stopping => Some(TrainingJobStatus::Stopping),
            Self::Stopped | Self::MaxRuntimeExceeded | Self::MaxWaitTimeExceeded => {
                Some(TrainingJobStatus::Stopped)
            }
            Self::Completed => Some(TrainingJobStatus::Completed),
            Self::Failed => Some(TrainingJobStatus::Failed),
            Self::Other(_) => None,
        }
    }

    /// Whether a time limit ended the job.
    pub fn is_time_limit(&self) -> bool {
        matches!(self, Self::MaxRuntimeExceeded | Self::MaxWaitTimeExceeded)
    }
}
