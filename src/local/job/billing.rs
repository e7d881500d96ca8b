//! The seconds of a job: how long its machines trained, and how many of those are paid.
//!
//! A run begins with `Downloading` and ends when the machines are taken away or the job ends; started seconds of a run
//! count. Invariant: a run that spot machines did not bring to its end is trained and not paid, so an interrupted job has
//! fewer billable seconds than training seconds. The price of spot capacity is none of this server's, so a job that nobody
//! interrupts pays what it trained.
//!
//! Source: SageMaker API, `DescribeTrainingJob`; EC2's rule for instances that EC2 interrupts in their first hour.

use contract::job::{SecondaryStatus, SecondaryStatusTransition, TrainingJobDescription};

/// One run of the machines, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    start: f64,
    end: f64,
    is_interrupted: bool,
}

impl Run {
    fn started_seconds(self) -> i64 {
        (self.end - self.start).ceil().max(1.0) as i64
    }
}

/// Writes the seconds of a job that has just ended.
pub(super) fn note(job: &mut TrainingJobDescription) {
    let runs = runs(&job.secondary_status_transitions);
    if runs.is_empty() {
        return;
    }
    let paid = runs.iter().filter(|it| !it.is_interrupted);
    job.billable_time_in_seconds = Some(paid.map(|it| it.started_seconds()).sum());
    job.training_time_in_seconds = Some(runs.iter().map(|it| it.started_seconds()).sum());
}

/// Seconds that runs have trained that are over, which `MaxRuntimeInSeconds` counts too.
pub(super) fn trained_before(transitions: &[SecondaryStatusTransition]) -> f64 {
    let over = runs(transitions).into_iter();
    over.filter(|it| it.is_interrupted)
        .map(|it| it.end - it.start)
        .sum()
}

/// How often the machines were taken away.
pub(super) fn n_interruptions(transitions: &[SecondaryStatusTransition]) -> usize {
    let taken = |it: &&SecondaryStatusTransition| it.status == SecondaryStatus::Interrupted;
    transitions.iter().filter(taken).count()
}

fn runs(transitions: &[SecondaryStatusTransition]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut start = None;
    for it in transitions {
        let is_interrupted = it.status == SecondaryStatus::Interrupted;
        if it.status == SecondaryStatus::Downloading {
            start = Some(it.start_time);
        } else if is_interrupted || it.status.is_terminal() {
            runs.extend(start.take().map(|start| Run {
                start,
                end: it.start_time,
                is_interrupted,
            }));
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn job(steps: &[(&str, f64)]) -> TrainingJobDescription {
        let transitions = steps
            .iter()
            .map(|(status, at)| json!({ "Status": status, "StartTime": at }));
        serde_json::from_value(json!({
            "TrainingJobName": "j", "TrainingJobArn": "a", "TrainingJobStatus": "Completed",
            "SecondaryStatus": "Completed", "CreationTime": 1.0,
            "SecondaryStatusTransitions": transitions.collect::<Vec<_>>(),
        }))
        .unwrap()
    }

    fn seconds(steps: &[(&str, f64)]) -> (Option<i64>, Option<i64>) {
        let mut job = job(steps);
        note(&mut job);
        (job.training_time_in_seconds, job.billable_time_in_seconds)
    }

    #[test]
    fn a_job_that_nobody_interrupts_pays_what_it_trains() {
        let steps = [("Starting", 1.0), ("Downloading", 2.0), ("Completed", 4.25)];
        assert_eq!(seconds(&steps), (Some(3), Some(3)));
        assert_eq!(
            seconds(&[("Starting", 1.0), ("Failed", 2.0)]),
            (None, None),
            "it never had machines"
        );
    }

    #[test]
    fn a_run_that_was_interrupted_is_trained_and_not_paid() {
        let steps = [
            ("Starting", 1.0),
            ("Downloading", 2.0),
            ("Training", 2.1),
            ("Interrupted", 2.5),
            ("Starting", 100.0),
            ("Downloading", 100.0),
            ("Completed", 100.25),
        ];
        assert_eq!(seconds(&steps), (Some(2), Some(1)));
        let transitions = job(&steps).secondary_status_transitions;
        assert_eq!(trained_before(&transitions), 0.5);
        assert_eq!(n_interruptions(&transitions), 1);
    }
}
