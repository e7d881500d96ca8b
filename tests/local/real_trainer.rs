//! The trainer itself, where it has been built.

use crate::client::{Local, config, request, spot};
use crate::statuses::walked;
use serde_json::json;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) const TABLE: &[u8] = b"1.0,0.1,5\n2.0,0.2,4\n3.0,0.3,3\n4.0,0.4,2\n5.0,0.5,1\n1.5,0.1,5\n2.5,0.2,4\n3.5,0.3,3\n4.5,0.4,2\n5.5,0.5,1\n";

/// `LINDEN_TRAINER`, else what lies in the target folder beside this test.
pub(crate) fn trainer() -> Option<PathBuf> {
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
    let found = named.or_else(built).filter(|it| it.is_file());
    // Where everything is tested, nothing is skipped.
    assert!(
        found.is_some() || std::env::var_os("CI").is_none(),
        "linden-trainer is not built"
    );
    found
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

/// What the hosts keep on their disks is lost with them, so the rest of the rounds stands on checkpoints alone.
#[test]
fn an_interrupted_job_ends_in_the_bytes_of_one_that_was_not() {
    let Some(trainer) = trainer() else {
        println!("skipped: linden-trainer is not built (cargo build -p trainer)");
        return;
    };
    let local = Local::with(move |dir| local::Config {
        interruption: Some(local::Interruption {
            times: 2,
            ..local::Interruption::once(Duration::from_millis(200))
        }),
        stop_grace: Duration::from_secs(20),
        ..config(dir, &trainer)
    });
    local.put("train/a.csv", TABLE);
    let settings = json!({
        "objective": "reg:squarederror", "num_round": "10000", "max_depth": "2", "eta": "0.01", "subsample": "0.7"
    });
    let mut taken = spot("taken", "");
    taken["HyperParameters"] = settings.clone();
    let mut whole = request("whole", "");
    whole["HyperParameters"] = settings;
    whole["CheckpointConfig"] = json!({ "S3Uri": "s3://bkt/ckpt/whole" });
    for document in [&taken, &whole] {
        local.create(document);
    }
    for (name, n_times) in [("taken", 2), ("whole", 0)] {
        let job = local.ended(name);
        assert_eq!(job["TrainingJobStatus"], "Completed", "{job:#}");
        let interruptions = walked(&job).into_iter().filter(|it| *it == "Interrupted");
        assert_eq!(interruptions.count(), n_times, "{job:#}");
    }
    let model = |name: &str| {
        let archive = local.get(&format!("out/{name}/output/model.tar.gz"));
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(archive.as_slice()));
        let mut bytes = Vec::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            if entry.path().unwrap().ends_with("xgboost-model") {
                entry.read_to_end(&mut bytes).unwrap();
            }
        }
        assert!(!bytes.is_empty());
        bytes
    };
    assert!(model("taken") == model("whole"), "the models differ");
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
