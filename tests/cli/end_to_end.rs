//! From a job file to a model, with the real trainer in the SageMaker inside the program.

use std::fs;
use std::path::Path;
use std::process::Command as Process;
use std::sync::Once;

use assert_cmd::Command;
use serde_json::Value;

use crate::program::{linden, transcript};

/// The program looks for the trainer beside itself. A run of the whole workspace's tests has built it; a run of these
/// tests alone builds it here, once.
fn trainer_is_built() {
    static BUILD: Once = Once::new();
    BUILD.call_once(|| {
        let program = assert_cmd::cargo::cargo_bin("linden");
        let trainer = program.with_file_name("linden-trainer");
        if trainer.is_file() {
            return;
        }
        let mut cargo = Process::new(env!("CARGO"));
        cargo.args(["build", "--package", "trainer", "--features", "s3"]);
        cargo.args(["--bin", "linden-trainer"]);
        if program.parent().is_some_and(|it| it.ends_with("release")) {
            cargo.arg("--release");
        }
        let built = cargo
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(
            built.success() && trainer.is_file(),
            "no trainer at {}",
            trainer.display()
        );
    });
}

/// A job file beside two small tables: the label is twice the first feature plus the second.
fn small_job(folder: &Path) {
    let row = |i: u32| {
        let (a, b) = (i % 17, i % 5);
        format!("{},{a},{b}\n", 2 * a + b)
    };
    fs::write(
        folder.join("train.csv"),
        (0..200).map(row).collect::<String>(),
    )
    .unwrap();
    fs::write(
        folder.join("validation.csv"),
        (200..260).map(row).collect::<String>(),
    )
    .unwrap();
    let job = r#"
schema = 1
name = "small"
[image]
uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0"
[role]
arn = "arn:aws:iam::123456789012:role/linden-training"
[compute]
instance_types = ["ml.m5.large"]
max_runtime = "10m"
[[channel]]
name = "train"
s3 = "s3://small-bucket/train/"
source = "train.csv"
format = "csv"
[[channel]]
name = "validation"
s3 = "s3://small-bucket/validation/"
source = "validation.csv"
format = "csv"
[output]
s3 = "s3://small-bucket/out/"
[hyperparameters]
objective = "reg:squarederror"
num_round = 30
eval_metric = "rmse"
feature_names = "a,b"
"#;
    fs::write(folder.join("job.toml"), job).unwrap();
}

pub(crate) fn home() -> tempfile::TempDir {
    trainer_is_built();
    let home = tempfile::tempdir().unwrap();
    small_job(home.path());
    home
}

