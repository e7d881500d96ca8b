//! A training job from its documents to its artifacts: the one place with that order.
//!
//! contract -> hyperparameters -> channels -> read and bin -> boost -> save -> evaluation.
//!
//! Stopping: SIGTERM ends the reading at the next tile and the boosting after the round in progress. With
//! `save_model_on_termination` the rounds that are done become the model; without, or before the first round, there is
//! none. Either way the job has done what it was asked for and ends with exit code 0; SageMaker calls it Stopped.

mod artifacts;
mod baseline;
mod fit;
mod ingest;
mod job;
mod names;
mod report;
mod rounds;
mod tables;

use std::env;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use contract::artifact::{DataSet, Timing};
use contract::channel::{TRAIN, VALIDATION};
use contract::environment::LINDEN_SIMD;
use contract::paths::MlRoot;
use engine::booster::TrainEnd;
use engine::params::BoosterValidParams;
use engine::threads::Threads;
use linfa::ParamGuard;

use self::artifacts::Artifacts;
use self::baseline::{Columns, Guess};
use self::fit::Fitted;
use self::job::Job;
use self::report::Measured;
use self::rounds::Rounds;
use self::tables::{Labelled, Pair, Rows, Tables};
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

/// Runs the job whose tree is at `root`. Metric lines go to `stdout`; `stop` ends the job early.
///
/// # Errors
/// [`TrainerError`]; then there is no model but perhaps an intermediate one, if `save_model_on_termination` asked for it.
pub fn run(
    root: &MlRoot,
    stdout: &mut dyn Write,
    stop: &AtomicBool,
) -> Result<Outcome, TrainerError> {
    let mut job = Job::read(root)?;
    let params = params(&job)?;
    let threads = Threads::new(params.nthread())?;
    names::complete(root, &mut job)?;
    let start = Instant::now();
    let Some(tables) = Tables::read(root, &job, params.max_bin(), &threads, stop)? else {
        return Ok(stopped_without_model("while the data was being read"));
    };
    let timings = reading_timings(start.elapsed(), &tables);
    check_names(&job, tables.rows.labelled().train.n_features)?;
    let data = data_sets(&tables.rows.labelled());
    let guess = guess(&job, &tables)?;
    if stop.load(Ordering::Relaxed) {
        return Ok(stopped_without_model("before the first round"));
    }
    let save_on_stop = job.hyperparameters.save_model_on_termination;
    let artifacts = Artifacts {
        root,
        format: job.hyperparameters.model_format,
    };
    let mut rounds = Rounds::new(stdout, stop, save_on_stop.then_some(&artifacts));
    let settings = (&job.hyperparameters, &params);
    let mut fitted = fit::fit(settings, tables.rows, &threads, &mut rounds)?;
    if let Some(err) = rounds.failed {
        return Err(err);
    }
    let trained = &mut fitted.trained;
    if trained.end == TrainEnd::Monitor && trained.history.len() == params.num_round() as usize {
        // A stop that comes with the last round stops nothing.
        trained.end = TrainEnd::AllRounds;
    }
    let stopped = trained.end == TrainEnd::Monitor;
    if stopped && !save_on_stop {
        return Ok(stopped_without_model(
            "and save_model_on_termination is false",
        ));
    }
    fitted
        .trained
        .booster
        .feature_names
        .clone_from(&job.hyperparameters.feature_names);
    save(
        &job,
        &params,
        &artifacts,
        &fitted,
        Ingredients {
            data,
            guess,
            timings,
        },
    )?;
    Ok(if stopped {
        Outcome::StoppedWithModel
    } else {
        Outcome::Trained
    })
}

/// What was known before the first round and goes into the evaluation.
struct Ingredients {
    data: Vec<DataSet>,
    guess: Option<Guess>,
    timings: Vec<Timing>,
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
        Rows::Raw(_) => vec![read],
    }
}

fn stopped_without_model(why: &str) -> Outcome {
    tracing::info!("The job was stopped {why}; there is no model");
    Outcome::StoppedWithoutModel
}

/// The booster's parameters, without early stopping where there is nothing to look at.
fn params(job: &Job) -> Result<BoosterValidParams, TrainerError> {
    let mut params = job.hyperparameters.params.clone();
    if job.validation.is_none() && job.hyperparameters.early_stopping_rounds.is_some() {
        tracing::warn!(
            "early_stopping_rounds has no effect, since the job has no validation channel"
        );
        params = params.early_stopping_rounds(None);
    }
    if let Ok(name) = env::var(LINDEN_SIMD.name) {
        params = params.simd(Some(name.parse().map_err(TrainerError::Simd)?));
    }
    Ok(params.check()?)
}

fn data_sets(tables: &Pair<Labelled<'_>>) -> Vec<DataSet> {
    let set = |name: &str, table: &Labelled<'_>| DataSet {
        name: name.to_owned(),
        rows: table.labels.len() as u64,
        columns: table.n_features as u64,
    };
    let validation = tables.validation.iter().map(|it| set(VALIDATION, it));
    std::iter::once(set(TRAIN, &tables.train))
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
fn guess(job: &Job, tables: &Tables) -> Result<Option<Guess>, TrainerError> {
    let hyperparameters = &job.hyperparameters;
    let rows = tables.rows.labelled();
    let columns = Columns::find(
        &hyperparameters.baseline_columns,
        &hyperparameters.feature_names,
        rows.train.n_features,
    )?;
    let train = (rows.train, &tables.keys.train);
    let judged = match rows.validation.zip(tables.keys.validation.as_ref()) {
        Some(validation) => (VALIDATION, validation),
        None => (TRAIN, train),
    };
    let n_classes = (hyperparameters.num_class as usize).max(1);
    Ok(columns
        .map(|it| baseline::measure(&it, train, judged, &hyperparameters.eval_metrics, n_classes)))
}
