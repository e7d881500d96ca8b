//! Hyperparameters: what each value means, what is refused in which words, and the documents that the table makes.

mod features;
mod refusals;
mod rows;
mod table;

use std::collections::BTreeMap;

use contract::hyperparameter::{Algorithm, Hyperparameters, ModelFormat, table};
use engine::metric::Metric;
use engine::objective::{ObjectiveName, PairMethod};
use engine::params::BoosterValidParams;
use engine::params::{FeatureSelector, Linear, LinearUpdater};
use linfa::ParamGuard;

fn parse(pairs: &[(&str, &str)]) -> Result<Hyperparameters, Vec<String>> {
    let values: BTreeMap<String, String> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Hyperparameters::parse(&values)
        .map_err(|it| it.problems().iter().map(ToString::to_string).collect())
}

/// With one round and these.
fn with(pairs: &[(&str, &str)]) -> Result<Hyperparameters, Vec<String>> {
    parse(&[&[("num_round", "1")], pairs].concat())
}

fn params(pairs: &[(&str, &str)]) -> BoosterValidParams {
    with(pairs).unwrap().params.check().unwrap()
}

#[track_caller]
fn refuses(pairs: &[(&str, &str)], message: &str) {
    assert_eq!(with(pairs).unwrap_err(), [message]);
}

#[test]
fn one_round_is_all_that_must_be_given() {
    let given = parse(&[("num_round", "100")]).unwrap();
    assert_eq!(given.num_round, 100);
    assert_eq!(given.algorithm, Algorithm::GradientBoosting);
    assert_eq!(given.objective, ObjectiveName::RegSquaredError);
    assert_eq!(given.eval_metrics, [Metric::Rmse]);
    assert_eq!(given.model_format, ModelFormat::Ubj);
    assert!(!given.csv_weights && !given.save_model_on_termination && given.ignored.is_empty());
    assert_eq!(
        given.params.check().unwrap(),
        engine::params::BoosterParams::default()
            .num_round(100)
            .eval_metrics(vec![Metric::Rmse])
            .check()
            .unwrap()
    );
    assert_eq!(
        parse(&[]).unwrap_err(),
        ["Missing required hyperparameter: num_round"]
    );
}

#[test]
fn every_parameter_reaches_the_booster() {
    let params = params(&[
        ("eta", "0.1"),
        ("max_depth", "3"),
        ("min_child_weight", "2.5"),
        ("lambda", "3"),
        ("alpha", "0.5"),
        ("gamma", "0.25"),
        ("max_delta_step", "1"),
        ("subsample", "0.8"),
        ("colsample_bytree", "0.7"),
        ("colsample_bylevel", "0.6"),
        ("colsample_bynode", "0.9"),
        ("max_bin", "64"),
        ("base_score", "0.25"),
        ("scale_pos_weight", "2"),
        ("num_parallel_tree", "4"),
        ("seed", "-7"),
        ("nthread", "2"),
        ("objective", "binary:logistic"),
        ("eval_metric", "auc, error@0.7"),
        ("early_stopping_rounds", "5"),
    ]);
    assert_eq!(params.learning_rate(), 0.1);
    assert_eq!(params.max_depth(), 3);
    assert_eq!(params.min_child_weight(), 2.5);
    assert_eq!(params.reg_lambda(), 3.0);
    assert_eq!(params.reg_alpha(), 0.5);
    assert_eq!(params.min_split_loss(), 0.25);
    assert_eq!(params.max_delta_step(), Some(1.0));
    assert_eq!(params.subsample(), 0.8);
    assert_eq!(params.colsample_bytree(), 0.7);
    assert_eq!(params.colsample_bylevel(), 0.6);
    assert_eq!(params.colsample_bynode(), 0.9);
    assert_eq!(params.max_bin(), 64);
    assert_eq!(params.base_score(), Some(0.25));
    assert_eq!(params.scale_pos_weight(), 2.0);
    assert_eq!(params.num_parallel_tree(), 4);
    assert_eq!(params.seed(), -7);
    assert_eq!(params.nthread(), Some(2));
    assert_eq!(params.objective(), ObjectiveName::BinaryLogistic);
    assert_eq!(
        params.eval_metrics(),
        [
            Metric::Auc,
            Metric::Error {
                threshold: Some(0.7)
            }
        ]
    );
    assert_eq!(params.early_stopping_rounds(), Some(5));
    assert_eq!(params.num_round(), 1);
}