pub(crate) fn json(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&text)
        .unwrap_or_else(|err| panic!("{err}: {text}\n{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn channels_that_the_trainer_reads_from_s3_give_the_model_of_those_that_are_brought() {
    let home = home();
    let at = || linden(home.path());
    let model = |run: &Value| {
        assert_eq!(run["status"], "Completed", "{run:#}");
        let runs = home.path().join("runs").join(run["name"].as_str().unwrap());
        fs::read(runs.join("model/xgboost-model")).unwrap()
    };
    let brought = model(&json(at().args(["run", "job.toml", "--local", "--json"])));
    let job = fs::read_to_string(home.path().join("job.toml")).unwrap();
    let streamed = job.replace("format = \"csv\"", "format = \"csv\"\nstream = true");
    fs::write(home.path().join("streamed.toml"), streamed).unwrap();
    let plan = json(at().args(["plan", "streamed.toml", "--request"]));
    assert!(plan.get("InputDataConfig").is_none(), "{plan:#}");
    let variable = &plan["Environment"]["LINDEN_CHANNEL_TRAIN"];
    assert_eq!(variable, "s3://small-bucket/train/");
    let run = json(at().args(["run", "streamed.toml", "--local", "--json"]));
    assert!(model(&run) == brought);
    let name = run["name"].as_str().unwrap();
    let log = at().args(["logs", name, "--local"]).output().unwrap();
    let log = String::from_utf8(log.stdout).unwrap();
    assert!(
        log.contains("Channel `validation` is read from s3://small-bucket/validation/: 1 objects"),
        "{log}"
    );
}

#[test]
fn a_job_file_becomes_a_model_and_every_command_finds_the_job() {
    let home = home();
    let at = || linden(home.path());
    let run = json(at().args(["run", "job.toml", "--local", "--json"]));
    let name = run["name"].as_str().unwrap();
    assert_eq!(run["status"], "Completed");
    assert_eq!(run["exit_code"], 0);
    assert_eq!(run["artifacts"]["verified"], true);
    assert_eq!(run["rounds"], 30);
    let rmse = run["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["data"] == "validation")
        .unwrap();
    assert!(
        rmse["value"].as_f64().unwrap() < 1.0,
        "a sum of two columns is easy: {rmse}"
    );
    assert!(
        home.path()
            .join("runs")
            .join(name)
            .join("model/xgboost-model")
            .is_file()
    );

    let jobs = json(at().args(["ls", "--local", "--json"]));
    assert_eq!(jobs["jobs"][0]["name"], name);
    let shown = json(at().args(["show", "@last", "--local", "--json"]));
    assert_eq!(
        (&shown["name"], &shown["rounds"]),
        (&run["name"], &run["rounds"])
    );
    at().args(["wait", &name[..8], "--local"]).assert().code(0);
    let stopped = json(at().args(["stop", name, "--local", "--json"]));
    assert_eq!(
        stopped["was_running"], false,
        "a job that has ended is left as it is"
    );

    let log = at().args(["logs", name, "--local"]).output().unwrap();
    let log = String::from_utf8(log.stdout).unwrap();
    assert_eq!(
        log.lines()
            .filter(|it| it.contains("]\ttrain-rmse:"))
            .count(),
        30,
        "{log}"
    );
    at().args(["artifacts", "get", name, "--to", "here", "--local"])
        .assert()
        .code(0);
    assert!(home.path().join("here/model.tar.gz").is_file());

    the_fetched_model_is_read(home.path());
}

fn the_fetched_model_is_read(home: &Path) {
    let at = || linden(home);
    let inspected = json(at().args(["model", "inspect", "here/model.tar.gz", "--json"]));
    assert_eq!(
        (&inspected["trees"], &inspected["objective"]),
        (&30.into(), &"reg:squarederror".into())
    );
    assert_eq!(
        inspected["importance"][0]["name"], "a",
        "the first column matters most"
    );
    fs::write(home.join("rows.csv"), "16,4\n0,0\n3,\n").unwrap();
    let predicted = at()
        .args(["model", "predict", "here", "rows.csv"])
        .output()
        .unwrap();
    let predicted = String::from_utf8(predicted.stdout).unwrap();
    let values: Vec<f32> = predicted.lines().map(|it| it.parse().unwrap()).collect();
    assert_eq!(values.len(), 3);
    assert!(
        (values[0] - 36.0).abs() < 2.0 && values[1].abs() < 2.0,
        "{values:?}"
    );
}

#[test]
fn a_second_run_is_another_attempt_and_attach_takes_the_first() {
    let home = home();
    let run = |more: &[&str]| {
        let mut command = linden(home.path());
        json(
            command
                .args(["run", "job.toml", "--local", "--json"])
                .args(more),
        )["name"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let first = run(&[]);
    assert!(first.ends_with("-1"), "{first}");
    assert_eq!(run(&["--if-exists", "attach"]), first);
    let second = run(&[]);
    assert_eq!(second, format!("{}-2", first.strip_suffix("-1").unwrap()));
    let text =
        transcript(linden(home.path()).args(["run", "job.toml", "--local", "--if-exists", "fail"]));
    assert!(text.starts_with("exit code: 11\n"), "{text}");
    // Other data is another job even if the specification is the same.
    let mut table = fs::read_to_string(home.path().join("train.csv")).unwrap();
    table.push_str("1,0,1\n");
    fs::write(home.path().join("train.csv"), table).unwrap();
    assert!(run(&["--if-exists", "attach"]).ends_with("-3"));
}

#[test]
fn a_job_that_fails_tells_why_and_ends_with_code_1() {
    let home = home();
    fs::write(home.path().join("train.csv"), "1,2,3\n4,oops,6\n").unwrap();
    let text = transcript(linden(home.path()).args(["run", "job.toml", "--local"]));
    assert!(text.starts_with("exit code: 1\n"), "{text}");
    let reason = text
        .lines()
        .find(|it| it.trim_start().starts_with("reason"))
        .unwrap_or_else(|| panic!("{text}"));
    assert!(reason.contains("oops"), "names the cell: {reason}");
    assert!(!text.contains("  model"), "there is none: {text}");
    linden(home.path())
        .args(["wait", "@last-failed", "--local"])
        .assert()
        .code(1);
}

#[test]
fn a_failed_job_is_attached_to_as_it_is_and_done_again_on_request() {
    let home = home();
    fs::write(home.path().join("train.csv"), "1,2,3\n4,oops,6\n").unwrap();
    let run = |policy: &str| {
        let policy = [
            "run",
            "job.toml",
            "--local",
            "--json",
            "--if-exists",
            policy,
        ];
        json(linden(home.path()).args(policy))["name"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let first = run("new");
    assert_eq!(run("attach"), first);
    let second = run("rerun-failed");
    assert_eq!(second, format!("{}-2", first.strip_suffix("-1").unwrap()));
}

#[test]
fn a_source_that_is_not_there_is_told_before_anything_starts() {
    let home = home();
    fs::remove_file(home.path().join("validation.csv")).unwrap();
    let text = transcript(linden(home.path()).args(["run", "job.toml", "--local"]));
    assert!(text.starts_with("exit code: 5\n"), "{text}");
    assert!(
        text.contains("channel `validation`: source `validation.csv` is not there"),
        "{text}"
    );
    assert!(!home.path().join("local").exists(), "no server was started");
}

#[test]
fn a_detached_local_job_is_refused_since_it_would_end_with_the_command() {
    let home = home();
    let text = transcript(linden(home.path()).args(["run", "job.toml", "--local", "--detach"]));
    assert!(text.starts_with("exit code: 2\n"), "{text}");
    assert!(text.contains("linden local up"), "{text}");
}

/// `local up` serves other commands, and ends well when it is asked to.
#[test]
fn a_server_of_its_own_runs_detached_jobs() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let home = home();
    let mut server = Process::new(assert_cmd::cargo::cargo_bin("linden"));
    server
        .args(["local", "up", "--port", "0"])
        .env("LINDEN_HOME", home.path())
        .current_dir(home.path());
    let mut server = server
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(
        line.starts_with("export AWS_ENDPOINT_URL=http://127.0.0.1:"),
        "{line}"
    );

    let name = linden(home.path())
        .args(["run", "job.toml", "--local", "--detach"])
        .output()
        .unwrap();
    let name = String::from_utf8(name.stdout).unwrap().trim().to_owned();
    linden(home.path())
        .args(["wait", &name, "--local", "--timeout", "60s"])
        .assert()
        .code(0);

    Process::new("kill")
        .args(["-TERM", &server.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

/// Its SageMaker lives in the command, so the job cannot go on without it.
#[test]
fn ctrl_c_stops_a_local_job_and_says_so() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let home = home();
    let mut run = Process::new(assert_cmd::cargo::cargo_bin("linden"));
    run.args([
        "run",
        "job.toml",
        "--local",
        "-v",
        "--set",
        "hyperparameters.num_round=1000000",
    ])
    .env("LINDEN_HOME", home.path())
    .current_dir(home.path())
    .stdout(Stdio::null())
    .stderr(Stdio::piped());
    let mut run = run.spawn().unwrap();
    let mut said = BufReader::new(run.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert!(
        said.any(|it| it.contains("]\ttrain-rmse:")),
        "the first round is told"
    );
    let pid = run.id().to_string();
    assert!(
        Process::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert!(
        said.any(|it| it.contains("Stopping the job")),
        "it says what it does"
    );
    let last = said.last().unwrap_or_default();
    assert!(last.ends_with("Stopped"), "{last}");
    assert_eq!(run.wait().unwrap().code(), Some(130));
    linden(home.path())
        .args(["wait", "@last", "--local"])
        .assert()
        .code(3);
}

/// The first run has the SageMaker in it; the second asks that one.
#[test]
fn a_run_outlives_the_run_whose_sagemaker_it_uses() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let home = home();
    let start = |name: &str, rounds: &str| {
        let mut run = Process::new(assert_cmd::cargo::cargo_bin("linden"));
        run.args([
            "run", "job.toml", "--local", "--name", name, "--set", rounds,
        ])
        .env("LINDEN_HOME", home.path())
        .current_dir(home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
        let mut run = run.spawn().unwrap();
        let mut said = BufReader::new(run.stderr.take().unwrap())
            .lines()
            .map(Result::unwrap);
        assert!(
            said.any(|it| it.contains("]\ttrain-rmse:")),
            "{name} trains"
        );
        (run, said)
    };
    let (mut first, first_said) = start("first", "hyperparameters.num_round=1000000");
    let (mut second, second_said) = start("second", "hyperparameters.num_round=5000");
    let pid = first.id().to_string();
    Process::new("kill").args(["-INT", &pid]).status().unwrap();
    let second_said: Vec<String> = second_said.collect();
    assert_eq!(second.wait().unwrap().code(), Some(0), "{second_said:#?}");
    let first_said: Vec<String> = first_said.collect();
    assert_eq!(first.wait().unwrap().code(), Some(130), "{first_said:#?}");
}

#[test]
fn a_taken_port_names_the_option_that_helps() {
    let home = home();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let text = transcript(linden(home.path()).args(["local", "up", "--port", &port]));
    assert!(text.starts_with("exit code: 12\n"), "{text}");
    assert!(text.contains("--port; 0"), "{text}");
}

#[test]
fn a_folder_or_a_binary_file_is_a_wrong_job_file_and_no_failed_job() {
    let home = home();
    std::fs::write(home.path().join("binary.toml"), [0xff, 0xfe, 0]).unwrap();
    for path in [".", "binary.toml"] {
        let text = transcript(linden(home.path()).args(["plan", path]));
        assert!(text.starts_with("exit code: 2\n"), "{text}");
        assert!(text.contains("is not a job file"), "{text}");
    }
}
