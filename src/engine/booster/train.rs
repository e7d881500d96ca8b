//! Boosting: rounds of trees, an evaluation after each, and when to stop.
//!
//! Invariant: the booster's bytes depend on the data, the parameters and the start, not on threads, evaluation sets or
//! monitors; but for early stopping and `save_best`, which cut the booster after its best round.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::bin::BinnedDataset;
use crate::metric::Metric;
use crate::objective::Objective;
use crate::params::BoosterValidParams;
use crate::simd::Simd;
use crate::threads::Threads;

use super::base_score::BaseScores;
use super::check::{
    check, check_columns, check_directions, check_labels, check_shape, check_start,
};
use super::early_stopping::{BestRound, EarlyStopping};
use super::progress::{Course, Progress};
use super::round::Rounds;
use super::{Booster, FeatureType, TrainError};

/// XGBoost's attributes of the best round.
const BEST_ITERATION: &str = "best_iteration";
const BEST_SCORE: &str = "best_score";

/// A set and what reports call it.
#[derive(Clone, Copy, Debug)]
pub struct NamedData<'a> {
    /// The name, `train` or `validation` as a rule.
    pub name: &'a str,
    /// The set.
    pub data: &'a BinnedDataset,
}

/// One metric of one set after a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The set's name.
    pub data: Arc<str>,
    /// The metric.
    pub metric: Metric,
    /// Its value.
    pub value: f64,
}

/// What a [`Monitor`] sees after a round.
#[derive(Clone, Copy, Debug)]
pub struct RoundReport<'a> {
    /// The round of the whole booster, from 0: a training that continues goes on counting.
    pub round: u32,
    /// Set by set, `train` first, and in each set metric by metric.
    pub evaluations: &'a [Evaluation],
    /// The booster so far.
    pub booster: &'a Booster,
    /// Rounds that the booster had before the first one of this training.
    pub first_round: u32,
    /// The evaluations of all rounds of this training, this one included.
    pub history: &'a [Vec<Evaluation>],
    /// Why this was the last round, if it was.
    pub end: Option<TrainEnd>,
}

impl RoundReport<'_> {
    /// What it takes to go on from here in another process.
    pub fn progress(&self) -> Progress {
        Progress {
            booster: self.booster.clone(),
            first_round: self.first_round,
            history: self.history.to_vec(),
        }
    }
}

