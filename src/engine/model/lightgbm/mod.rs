//! `LightGBM`'s text model, versions 3 and 4, becomes a booster.
//!
//! Invariants: thresholds become the next higher `f32`, since `LightGBM` sends `x <= t` left and XGBoost `x < t`, which is
//! the same for every `f32`; what XGBoost's terms cannot say is refused by name. Memory is a small multiple of the text's
//! length: every list is as long as it is written, and each set of categories belongs to one split.
//!
//! Source: `LightGBM` `src/boosting/gbdt_model_text.cpp`, `src/io/tree.cpp`, `include/LightGBM/tree.h`.

mod lines;
mod objective;
mod tree;

use std::collections::BTreeSet;

use crate::booster::{Booster, FeatureType};

use super::error::ModelError;
use super::value::shortened;

use self::lines::{Lines, Section};
use self::objective::Target;
use self::tree::{TreePlace, Zeros};

/// What the file begins with.
const MAGIC: &[u8] = b"tree";

/// Output groups, as for XGBoost's document.
const MAX_GROUPS: usize = 1 << 20;

/// Whether bytes begin as a `LightGBM` text model does: the word `tree` on a line of its own.
pub(super) fn is_lightgbm(bytes: &[u8]) -> bool {
    bytes
        .strip_prefix(MAGIC)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"\n") || rest.starts_with(b"\r\n"))
}

/// Reads the whole file.
///
/// # Errors
/// [`ModelError`], with the section and the key.
pub(super) fn booster(bytes: &[u8]) -> Result<Booster, ModelError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|err| ModelError::syntax(err.valid_up_to(), "not UTF-8"))?;
    let mut lines = Lines::new(text);
    let header = lines.section("header")?;
    check_version(&header)?;
    let max_feature = header.number::<u32>("max_feature_idx", "a whole number")?;
    let n_features = max_feature.checked_add(1).filter(|&it| it < u32::MAX);
    let n_features =
        n_features.ok_or_else(|| header.expected("max_feature_idx", "fewer features"))?;
    let n_groups = header.number::<usize>("num_tree_per_iteration", "a whole number from 1")?;
    if !(1..=MAX_GROUPS).contains(&n_groups) {
        return Err(header.expected("num_tree_per_iteration", "a whole number from 1 to 1048576"));
    }
    let target = Target::read(&header, n_groups)?;
    let mut booster = Booster {
        n_targets: target.n_targets,
        feature_names: feature_names(&header, n_features)?,
        ..Booster::new(target.objective, n_features)
    };
    let Some(base_score) = booster.neutral_base_score() else {
        return Err(header.expected("objective", "an objective with a score for the margin 0"));
    };
    booster.base_score = base_score;
    let mut zeros = Zeros::default();
    while let Some(section) = lines.next_tree()? {
        let place = TreePlace {
            number: booster.trees.len(),
            n_features,
            scale: target.scale,
        };
        booster.trees.push(tree::read(&section, place, &mut zeros)?);
        booster.tree_info.push((place.number % n_groups) as u32);
    }
    finish(booster, &header, n_groups, zeros)
}

fn check_version(header: &Section<'_>) -> Result<(), ModelError> {
    match header.text("version")? {
        "v3" | "v4" => Ok(()),
        other => Err(ModelError::Unsupported {
            path: header.path("version"),
            what: format!("version `{}`", shortened(other)),
            allowed: "v3, v4".to_owned(),
        }),
    }
}

fn feature_names(header: &Section<'_>, n_features: u32) -> Result<Vec<String>, ModelError> {
    let Some(names) = header.optional("feature_names") else {
        return Ok(Vec::new());
    };
    let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
    if names.len() != n_features as usize {
        return Err(header.expected("feature_names", format!("{n_features} names")));
    }
    Ok(names)
}

/// What is known only after the last tree.
fn finish(
    mut booster: Booster,
    header: &Section<'_>,
    n_groups: usize,
    zeros: Zeros,
) -> Result<Booster, ModelError> {
    if !booster.trees.len().is_multiple_of(n_groups) {
        let expected = format!("iterations of {n_groups} trees");
        let found = format!("{} trees", booster.trees.len());
        return Err(ModelError::schema("Tree", expected, found));
    }
    if header.has("average_output") && !booster.trees.is_empty() {
        let n_iterations = (booster.trees.len() / n_groups) as f64;
        for node in booster.trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
            if node.left.is_none() {
                node.split_condition = (f64::from(node.split_condition) / n_iterations) as f32;
                node.base_weight = node.split_condition;
            }
        }
    }
    booster.zero_is_missing = zeros.finish()?;
    let categorical: BTreeSet<u32> = booster
        .trees
        .iter()
        .flat_map(|tree| {
            tree.categories
                .keys()
                .map(|&it| tree.nodes[it as usize].split_index)
        })
        .collect();
    if let Some(&last) = categorical.last() {
        // As many as there are names, so that a hostile count of features costs nothing.
        let n_types = booster.feature_names.len();
        if last as usize >= n_types {
            return Err(header.expected("feature_names", "a name for each feature"));
        }
        let kind = |it: u32| {
            if categorical.contains(&it) {
                FeatureType::Categorical
            } else {
                FeatureType::Float
            }
        };
        booster.feature_types = (0..n_types as u32).map(kind).collect();
    }
    Ok(booster)
}
