//! Whether sets, parameters and a booster to continue from go together, before anything is trained.

use std::sync::Arc;

use crate::bin::Codes;
use crate::objective::{Objective, Task};
use crate::params::{BoosterName, BoosterValidParams, Monotone};
use crate::tree::Tree;

use super::start::SetRows;
use super::{Booster, BoosterKind, NamedData, TrainError};

/// Whether training with these parameters can continue from `start`; whether the columns are the same, only the data say.
///
/// # Errors
/// [`TrainError::Start`] with what differs.
pub fn check_start(params: &BoosterValidParams, start: &Booster) -> Result<(), TrainError> {
    check_kind(params, start)?;
    let knows_starts = start.group_starts().is_some();
    if params.booster() == BoosterName::Dart && starts_apart(start) && !knows_starts {
        return Err(TrainError::StartsApart { by: "`dart`" });
    }
    Ok(())
}

/// Whether a booster is of the kind that the parameters ask for.
pub(super) fn check_kind(params: &BoosterValidParams, start: &Booster) -> Result<(), TrainError> {
    let objective = params.full_objective();
    agree(
        "objective",
        start.objective.name.as_str(),
        objective.name.as_str(),
    )?;
    let booster = params.booster();
    let of_start = match (&start.kind, booster) {
        (BoosterKind::GbTree, BoosterName::Dart) => booster.as_str(),
        (kind, _) => kind.as_str(),
    };
    agree("booster", of_start, booster.as_str())?;
    if start.has_leaf_vectors() || !start.zero_is_missing.is_empty() {
        agree("booster", "other trees", booster.as_str())?;
    }
    agree(
        "num_class",
        start.objective.num_class.to_string(),
        objective.num_class.to_string(),
    )?;
    agree(
        "quantile_alpha",
        format!("{:?}", start.objective.quantile_alpha),
        format!("{:?}", objective.quantile_alpha),
    )?;
    agree(
        "num_parallel_tree",
        start.num_parallel_tree.to_string(),
        params.num_parallel_tree().to_string(),
    )
}

/// Whether the trees of a model can be updated with these parameters.
///
/// # Errors
/// - [`TrainError::Rounds`] if it has fewer rounds than `num_round`.
/// - [`TrainError::Start`] with what else stands against it.
pub fn check_update(params: &BoosterValidParams, model: &Booster) -> Result<(), TrainError> {
    check_start(params, model)?;
    let trees = BoosterKind::GbTree.as_str();
    agree("booster", model.kind.as_str(), trees)?;
    agree("booster", trees, params.booster().as_str())?;
    if starts_apart(model) {
        return Err(TrainError::StartsApart { by: "an update" });
    }
    if params.num_round() as usize > model.n_rounds() {
        return Err(TrainError::Rounds {
            found: params.num_round(),
            expected: model.n_rounds(),
        });
    }
    Ok(())
}

/// Whether the first trees may hold what groups start from: those of a model of several levels, or of a model with a base
/// score for each class, which are in the leaves since a model here has one. That one is then 0.
pub(super) fn starts_apart(start: &Booster) -> bool {
    start.n_groups() > 1 && !start.trees.is_empty() && start.base_margin() == 0.0
}

pub(super) fn agree(
    what: &'static str,
    found: impl Into<String>,
    expected: impl Into<String>,
) -> Result<(), TrainError> {
    let (found, expected) = (found.into(), expected.into());
    if found == expected {
        Ok(())
    } else {
        Err(TrainError::Start {
            what,
            found,
            expected,
        })
    }
}

/// Categories have no order, so predictions cannot go one way with them.
pub(super) fn check_directions(
    params: &BoosterValidParams,
    categorical: &[u32],
) -> Result<(), TrainError> {
    let directions = params.monotone_constraints();
    let is_free = |feature: u32| {
        let direction = directions.get(feature as usize);
        direction.is_none_or(|&it| it == Monotone::Free)
    };
    match categorical.iter().find(|&&it| !is_free(it)) {
        None => Ok(()),
        Some(&feature) => Err(TrainError::CategoricalDirection { feature }),
    }
}

/// What parameters say of single columns must be about columns that there are.
pub(super) fn check_columns(
    params: &BoosterValidParams,
    n_features: usize,
) -> Result<(), TrainError> {
    let groups = params.interaction_constraints().iter().flatten();
    let n_grouped = groups.max().map_or(0, |&last| last as usize + 1);
    let n_weights = params.feature_weights().len();
    for (parameter, n_columns, fits) in [
        (
            "monotone_constraints",
            params.monotone_constraints().len(),
            params.monotone_constraints().len() <= n_features,
        ),
        (
            "interaction_constraints",
            n_grouped,
            n_grouped <= n_features,
        ),
        (
            "feature_weights",
            n_weights,
            n_weights == 0 || n_weights == n_features,
        ),
    ] {
        if !fits {
            return Err(TrainError::Columns {
                parameter,
                n_columns,
                n_features,
            });
        }
    }
    Ok(())
}

