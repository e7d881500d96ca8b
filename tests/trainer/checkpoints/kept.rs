//! What lies in the folder of checkpoints: their names, how many stay, and what is left alone.

use std::fs;

use engine::model;
use serde_json::json;

use super::{file, files, regression};
use crate::job::{Job, table};

#[test]
fn the_newest_checkpoints_stay_and_each_is_a_model_with_its_manifest() {
    let job = regression(&[("checkpoint_keep", "2")]);
    let ended = job.run();
    let last = ended.model();
    let expected =
        ["4", "4.manifest", "5", "5.manifest"].map(|it| format!("xgboost-checkpoint.{it}"));
    assert_eq!(files(&job, "checkpoints"), expected);
    for round in [4, 5] {
        let bytes = fs::read(file(&job, round)).unwrap();
        let mut booster = model::load(&bytes).unwrap();
        assert_eq!(booster.n_rounds(), round + 1);
        let manifest = ended.json(&format!("checkpoints/xgboost-checkpoint.{round}.manifest"));
        assert_eq!(manifest["bytes"], bytes.len());
        booster.attributes.remove("linden_checkpoint").unwrap();
        if round == 5 {
            assert_eq!(booster, model::load(&last).unwrap());
        }
    }
}

#[test]
fn a_job_without_a_folder_keeps_none() {
    let job = Job::new(&[("num_round", "3")]).csv("train", &table(50));
    let ended = job.run();
    ended.model();
    assert!(!job.path("checkpoints").exists() && !ended.stderr.contains("heckpoint"));
}

#[test]
fn the_usual_folder_is_enough_and_another_one_can_be_named() {
    let job = Job::new(&[("num_round", "3")]).csv("train", &table(50));
    fs::create_dir(job.path("checkpoints")).unwrap();
    job.run().model();
    assert_eq!(files(&job, "checkpoints").len(), 2);
    let job = Job::new(&[("num_round", "3")]).csv("train", &table(50));
    let config = json!({"LocalPath": "/opt/ml/kept/here", "S3Uri": "s3://bucket/prefix"});
    job.write("input/config/checkpointconfig.json", config.to_string());
    job.run().model();
    assert_eq!(files(&job, "kept/here").len(), 2);
}

#[test]
fn what_was_being_written_is_removed_and_other_files_stay() {
    let job = regression(&[("checkpoint_keep", "1")]);
    for name in [
        "xgboost-checkpoint.9.sagemaker-ignore",
        "notes.txt",
        "xgboost-checkpoint_0.ubj",
    ] {
        job.write(&format!("checkpoints/{name}"), "x");
    }
    fs::create_dir_all(job.path("checkpoints/xgboost-checkpoint.12")).unwrap();
    let ended = job.run();
    ended.model();
    let expected = [
        "notes.txt",
        "xgboost-checkpoint.12",
        "xgboost-checkpoint.5",
        "xgboost-checkpoint.5.manifest",
        "xgboost-checkpoint_0.ubj",
    ];
    assert_eq!(files(&job, "checkpoints"), expected);
    assert!(
        ended
            .stderr
            .contains("xgboost-checkpoint_0.ubj is no checkpoint to the built-in algorithm"),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_sagemaker_is_uploading_is_left_to_it() {
    let job = regression(&[("checkpoint_keep", "1")]);
    let mark = |name: &str| job.write(&format!("checkpoints/xgboost-checkpoint.{name}"), "");
    for name in [
        "1.sagemaker-uploading",
        "2.sagemaker-uploading",
        "2.sagemaker-uploaded",
    ] {
        mark(name);
    }
    job.run().model();
    assert!(file(&job, 1).exists() && file(&job, 5).exists());
    assert!(!file(&job, 0).exists() && !file(&job, 2).exists());
}
