//! Rows that do something, the built-in algorithm's and Linden's own.
//!
//! Invariant: a setter is called with a value that is in the row's range, so its casts keep the value.

use engine::objective::{AftDistribution, ObjectiveName};

use super::super::draft::Draft;
use super::super::error::Refusal;
use super::super::metrics::{self, METRICS, TUNING_METRICS};
use super::super::spec::{Interval, Kind, Spec, joined};
use super::super::{Algorithm, ModelFormat, OnBadRow};
use super::{BOOLEAN, NON_NEGATIVE, POSITIVE_COUNT, ZERO_OR_ONE};

use Kind::{Choice, Choices, Integer, Real, Text};

/// An old name.
const OTHER_OBJECTIVES: &[&str] = &["reg:linear"];
static OBJECTIVES: [&str; ObjectiveName::NAMES.len() + OTHER_OBJECTIVES.len()] =
    joined(ObjectiveName::NAMES, OTHER_OBJECTIVES);
/// Bins are one byte.
const BINS: Interval = Interval::closed(2.0, 256.0);
/// Every thread is started and has blocks of its own in memory; no training instance has half as many processors.
const THREADS: Interval = Interval::closed(1.0, 1024.0);
/// A round grows a tree for each class and every row has a margin for each; more is a mistake, and would end without memory.
const CLASSES: Interval = Interval::closed(2.0, 100_000.0);
const SEED: Interval = Interval::open(-2_147_483_648.0, 2_147_483_647.0);

