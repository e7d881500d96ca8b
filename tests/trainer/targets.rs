//! Several labels a row: where they stand in each content type, what comes of them, and what is refused.

use engine::booster::Booster;
use engine::dataset::Dataset;
use engine::model;
use engine::threads::Threads;

use crate::bad_input::check;
use crate::job::{Ended, Job, rows};
use crate::parquet_file::{file, floats};

fn job() -> Job {
    Job::new(&[
        ("num_round", "5"),
        ("max_depth", "4"),
        ("eval_metric", "mae,rmse"),
    ])
}

/// Labels of two targets, and features.
fn two(n_rows: usize) -> impl Iterator<Item = ([f32; 2], [f32; 3])> {
    rows(n_rows).map(|(label, [a, b, c])| ([label, 3.0 * b - a], [a, b, c]))
}

/// The second label stands behind the first feature.
fn csv(n_rows: usize) -> String {
    let line = |([y, z], [a, b, c]): ([f32; 2], [f32; 3])| format!("{y},{a},{z},{b},{c}\n");
    two(n_rows).map(line).collect::<Vec<_>>().concat()
}

/// Only one of the two labels.
fn csv_of(n_rows: usize, target: usize) -> String {
    let line =
        |(labels, [a, b, c]): ([f32; 2], [f32; 3])| format!("{},{a},{b},{c}\n", labels[target]);
    two(n_rows).map(line).collect::<Vec<_>>().concat()
}

fn booster(ended: &Ended) -> Booster {
    model::load(&ended.model()).unwrap()
}

fn predictions(booster: &Booster) -> Vec<f32> {
    let features: Vec<f32> = two(200).flat_map(|(_, features)| features).collect();
    let data = Dataset::from_rows(3, &features, &[0.0; 200]).unwrap();
    booster.predict(&data, &Threads::single()).unwrap()
}

#[test]
fn each_target_is_predicted_as_by_a_job_of_its_own() {
    let both = job()
        .set("label_columns", "0,2")
        .csv("train", &csv(200))
        .run();
    let booster = booster(&both);
    assert_eq!(
        (booster.n_targets, booster.n_features(), booster.trees.len()),
        (2, 3, 10)
    );
    let together = predictions(&booster);
    let mut absolute = 0.0;
    for target in 0..2 {
        let one = job().csv("train", &csv_of(200, target)).run();
        let alone = predictions(&model::load(&one.model()).unwrap());
        let found: Vec<f32> = together[target..].iter().step_by(2).copied().collect();
        assert_eq!(found, alone, "target {target}");
        absolute += last(&one, "train-mae") / 2.0;
    }
    assert!((last(&both, "train-mae") - absolute).abs() < 1e-4);
    let training = both.json("model/linden/training.json");
    assert_eq!(training["features"]["n_features"], 3);
    assert_eq!(
        both.json("model/linden/hyperparameters.json")["label_columns"],
        "0,2"
    );
}

/// A metric of the last line.
fn last(ended: &Ended, name: &str) -> f64 {
    let lines = ended.metric_lines();
    let mut parts = lines[lines.len() - 1].split('\t');
    let part = parts.find(|it| it.starts_with(name)).unwrap();
    part.split_once(':').unwrap().1.parse().unwrap()
}

/// A cell of a row with these labels and features.
type Cell = fn([f32; 2], [f32; 3]) -> f32;

#[test]
fn parquet_by_name_gives_the_same_model_as_csv_by_number() {
    let columns: [Cell; 5] = [
        |y, _| y[0],
        |_, x| x[0],
        |y, _| y[1],
        |_, x| x[1],
        |_, x| x[2],
    ];
    let cells = columns.map(|of| floats(&two(200).map(|(y, x)| of(y, x)).collect::<Vec<_>>()));
    let schema =
        "required float y; required float a; required float z; required float b; required float c";
    let bytes = file(schema, &[cells.to_vec()]);
    for names in ["y,z", "0,2", "y,2"] {
        let parquet =
            job()
                .set("label_columns", names)
                .channel("train", "application/x-parquet", &[]);
        parquet.write("input/data/train/rows.parquet", &bytes);
        let mut by_name = booster(&parquet.run());
        assert_eq!(by_name.feature_names, ["a", "b", "c"]);
        by_name.feature_names.clear();
        let by_number = job()
            .set("label_columns", "0,2")
            .csv("train", &csv(200))
            .run();
        assert_eq!(by_name, booster(&by_number), "{names}");
    }
}

#[test]
fn weights_validation_and_early_stopping_go_with_several_targets() {
    let weighted = |n_rows: usize| -> String {
        let line = |(row, ([y, z], [a, b, c])): (usize, ([f32; 2], [f32; 3]))| {
            format!("{y},{},{a},{z},{b},{c}\n", row % 3)
        };
        two(n_rows)
            .enumerate()
            .map(line)
            .collect::<Vec<_>>()
            .concat()
    };
    let ended = job()
        .set("label_columns", "0,3")
        .set("csv_weights", "1")
        .set("num_round", "60")
        .set("eta", "1")
        .set("early_stopping_rounds", "2")
        .set("baseline_columns", "0")
        .csv("train", &weighted(300))
        .csv("validation", &weighted(50))
        .run();
    let booster = booster(&ended);
    let evaluation = ended.json("output/data/evaluation.json");
    let best = evaluation["best_round"]["round"].as_u64().unwrap() as usize;
    assert_eq!(booster.n_rounds(), best + 1);
    let baseline = &evaluation["baseline"]["metrics"];
    assert_eq!(baseline.as_array().unwrap().len(), 2);
    for metric in baseline.as_array().unwrap() {
        assert!(
            metric["baseline"].as_f64().unwrap() > metric["model"].as_f64().unwrap(),
            "{metric}"
        );
    }
}

