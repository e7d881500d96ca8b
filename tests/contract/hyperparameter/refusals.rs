//! What is refused, in which words, and what goes together.

use linfa::ParamGuard;

use super::{params, parse, refuses, with};

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
         options: 'error', 'ndcg', 'map', 'pre', 'tweedie-nloglik'.",
    );
    refuses(
        &[("eval_metric", "error@x"), ("objective", "binary:logistic")],
        "Threshold value 'x' in 'error@x' expects float input.",
    );
}

#[test]
fn more_threads_than_any_machine_has_are_refused_before_they_are_started() {
    with(&[("nthread", "1024")]).unwrap();
    refuses(
        &[("nthread", "2000000000")],
        "Hyperparameter nthread: 2000000000 is not in [1, 1024]",
    );
}

#[test]
fn more_classes_than_memory_could_hold_are_refused() {
    let with_classes =
        |n_classes| with(&[("objective", "multi:softprob"), ("num_class", n_classes)]);
    with_classes("100000").unwrap();
    assert!(with_classes("100001").is_err());
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
fn all_problems_come_at_once() {
    let problems = parse(&[
        ("eta", "2"),
        ("max_depht", "3"),
        ("tree_method", "gpu_hist"),
        ("objective", "multi:softmax"),
    ]);
    assert_eq!(
        problems.unwrap_err(),
        [
            "Missing required hyperparameter: num_round",
            "Hyperparameter eta: 2 is not in [0, 1]",
            "Extraneous hyperparameter found: max_depht; did you mean `max_depth`?",
            "Hyperparameter tree_method: `gpu_hist` is not supported; there is no GPU here; use `hist`",
            "Require input for parameter 'num_class' for multi-classification",
        ]
    );
}

#[test]
fn a_refused_objective_brings_no_other_complaint() {
    let problems = with(&[
        ("objective", "rank:best"),
        ("num_class", "3"),
        ("eval_metric", "auc"),
    ])
    .unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].starts_with("Hyperparameter objective: rank:best is not in [reg:squarederror"),
        "{problems:?}"
    );
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
        "Hyperparameter num_class: 1 is not in [2, 100000]",
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
         `logloss`, `error`, `poisson-nloglik`, `cox-nloglik`, `gamma-deviance`, `gamma-nloglik`, `map`, `ndcg`, `pre`, `mape`, \
         `mphe`, `mse`, `r2`, `rmsle`, `tweedie-nloglik`",
    );
    for (objective, metric) in [
        ("reg:squarederror", "aucpr"),
        ("reg:gamma", "accuracy"),
        ("multi:softmax", "precision"),
        ("binary:logistic", "aft-nloglik"),
        ("survival:aft", "mse"),
        ("reg:squarederror", "quantile"),
    ] {
        let classes = if objective.starts_with("multi") {
            "3"
        } else {
            ""
        };
        let given = [
            ("objective", objective),
            ("eval_metric", metric),
            ("num_class", classes),
        ];
        let given: Vec<_> = given.into_iter().filter(|it| !it.1.is_empty()).collect();
        let problems = with(&given).unwrap_err();
        let start = format!(
            "Hyperparameter eval_metric: `{metric}` cannot judge `objective` = `{objective}`"
        );
        assert!(
            problems.len() == 1 && problems[0].starts_with(&start),
            "{problems:?}"
        );
    }
    for metric in ["ndcg@5-", "map@3", "pre@2", "ndcg-", "auc"] {
        let given = with(&[("objective", "rank:map"), ("eval_metric", metric)]).unwrap();
        assert_eq!(given.eval_metrics[0].to_string(), metric);
    }
    let problems = with(&[("eval_metric", "ndcg@0")]).unwrap_err();
    assert!(
        problems[0].starts_with("Hyperparameter eval_metric: `ndcg@0` is not supported; "),
        "{problems:?}"
    );
    let problems = with(&[("eval_metric", "rsme")]).unwrap_err();
    assert!(
        problems[0].ends_with("did you mean `rmse`?"),
        "{problems:?}"
    );
}