/// Looks on while a booster grows, and may stop it.
pub trait Monitor {
    /// Called after every round; `Break` keeps the rounds that are there and ends training.
    fn after_round(&mut self, report: &RoundReport<'_>) -> ControlFlow<()>;
}

impl<F: FnMut(&RoundReport<'_>) -> ControlFlow<()>> Monitor for F {
    fn after_round(&mut self, report: &RoundReport<'_>) -> ControlFlow<()> {
        self(report)
    }
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainEnd {
    /// All rounds were done.
    AllRounds,
    /// The watched metric had not improved for long enough.
    EarlyStopping,
    /// The monitor said so.
    Monitor,
}

/// A booster and how it came about.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The booster, cut after its best round where that was asked for.
    pub booster: Booster,
    /// Rounds that the booster had before the first one of this training.
    pub first_round: u32,
    /// The evaluations of every round, those after the best included.
    pub history: Vec<Vec<Evaluation>>,
    /// The best round, where one was looked for and the metric was ever a number.
    pub best: Option<BestRound>,
    /// Why there are no more rounds.
    pub end: TrainEnd,
}

/// Trains a booster on `train`.
///
/// Every set, `train` first, is evaluated after every round. Early stopping, and `save_best`, watch the last metric of the
/// last set in `evals`; the booster then gets `best_iteration` and `best_score` attributes and, with `save_best`, which
/// early stopping brings unless it is set otherwise, is cut after the best round.
///
/// With `start`, `num_round` rounds are added to that booster. Each set must then bring the booster's margins
/// ([`BinnedDataset::with_base_margin`] with what `predict_margin` gives), since raw values are gone after binning.
/// Without `start`, a base margin takes the place of the base score for its set. The logarithm of an exposure is added to
/// either.
///
/// # Errors
/// [`TrainError`] if labels, cuts, margins, the start and the parameters do not agree, or if gradients overflow.
pub fn train(
    params: &BoosterValidParams,
    train: &NamedData<'_>,
    evals: &[NamedData<'_>],
    start: Option<&Booster>,
    monitor: &mut dyn Monitor,
) -> Result<Trained, TrainError> {
    run(params, train, evals, From::Start(start), monitor)
}

/// Goes on with a training that was broken off, as if it had not been: with the data and the parameters that it began with
/// the result is that of [`train`] bit for bit, and so are the evaluations. `num_round` may be another one.
///
/// Where the training had started from a booster, each set must bring that booster's margins, as for [`train`]. A monitor
/// sees the rounds that are added; if there are none to add, it sees nothing.
///
/// # Errors
/// As [`train`], and [`TrainError::Start`] if the rounds were evaluated otherwise.
pub fn resume(
    params: &BoosterValidParams,
    train: &NamedData<'_>,
    evals: &[NamedData<'_>],
    progress: Progress,
    monitor: &mut dyn Monitor,
) -> Result<Trained, TrainError> {
    run(
        params,
        train,
        evals,
        From::Progress(Box::new(progress)),
        monitor,
    )
}

/// What a training begins with.
enum From<'a> {
    Start(Option<&'a Booster>),
    Progress(Box<Progress>),
}

fn run(
    params: &BoosterValidParams,
    train: &NamedData<'_>,
    evals: &[NamedData<'_>],
    from: From<'_>,
    monitor: &mut dyn Monitor,
) -> Result<Trained, TrainError> {
    let threads = Threads::new(params.nthread())?;
    let threads = threads.with_simd(params.simd().unwrap_or_else(Simd::best));
    let sets: Vec<_> = std::iter::once(train).chain(evals).collect();
    let objective = params.full_objective();
    for set in &sets {
        check_labels(set, &objective)?;
    }
    check_columns(params, train.data.n_features())?;
    check_directions(params, &train.data.cuts().categorical())?;
    let (mut booster, bases, first_round, kept) = match from {
        From::Start(start) => {
            let (booster, bases) = begin(params, objective, &sets, start)?;
            let first_round = booster.n_rounds() as u32;
            (booster, bases, first_round, Vec::new())
        }
        From::Progress(progress) => {
            progress.check(params, &sets)?;
            let Progress {
                mut booster,
                first_round,
                history,
            } = *progress;
            booster.objective = objective;
            let bases = BaseScores::together(booster.base_score, booster.n_groups());
            (booster, bases, first_round, history)
        }
    };
    let continues = first_round > 0;
    for set in sets {
        check(set, train, &booster, continues)?;
    }
    let metrics = params.eval_metrics();
    let early_stopping = match (params.early_stopping_rounds(), metrics.last()) {
        (None, _) if !params.saves_best() => None,
        _ if evals.is_empty() => return Err(TrainError::NothingToStopOn),
        (patience, Some(&metric)) => Some(EarlyStopping::new(patience, metric)),
        (_, None) => None,
    };
    let mut course = Course::new(first_round, params.num_round(), early_stopping);
    let mut end = course.take_all(kept);
    booster.keep_rounds(course.next_round());
    if end.is_none() {
        let mut rounds = Rounds::new(params, &threads, train, evals, (booster, bases));
        rounds.begin(first_round);
        end = Some(grow(&mut rounds, &mut course, &metrics, monitor)?);
        booster = rounds.into_booster();
    }
    let best = course.best();
    if let Some(best) = best {
        booster.tell_best(best);
        if params.saves_best() {
            booster.keep_rounds(best.round + 1);
        }
    }
    Ok(Trained {
        booster,
        first_round,
        history: course.into_history(),
        best,
        end: end.unwrap_or(TrainEnd::AllRounds),
    })
}

/// Adds rounds until one is the last.
fn grow(
    rounds: &mut Rounds<'_>,
    course: &mut Course,
    metrics: &[Metric],
    monitor: &mut dyn Monitor,
) -> Result<TrainEnd, TrainError> {
    loop {
        let round = course.next_round();
        let evaluations = rounds.boost(round, metrics)?;
        let end = course.take(evaluations);
        let report = RoundReport {
            round,
            evaluations: course.history().last().map_or(&[], Vec::as_slice),
            booster: rounds.booster(),
            first_round: course.first_round(),
            history: course.history(),
            end,
        };
        let flow = monitor.after_round(&report);
        if flow.is_break() && end != Some(TrainEnd::EarlyStopping) {
            return Ok(TrainEnd::Monitor);
        }
        if let Some(end) = end {
            return Ok(end);
        }
    }
}

impl Booster {
    /// Drops the rounds after the first `n_rounds`.
    pub fn keep_rounds(&mut self, n_rounds: u32) {
        let n_trees = n_rounds as usize * self.trees_per_round();
        self.trees.truncate(n_trees);
        self.tree_info.truncate(n_trees);
    }

    /// The rounds from `first_round` on as a booster of their own.
    #[must_use]
    pub fn rounds_from(&self, first_round: u32) -> Self {
        let n_before = first_round as usize * self.trees_per_round();
        let mut later = Self {
            trees: self.trees[n_before..].to_vec(),
            tree_info: self.tree_info[n_before..].to_vec(),
            ..Self::new(self.objective.clone(), self.n_features)
        };
        later.num_parallel_tree = self.num_parallel_tree;
        later.base_score = self.base_score;
        later.n_targets = self.n_targets;
        later
    }

    /// Writes down the best round, as XGBoost does.
    fn tell_best(&mut self, best: BestRound) {
        self.attributes
            .insert(BEST_ITERATION.to_owned(), best.round.to_string());
        self.attributes
            .insert(BEST_SCORE.to_owned(), best.value.to_string());
    }
}

/// The booster before the first round, a copy of `start` or one without trees, and where its groups start. The first of
/// `sets` is the training set; labels have passed their checks.
fn begin(
    params: &BoosterValidParams,
    objective: Objective,
    sets: &[&NamedData<'_>],
    start: Option<&Booster>,
) -> Result<(Booster, BaseScores), TrainError> {
    let train = sets[0];
    let data = train.data;
    if let Some(start) = start {
        check_start(params, start)?;
        check_shape(start, data)?;
        if start.category_names != data.cuts().category_names() {
            return Err(TrainError::CategoryNames);
        }
        let mut booster = start.clone();
        booster.objective = objective;
        if booster.feature_types.is_empty() {
            booster.feature_types = feature_types(data);
        }
        // What was best of fewer rounds says nothing about more of them.
        for name in [BEST_ITERATION, BEST_SCORE] {
            booster.attributes.remove(name);
        }
        // Every set brings its margins.
        let from = BaseScores::together(booster.base_score, booster.n_groups());
        return Ok((booster, from));
    }
    let estimate = BaseScores::estimate(&objective, data);
    let estimate = estimate.ok_or_else(|| TrainError::NoWeight {
        data: train.name.to_owned(),
    })?;
    let have_margins = sets.iter().any(|set| set.data.base_margin().is_some());
    let from = match params.base_score() {
        Some(base_score) => {
            let n_groups = objective.n_groups().max(data.n_targets());
            BaseScores::together(base_score, n_groups)
        }
        None if have_margins => estimate.mean(),
        None => estimate,
    };
    let booster = Booster {
        num_parallel_tree: params.num_parallel_tree(),
        base_score: from.base_score(),
        n_targets: data.n_targets() as u32,
        feature_types: feature_types(data),
        category_names: data.cuts().category_names(),
        ..Booster::new(objective, data.n_features() as u32)
    };
    Ok((booster, from))
}

/// The types of the columns; none if all are numbers.
fn feature_types(data: &BinnedDataset) -> Vec<FeatureType> {
    let categorical = data.cuts().categorical();
    if categorical.is_empty() {
        return Vec::new();
    }
    let mut types = vec![FeatureType::Float; data.n_features()];
    for feature in categorical {
        types[feature as usize] = FeatureType::Categorical;
    }
    types
}
