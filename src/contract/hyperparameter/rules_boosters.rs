//! Rules about what is boosted: what goes with which booster, and what only another one reads.
//!
//! Source: sagemaker-xgboost-container, `hyperparameter_validation.py`; XGBoost 3.x, "XGBoost Parameters".

use engine::objective::ObjectiveName;
use engine::params::{
    BoosterName, FeatureSelector, LinearUpdater, ProcessType, TreeUpdate, UpdateStep,
};

use super::read::Reading;
use super::{Algorithm, Ignored};

/// What `dart` alone reads.
const OF_DART: &[&str] = &[
    "sample_type",
    "normalize_type",
    "rate_drop",
    "one_drop",
    "skip_drop",
];

/// What `gblinear` alone reads.
const OF_LINEAR: &[&str] = &["feature_selector", "top_k", "lambda_bias"];

/// What is about trees, of which `gblinear` has none.
const OF_TREES: &[&str] = &[
    "max_depth",
    "max_leaves",
    "grow_policy",
    "min_child_weight",
    "gamma",
    "max_delta_step",
    "subsample",
    "colsample_bytree",
    "colsample_bylevel",
    "colsample_bynode",
    "max_bin",
    "num_parallel_tree",
    "tree_method",
    "sampling_method",
    "monotone_constraints",
    "interaction_constraints",
    "feature_weights",
];

/// What an update of trees has no use for: their splits are there.
const OF_GROWING: &[&str] = &[
    "max_leaves",
    "grow_policy",
    "min_child_weight",
    "subsample",
    "colsample_bytree",
    "colsample_bylevel",
    "colsample_bynode",
    "max_bin",
    "tree_method",
    "sampling_method",
    "monotone_constraints",
    "interaction_constraints",
    "feature_weights",
];

pub(super) fn apply(reading: &mut Reading) {
    algorithm(reading);
    updater(reading);
    unread(reading);
}

/// One round has nothing to leave out, and a forest and a single tree are grown.
fn algorithm(reading: &mut Reading) {
    let (algorithm, booster) = (reading.draft.algorithm, reading.draft.booster);
    if algorithm != Algorithm::GradientBoosting && booster != BoosterName::GbTree {
        let message = format!(
            "Hyperparameter booster: `{booster}` does not go with `algorithm` = `{algorithm}`, which is one round of trees; \
             leave it out, or use `gradient_boosting`"
        );
        reading.rule("booster", &["algorithm"], message);
    }
    let has_categories = reading.draft.given.contains_key("categorical_features");
    if has_categories && booster == BoosterName::GbLinear {
        let message = "Hyperparameter categorical_features: `booster` = `gblinear` multiplies values, and categories are no \
                       numbers; make a column of each category";
        reading.rule("categorical_features", &["booster"], message);
    }
    if reading.draft.process_type == ProcessType::Default {
        return;
    }
    if has_categories {
        let message = "Hyperparameter categorical_features: trees that divide categories cannot be updated in this version";
        reading.rule("categorical_features", &["process_type"], message);
    }
    if algorithm != Algorithm::GradientBoosting {
        let message = format!(
            "Hyperparameter process_type: `update` does not go with `algorithm` = `{algorithm}`; use `gradient_boosting`, \
             which updates the trees of any model"
        );
        reading.rule("process_type", &["algorithm"], message);
    }
    if booster != BoosterName::GbTree {
        let message = format!(
            "Hyperparameter process_type: `update` does not go with `booster` = `{booster}`; only the trees of `gbtree` can \
             be updated"
        );
        reading.rule("process_type", &["booster"], message);
    }
    if let Some(n_folds) = reading.draft.kfold {
        let message = format!(
            "Hyperparameter process_type: `update` does not go with `_kfold` = `{n_folds}`, since the model has seen the \
             rows that would be held out"
        );
        reading.rule("process_type", &["_kfold"], message);
    }
}

/// The steps of a round are those of its booster and of its process.
fn updater(reading: &mut Reading) {
    let steps = std::mem::take(&mut reading.draft.updaters);
    let (booster, process) = (reading.draft.booster, reading.draft.process_type);
    let wrong = match (booster, process) {
        (BoosterName::GbLinear, _) => wrong_for_weights(&steps),
        (BoosterName::GbTree | BoosterName::Dart, _)
            if first_of(&steps, LinearUpdater::NAMES).is_some() =>
        {
            first_of(&steps, LinearUpdater::NAMES).map(|it| {
                format!(
                    "`{it}` is for `booster` = `gblinear`, and this is `{booster}`; leave it out, or use `gblinear`"
                )
            })
        }
        (_, ProcessType::Update) => wrong_for_update(&steps),
        (_, ProcessType::Default) => wrong_for_growing(&steps),
    };
    if let Some(why) = wrong {
        let message = format!("Hyperparameter updater: {why}");
        return reading.rule("updater", &["booster", "process_type"], message);
    }
    let draft = &mut reading.draft;
    match (booster, process) {
        (BoosterName::GbLinear, _) => {
            if let Some(updater) = steps.first().and_then(|it| it.parse().ok()) {
                draft.linear.updater = updater;
                let linear = draft.linear;
                draft.boost(|params| params.linear(linear));
            }
        }
        (_, ProcessType::Update) => {
            let known = steps.iter().filter_map(|it| it.parse::<UpdateStep>().ok());
            let update = TreeUpdate {
                steps: known.collect(),
                refresh_leaf: draft.refresh_leaf != Some(false),
            };
            draft.boost(|params| params.tree_update(update));
        }
        (_, ProcessType::Default) => {}
    }
}

