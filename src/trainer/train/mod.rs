//! A training job from its documents to its artifacts: the one place with that order.
//!
//! contract -> hyperparameters -> channels -> read and bin -> boost, or cross-validate -> save -> evaluation.
//!
//! Stopping: SIGTERM ends the reading at the next tile, and the boosting where it is: the round in progress is thrown away. With
//! `save_model_on_termination` the rounds that are done become the model; without, or before the first round, there is
//! none. Either way the job has done what it was asked for and ends with exit code 0; SageMaker calls it Stopped.

mod artifacts;
mod baseline;
mod categories;
mod checkpoints;
mod cross_validate;
mod features;
mod fit;
mod fold_metrics;
mod folds;
mod forecast;
mod going_on;
mod held_out;
mod ingest;
mod job;
mod joined;
mod names;
mod reading;
mod report;
mod rounds;
mod search;
mod start;
mod streams;
mod tables;

use std::env;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use contract::artifact::{DataSet, Timing};
use contract::channel::{TRAIN, VALIDATION};
use contract::environment::LINDEN_SIMD;
use contract::paths::MlRoot;
use engine::booster::{Progress, TrainEnd};
use engine::dataset::CategoryNames;
use engine::params::{BoosterParams, BoosterValidParams};
use engine::threads::Threads;
use linfa::ParamGuard;

use self::artifacts::Artifacts;
use self::baseline::{Columns, Guess, Keys};
pub use self::checkpoints::{CheckpointError, Difference};
use self::checkpoints::{Checkpoints, Writer};
use self::fit::{Fitted, Origin};
use self::going_on::GoingOn;
use self::job::Job;
use self::reading::Reading;
use self::report::Measured;
use self::rounds::{Rounds, is_stopped};
use self::start::Start;
pub use self::start::StartError;
pub use self::streams::Streams;
use self::streams::Whereabouts;
use self::tables::{Pair, Rows, Tables};
use crate::data::DataError;
use crate::error::TrainerError;

/// How a job ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is a model of all its rounds, or of those that early stopping kept.
    Trained,
    /// The job was stopped, and the rounds that were done are the model.
    StoppedWithModel,
    /// The job was stopped, and there is no model.
    StoppedWithoutModel,
}

/// Runs the job whose tree is at `root`, with the channels from S3 that the environment names. Metric lines go to `stdout`;
/// `stop` ends the job early.
///
/// # Errors
/// [`TrainerError`]; then there is no model but perhaps an intermediate one, if `save_model_on_termination` asked for it.
pub fn run(
    root: &MlRoot,
    stdout: &mut dyn Write,
    stop: &Arc<AtomicBool>,
) -> Result<Outcome, TrainerError> {
    run_with(root, stdout, stop, Streams::from_env()?)
}

/// Runs a job as [`run`], with these channels from S3.
///
/// # Errors
/// As [`run`].
pub fn run_with(
    root: &MlRoot,
    stdout: &mut dyn Write,
    stop: &Arc<AtomicBool>,
    streams: Streams,
) -> Result<Outcome, TrainerError> {
    let whereabouts = Whereabouts::new(root, streams, stop);
    match run_job(root, stdout, stop, whereabouts) {
        // What could not be read any more is nobody's concern.
        Err(TrainerError::Data(DataError::Io { .. })) if stop.load(Ordering::Relaxed) => {
            Ok(stopped_without_model("while the data was being read"))
        }
        ended => ended,
    }
}

