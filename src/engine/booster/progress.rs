//! How far a training got, and how it goes on from there.
//!
//! Invariant: a training that is broken off after any round and resumed with the same data and parameters ends with the
//! booster, the evaluations and the best round of one that was not. Margins follow from the trees or the weights, early
//! stopping from the evaluations, and draws from seed and round; so booster and evaluations are all that must be kept, and
//! of boosters that change what they have, what they were after the best round.

use crate::params::BoosterValidParams;

use super::as_best::AsBest;
use super::check::{agree, check_shape};
use super::early_stopping::{BestRound, EarlyStopping};
use super::start::SetRows;
use super::{Booster, Evaluation, TrainEnd, TrainError};

/// What must be kept of a training to go on with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The booster after the last round, with all of its rounds.
    pub booster: Booster,
    /// Rounds that the booster had before the first one of this training.
    pub first_round: u32,
    /// The evaluations of this training's rounds, one entry each.
    pub history: Vec<Vec<Evaluation>>,
    /// What the booster was after its best round, where that is looked for and later rounds change it.
    pub as_best: Option<AsBest>,
}

impl Progress {
    /// A training that has not begun.
    pub(super) fn new(booster: Booster, first_round: u32) -> Self {
        Self {
            booster,
            first_round,
            history: Vec::new(),
            as_best: None,
        }
    }

    /// Holds what was kept against the parameters and the sets; the objective, labels, cuts and margins have checks of their
    /// own.
    pub(super) fn check(
        &self,
        params: &BoosterValidParams,
        sets: &[SetRows<'_>],
    ) -> Result<(), TrainError> {
        let n_rounds = self.first_round as usize + self.history.len();
        agree(
            "rounds",
            self.booster.n_rounds().to_string(),
            n_rounds.to_string(),
        )?;
        let num_round = params.num_round();
        if self.booster.changes_rounds() && self.history.len() > num_round as usize {
            let at_most = format!("at most {num_round}");
            agree("rounds", self.history.len().to_string(), at_most)?;
        }
        if self
            .as_best
            .as_ref()
            .is_some_and(|it| !it.fits(&self.booster))
        {
            agree(
                "weights of the best round",
                "other ones",
                "as many as trees",
            )?;
        }
        check_shape(&self.booster, &sets[0])?;
        let metrics = params.eval_metrics();
        let of_set = |set: &SetRows<'_>| {
            let name = set.name.to_owned();
            metrics.iter().map(move |it| format!("{name}-{it}"))
        };
        let expected: Vec<String> = sets.iter().flat_map(of_set).collect();
        for evaluations in &self.history {
            let found = evaluations.iter();
            let found: Vec<String> = found
                .map(|it| format!("{}-{}", it.data, it.metric))
                .collect();
            agree("eval_metric", found.join(" "), expected.join(" "))?;
        }
        Ok(())
    }
}

/// The rounds of a training, those that were kept and those that are added.
pub(super) struct Course {
    first_round: u32,
    num_round: u32,
    early_stopping: Option<EarlyStopping>,
    history: Vec<Vec<Evaluation>>,
}

impl Course {
    pub(super) fn new(
        first_round: u32,
        num_round: u32,
        early_stopping: Option<EarlyStopping>,
    ) -> Self {
        Self {
            first_round,
            num_round,
            early_stopping,
            // Not as many as there may be: early stopping ends most trainings of a very large `num_round`.
            history: Vec::new(),
        }
    }

    /// The round that comes next, of the whole booster.
    pub(super) fn next_round(&self) -> u32 {
        self.first_round + self.history.len() as u32
    }

    /// Takes note of a round, and says why it was the last one, if it was.
    pub(super) fn take(&mut self, evaluations: Vec<Evaluation>) -> Option<TrainEnd> {
        let round = self.next_round();
        let watched = evaluations.last().map_or(f64::NAN, |it| it.value);
        self.history.push(evaluations);
        let stopping = self.early_stopping.as_mut();
        if stopping.is_some_and(|it| it.is_over(round, watched)) {
            return Some(TrainEnd::EarlyStopping);
        }
        (self.history.len() as u64 >= u64::from(self.num_round)).then_some(TrainEnd::AllRounds)
    }

    /// Takes note of rounds that were kept, up to the one that was the last, and says why there are no more.
    pub(super) fn take_all(&mut self, history: Vec<Vec<Evaluation>>) -> Option<TrainEnd> {
        if self.num_round == 0 {
            return Some(TrainEnd::AllRounds);
        }
        history.into_iter().find_map(|it| self.take(it))
    }

    pub(super) fn first_round(&self) -> u32 {
        self.first_round
    }

    pub(super) fn history(&self) -> &[Vec<Evaluation>] {
        &self.history
    }

    pub(super) fn best(&self) -> Option<BestRound> {
        self.early_stopping.and_then(|it| it.best())
    }

    pub(super) fn into_history(self) -> Vec<Vec<Evaluation>> {
        self.history
    }
}