/// Steps that grow trees; both are the same here.
const GROWERS: &[&str] = &["grow_histmaker", "grow_quantile_histmaker"];

/// The first of these names that is among the steps.
fn first_of(steps: &[String], names: &[&'static str]) -> Option<&'static str> {
    let is_step = |name: &&'static str| steps.iter().any(|step| step == name);
    names.iter().copied().find(is_step)
}

/// What is wrong with the steps of a linear booster.
fn wrong_for_weights(steps: &[String]) -> Option<String> {
    let of_trees =
        first_of(steps, GROWERS).or_else(|| first_of(steps, &["sync", "refresh", "prune"]));
    match of_trees {
        Some(it) => Some(format!(
            "`{it}` is a step of trees, and `booster` = `gblinear` has none; use `shotgun` or `coord_descent`"
        )),
        None if steps.len() > 1 => Some(format!(
            "`{}` are several, and a round of `gblinear` is one; use `shotgun` or `coord_descent`",
            steps.join(",")
        )),
        None => None,
    }
}

/// What is wrong with the steps of an update.
fn wrong_for_update(steps: &[String]) -> Option<String> {
    if let Some(it) = first_of(steps, GROWERS).or_else(|| first_of(steps, &["sync"])) {
        return Some(format!(
            "`{it}` changes no trees that are there; with `process_type` = `update` use `refresh`, `prune` or both"
        ));
    }
    steps.is_empty().then(|| {
        "`process_type` = `update` needs to know what is done to trees; give `refresh`, `prune` or `refresh,prune`"
            .to_owned()
    })
}

/// What is wrong with the steps of trees that are grown.
fn wrong_for_growing(steps: &[String]) -> Option<String> {
    if first_of(steps, &["refresh"]).is_some() {
        let why = "`refresh` changes trees that are there; it needs `process_type` = `update` and a channel `model`";
        return Some(why.to_owned());
    }
    let is_grower = |it: &&String| GROWERS.contains(&it.as_str());
    match (steps.iter().filter(is_grower).count(), steps.first()) {
        (0, Some(it)) => Some(format!(
            "`{it}` grows no trees; put `grow_histmaker` before it, or leave it out"
        )),
        (0 | 1, _) => None,
        (_, _) => Some("only one step can grow trees; use `grow_histmaker`".to_owned()),
    }
}

impl Reading {
    /// Lists those of `names` that were given, which change nothing.
    fn ignore(&mut self, names: &[&str], why: &str) {
        for name in names {
            if let Some(value) = self.draft.given.get(name) {
                self.ignored.push(Ignored {
                    name: (*name).to_owned(),
                    value: value.clone(),
                    why: why.to_owned(),
                });
            }
        }
    }
}

/// Lists settings that this booster or process does not read.
fn unread(reading: &mut Reading) {
    let booster = reading.draft.booster;
    if booster != BoosterName::Dart {
        reading.ignore(OF_DART, "only `booster` = `dart` reads it");
    }
    let selector = reading.draft.linear.feature_selector;
    if booster == BoosterName::GbLinear {
        // There it limits the hessians.
        let is_poisson = reading.draft.objective() == ObjectiveName::CountPoisson;
        let of_trees = OF_TREES.iter().copied();
        let of_trees = of_trees.filter(|it| !is_poisson || *it != "max_delta_step");
        let why = "it is about trees, and `booster` = `gblinear` has none";
        reading.ignore(&of_trees.collect::<Vec<_>>(), why);
        if !matches!(selector, FeatureSelector::Greedy | FeatureSelector::Thrifty) {
            let why = "only `feature_selector` = `greedy` and `thrifty` read it";
            reading.ignore(&["top_k"], why);
        }
    } else {
        reading.ignore(OF_LINEAR, "only `booster` = `gblinear` reads it");
    }
    if reading.draft.process_type == ProcessType::Update {
        let why = "trees that are updated have their splits already";
        reading.ignore(OF_GROWING, why);
    } else {
        let why = "only `process_type` = `update` reads it";
        reading.ignore(&["refresh_leaf"], why);
    }
}
