//! The evaluation document: what was measured, round by round, and what the saved model is worth.

use std::collections::BTreeMap;
use std::env;

use contract::artifact::{
    Baseline, BestRound, DataSet, Evaluation, MetricHistory, ModelDigest, REQUIRED_INPUTS, Timing,
};
use contract::environment::TRAINING_JOB_NAME;
use contract::hyperparameter::Hyperparameters;
use engine::booster::{TrainEnd, Trained};
use engine::dataset::SideColumn;
use engine::metric::Metric;
use engine::objective::Setting;
use engine::params::{BoosterName, BoosterValidParams};

use super::artifacts::{Columns, Training};
use super::job::Job;

/// What the document is made of, beside the job and the model.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) data: Vec<DataSet>,
    pub(crate) baseline: Option<Baseline>,
    pub(crate) timings: Vec<Timing>,
    pub(crate) model: ModelDigest,
}

/// Makes the document.
pub(crate) fn evaluation(job: &Job, trained: &Trained, measured: Measured) -> Evaluation {
    Evaluation {
        schema: Evaluation::SCHEMA,
        job_name: env::var(TRAINING_JOB_NAME.name)
            .ok()
            .filter(|it| !it.is_empty()),
        algorithm: job.hyperparameters.algorithm.to_string(),
        objective: job.hyperparameters.objective.to_string(),
        data: measured.data,
        rounds: trained.booster.n_rounds() as u32,
        best_round: best_round(trained),
        end: Some(end(trained.end).to_owned()),
        metrics: histories(trained),
        baseline: measured.baseline,
        cross_validation: None,
        timings: measured.timings,
        hyperparameters: job.given.clone(),
        model: measured.model,
    }
}

/// Makes `training.json`.
pub(crate) fn training<'a>(
    job: &'a Job,
    trained: &'a Trained,
    model: &'a ModelDigest,
) -> Training<'a> {
    Training {
        linden_version: env!("CARGO_PKG_VERSION"),
        algorithm: job.hyperparameters.algorithm.to_string(),
        objective: job.hyperparameters.objective.to_string(),
        rounds: trained.booster.n_rounds() as u32,
        best_round: trained.best.map(|it| it.round),
        model_format: job.hyperparameters.model_format.to_string(),
        features: Columns {
            n_features: trained.booster.n_features(),
            feature_names: &job.hyperparameters.feature_names,
            categorical_features: &job.categorical,
            categories: trained
                .booster
                .category_names
                .iter()
                .map(|(feature, names)| (feature, names.as_slice()))
                .collect(),
        },
        hyperparameters: &job.given,
        required_inputs: required_inputs(job),
        model,
    }
}

/// What the job declares that a prediction needs as well.
fn required_inputs(job: &Job) -> Vec<&'static str> {
    let declared = &job.hyperparameters.columns;
    let is_declared = |column: SideColumn| declared.iter().any(|it| it.column == column);
    let inputs = REQUIRED_INPUTS
        .iter()
        .filter(|(column, _)| is_declared(*column));
    inputs.map(|(_, name)| *name).collect()
}