/// Rows that do something.
pub static IMPLEMENTED: &[Spec] = &[
    Spec::new("algorithm", Choice(Algorithm::NAMES, set_algorithm), "gradient_boosting",
        "Linden's own: what is trained. `random_forest` and `decision_tree` are one round, so `num_round` may be left out, and bring their own defaults."),
    Spec::new("num_round", Integer(POSITIVE_COUNT, |draft, it| {
        draft.num_round = Some(it as u32);
        draft.boost(|params| params.num_round(it as u32));
    }), "", "Boosting rounds.").required().tunable(1.0, 4000.0),
    Spec::new("objective", Choice(&OBJECTIVES, set_objective), "reg:squarederror", "What is minimised. `reg:linear` is the old name of `reg:squarederror`."),
    Spec::new("num_class", Integer(CLASSES, |draft, it| {
        draft.num_class = it as u32;
        draft.boost(|params| params.num_class(it as u32));
    }), "", "Classes of `multi:softmax` and `multi:softprob`; needed there and nowhere else."),
    Spec::new("eta", Real(ZERO_OR_ONE, |draft, it| draft.boost(|params| params.learning_rate(it as f32))), "0.3",
        "Factor on each tree's leaves, or on each step of a weight of `gblinear`, where it is 0.5 unless given.").alias(&["learning_rate"]).tunable(0.1, 0.5),
    Spec::new("max_depth", Integer(NON_NEGATIVE, |draft, it| draft.boost(|params| params.max_depth(it as u32))), "6",
        "Splits from the root to a leaf; 0 is no limit.").tunable(0.0, 10.0),
    Spec::new("grow_policy", Choice(&["depthwise", "lossguide"], |draft, it| {
        let policy = it.parse().map_err(|_| Refusal::message("unknown grow policy"))?;
        draft.boost(|params| params.grow_policy(policy));
        Ok(())
    }), "depthwise", "Which node is split first: the one nearest to the root, or the one whose split gains most. It matters where `max_leaves` ends a tree."),
    Spec::new("max_leaves", Integer(NON_NEGATIVE, |draft, it| draft.boost(|params| params.max_leaves(it as u32))), "0",
        "Leaves of a tree; 0 is no limit."),
    Spec::new("min_child_weight", Real(NON_NEGATIVE, |draft, it| draft.boost(|params| params.min_child_weight(it as f32))), "1",
        "The least sum of hessians on either side of a split.").tunable(0.0, 120.0),
    Spec::new("lambda", Real(NON_NEGATIVE, |draft, it| draft.boost(|params| params.reg_lambda(it as f32))), "1",
        "L2 penalty on leaf weights, or on those of `gblinear`, where it is 0 unless given.").alias(&["reg_lambda"]).tunable(0.0, 1000.0),
    Spec::new("alpha", Real(NON_NEGATIVE, |draft, it| draft.boost(|params| params.reg_alpha(it as f32))), "0",
        "L1 penalty on leaf weights, or on those of `gblinear`.").alias(&["reg_alpha"]).tunable(0.0, 1000.0),
    Spec::new("gamma", Real(NON_NEGATIVE, |draft, it| draft.boost(|params| params.min_split_loss(it as f32))), "0",
        "The least gain of a split.").alias(&["min_split_loss"]).tunable(0.0, 5.0),
    Spec::new("max_delta_step", Real(NON_NEGATIVE, |draft, it| draft.boost(|params| params.max_delta_step(Some(it as f32)))), "0",
        "Limit on a leaf's weight before the learning rate; 0 is none. `count:poisson` has 0.7 where it is not given.").tunable(0.0, 10.0),
    Spec::new("subsample", Real(Interval::share(), |draft, it| draft.boost(|params| params.subsample(it as f32))), "1",
        "Share of the rows that each tree sees.").tunable(0.5, 1.0),
    Spec::new("colsample_bytree", Real(Interval::share(), |draft, it| draft.boost(|params| params.colsample_bytree(it as f32))), "1",
        "Share of the columns that each tree sees.").tunable(0.5, 1.0),
    Spec::new("colsample_bylevel", Real(Interval::share(), |draft, it| draft.boost(|params| params.colsample_bylevel(it as f32))), "1",
        "Share of a tree's columns that the splits of each level see.").tunable(0.1, 1.0),
    Spec::new("colsample_bynode", Real(Interval::share(), |draft, it| draft.boost(|params| params.colsample_bynode(it as f32))), "1",
        "Share of a level's columns that each split sees.").tunable(0.1, 1.0),
    Spec::new("max_bin", Integer(BINS, |draft, it| draft.boost(|params| params.max_bin(it as u32))), "256",
        "Bins of a feature. The built-in algorithm takes more; here a bin is one byte."),
    Spec::new("max_cat_to_onehot", Integer(POSITIVE_COUNT, |draft, it| draft.boost(|params| params.max_cat_to_onehot(it as u32))), "4",
        "XGBoost's: a feature of fewer categories than this is split into one of them and the others; more are put in order and divided in two groups."),
    Spec::new("max_cat_threshold", Integer(POSITIVE_COUNT, |draft, it| draft.boost(|params| params.max_cat_threshold(it as u32))), "64",
        "XGBoost's: how many categories a division looks at from either end of their order; fewer of them overfit less."),
    Spec::new("max_cached_hist_node", Integer(POSITIVE_COUNT, |draft, it| draft.boost(|params| params.max_cached_hist_node(it as u32))), "65536",
        "XGBoost's: how many nodes of a tree keep their sums while they wait to be split. Fewer save memory where trees are deep and tables wide, and take time; the model is the same. Beside it, what waits takes no more than 1 GiB."),
    Spec::new("base_score", Real(NON_NEGATIVE, |draft, it| draft.boost(|params| params.base_score(Some(it as f32)))), "",
        "The prediction to start from: a probability for logistic objectives, a mean for others. Estimated from the labels where it is not given."),
    Spec::new("scale_pos_weight", Real(Interval::above(0.0), |draft, it| draft.boost(|params| params.scale_pos_weight(it as f32))), "1",
        "Factor on the weight of rows with label 1."),
    Spec::new("tweedie_variance_power", Real(Interval::open(1.0, 2.0), |draft, it| draft.boost(|params| params.tweedie_variance_power(it as f32))), "1.5",
        "Power of the mean in the variance of `reg:tweedie`, and of `tweedie-nloglik` where that names none."),
    Spec::new("huber_slope", Real(Interval::above(0.0), |draft, it| draft.boost(|params| params.huber_slope(it as f32))), "1",
        "XGBoost's: where `reg:pseudohubererror` and `mphe` turn from squared to absolute."),
    Spec::new("quantile_alpha", Text(set_quantile_alpha), "",
        "XGBoost's: levels of `reg:quantileerror`, each in [0, 1], as `0.9` or `[0.1, 0.5, 0.9]`; needed there. Several levels make one tree each in a round, and a prediction for each."),
    Spec::new("aft_loss_distribution", Choice(&["normal", "logistic", "extreme"], |draft, it| {
        let distribution: AftDistribution = it.parse().map_err(|_| Refusal::message("unknown distribution"))?;
        draft.boost(|params| params.aft_loss_distribution(distribution));
        Ok(())
    }), "normal", "How the logarithms of times are distributed for `survival:aft` and `aft-nloglik`."),
    Spec::new("aft_loss_distribution_scale", Real(Interval::above(0.0), |draft, it| draft.boost(|params| params.aft_loss_distribution_scale(it as f32))), "1.0",
        "Scale of that distribution. The built-in algorithm takes 0 too, and then learns nothing."),
    Spec::new("num_parallel_tree", Integer(POSITIVE_COUNT, |draft, it| draft.boost(|params| params.num_parallel_tree(it as u32))), "1",
        "Trees of one round; 100 where `algorithm` is `random_forest`."),
    Spec::new("eval_metric", Choices(METRICS, metrics::set_eval_metric), "",
        "Metrics that are printed each round, separated by commas. `error@t` counts a prediction above `t` as positive, `tweedie-nloglik@rho` is for a variance power. \
         `accuracy`, `balanced_accuracy`, `precision`, `recall`, `f1` and their kinds, `mse` and `r2` count each row once, as scikit-learn does for the built-in algorithm; \
         a class is predicted where its probability is above one half, or the largest. The other metrics are XGBoost's and weigh rows. The objective's own where it is not given."),
    Spec::new("early_stopping_rounds", Integer(POSITIVE_COUNT, |draft, it| {
        draft.early_stopping_rounds = Some(it as u32);
        draft.boost(|params| params.early_stopping_rounds(Some(it as u32)));
    }), "", "Stop when the last metric on `validation` has not improved for this many rounds, and keep the best round."),
    Spec::new("save_best", Choice(BOOLEAN, |draft, it| {
        let save_best = it == "true";
        draft.boost(|params| params.save_best(Some(save_best)));
        Ok(())
    }), "", "Linden's own: whether the model ends with the round in which the last metric on `validation` was best. `true` where `early_stopping_rounds` is given, as in the built-in algorithm, else `false`; XGBoost itself keeps all rounds."),
    Spec::new("_kfold", Integer(Interval::at_least(2.0), |draft, it| draft.kfold = Some(it as u32)), "",
        "Folds of cross-validation. The rows of both channels together are dealt out by `seed`, each label's or each query's for itself; each fold's model is judged on the rows that it has not seen."),
    Spec::new("_num_cv_round", Integer(POSITIVE_COUNT, |draft, it| draft.num_cv_round = Some(it as u32)), "1",
        "Repetitions of cross-validation, each with other folds; needs `_kfold`."),
    Spec::new("tree_method", Choice(&["auto", "exact", "approx", "hist", "gpu_hist"], |draft, it| {
        draft.exact = it == "exact";
        Ok(())
    }), "auto", "How splits are found. `auto`, `hist` and `approx` mean `hist` here. `exact` takes 256 bins whatever `max_bin` is, so it is exact where a feature has no more values than that (255 and missing ones), and warns of features that have more, which are searched among quantiles. With `algorithm` = `decision_tree` `exact` searches among all values, and is refused where the data do not allow it.")
        .only(&["auto", "exact", "hist", "approx"], "there is no GPU here; use `hist`"),
    Spec::new("csv_weights", Integer(ZERO_OR_ONE, |draft, it| draft.csv_weights = it == 1), "0",
        "1: the second column of a CSV or Parquet file is the row's weight."),
    Spec::new("save_model_on_termination", Choice(BOOLEAN, |draft, it| {
        draft.save_model_on_termination = it == "true";
        Ok(())
    }), "false", "Whether a job that is stopped leaves the model of its last round."),
    Spec::new("seed", Integer(SEED, |draft, it| draft.boost(|params| params.seed(it))), "0", "Seed of row and column sampling."),
    Spec::new("nthread", Integer(THREADS, |draft, it| draft.boost(|params| params.nthread(Some(it as usize)))), "",
        "Threads; as many as the machine has where it is not given. The model does not depend on it."),
    Spec::new("verbosity", Integer(Interval::closed(0.0, 3.0), |draft, it| draft.verbosity = Some(it as u8)), "1",
        "0 silent, 1 warnings, 2 progress, 3 everything; metric lines are always printed."),
    Spec::new("_tuning_objective_metric", Choice(TUNING_METRICS, metrics::set_tuning_objective), "",
        "The metric that a tuning job looks at; SageMaker sets it. It is printed beside `eval_metric`, last, and early stopping follows it."),
    Spec::new("model_format", Choice(ModelFormat::NAMES, |draft, it| {
        draft.model_format = it.parse().map_err(|_| Refusal::message("unknown model format"))?;
        Ok(())
    }), "ubj", "Linden's own: encoding of the model file. XGBoost reads `ubj` from 1.6 on and `json` from 1.3 on."),
    Spec::new("on_bad_row", Choice(OnBadRow::NAMES, |draft, it| {
        draft.on_bad_row = it.parse().map_err(|_| Refusal::message("unknown answer to a bad row"))?;
        Ok(())
    }), "error", "Linden's own: what becomes of a row that cannot be read: the job fails with its place, or the row is left out, counted in the log and in the evaluation, as long as more rows fit than do not. Of CSV, libsvm, JSON Lines and RecordIO; the first row says what rows look like, and in Parquet there are no such rows."),
    Spec::new("feature_names", Text(|draft, it| set_names(&mut draft.feature_names, it)), "",
        "Linden's own: names of the feature columns, separated by commas, for the model and the reports. Parquet files bring their own where it is not given."),
    Spec::new("categorical_features", Text(|draft, it| set_names(&mut draft.categorical_features, it)), "",
        "Linden's own: feature names or feature numbers from 0, separated by commas, whose values are categories: codes, whole numbers from 0 to 16777215, or in CSV words, which get codes in their order. Of each feature the 254 most frequent are told apart. Text in Parquet files is a category without it. XGBoost's `enable_categorical`."),
    Spec::new("qid_column", Text(|draft, it| set_column(&mut draft.columns.qid, it)), "",
        "Linden's own: the column of the query that a row belongs to, whose rows must be adjacent; for ranking, and for folds that keep queries whole. Its number from 0 as it lies in the file, or its name in Parquet files; libsvm has `qid:` for it. It is not a feature."),
    Spec::new("base_margin_columns", Text(|draft, it| set_names(&mut draft.columns.base_margin, it)), "",
        "Linden's own: the columns, separated by commas, of the margin that a row starts from in place of the base score; one, or one for each class. Numbers or names as in `qid_column`; in libsvm they are indexes."),
    Spec::new("exposure_column", Text(|draft, it| set_column(&mut draft.columns.exposure, it)), "",
        "Linden's own: the column of the exposure, above 0, whose logarithm is added to the margin, so that the trees predict the rate for an exposure of 1. For `count:poisson`, `reg:gamma` and `reg:tweedie`. A number or a name as in `base_margin_columns`."),
    Spec::new("label_upper_bound_column", Text(|draft, it| set_column(&mut draft.columns.label_upper_bound, it)), "",
        "Linden's own: the column of the end of the interval that begins at the label, for `survival:aft`; an empty cell has no end. A number or a name as in `base_margin_columns`."),
    Spec::new("label_columns", Text(|draft, it| set_names(&mut draft.columns.labels, it)), "",
        "Linden's own: the columns, separated by commas, of what is to be predicted: the first column of the files, and others. Each is a target with trees and a base score of its own, and metrics are means over all of them. Numbers or names as in `qid_column`; libsvm has one label a row."),
    Spec::new("multi_strategy", Choice(&["one_output_per_tree", "multi_output_tree"], |_, _| Ok(())), "one_output_per_tree",
        "XGBoost's: whether each target has trees of its own, or a tree predicts all of them.")
        .only(&["one_output_per_tree"], "trees with a vector in each leaf are predicted with here, and not trained; use `one_output_per_tree`"),
    Spec::new("baseline_columns", Text(|draft, it| set_names(&mut draft.baseline_columns, it)), "",
        "Linden's own: feature names or feature numbers from 0, separated by commas. The evaluation compares the model with the mean label of the training rows that share their values."),
];

