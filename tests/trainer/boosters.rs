//! What is boosted: `dart` and `gblinear` from hyperparameters to model, beside folds, early stopping and a model to continue
//! from; and trees that are updated.

use engine::booster::{Booster, BoosterKind};
use engine::dataset::Dataset;
use engine::model;
use engine::threads::Threads;

use crate::bad_input::check;
use crate::job::{Ended, Job, rows, sparse_table, table};
use crate::modes::continuing;

fn dart() -> Job {
    Job::new(&[
        ("num_round", "8"),
        ("max_depth", "3"),
        ("eta", "0.5"),
        ("booster", "dart"),
        ("rate_drop", "0.3"),
        ("one_drop", "1"),
        ("seed", "3"),
    ])
}

fn weights(model: &[u8]) -> Vec<f32> {
    match model::load(model).unwrap().kind {
        BoosterKind::Dart { weight_drop } => weight_drop,
        BoosterKind::GbTree | BoosterKind::GbLinear(_) => panic!("no dart"),
    }
}

/// Root mean squared error of a model on the rows of [`table`].
fn rmse(model: &Booster, n_rows: usize) -> f64 {
    let features: Vec<f32> = rows(n_rows).flat_map(|(_, features)| features).collect();
    let labels: Vec<f32> = rows(n_rows).map(|(label, _)| label).collect();
    let data = Dataset::from_rows(3, &features, &labels).unwrap();
    let predicted = model.predict(&data, &Threads::single()).unwrap();
    let squares = predicted.iter().zip(&labels);
    let squares = squares.map(|(a, b)| f64::from(a - b).powi(2));
    (squares.sum::<f64>() / n_rows as f64).sqrt()
}

fn last_value(ended: &Ended) -> f64 {
    let lines = ended.metric_lines();
    let (_, value) = lines.last().unwrap().rsplit_once(':').unwrap();
    value.parse().unwrap()
}

#[test]
fn dart_leaves_trees_with_weights_and_prints_what_they_are_worth() {
    let ended = dart().csv("train", &table(300)).run();
    let bytes = ended.model();
    let weights = weights(&bytes);
    assert_eq!(weights.len(), 8);
    assert!(weights.iter().any(|&it| it < 1.0), "{weights:?}");
    let found = rmse(&model::load(&bytes).unwrap(), 300);
    assert!((found - last_value(&ended)).abs() < 1e-5, "{found}");
    let effective = ended.json("model/linden/hyperparameters.json");
    assert_eq!(effective["booster"], "dart");
    assert_eq!(effective["rate_drop"], "0.3");
    assert_eq!(effective["normalize_type"], "tree");
    // The same rows in libsvm, and on other threads, give the same bytes.
    let sparse = dart()
        .libsvm("train", &sparse_table(300))
        .set("nthread", "3");
    assert_eq!(sparse.run().model(), bytes);
    let other = dart().set("normalize_type", "forest");
    assert_ne!(other.csv("train", &table(300)).run().model(), bytes);
}

#[test]
fn dart_goes_on_with_a_dart_as_if_it_had_never_stopped() {
    for (name, value) in [
        ("subsample", "0.7"),
        ("objective", "count:poisson"),
        ("sample_type", "weighted"),
        ("num_parallel_tree", "2"),
    ] {
        let job = |rounds: &str| {
            dart()
                .set("num_round", rounds)
                .set(name, value)
                .csv("train", &table(300))
                .csv("validation", &table(50))
        };
        let whole = job("7").run();
        let half = job("3").run().model();
        let ended = continuing(job("4"), &half).run();
        assert_eq!(ended.model(), whole.model(), "{name}");
        assert_eq!(ended.metric_lines(), whole.metric_lines()[3..]);
    }
}

#[test]
fn dart_goes_on_with_trees_and_trees_not_with_a_dart() {
    let trees = dart().set("booster", "gbtree").csv("train", &table(300));
    let trees = trees.run().model();
    let ended = continuing(dart().csv("train", &table(300)), &trees).run();
    let bytes = ended.model();
    assert_eq!(weights(&bytes).len(), 16);
    let found = rmse(&model::load(&bytes).unwrap(), 300);
    assert!((found - last_value(&ended)).abs() < 1e-5, "{found}");
    let narrow = "1,2\n3,4\n5,6\n";
    check(vec![
        (
            continuing(
                dart().set("booster", "gbtree").csv("train", &table(300)),
                &bytes,
            ),
            "UserError: the booster to continue from has booster `dart`, the parameters ask for `gbtree`",
        ),
        (
            continuing(dart().csv("train", narrow), &bytes),
            "UserError: the model in channel `model` has 3 feature columns, channel `train` has 1",
        ),
    ]);
}