#[test]
fn base_scores_fit_the_objective() {
    refuses(
        &[("base_score", "1"), ("objective", "binary:logistic")],
        "Hyperparameter base_score: `1`, allowed is (0, 1) for binary:logistic",
    );
    assert_eq!(params(&[("base_score", "3")]).base_score(), Some(3.0));
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
fn what_would_change_something_is_refused_with_a_way_out() {
    for (name, value) in [
        ("tree_method", "gpu_hist"),
        ("use_dask_gpu_training", "true"),
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
        ("max_leaves", "31"),
        ("grow_policy", "lossguide"),
        ("colsample_bylevel", "0.5"),
        ("monotone_constraints", "( )"),
        ("updater", "grow_histmaker, prune"),
    ] {
        assert!(with(&[(name, value)]).is_ok(), "{name}={value}");
    }
}

#[test]
fn steps_of_a_round_are_those_of_its_booster() {
    for (given, message) in [
        (
            &[("updater", "grow_colmaker,prune")][..],
            "Hyperparameter updater: `grow_colmaker` is not supported; it searches among all values; use `grow_histmaker`, \
             which finds the same splits where a feature has at most `max_bin` values, or `algorithm` = `decision_tree` with \
             `tree_method` = `exact`",
        ),
        (
            &[("updater", "distcol")],
            "Hyperparameter updater: `distcol` is not supported; no recent XGBoost has it; use `grow_histmaker`",
        ),
        (
            &[("updater", "shotgun")],
            "Hyperparameter updater: `shotgun` is for `booster` = `gblinear`, and this is `gbtree`; leave it out, or use \
             `gblinear`",
        ),
        (
            &[("updater", "coord_descent"), ("booster", "dart")],
            "Hyperparameter updater: `coord_descent` is for `booster` = `gblinear`, and this is `dart`; leave it out, or use \
             `gblinear`",
        ),
        (
            &[("updater", "grow_histmaker"), ("booster", "gblinear")],
            "Hyperparameter updater: `grow_histmaker` is a step of trees, and `booster` = `gblinear` has none; use `shotgun` \
             or `coord_descent`",
        ),
        (
            &[
                ("updater", "shotgun,coord_descent"),
                ("booster", "gblinear"),
            ],
            "Hyperparameter updater: `shotgun,coord_descent` are several, and a round of `gblinear` is one; use `shotgun` or \
             `coord_descent`",
        ),
        (
            &[("updater", "grow_histmaker,refresh")],
            "Hyperparameter updater: `refresh` changes trees that are there; it needs `process_type` = `update` and a channel \
             `model`",
        ),
        (
            &[("updater", "prune")],
            "Hyperparameter updater: `prune` grows no trees; put `grow_histmaker` before it, or leave it out",
        ),
        (
            &[("updater", "grow_histmaker,grow_quantile_histmaker")],
            "Hyperparameter updater: only one step can grow trees; use `grow_histmaker`",
        ),
    ] {
        refuses(given, message);
    }
}

#[test]
fn an_update_has_steps_of_its_own() {
    for (given, message) in [
        (
            &[("process_type", "update")][..],
            "Hyperparameter updater: `process_type` = `update` needs to know what is done to trees; give `refresh`, `prune` or \
             `refresh,prune`",
        ),
        (
            &[("process_type", "update"), ("updater", "grow_histmaker")],
            "Hyperparameter updater: `grow_histmaker` changes no trees that are there; with `process_type` = `update` use \
             `refresh`, `prune` or both",
        ),
        (
            &[
                ("process_type", "update"),
                ("updater", "refresh"),
                ("booster", "dart"),
            ],
            "Hyperparameter process_type: `update` does not go with `booster` = `dart`; only the trees of `gbtree` can be \
             updated",
        ),
        (
            &[
                ("process_type", "update"),
                ("updater", "refresh"),
                ("_kfold", "3"),
            ],
            "Hyperparameter process_type: `update` does not go with `_kfold` = `3`, since the model has seen the rows that \
             would be held out",
        ),
        (
            &[("booster", "gblinear"), ("feature_selector", "greedy")],
            "Hyperparameter feature_selector: `greedy`, allowed is cyclic or shuffle where updater is shotgun, any where it \
             is coord_descent",
        ),
    ] {
        refuses(given, message);
    }
    for given in [
        &[("updater", "grow_histmaker, prune")][..],
        &[("updater", "grow_quantile_histmaker,sync")],
        &[
            ("updater", "coord_descent"),
            ("booster", "gblinear"),
            ("feature_selector", "greedy"),
        ],
        &[
            ("updater", "refresh,prune"),
            ("process_type", "update"),
            ("refresh_leaf", "0"),
        ],
    ] {
        let read = with(given).unwrap();
        assert_eq!(read.ignored, [], "{given:?}");
    }
}

#[test]
fn settings_of_objectives_are_in_their_ranges() {
    for (name, value, message) in [
        (
            "tweedie_variance_power",
            "2",
            "Hyperparameter tweedie_variance_power: 2 is not in (1, 2)",
        ),
        (
            "huber_slope",
            "0",
            "Hyperparameter huber_slope: 0 is not in (0, +inf)",
        ),
        (
            "aft_loss_distribution_scale",
            "0",
            "Hyperparameter aft_loss_distribution_scale: 0 is not in (0, +inf)",
        ),
        (
            "aft_loss_distribution",
            "weibull",
            "Hyperparameter aft_loss_distribution: weibull is not in [normal, logistic, extreme]",
        ),
        (
            "quantile_alpha",
            "[0.5, 1.5]",
            "Hyperparameter quantile_alpha: `[0.5, 1.5]` is not supported; levels are numbers in [0, 1], as `0.9` or \
             `[0.1, 0.5, 0.9]`",
        ),
    ] {
        refuses(&[(name, value)], message);
    }
    assert!(with(&[("quantile_alpha", "")]).is_err());
    refuses(
        &[("objective", "reg:quantileerror")],
        "Require input for parameter 'quantile_alpha' for `reg:quantileerror`, as `0.9` or `[0.1, 0.5, 0.9]`",
    );
    let problems = with(&[("objective", "survival:cox"), ("baseline_columns", "0")]).unwrap_err();
    assert!(
        problems[0].starts_with("Hyperparameter baseline_columns: a mean of labels says nothing")
    );
}
