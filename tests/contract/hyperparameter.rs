//! Hyperparameters: what each value means, what is refused in which words, and the documents that the table makes.

use std::collections::BTreeMap;

use contract::hyperparameter::{
    Algorithm, Hyperparameters, Kind, ModelFormat, Support, create_algorithm_json, markdown, table,
    tuning_ranges_json,
};
use engine::metric::Metric;
use engine::objective::ObjectiveName;
use engine::params::BoosterValidParams;
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
fn refusals_keep_the_built_in_algorithms_words() {
    refuses(
        &[("etta", "1")],
        "Extraneous hyperparameter found: etta; did you mean `eta`?",
    );
    refuses(
        &[("n_estimators", "1")],
        "Extraneous hyperparameter found: n_estimators; did you mean `num_round`?",
    );
    refuses(
        &[("zzzzzzzz", "1")],
        "Extraneous hyperparameter found: zzzzzzzz",
    );
    refuses(
        &[("eta", "1.5")],
        "Hyperparameter eta: 1.5 is not in [0, 1]",
    );
    refuses(
        &[("subsample", "0")],
        "Hyperparameter subsample: 0 is not in (0, 1]",
    );
    refuses(
        &[("gamma", "-1")],
        "Hyperparameter gamma: -1 is not in [0, +inf)",
    );
    refuses(
        &[("max_bin", "512")],
        "Hyperparameter max_bin: 512 is not in [2, 256]",
    );
    refuses(
        &[("seed", "-2147483648")],
        "Hyperparameter seed: -2147483648 is not in (-2147483648, 2147483647)",
    );
    refuses(
        &[("max_depth", "5.0")],
        "Hyperparameter max_depth: could not parse value `5.0`, expected an integer",
    );
    refuses(
        &[("eta", "fast")],
        "Hyperparameter eta: could not parse value `fast`, expected a number",
    );
    refuses(
        &[("save_model_on_termination", "True")],
        "Hyperparameter save_model_on_termination: True is not in [true, false]; did you mean `true`?",
    );
    refuses(
        &[("objective", "multi:softmax")],
        "Require input for parameter 'num_class' for multi-classification",
    );
    refuses(
        &[("eval_metric", "auc")],
        "Metric 'auc' can only be applied for classification and ranking problems.",
    );
    refuses(
        &[("eval_metric", "rmse@1")],
        "Metric 'rmse@1' is not supported. Parameter 'eval_metric' with customized threshold should be one of these \
         options: 'error', 'ndcg', 'map'.",
    );
    refuses(
        &[("eval_metric", "error@x"), ("objective", "binary:logistic")],
        "Threshold value 'x' in 'error@x' expects float input.",
    );
}

#[test]
fn what_is_not_finite_is_in_no_range() {
    for name in [
        "eta",
        "lambda",
        "base_score",
        "scale_pos_weight",
        "min_child_weight",
        "max_delta_step",
    ] {
        for value in ["nan", "inf", "-inf", "1e400"] {
            let problems = with(&[(name, value)]).unwrap_err();
            assert!(problems[0].contains("is not in"), "{problems:?}");
        }
    }
    // Finite as a double, infinite as the booster's float.
    assert_eq!(with(&[("lambda", "1e39")]).unwrap_err().len(), 1);
    assert!(parse(&[("num_round", "3000000000")]).is_err());
}

#[test]
fn numbers_are_read_as_python_reads_them() {
    assert_eq!(params(&[("eta", " 1e-1 ")]).learning_rate(), 0.1);
    assert_eq!(params(&[("max_depth", "+1_0")]).max_depth(), 10);
    assert!(with(&[("max_depth", "")]).is_err());
}

#[test]
fn all_problems_come_at_once() {
    let problems = parse(&[
        ("eta", "2"),
        ("max_depht", "3"),
        ("booster", "dart"),
        ("objective", "multi:softmax"),
    ]);
    assert_eq!(
        problems.unwrap_err(),
        [
            "Missing required hyperparameter: num_round",
            "Hyperparameter booster: `dart` is not supported; use `gbtree`, the default",
            "Hyperparameter eta: 2 is not in [0, 1]",
            "Extraneous hyperparameter found: max_depht; did you mean `max_depth`?",
            "Require input for parameter 'num_class' for multi-classification",
        ]
    );
}

