//! A job that cross-validates, from its table to its artifacts.
//!
//! Invariant: of a job that is stopped the models are kept that are done, and the rounds of the one in progress, if
//! `save_model_on_termination` asks for it; predictions and evaluation are of all folds or not there.

use std::time::Instant;

use contract::artifact::ModelDigest;

use super::folds::{Foldable, Folded, Setting};
use super::report::{self, Measured};
use super::rounds::Rounds;
use super::{Ingredients, Outcome, stopped_without_model, timing};
use crate::error::TrainerError;

/// Trains and saves the models of all folds.
pub(super) fn run<T: Foldable>(
    setting: &Setting<'_>,
    data: &T,
    known: Ingredients,
    rounds: &mut Rounds<'_>,
) -> Result<Outcome, TrainerError> {
    let (job, artifacts) = (setting.learning.job, setting.learning.artifacts);
    let own = &job.hyperparameters;
    let folded = setting.run(data, rounds)?;
    if folded.stopped && !own.save_model_on_termination {
        return Ok(stopped_without_model(
            "and save_model_on_termination is false",
        ));
    }
    let start = Instant::now();
    let digests = folded.save_models(artifacts)?;
    if folded.stopped && folded.models.is_empty() {
        return Ok(stopped_without_model("before the first round was done"));
    }
    if folded.stopped {
        return Ok(Outcome::StoppedWithModel);
    }
    let labelled = data.labelled();
    let labels: Vec<&[f32]> = labelled.labels.chunks_exact(labelled.n_targets).collect();
    folded.save_predictions(artifacts, &labels, setting.classifies())?;
    let Some((first, digest)) = folded.models.first().zip(digests.first().cloned()) else {
        return Ok(stopped_without_model("before the first fold"));
    };
    let mut training = report::training(job, &first.trained, &digest);
    training.rounds = folded.n_rounds();
    artifacts.side_files(&training, &report::effective(job, setting.learning.params))?;
    let mut timings = known.timings;
    timings.push(timing("train", folded.took));
    timings.push(timing("save", start.elapsed()));
    let measured = Measured {
        data: known.data,
        baseline: None,
        timings,
        model: digest.clone(),
    };
    let mut evaluation = report::evaluation(job, &first.trained, measured);
    complete(&mut evaluation, setting, &folded, digests);
    artifacts.evaluation(&evaluation)?;
    tracing::info!(
        "Saved {} models at {}-0 and so on",
        folded.models.len(),
        artifacts.root.model_file().display()
    );
    Ok(Outcome::Trained)
}

/// Puts what is about all folds in the place of what is about the first.
fn complete(
    evaluation: &mut contract::artifact::Evaluation,
    setting: &Setting<'_>,
    folded: &Folded,
    digests: Vec<ModelDigest>,
) {
    evaluation.rounds = folded.n_rounds();
    evaluation.best_round = None;
    evaluation.metrics = folded.histories();
    evaluation.cross_validation = Some(folded.cross_validation(setting.kfold, digests));
}
