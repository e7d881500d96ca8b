//! Boosting: what it starts from, for trees and for linear models.
//!
//! Invariant: the booster's bytes depend on the data, the parameters and the start, not on threads, evaluation sets or
//! monitors; but for early stopping and `save_best`, which cut the booster after its best round.

use crate::bin::BinnedDataset;
use crate::dataset::Dataset;
use crate::linear::ColumnTable;
use crate::objective::Objective;
use crate::params::{BoosterName, BoosterValidParams};
use crate::simd::Simd;
use crate::threads::Threads;

use super::base_score::BaseScores;
use super::check::{
    agree, check, check_bins, check_columns, check_directions, check_labels, check_shape,
    check_start, check_start_of, check_update,
};
use super::linear_round::LinearRounds;
use super::progress::Progress;
use super::round::Rounds;
use super::run::{Monitor, Trained, run};
use super::start::{SetRows, Start};
use super::update_round::Updates;
use super::{Booster, BoosterKind, FeatureType, LinearModel, TrainError};

/// A set and what reports call it.
#[derive(Clone, Copy, Debug)]
pub struct NamedData<'a> {
    /// The name, `train` or `validation` as a rule.
    pub name: &'a str,
    /// The set.
    pub data: &'a BinnedDataset,
}

/// A set by columns and what reports call it.
#[derive(Clone, Copy, Debug)]
pub struct NamedColumns<'a> {
    /// The name, `train` or `validation` as a rule.
    pub name: &'a str,
    /// The set.
    pub data: &'a ColumnTable,
}

/// A set of values and what reports call it.
#[derive(Clone, Copy, Debug)]
pub struct NamedValues<'a> {
    /// The name, `train` or `validation` as a rule.
    pub name: &'a str,
    /// The set.
    pub data: &'a Dataset,
}

/// The features of categories of a table in bins.
fn of_bins(data: &BinnedDataset) -> Vec<u32> {
    data.cuts().categorical()
}

/// Raw values are numbers: neither weights nor updates know of categories.
fn numbers_only<T>(_: &T) -> Vec<u32> {
    Vec::new()
}

macro_rules! rows {
    ($($named:ident by $categorical:ident;)*) => {
        $(impl<'a> $named<'a> {
            /// What the set says of its rows.
            pub(super) fn rows(&self) -> SetRows<'a> {
                SetRows {
                    name: self.name,
                    n_features: self.data.n_features(),
                    n_targets: self.data.n_targets(),
                    categorical: $categorical(self.data),
                    labels: self.data.label_matrix(),
                    targets: self.data.targets(),
                    start: Start {
                        base_margin: self.data.base_margin(),
                        exposure: self.data.exposure(),
                    },
                }
            }
        })*
    };
}

rows! {
    NamedData by of_bins;
    NamedColumns by numbers_only;
    NamedValues by numbers_only;
}

/// Trains a booster of trees on `train`.
///
/// Every set, `train` first, is evaluated after every round. Early stopping, and `save_best`, watch the last metric of the
/// last set in `evals`; the booster then gets `best_iteration` and `best_score` attributes and, with `save_best`, which
/// early stopping brings unless it is set otherwise, is cut after the best round.
///
/// With `start`, `num_round` rounds are added to that booster. Each set must then bring the booster's margins
/// ([`BinnedDataset::with_base_margin`] with what `predict_margin` gives), since raw values are gone after binning; for
/// `dart`, which may leave any tree out, the leaves that its rows reach ([`BinnedDataset::with_start_leaves`]).
/// Without `start`, and for `dart`, a base margin takes the place of the base score for its set. The logarithm of an
/// exposure is added to either.
///
/// A `dart` that is cut after its best round has the weights that its trees had then; XGBoost leaves them as they were
/// after the last one, so that its model is not the one that was best.
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
    let rows = all_rows(train, evals);
    let (mut booster, bases) = sound(params, &rows, start)?;
    let names = train.data.cuts().category_names();
    if start.is_some_and(|it| it.category_names != names) {
        return Err(TrainError::CategoryNames);
    }
    booster.category_names = names;
    if booster.feature_types.is_empty() {
        booster.feature_types = feature_types(train.data);
    }
    for set in std::iter::once(train).chain(evals) {
        check_start_of(set, &booster, start)?;
    }
    let first_round = booster.n_rounds() as u32;
    let progress = Progress::new(booster, first_round);
    grow_on(params, (train, evals), (progress, bases), monitor)
}

