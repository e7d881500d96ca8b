//! What is done with a job after it has ended, on the SageMaker on this machine: metrics, verified artifacts, copies,
//! comparisons, and the ledger.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::end_to_end::{home, json};
use crate::program::{linden, transcript};

fn run(home: &Path, more: &[&str]) -> String {
    let mut command = linden(home);
    let run = json(
        command
            .args(["run", "job.toml", "--local", "--json"])
            .args(more),
    );
    assert_eq!(run["status"], "Completed", "{run:#}");
    run["name"].as_str().unwrap().to_owned()
}

fn stdout(home: &Path, args: &[&str]) -> String {
    let output = linden(home).args(args).output().unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[test]
fn metrics_are_told_round_by_round_and_drawn_as_wide_as_the_terminal() {
    let home = home();
    let name = run(home.path(), &[]);
    let table = stdout(home.path(), &["metrics", &name, "--local"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["round", "train:rmse", "validation:rmse"]
    );
    assert_eq!(lines.len(), 31, "{table}");
    let one = [
        "metrics",
        &name,
        "--local",
        "--json",
        "--name",
        "validation:rmse",
    ];
    let json: Value = serde_json::from_str(&stdout(home.path(), &one)).unwrap();
    let curve = &json["metrics"][0];
    assert_eq!(curve["metric"], "validation:rmse");
    assert_eq!(curve["rounds"].as_array().unwrap().len(), 30);
    assert!(curve["values"][29].as_f64() < curve["values"][0].as_f64());
    let mut chart = linden(home.path());
    chart
        .env("COLUMNS", "50")
        .args(["metrics", "--chart", "--local", "--name", "train:rmse"]);
    let chart = String::from_utf8(chart.output().unwrap().stdout).unwrap();
    let widest = chart.lines().map(|it| it.chars().count()).max();
    assert_eq!(widest, Some(50), "{chart}");
    let followed = linden(home.path())
        .args(["metrics", "-f", &name, "--local"])
        .output()
        .unwrap();
    assert_eq!(followed.status.code(), Some(0));
    assert_eq!(
        String::from_utf8_lossy(&followed.stdout).lines().count(),
        31
    );
    let unknown = ["metrics", &name, "--local", "--name", "validation:auc"];
    let text = transcript(linden(home.path()).args(unknown));
    assert!(text.starts_with("exit code: 5\n"), "{text}");
    assert!(
        text.contains("give one of train:rmse, validation:rmse"),
        "{text}"
    );
}

#[test]
fn a_model_that_somebody_changed_in_s3_is_refused_and_nothing_of_it_is_kept() {
    let home = home();
    let name = run(home.path(), &[]);
    let verified = stdout(home.path(), &["artifacts", "verify", &name, "--local"]);
    assert!(
        verified.starts_with("verified xgboost-model sha256 "),
        "{verified}"
    );
    let other = run(home.path(), &["--set", "hyperparameters.num_round=3"]);
    let bucket = home.path().join("local/s3/small-bucket/out");
    let model = |job: &str| bucket.join(job).join("output/model.tar.gz");
    fs::copy(model(&other), model(&name)).unwrap();
    let before = files(home.path());
    for command in [
        &["artifacts", "verify", &name, "--local"][..],
        &["artifacts", "get", &name, "--local", "--to", "fetched"],
    ] {
        let text = transcript(linden(home.path()).args(command));
        assert!(text.starts_with("exit code: 9\n"), "{text}");
        assert!(
            text.contains("error[E0402]: `model.tar.gz/xgboost-model` is not the model"),
            "{text}"
        );
    }
    assert!(!home.path().join("fetched").exists());
    assert_eq!(files(home.path()).len(), before.len());
}

#[test]
fn an_earlier_fetch_stays_whole_when_the_next_one_is_refused() {
    let home = home();
    let name = run(home.path(), &[]);
    let model = home
        .path()
        .join("runs")
        .join(&name)
        .join("model/xgboost-model");
    let before = fs::read(&model).unwrap();
    let archive = home.path().join("local/s3/small-bucket/out").join(&name);
    fs::write(archive.join("output/model.tar.gz"), "no archive").unwrap();
    let text = transcript(linden(home.path()).args(["artifacts", "get", &name, "--local"]));
    assert!(text.starts_with("exit code: 9\n"), "{text}");
    assert_eq!(fs::read(&model).unwrap(), before);
}

#[test]
fn a_copy_of_a_job_plans_the_same_job_and_runs_again_as_its_next_attempt() {
    let home = home();
    let name = run(home.path(), &[]);
    let copy = stdout(home.path(), &["clone", &name, "--local"]);
    fs::write(home.path().join("copy.toml"), &copy).unwrap();
    let request = |file: &str| -> Value {
        let plan = ["plan", file, "--request", "--name", "same"];
        serde_json::from_str(&stdout(home.path(), &plan)).unwrap()
    };
    assert_eq!(request("copy.toml"), request("job.toml"), "{copy}");
    let mut again = linden(home.path());
    let again = json(again.args(["rerun", &name, "--local", "--json"]));
    let stem = name.strip_suffix("-1").unwrap();
    assert_eq!(again["name"], format!("{stem}-2"));
    // What the ledger notes is the file that is still there, not the one that `rerun` made for itself.
    let ledger = fs::read_to_string(home.path().join("runs.jsonl")).unwrap();
    let runs = ledger
        .lines()
        .map(|it| serde_json::from_str::<Value>(it).unwrap());
    let files: Vec<Value> = runs.map(|it| it["job_file"].clone()).collect();
    assert!(
        files.len() >= 4 && files.iter().all(|it| *it == files[0]),
        "{files:?}"
    );
    let shorter = [
        "rerun",
        &name,
        "--local",
        "--json",
        "--set",
        "hyperparameters.num_round=5",
    ];
    let shorter = json(linden(home.path()).args(shorter));
    assert_eq!(shorter["rounds"], 5);
}

#[test]
fn jobs_are_compared_by_what_differs() {
    let home = home();
    let first = run(home.path(), &[]);
    let second = run(home.path(), &["--set", "hyperparameters.num_round=3"]);
    let compared = ["compare", &first, &second, "--local", "--json"];
    let compared = json(linden(home.path()).args(compared));
    let of = |group: &str, key: &str| {
        let differences = compared["differences"].as_array().unwrap();
        differences
            .iter()
            .find(|it| it["group"] == group && it["key"] == key)
            .cloned()
    };
    let rounds = of("parameters", "num_round").unwrap();
    assert_eq!(rounds["values"], serde_json::json!(["30", "3"]));
    let rmse = of("metrics", "validation:rmse").unwrap();
    assert!(rmse["values"][0].as_f64() < rmse["values"][1].as_f64());
    assert_eq!(of("parameters", "objective"), None);
    assert_eq!(of("data", "train rows"), None);
    let text = stdout(home.path(), &["compare", &first, &second, "--local"]);
    assert!(text.contains("% higher)"), "{text}");
}

#[test]
fn a_job_that_has_ended_is_deleted_and_its_name_is_free_again() {
    let home = home();
    let name = run(home.path(), &["--name", "mine"]);
    assert_eq!(stdout(home.path(), &["rm", &name, "--local"]), "mine\n");
    let text = transcript(linden(home.path()).args(["show", &name, "--local"]));
    assert!(text.starts_with("exit code: 5\n"), "{text}");
    assert!(home.path().join("runs/mine/model/xgboost-model").is_file());
    assert_eq!(run(home.path(), &["--name", "mine"]), "mine");
}

#[test]
fn the_ledger_has_each_run_with_its_outcome_and_survives_a_damaged_line() {
    let home = home();
    let name = run(home.path(), &[]);
    let path = home.path().join("runs.jsonl");
    let lines: Vec<Value> = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["name"], *name);
    assert!(name.contains(lines[0]["spec_hash"].as_str().unwrap()));
    assert_eq!(lines[0]["job_file"], "job.toml");
    assert_eq!(lines[0]["outcome"], "Submitted");
    assert_eq!(lines[1]["outcome"], "Completed");
    assert_eq!(lines[1]["exit_code"], 0);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{{\"schema\":1,\n{text}")).unwrap();
    let text = transcript(linden(home.path()).args(["ls", "--mine", "--local"]));
    assert!(text.starts_with("exit code: 0\n"), "{text}");
    assert!(text.contains(&name), "{text}");
    assert!(
        text.contains("runs.jsonl:1 is no run and was passed over"),
        "{text}"
    );
    let names = stdout(home.path(), &["job-names"]);
    assert_eq!(names, format!("{name}\n"));
}
