//! `eval_metric` and the metric of a tuning job: which names there are, which of them this version computes.
//!
//! Source: sagemaker-xgboost-container, `metrics/custom_metrics.py`, `hyperparameter_validation.py`.

use engine::metric::Metric;

use super::draft::Draft;
use super::error::Refusal;

/// The metrics that the built-in algorithm knows, and Linden's own.
pub(super) const METRICS: &[&str] = Metric::NAMES;

/// What a tuning job may look at; a test sees to it that no metric is missing.
pub(super) const TUNING_METRICS: &[&str] = &[
    "validation:rmse",
    "validation:mae",
    "validation:logloss",
    "validation:error",
    "validation:auc",
    "validation:merror",
    "validation:mlogloss",
    "validation:poisson-nloglik",
    "validation:accuracy",
    "validation:aft-nloglik",
    "validation:aucpr",
    "validation:balanced_accuracy",
    "validation:cox-nloglik",
    "validation:f1",
    "validation:f1_binary",
    "validation:f1_macro",
    "validation:gamma-deviance",
    "validation:gamma-nloglik",
    "validation:interval-regression-accuracy",
    "validation:mape",
    "validation:mphe",
    "validation:mse",
    "validation:precision",
    "validation:precision_macro",
    "validation:precision_micro",
    "validation:quantile",
    "validation:r2",
    "validation:recall",
    "validation:recall_macro",
    "validation:recall_micro",
    "validation:rmsle",
    "validation:tweedie-nloglik",
    "validation:map",
    "validation:ndcg",
    "validation:pre",
];

/// The names before `@`. The built-in algorithm refuses `tweedie-nloglik@1.5`, and then XGBoost `tweedie-nloglik`.
const WITH_THRESHOLD: &[&str] = &["error", "ndcg", "map", "pre", "tweedie-nloglik"];

/// The part of a metric's name that the table lists: `error` of `error@0.7`, `ndcg` of `ndcg-`.
pub(super) fn base_name(metric: &str) -> &str {
    let name = metric.split_once('@').map_or(metric, |(base, _)| base);
    name.strip_suffix('-').unwrap_or(name)
}

pub(super) fn set_eval_metric(draft: &mut Draft, names: &[&str]) -> Result<(), Refusal> {
    for name in names {
        let metric = parse(name)?;
        if !draft.eval_metrics.contains(&metric) {
            draft.eval_metrics.push(metric);
        }
    }
    Ok(())
}

pub(super) fn set_tuning_objective(draft: &mut Draft, text: &str) -> Result<(), Refusal> {
    draft.tuning_objective_metric = Some(parse(text.strip_prefix("validation:").unwrap_or(text))?);
    Ok(())
}

fn parse(name: &str) -> Result<Metric, Refusal> {
    if let Some((base, threshold)) = name.split_once('@') {
        if !WITH_THRESHOLD.contains(&base) {
            return Err(Refusal::message(format!(
                "Metric '{name}' is not supported. Parameter 'eval_metric' with customized threshold should be one of \
                 these options: '{}'.",
                WITH_THRESHOLD.join("', '")
            )));
        }
        let number = threshold.strip_suffix('-').unwrap_or(threshold);
        if !number.parse().is_ok_and(f32::is_finite) {
            return Err(Refusal::message(format!(
                "Threshold value '{threshold}' in '{name}' expects float input."
            )));
        }
    }
    let supported = || format!("supported are {}", Metric::NAMES.join(", "));
    name.parse()
        .map_err(|_| Refusal::instead(name, supported()))
}
