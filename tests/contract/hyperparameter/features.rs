//! What hyperparameters say about single features: how it is written down, and what it means for a table.

use contract::hyperparameter::TableFeatures;
use engine::params::{BoosterParams, BoosterValidParams, Monotone, SamplingMethod};
use linfa::ParamGuard;

use super::{params, refuses, with};

const UP: Monotone = Monotone::Increasing;
const DOWN: Monotone = Monotone::Decreasing;
const FREE: Monotone = Monotone::Free;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|it| (*it).to_owned()).collect()
}

/// What a job means for a table of these features.
fn resolved(
    pairs: &[(&str, &str)],
    names: &[String],
    n_features: usize,
) -> Result<BoosterValidParams, Vec<String>> {
    let given = with(pairs)?;
    let features = TableFeatures { names, n_features };
    let resolved = given.features.resolve(BoosterParams::default(), features);
    let problems = |errors: contract::hyperparameter::HyperparameterErrors| {
        errors
            .problems()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    Ok(resolved.map_err(problems)?.check().unwrap())
}

#[test]
fn directions_are_written_as_xgboost_takes_them() {
    let names = names(&["age", "2", "price"]);
    for (text, expected) in [
        ("(1,0,-1)", vec![UP, FREE, DOWN]),
        ("[1, 0, -1]", vec![UP, FREE, DOWN]),
        ("1,0,-1", vec![UP, FREE, DOWN]),
        ("(+1,)", vec![UP]),
        ("{\"age\": 1, \"price\": -1}", vec![UP, FREE, DOWN]),
        ("{'price': '-1', 'age': 0}", vec![FREE, FREE, DOWN]),
        ("price:-1, 0:1", vec![UP, FREE, DOWN]),
        // A name in quotes that is a number is the name first; without quotes it is the number.
        ("{\"2\": 1}", vec![FREE, UP, FREE]),
        ("{2: 1}", vec![FREE, FREE, UP]),
        ("{\"1\": 1}", vec![FREE, UP, FREE]),
        ("()", vec![]),
        ("{}", vec![]),
        ("", vec![]),
    ] {
        let params = resolved(&[("monotone_constraints", text)], &names, 3).unwrap();
        assert_eq!(params.monotone_constraints(), expected, "{text}");
    }
}

#[test]
fn groups_are_written_as_xgboost_takes_them() {
    let names = names(&["age", "price", "season"]);
    for (text, expected) in [
        ("[[0, 1], [1, 2]]", vec![vec![0, 1], vec![1, 2]]),
        ("((0, 1), (2,))", vec![vec![0, 1], vec![2]]),
        ("[['age', \"season\"], [1]]", vec![vec![0, 2], vec![1]]),
        ("[age, season], [price]", vec![vec![0, 2], vec![1]]),
        ("[[0]]", vec![vec![0]]),
        ("[[]]", vec![vec![]]),
        ("[]", vec![]),
        ("", vec![]),
    ] {
        let params = resolved(&[("interaction_constraints", text)], &names, 3).unwrap();
        assert_eq!(params.interaction_constraints(), expected, "{text}");
    }
}

#[test]
fn weights_are_for_all_features_or_for_some_by_name() {
    let names = names(&["age", "price"]);
    for (text, expected) in [
        ("1,0.5", vec![1.0, 0.5]),
        ("[0, 2e3]", vec![0.0, 2000.0]),
        ("price:0.25", vec![1.0, 0.25]),
        ("{\"price\": 3, 0: 0}", vec![0.0, 3.0]),
        ("", vec![]),
    ] {
        let params = resolved(&[("feature_weights", text)], &names, 2).unwrap();
        assert_eq!(params.feature_weights(), expected, "{text}");
    }
}

#[test]
fn what_makes_no_sense_is_told_with_a_way_out() {
    let directions = "directions are 1, 0 and -1, as `(1,0,-1)` in the order of the features, or `{\"price\": -1}` by name";
    let groups = "groups are lists in a list, as `[[0, 1], [\"price\", \"season\"]]`";
    let weights = "weights are numbers that are not negative, as `1,0.5,2` in the order of the features, or `price:0.5` by name";
    for (name, value, part, why) in [
        ("monotone_constraints", "(1,2)", "2", directions),
        ("monotone_constraints", "(1,0.5)", "0.5", directions),
        ("monotone_constraints", "{\"age\": up}", "up", directions),
        ("monotone_constraints", "[[1],[0]]", "[1]", directions),
        ("interaction_constraints", "[0,1]", "0", groups),
        ("interaction_constraints", "[[0,[1]]]", "[0, [1]]", groups),
        (
            "interaction_constraints",
            "{\"a\": 1}",
            "{\"a\": 1}",
            groups,
        ),
        ("feature_weights", "1,-0.5", "-0.5", weights),
        ("feature_weights", "1,nan", "nan", weights),
        ("feature_weights", "1e39", "1e39", weights),
        ("feature_weights", "price:much", "much", weights),
    ] {
        let message = format!("Hyperparameter {name}: `{part}` is not supported; {why}");
        refuses(&[(name, value)], &message);
    }
    for (name, value, at, why) in [
        (
            "monotone_constraints",
            "(1,0",
            "at character 5: expected `,` or `)`",
            directions,
        ),
        (
            "interaction_constraints",
            "[[0,1],[2]",
            "at character 11: expected `,` or `]`",
            groups,
        ),
        (
            "feature_weights",
            "1;2:",
            "at character 5: expected a name or a number",
            weights,
        ),
    ] {
        let message = format!("Hyperparameter {name}: `{value}` is not supported; {at}; {why}");
        refuses(&[(name, value)], &message);
    }
}

#[test]
fn features_that_are_not_there_are_told_where_the_table_is_known() {
    let names = names(&["age", "price"]);
    for (pair, message) in [
        (
            ("monotone_constraints", "(1,0,1)"),
            "Hyperparameter monotone_constraints: 3 directions for 2 feature columns",
        ),
        (
            ("monotone_constraints", "{\"prize\": 1}"),
            "Hyperparameter monotone_constraints: there is no column `prize`, allowed are 0 to 1 and the names of the features; \
             did you mean `price`?",
        ),
        (
            ("monotone_constraints", "{age: 1, 0: 1}"),
            "Hyperparameter monotone_constraints: column `0` is there twice",
        ),
        (
            ("interaction_constraints", "[[0, 1], [2]]"),
            "Hyperparameter interaction_constraints: there is no column `2`, allowed are 0 to 1 and age, price",
        ),
        (
            ("interaction_constraints", "[[-1]]"),
            "Hyperparameter interaction_constraints: there is no column `-1`, allowed are 0 to 1 and age, price",
        ),
        (
            ("feature_weights", "1"),
            "Hyperparameter feature_weights: 1 weights for 2 feature columns",
        ),
    ] {
        let problems = resolved(&[pair, ("colsample_bytree", "0.5")], &names, 2).unwrap_err();
        assert_eq!(problems, [message]);
        // A job that names its features is told before any table is read.
        refuses(
            &[
                pair,
                ("colsample_bytree", "0.5"),
                ("feature_names", "age,price"),
            ],
            message,
        );
    }
    let said = resolved(&[("interaction_constraints", "[[\"a\"]]")], &[], 4).unwrap_err();
    assert_eq!(
        said,
        ["Hyperparameter interaction_constraints: there is no column `a`, allowed are 0 to 3"]
    );
    // All of them at once.
    let all = [
        ("monotone_constraints", "(1,0,1)"),
        ("interaction_constraints", "[[7]]"),
        ("feature_weights", "1,2,3"),
    ];
    assert_eq!(resolved(&all, &names, 2).unwrap_err().len(), 3);
}

#[test]
fn what_has_nothing_to_choose_from_is_listed() {
    let ignored = |pairs: &[(&str, &str)]| -> Vec<String> {
        let given = with(pairs).unwrap();
        given.ignored.into_iter().map(|it| it.name).collect()
    };
    let gradient_based = ("sampling_method", "gradient_based");
    assert_eq!(ignored(&[gradient_based]), ["sampling_method"]);
    assert_eq!(
        ignored(&[gradient_based, ("subsample", "1")]),
        ["sampling_method"]
    );
    assert!(ignored(&[gradient_based, ("subsample", "0.3")]).is_empty());
    assert!(ignored(&[gradient_based, ("algorithm", "random_forest")]).is_empty());
    assert!(ignored(&[("sampling_method", "uniform")]).is_empty());
    let weights = ("feature_weights", "1,2");
    assert_eq!(ignored(&[weights]), ["feature_weights"]);
    for share in ["colsample_bytree", "colsample_bylevel", "colsample_bynode"] {
        assert!(ignored(&[weights, (share, "0.5")]).is_empty());
    }
    assert!(ignored(&[weights, ("algorithm", "random_forest")]).is_empty());
    assert_eq!(
        params(&[gradient_based, ("subsample", "0.3")]).sampling_method(),
        SamplingMethod::GradientBased
    );
}

#[test]
fn an_exact_search_has_no_constraints() {
    let exact = [("algorithm", "decision_tree"), ("tree_method", "exact")];
    for (name, value, none) in [
        ("monotone_constraints", "(1)", "()"),
        ("interaction_constraints", "[[0]]", "[]"),
    ] {
        let problems = with(&[&exact[..], &[(name, value)]].concat()).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(&format!(
            "Hyperparameter {name}: does not go with `tree_method` = `exact`"
        )));
        with(&[&exact[..], &[(name, none)]].concat()).unwrap();
        with(&[("algorithm", "decision_tree"), (name, value)]).unwrap();
    }
}