fn run_job(
    root: &MlRoot,
    stdout: &mut dyn Write,
    stop: &Arc<AtomicBool>,
    whereabouts: Whereabouts,
) -> Result<Outcome, TrainerError> {
    let mut job = Job::read(root, whereabouts)?;
    let params = params(&job)?;
    let threads = Threads::new(params.check_ref()?.nthread())?;
    complete(&mut job)?;
    let mut going_on = GoingOn::find(root, &job, params)?;
    let start = Instant::now();
    let reading = Reading {
        root,
        job: &job,
        start: going_on.start.as_ref(),
        threads: &threads,
        stop,
    };
    let Some(tables) = reading.read(&going_on.params)? else {
        return Ok(stopped_without_model("while the data was being read"));
    };
    let timings = reading_timings(start.elapsed(), &tables);
    let n_features = tables.rows.labelled().train.n_features;
    check_names(&job, n_features)?;
    features::settle(&mut job, &mut going_on.params, n_features)?;
    categories::check(&job, n_features)?;
    if let Some(continued) = &going_on.start {
        continued.check_names(&job.hyperparameters.feature_names)?;
    }
    let data = data_sets(&tables);
    if stop.load(Ordering::Relaxed) {
        return Ok(stopped_without_model("before the first round"));
    }
    let artifacts = Artifacts {
        root,
        format: job.hyperparameters.model_format,
        fold: None,
    };
    let keep = job.hyperparameters.save_model_on_termination;
    let progress = going_on.settle(&tables.rows)?;
    let checkpoints = going_on.checkpoints.as_ref();
    let mut rounds = Rounds::new(stdout, stop, keep.then_some(artifacts))
        .with_checkpoints(checkpoints.map(Writer::new));
    let learning = Learning {
        job: &job,
        params: &going_on.params,
        threads: &threads,
        start: going_on.start.as_ref(),
        checkpoints,
        artifacts: &artifacts,
    };
    let folds = |kfold| folds::Setting { learning, kfold };
    match (tables.rows, job.hyperparameters.kfold) {
        (Rows::Binned(rows), Some(kfold)) => {
            let known = Ingredients::of_folds(data, timings, tables.names);
            cross_validate::run(&folds(kfold), &rows.train, known, &mut rounds)
        }
        (Rows::Columns(rows), Some(kfold)) => {
            let known = Ingredients::of_folds(data, timings, tables.names);
            cross_validate::run(&folds(kfold), &rows.train, known, &mut rounds)
        }
        (rows, _) => {
            let guess = guess(&job, learning.params, (&rows, &tables.keys))?;
            let known = Ingredients {
                data,
                guess,
                progress,
                timings,
                names: tables.names,
            };
            learning.one_model(rows, known, &mut rounds)
        }
    }
}

/// What the columns say about themselves, in the hyperparameters or in the files, is known to the job.
fn complete(job: &mut Job) -> Result<(), TrainerError> {
    names::complete(job)?;
    features::check_named(job)?;
    categories::find(job)
}

/// What models are made with.
#[derive(Clone, Copy)]
struct Learning<'a> {
    job: &'a Job,
    params: &'a BoosterValidParams,
    threads: &'a Threads,
    /// The model that training continues from.
    start: Option<&'a Start>,
    /// Where checkpoints are kept, if they are.
    checkpoints: Option<&'a Checkpoints>,
    artifacts: &'a Artifacts<'a>,
}

impl Learning<'_> {
    /// Learns from all of the training channel, and saves what was learned.
    fn one_model(
        &self,
        rows: Rows,
        mut known: Ingredients,
        rounds: &mut Rounds<'_>,
    ) -> Result<Outcome, TrainerError> {
        let own = &self.job.hyperparameters;
        let settings = (own, self.params);
        let origin = Origin {
            start: self.start,
            progress: known.progress.take(),
        };
        let mut fitted = fit::fit(settings, rows, origin, self.threads, rounds)?;
        if let Some(err) = rounds.failed.take() {
            return Err(err);
        }
        let stopped = is_stopped(&fitted.trained, self.params.num_round());
        if fitted.trained.end == TrainEnd::Monitor && !stopped {
            fitted.trained.end = TrainEnd::AllRounds;
        }
        if stopped && fitted.trained.history.is_empty() {
            return Ok(stopped_without_model("before the first round was done"));
        }
        if stopped && !own.save_model_on_termination {
            return Ok(stopped_without_model(
                "and save_model_on_termination is false",
            ));
        }
        // A tree that was grown on values knows codes only.
        fitted.trained.booster.category_names = known.names.clone();
        if !own.feature_names.is_empty() {
            let names = &own.feature_names;
            fitted.trained.booster.feature_names.clone_from(names);
        }
        save(self.job, self.params, self.artifacts, &fitted, known)?;
        Ok(if stopped {
            Outcome::StoppedWithModel
        } else {
            Outcome::Trained
        })
    }
}

/// What was known before the first round and goes into the evaluation.
struct Ingredients {
    data: Vec<DataSet>,
    guess: Option<Guess>,
    /// How far the job was when it was interrupted.
    progress: Option<Progress>,
    timings: Vec<Timing>,
    /// The names of the features' categories, where they have some.
    names: CategoryNames,
}

impl Ingredients {
    /// Of several models.
    fn of_folds(data: Vec<DataSet>, timings: Vec<Timing>, names: CategoryNames) -> Self {
        Self {
            data,
            guess: None,
            progress: None,
            timings,
            names,
        }
    }
}

