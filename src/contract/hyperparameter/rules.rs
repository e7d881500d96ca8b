//! Rules about several hyperparameters at once, and the defaults of forests and single trees.
//!
//! Invariant: a rule about a hyperparameter that was refused for itself says nothing. What passes here passes
//! `linfa::ParamGuard::check`, since the booster's own problems are asked for last.
//!
//! Source: sagemaker-xgboost-container, `hyperparameter_validation.py`; XGBoost, "Random Forests in XGBoost" for the
//! defaults of a forest.

use engine::metric::Metric;
use engine::objective::{Objective, ObjectiveName, Setting, Task};
use engine::params::{BoosterName, MAX_BIN};

use super::draft::Draft;
use super::error::HyperparameterError;
use super::read::Reading;
use super::{Algorithm, Ignored};

/// Trees of a forest where `num_parallel_tree` is not given.
const FOREST_TREES: u32 = 100;
/// Share of rows and of columns that each tree of a forest sees where it is not given.
const FOREST_SHARE: f32 = 0.8;
/// L2 penalty of a forest and of a single tree where it is not given: leaves are nearly the plain means.
const PLAIN_LAMBDA: f32 = 1e-5;

pub(super) fn apply(reading: &mut Reading) {
    rounds(reading);
    match reading.draft.algorithm {
        Algorithm::GradientBoosting => {}
        Algorithm::RandomForest => forest(reading),
        Algorithm::DecisionTree => single_tree(reading),
    }
    super::rules_boosters::apply(reading);
    classes(reading);
    levels(reading);
    metrics(reading);
    unread(reading);
    super::rules_columns::apply(reading);
    super::rules_features::apply(reading);
    folds(reading);
    baseline(reading);
    search(reading);
    booster(reading);
    reading
        .errors
        .sort_by_key(|it| !matches!(it, HyperparameterError::Missing { .. }));
}

impl Reading {
    /// Reports a rule unless one of the names it is about was refused already.
    pub(super) fn rule(&mut self, name: &'static str, others: &[&str], message: impl Into<String>) {
        if !self.refused.contains(name) && !others.iter().any(|it| self.refused.contains(it)) {
            self.refuse(
                name,
                HyperparameterError::Rule {
                    name,
                    message: message.into(),
                },
            );
        }
    }

    /// Reports `name` if it was given as another number than `only`.
    fn fixed(&mut self, name: &'static str, only: f64, why: &str) {
        if self.draft.number(name).is_some_and(|it| it != only) {
            let (algorithm, value) = (self.draft.algorithm, &self.draft.given[name]);
            let message = format!(
                "Hyperparameter {name}: `{value}` does not go with `algorithm` = `{algorithm}`: {why}"
            );
            self.rule(name, &["algorithm"], message);
        }
    }
}

/// `num_round` is required, but one round is all that a forest and a single tree have.
fn rounds(reading: &mut Reading) {
    if reading.draft.num_round.is_some() || reading.refused.contains("num_round") {
        return;
    }
    if reading.draft.algorithm == Algorithm::GradientBoosting
        && !reading.refused.contains("algorithm")
    {
        reading.refuse(
            "num_round",
            HyperparameterError::Missing { name: "num_round" },
        );
    } else {
        reading.draft.num_round = Some(1);
        reading.draft.boost(|params| params.num_round(1));
    }
}

fn forest(reading: &mut Reading) {
    one_round(
        reading,
        "a forest is one round of `num_parallel_tree` trees; use that, or `gradient_boosting`",
    );
    let draft = &mut reading.draft;
    draft.default_to("num_parallel_tree", |it| it.num_parallel_tree(FOREST_TREES));
    draft.default_to("eta", |it| it.learning_rate(1.0));
    draft.default_to("subsample", |it| it.subsample(FOREST_SHARE));
    draft.default_to("colsample_bytree", |it| it.colsample_bytree(FOREST_SHARE));
    draft.default_to("lambda", |it| it.reg_lambda(PLAIN_LAMBDA));
    let all = |draft: &Draft, name| draft.number(name) == Some(1.0);
    if all(draft, "subsample") && all(draft, "colsample_bytree") {
        let message = "Hyperparameter subsample: `1` together with `colsample_bytree` = `1` makes every tree of the forest \
                       the same; lower one of them, or use `algorithm` = `decision_tree`";
        reading.rule("subsample", &["algorithm", "colsample_bytree"], message);
    }
}

fn single_tree(reading: &mut Reading) {
    one_round(
        reading,
        "it is one tree; use `random_forest` or `gradient_boosting` for more",
    );
    reading.fixed(
        "num_parallel_tree",
        1.0,
        "it is one tree; use `random_forest` for more",
    );
    reading.fixed(
        "subsample",
        1.0,
        "one tree sees every row; use `random_forest` to sample",
    );
    reading.fixed(
        "colsample_bytree",
        1.0,
        "one tree sees every column; use `random_forest` to sample",
    );
    reading.draft.default_to("eta", |it| it.learning_rate(1.0));
    reading
        .draft
        .default_to("lambda", |it| it.reg_lambda(PLAIN_LAMBDA));
}

