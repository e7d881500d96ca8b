//! Features of categories: the same model from every content type, what is told of them, and what a job can get wrong.

use engine::booster::FeatureType;
use engine::model;
use serde_json::json;

use crate::bad_input::check;
use crate::job::{Job, rows};
use crate::parquet_file::{file, floats, ints};

fn job() -> Job {
    Job::new(&[
        ("num_round", "8"),
        ("max_depth", "4"),
        ("nthread", "2"),
        ("categorical_features", "0,2"),
    ])
}

/// A label, a code of nine, a number, a code of three.
fn table(n_rows: usize) -> impl Iterator<Item = (f32, [f32; 3])> {
    rows(n_rows)
        .enumerate()
        .map(|(row, (label, [_, number, _]))| {
            let (code, few) = (row * 7 % 9, row * 5 % 3);
            let effect = [3.0, 0.0, 5.0, 1.0, 4.0, 0.0, 2.0, 5.0, 0.5][code];
            (label / 4.0 + effect, [code as f32, number, few as f32])
        })
}

fn csv(n_rows: usize) -> String {
    let lines = table(n_rows).map(|(label, [a, b, c])| format!("{label},{a},{b},{c}\n"));
    lines.collect::<Vec<_>>().concat()
}

#[test]
fn each_content_type_gives_the_same_model_and_says_which_columns_are_categories() {
    let ended = job().csv("train", &csv(400)).run();
    let booster = model::load(&ended.model()).unwrap();
    let types = [
        FeatureType::Categorical,
        FeatureType::Float,
        FeatureType::Categorical,
    ];
    assert_eq!(booster.feature_types, types);
    assert!(booster.trees.iter().all(|tree| !tree.categories.is_empty()));
    let features = ended.json("model/linden/features.json");
    assert_eq!(features["categorical_features"], json!([0, 2]));
    let effective = ended.json("model/linden/hyperparameters.json");
    assert_eq!(effective["categorical_features"], "0,2");
    assert_eq!(effective["max_cat_threshold"], "64");
    let libsvm = table(400).map(|(label, [a, b, c])| format!("{label} 0:{a} 1:{b} 2:{c}\n"));
    let libsvm = job()
        .libsvm("train", &libsvm.collect::<Vec<_>>().concat())
        .run();
    assert_eq!(libsvm.model(), ended.model());
    let parquet = job().set("categorical_features", "shop,kind").channel(
        "train",
        "application/x-parquet",
        &[],
    );
    let cells: Vec<_> = table(400).collect();
    let whole = |of: fn(&(f32, [f32; 3])) -> f32| {
        ints(&cells.iter().map(|it| of(it) as i32).collect::<Vec<_>>())
    };
    let number =
        |of: fn(&(f32, [f32; 3])) -> f32| floats(&cells.iter().map(of).collect::<Vec<_>>());
    let columns = [
        number(|it| it.0),
        whole(|it| it.1[0]),
        number(|it| it.1[1]),
        whole(|it| it.1[2]),
    ];
    parquet.write(
        "input/data/train/a.parquet",
        file(
            "required float label; required int32 shop; required float hour; required int32 kind",
            &[columns.to_vec()],
        ),
    );
    let parquet = model::load(&parquet.run().model()).unwrap();
    assert_eq!(parquet.trees, booster.trees);
    assert_eq!(parquet.feature_names, ["shop", "hour", "kind"]);
    assert_eq!(parquet.feature_types, types);
}

#[test]
fn a_code_is_no_quantity() {
    let of = |job: Job| {
        let ended = job
            .csv("train", &csv(400))
            .csv("validation", &csv(100))
            .run();
        ended.json("output/data/evaluation.json")["metrics"].clone()
    };
    let categories = of(job());
    let numbers = of(job().set("categorical_features", ""));
    assert_ne!(categories, numbers);
}