/// Makes `hyperparameters.json`: every hyperparameter that had a say, defaults included, as SageMaker would spell it.
pub(crate) fn effective(job: &Job, params: &BoosterValidParams) -> BTreeMap<String, String> {
    let own = &job.hyperparameters;
    let metrics: Vec<String> = own.eval_metrics.iter().map(ToString::to_string).collect();
    let always = [
        ("algorithm", own.algorithm.to_string()),
        ("objective", own.objective.to_string()),
        ("num_round", own.num_round.to_string()),
        ("eta", params.learning_rate().to_string()),
        ("max_depth", params.max_depth().to_string()),
        ("max_leaves", params.max_leaves().to_string()),
        ("grow_policy", params.grow_policy().to_string()),
        ("min_child_weight", params.min_child_weight().to_string()),
        ("lambda", params.reg_lambda().to_string()),
        ("alpha", params.reg_alpha().to_string()),
        ("gamma", params.min_split_loss().to_string()),
        ("subsample", params.subsample().to_string()),
        ("colsample_bytree", params.colsample_bytree().to_string()),
        ("colsample_bylevel", params.colsample_bylevel().to_string()),
        ("colsample_bynode", params.colsample_bynode().to_string()),
        ("max_bin", params.max_bin().to_string()),
        ("scale_pos_weight", params.scale_pos_weight().to_string()),
        ("num_parallel_tree", params.num_parallel_tree().to_string()),
        ("seed", params.seed().to_string()),
        ("eval_metric", metrics.join(",")),
        ("csv_weights", u8::from(own.csv_weights).to_string()),
        ("save_best", params.saves_best().to_string()),
        (
            "save_model_on_termination",
            own.save_model_on_termination.to_string(),
        ),
        ("model_format", own.model_format.to_string()),
    ];
    let is_multiclass = own.objective.is_multiclass();
    let num_class = is_multiclass.then(|| own.num_class.to_string());
    let given = [
        ("num_class", num_class),
        (
            "max_delta_step",
            params.max_delta_step().map(|it| it.to_string()),
        ),
        ("base_score", params.base_score().map(|it| it.to_string())),
        (
            "early_stopping_rounds",
            params.early_stopping_rounds().map(|it| it.to_string()),
        ),
        ("nthread", params.nthread().map(|it| it.to_string())),
        (
            "feature_names",
            (!own.feature_names.is_empty()).then(|| own.feature_names.join(",")),
        ),
        (
            "baseline_columns",
            (!own.baseline_columns.is_empty()).then(|| own.baseline_columns.join(",")),
        ),
    ];
    let given = given
        .into_iter()
        .chain(modes_and_columns(own))
        .chain(of_features(params))
        .filter_map(|(name, value)| Some((name, value?)));
    always
        .into_iter()
        .chain(given)
        .chain(of_objective(params))
        .chain(of_categories(own, params))
        .chain(of_booster(params))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// How the job runs, and what its files hold beside features.
fn modes_and_columns(own: &Hyperparameters) -> [(&'static str, Option<String>); 8] {
    [
        ("_kfold", own.kfold.map(|it| it.n_folds.to_string())),
        (
            "_num_cv_round",
            own.kfold.map(|it| it.n_repeats.to_string()),
        ),
        ("qid_column", own.columns.qid.clone()),
        (
            "base_margin_columns",
            (!own.columns.base_margin.is_empty()).then(|| own.columns.base_margin.join(",")),
        ),
        ("exposure_column", own.columns.exposure.clone()),
        (
            "label_upper_bound_column",
            own.columns.label_upper_bound.clone(),
        ),
        (
            "label_columns",
            (!own.columns.labels.is_empty()).then(|| own.columns.labels.join(",")),
        ),
        ("tree_method", own.exact.then(|| "exact".to_owned())),
    ]
}

/// What is said about single features, by their numbers, and how rows are sampled.
fn of_features(params: &BoosterValidParams) -> [(&'static str, Option<String>); 4] {
    let list = |texts: Vec<String>| (!texts.is_empty()).then(|| texts.join(","));
    let directions = params.monotone_constraints().iter();
    let directions = list(directions.map(|it| it.sign().to_string()).collect());
    let group = |features: &Vec<u32>| {
        let features: Vec<String> = features.iter().map(ToString::to_string).collect();
        format!("[{}]", features.join(","))
    };
    let groups = params.interaction_constraints().iter();
    let groups = list(groups.map(group).collect());
    let weights = params.feature_weights().iter();
    let weights = list(weights.map(ToString::to_string).collect());
    [
        (
            "monotone_constraints",
            directions.map(|it| format!("({it})")),
        ),
        (
            "interaction_constraints",
            groups.map(|it| format!("[{it}]")),
        ),
        ("feature_weights", weights),
        (
            "sampling_method",
            Some(params.sampling_method().to_string()),
        ),
    ]
}

/// How features of categories are split, where there are some.
fn of_categories(
    own: &Hyperparameters,
    params: &BoosterValidParams,
) -> Vec<(&'static str, String)> {
    if own.categorical_features.is_empty() {
        return Vec::new();
    }
    vec![
        ("categorical_features", own.categorical_features.join(",")),
        ("max_cat_to_onehot", params.max_cat_to_onehot().to_string()),
        ("max_cat_threshold", params.max_cat_threshold().to_string()),
    ]
}

/// The settings that belong to the booster alone, by the names that hyperparameters have.
fn of_booster(params: &BoosterValidParams) -> Vec<(&'static str, String)> {
    let (dart, linear) = (params.dart(), params.linear());
    let mut settings = vec![("booster", params.booster().to_string())];
    match params.booster() {
        BoosterName::GbTree => {}
        BoosterName::GbLinear => settings.extend([
            ("updater", linear.updater.to_string()),
            ("feature_selector", linear.feature_selector.to_string()),
            ("top_k", linear.top_k.to_string()),
            ("lambda_bias", linear.lambda_bias.to_string()),
        ]),
        BoosterName::Dart => settings.extend([
            ("sample_type", dart.sample_type.to_string()),
            ("normalize_type", dart.normalize_type.to_string()),
            ("rate_drop", dart.rate_drop.to_string()),
            ("one_drop", u8::from(dart.one_drop).to_string()),
            ("skip_drop", dart.skip_drop.to_string()),
        ]),
    }
    settings
}

/// The settings that belong to the objective alone, by the names that hyperparameters have.
fn of_objective(params: &BoosterValidParams) -> Vec<(&'static str, String)> {
    let objective = params.full_objective();
    let rank = objective.lambdarank;
    let levels: Vec<String> = params
        .quantile_alpha()
        .iter()
        .map(ToString::to_string)
        .collect();
    let settings = [
        (
            Setting::TweedieVariancePower,
            objective.tweedie_variance_power.to_string(),
        ),
        (Setting::HuberSlope, objective.huber_slope.to_string()),
        (Setting::QuantileAlpha, format!("[{}]", levels.join(", "))),
        (
            Setting::AftLossDistribution,
            objective.aft_loss_distribution.to_string(),
        ),
        (
            Setting::AftLossDistributionScale,
            objective.aft_loss_distribution_scale.to_string(),
        ),
        (Setting::LambdarankPairMethod, rank.pair_method.to_string()),
        (
            Setting::LambdarankNormalization,
            rank.normalization.to_string(),
        ),
        (
            Setting::LambdarankScoreNormalization,
            rank.score_normalization.to_string(),
        ),
        (Setting::NdcgExpGain, rank.ndcg_exp_gain.to_string()),
        (Setting::LambdarankUnbiased, rank.unbiased.to_string()),
        (Setting::LambdarankBiasNorm, rank.bias_norm.to_string()),
    ];
    let n_pairs = rank.num_pair_per_sample;
    let n_pairs = n_pairs.map(|it| (Setting::LambdarankNumPairPerSample, it.to_string()));
    let own = settings.into_iter().chain(n_pairs);
    let own = own.filter(|(it, _)| objective.has(*it));
    own.map(|(setting, value)| (setting.as_str(), value))
        .collect()
}

/// The value of the saved model: at the best round where early stopping cut, else at the last.
pub(crate) fn final_value(trained: &Trained, data: &str, metric: Metric) -> Option<f64> {
    let last = trained.history.len().checked_sub(1)?;
    let round = saved_round(trained).min(last);
    trained.history[round]
        .iter()
        .find(|it| &*it.data == data && it.metric == metric)
        .map(|it| it.value)
}

/// The index of the saved model's last round in the history.
fn saved_round(trained: &Trained) -> usize {
    let n_new = trained
        .booster
        .n_rounds()
        .saturating_sub(trained.first_round as usize);
    n_new.saturating_sub(1)
}

fn best_round(trained: &Trained) -> Option<BestRound> {
    let best = trained.best.as_ref()?;
    let decided_by = trained.history.first()?.last()?.metric;
    Some(BestRound {
        round: best.round,
        metric: decided_by.to_string(),
        value: best.value,
    })
}

fn end(end: TrainEnd) -> &'static str {
    match end {
        TrainEnd::AllRounds => "all_rounds",
        TrainEnd::EarlyStopping => "early_stopping",
        TrainEnd::Monitor => "stopped",
    }
}

/// One history for each data set and metric, in the order of the metric line.
fn histories(trained: &Trained) -> Vec<MetricHistory> {
    let Some(first) = trained.history.first() else {
        return Vec::new();
    };
    let history = |(idx, it): (usize, &engine::booster::Evaluation)| MetricHistory {
        data: it.data.to_string(),
        metric: it.metric.to_string(),
        maximize: it.metric.maximize(),
        final_value: final_value(trained, &it.data, it.metric).unwrap_or(f64::NAN),
        rounds: trained
            .history
            .iter()
            .map(|round| round[idx].value)
            .collect(),
    };
    first.iter().enumerate().map(history).collect()
}