fn one_round(reading: &mut Reading, why: &str) {
    reading.fixed("num_round", 1.0, why);
    reading.fixed(
        "eta",
        1.0,
        "leaves of a single round are not shrunk; leave it out",
    );
    if let Some(rounds) = reading.draft.early_stopping_rounds {
        let algorithm = reading.draft.algorithm;
        let message = format!(
            "Hyperparameter early_stopping_rounds: `{rounds}` does not go with `algorithm` = `{algorithm}`: there is one \
             round; leave it out"
        );
        reading.rule("early_stopping_rounds", &["algorithm"], message);
    }
}

fn classes(reading: &mut Reading) {
    let objective = reading.draft.objective();
    let n_classes = reading.draft.num_class;
    if objective.is_multiclass() && n_classes == 0 {
        let message = "Require input for parameter 'num_class' for multi-classification";
        reading.rule("num_class", &["objective"], message);
    }
    if !objective.is_multiclass() && n_classes > 0 {
        let message = format!(
            "Hyperparameter num_class: `{n_classes}` does not go with `objective` = `{objective}`; leave it out, or use \
             `multi:softmax` or `multi:softprob`"
        );
        reading.rule("num_class", &["objective"], message);
    }
}

fn levels(reading: &mut Reading) {
    let needs_levels = Objective::new(reading.draft.objective()).has(Setting::QuantileAlpha);
    if needs_levels && !reading.draft.given.contains_key("quantile_alpha") {
        let message = "Require input for parameter 'quantile_alpha' for `reg:quantileerror`, as `0.9` or `[0.1, 0.5, 0.9]`";
        reading.rule("quantile_alpha", &["objective"], message);
    }
}

/// Settings that only some objectives have, each with the metric that reads it as well.
const SETTINGS: &[(Setting, Option<&str>)] = &[
    (Setting::TweedieVariancePower, Some("tweedie-nloglik")),
    (Setting::HuberSlope, Some("mphe")),
    (Setting::QuantileAlpha, Some("quantile")),
    (Setting::AftLossDistribution, Some("aft-nloglik")),
    (Setting::AftLossDistributionScale, Some("aft-nloglik")),
    (Setting::LambdarankPairMethod, None),
    (Setting::LambdarankNumPairPerSample, None),
    (Setting::LambdarankNormalization, None),
    (Setting::LambdarankScoreNormalization, None),
    (Setting::LambdarankUnbiased, None),
    (Setting::LambdarankBiasNorm, None),
    (Setting::NdcgExpGain, Some("ndcg")),
];

/// Lists settings of other objectives, which change nothing.
fn unread(reading: &mut Reading) {
    let draft = &reading.draft;
    let judged_by = |name: &str| draft.eval_metrics.iter().any(|it| it.name() == name);
    for &(setting, metric) in SETTINGS {
        let has = |objective| Objective::new(objective).has(setting);
        let Some(value) = draft.given.get(setting.as_str()) else {
            continue;
        };
        if has(draft.objective()) || metric.is_some_and(judged_by) {
            continue;
        }
        let readers = ObjectiveName::ALL.iter().copied().filter(|it| has(*it));
        let readers: Vec<String> = readers.map(|it| format!("`{it}`")).collect();
        let (readers, metric) = (readers.join(", "), metric.map(|it| format!(" and `{it}`")));
        reading.ignored.push(Ignored {
            name: setting.as_str().to_owned(),
            value: value.clone(),
            why: format!(
                "only `objective` = {readers}{} read it",
                metric.unwrap_or_default()
            ),
        });
    }
    let ranks = draft.objective().task() == Task::Ranking;
    if let Some(value) = draft.given.get("lambdarank_bias_norm")
        && ranks
        && !draft.lambdarank.unbiased
    {
        reading.ignored.push(Ignored {
            name: "lambdarank_bias_norm".to_owned(),
            value: value.clone(),
            why: "only `lambdarank_unbiased` reads it".to_owned(),
        });
    }
}