#[test]
fn a_refused_objective_brings_no_other_complaint() {
    let problems = with(&[
        ("objective", "rank:ndcg"),
        ("num_class", "3"),
        ("eval_metric", "auc"),
    ])
    .unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with(
        "Hyperparameter objective: `rank:ndcg` is not supported; supported are reg:squarederror"
    ));
}

#[test]
fn classes_go_with_multi_objectives_only() {
    let given = with(&[
        ("objective", "multi:softprob"),
        ("num_class", "3"),
        ("eval_metric", "merror,auc"),
    ])
    .unwrap();
    assert_eq!(given.num_class, 3);
    assert_eq!(given.params.check().unwrap().num_class(), 3);
    refuses(
        &[("num_class", "1"), ("objective", "multi:softmax")],
        "Hyperparameter num_class: 1 is not in [2, +inf)",
    );
    let problems = with(&[("num_class", "3"), ("objective", "binary:logistic")]).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].contains("num_class: `3` does not go with `objective` = `binary:logistic`")
    );
}

#[test]
fn metrics_must_fit_the_objective() {
    refuses(
        &[("objective", "count:poisson"), ("eval_metric", "merror")],
        "Hyperparameter eval_metric: `merror` cannot judge `objective` = `count:poisson`, allowed are `rmse`, `mae`, \
         `logloss`, `error`, `poisson-nloglik`",
    );
    let problems = with(&[("eval_metric", "mape")]).unwrap_err();
    assert!(problems[0].starts_with(
        "Hyperparameter eval_metric: `mape` is not supported; supported are rmse, mae"
    ));
    let problems = with(&[("eval_metric", "rsme")]).unwrap_err();
    assert!(
        problems[0].ends_with("did you mean `rmse`?"),
        "{problems:?}"
    );
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
fn base_scores_fit_the_objective() {
    refuses(
        &[("base_score", "1"), ("objective", "binary:logistic")],
        "Hyperparameter base_score: `1`, allowed is (0, 1) for logistic regression",
    );
    assert_eq!(params(&[("base_score", "3")]).base_score(), Some(3.0));
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
fn a_forest_and_a_tree_are_one_round() {
    for (pairs, start) in [
        (
            &[("algorithm", "random_forest"), ("num_round", "10")][..],
            "Hyperparameter num_round: `10` does not go with `algorithm` = `random_forest`",
        ),
        (
            &[("algorithm", "random_forest"), ("eta", "0.3")],
            "Hyperparameter eta: `0.3` does not go with",
        ),
        (
            &[
                ("algorithm", "random_forest"),
                ("early_stopping_rounds", "3"),
            ],
            "Hyperparameter early_stopping_rounds: `3` does not go with",
        ),
        (
            &[
                ("algorithm", "random_forest"),
                ("subsample", "1"),
                ("colsample_bytree", "1"),
            ],
            "Hyperparameter subsample: `1` together with",
        ),
        (
            &[("algorithm", "decision_tree"), ("num_parallel_tree", "2")],
            "Hyperparameter num_parallel_tree: `2` does not go with",
        ),
        (
            &[("algorithm", "decision_tree"), ("subsample", "0.5")],
            "Hyperparameter subsample: `0.5` does not go with",
        ),
    ] {
        let problems = parse(pairs).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(start), "{problems:?}");
    }
    let tree = parse(&[
        ("algorithm", "decision_tree"),
        ("max_depth", "4"),
        ("num_round", "1"),
    ])
    .unwrap()
    .params
    .check()
    .unwrap();
    assert_eq!(
        (
            tree.num_round(),
            tree.num_parallel_tree(),
            tree.learning_rate(),
            tree.max_depth()
        ),
        (1, 1, 1.0, 4)
    );
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
    assert_eq!(names, ["predictor", "rate_drop", "sagemaker_region"]);
    assert!(given.ignored.iter().all(|it| !it.why.is_empty()));
    // Even so the value must be legal.
    refuses(
        &[("rate_drop", "2")],
        "Hyperparameter rate_drop: 2 is not in [0, 1]",
    );
}

#[test]
fn what_would_change_something_is_refused_with_a_way_out() {
    for (name, value) in [
        ("booster", "gblinear"),
        ("tree_method", "exact"),
        ("tree_method", "gpu_hist"),
        ("grow_policy", "lossguide"),
        ("max_leaves", "31"),
        ("colsample_bylevel", "0.5"),
        ("colsample_bynode", "0.5"),
        ("updater", "grow_colmaker,prune"),
        ("process_type", "update"),
        ("monotone_constraints", "(1,0)"),
        ("interaction_constraints", "[[1,2]]"),
        ("sampling_method", "gradient_based"),
        ("use_dask_gpu_training", "true"),
        ("_kfold", "5"),
        ("_num_cv_round", "2"),
        ("sagemaker_program", "train.py"),
    ] {
        let problems = with(&[(name, value)]).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        let start = format!("Hyperparameter {name}: `{value}` is not supported; ");
        assert!(
            problems[0].starts_with(&start) && problems[0].len() > start.len() + 10,
            "{problems:?}"
        );
    }
    for (name, value) in [
        ("booster", "gbtree"),
        ("tree_method", "approx"),
        ("tree_method", "hist"),
        ("max_leaves", "0"),
        ("colsample_bylevel", "1.0"),
        ("monotone_constraints", "( )"),
        ("updater", "grow_histmaker, prune"),
    ] {
        assert!(with(&[(name, value)]).is_ok(), "{name}={value}");
    }
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

#[test]
fn every_default_in_the_table_is_accepted_by_the_table() {
    for spec in table().filter(|it| !it.default.is_empty() && !it.required) {
        assert!(
            with(&[(spec.name, spec.default)]).is_ok(),
            "{}: {:?}",
            spec.name,
            with(&[(spec.name, spec.default)])
        );
    }
}

#[test]
fn the_table_has_each_name_once() {
    let mut names: Vec<&str> = table()
        .flat_map(|it| it.aliases.iter().copied().chain([it.name]))
        .collect();
    let n_names = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), n_names);
}