fn set_algorithm(draft: &mut Draft, text: &str) -> Result<(), Refusal> {
    draft.algorithm = text
        .parse()
        .map_err(|_| Refusal::message("unknown algorithm"))?;
    Ok(())
}

fn set_objective(draft: &mut Draft, text: &str) -> Result<(), Refusal> {
    let supported = || ObjectiveName::NAMES.join(", ");
    let objective = text
        .parse()
        .map_err(|_| Refusal::instead(text, format!("supported are {}", supported())))?;
    if text == "reg:linear" {
        draft.warn("reg:linear is now deprecated in favor of reg:squarederror.");
    }
    draft.objective = Some(objective);
    draft.boost(|params| params.objective(objective));
    Ok(())
}

/// A single column's number or name.
fn set_column(column: &mut Option<String>, text: &str) -> Result<(), Refusal> {
    let mut names = Vec::new();
    set_names(&mut names, text)?;
    if names.len() > 1 {
        return Err(Refusal::instead(text, "there can be one such column only"));
    }
    *column = names.pop();
    Ok(())
}

fn set_quantile_alpha(draft: &mut Draft, text: &str) -> Result<(), Refusal> {
    let levels = levels(text).ok_or_else(|| {
        Refusal::instead(
            text,
            "levels are numbers in [0, 1], as `0.9` or `[0.1, 0.5, 0.9]`",
        )
    })?;
    draft.quantile_alpha.clone_from(&levels);
    draft.boost(|params| params.quantile_alpha(levels));
    Ok(())
}

/// Numbers in `[0, 1]`, separated by commas, in brackets, in parentheses or bare.
fn levels(text: &str) -> Option<Vec<f32>> {
    let text = text.trim();
    let inner = match text.as_bytes() {
        [b'[', .., b']'] | [b'(', .., b')'] => &text[1..text.len() - 1],
        _ => text,
    };
    // Python writes a tuple of one as `(0.9,)`.
    let inner = inner.trim().trim_end_matches(',');
    let level = |it: &str| {
        let level = super::super::value::real(it).map(|it| it as f32);
        level.filter(|it| (0.0..=1.0).contains(it))
    };
    inner.split(',').map(level).collect()
}

fn set_names(names: &mut Vec<String>, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Ok(());
    }
    *names = text.split(',').map(|it| it.trim().to_owned()).collect();
    let twice = names
        .iter()
        .enumerate()
        .find(|(at, it)| names[..*at].contains(it));
    match twice {
        _ if names.iter().any(String::is_empty) => {
            Err(Refusal::instead(text, "a name between two commas is empty"))
        }
        Some((_, name)) => Err(Refusal::instead(name, "the name is there twice")),
        None => Ok(()),
    }
}