/// Completes the metrics (the objective's own where none is given, the tuning job's last), then checks each.
fn metrics(reading: &mut Reading) {
    let objective = reading.draft.objective();
    let full = reading.draft.full_objective();
    let draft = &mut reading.draft;
    // As XGBoost prints them, and each once, at its last place for a tuning job's.
    draft.tuning_objective_metric = draft.tuning_objective_metric.map(|it| it.beside(&full));
    let tuned = draft.tuning_objective_metric;
    let mut metrics: Vec<Metric> = Vec::new();
    for metric in draft.eval_metrics.iter().map(|it| it.beside(&full)) {
        if !metrics.contains(&metric) && Some(metric) != tuned {
            metrics.push(metric);
        }
    }
    metrics.extend(tuned);
    if metrics.is_empty() {
        metrics.push(full.default_metric());
    }
    draft.eval_metrics.clone_from(&metrics);
    let has_curves = objective.classifies() || objective.task() == Task::Ranking;
    let judges = |metric: &Metric| {
        let tells_apart = !matches!(metric, Metric::Auc | Metric::Aucpr) || has_curves;
        tells_apart && metric.judges(&full)
    };
    for metric in &metrics {
        let name = if tuned == Some(*metric) {
            "_tuning_objective_metric"
        } else {
            "eval_metric"
        };
        if *metric == Metric::Auc && !has_curves {
            reading.rule(
                name,
                &["objective"],
                "Metric 'auc' can only be applied for classification and ranking problems.",
            );
        } else if !judges(metric) {
            let fitting: Vec<String> = Metric::ALL
                .iter()
                .filter(|it| judges(it))
                .map(|it| format!("`{it}`"))
                .collect();
            let fitting = fitting.join(", ");
            let message = format!(
                "Hyperparameter {name}: `{metric}` cannot judge `objective` = `{objective}`, allowed are {fitting}"
            );
            reading.rule(name, &["objective", "quantile_alpha"], message);
        }
    }
    reading.draft.boost(|params| params.eval_metrics(metrics));
}

/// Where features have names, `baseline_columns` must be among them, or numbers below their count.
fn baseline(reading: &mut Reading) {
    let objective = reading.draft.objective();
    if objective.task() == Task::Time && !reading.draft.baseline_columns.is_empty() {
        let message = format!(
            "Hyperparameter baseline_columns: a mean of labels says nothing for `objective` = `{objective}`, whose labels \
             are not known to the end; leave it out"
        );
        return reading.rule("baseline_columns", &["objective"], message);
    }
    let names = &reading.draft.feature_names;
    let known = |it: &String| match it.parse::<usize>() {
        Ok(index) => names.is_empty() || index < names.len(),
        Err(_) => names.contains(it),
    };
    let Some(unknown) = reading.draft.baseline_columns.iter().find(|it| !known(it)) else {
        return without_baseline(reading);
    };
    let near = crate::nearest::nearest(unknown, names.iter().map(String::as_str));
    let near = near
        .map(|it| format!("; did you mean `{it}`?"))
        .unwrap_or_default();
    let message = format!(
        "Hyperparameter baseline_columns: `{unknown}` is not among `feature_names` and is not the number of a feature{near}"
    );
    reading.rule("baseline_columns", &["feature_names"], message);
}

/// Lists `baseline_columns` where folds have no use for them: each of their models has rows of its own.
fn without_baseline(reading: &mut Reading) {
    let Some(given) = reading.draft.given.get("baseline_columns") else {
        return;
    };
    if reading.draft.kfold.is_some() {
        reading.ignored.push(Ignored {
            name: "baseline_columns".to_owned(),
            value: given.clone(),
            why: "with `_kfold` the evaluation has no baseline".to_owned(),
        });
        reading.draft.baseline_columns.clear();
    }
}

/// Repetitions are of something, and there is no best round of one.
fn folds(reading: &mut Reading) {
    let draft = &reading.draft;
    match (draft.kfold, draft.num_cv_round) {
        (None, Some(repeats)) if repeats > 1 => {
            let message = format!(
                "Hyperparameter _num_cv_round: `{repeats}` repeats cross-validation, which `_kfold` asks for; set it, or leave \
                 this out"
            );
            reading.rule("_num_cv_round", &["_kfold"], message);
        }
        (Some(n_folds), _) if draft.algorithm == Algorithm::DecisionTree => {
            let message = format!(
                "Hyperparameter _kfold: `{n_folds}` does not go with `algorithm` = `decision_tree`; use `gradient_boosting` \
                 with `num_round` = `1` and `eta` = `1`, or `random_forest`"
            );
            reading.rule("_kfold", &["algorithm"], message);
        }
        (Some(_) | None, _) => {}
    }
}

/// Boosting searches among bins. Whoever asks for an exact search gets as many as there are: it is exact where they suffice,
/// which is only known once the rows are there, and XGBoost's own does not know `max_bin` either.
fn search(reading: &mut Reading) {
    let draft = &mut reading.draft;
    if draft.exact && draft.booster != BoosterName::GbLinear {
        draft.boost(|params| params.max_bin(MAX_BIN));
    }
}

/// Whatever the booster itself still refuses.
fn booster(reading: &mut Reading) {
    for problem in reading.draft.params.problems() {
        let Some(spec) = super::table::row(problem.parameter) else {
            continue;
        };
        let message = format!(
            "Hyperparameter {}: `{}`, allowed is {}",
            spec.name, problem.value, problem.allowed
        );
        reading.rule(
            spec.name,
            &["objective", "num_class", "quantile_alpha"],
            message,
        );
    }
}
