//! The task of a tuning job: as many training jobs at a time as it may have, until there are enough.
//!
//! Invariant: the record says how it ended only after every training job has ended.

use super::children::{self, Child};
use super::parzen::Tried;
use super::record::TuningRecord;
use super::request::Plan;
use crate::app::App;
use crate::job::{Order, Tuned};
use crate::sagemaker;
use crate::work_status::{WorkEnd, abandoned};
use contract::job::TrainingJobStatus;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often the training jobs are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// `FailureReason` holds at most this many characters.
const MAX_REASON: usize = 1024;
/// Training jobs without a value, of none with one, after which there is no hope.
const HOPELESS: usize = 5;

/// A tuning job that runs.
#[derive(Debug)]
pub(super) struct Tuning {
    pub(super) app: Arc<App>,
    pub(super) name: String,
    pub(super) arn: String,
    /// When it was created, which tells it from a deleted namesake.
    pub(super) created: f64,
    pub(super) plan: Plan,
}

impl Tuning {
    /// Runs it to its end.
    pub(super) async fn run(mut self, mut orders: watch::Receiver<Order>) {
        let mut end = None;
        let mut n_launched = 0;
        loop {
            let children = self.children();
            let n_running = children.iter().filter(|it| is_running(it)).count();
            let order = *orders.borrow_and_update();
            if order == Order::Abandon {
                return self.finish(abandoned("tuning", "was shut down"));
            }
            if order == Order::Stop && end.is_none() {
                end = Some(WorkEnd::Stopped);
                self.stop(&children);
            }
            if end.is_none() {
                end = self.verdict(&children);
                if end.is_some() {
                    self.stop(&children);
                }
            }
            let mut is_exhausted = n_launched >= self.plan.max_jobs;
            for _ in n_running..self.plan.max_parallel {
                if end.is_some() || is_exhausted {
                    break;
                }
                match self.launch(n_launched + 1).await {
                    Ok(true) => n_launched += 1,
                    Ok(false) => is_exhausted = true,
                    Err(reason) => {
                        end = Some(WorkEnd::Failed(reason));
                        // Those too that have just been launched.
                        self.stop(&self.children());
                    }
                }
                is_exhausted |= n_launched >= self.plan.max_jobs;
            }
            let is_idle = !self.children().iter().any(is_running);
            if is_idle && (end.is_some() || is_exhausted) {
                let end = end.unwrap_or_else(|| self.outcome());
                return self.finish(end);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = orders.changed() => {}
            }
        }
    }

    fn children(&self) -> Vec<Child> {
        let metric = &self.plan.objective.metric_name;
        children::of(&self.app.jobs, &self.name, self.created, metric)
    }

    /// What the training jobs had, and what came of it.
    fn tried(&self) -> Vec<Tried> {
        let direction = self.plan.objective.direction;
        let tried = |it: &Child| {
            let value = it.value.filter(|_| it.is_success());
            Some(Tried {
                values: it.record.tuned.as_ref()?.hyper_parameters.clone(),
                loss: value.map(|it| direction.loss(it)),
            })
        };
        self.children().iter().filter_map(tried).collect()
    }

    /// An end before all training jobs have been.
    fn verdict(&self, children: &[Child]) -> Option<WorkEnd> {
        let direction = self.plan.objective.direction;
        let ended: Vec<&Child> = children.iter().filter(|it| !is_running(it)).collect();
        let best = children::best(children, direction);
        if best.is_none() && ended.len() >= HOPELESS {
            return Some(self.outcome());
        }
        let best = best?.value?;
        let is_reached = |target: f64| best == target || direction.prefers(best, target);
        if self.plan.target.is_some_and(is_reached) {
            return Some(WorkEnd::Completed);
        }
        let since = self.plan.not_improving?;
        // A tie is no improvement, so the first that was as good counts.
        let at = ended
            .iter()
            .position(|it| it.is_success() && it.value == Some(best))?;
        (ended.len() - 1 - at >= since).then_some(WorkEnd::Completed)
    }

    fn outcome(&self) -> WorkEnd {
        let children = self.children();
        if children::best(&children, self.plan.objective.direction).is_some() {
            return WorkEnd::Completed;
        }
        let n_jobs = children.len();
        let reason = children
            .iter()
            .find_map(|it| it.job().failure_reason.clone());
        let why = reason.map_or_else(
            || "Please ensure that the custom algorithm is emitting the objective metric as defined by the regular expression provided.".to_owned(),
            |reason| format!("One of them failed with: {reason}"),
        );
        let text =
            format!("No objective metrics found after running {n_jobs} training jobs. {why}");
        WorkEnd::Failed(text.chars().take(MAX_REASON).collect())
    }

    /// Creates the next training job; false if there is nothing left to try.
    async fn launch(&mut self, number: usize) -> Result<bool, String> {
        let tried = self.tried();
        let Some(tuned) = self.plan.strategy.propose(&tried) else {
            return Ok(false);
        };
        let name = format!("{}-{number:03}-{}", self.name, mark(&tuned, self.created));
        let request = self
            .plan
            .request(&name, &tuned)
            .map_err(|err| err.message)?;
        let tuned = Tuned {
            job: self.name.clone(),
            arn: self.arn.clone(),
            hyper_parameters: tuned,
        };
        let app = Arc::clone(&self.app);
        let create = move || sagemaker::create_training_job(&app, &request, Some(tuned));
        let created = tokio::task::spawn_blocking(create).await;
        match created {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(refused)) => Err(format!("{}: {}", refused.code.name(), refused.message)),
            Err(err) => Err(format!("InternalServerError: {err}")),
        }
    }

    fn stop(&self, children: &[Child]) {
        for child in children {
            if child.job().training_job_status == TrainingJobStatus::InProgress {
                // One that has just ended needs no stop.
                let _ = sagemaker::stop_training_job(&self.app, child.name());
            }
        }
    }

    fn finish(&self, end: WorkEnd) {
        let change = |record: &mut TuningRecord| {
            record.progress.close(end);
            Ok::<_, Infallible>(())
        };
        if let Err(err) = self.app.records.tunings.update(&self.name, change) {
            tracing::error!(job = self.name, %err, "the end of the tuning job could not be recorded");
        }
    }
}

fn is_running(child: &Child) -> bool {
    !child.job().training_job_status.is_terminal()
}

/// Eight letters that tell training jobs of different hyperparameters, and those of tuning jobs of one name, apart.
fn mark(tuned: &BTreeMap<String, String>, created: f64) -> String {
    // FNV-1a: a name is no secret and no checksum.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let texts = tuned
        .iter()
        .flat_map(|(key, value)| [key, "=", value, ";"])
        .flat_map(str::bytes);
    for byte in created.to_bits().to_le_bytes().into_iter().chain(texts) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{:08x}", hash >> 32)
}
