//! Trainings that were broken off go on.
//!
//! Invariant: what comes of it is what would have come without the break, bit for bit; see [`Progress`].

use crate::objective::Objective;
use crate::params::BoosterValidParams;

use super::base_score::BaseScores;
use super::check::{agree, check, check_kind, check_labels, check_start_of, check_update};
use super::run::{Monitor, Trained};
use super::start::SetRows;
use super::train::{
    all_rows, all_rows_by_columns, all_rows_by_values, descend_on, grow_on, update_on,
};
use super::{Booster, NamedColumns, NamedData, NamedValues, Progress, TrainError};

/// Goes on with a training that was broken off, as if it had not been: with the data and the parameters that it began with
/// the result is that of [`super::train()`] bit for bit, and so are the evaluations. `num_round` may be another one, but for
/// `dart` and `lambdarank_unbiased` not less than the rounds that are done, since a round changes those before it.
///
/// Where the training had started from a booster, each set must bring what [`super::train()`] asks for, of that booster. A
/// monitor sees the rounds that are added; if there are none to add, it sees nothing.
///
/// # Errors
/// As [`super::train()`], and [`TrainError::Start`] if the rounds were evaluated otherwise, or are too many.
pub fn resume(
    params: &BoosterValidParams,
    train: &NamedData<'_>,
    evals: &[NamedData<'_>],
    progress: Progress,
    monitor: &mut dyn Monitor,
) -> Result<Trained, TrainError> {
    let (progress, bases) = sound(params, &all_rows(train, evals), progress)?;
    let start = (progress.first_round > 0).then(|| {
        let mut start = progress.booster.clone();
        start.keep_rounds(progress.first_round);
        start
    });
    for set in std::iter::once(train).chain(evals) {
        check_start_of(set, &progress.booster, start.as_ref())?;
    }
    grow_on(params, (train, evals), (progress, bases), monitor)
}

/// As [`resume`], of a training that began with [`super::train_linear`]; `num_round` must not be less than the rounds that
/// are done.
///
/// # Errors
/// As [`super::train_linear`], and [`TrainError::Start`] if the rounds were evaluated otherwise, or are too many.
pub fn resume_linear(
    params: &BoosterValidParams,
    train: &NamedColumns<'_>,
    evals: &[NamedColumns<'_>],
    progress: Progress,
    monitor: &mut dyn Monitor,
) -> Result<Trained, TrainError> {
    let (progress, bases) = sound(params, &all_rows_by_columns(train, evals), progress)?;
    descend_on(params, (train, evals), (progress, bases), monitor)
}

/// As [`resume`], of an update of `model` that began with [`super::update`].
///
/// # Errors
/// As [`super::update`], and [`TrainError::Start`] if the rounds were evaluated otherwise.
pub fn resume_update(
    params: &BoosterValidParams,
    (train, evals): (&NamedValues<'_>, &[NamedValues<'_>]),
    model: &Booster,
    progress: Progress,
    monitor: &mut dyn Monitor,
) -> Result<Trained, TrainError> {
    check_update(params, model)?;
    let (progress, _) = sound(params, &all_rows_by_values(train, evals), progress)?;
    update_on(params, (train, evals), (progress, model), monitor)
}

/// Checks what every kind of set says of its rows, the training set's first, against what was kept; and gives that, with
/// where the booster's groups start beside its trees.
fn sound(
    params: &BoosterValidParams,
    sets: &[SetRows<'_>],
    mut progress: Progress,
) -> Result<(Progress, BaseScores), TrainError> {
    let objective = params.full_objective();
    for set in sets {
        check_labels(set, &objective)?;
    }
    let booster = &mut progress.booster;
    agree("booster", booster.kind.as_str(), params.booster().as_str())?;
    check_kind(params, booster)?;
    let position_bias = std::mem::take(&mut booster.objective.position_bias);
    booster.objective = Objective {
        position_bias,
        ..objective
    };
    progress.check(params, sets)?;
    for set in sets {
        check(set, &sets[0], &progress.booster)?;
    }
    let booster = &progress.booster;
    let bases = BaseScores::together(booster.base_score, booster.n_groups());
    Ok((progress, bases))
}