#[test]
fn folds_predict_every_target_of_a_row_that_was_held_out() {
    let ended = job()
        .set("label_columns", "0,2")
        .set("_kfold", "3")
        .csv("train", &csv(90))
        .run();
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    let text = String::from_utf8(ended.read("output/data/predictions.csv").unwrap()).unwrap();
    let (mut missed, mut n_lines) = (0.0, 0);
    for (line, ([y, z], _)) in text.lines().zip(two(90)) {
        let cells: Vec<f32> = line.split(',').map(|it| it.parse().unwrap()).collect();
        assert!(
            (cells[0] - y).abs() < 1e-5 && (cells[1] - z).abs() < 1e-5,
            "{line}"
        );
        assert_eq!(cells.len(), 4);
        missed += (cells[2] - y).abs() + (cells[3] - z).abs();
        n_lines += 1;
    }
    assert_eq!(n_lines, 90);
    assert!(missed / 180.0 < 15.0, "{missed}");
}

#[test]
fn a_binary_objective_has_a_probability_for_each_label() {
    let labels: String = two(200)
        .map(|([y, z], [a, b, c])| {
            format!("{},{},{a},{b},{c}\n", u8::from(y > 40.0), u8::from(z > 3.0))
        })
        .collect::<Vec<_>>()
        .concat();
    let settings = [
        ("objective", "binary:logistic"),
        ("label_columns", "0,1"),
        ("eval_metric", "logloss,error"),
    ];
    let ended = settings
        .iter()
        .fold(job(), |job, (name, value)| job.set(name, value))
        .csv("train", &labels)
        .run();
    let predicted = predictions(&booster(&ended));
    assert_eq!(predicted.len(), 400);
    assert!(predicted.iter().all(|it| (0.0..=1.0).contains(it)));
    assert!(last(&ended, "train-error") < 0.15, "{}", ended.stdout);
}

#[test]
fn labels_that_are_not_there_or_not_allowed_are_refused() {
    let binary = |text: &str| {
        Job::new(&[
            ("num_round", "2"),
            ("objective", "binary:logistic"),
            ("label_columns", "0,2"),
        ])
        .csv("train", text)
    };
    let with = |name: &str, value: &str| {
        job()
            .set("label_columns", "0,2")
            .set(name, value)
            .csv("train", "1,2,3,4\n")
    };
    let columns = |names: &str| job().set("label_columns", names).csv("train", "1,2,3,4\n");
    check(vec![
        (
            columns("2,0"),
            "UserError: train/data.csv, line 1: Hyperparameter label_columns: begins with `2`, but the first label is the first column, `0`",
        ),
        (
            columns("0,9"),
            "UserError: train/data.csv, line 1: Hyperparameter label_columns: there is no column `9`, …",
        ),
        (
            columns("0,0"),
            "UserError: Hyperparameter label_columns: `0` is not supported; the name is there twice",
        ),
        (
            columns("0,1,2,3"),
            "UserError: train/data.csv, line 1: 4 columns, expected a label, the columns that the job declares and at least one feature",
        ),
        (
            binary("1,2,0,4\n0,1,,3\n"),
            "UserError: train/data.csv, line 2, column 3: the label is missing, every row needs one",
        ),
        (
            binary("1,2,0,4\n0,1,7,3\n"),
            "UserError: train/data.csv, line 2, column 3: label must be in [0,1] for logistic regression, got `7`",
        ),
        (
            job()
                .set("label_columns", "0,1")
                .libsvm("train", "1 0:2 1:3\n"),
            "UserError: train/data.libsvm, line 1: Hyperparameter label_columns: a row of libsvm has one label; use text/csv or \
             application/x-parquet",
        ),
        (
            with("objective", "reg:quantileerror").set("quantile_alpha", "0.5"),
            "UserError: Hyperparameter label_columns: `objective` = `reg:quantileerror` learns from one label, allowed with 2 are …",
        ),
        (
            with("eval_metric", "r2"),
            "UserError: Hyperparameter label_columns: `r2` cannot judge 2 labels, allowed are …",
        ),
        (
            with("algorithm", "decision_tree").set("num_round", "1"),
            "UserError: Hyperparameter label_columns: `algorithm` = `decision_tree` is one tree, which predicts one label; use …",
        ),
        (
            with("base_margin_columns", "3"),
            "UserError: Hyperparameter base_margin_columns: 1 columns, the objective needs 2",
        ),
        (
            with("multi_strategy", "multi_output_tree"),
            "UserError: Hyperparameter multi_strategy: `multi_output_tree` is not supported; trees with a vector in each leaf …",
        ),
    ]);
}
