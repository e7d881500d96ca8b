//! Rows of what is boosted, and of what one booster alone reads.
//!
//! Source: sagemaker-xgboost-container, `hyperparameter_validation.py`; XGBoost 3.x, "XGBoost Parameters".

use engine::params::{
    BoosterName, Dart, FeatureSelector, Linear, NormalizeType, ProcessType, SampleType,
};

use super::super::draft::Draft;
use super::super::error::Refusal;
use super::super::spec::{Kind, Spec};
use super::{NON_NEGATIVE, ZERO_OR_ONE};

use Kind::{Choice, Choices, Integer, Real};

/// Rows of boosters.
pub static BOOSTERS: &[Spec] = &[
    Spec::new(
        "booster",
        Choice(BoosterName::NAMES, |draft, it| {
            let booster: BoosterName = word(it)?;
            draft.booster = booster;
            draft.boost(|params| params.booster(booster));
            Ok(())
        }),
        "gbtree",
        "What is boosted: trees; with `dart` trees too, some of which are left out while the next ones are grown; with \
         `gblinear` a weight for each feature.",
    ),
    Spec::new(
        "process_type",
        Choice(ProcessType::NAMES, |draft, it| {
            draft.process_type = word(it)?;
            Ok(())
        }),
        "default",
        "Whether trees are grown, or those of the model in the channel `model` are updated: as many of its rounds as \
         `num_round` says.",
    ),
    Spec::new(
        "updater",
        Choices(UPDATERS, set_updaters),
        "",
        "How a round goes. With `booster` = `gblinear` one of `shotgun`, the default, and `coord_descent`. With \
         `process_type` = `update` `refresh`, `prune` or both, in the order in which they are done. Trees are grown by \
         `grow_histmaker` or `grow_quantile_histmaker`, which are the same here; `prune` and `sync` after them find nothing \
         left to do. The built-in algorithm's others are refused with the reason.",
    ),
    Spec::new(
        "refresh_leaf",
        Integer(ZERO_OR_ONE, |draft, it| draft.refresh_leaf = Some(it == 1)),
        "1",
        "0: `refresh` leaves the leaves' values as they are, and only tells of the new rows' covers and gains.",
    ),
    Spec::new(
        "feature_selector",
        Choice(FeatureSelector::NAMES, |draft, it| {
            let feature_selector = word(it)?;
            linear(draft, |linear| linear.feature_selector = feature_selector);
            Ok(())
        }),
        "cyclic",
        "XGBoost's: which weight of `gblinear` is improved next. `random`, `greedy` and `thrifty` go with `updater` = \
         `coord_descent` only.",
    ),
    Spec::new(
        "top_k",
        Integer(NON_NEGATIVE, |draft, it| {
            linear(draft, |linear| linear.top_k = it as u32);
        }),
        "0",
        "XGBoost's: how many weights a round improves where `feature_selector` is `greedy` or `thrifty`; 0 is no limit.",
    ),
    Spec::new(
        "lambda_bias",
        Real(ZERO_OR_ONE, |draft, it| {
            linear(draft, |linear| linear.lambda_bias = it as f32);
        }),
        "0",
        "L2 penalty on the bias of `gblinear`. The built-in algorithm accepts it, and its XGBoost reads it no more.",
    ),
    Spec::new(
        "sample_type",
        Choice(SampleType::NAMES, |draft, it| {
            let sample_type = word(it)?;
            dart(draft, |dart| dart.sample_type = sample_type);
            Ok(())
        }),
        "uniform",
        "Whether `dart` leaves out each tree alike, or by its weight.",
    ),
    Spec::new(
        "normalize_type",
        Choice(NormalizeType::NAMES, |draft, it| {
            let normalize_type = word(it)?;
            dart(draft, |dart| dart.normalize_type = normalize_type);
            Ok(())
        }),
        "tree",
        "Whether `dart` weighs a round's new trees together as one of the trees that were left out, or as all of them.",
    ),
    Spec::new(
        "rate_drop",
        Real(ZERO_OR_ONE, |draft, it| {
            dart(draft, |dart| dart.rate_drop = it as f32);
        }),
        "0",
        "The share of trees that a round of `dart` leaves out.",
    ),
    Spec::new(
        "one_drop",
        Integer(ZERO_OR_ONE, |draft, it| {
            dart(draft, |dart| dart.one_drop = it == 1);
        }),
        "0",
        "1: a round of `dart` leaves out at least one tree, unless it is skipped.",
    ),
    Spec::new(
        "skip_drop",
        Real(ZERO_OR_ONE, |draft, it| {
            dart(draft, |dart| dart.skip_drop = it as f32);
        }),
        "0",
        "The probability that a round of `dart` leaves out no tree.",
    ),
];

/// The built-in algorithm's steps, and XGBoost's name for growing with `tree_method` = `hist`.
const UPDATERS: &[&str] = &[
    "grow_colmaker",
    "distcol",
    "grow_histmaker",
    "grow_quantile_histmaker",
    "grow_skmaker",
    "sync",
    "refresh",
    "prune",
    "shotgun",
    "coord_descent",
];

/// Keeps the steps, for the rules about what goes with which booster.
fn set_updaters(draft: &mut Draft, steps: &[&str]) -> Result<(), Refusal> {
    let instead = |step: &&str| match *step {
        "grow_colmaker" => Some(
            "it searches among all values; use `grow_histmaker`, which finds the same splits where a feature has at most \
             `max_bin` values, or `algorithm` = `decision_tree` with `tree_method` = `exact`",
        ),
        "distcol" | "grow_skmaker" => Some("no recent XGBoost has it; use `grow_histmaker`"),
        _ => None,
    };
    let mut refused = steps.iter().filter_map(|it| Some((it, instead(it)?)));
    if let Some((step, instead)) = refused.next() {
        return Err(Refusal::instead(step, instead));
    }
    draft.updaters = steps.iter().map(|&it| it.to_owned()).collect();
    Ok(())
}

fn linear(draft: &mut Draft, change: impl FnOnce(&mut Linear)) {
    change(&mut draft.linear);
    let linear = draft.linear;
    draft.boost(|params| params.linear(linear));
}

/// A word that the row's choices hold.
fn word<T: std::str::FromStr<Err = engine::params::UnknownWord>>(text: &str) -> Result<T, Refusal> {
    text.parse()
        .map_err(|err: engine::params::UnknownWord| Refusal::message(err.to_string()))
}

fn dart(draft: &mut Draft, change: impl FnOnce(&mut Dart)) {
    change(&mut draft.dart);
    let dart = draft.dart;
    draft.boost(|params| params.dart(dart));
}
