//! `config show` and `schema`: what a job comes to, layer by layer, as people and scripts see it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{linden, transcript};
use crate::submitting::JOB;

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let overlay =
        "[overlay.ci.compute]\ninstance_types = [\"ml.c5.xlarge\"]\nmax_runtime = \"5m\"\n";
    fs::write(home.path().join("job.toml"), format!("{JOB}{overlay}")).unwrap();
    home
}

fn settings(home: &Path, path: &str, text: &str) {
    let path = home.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn every_value_is_shown_with_the_layer_that_it_came_from() {
    let home = home();
    settings(
        home.path(),
        ".config/linden/config.toml",
        "[tags]\nowner = \"me\"\n",
    );
    settings(home.path(), "linden.toml", "[compute]\nvolume_gb = 5\n");
    let show = ["config", "show", "job.toml", "--origin", "--overlay", "ci"];
    let mut command = linden(home.path());
    command
        .args(show)
        .args(["--set", "hyperparameters.eta=0.3"]);
    let text = transcript(command.env("LINDEN_OUTPUT_S3", "s3://other/out/"));
    let text = text.replace(&home.path().display().to_string(), "HOME");
    insta::assert_snapshot!(text, @r#"
    exit code: 0
    ----- stdout -----
    schema = 1                                                                       <- job.toml:2
    name = "churn"                                                                   <- job.toml:3
    image.uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0"  <- job.toml:5
    image.check_hyperparameters = true                                               <- built-in
    role.arn = "arn:aws:iam::123456789012:role/linden-training"                      <- job.toml:7
    compute.instance_types = ["ml.c5.xlarge"]                                        <- job.toml:19 [overlay.ci.compute]
    compute.max_runtime = "5m"                                                       <- job.toml:20 [overlay.ci.compute]
    compute.volume_gb = 5                                                            <- linden.toml:2
    compute.instances = 1                                                            <- built-in
    compute.keep_alive = "0s"                                                        <- built-in
    spot.enabled = false                                                             <- built-in
    spot.restart_from_zero = false                                                   <- built-in
    retry.on = ["capacity"]                                                          <- built-in
    retry.window = "0s"                                                              <- built-in
    channel[0].name = "train"                                                        <- job.toml:12
    channel[0].s3 = "s3://acme-ml/train/"                                            <- job.toml:13
    channel[0].distribution = "replicated"                                           <- built-in
    channel[0].input_mode = "file"                                                   <- built-in
    channel[0].stream = false                                                        <- built-in
    channel[0].record_wrapper = "none"                                               <- built-in
    channel[0].compression = "none"                                                  <- built-in
    channel[0].data_type = "prefix"                                                  <- built-in
    channel[0].attributes = []                                                       <- built-in
    output.s3 = "s3://other/out/"                                                    <- LINDEN_OUTPUT_S3
    output.compression = "gzip"                                                      <- built-in
    hyperparameters.eta = 0.3                                                        <- --set hyperparameters.eta
    hyperparameters.num_round = 50                                                   <- job.toml:17
    network.subnets = []                                                             <- built-in
    network.security_groups = []                                                     <- built-in
    network.isolation = false                                                        <- built-in
    network.encrypt_inter_container = false                                          <- built-in
    tags.owner = "me"                                                                <- HOME/.config/linden/config.toml:2
    ----- stderr -----
    "#);
}

#[test]
fn scripts_get_typed_values_and_origins() {
    let home = home();
    let show = ["config", "show", "job.toml", "--json", "--overlay", "ci"];
    let output = linden(home.path()).args(show).output().unwrap();
    let values: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let of = |key: &str| values.iter().find(|it| it["key"] == key).unwrap();
    assert_eq!(of("hyperparameters.num_round")["value"], 50);
    assert_eq!(of("compute.instances")["origin"]["kind"], "built-in");
    let runtime = of("compute.max_runtime");
    assert_eq!(runtime["value"], "5m");
    assert_eq!(runtime["origin"]["file"], "job.toml");
    assert_eq!(runtime["origin"]["line"], 20);
    assert_eq!(runtime["origin"]["section"], "overlay.ci.compute");
}

#[test]
fn an_overlay_and_the_layers_reach_the_request() {
    let home = home();
    settings(home.path(), "linden.toml", "[tags]\nteam = \"planning\"\n");
    let request = |more: &[&str]| -> Value {
        let mut command = linden(home.path());
        command.args(["plan", "job.toml", "--request"]).args(more);
        serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
    };
    let plain = request(&[]);
    assert_eq!(plain["ResourceConfig"]["InstanceType"], "ml.m7i.large");
    assert_eq!(plain["Tags"][0]["Key"], "team");
    let ci = request(&["--overlay", "ci"]);
    assert_eq!(ci["ResourceConfig"]["InstanceType"], "ml.c5.xlarge");
    assert_eq!(ci["StoppingCondition"]["MaxRuntimeInSeconds"], 300);
}

#[test]
fn a_mistake_in_settings_is_told_at_its_own_place() {
    let home = home();
    settings(home.path(), "linden.toml", "[compute]\nvolume = 5\n");
    let more = ["--overlay", "cj", "--set", "compute.instances=0"];
    let text = transcript(linden(home.path()).args(["plan", "job.toml"]).args(more));
    insta::assert_snapshot!(text, @r"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error[E0102]: unknown key `compute.volume`
      where    linden.toml:2:1
      fix      did you mean `compute.volume_gb`?
    error[E0102]: there is no overlay `cj`
      where    job.toml
      fix      did you mean `ci`?
    error[E0102]: `compute.instances` is `0`, allowed is 1 or more
      where    --set compute.instances
    job.toml has 3 problems
    ");
}

#[test]
fn the_schema_is_json_with_every_section() {
    let home = home();
    for of in ["job", "settings"] {
        let output = linden(home.path()).args(["schema", of]).output().unwrap();
        let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(schema["properties"]["compute"]["type"], "object");
        assert_eq!(schema.get("required").is_some(), of == "job");
    }
}

/// The SDK's list changes with its version, and this says when ours should.
#[test]
fn the_instance_types_are_those_of_the_sdk() {
    let ours: std::collections::BTreeSet<&str> =
        contract::job::instance::KNOWN.iter().copied().collect();
    let theirs: std::collections::BTreeSet<&str> = cli::aws::training_instance_types()
        .iter()
        .copied()
        .collect();
    assert_eq!(ours, theirs);
}
