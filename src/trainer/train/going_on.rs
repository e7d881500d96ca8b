//! What a job goes on from: its own checkpoint, one of XGBoost's, the model of a channel, or nothing.
//!
//! Invariants: with a checkpoint of its own the job's rounds are those of one that was not interrupted, and rows start from
//! what they started from then. A checkpoint of XGBoost's is a model that rows start from, as it is to the built-in
//! algorithm, and the rounds in it count.

use contract::channel::{TRAIN, VALIDATION};
use contract::checkpoint::{OnMismatch, StartedFrom};
use contract::paths::MlRoot;
use engine::booster::Progress;
use engine::params::{BoosterParams, BoosterValidParams};
use linfa::ParamGuard;

use super::checkpoints::{CheckpointError, Checkpoints, Foreign, Found, Own, digest};
use super::job::Job;
use super::start::Start;
use super::tables::{Pair, Rows};
use crate::error::TrainerError;

/// What is known before the data are read.
#[derive(Debug)]
pub(super) struct GoingOn {
    /// Where checkpoints are kept, if they are.
    pub(super) checkpoints: Option<Checkpoints>,
    /// The model that rows start from.
    pub(super) start: Option<Start>,
    /// The parameters, with the rounds that the job adds to that model.
    pub(super) params: BoosterValidParams,
    own: Option<Own>,
}

impl GoingOn {
    /// Looks for something to go on from.
    pub(super) fn find(
        root: &MlRoot,
        job: &Job,
        params: BoosterParams,
    ) -> Result<Self, TrainerError> {
        let num_round = job.hyperparameters.num_round;
        let of_job = params.check_ref()?;
        let mut checkpoints = Checkpoints::open(root, job, of_job)?;
        let found = match &checkpoints {
            // Each fold has a folder of its own, and is looked for when its turn comes.
            Some(checkpoints) if job.hyperparameters.kfold.is_none() => checkpoints.find(of_job)?,
            Some(_) | None => Found::Nothing,
        };
        let mut own = None;
        let mut left = num_round;
        let start = match found {
            Found::Nothing => Start::read(job, of_job)?,
            Found::Own(found) => {
                tell(&found.file, found.n_rounds());
                let first_round = found.first_round();
                let start = match found.started_from() {
                    StartedFrom::Nothing => None,
                    StartedFrom::Model => Start::read(job, of_job)?,
                    StartedFrom::Checkpoint => {
                        left = num_round.saturating_sub(first_round);
                        Some(Start::new(found.start(), &found.file, of_job))
                    }
                };
                own = Some(*found);
                start
            }
            Found::Foreign(found) => {
                let Foreign { file, mut booster } = *found;
                tell(&file, booster.n_rounds());
                booster.keep_rounds(num_round);
                left = num_round.saturating_sub(booster.n_rounds() as u32);
                if let Some(checkpoints) = &mut checkpoints {
                    checkpoints.started_from = StartedFrom::Checkpoint;
                }
                Some(Start::new(booster, &file, of_job))
            }
        };
        if let (Some(own), Some(checkpoints)) = (&own, &mut checkpoints) {
            checkpoints.started_from = own.started_from();
        }
        Ok(Self {
            checkpoints,
            start,
            params: params.num_round(left).check()?,
            own,
        })
    }

    /// What the job's one model goes on from, now that the data are there.
    pub(super) fn settle(&mut self, rows: &Rows) -> Result<Option<Progress>, TrainerError> {
        let Some(checkpoints) = &mut self.checkpoints else {
            return Ok(None);
        };
        // That of a checkpoint changes from one to the next, and is held to the job by the checkpoint.
        let model = self.start.as_ref();
        let model = model.filter(|_| checkpoints.started_from == StartedFrom::Model);
        checkpoints.data = digest(rows, model.and_then(Start::asked_while_training));
        let Some(own) = self.own.take() else {
            return Ok(None);
        };
        let progress =
            |own: Own| own.progress(&sets(&rows.labelled()), &self.params.eval_metrics());
        if own.is_of_data(&checkpoints.data) {
            return Ok(progress(own));
        }
        // Rows have started from a checkpoint's model already, so it is too late to begin without it.
        let may_restart = own.started_from() != StartedFrom::Checkpoint;
        if checkpoints.on_mismatch == OnMismatch::Fail || !may_restart {
            return Err(CheckpointError::Data { file: own.file }.into());
        }
        let Some(other) = checkpoints.find_of_data(None)? else {
            return Ok(None);
        };
        tell(&other.file, other.n_rounds());
        Ok(progress(other))
    }
}

/// The sets that rounds are evaluated on.
fn sets<T>(tables: &Pair<T>) -> Vec<&'static str> {
    let validation = tables.validation.as_ref().map(|_| VALIDATION);
    std::iter::once(TRAIN).chain(validation).collect()
}

/// What a fold goes on from.
pub(super) fn of_fold(
    checkpoints: &Checkpoints,
    fold: usize,
    params: &BoosterValidParams,
) -> Result<Option<Progress>, CheckpointError> {
    let Some(own) = checkpoints.find_of_data(Some(fold))? else {
        return Ok(None);
    };
    tell(&own.file, own.n_rounds());
    Ok(own.progress(&[TRAIN, VALIDATION], &params.eval_metrics()))
}

fn tell(file: &str, n_rounds: usize) {
    tracing::info!("Resuming from checkpoint {file}, a model of {n_rounds} rounds");
}