#[test]
fn folds_forests_and_single_trees_know_categories_too() {
    let folds = job().set("_kfold", "3").csv("train", &csv(300)).run();
    let booster = model::load(&folds.read("model/xgboost-model-0").unwrap()).unwrap();
    assert!(booster.trees.iter().any(|tree| !tree.categories.is_empty()));
    for (algorithm, objective) in [
        ("random_forest", "reg:squarederror"),
        ("decision_tree", "binary:logistic"),
    ] {
        let labels = table(300).map(|(label, [a, b, c])| {
            let label = if objective == "binary:logistic" {
                f32::from(u8::from(label > 3.0))
            } else {
                label
            };
            format!("{label},{a},{b},{c}\n")
        });
        let ended = Job::new(&[
            ("algorithm", algorithm),
            ("objective", objective),
            ("categorical_features", "0"),
        ])
        .csv("train", &labels.collect::<Vec<_>>().concat())
        .run();
        let booster = model::load(&ended.model()).unwrap();
        assert!(
            booster.trees.iter().any(|tree| !tree.categories.is_empty()),
            "{algorithm}"
        );
        assert_eq!(
            booster
                .categorical_features()
                .into_iter()
                .collect::<Vec<_>>(),
            [0]
        );
    }
}

#[test]
fn training_goes_on_from_a_model_of_categories() {
    let whole = job().set("num_round", "16").csv("train", &csv(300)).run();
    let first = job().csv("train", &csv(300)).run();
    let second = job()
        .csv("train", &csv(300))
        .channel("model", "application/octet-stream", &[]);
    second.write("input/data/model/xgboost-model", first.model());
    assert_eq!(second.run().model(), whole.model());
    let other = job()
        .set("categorical_features", "0")
        .csv("train", &csv(300))
        .channel("model", "application/octet-stream", &[]);
    other.write("input/data/model/xgboost-model", first.model());
    check(vec![(
        other,
        "UserError: the booster to continue from has categorical features `0, 2`, the parameters ask for `0`",
    )]);
}

#[test]
fn many_categories_are_told_of() {
    let lines = (0..3000).map(|row| format!("{},{},1,2\n", row % 7, row % 300));
    let ended = job()
        .csv("train", &lines.collect::<Vec<_>>().concat())
        .run();
    let said = "feature 0 has 300 categories: the 254 most frequent are told apart, the 46 others are taken for one";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}

#[test]
fn what_is_no_category_is_refused_with_its_place() {
    let with = |job: Job, line: &str| job.csv("train", &format!("{}{line}\n", csv(20)));
    check(vec![
        (
            with(job(), "1,1.5,2,0"),
            "UserError: train/data.csv, row 21: feature 0 is `1.5`, which is no category; allowed are whole numbers from 0 to 16777215 \
             and missing values",
        ),
        (
            with(job(), "1,3,2,-1"),
            "UserError: train/data.csv, row 21: feature 2 is `-1`, which is no category…",
        ),
        (
            with(
                job()
                    .set("algorithm", "decision_tree")
                    .set("num_round", "1"),
                "1,3,2,16777216",
            ),
            "UserError: train/data.csv, row 21: feature 2 is `16777216`, which is no category…",
        ),
        (
            job().libsvm("train", "1 0:3 2:1\n0 0:1\n0 0:2.25 1:1\n"),
            "UserError: train/data.libsvm, row 3: feature 0 is `2.25`, which is no category…",
        ),
        (
            job()
                .csv("train", &csv(20))
                .csv("validation", "1,0,0,1\n1,-2,0,1\n"),
            "UserError: validation/data.csv, row 2: feature 0 is `-2`, which is no category…",
        ),
        (
            job()
                .set("categorical_features", "1,3")
                .csv("train", &csv(20)),
            "UserError: Hyperparameter categorical_features: there is no feature `3`, allowed are 0 to 2",
        ),
        (
            job()
                .set("categorical_features", "shop")
                .csv("train", &csv(20)),
            "UserError: Hyperparameter categorical_features: there is no feature `shop`, allowed are numbers from 0, since the features \
             have no names",
        ),
        (
            job()
                .set("feature_names", "shop,hour,kind")
                .set("categorical_features", "shops")
                .csv("train", &csv(20)),
            "UserError: Hyperparameter categorical_features: `shops` is not among `feature_names` and is not the number of a feature; did \
             you mean `shop`?",
        ),
        (
            job()
                .set("algorithm", "decision_tree")
                .set("num_round", "1")
                .set("tree_method", "exact")
                .csv("train", &csv(20)),
            "UserError: Hyperparameter categorical_features: does not go with `tree_method` = `exact`…",
        ),
        (
            job()
                .set("monotone_constraints", "(0,1,1)")
                .csv("train", &csv(20)),
            "UserError: `monotone_constraints` gives feature `2` a direction, but it holds categories, which have no order",
        ),
        (
            job().set("max_cat_to_onehot", "0").csv("train", &csv(20)),
            "UserError: Hyperparameter max_cat_to_onehot: 0 is not in [1, …",
        ),
    ]);
}