#[test]
fn early_stopping_and_folds_go_with_dart() {
    let noise = |seed: usize| -> String {
        let label = |row: usize| (row * 7919 + seed * 104_729) % 1009;
        let line = |row: usize| format!("{},{},{}\n", label(row), row % 13, row * 31 % 17);
        (0..200).map(line).collect::<Vec<_>>().concat()
    };
    let ended = dart()
        .set("num_round", "60")
        .set("early_stopping_rounds", "4")
        .csv("train", &noise(1))
        .csv("validation", &noise(2))
        .run();
    let kept = model::load(&ended.model()).unwrap();
    let evaluation = ended.json("output/data/evaluation.json");
    let best = evaluation["best_round"]["round"].as_u64().unwrap();
    assert_eq!(kept.n_rounds() as u64, best + 1);
    assert!(ended.metric_lines().len() as u64 > best + 1);
    let features: Vec<f32> = (0..200)
        .flat_map(|row| [(row % 13) as f32, (row * 31 % 17) as f32])
        .collect();
    let labels: Vec<f32> = (0..200)
        .map(|row| ((row * 7919 + 2 * 104_729) % 1009) as f32)
        .collect();
    let data = Dataset::from_rows(2, &features, &labels).unwrap();
    let predicted = kept.predict(&data, &Threads::single()).unwrap();
    let squares = predicted.iter().zip(&labels);
    let squares = squares.map(|(a, b)| f64::from(a - b).powi(2));
    let found = (squares.sum::<f64>() / 200.0).sqrt();
    let value = evaluation["best_round"]["value"].as_f64().unwrap();
    assert!((found - value).abs() < 1e-4, "{found} {value}");
    let folds = dart().set("_kfold", "3").csv("train", &table(90)).run();
    assert_eq!(folds.exit_code, Some(0), "{}", folds.stderr);
    assert_eq!(
        weights(&folds.read("model/xgboost-model-2").unwrap()).len(),
        8
    );
}

#[test]
fn what_does_not_go_with_a_booster_is_refused_or_told() {
    check(vec![
        (
            Job::new(&[("algorithm", "random_forest"), ("booster", "dart")])
                .csv("train", &table(20)),
            "UserError: Hyperparameter booster: `dart` does not go with `algorithm` = `random_forest`, …",
        ),
        (
            dart().set("skip_drop", "1.5").csv("train", &table(20)),
            "UserError: Hyperparameter skip_drop: 1.5 is not in [0, 1]",
        ),
        (
            dart()
                .set("sample_type", "wieghted")
                .csv("train", &table(20)),
            "UserError: Hyperparameter sample_type: wieghted is not in [uniform, weighted]; did you mean `weighted`?",
        ),
    ]);
    let trees = dart().set("booster", "gbtree").set("verbosity", "2");
    let ended = trees.csv("train", &table(50)).run();
    let told = "Hyperparameter rate_drop: `0.3` has no effect: only `booster` = `dart` reads it";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}

fn linear() -> Job {
    Job::new(&[
        ("num_round", "8"),
        ("booster", "gblinear"),
        ("lambda", "0.01"),
        ("seed", "3"),
    ])
}

#[test]
fn a_linear_model_is_the_same_however_its_rows_are_written() {
    let ended = linear().csv("train", &table(300)).run();
    let bytes = ended.model();
    let model = model::load(&bytes).unwrap();
    assert!(matches!(model.kind, BoosterKind::GbLinear(_)));
    assert_eq!(model.n_rounds(), 8);
    let found = rmse(&model, 300);
    assert!((found - last_value(&ended)).abs() < 1e-5, "{found}");
    let effective = ended.json("model/linden/hyperparameters.json");
    assert_eq!(
        (&effective["updater"], &effective["eta"]),
        (&"shotgun".into(), &"0.5".into())
    );
    let sparse = linear().libsvm("train", &sparse_table(300));
    assert_eq!(sparse.set("nthread", "3").run().model(), bytes);
}

#[test]
fn a_linear_model_goes_on_and_stops_and_is_folded() {
    let job = |rounds: &str| {
        linear()
            .set("num_round", rounds)
            .set("objective", "count:poisson")
            .set("eta", "0.1")
            .csv("train", &table(300))
            .csv("validation", &table(50))
    };
    let whole = job("7").run();
    let half = job("3").run().model();
    let ended = continuing(job("4"), &half).run();
    assert_eq!(ended.model(), whole.model());
    assert_eq!(ended.metric_lines(), whole.metric_lines()[3..]);
    let trees = job("2").set("booster", "gbtree").set("eta", "0.3").run();
    check(vec![(
        continuing(job("2"), &trees.model()),
        "UserError: the booster to continue from has booster `gbtree`, the parameters ask for `gblinear`",
    )]);
    let folds = job("5").set("_kfold", "3").run();
    assert_eq!(folds.exit_code, Some(0), "{}", folds.stderr);
    let model = model::load(&folds.read("model/xgboost-model-2").unwrap()).unwrap();
    assert_eq!(model.n_rounds(), 5);
}

#[test]
fn trees_are_updated_by_the_rows_of_the_job() {
    let trees = Job::new(&[("num_round", "6"), ("max_depth", "4")]);
    let trees = trees.csv("train", &table(120)).run().model();
    let update = |rounds: &str| {
        Job::new(&[
            ("num_round", rounds),
            ("process_type", "update"),
            ("updater", "refresh,prune"),
            ("gamma", "1"),
        ])
        .csv("train", &table(300))
    };
    let ended = continuing(update("4"), &trees).run();
    let model = model::load(&ended.model()).unwrap();
    assert_eq!(model.n_rounds(), 4);
    assert_eq!(ended.metric_lines().len(), 4);
    assert!(ended.metric_lines()[0].starts_with("[0]\t"));
    let found = rmse(&model, 300);
    assert!((found - last_value(&ended)).abs() < 1e-5, "{found}");
    assert!(
        ended
            .stderr
            .contains("Updating 4 of the 6 rounds of model/model.tar.gz")
    );
    check(vec![
        (
            update("4"),
            "UserError: `process_type` = `update` needs a model whose trees are updated, and there is no channel `model`",
        ),
        (
            continuing(update("7"), &trees),
            "UserError: num_round is `7`, the model that is updated has 6 rounds, and no more can be updated",
        ),
    ]);
}