#[test]
fn tuning_ranges_are_within_the_allowed_ranges() {
    for spec in table().filter(|it| it.support == Support::Full) {
        let Some(range) = spec.tunable else { continue };
        let (Kind::Integer(allowed, _) | Kind::Real(allowed, _)) = spec.kind else {
            panic!("{} is no number", spec.name)
        };
        assert!(
            allowed.contains(range.min) && allowed.contains(range.max),
            "{}",
            spec.name
        );
    }
    let ranges = tuning_ranges_json();
    assert!(
        ranges["IntegerParameterRanges"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["Name"] == "max_depth")
    );
    assert!(
        ranges["ContinuousParameterRanges"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["Name"] != "colsample_bylevel")
    );
}

#[test]
fn the_create_algorithm_document_has_every_row() {
    let document = create_algorithm_json(
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0",
        &["ml.m5.large"],
    );
    let specification = &document["TrainingSpecification"];
    let rows = specification["SupportedHyperParameters"]
        .as_array()
        .unwrap();
    assert_eq!(rows.len(), table().count());
    let eta = rows.iter().find(|it| it["Name"] == "eta").unwrap();
    assert_eq!(eta["Type"], "Continuous");
    assert_eq!(
        eta["Range"]["ContinuousParameterRangeSpecification"]["MaxValue"],
        "1"
    );
    assert_eq!(
        (&eta["IsTunable"], &eta["DefaultValue"]),
        (&true.into(), &"0.3".into())
    );
    let seed = rows.iter().find(|it| it["Name"] == "seed").unwrap();
    assert_eq!(
        seed["Range"]["IntegerParameterRangeSpecification"]["MinValue"],
        "-2147483647"
    );
    assert!(specification["MetricDefinitions"].as_array().unwrap().len() <= 40);
}

/// The page in the repository is what the table says; `UPDATE_DOCS=1` writes it.
#[test]
fn the_page_about_hyperparameters_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/HYPERPARAMETERS.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        page == markdown(),
        "run `UPDATE_DOCS=1 cargo test -p contract` and commit HYPERPARAMETERS.md"
    );
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
