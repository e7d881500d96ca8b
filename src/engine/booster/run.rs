//! The rounds of a training: an evaluation after each, who looks on, and when to stop.
//!
//! Invariant: what was best is kept as it was then, weights and all.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::metric::Metric;
use crate::params::BoosterValidParams;

use super::as_best::AsBest;
use super::early_stopping::{BestRound, EarlyStopping};
use super::progress::{Course, Progress};
use super::{Booster, BoosterKind, TrainError};

/// XGBoost's attributes of the best round.
const BEST_ITERATION: &str = "best_iteration";
const BEST_SCORE: &str = "best_score";

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
    /// What the booster was after its best round, where that is kept and later rounds change it.
    pub as_best: Option<&'a AsBest>,
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
            as_best: self.as_best.cloned(),
        }
    }
}

/// Looks on while a booster grows, and may stop it.
pub trait Monitor {
    /// Called after every round; `Break` keeps the rounds that are there and ends training.
    fn after_round(&mut self, report: &RoundReport<'_>) -> ControlFlow<()>;

    /// A flag that ends training in the middle of a round once it is set: the trees of that round are thrown away. Linear
    /// models and updates, whose rounds are short, do not look at it.
    fn stop(&self) -> Option<Arc<AtomicBool>> {
        None
    }

    /// Called when a round was broken off, with the report of the one before it, if this training had one: the second time
    /// for that round.
    fn broken_off(&mut self, _last: &RoundReport<'_>) {}
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

/// A booster that grows round by round.
pub(super) trait Boosting {
    /// The booster so far.
    fn booster(&self) -> &Booster;

    /// Adds a round and evaluates every metric on every set; `None` if the round was broken off, and then the booster is what
    /// it was before.
    fn boost(
        &mut self,
        round: u32,
        metrics: &[Metric],
    ) -> Result<Option<Vec<Evaluation>>, TrainError>;

    /// The booster.
    fn into_booster(self) -> Booster;
}

/// The rounds of a training of these parameters, after `first_round` of the booster; `n_evals` sets are there to look at.
fn course(
    params: &BoosterValidParams,
    first_round: u32,
    n_evals: usize,
) -> Result<Course, TrainError> {
    let metrics = params.eval_metrics();
    let early_stopping = match (params.early_stopping_rounds(), metrics.last()) {
        (None, _) if !params.saves_best() => None,
        _ if n_evals == 0 => return Err(TrainError::NothingToStopOn),
        (patience, Some(&metric)) => Some(EarlyStopping::new(patience, metric)),
        (_, None) => None,
    };
    Ok(Course::new(first_round, params.num_round(), early_stopping))
}

/// Adds rounds to a booster, behind those that are done; `n_evals` sets are there to look at.
pub(super) fn run<B: Boosting>(
    params: &BoosterValidParams,
    progress: Progress,
    n_evals: usize,
    rounds: impl FnOnce(Booster) -> B,
    monitor: &mut dyn Monitor,
) -> Result<Trained, TrainError> {
    let Progress {
        mut booster,
        first_round,
        history,
        mut as_best,
    } = progress;
    let mut course = course(params, first_round, n_evals)?;
    let mut end = course.take_all(history);
    booster.keep_rounds(course.next_round());
    if end.is_none() {
        let mut rounds = rounds(booster);
        let best = params.saves_best().then_some(&mut as_best);
        let grown = grow(
            &mut rounds,
            &mut course,
            best,
            &params.eval_metrics(),
            monitor,
        );
        end = Some(grown?);
        booster = rounds.into_booster();
    }
    let best = course.best();
    if let Some(best) = best {
        booster.tell_best(best);
        if params.saves_best() {
            booster.keep_rounds(best.round + 1);
        }
        if let Some(as_best) = as_best {
            as_best.set_back(&mut booster);
        }
    }
    Ok(Trained {
        booster,
        first_round: course.first_round(),
        history: course.into_history(),
        best,
        end: end.unwrap_or(TrainEnd::AllRounds),
    })
}

/// Adds rounds until one is the last; `as_best` becomes what the booster was after its best one, where it is wanted.
fn grow(
    rounds: &mut impl Boosting,
    course: &mut Course,
    mut as_best: Option<&mut Option<AsBest>>,
    metrics: &[Metric],
    monitor: &mut dyn Monitor,
) -> Result<TrainEnd, TrainError> {
    loop {
        let round = course.next_round();
        let Some(evaluations) = rounds.boost(round, metrics)? else {
            if round > course.first_round() {
                let as_best = as_best.as_deref().and_then(Option::as_ref);
                monitor.broken_off(&report(course, rounds.booster(), as_best, None));
            }
            return Ok(TrainEnd::Monitor);
        };
        let end = course.take(evaluations);
        let booster = rounds.booster();
        if let (Some(as_best), Some(best)) = (&mut as_best, course.best())
            && best.round == round
        {
            **as_best = AsBest::of(booster);
        }
        let as_best = as_best.as_deref().and_then(Option::as_ref);
        let flow = monitor.after_round(&report(course, booster, as_best, end));
        if flow.is_break() && end != Some(TrainEnd::EarlyStopping) {
            return Ok(TrainEnd::Monitor);
        }
        if let Some(end) = end {
            return Ok(end);
        }
    }
}

/// What there is to say after the last round that was done; one was.
fn report<'a>(
    course: &'a Course,
    booster: &'a Booster,
    as_best: Option<&'a AsBest>,
    end: Option<TrainEnd>,
) -> RoundReport<'a> {
    RoundReport {
        round: course.next_round() - 1,
        evaluations: course.history().last().map_or(&[], Vec::as_slice),
        booster,
        first_round: course.first_round(),
        history: course.history(),
        as_best,
        end,
    }
}

impl Booster {
    /// Forgets which round was best: of fewer rounds it says nothing about more of them.
    pub(super) fn forget_best(&mut self) {
        for name in [BEST_ITERATION, BEST_SCORE] {
            self.attributes.remove(name);
        }
    }

    /// Drops the rounds after the first `n_rounds`; a linear model has weights and no rounds, and stays as it is.
    pub fn keep_rounds(&mut self, n_rounds: u32) {
        let n_trees = n_rounds as usize * self.trees_per_round();
        self.trees.truncate(n_trees);
        self.tree_info.truncate(n_trees);
        if let BoosterKind::Dart { weight_drop } = &mut self.kind {
            weight_drop.truncate(n_trees);
        }
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
        if let BoosterKind::Dart { weight_drop } = &self.kind {
            let weight_drop = weight_drop[n_before..].to_vec();
            later.kind = BoosterKind::Dart { weight_drop };
        }
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
