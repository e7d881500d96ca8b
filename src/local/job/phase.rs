//! The statuses of a job and the edges between them, with what SageMaker says at each.
//!
//! ```text
//! Starting -> Downloading -> Training -> Uploading -> Completed
//!      \___________\____________\_____-> Stopping -> Uploading -> Stopped | MaxRuntimeExceeded
//!       \___________\____________\___________________________\-> Failed
//!
//! Training -> Interrupted -> Starting | Stopping | MaxWaitTimeExceeded | Failed
//! ```
//! Invariant: a terminal status has no edge out, and a job that is `Stopping` stays so while it uploads.
//!
//! Source: SageMaker API, `DescribeTrainingJob`, `SecondaryStatus`; the messages are those in users' job logs.

use contract::job::{
    SecondaryStatus, SecondaryStatusTransition, TrainingJobDescription, TrainingJobStatus,
};
use std::time::{SystemTime, UNIX_EPOCH};

/// A step that the job cannot take from where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a training job that is {from} cannot become {to}")]
pub(crate) struct NoEdge {
    pub(crate) from: SecondaryStatus,
    pub(crate) to: SecondaryStatus,
}

/// Seconds since 1970, to the millisecond as AWS gives them.
pub(crate) fn now() -> f64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    since.as_millis() as f64 / 1000.0
}

/// The transition that every job begins with.
pub(crate) fn first_transition(at: f64) -> SecondaryStatusTransition {
    transition(SecondaryStatus::Starting, at)
}

/// Moves the job to `next` at time `at`, and says so in its transitions.
pub(crate) fn enter(
    job: &mut TrainingJobDescription,
    next: SecondaryStatus,
    at: f64,
) -> Result<(), NoEdge> {
    if !leads(&job.secondary_status, &next) {
        return Err(NoEdge {
            from: job.secondary_status.clone(),
            to: next,
        });
    }
    if let Some(last) = job.secondary_status_transitions.last_mut() {
        last.end_time = Some(at);
    }
    let mut step = transition(next.clone(), at);
    let stopping = job.training_job_status == TrainingJobStatus::Stopping;
    if let Some(primary) = next.primary()
        && (!stopping || primary.is_terminal())
    {
        job.training_job_status = primary;
    }
    if next.is_terminal() {
        step.end_time = Some(at);
        job.training_end_time = job.training_start_time.map(|_| at);
    }
    if next == SecondaryStatus::Downloading {
        job.training_start_time.get_or_insert(at);
    }
    job.secondary_status_transitions.push(step);
    job.secondary_status = next;
    job.last_modified_time = Some(at);
    Ok(())
}

fn transition(status: SecondaryStatus, at: f64) -> SecondaryStatusTransition {
    let status_message = Some(message(&status).to_owned());
    SecondaryStatusTransition {
        status,
        start_time: at,
        end_time: None,
        status_message,
    }
}

fn leads(from: &SecondaryStatus, to: &SecondaryStatus) -> bool {
    use SecondaryStatus as S;
    let next: &[S] = match from {
        S::Starting => &[
            S::Downloading,
            S::Stopping,
            S::MaxWaitTimeExceeded,
            S::Failed,
        ],
        S::Downloading => &[S::Training, S::Stopping, S::Failed],
        S::Training => &[S::Uploading, S::Interrupted, S::Stopping, S::Failed],
        S::Interrupted => &[S::Starting, S::Stopping, S::MaxWaitTimeExceeded, S::Failed],
        S::Uploading => &[
            S::Completed,
            S::Stopping,
            S::Stopped,
            S::MaxRuntimeExceeded,
            S::MaxWaitTimeExceeded,
            S::Failed,
        ],
        S::Stopping => &[
            S::Uploading,
            S::Stopped,
            S::MaxRuntimeExceeded,
            S::MaxWaitTimeExceeded,
            S::Failed,
        ],
        _ => &[],
    };
    next.contains(to)
}

fn message(status: &SecondaryStatus) -> &'static str {
    match status {
        SecondaryStatus::Starting => "Starting the training job",
        SecondaryStatus::Downloading => "Downloading input data",
        SecondaryStatus::Training => "Training image download completed. Training in progress.",
        SecondaryStatus::Uploading => "Uploading generated training model",
        SecondaryStatus::Stopping => "Stopping the training job",
        SecondaryStatus::Stopped => "Training job stopped",
        SecondaryStatus::MaxRuntimeExceeded => {
            "Training job runtime exceeded MaxRuntimeInSeconds provided"
        }
        SecondaryStatus::MaxWaitTimeExceeded => {
            "Training job waited and ran longer than MaxWaitTimeInSeconds provided"
        }
        SecondaryStatus::Interrupted => {
            "Training job interrupted: the managed spot training instances were taken away"
        }
        SecondaryStatus::Completed => "Training job completed",
        SecondaryStatus::Failed => "Training job failed",
        // Never entered here: `leads` has no edge to them.
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SecondaryStatus as S;

    fn job() -> TrainingJobDescription {
        serde_json::from_value(serde_json::json!({
            "TrainingJobName": "j", "TrainingJobArn": "a", "TrainingJobStatus": "InProgress",
            "SecondaryStatus": "Starting", "CreationTime": 1.0,
            "SecondaryStatusTransitions": [first_transition(1.0)],
        }))
        .unwrap()
    }

    #[test]
    fn a_job_that_completes_closes_every_transition() {
        let mut job = job();
        for (at, next) in [
            (2.0, S::Downloading),
            (3.0, S::Training),
            (4.0, S::Uploading),
            (5.0, S::Completed),
        ] {
            enter(&mut job, next, at).unwrap();
        }
        assert_eq!(job.training_job_status, TrainingJobStatus::Completed);
        assert_eq!(
            (job.training_start_time, job.training_end_time),
            (Some(2.0), Some(5.0))
        );
        let times: Vec<_> = job
            .secondary_status_transitions
            .iter()
            .map(|it| (it.start_time, it.end_time))
            .collect();
        let expected = [
            (1.0, Some(2.0)),
            (2.0, Some(3.0)),
            (3.0, Some(4.0)),
            (4.0, Some(5.0)),
            (5.0, Some(5.0)),
        ];
        assert_eq!(times, expected);
    }

    #[test]
    fn a_stopping_job_stays_stopping_while_it_uploads() {
        let mut job = job();
        for next in [S::Downloading, S::Training, S::Stopping, S::Uploading] {
            enter(&mut job, next, 2.0).unwrap();
        }
        assert_eq!(job.training_job_status, TrainingJobStatus::Stopping);
        enter(&mut job, S::Stopped, 3.0).unwrap();
        assert_eq!(job.training_job_status, TrainingJobStatus::Stopped);
    }

    #[test]
    fn nothing_leads_out_of_an_end_or_back() {
        for end in [
            S::Completed,
            S::Failed,
            S::Stopped,
            S::MaxRuntimeExceeded,
            S::MaxWaitTimeExceeded,
        ] {
            assert!(S::KNOWN.iter().all(|next| !leads(&end, next)), "{end}");
        }
        assert!(!leads(&S::Training, &S::Downloading));
        assert!(!leads(&S::Stopping, &S::Training));
    }
}