/// What sets in bins say of their rows, the training set's first.
pub(super) fn all_rows<'a>(train: &NamedData<'a>, evals: &[NamedData<'a>]) -> Vec<SetRows<'a>> {
    let sets = std::iter::once(train).chain(evals);
    sets.map(NamedData::rows).collect()
}

/// Adds rounds to a booster of trees on sets in bins; `bases` is where its groups start.
pub(super) fn grow_on(
    params: &BoosterValidParams,
    (train, evals): (&NamedData<'_>, &[NamedData<'_>]),
    (progress, bases): (Progress, BaseScores),
    monitor: &mut dyn Monitor,
) -> Result<Trained, TrainError> {
    if params.booster() == BoosterName::GbLinear {
        return Err(TrainError::Values);
    }
    check_columns(params, train.data.n_features())?;
    check_directions(params, &train.data.cuts().categorical())?;
    for set in std::iter::once(train).chain(evals) {
        check_bins(set, train)?;
    }
    let threads = threads(params)?.stopped_by(monitor.stop());
    let first_round = progress.first_round;
    let rounds = |booster| {
        let mut rounds = Rounds::new(params, &threads, train, evals, (booster, bases));
        rounds.begin(first_round);
        rounds
    };
    run(params, progress, evals.len(), rounds, monitor)
}

/// Trains a linear booster on `train`; as [`train()`], but for what follows.
///
/// With `start`, rows start from that booster's weights, and their base margins stay their own. A booster that is cut after
/// its best round has the weights of that round; XGBoost cannot cut linear ones.
///
/// # Errors
/// [`TrainError`] if labels, columns, margins, the start and the parameters do not agree, or if gradients overflow.
pub fn train_linear(
    params: &BoosterValidParams,
    train: &NamedColumns<'_>,
    evals: &[NamedColumns<'_>],
    start: Option<&Booster>,
    monitor: &mut dyn Monitor,
) -> Result<Trained, TrainError> {
    let rows = all_rows_by_columns(train, evals);
    agree(
        "booster",
        params.booster().as_str(),
        BoosterName::GbLinear.as_str(),
    )?;
    let (booster, bases) = sound(params, &rows, start)?;
    let first_round = booster.n_rounds() as u32;
    let progress = Progress::new(booster, first_round);
    descend_on(params, (train, evals), (progress, bases), monitor)
}

/// What sets by columns say of their rows, the training set's first.
pub(super) fn all_rows_by_columns<'a>(
    train: &NamedColumns<'a>,
    evals: &[NamedColumns<'a>],
) -> Vec<SetRows<'a>> {
    let sets = std::iter::once(train).chain(evals);
    sets.map(NamedColumns::rows).collect()
}

/// Adds rounds to a linear booster on sets by columns; `bases` is where its groups start.
pub(super) fn descend_on(
    params: &BoosterValidParams,
    (train, evals): (&NamedColumns<'_>, &[NamedColumns<'_>]),
    (progress, bases): (Progress, BaseScores),
    monitor: &mut dyn Monitor,
) -> Result<Trained, TrainError> {
    let rows = all_rows_by_columns(train, evals);
    for set in &rows {
        agree(
            "columns",
            set.n_features.to_string(),
            rows[0].n_features.to_string(),
        )?;
    }
    let threads = threads(params)?;
    let sets = std::iter::once(train).chain(evals);
    let tables: Vec<_> = sets.map(|it| it.data).collect();
    let rounds = |booster| LinearRounds::new(params, &threads, (&rows, &tables), (booster, bases));
    run(params, progress, evals.len(), rounds, monitor)
}

/// Updates the trees of a model to the rows of `train`: XGBoost's `process_type` = `update`. Each round of the model is
/// updated once, the first `num_round` of them, as [`BoosterValidParams::tree_update`] says; later rounds are left out.
///
/// # Errors
/// [`TrainError`] if labels, columns, margins, the model and the parameters do not agree, if the model has fewer rounds, or
/// if gradients overflow.
pub fn update(
    params: &BoosterValidParams,
    train: &NamedValues<'_>,
    evals: &[NamedValues<'_>],
    model: &Booster,
    monitor: &mut dyn Monitor,
) -> Result<Trained, TrainError> {
    let rows = all_rows_by_values(train, evals);
    check_update(params, model)?;
    let (booster, _) = sound(params, &rows, Some(model))?;
    let booster = Booster {
        trees: Vec::new(),
        tree_info: Vec::new(),
        ..booster
    };
    let progress = Progress::new(booster, 0);
    update_on(params, (train, evals), (progress, model), monitor)
}

/// What sets of values say of their rows, the training set's first.
pub(super) fn all_rows_by_values<'a>(
    train: &NamedValues<'a>,
    evals: &[NamedValues<'a>],
) -> Vec<SetRows<'a>> {
    let sets = std::iter::once(train).chain(evals);
    sets.map(NamedValues::rows).collect()
}