/// Whether a booster has the columns and the targets of a set.
pub(super) fn check_shape(booster: &Booster, set: &SetRows<'_>) -> Result<(), TrainError> {
    let text = |it: usize| it.to_string();
    agree("columns", text(booster.n_features()), text(set.n_features))?;
    agree(
        "categorical features",
        listed(booster.categorical_features()),
        listed(set.categorical.iter().copied()),
    )?;
    agree(
        "num_target",
        booster.n_targets.to_string(),
        text(set.n_targets),
    )
}

fn listed(features: impl IntoIterator<Item = u32>) -> String {
    let features = features.into_iter().map(|it| it.to_string());
    features.collect::<Vec<_>>().join(", ")
}

/// Whether a set has the training set's bins, of which the training set can have no codes of two bytes.
pub(super) fn check_bins(set: &NamedData<'_>, train: &NamedData<'_>) -> Result<(), TrainError> {
    let name = || set.name.to_owned();
    let same_cuts =
        Arc::ptr_eq(set.data.cuts(), train.data.cuts()) || set.data.cuts() == train.data.cuts();
    if !same_cuts {
        return Err(TrainError::Cuts { data: name() });
    }
    if std::ptr::eq(set.data, train.data) && matches!(set.data.matrix().codes(), Codes::Wide(_)) {
        return Err(TrainError::MissingWithoutCode { data: name() });
    }
    Ok(())
}

/// Whether what a set brings beside its features goes with the booster and the training set.
pub(super) fn check(
    set: &SetRows<'_>,
    train: &SetRows<'_>,
    booster: &Booster,
) -> Result<(), TrainError> {
    let name = || set.name.to_owned();
    if set.n_targets != train.n_targets {
        return Err(TrainError::Targets {
            data: name(),
            found: set.n_targets,
            expected: train.n_targets,
        });
    }
    let expected = set.targets.labels().len() * booster.n_groups();
    match set.start.base_margin {
        Some(margin) if margin.len() != expected => {
            return Err(TrainError::BaseMargin {
                data: name(),
                found: margin.len(),
                expected,
            });
        }
        Some(_) | None => {}
    }
    if set.start.exposure.is_some() && booster.objective.variance_power().is_none() {
        return Err(TrainError::Exposure {
            data: name(),
            objective: booster.objective.name,
        });
    }
    if set.start.exposure.is_some() != train.start.exposure.is_some() {
        return Err(TrainError::MixedExposure { data: name() });
    }
    if booster.objective.name.task() == Task::Ranking {
        check_query_weights(set)?;
    }
    Ok(())
}

/// What a set must bring of the booster that training continues from: its margins, or its leaves.
pub(super) fn check_start_of(
    set: &NamedData<'_>,
    booster: &Booster,
    start: Option<&Booster>,
) -> Result<(), TrainError> {
    let data = || set.name.to_owned();
    let Some(start) = start else {
        return Ok(());
    };
    match booster.kind {
        BoosterKind::GbTree if set.data.base_margin().is_none() => {
            Err(TrainError::NoBaseMargin { data: data() })
        }
        BoosterKind::Dart { .. } if !start.trees.is_empty() => {
            let leaves = set.data.start_leaves().unwrap_or_default();
            let n_trees = start.trees.len();
            let is_leaf = |(leaf, tree): (&u32, &Tree)| {
                let node = tree.nodes.get(*leaf as usize);
                node.is_some_and(|node| node.left.is_none())
            };
            let fits = leaves.len() == set.data.n_rows() * n_trees
                && leaves
                    .chunks_exact(n_trees)
                    .all(|row| row.iter().zip(&start.trees).all(is_leaf));
            fits.then_some(())
                .ok_or_else(|| TrainError::StartLeaves { data: data() })
        }
        BoosterKind::GbTree | BoosterKind::Dart { .. } | BoosterKind::GbLinear(_) => Ok(()),
    }
}

/// A query weighs something as a whole.
fn check_query_weights(set: &SetRows<'_>) -> Result<(), TrainError> {
    let (Some(weights), Some(group_ptr)) = (set.targets.weights(), set.targets.group_ptr()) else {
        return Ok(());
    };
    for bounds in group_ptr.windows(2) {
        let own = &weights[bounds[0]..bounds[1]];
        if let Some(at) = own.iter().position(|it| *it != own[0]) {
            return Err(TrainError::QueryWeight {
                data: set.name.to_owned(),
                row: bounds[0] + at,
                found: own[at],
                expected: own[0],
            });
        }
    }
    Ok(())
}

pub(super) fn check_labels(set: &SetRows<'_>, objective: &Objective) -> Result<(), TrainError> {
    let upper_bounds = set.targets.upper_bounds();
    let n_targets = set.n_targets;
    if n_targets > 1 && !objective.name.has_targets() {
        return Err(TrainError::OneTarget {
            data: set.name.to_owned(),
            found: n_targets,
            objective: objective.name,
        });
    }
    for (cell, &label) in set.labels.iter().enumerate() {
        let row = cell / n_targets;
        let checked = objective.check_target(label, upper_bounds.map(|it| it[row]));
        checked.map_err(|source| TrainError::Label {
            data: set.name.to_owned(),
            row,
            source,
        })?;
    }
    Ok(())
}
