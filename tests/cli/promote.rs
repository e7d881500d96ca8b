//! A job's model becomes the approved one, or does not, on the SageMaker inside the program.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::end_to_end::{home, json};
use crate::program::{linden, transcript};

const TO: &str = "s3://small-bucket/approved/small/";

/// Trains with so many rounds, and gives the job's name.
fn train(home: &Path, rounds: u32) -> String {
    let set = format!("hyperparameters.num_round={rounds}");
    let run = json(linden(home).args(["run", "job.toml", "--local", "--json", "--set", &set]));
    assert_eq!(run["status"], "Completed", "{run:#}");
    run["name"].as_str().unwrap().to_owned()
}

/// Exit code and what is told.
fn promote(home: &Path, job: &str, more: &[&str]) -> (i32, Value) {
    let output = linden(home)
        .args(["promote", job, "--to", TO, "--local", "--json"])
        .args(more)
        .output()
        .unwrap();
    let told = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|err| panic!("{err}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), told)
}

fn object(home: &Path, key: &str) -> Option<Vec<u8>> {
    fs::read(home.join("local/s3/small-bucket").join(key)).ok()
}

fn approval(home: &Path) -> Value {
    let body = object(home, "approved/small/approved.json").expect("something is approved");
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn a_better_model_is_approved_and_a_worse_one_is_not() {
    let home = home();
    let better = ["--if-better", "validation:rmse"];
    let first = train(home.path(), 10);
    let (code, told) = promote(home.path(), &first, &better);
    assert_eq!(
        (code, &told["verdict"]),
        (0, &"approved".into()),
        "{told:#}"
    );
    let approved = approval(home.path());
    assert_eq!(approved["job"], first.as_str());
    assert_eq!(approved["schema"], 1);
    let key = approved["model"].as_str().unwrap();
    let key = key.strip_prefix("s3://small-bucket/").unwrap();
    let own = format!("out/{first}/output/model.tar.gz");
    assert!(object(home.path(), key).unwrap() == object(home.path(), &own).unwrap());

    let (code, told) = promote(home.path(), &first, &better);
    assert_eq!((code, &told["verdict"]), (0, &"already_approved".into()));

    let worse = train(home.path(), 2);
    let (code, told) = promote(home.path(), &worse, &better);
    assert_eq!((code, &told["verdict"]), (9, &"refused".into()), "{told:#}");
    let reason = told["reason"].as_str().unwrap();
    assert!(
        reason.contains("not better than") && reason.ends_with(&first),
        "{reason}"
    );
    assert_eq!(told["same_data"], true);
    assert_eq!(
        approval(home.path()),
        approved,
        "nothing is written for a model that is refused"
    );

    let best = train(home.path(), 40);
    let (code, told) = promote(home.path(), &best, &better);
    assert_eq!(
        (code, &told["before"]),
        (0, &first.as_str().into()),
        "{told:#}"
    );
    assert_eq!(approval(home.path())["previous"]["job"], first.as_str());

    let (code, _) = promote(home.path(), &worse, &[]);
    assert_eq!(code, 0, "without a metric whoever asks decides");
}

#[test]
fn a_metric_that_was_not_measured_approves_nothing() {
    let home = home();
    let job = train(home.path(), 3);
    let (code, told) = promote(home.path(), &job, &["--if-better", "validation:auc"]);
    assert_eq!(
        (code, &told["reason"]),
        (9, &"validation:auc was not measured".into())
    );
    assert!(object(home.path(), "approved/small/approved.json").is_none());
}

#[test]
fn only_a_job_that_has_completed_is_approved() {
    let home = home();
    fs::write(home.path().join("train.csv"), "1,2,three\n").unwrap();
    let run = json(linden(home.path()).args(["run", "job.toml", "--local", "--json"]));
    assert_eq!(run["status"], "Failed");
    let (code, told) = promote(home.path(), run["name"].as_str().unwrap(), &[]);
    let reason = "it is Failed, and only a job that has completed is approved";
    assert_eq!((code, &told["reason"]), (9, &reason.into()));
    assert!(object(home.path(), "approved/small/approved.json").is_none());
}

#[test]
fn figures_of_other_rows_are_said_to_be_of_other_rows() {
    let home = home();
    let first = train(home.path(), 3);
    assert_eq!(
        promote(home.path(), &first, &["--if-better", "validation:rmse"]).0,
        0
    );
    fs::write(home.path().join("validation.csv"), "5,2,1\n9,4,1\n").unwrap();
    let second = train(home.path(), 30);
    let output = linden(home.path())
        .args([
            "promote",
            &second,
            "--to",
            TO,
            "--local",
            "--if-better",
            "validation:rmse",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("was measured on other data"), "{said}");
}

#[test]
fn what_lies_in_the_place_of_an_approval_is_not_overwritten() {
    let home = home();
    let job = train(home.path(), 3);
    let folder = home.path().join("local/s3/small-bucket/approved/small");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("approved.json"), "{\"schema\": 2}").unwrap();
    let output = linden(home.path())
        .args(["promote", &job, "--to", TO, "--local"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("is not an approval of this version"),
        "{said}"
    );
    assert_eq!(
        fs::read(folder.join("approved.json")).unwrap(),
        b"{\"schema\": 2}"
    );
}

#[test]
fn a_text_that_is_no_metric_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let text =
        transcript(linden(home.path()).args(["promote", "a", "--to", TO, "--if-better", "rmse"]));
    assert!(text.starts_with("exit code: 2"), "{text}");
    assert!(text.contains("expected DATA:METRIC"), "{text}");
}