/// Updates further rounds of a model on sets of values, behind those that are done.
pub(super) fn update_on(
    params: &BoosterValidParams,
    (train, evals): (&NamedValues<'_>, &[NamedValues<'_>]),
    (progress, model): (Progress, &Booster),
    monitor: &mut dyn Monitor,
) -> Result<Trained, TrainError> {
    let rows = all_rows_by_values(train, evals);
    let threads = threads(params)?;
    let sets = std::iter::once(train).chain(evals);
    let tables: Vec<_> = sets.map(|it| it.data).collect();
    let rounds = |booster| Updates::new(params, &threads, (&rows, &tables), (booster, model));
    run(params, progress, evals.len(), rounds, monitor)
}

/// The threads and instructions that the parameters ask for.
pub(super) fn threads(params: &BoosterValidParams) -> Result<Threads, TrainError> {
    let threads = Threads::new(params.nthread())?;
    Ok(threads.with_simd(params.simd().unwrap_or_else(Simd::best)))
}

/// Checks what every kind of set says of its rows, the training set's first, and gives what training starts from.
pub(super) fn sound(
    params: &BoosterValidParams,
    sets: &[SetRows<'_>],
    start: Option<&Booster>,
) -> Result<(Booster, BaseScores), TrainError> {
    let objective = params.full_objective();
    for set in sets {
        check_labels(set, &objective)?;
    }
    let (booster, from) = begin(params, objective, sets, start)?;
    for set in sets {
        check(set, &sets[0], &booster)?;
    }
    Ok((booster, from))
}

/// The booster before the first round, a copy of `start` or one without trees, and where its groups start. The first of
/// `sets` is the training set; labels have passed their checks.
fn begin(
    params: &BoosterValidParams,
    objective: Objective,
    sets: &[SetRows<'_>],
    start: Option<&Booster>,
) -> Result<(Booster, BaseScores), TrainError> {
    let train = &sets[0];
    if let Some(start) = start {
        check_start(params, start)?;
        check_shape(start, train)?;
        let mut booster = start.clone();
        booster.objective = Objective {
            position_bias: booster.objective.position_bias,
            ..objective
        };
        if let (BoosterName::Dart, BoosterKind::GbTree) = (params.booster(), &booster.kind) {
            let weight_drop = vec![1.0; booster.trees.len()];
            booster.kind = BoosterKind::Dart { weight_drop };
        }
        booster.forget_best();
        // Every set brings its margins, its leaves, or its values.
        let from = BaseScores::together(booster.base_score, booster.n_groups());
        return Ok((booster, from));
    }
    let estimate = BaseScores::estimate(&objective, train);
    let estimate = estimate.ok_or_else(|| TrainError::NoWeight {
        data: train.name.to_owned(),
    })?;
    let have_margins = sets.iter().any(|set| set.start.base_margin.is_some());
    let n_groups = objective.n_groups().max(train.n_targets);
    let from = match params.base_score() {
        Some(base_score) => BaseScores::together(base_score, n_groups),
        None if have_margins => estimate.mean(),
        None => estimate,
    };
    let kind = match params.booster() {
        BoosterName::GbTree => BoosterKind::GbTree,
        BoosterName::Dart => BoosterKind::Dart {
            weight_drop: Vec::new(),
        },
        BoosterName::GbLinear => BoosterKind::GbLinear(LinearModel {
            weights: vec![0.0; (train.n_features + 1) * n_groups],
            boosted_rounds: 0,
        }),
    };
    let booster = Booster {
        kind,
        num_parallel_tree: params.num_parallel_tree(),
        base_score: from.base_score(),
        n_targets: train.n_targets as u32,
        ..Booster::new(objective, train.n_features as u32)
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
