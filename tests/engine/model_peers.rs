//! Models that XGBoost wrote (`tests/data/models/make.py`) are read, predict the same here, and survive being saved.

use std::fs;
use std::path::PathBuf;

use engine::dataset::Dataset;
use engine::model::{ModelFormat, load, save};
use engine::threads::Threads;

const VERSIONS: [&str; 3] = ["1.7.6", "3.0.5", "3.2.0"];

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

/// Models that are not plain trees, with whether they are on `categories.csv`.
const OTHERS: [(&str, bool); 10] = [
    ("onehot", true),
    ("partition", true),
    ("dart", false),
    ("dart_classes", false),
    ("dart_categories", true),
    ("gblinear", false),
    ("gblinear_classes", false),
    ("targets", false),
    ("targets_logistic", false),
    ("targets_forest", false),
];

/// Trees with all outputs, which XGBoost 1.7 does not have.
const VECTORS: [&str; 2] = ["vector", "vector_logistic"];

const N_ROWS: usize = 80;

pub(crate) fn file(version: &str, name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/models");
    let path = folder.join(version).join(name);
    fs::read(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}

/// A CSV file's rows; an empty field is missing.
pub(crate) fn csv(version: &str, name: &str) -> Vec<Vec<f32>> {
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
    table("rows.csv")
}

fn table(name: &str) -> Dataset {
    let rows = csv("", name);
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

/// Version, name and table of every model that is not plain trees.
fn others() -> Vec<(String, &'static str, Dataset)> {
    let mut all = Vec::new();
    for version in VERSIONS {
        let folder = format!("xgboost-{version}");
        for (name, has_categories) in OTHERS {
            let data = if has_categories {
                "categories.csv"
            } else {
                "rows.csv"
            };
            all.push((folder.clone(), name, table(data)));
        }
        if version != "1.7.6" {
            all.extend(VECTORS.map(|name| (folder.clone(), name, rows())));
        }
    }
    all
}

#[test]
fn margins_of_other_boosters_are_those_of_xgboost() {
    let threads = Threads::single();
    for (version, name, data) in others() {
        let expected = csv(&version, &format!("{name}.csv"))[..N_ROWS].concat();
        // Dart divides the weight out of the classes' base scores, which XGBoost has from 3.1 on.
        let is_exact = name != "dart_classes" || version != "xgboost-3.2.0";
        for format in ["json", "ubj"] {
            let booster = load(&file(&version, &format!("{name}.{format}"))).unwrap();
            let margins = booster.predict_margin(&data, &threads).unwrap();
            assert_eq!(margins.len(), expected.len());
            for (ours, theirs) in margins.iter().zip(&expected) {
                let tolerance = if is_exact { 0.0 } else { 1e-6 * theirs.abs() };
                let problem = || format!("{version} {name}.{format}: {ours} {theirs}");
                assert!((ours - theirs).abs() <= tolerance, "{}", problem());
            }
        }
    }
}

#[test]
fn predictions_of_other_boosters_are_those_of_xgboost() {
    let threads = Threads::single();
    for (version, name, data) in others() {
        let expected = csv(&version, &format!("{name}.csv"))[N_ROWS..].concat();
        let booster = load(&file(&version, &format!("{name}.ubj"))).unwrap();
        for (ours, theirs) in booster
            .predict(&data, &threads)
            .unwrap()
            .iter()
            .zip(expected)
        {
            let is_near = (ours - theirs).abs() <= 2e-6 * theirs.abs();
            assert!(is_near, "{version} {name}: {ours} {theirs}");
        }
    }
}

#[test]
fn other_boosters_are_saved_without_loss() {
    for (version, name, _) in others() {
        let booster = load(&file(&version, &format!("{name}.json"))).unwrap();
        assert!(!booster.is_plain() || booster.n_targets > 1, "{name}");
        for format in [ModelFormat::Json, ModelFormat::Ubj] {
            let again = load(&save(&booster, format)).unwrap();
            assert_eq!(again, booster, "{version} {name} {format}");
        }
    }
}

#[test]
fn contributions_are_those_of_xgboost() {
    let threads = Threads::new(Some(2)).unwrap();
    for (version, name, data) in others() {
        if VECTORS.contains(&name) {
            continue;
        }
        let expected = csv(&version, &format!("{name}_contributions.csv")).concat();
        let booster = load(&file(&version, &format!("{name}.ubj"))).unwrap();
        let found = booster.predict_contributions(&data, &threads).unwrap();
        assert_eq!(found.len(), expected.len(), "{version} {name}");
        // XGBoost 1.7 leaves dart's weights out of contributions.
        if version == "xgboost-1.7.6" && name.starts_with("dart") {
            continue;
        }
        for (ours, theirs) in found.iter().zip(expected) {
            let is_near = (ours - f64::from(theirs)).abs() <= 1e-5;
            assert!(is_near, "{version} {name}: {ours} {theirs}");
        }
    }
}

#[test]
fn rows_of_a_linear_model_have_no_leaves() {
    let booster = load(&file("xgboost-3.2.0", "gblinear.ubj")).unwrap();
    let err = booster
        .predict_leaf(&rows(), &Threads::single())
        .unwrap_err();
    assert_eq!(err, engine::booster::PredictError::NoLeaves);
    assert_eq!(booster.n_rounds(), 5);
}

#[test]
fn damage_to_models_of_xgboost_is_refused_or_harmless() {
    let threads = Threads::single();
    for (version, name, data) in others().into_iter().filter(|it| it.0 == "xgboost-3.2.0") {
        for format in ["json", "ubj"] {
            let whole = file(&version, &format!("{name}.{format}"));
            let mut seed = 1_u64;
            let mut draw = |below: usize| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 33) as usize % below
            };
            for _ in 0..300 {
                let mut bytes = whole.clone();
                for _ in 0..=draw(3) {
                    let at = draw(bytes.len());
                    bytes[at] = b"0123456789-,[]{}\"LlUidS\0\xff"[draw(25)];
                }
                let Ok(booster) = load(&bytes) else { continue };
                // What is read can be used: a walk ends, a sum is a sum.
                let _ = booster.predict_margin(&data, &threads);
                let _ = booster.predict_contributions(&data, &threads);
                load(&save(&booster, ModelFormat::Ubj)).unwrap();
            }
        }
    }
}
