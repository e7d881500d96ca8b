//! What happens after each round: a metric line, perhaps a checkpoint or a model on disk, and a look at the stop flag. A round
//! during which the flag is set is thrown away.
//!
//! Invariants: stdout gets metric lines and nothing else, one a round, flushed before the next begins, since SageMaker
//! reads them while the job runs. With `save_model_on_termination` a model lies on disk at the latest [`SAVE_EVERY`]
//! after it was grown, so that even a kill that cannot be caught leaves one.

use std::fmt::Display;
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use contract::metric_line::format_line;
use engine::booster::{Booster, Evaluation, Monitor, RoundReport, TrainEnd, Trained};
use engine::metric::Metric;

use super::artifacts::Artifacts;
use super::checkpoints::Writer;
use crate::error::TrainerError;

/// How old the model on disk may be. A minute of work is what an uncaught kill may cost.
const SAVE_EVERY: Duration = Duration::from_mins(1);

/// Follows the rounds of a job.
pub(crate) struct Rounds<'a> {
    stdout: &'a mut dyn Write,
    stop: &'a Arc<AtomicBool>,
    /// Where to keep intermediate models, if they are kept.
    keep: Option<Artifacts<'a>>,
    /// What writes checkpoints, if they are written.
    checkpoints: Option<Writer<'a>>,
    last_save: Instant,
    /// Whether a metric that is no number was told of.
    warned: bool,
    /// Why the rounds were broken off, where it was not the stop flag.
    pub(crate) failed: Option<TrainerError>,
}

impl<'a> Rounds<'a> {
    pub(crate) fn new(
        stdout: &'a mut dyn Write,
        stop: &'a Arc<AtomicBool>,
        keep: Option<Artifacts<'a>>,
    ) -> Self {
        Self {
            stdout,
            stop,
            keep,
            checkpoints: None,
            last_save: Instant::now(),
            warned: false,
            failed: None,
        }
    }

    /// The same, with checkpoints.
    pub(crate) fn with_checkpoints(self, checkpoints: Option<Writer<'a>>) -> Self {
        Self {
            checkpoints,
            ..self
        }
    }

    /// Prints a round's line.
    pub(crate) fn print(
        &mut self,
        round: u32,
        evaluations: &[Evaluation],
    ) -> Result<(), TrainerError> {
        let values: Vec<_> = evaluations
            .iter()
            .map(|it| (&it.data, it.metric, it.value))
            .collect();
        self.warn_of_nan(evaluations);
        self.print_line(round, &values)
    }

    /// Prints a line of these values.
    pub(crate) fn print_line<D: Display, M: Display>(
        &mut self,
        round: u32,
        values: &[(D, M, f64)],
    ) -> Result<(), TrainerError> {
        let line = format_line(round, values);
        let written = writeln!(self.stdout, "{line}").and_then(|()| self.stdout.flush());
        written.map_err(TrainerError::Stdout)
    }

    /// The next rounds are those of the fold `number`.
    pub(crate) fn begin_fold(&mut self, number: usize) {
        self.keep = self.keep.map(|it| it.of_fold(number));
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.begin_fold(number);
        }
    }

    /// Whether the job is to end early.
    pub(crate) fn is_asked_to_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// SageMaker reads only numbers, so a tuning job or an alarm would wait for a metric that never comes.
    fn warn_of_nan(&mut self, evaluations: &[Evaluation]) {
        if let Some(it) = evaluations
            .iter()
            .find(|it| it.value.is_nan() && !self.warned)
        {
            self.warned = true;
            let why = if matches!(it.metric, Metric::Auc | Metric::Aucpr) {
                ": the data set only contains pos or neg samples, or all of its rows weigh nothing"
            } else {
                ""
            };
            tracing::warn!(
                "{}-{} is not a number{why}; SageMaker does not record it",
                it.data,
                it.metric
            );
        }
    }

    fn keep_checkpoint(
        &mut self,
        report: &RoundReport<'_>,
        is_stopped: bool,
    ) -> Result<(), TrainerError> {
        match &mut self.checkpoints {
            Some(checkpoints) => Ok(checkpoints.after_round(report, is_stopped)?),
            None => Ok(()),
        }
    }

    fn save(&mut self, booster: &Booster) -> Result<(), TrainerError> {
        match self.keep {
            Some(artifacts) if self.last_save.elapsed() >= SAVE_EVERY => {
                artifacts.model(booster)?;
                self.last_save = Instant::now();
                Ok(())
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether training was broken off before its last round. A stop that comes with the last round stops nothing.
pub(crate) fn is_stopped(trained: &Trained, num_round: u32) -> bool {
    trained.end == TrainEnd::Monitor && trained.history.len() < num_round as usize
}

impl Monitor for Rounds<'_> {
    fn after_round(&mut self, report: &RoundReport<'_>) -> ControlFlow<()> {
        let is_asked_to_stop = self.is_asked_to_stop();
        let done = self
            .print(report.round, report.evaluations)
            .and_then(|()| self.keep_checkpoint(report, is_asked_to_stop))
            .and_then(|()| self.save(report.booster));
        if let Err(err) = done {
            self.failed = Some(err);
            return ControlFlow::Break(());
        }
        if is_asked_to_stop {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// A round of a large table takes longer than whoever stops a job likes to wait.
    fn stop(&self) -> Option<Arc<AtomicBool>> {
        Some(Arc::clone(self.stop))
    }

    fn broken_off(&mut self, last: &RoundReport<'_>) {
        if let Err(err) = self.keep_checkpoint(last, true) {
            self.failed = Some(err);
        }
    }
}
