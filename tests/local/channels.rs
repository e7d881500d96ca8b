//! Data on their way to the hosts, and checkpoints back.

use crate::client::{Local, channel, request, unpack};
use serde_json::{Value, json};

/// What the hosts found below `input/data`, by host.
fn found(local: &Local, job: &str) -> Vec<(String, Vec<String>)> {
    let model = unpack(&local.get(&format!("out/{job}/output/model.tar.gz")));
    let lists = model.into_iter().filter_map(|(name, text)| {
        let host = name.strip_prefix("linden/files-")?.to_owned();
        let files = text
            .lines()
            .map(|it| it.trim_start_matches("input/data/").to_owned());
        Some((host, files.collect()))
    });
    lists.collect()
}

fn source(document: &mut Value) -> &mut Value {
    &mut document["InputDataConfig"][0]["DataSource"]["S3DataSource"]
}

#[test]
fn the_structure_below_a_prefix_is_kept_in_each_channel() {
    let local = Local::start();
    local.put("train/2025/b.csv", b"1,2\n");
    local.put("trainee.csv", b"1,2\n");
    local.put("val/v.csv", b"1,2\n");
    let mut document = request("nested", "ok");
    document["InputDataConfig"] = json!([
        channel("train", "s3://bkt/train/"),
        channel("validation", "s3://bkt/val/v.csv")
    ]);
    local.create(&document);
    local.ended("nested");
    assert_eq!(
        found(&local, "nested")[0].1,
        ["train/2025/b.csv", "train/a.csv", "validation/v.csv"]
    );
}

#[test]
fn a_manifest_names_its_objects() {
    let local = Local::start();
    local.put("train/2025/b.csv", b"1,2\n");
    local.put(
        "manifest.json",
        br#"[{"prefix": "s3://bkt/train/"}, "2025/b.csv"]"#,
    );
    let mut document = request("listed", "ok");
    source(&mut document)["S3DataType"] = json!("ManifestFile");
    source(&mut document)["S3Uri"] = json!("s3://bkt/manifest.json");
    local.create(&document);
    local.ended("listed");
    assert_eq!(found(&local, "listed")[0].1, ["train/2025/b.csv"]);
    local.put(
        "manifest.json",
        br#"[{"prefix": "s3://bkt/train/"}, "gone.csv"]"#,
    );
    document["TrainingJobName"] = json!("broken");
    let (_, message) = local.refused("CreateTrainingJob", &document);
    assert!(
        message.contains("there is no object `s3://bkt/train/gone.csv`"),
        "{message}"
    );
}

#[test]
fn shards_are_dealt_and_a_host_may_get_none() {
    let local = Local::start();
    local.put("train/b.csv", b"1,2\n");
    let mut document = request("dealt", "ok");
    document["ResourceConfig"]["InstanceCount"] = json!(3);
    source(&mut document)["S3DataDistributionType"] = json!("ShardedByS3Key");
    local.create(&document);
    local.ended("dealt");
    let expected = [
        ("algo-1", vec!["train/a.csv"]),
        ("algo-2", vec!["train/b.csv"]),
        ("algo-3", vec![]),
    ];
    let expected: Vec<(String, Vec<String>)> = expected
        .map(|(host, files)| {
            (
                host.to_owned(),
                files.into_iter().map(str::to_owned).collect(),
            )
        })
        .into();
    assert_eq!(found(&local, "dealt"), expected);
}

#[test]
fn uncompressed_output_is_a_folder_of_objects() {
    let local = Local::start();
    let mut document = request("plain", "ok");
    document["OutputDataConfig"]["CompressionType"] = json!("NONE");
    local.create(&document);
    let job = local.ended("plain");
    assert_eq!(
        job["ModelArtifacts"]["S3ModelArtifacts"],
        "s3://bkt/out/plain/output/model/"
    );
    assert_eq!(
        local.get("out/plain/output/model/xgboost-model"),
        b"model\n"
    );
}

#[test]
fn checkpoints_of_one_job_are_there_for_the_next() {
    let local = Local::start();
    for name in ["first", "second"] {
        let mut document = request(name, "ok");
        document["CheckpointConfig"] = json!({ "S3Uri": "s3://bkt/checkpoints/x" });
        local.create(&document);
        let job = local.ended(name);
        assert_eq!(job["TrainingJobStatus"], "Completed", "{job:#}");
    }
    let model = unpack(&local.get("out/second/output/model.tar.gz"));
    let resumed = model.iter().find(|it| it.0 == "linden/resumed").unwrap();
    assert_eq!(resumed.1, "state of first\n");
    assert_eq!(local.get("checkpoints/x/last"), b"state of second\n");
    assert_eq!(
        local
            .http("HEAD", "/bkt/checkpoints/x/half.sagemaker-ignore", &[], b"")
            .status,
        404
    );
}
