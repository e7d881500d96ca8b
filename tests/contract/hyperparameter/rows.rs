//! Each row of the table: a value that is taken and gets where it belongs, and one that is refused in words that help.
//!
//! Invariant: a row has exactly one case here; a new row without one fails, and so does a case without a row.

use contract::hyperparameter::{Hyperparameters, Spec, table};
use engine::params::BoosterValidParams;
use linfa::ParamGuard;

use super::with;

/// A row's values.
struct Case {
    name: &'static str,
    /// What both values need beside them.
    beside: &'static [(&'static str, &'static str)],
    taken: &'static str,
    becomes: Becomes,
    refused: &'static str,
    /// What the refusal says is allowed; empty where it is what the row itself says.
    allowed: &'static str,
}

/// What a value that is taken becomes.
enum Becomes {
    /// This text, where it is read.
    Read(fn(&Hyperparameters) -> String, &'static str),
    /// Nothing, and the job says so.
    Nothing,
    /// What holds without it as well.
    TheUsual,
}

impl Case {
    const fn beside(mut self, beside: &'static [(&'static str, &'static str)]) -> Self {
        self.beside = beside;
        self
    }

    /// For rows that do not say themselves what is allowed.
    const fn allowed(mut self, allowed: &'static str) -> Self {
        self.allowed = allowed;
        self
    }
}

const fn case(
    name: &'static str,
    taken: &'static str,
    becomes: Becomes,
    refused: &'static str,
) -> Case {
    Case {
        name,
        beside: &[],
        taken,
        becomes,
        refused,
        allowed: "",
    }
}

/// `taken` is read as it is written.
const fn read(
    name: &'static str,
    taken: &'static str,
    at: fn(&Hyperparameters) -> String,
    refused: &'static str,
) -> Case {
    case(name, taken, Becomes::Read(at, taken), refused)
}

/// `taken` is read as `text`.
const fn read_as(
    name: &'static str,
    taken: &'static str,
    at: fn(&Hyperparameters) -> String,
    text: &'static str,
    refused: &'static str,
) -> Case {
    case(name, taken, Becomes::Read(at, text), refused)
}

const fn nothing(name: &'static str, taken: &'static str, refused: &'static str) -> Case {
    case(name, taken, Becomes::Nothing, refused)
}

const fn usual(
    name: &'static str,
    taken: &'static str,
    refused: &'static str,
    allowed: &'static str,
) -> Case {
    case(name, taken, Becomes::TheUsual, refused).allowed(allowed)
}

fn params(given: &Hyperparameters) -> BoosterValidParams {
    given.params.clone().check().unwrap()
}

fn shown<T: std::fmt::Debug>(value: Option<T>) -> String {
    value.map_or_else(String::new, |it| format!("{it:?}"))
}

const RANKING: &[(&str, &str)] = &[("objective", "rank:ndcg")];
const LINEAR: &[(&str, &str)] = &[("booster", "gblinear")];
const DART: &[(&str, &str)] = &[("booster", "dart")];
const AFT: &[(&str, &str)] = &[("objective", "survival:aft")];

#[rustfmt::skip]
static CASES: &[Case] = &[
    read("algorithm", "decision_tree", |it| it.algorithm.to_string(), "forest"),
    read("num_round", "17", |it| params(it).num_round().to_string(), "0"),
    read("objective", "count:poisson", |it| params(it).objective().to_string(), "reg:cubed"),
    read("num_class", "3", |it| params(it).num_class().to_string(), "1").beside(&[("objective", "multi:softprob")]),
    read("eta", "0.25", |it| params(it).learning_rate().to_string(), "1.5"),
    read("max_depth", "9", |it| params(it).max_depth().to_string(), "-1"),
    read("grow_policy", "lossguide", |it| params(it).grow_policy().to_string(), "leafwise"),
    read("max_leaves", "31", |it| params(it).max_leaves().to_string(), "-1"),
    read("min_child_weight", "2.5", |it| params(it).min_child_weight().to_string(), "-0.5"),
    read("lambda", "3.5", |it| params(it).reg_lambda().to_string(), "-1"),
    read("alpha", "0.5", |it| params(it).reg_alpha().to_string(), "-1"),
    read("gamma", "0.75", |it| params(it).min_split_loss().to_string(), "-1"),
    read("max_delta_step", "0.5", |it| shown(params(it).max_delta_step()), "-1"),
    read("subsample", "0.5", |it| params(it).subsample().to_string(), "0"),
    read("colsample_bytree", "0.5", |it| params(it).colsample_bytree().to_string(), "1.01"),
    read("colsample_bylevel", "0.5", |it| params(it).colsample_bylevel().to_string(), "0"),
    read("colsample_bynode", "0.5", |it| params(it).colsample_bynode().to_string(), "2"),
    read("max_bin", "64", |it| params(it).max_bin().to_string(), "257"),
    read("max_cat_to_onehot", "9", |it| params(it).max_cat_to_onehot().to_string(), "0"),
    read("max_cat_threshold", "16", |it| params(it).max_cat_threshold().to_string(), "0"),
    read("max_cached_hist_node", "100", |it| params(it).max_cached_hist_node().to_string(), "0"),
    read("base_score", "0.25", |it| shown(params(it).base_score()), "-1"),
    read("scale_pos_weight", "2.5", |it| params(it).scale_pos_weight().to_string(), "0"),
    read("tweedie_variance_power", "1.25", |it| params(it).full_objective().tweedie_variance_power.to_string(), "2").beside(&[("objective", "reg:tweedie")]),
    read("huber_slope", "2.5", |it| params(it).full_objective().huber_slope.to_string(), "0").beside(&[("objective", "reg:pseudohubererror")]),
    read("quantile_alpha", "[0.25, 0.75]", |it| format!("{:?}", params(it).full_objective().quantile_alpha), "[0.25, 1.5]")
        .beside(&[("objective", "reg:quantileerror")]).allowed("levels are numbers in [0, 1]"),
    read("aft_loss_distribution", "extreme", |it| params(it).full_objective().aft_loss_distribution.to_string(), "weibull").beside(AFT),
    read("aft_loss_distribution_scale", "0.5", |it| params(it).full_objective().aft_loss_distribution_scale.to_string(), "0").beside(AFT),
    read("num_parallel_tree", "4", |it| params(it).num_parallel_tree().to_string(), "0"),
    read_as("eval_metric", "mae,rmse", |it| format!("{:?}", params(it).eval_metrics()), "[Mae, Rmse]", "rsme"),
    read("early_stopping_rounds", "5", |it| shown(params(it).early_stopping_rounds()), "0"),
    read("save_best", "true", |it| params(it).saves_best().to_string(), "yes"),
    read("_kfold", "4", |it| shown(it.kfold.map(|it| it.n_folds)), "1"),
    read("_num_cv_round", "3", |it| shown(it.kfold.map(|it| it.n_repeats)), "0").beside(&[("_kfold", "2")]),
    read_as("tree_method", "exact", |it| it.exact.to_string(), "true", "gpu_hist").beside(&[("algorithm", "decision_tree")]).allowed("use `hist`"),
    read_as("csv_weights", "1", |it| it.csv_weights.to_string(), "true", "2"),
    read("save_model_on_termination", "true", |it| it.save_model_on_termination.to_string(), "True"),
    read("seed", "-7", |it| params(it).seed().to_string(), "2147483647"),
    read("nthread", "2", |it| shown(params(it).nthread()), "1025"),
    read("verbosity", "3", |it| it.verbosity.to_string(), "4"),
    read_as("_tuning_objective_metric", "validation:mae", |it| shown(it.tuning_objective_metric), "Mae", "train:mae"),
    read("model_format", "json", |it| it.model_format.to_string(), "pickle"),
    read("on_bad_row", "skip", |it| it.on_bad_row.to_string(), "ignore"),
    read_as("feature_names", "hour, weekday", |it| it.feature_names.join("|"), "hour|weekday", "hour,,weekday").allowed("a name between two commas is empty"),
    read("qid_column", "3", |it| shown(it.columns.qid.as_deref().and_then(|it| it.parse::<u32>().ok())), "3,4").allowed("there can be one such column only"),
    read_as("base_margin_columns", "margin", |it| it.columns.base_margin.join("|"), "margin", "2,2").allowed("the name is there twice"),
    read_as("label_columns", "0, 3", |it| it.columns.labels.join("|"), "0|3", "0,0").allowed("the name is there twice"),
    usual("multi_strategy", "one_output_per_tree", "multi_output_tree", "use `one_output_per_tree`"),
    read("exposure_column", "hours", |it| it.columns.exposure.clone().unwrap_or_default(), "hours,days")
        .beside(&[("objective", "count:poisson")]).allowed("there can be one such column only"),
    read("label_upper_bound_column", "end", |it| it.columns.label_upper_bound.clone().unwrap_or_default(), "end,start")
        .beside(AFT).allowed("there can be one such column only"),
    read_as("categorical_features", "weekday,0", |it| it.categorical_features.join("|"), "weekday|0", "weekdays")
        .beside(&[("feature_names", "hour,weekday")]).allowed("is not among `feature_names` and is not the number of a feature"),
    read_as("baseline_columns", "weekday,0", |it| it.baseline_columns.join("|"), "weekday|0", "weekdays")
        .beside(&[("feature_names", "hour,weekday")]).allowed("is not among `feature_names` and is not the number of a feature"),
    read_as("sampling_method", "gradient_based", |it| format!("{:?}", params(it).sampling_method()), "GradientBased", "gradient").beside(&[("subsample", "0.5")]),
    read_as("monotone_constraints", "(1,0,-1)", |it| shown(it.features.monotone.as_ref()), "InOrder([Increasing, Free, Decreasing])", "(1,2)")
        .allowed("directions are 1, 0 and -1"),
    read_as("interaction_constraints", "[[0, 1]]", |it| format!("{:?}", it.features.interactions), "[[Number(0), Number(1)]]", "[0,1]")
        .allowed("groups are lists in a list"),
    read_as("feature_weights", "1,0.5", |it| shown(it.features.weights.as_ref()), "InOrder([1.0, 0.5])", "1,-2")
        .beside(&[("colsample_bytree", "0.5")]).allowed("weights are numbers that are not negative"),
    read("checkpoint_interval_rounds", "3", |it| shown(it.checkpoints.rounds), "0"),
    read("checkpoint_interval_seconds", "30", |it| shown(it.checkpoints.seconds), "0"),
    read("checkpoint_keep", "2", |it| it.checkpoints.keep.to_string(), "0"),
    read("checkpoint_mismatch", "restart", |it| it.on_mismatch.to_string(), "begin"),
    read_as("lambdarank_pair_method", "mean", |it| format!("{:?}", params(it).full_objective().lambdarank.pair_method), "Mean", "top").beside(RANKING),
    read("lambdarank_num_pair_per_sample", "7", |it| shown(params(it).full_objective().lambdarank.num_pair_per_sample), "0").beside(RANKING),
    read("lambdarank_normalization", "false", |it| params(it).full_objective().lambdarank.normalization.to_string(), "no").beside(RANKING),
    read_as("lambdarank_score_normalization", "0", |it| params(it).full_objective().lambdarank.score_normalization.to_string(), "false", "off").beside(RANKING),
    read("ndcg_exp_gain", "false", |it| params(it).full_objective().lambdarank.ndcg_exp_gain.to_string(), "2").beside(RANKING),
    read("lambdarank_unbiased", "true", |it| params(it).full_objective().lambdarank.unbiased.to_string(), "yes").beside(RANKING),
    read("lambdarank_bias_norm", "2", |it| params(it).full_objective().lambdarank.bias_norm.to_string(), "-1")
        .beside(&[("objective", "rank:ndcg"), ("lambdarank_unbiased", "true")]),
    read("booster", "dart", |it| params(it).booster().to_string(), "gbliner"),
    read("process_type", "update", |it| it.process_type.to_string(), "updates").beside(&[("updater", "refresh")]),
    read("updater", "coord_descent", |it| params(it).linear().updater.to_string(), "grow_colmaker").beside(LINEAR).allowed("it searches among all values"),
    read_as("refresh_leaf", "0", |it| params(it).tree_update().refresh_leaf.to_string(), "false", "2")
        .beside(&[("process_type", "update"), ("updater", "refresh")]),
    read("feature_selector", "shuffle", |it| params(it).linear().feature_selector.to_string(), "best").beside(LINEAR),
    read("top_k", "3", |it| params(it).linear().top_k.to_string(), "-1")
        .beside(&[("booster", "gblinear"), ("updater", "coord_descent"), ("feature_selector", "greedy")]),
    read("lambda_bias", "0.5", |it| params(it).linear().lambda_bias.to_string(), "2").beside(LINEAR),
    read("sample_type", "weighted", |it| params(it).dart().sample_type.to_string(), "random").beside(DART),
    read("normalize_type", "forest", |it| params(it).dart().normalize_type.to_string(), "trees").beside(DART),
    read("rate_drop", "0.1", |it| params(it).dart().rate_drop.to_string(), "1.5").beside(DART),
    read_as("one_drop", "1", |it| params(it).dart().one_drop.to_string(), "true", "2").beside(DART),
    read("skip_drop", "0.5", |it| params(it).dart().skip_drop.to_string(), "-0.5").beside(DART),
    usual("use_dask_gpu_training", "false", "true", "leave it out"),
    nothing("sketch_eps", "0.01", "1"),
    nothing("dsplit", "col", "rows"),
    nothing("predictor", "cpu_predictor", "cpu"),
    nothing("deterministic_histogram", "false", "no"),
    nothing("single_precision_histogram", "true", "1"),
    nothing("prob_buffer_row", "0.5", "0"),
];

fn case_of(spec: &Spec) -> &'static Case {
    CASES
        .iter()
        .find(|it| it.name == spec.name)
        .unwrap_or_else(|| {
            panic!(
                "`{}` is a new row: add a value that is taken, where it gets, and one that is refused to {}",
                spec.name,
                file!()
            )
        })
}

