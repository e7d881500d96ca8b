//! Whether sets, parameters and a booster to continue from go together, before anything is trained.

use std::sync::Arc;

use crate::bin::{BinnedDataset, Codes};
use crate::objective::{Objective, Task};
use crate::params::{BoosterValidParams, Monotone};

use super::{Booster, NamedData, TrainError};

/// Whether training with these parameters can continue from `start`; whether the columns are the same, only the data say.
///
/// # Errors
/// [`TrainError::Start`] with what differs.
pub fn check_start(params: &BoosterValidParams, start: &Booster) -> Result<(), TrainError> {
    let objective = params.full_objective();
    agree(
        "objective",
        start.objective.name.as_str(),
        objective.name.as_str(),
    )?;
    let of_start = if start.has_trees_of_one_output() {
        start.kind.as_str()
    } else {
        "other trees"
    };
    agree("booster", of_start, "gbtree")?;
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

/// Whether a booster has the columns and the targets of `data`.
pub(super) fn check_shape(booster: &Booster, data: &BinnedDataset) -> Result<(), TrainError> {
    let text = |it: usize| it.to_string();
    agree(
        "columns",
        text(booster.n_features()),
        text(data.n_features()),
    )?;
    agree(
        "categorical features",
        listed(booster.categorical_features()),
        listed(data.cuts().categorical()),
    )?;
    agree(
        "num_target",
        booster.n_targets.to_string(),
        text(data.n_targets()),
    )
}

fn listed(features: impl IntoIterator<Item = u32>) -> String {
    let features = features.into_iter().map(|it| it.to_string());
    features.collect::<Vec<_>>().join(", ")
}

pub(super) fn check(
    set: &NamedData<'_>,
    train: &NamedData<'_>,
    booster: &Booster,
    continues: bool,
) -> Result<(), TrainError> {
    let name = || set.name.to_owned();
    let same_cuts =
        Arc::ptr_eq(set.data.cuts(), train.data.cuts()) || set.data.cuts() == train.data.cuts();
    if !same_cuts {
        return Err(TrainError::Cuts { data: name() });
    }
    if std::ptr::eq(set.data, train.data) && matches!(set.data.matrix().codes(), Codes::Wide(_)) {
        return Err(TrainError::MissingWithoutCode { data: name() });
    }
    if set.data.n_targets() != train.data.n_targets() {
        return Err(TrainError::Targets {
            data: name(),
            found: set.data.n_targets(),
            expected: train.data.n_targets(),
        });
    }
    let expected = set.data.n_rows() * booster.n_groups();
    match set.data.base_margin() {
        Some(margin) if margin.len() != expected => {
            return Err(TrainError::BaseMargin {
                data: name(),
                found: margin.len(),
                expected,
            });
        }
        None if continues => return Err(TrainError::NoBaseMargin { data: name() }),
        _ => {}
    }
    if set.data.exposure().is_some() && booster.objective.variance_power().is_none() {
        return Err(TrainError::Exposure {
            data: name(),
            objective: booster.objective.name,
        });
    }
    if set.data.exposure().is_some() != train.data.exposure().is_some() {
        return Err(TrainError::MixedExposure { data: name() });
    }
    if booster.objective.name.task() == Task::Ranking {
        check_query_weights(set)?;
    }
    Ok(())
}

/// A query weighs something as a whole.
fn check_query_weights(set: &NamedData<'_>) -> Result<(), TrainError> {
    let (Some(weights), Some(group_ptr)) = (set.data.weights(), set.data.group_ptr()) else {
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

pub(super) fn check_labels(set: &NamedData<'_>, objective: &Objective) -> Result<(), TrainError> {
    let upper_bounds = set.data.label_upper_bound();
    let n_targets = set.data.n_targets();
    if n_targets > 1 && !objective.name.has_targets() {
        return Err(TrainError::OneTarget {
            data: set.name.to_owned(),
            found: n_targets,
            objective: objective.name,
        });
    }
    for (cell, &label) in set.data.label_matrix().iter().enumerate() {
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