#[test]
fn aliases_mean_the_same() {
    for (alias, name, value) in [
        ("learning_rate", "eta", "0.1"),
        ("reg_lambda", "lambda", "2"),
        ("reg_alpha", "alpha", "2"),
        ("min_split_loss", "gamma", "2"),
        ("objective", "objective", "reg:linear"),
    ] {
        assert_eq!(
            params(&[(alias, value)]),
            params(&[(name, value)]),
            "{alias}"
        );
    }
    assert_eq!(
        with(&[("objective", "reg:linear")]).unwrap().objective,
        ObjectiveName::RegSquaredError
    );
    refuses(
        &[("eta", "0.1"), ("learning_rate", "0.2")],
        "Hyperparameter eta: given twice, as `eta` and as `learning_rate` with another value",
    );
    assert_eq!(
        params(&[("eta", "0.1"), ("learning_rate", "0.1")]).learning_rate(),
        0.1
    );
}

#[test]
fn an_old_name_is_taken_with_a_warning() {
    let given = with(&[("objective", "reg:linear")]).unwrap();
    let warning = "reg:linear is now deprecated in favor of reg:squarederror.";
    assert_eq!(given.warnings, [warning]);
    assert!(
        with(&[("objective", "reg:squarederror")])
            .unwrap()
            .warnings
            .is_empty()
    );
}

#[test]
fn settings_of_objectives_reach_the_booster() {
    for (objective, name, value) in [
        ("reg:tweedie", "tweedie_variance_power", "1.2"),
        ("reg:pseudohubererror", "huber_slope", "2"),
        ("reg:quantileerror", "quantile_alpha", "[0.1, 0.9]"),
        ("survival:aft", "aft_loss_distribution", "extreme"),
        ("survival:aft", "aft_loss_distribution_scale", "0.5"),
    ] {
        let given = with(&[("objective", objective), (name, value)]).unwrap();
        assert!(given.ignored.is_empty(), "{name}");
        let objective = given.params.check().unwrap().full_objective();
        let found = match name {
            "tweedie_variance_power" => objective.tweedie_variance_power.to_string(),
            "huber_slope" => objective.huber_slope.to_string(),
            "quantile_alpha" => format!("{:?}", objective.quantile_alpha),
            "aft_loss_distribution" => objective.aft_loss_distribution.to_string(),
            _ => objective.aft_loss_distribution_scale.to_string(),
        };
        assert_eq!(found, value);
        // Beside another objective it changes nothing, unless a metric reads it.
        let given = with(&[(name, value)]).unwrap();
        assert_eq!(given.ignored.len(), 1, "{name}");
        assert!(given.ignored[0].why.starts_with("only `objective` = "));
    }
    for (name, value, metric) in [
        ("huber_slope", "2", "mphe"),
        ("ndcg_exp_gain", "false", "ndcg@3"),
    ] {
        let given = with(&[(name, value), ("eval_metric", metric)]).unwrap();
        assert!(given.ignored.is_empty(), "{name}");
    }
}

#[test]
fn settings_of_ranking_reach_the_booster_and_nothing_else_reads_them() {
    for (name, value) in [
        ("lambdarank_pair_method", "mean"),
        ("lambdarank_num_pair_per_sample", "7"),
        ("lambdarank_normalization", "false"),
        ("lambdarank_score_normalization", "0"),
        ("ndcg_exp_gain", "false"),
    ] {
        let given = with(&[("objective", "rank:ndcg"), (name, value)]).unwrap();
        assert!(given.ignored.is_empty(), "{name}");
        let rank = given.params.check().unwrap().full_objective().lambdarank;
        let found = match name {
            "lambdarank_pair_method" => rank.pair_method == PairMethod::Mean,
            "lambdarank_num_pair_per_sample" => rank.num_pair_per_sample == Some(7),
            "lambdarank_normalization" => !rank.normalization,
            "lambdarank_score_normalization" => !rank.score_normalization,
            _ => !rank.ndcg_exp_gain,
        };
        assert!(found, "{name}: {rank:?}");
        let given = with(&[(name, value)]).unwrap();
        assert_eq!(given.ignored.len(), 1, "{name}");
        let start = "only `objective` = `rank:pairwise`, `rank:ndcg`, `rank:map`";
        assert!(
            given.ignored[0].why.starts_with(start),
            "{:?}",
            given.ignored
        );
    }
}

#[test]
fn folds_have_no_use_for_a_baseline() {
    let given = with(&[("baseline_columns", "0"), ("_kfold", "3")]).unwrap();
    assert!(given.baseline_columns.is_empty());
    assert_eq!(given.ignored[0].name, "baseline_columns");
    assert_eq!(
        with(&[("baseline_columns", "0")]).unwrap().baseline_columns,
        ["0"]
    );
}