/// Writes the model and everything beside it.
fn save(
    job: &Job,
    params: &BoosterValidParams,
    artifacts: &Artifacts<'_>,
    fitted: &Fitted,
    known: Ingredients,
) -> Result<(), TrainerError> {
    let trained = &fitted.trained;
    let start = Instant::now();
    let model = artifacts.model(&trained.booster)?;
    let baseline = known
        .guess
        .map(|it| it.against(|data, metric| report::final_value(trained, data, metric)));
    if let Some(baseline) = &baseline {
        tracing::info!("{}", baseline::in_words(baseline));
    }
    artifacts.side_files(
        &report::training(job, trained, &model),
        &report::effective(job, params),
    )?;
    let mut timings = known.timings;
    timings.extend(fitted.timings.iter().cloned());
    timings.push(timing("save", start.elapsed()));
    artifacts.evaluation(&report::evaluation(
        job,
        trained,
        Measured {
            data: known.data,
            baseline,
            timings,
            model,
        },
    ))?;
    let rounds = trained.booster.n_rounds();
    tracing::info!(
        "Saved a model of {rounds} rounds at {}",
        artifacts.root.model_file().display()
    );
    Ok(())
}

/// How long a step took.
pub(crate) fn timing(step: &str, took: Duration) -> Timing {
    Timing {
        step: step.to_owned(),
        seconds: took.as_secs_f64(),
    }
}

/// How long it took to read, and to cut where that was done. What is binned while it is read counts as reading.
fn reading_timings(took: Duration, tables: &Tables) -> Vec<Timing> {
    let read = timing("read", took.saturating_sub(tables.binning));
    match tables.rows {
        Rows::Binned(_) => vec![read, timing("bin", tables.binning)],
        Rows::Columns(_) | Rows::Raw(_) => vec![read],
    }
}

fn stopped_without_model(why: &str) -> Outcome {
    tracing::info!("The job was stopped {why}; there is no model");
    Outcome::StoppedWithoutModel
}

/// The booster's parameters, without early stopping where there is nothing to look at.
fn params(job: &Job) -> Result<BoosterParams, TrainerError> {
    let mut params = job.hyperparameters.params.clone();
    let is_watched = job.validation.is_some() || job.hyperparameters.kfold.is_some();
    if !is_watched && params.check_ref()?.saves_best() {
        let name = match job.hyperparameters.early_stopping_rounds {
            Some(_) => "early_stopping_rounds",
            None => "save_best",
        };
        tracing::warn!("{name} has no effect, since the job has no validation channel");
        params = params.early_stopping_rounds(None).save_best(None);
    }
    if let Ok(name) = env::var(LINDEN_SIMD.name) {
        params = params.simd(Some(name.parse().map_err(TrainerError::Simd)?));
    }
    params.check_ref()?;
    Ok(params)
}

fn data_sets(tables: &Tables) -> Vec<DataSet> {
    let columns = tables.rows.labelled().train.n_features as u64;
    let set = |name: &str, n_rows: usize, n_skipped: u64| DataSet {
        name: name.to_owned(),
        rows: n_rows as u64,
        columns,
        skipped_rows: n_skipped,
    };
    let (n_rows, n_skipped) = (&tables.n_rows, &tables.n_skipped);
    let validation = n_rows.validation.zip(n_skipped.validation);
    let validation = validation.map(|(n_rows, it)| set(VALIDATION, n_rows, it));
    std::iter::once(set(TRAIN, n_rows.train, n_skipped.train))
        .chain(validation)
        .collect()
}

fn check_names(job: &Job, n_features: usize) -> Result<(), TrainerError> {
    match job.hyperparameters.feature_names.len() {
        0 => Ok(()),
        n_names if n_names == n_features => Ok(()),
        n_names => Err(TrainerError::FeatureNames {
            n_names,
            n_features,
        }),
    }
}

/// Measures the guess without a model.
fn guess(
    job: &Job,
    params: &BoosterValidParams,
    (rows, keys): (&Rows, &Pair<Keys>),
) -> Result<Option<Guess>, TrainerError> {
    let hyperparameters = &job.hyperparameters;
    let rows = rows.labelled();
    let columns = Columns::find(
        &hyperparameters.baseline_columns,
        &hyperparameters.feature_names,
        rows.train.n_features,
    )?;
    let train = (rows.train, &keys.train);
    let judged = match rows.validation.zip(keys.validation.as_ref()) {
        Some(validation) => (VALIDATION, validation),
        None => (TRAIN, train.clone()),
    };
    let objective = params.objective_for_metrics();
    let metrics = &hyperparameters.eval_metrics;
    Ok(columns.map(|it| baseline::measure(&it, train, judged, metrics, &objective)))
}
