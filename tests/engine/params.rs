//! Parameters: all that is wrong is said at once, by XGBoost's names.

use engine::metric::Metric;
use engine::objective::ObjectiveName;
use engine::params::BoosterParams;
use linfa::ParamGuard;

#[test]
fn the_defaults_are_accepted() {
    let params = BoosterParams::default().check().unwrap();
    assert_eq!(
        (params.max_depth(), params.learning_rate(), params.max_bin()),
        (6, 0.3, 256)
    );
    assert_eq!(params.eval_metrics(), [Metric::Rmse]);
}

#[test]
fn every_bad_parameter_is_named_with_what_is_allowed() {
    let params = BoosterParams::default()
        .learning_rate(-0.1)
        .min_child_weight(f32::NAN)
        .reg_lambda(-1.0)
        .reg_alpha(f32::INFINITY)
        .min_split_loss(-1.0)
        .max_delta_step(Some(-1.0))
        .subsample(0.0)
        .colsample_bytree(1.5)
        .colsample_bylevel(0.0)
        .colsample_bynode(-1.0)
        .max_bin(257)
        .scale_pos_weight(0.0)
        .num_parallel_tree(0)
        .nthread(Some(0))
        .early_stopping_rounds(Some(0))
        .num_class(3)
        .base_score(Some(f32::NAN))
        .eval_metrics(vec![Metric::Rmse, Metric::Mlogloss]);
    let named: Vec<_> = params
        .problems()
        .iter()
        .map(|problem| problem.parameter)
        .collect();
    let expected = [
        "eta",
        "min_child_weight",
        "lambda",
        "alpha",
        "gamma",
        "max_delta_step",
        "subsample",
        "colsample_bytree",
        "colsample_bylevel",
        "colsample_bynode",
        "scale_pos_weight",
        "max_bin",
        "num_parallel_tree",
        "nthread",
        "early_stopping_rounds",
        "num_class",
        "base_score",
        "eval_metric",
    ];
    assert_eq!(named, expected);
    assert_eq!(
        params.check_ref().unwrap_err().to_string(),
        "`eta` is `-0.1`, allowed is [0, 1]"
    );
}

#[test]
fn a_base_score_must_have_a_margin() {
    let problems = |objective, score| {
        BoosterParams::default()
            .objective(objective)
            .num_class(2)
            .base_score(Some(score))
            .problems()
            .len()
    };
    assert_eq!(problems(ObjectiveName::MultiSoftmax, -3.0), 0);
    let alone = |objective, score| {
        BoosterParams::default()
            .objective(objective)
            .base_score(Some(score))
            .problems()
            .len()
    };
    assert_eq!(alone(ObjectiveName::BinaryLogistic, 1.0), 1);
    assert_eq!(alone(ObjectiveName::CountPoisson, 0.0), 1);
    assert_eq!(alone(ObjectiveName::CountPoisson, 3.0), 0);
}

#[test]
fn classes_need_their_number_and_their_metrics() {
    let params = BoosterParams::default().objective(ObjectiveName::MultiSoftprob);
    assert_eq!(params.problems()[0].parameter, "num_class");
    let params = params.num_class(3);
    assert!(params.problems().is_empty());
    let message = params.eval_metrics(vec![Metric::Logloss]).problems()[0].to_string();
    assert!(
        message.contains("`logloss`") && message.contains("mlogloss"),
        "{message}"
    );
}
