//! `plan` and `doctor`: what is known before a job is paid for, and what is said not to be.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{linden, transcript};
use crate::service::{Script, Service};
use crate::submitting::JOB;

/// Of today, which `text` writes as TODAY: prices that are old are warned of.
const PRICES: &str = r#"{"as_of": "TODAY", "source": "ours", "currency": "USD",
    "training": {"eu-west-1": {"ml.m7i.large": 0.2, "ml.m5.large": 0.4}}}"#;

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("job.toml"), JOB).unwrap();
    let settings = home.path().join(".config/linden");
    fs::create_dir_all(&settings).unwrap();
    let prices = PRICES.replace("TODAY", &cli::units::today().to_string());
    fs::write(settings.join("prices.json"), prices).unwrap();
    home
}

fn service(script: Script) -> Service {
    Service::start(Script {
        n_objects: 2,
        ..script
    })
}

/// What is printed, without the folder of this run.
fn text(home: &Path, command: &mut assert_cmd::Command) -> String {
    let text = transcript(command).replace(&home.display().to_string(), "HOME");
    text.replace(&cli::units::today().to_string(), "TODAY")
}

#[test]
fn a_plan_tells_the_ceiling_its_arithmetic_and_the_date_of_the_price() {
    let home = home();
    let plan = ["plan", "job.toml", "--offline"];
    let shown = text(home.path(), linden(home.path()).args(plan));
    insta::assert_snapshot!(shown, @r"
    exit code: 0
    ----- stdout -----
      job         churn-c9ede4c8-1  (the last number is the attempt)
      image       123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0
      compute     1 × ml.m7i.large, 30 GB, at most 45m; without capacity ml.m5.large
      data        train      s3://acme-ml/train/
      output      s3://acme-ml/out/
      cost        ceiling $0.30 = 1 × 45m × $0.4/h (ml.m5.large)  (on demand in eu-west-1, prices of TODAY, HOME/.config/linden/prices.json, without storage)
      parameters  num_round = 50
    ----- stderr -----
    plan ok, nothing was created
    ");
    let plan = ["plan", "job.toml", "--max-cost", "0.2"];
    let output = linden(home.path()).args(plan).output().unwrap();
    assert_eq!(output.status.code(), Some(9));
    let plan = ["plan", "job.toml", "--json"];
    let output = linden(home.path()).args(plan).output().unwrap();
    let planned: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        planned["cost"]["types"][1]["price"]["as_of"],
        cli::units::today().to_string()
    );
    assert!((planned["cost"]["ceiling_usd"].as_f64().unwrap() - 0.3).abs() < 1e-9);
}

#[test]
fn an_unknown_price_is_unknown_and_keeps_no_ceiling() {
    let home = home();
    let plan = [
        "plan",
        "job.toml",
        "--region",
        "eu-north-1",
        "--max-cost",
        "100",
    ];
    let shown = text(home.path(), linden(home.path()).args(plan));
    assert!(shown.starts_with("exit code: 9\n"), "{shown}");
    let unknown = "no price is known for ml.m7i.large, ml.m5.large in eu-north-1";
    assert!(
        shown.contains(&format!("ceiling unknown: {unknown}\n")),
        "{shown}"
    );
    let refused = format!("error[E0106]: {unknown}, so --max-cost cannot be kept\n");
    assert!(shown.contains(&refused), "{shown}");
}

#[test]
fn online_a_plan_looks_at_the_data_and_at_past_runs() {
    let home = home();
    let service = service(Script {
        ends: vec![("Completed", "")],
        ..Script::default()
    });
    let run = ["run", "job.toml", "--detach"];
    service.near(home.path(), &run).assert().code(0);
    let plan = ["plan", "job.toml", "--online", "--json"];
    let output = service.near(home.path(), &plan).output().unwrap();
    let planned: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(planned["channels"][0]["objects"], 2);
    assert_eq!(planned["existing"]["status"], "Completed");
    let past = &planned["cost"]["past"];
    assert_eq!(past["runs"], 1);
    // 120 seconds of $0.2 an hour.
    assert!(
        (past["expected_usd"].as_f64().unwrap() - 0.2 / 30.0).abs() < 1e-9,
        "{past}"
    );
    assert_eq!(
        service.n_calls("createtrainingjob"),
        1,
        "a plan creates nothing"
    );
}

