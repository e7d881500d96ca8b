//! The trainer itself, where it has been built.

use crate::client::{Local, request};
use serde_json::json;
use std::path::PathBuf;

const TABLE: &[u8] = b"1.0,0.1,5\n2.0,0.2,4\n3.0,0.3,3\n4.0,0.4,2\n5.0,0.5,1\n1.5,0.1,5\n2.5,0.2,4\n3.5,0.3,3\n4.5,0.4,2\n5.5,0.5,1\n";

/// `LINDEN_TRAINER`, else what lies in the target folder beside this test.
fn trainer() -> Option<PathBuf> {
    let named = std::env::var_os("LINDEN_TRAINER").map(PathBuf::from);
    let built = || {
        Some(
            std::env::current_exe()
                .ok()?
                .parent()?
                .parent()?
                .join("linden-trainer"),
        )
    };
    named.or_else(built).filter(|it| it.is_file())
}

#[test]
fn a_table_of_ten_rows_becomes_a_model() {
    let Some(trainer) = trainer() else {
        println!("skipped: linden-trainer is not built (cargo build -p trainer)");
        return;
    };
    let local = Local::with_trainer(&trainer);
    local.put("train/a.csv", TABLE);
    let mut document = request("real", "");
    document["HyperParameters"] =
        json!({ "objective": "reg:squarederror", "num_round": "5", "max_depth": "2" });
    document["AlgorithmSpecification"]["MetricDefinitions"] = json!([{ "Name": "train:rmse", "Regex": r".*\[[0-9]+\].*#011train-rmse:([-+]?[0-9]*\.?[0-9]+).*" }]);
    local.create(&document);
    let job = local.ended("real");
    assert_eq!(job["TrainingJobStatus"], "Completed", "{job:#}");
    let value = job["FinalMetricDataList"][0]["Value"].as_f64().unwrap();
    assert!(0.0 < value && value < 2.0, "{value}");
    let archive = local.get("out/real/output/model.tar.gz");
    let decoder = flate2::read::GzDecoder::new(archive.as_slice());
    let mut tar = tar::Archive::new(decoder);
    let mut names = tar
        .entries()
        .unwrap()
        .map(|it| it.unwrap().path().unwrap().display().to_string());
    assert!(names.any(|it| it == "xgboost-model"));
}

#[test]
fn its_refusal_is_the_failure_reason() {
    let Some(trainer) = trainer() else {
        println!("skipped: linden-trainer is not built (cargo build -p trainer)");
        return;
    };
    let local = Local::with_trainer(&trainer);
    let mut document = request("refused", "");
    document["HyperParameters"] = json!({ "num_round": "5", "eta": "-1" });
    local.create(&document);
    let job = local.ended("refused");
    assert_eq!(job["TrainingJobStatus"], "Failed", "{job:#}");
    let reason = job["FailureReason"].as_str().unwrap();
    assert!(
        reason.starts_with("AlgorithmError: UserError: ") && reason.contains("eta"),
        "{reason}"
    );
    assert!(reason.ends_with("exit code: 1"), "{reason}");
}