#[test]
fn levels_are_read_as_python_writes_them() {
    let levels = |text| {
        let given = with(&[("objective", "reg:quantileerror"), ("quantile_alpha", text)]);
        given
            .unwrap()
            .params
            .check()
            .unwrap()
            .quantile_alpha()
            .to_vec()
    };
    for text in ["0.1,0.9", "[0.1, 0.9]", "(0.1, 0.9)", " [.1,9e-1] "] {
        assert_eq!(levels(text), [0.1, 0.9], "{text}");
    }
    assert_eq!(levels("0.5"), [0.5]);
    assert_eq!(levels("(0.5,)"), [0.5]);
    assert_eq!(levels("[0, 1]"), [0.0, 1.0]);
}

#[test]
fn a_tweedie_metric_has_the_objectives_power() {
    let given = with(&[
        ("objective", "reg:tweedie"),
        ("tweedie_variance_power", "1.25"),
    ])
    .unwrap();
    let rho = Metric::TweedieNloglik { rho: Some(1.25) };
    assert_eq!(given.eval_metrics, [rho]);
    let given = with(&[
        ("objective", "reg:tweedie"),
        ("tweedie_variance_power", "1.25"),
        ("eval_metric", "tweedie-nloglik,rmse,tweedie-nloglik@1.75"),
        ("_tuning_objective_metric", "validation:tweedie-nloglik"),
    ])
    .unwrap();
    let names: Vec<_> = given.eval_metrics.iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        ["rmse", "tweedie-nloglik@1.75", "tweedie-nloglik@1.25"]
    );
    assert_eq!(given.tuning_objective_metric, Some(rho));
    assert_eq!(
        given.params.check().unwrap().eval_metrics(),
        given.eval_metrics
    );
}

#[test]
fn every_objective_and_metric_of_the_engine_can_be_asked_for() {
    for name in ObjectiveName::NAMES {
        let mut pairs = vec![("objective", *name), ("quantile_alpha", "0.5")];
        if name.starts_with("multi:") {
            pairs.push(("num_class", "3"));
        }
        let given = with(&pairs).unwrap();
        assert_eq!(given.objective.as_str(), *name);
        assert_eq!(
            given.params.check().unwrap().eval_metrics(),
            given.eval_metrics
        );
    }
    for metric in Metric::NAMES {
        let tuned = format!("validation:{metric}");
        let judged = [
            "binary:logistic",
            "multi:softprob",
            "reg:gamma",
            "reg:quantileerror",
            "survival:aft",
        ];
        let mut jobs = judged.into_iter().map(|objective| {
            let mut pairs = vec![
                ("objective", objective),
                ("_tuning_objective_metric", tuned.as_str()),
                ("quantile_alpha", "0.5"),
            ];
            if objective.starts_with("multi:") {
                pairs.push(("num_class", "3"));
            }
            with(&pairs)
        });
        assert!(jobs.any(|it| it.is_ok()), "{metric}");
    }
}

#[test]
fn numbers_are_read_as_python_reads_them() {
    assert_eq!(params(&[("eta", " 1e-1 ")]).learning_rate(), 0.1);
    assert_eq!(params(&[("max_depth", "+1_0")]).max_depth(), 10);
    assert!(with(&[("max_depth", "")]).is_err());
}

#[test]
fn a_tuning_jobs_metric_is_printed_last() {
    let given = with(&[
        ("eval_metric", "mae,rmse"),
        ("_tuning_objective_metric", "validation:mae"),
    ])
    .unwrap();
    assert_eq!(given.eval_metrics, [Metric::Rmse, Metric::Mae]);
    assert_eq!(given.tuning_objective_metric, Some(Metric::Mae));
    let given = with(&[("_tuning_objective_metric", "validation:mae")]).unwrap();
    assert_eq!(given.eval_metrics, [Metric::Mae]);
    assert!(with(&[("_tuning_objective_metric", "train:mae")]).is_err());
}

#[test]
fn a_forest_has_its_own_defaults() {
    let given = parse(&[("algorithm", "random_forest")]).unwrap();
    assert_eq!(
        (given.algorithm, given.num_round),
        (Algorithm::RandomForest, 1)
    );
    let params = given.params.check().unwrap();
    assert_eq!(
        (
            params.num_round(),
            params.num_parallel_tree(),
            params.learning_rate()
        ),
        (1, 100, 1.0)
    );
    assert_eq!((params.subsample(), params.colsample_bytree()), (0.8, 0.8));
    let given = parse(&[
        ("algorithm", "random_forest"),
        ("num_parallel_tree", "7"),
        ("subsample", "0.5"),
    ])
    .unwrap();
    let params = given.params.check().unwrap();
    assert_eq!((params.num_parallel_tree(), params.subsample()), (7, 0.5));
}

/// A forest of a job and a forest of the library are the same forest.
#[test]
fn a_forests_defaults_are_the_engines() {
    let engines = engine::booster::Booster::random_forest(100).eval_metrics(vec![Metric::Rmse]);
    assert_eq!(
        parse(&[("algorithm", "random_forest")]).unwrap().params,
        engines
    );
}

