//! Rows about single features and single rows: directions, company, chances.
//!
//! Source: XGBoost 3.x, "XGBoost Parameters", "Monotonic Constraints", "Feature Interaction Constraints"; its Python
//! package reads dictionaries and names the same way.

use super::super::error::Refusal;
use super::super::features;
use super::super::spec::{Kind, Spec};

use Kind::{Choice, Text};

/// Rows about single features and single rows.
pub static FEATURES: &[Spec] = &[
    Spec::new(
        "sampling_method",
        Choice(&["uniform", "gradient_based"], |draft, it| {
            let method = it
                .parse()
                .map_err(|_| Refusal::message("unknown sampling method"))?;
            draft.sampling_method = method;
            draft.boost(|params| params.sampling_method(method));
            Ok(())
        }),
        "uniform",
        "Which rows a tree sees where `subsample` is below 1: `gradient_based` prefers those with large gradients and weighs the others up, \
         so that `subsample` can be as low as 0.1.",
    ),
    Spec::new(
        "monotone_constraints",
        Text(|draft, it| {
            draft.features.monotone = features::monotone(it)?;
            Ok(())
        }),
        "",
        "Which way predictions may go with features: 1 up, -1 down, 0 any way; `(1,0,-1)` in the order of the features, those at the end may be left \
         out, or by name or number as `{\"price\": -1}`. The built-in algorithm takes the first form only, and wants `tree_method` beside it.",
    ),
    Spec::new(
        "interaction_constraints",
        Text(|draft, it| {
            draft.features.interactions = features::interactions(it)?;
            Ok(())
        }),
        "",
        "Groups of features that may meet on a way down a tree, by number from 0 or by name: `[[0, 1], [\"price\", \"season\"]]`. Groups may overlap; a \
         feature in none stands alone. The built-in algorithm refuses number 0.",
    ),
    Spec::new(
        "feature_weights",
        Text(|draft, it| {
            draft.features.weights = features::weights(it)?;
            Ok(())
        }),
        "",
        "Linden's own, what XGBoost has in its data matrix: chances of features where `colsample_bytree`, `colsample_bylevel` or `colsample_bynode` is \
         below 1; `1,0.5,2` in the order of the features, or `price:0.5` by name or number, others have 1. A feature of weight 0 is drawn where no others are left.",
    ),
];