#[test]
fn every_row_takes_a_value_that_gets_where_it_belongs() {
    for spec in table() {
        let case = case_of(spec);
        let name = case.name;
        let pairs = [case.beside, &[(name, case.taken)]].concat();
        let given = with(&pairs).unwrap_or_else(|it| panic!("{name}: {it:?}"));
        let without = with(case.beside).ok();
        let listed = given.ignored.iter().find(|it| it.name == name);
        match case.becomes {
            Becomes::Read(at, expected) => {
                assert_eq!(at(&given), expected, "{name}");
                assert_eq!(listed, None, "{name}");
                let before = without.map(|it| at(&it));
                assert_ne!(
                    before.as_deref(),
                    Some(expected),
                    "{name} is that without it as well"
                );
            }
            Becomes::Nothing => {
                let listed = listed.unwrap_or_else(|| panic!("{name} is not listed"));
                assert_eq!(listed.value, case.taken, "{name}");
                assert!(!listed.why.is_empty(), "{name}");
                let without = without.map(|it| it.params);
                assert_eq!(without, Some(given.params), "{name}");
            }
            Becomes::TheUsual => assert_eq!(without, Some(given), "{name}"),
        }
    }
}

#[test]
fn every_row_refuses_a_value_and_says_which_and_what_is_allowed() {
    for spec in table() {
        let case = case_of(spec);
        let name = case.name;
        let pairs = [case.beside, &[(name, case.refused)]].concat();
        let problems = with(&pairs).expect_err(name);
        assert_eq!(problems.len(), 1, "{name}: {problems:?}");
        let message = &problems[0];
        assert!(
            message.starts_with(&format!("Hyperparameter {name}: ")),
            "{message}"
        );
        let refused = case.refused.split(',').any(|it| message.contains(it));
        assert!(refused, "{message} does not say `{}`", case.refused);
        let allowed = if case.allowed.is_empty() {
            spec.kind.allowed()
        } else {
            case.allowed.to_owned()
        };
        assert!(
            message.contains(&allowed),
            "{message} does not say {allowed}"
        );
    }
}

/// Names that the built-in algorithm has twice mean the same row.
#[test]
fn every_alias_is_its_row() {
    let mut n_aliases = 0;
    for spec in table() {
        let case = case_of(spec);
        for alias in spec.aliases {
            let of = |name| with(&[case.beside, &[(name, case.taken)]].concat()).unwrap();
            assert_eq!(of(alias), of(spec.name), "{alias}");
            n_aliases += 1;
        }
    }
    assert!(n_aliases > 0);
}

#[test]
fn every_case_is_of_a_row_and_no_row_has_two() {
    for (at, case) in CASES.iter().enumerate() {
        assert!(
            table().any(|it| it.name == case.name),
            "{} is no row",
            case.name
        );
        assert!(
            CASES[..at].iter().all(|it| it.name != case.name),
            "{} is there twice",
            case.name
        );
    }
}
