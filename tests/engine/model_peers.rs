//! Models that XGBoost wrote (`tests/data/models/make.py`) are read, predict the same here, and survive being saved.

use std::fs;
use std::path::PathBuf;

use engine::dataset::Dataset;
use engine::model::{ModelFormat, load, save};
use engine::threads::Threads;

const VERSIONS: [&str; 2] = ["1.7.6", "3.2.0"];

const MODELS: [&str; 10] = [
    "squarederror",
    "reg_logistic",
    "binary_logistic",
    "poisson",
    "softmax",
    "softprob",
    "base_score",
    "forest",
    "lossguide",
    "pruned",
];

const N_ROWS: usize = 80;

fn file(version: &str, name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/models");
    let path = folder.join(version).join(name);
    fs::read(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}

/// A CSV file's rows; an empty field is missing.
fn csv(version: &str, name: &str) -> Vec<Vec<f32>> {
    let text = String::from_utf8(file(version, name)).expect("a text");
    let number = |field: &str| {
        if field.is_empty() {
            f32::NAN
        } else {
            field.parse().expect("a number")
        }
    };
    text.lines()
        .map(|line| line.split(',').map(number).collect())
        .collect()
}

fn rows() -> Dataset {
    let rows = csv("", "rows.csv");
    Dataset::from_rows(rows[0].len(), &rows.concat(), &[0.0; N_ROWS]).expect("a table")
}

#[test]
fn margins_are_those_of_xgboost_bit_for_bit() {
    let (data, threads) = (rows(), Threads::single());
    for version in VERSIONS.map(|it| format!("xgboost-{it}")) {
        for name in MODELS {
            let expected = csv(&version, &format!("{name}.csv"));
            for format in ["json", "ubj"] {
                let booster = load(&file(&version, &format!("{name}.{format}"))).unwrap();
                let margins = booster.predict_margin(&data, &threads).unwrap();
                assert!(
                    margins == expected[..N_ROWS].concat(),
                    "{version} {name}.{format}"
                );
            }
        }
    }
}

#[test]
fn predictions_are_those_of_xgboost() {
    let (data, threads) = (rows(), Threads::single());
    for version in VERSIONS.map(|it| format!("xgboost-{it}")) {
        for name in MODELS {
            let expected = csv(&version, &format!("{name}.csv"))[N_ROWS..].concat();
            let booster = load(&file(&version, &format!("{name}.ubj"))).unwrap();
            let found = booster.predict(&data, &threads).unwrap();
            assert_eq!(found.len(), expected.len(), "{version} {name}");
            for (row, (&ours, theirs)) in found.iter().zip(expected).enumerate() {
                assert!(
                    (ours - theirs).abs() <= 1e-6 * theirs.abs(),
                    "{version} {name} {row}: {ours} {theirs}"
                );
            }
        }
    }
}

#[test]
fn what_xgboost_wrote_is_saved_without_loss() {
    for version in VERSIONS.map(|it| format!("xgboost-{it}")) {
        for name in MODELS {
            let booster = load(&file(&version, &format!("{name}.json"))).unwrap();
            for format in [ModelFormat::Json, ModelFormat::Ubj] {
                assert_eq!(
                    load(&save(&booster, format)).unwrap(),
                    booster,
                    "{version} {name} {format}"
                );
            }
        }
    }
}

#[test]
fn refuses_other_kinds_of_boosters_by_name() {
    let cases = [
        (
            "categorical",
            "a categorical split is not supported, allowed is numeric splits",
        ),
        ("dart", "booster `dart` is not supported, allowed is gbtree"),
        (
            "gblinear",
            "booster `gblinear` is not supported, allowed is gbtree",
        ),
    ];
    for version in VERSIONS.map(|it| format!("xgboost-{it}")) {
        for (name, end) in cases {
            let err = load(&file(&version, &format!("refused_{name}.ubj")))
                .unwrap_err()
                .to_string();
            assert!(err.ends_with(end), "{version}: {err}");
        }
    }
}