#[test]
fn a_linear_booster_has_defaults_of_its_own_and_no_trees() {
    let given = with(&[
        ("booster", "gblinear"),
        ("max_depth", "3"),
        ("subsample", "0.5"),
        ("top_k", "3"),
    ])
    .unwrap();
    let params = given.params.check().unwrap();
    assert_eq!((params.learning_rate(), params.reg_lambda()), (0.5, 0.0));
    let names: Vec<&str> = given.ignored.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["max_depth", "subsample", "top_k"]);
    let given = with(&[
        ("booster", "gblinear"),
        ("updater", "coord_descent"),
        ("feature_selector", "thrifty"),
        ("top_k", "3"),
        ("lambda_bias", "0.5"),
        ("eta", "0.1"),
        ("lambda", "2"),
    ])
    .unwrap();
    assert_eq!(given.ignored, []);
    let params = given.params.check().unwrap();
    assert_eq!((params.learning_rate(), params.reg_lambda()), (0.1, 2.0));
    assert_eq!(
        params.linear(),
        Linear {
            updater: LinearUpdater::CoordDescent,
            feature_selector: FeatureSelector::Thrifty,
            top_k: 3,
            lambda_bias: 0.5,
        }
    );
    let trees = with(&[("lambda_bias", "0.5"), ("refresh_leaf", "0")]).unwrap();
    let names: Vec<&str> = trees.ignored.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["lambda_bias", "refresh_leaf"]);
}

#[test]
fn what_changes_nothing_is_accepted_and_listed() {
    let given = with(&[
        ("predictor", "cpu_predictor"),
        ("rate_drop", "0.1"),
        ("sagemaker_region", "eu-west-1"),
    ])
    .unwrap();
    let names: Vec<&str> = given.ignored.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["predictor", "sagemaker_region", "rate_drop"]);
    assert!(given.ignored.iter().all(|it| !it.why.is_empty()));
    let read = with(&[("rate_drop", "0.1"), ("booster", "dart")]).unwrap();
    assert_eq!(read.ignored, []);
    assert_eq!(read.params.check().unwrap().dart().rate_drop, 0.1);
    // Even so the value must be legal.
    refuses(
        &[("rate_drop", "2")],
        "Hyperparameter rate_drop: 2 is not in [0, 1]",
    );
}

#[test]
fn names_are_lists_without_doubles() {
    let given = with(&[
        ("feature_names", "hour, weekday"),
        ("baseline_columns", "weekday,0"),
    ])
    .unwrap();
    assert_eq!(given.feature_names, ["hour", "weekday"]);
    assert_eq!(given.baseline_columns, ["weekday", "0"]);
    assert!(
        with(&[("baseline_columns", "17")]).is_ok(),
        "without names any number may be a feature"
    );
    refuses(
        &[
            ("feature_names", "hour,weekday"),
            ("baseline_columns", "weekdays"),
        ],
        "Hyperparameter baseline_columns: `weekdays` is not among `feature_names` and is not the number of a feature; \
         did you mean `weekday`?",
    );
    assert!(with(&[("feature_names", "hour,weekday"), ("baseline_columns", "2")]).is_err());
    refuses(
        &[("feature_names", "a,b,a")],
        "Hyperparameter feature_names: `a` is not supported; the name is there twice",
    );
    assert!(with(&[("feature_names", "a,,b")]).is_err());
}

proptest::proptest! {
    #[test]
    fn no_value_makes_the_parser_panic(row in 0..60_usize, value in "\\PC{0,40}") {
        let specs: Vec<_> = table().collect();
        let _ = with(&[(specs[row % specs.len()].name, &value)]);
    }

    #[test]
    fn no_name_makes_the_parser_panic(name in "\\PC{0,40}", value in "\\PC{0,10}") {
        let _ = with(&[(&name, &value)]);
    }

    /// What passes the table passes the booster: a job that was accepted does not fail on its parameters later.
    #[test]
    fn what_is_accepted_is_accepted_by_the_booster(
        pairs in proptest::collection::vec((0..60_usize, "[0-9]{1,3}|0\\.[0-9]{1,3}|true|false|auc|merror|rmse|binary:logistic|multi:softmax|random_forest"), 0..6)
    ) {
        let specs: Vec<_> = table().collect();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(row, value)| (specs[row % specs.len()].name, value.as_str())).collect();
        if let Ok(accepted) = with(&pairs) {
            proptest::prop_assert!(accepted.params.check().is_ok());
            proptest::prop_assert!(!accepted.eval_metrics.is_empty());
        }
    }
}