#[test]
fn a_doctor_says_what_is_right_and_what_nobody_was_asked_about() {
    let home = home();
    let service = service(Script::default());
    let shown = text(
        home.path(),
        &mut service.near(home.path(), &["doctor", "job.toml"]),
    );
    insta::assert_snapshot!(shown, @r"
    exit code: 0
    ----- stdout -----
    ✓ credentials       from EnvironmentVariable, do not expire
    ✓ region            eu-west-1
    ✓ account           123456789012 as arn:aws:sts::123456789012:assumed-role/planner/ci
    ? role              unknown: whether arn:aws:iam::123456789012:role/linden-training is there and trusts SageMaker: you may not look at it
      fix               ask for iam:GetRole on it; `linden help iam` has the whole policy
    ? role permissions  unknown: you may not ask IAM what arn:aws:iam::123456789012:role/linden-training may do: User: planner is not authorized to perform: iam:SimulatePrincipalPolicy
      fix               ask for iam:SimulatePrincipalPolicy; `linden help iam` has the whole policy
    ? you: submit       unknown: whose policies hold for arn:aws:sts::123456789012:assumed-role/planner/ci: GetRole failed: User: planner is not authorized to perform: iam:GetRole
    ? image             unknown: you may not look at it: User: planner is not authorized to perform: batchgetimage
      fix               ask for ecr:BatchGetImage; `linden help iam` has the whole policy
    ✓ bucket acme-ml    in eu-west-1
    ✓ channel train     2 objects, 2.0 kB at s3://acme-ml/train/
    ✓ volume            30 GB are enough for the data
    ✓ hyperparameters   1, by the trainer's own table
    ✓ spot              not asked for; on demand
    ? quota             unknown: you may not look at it: User: planner is not authorized to perform: listservicequotas
      fix               look for `ml.m7i.large for training job usage`, `ml.m5.large for training job usage` in Service Quotas, or ask for what `linden help iam` lists
    ✓ cost              ceiling $0.30 = 1 × 45m × $0.4/h (ml.m5.large)  (on demand in eu-west-1, prices of TODAY, HOME/.config/linden/prices.json, without storage)
    ----- stderr -----
    ");
    assert!(service.jobs().is_empty());
}

#[test]
fn a_bucket_of_another_region_and_missing_data_fail_with_their_fix() {
    let home = home();
    let elsewhere = service(Script {
        bucket_region: Some("us-east-1"),
        ..Script::default()
    });
    let shown = text(
        home.path(),
        &mut elsewhere.near(home.path(), &["doctor", "job.toml"]),
    );
    assert!(shown.starts_with("exit code: 2\n"), "{shown}");
    assert!(
        shown.contains("is in us-east-1, and the job would run in eu-west-1"),
        "{shown}"
    );
    let empty = Service::start(Script::default());
    let shown = text(
        home.path(),
        &mut empty.near(home.path(), &["doctor", "job.toml"]),
    );
    assert!(shown.starts_with("exit code: 5\n"), "{shown}");
    assert!(shown.contains("✗ channel train"), "{shown}");
}

#[test]
fn without_credentials_or_region_a_doctor_says_so_and_ends() {
    let home = home();
    let doctor = ["doctor", "--region", "eu-west-1"];
    let shown = text(home.path(), linden(home.path()).args(doctor));
    assert!(shown.starts_with("exit code: 4\n"), "{shown}");
    assert!(shown.contains("✗ credentials"), "{shown}");
    let shown = text(home.path(), linden(home.path()).arg("doctor"));
    assert!(shown.starts_with("exit code: 2\n"), "{shown}");
    assert!(shown.contains("✗ region  no region is given"), "{shown}");
}

#[test]
fn on_this_machine_a_doctor_needs_no_account() {
    let home = home();
    let output = linden(home.path())
        .args(["doctor", "--local", "--json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["ok"], output.status.code()),
        (&Value::Bool(true), Some(0))
    );
}
