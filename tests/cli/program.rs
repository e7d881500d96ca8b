//! Whole commands: what CI and people see.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

/// The program, alone in the world: no configuration, no credentials, no colours, UTC.
pub(crate) fn linden(home: &Path) -> Command {
    let mut command = Command::cargo_bin("linden").unwrap();
    command
        .env_clear()
        .env("HOME", home)
        .env("LINDEN_HOME", home)
        .env("TZ", "UTC")
        .env("PATH", "/usr/bin:/bin");
    command
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .current_dir(home);
    command
}

/// Exit code, stdout and stderr as one text.
pub(crate) fn transcript(command: &mut Command) -> String {
    let output = command.output().unwrap();
    format!(
        "exit code: {}\n----- stdout -----\n{}\n----- stderr -----\n{}",
        output
            .status
            .code()
            .map_or("signal".to_owned(), |it| it.to_string()),
        String::from_utf8_lossy(&output.stdout).trim_end(),
        String::from_utf8_lossy(&output.stderr).trim_end()
    )
}

pub(crate) fn empty() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn the_exit_codes_are_published() {
    let home = empty();
    let text = transcript(linden(home.path()).args(["help", "exit-codes"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 0
    ----- stdout -----
    Exit codes; they never change.

        0  success; for a followed job: Completed, and every gate passed
        1  the job Failed: algorithm or user data error
        2  usage or job file error
        3  the job was Stopped by a person or the API
        4  credentials missing or expired, or access denied
        5  not found: job, image, bucket, file or model
        6  time limit: MaxRuntimeExceeded, MaxWaitTimeExceeded or pending limit
        7  no capacity or quota within the allowed window
        8  service, throttling or network, after all retries
        9  a gate failed: metric, drift, cost ceiling or digest
       10  the client's own timeout; the job still runs
       11  a job of that name or specification is there already
       12  the local engine is missing or did not start
       70  a bug in linden
      130  interrupted; the job keeps running
      143  terminated; the job keeps running
    ----- stderr -----
    "#);
}

#[test]
fn what_the_program_asks_aws_for_is_published() {
    let home = empty();
    let text = transcript(linden(home.path()).args(["help", "iam"]));
    for action in [
        "sagemaker:CreateTrainingJob",
        "iam:SimulatePrincipalPolicy",
        "servicequotas:ListServiceQuotas",
        "ecr:BatchGetImage",
        "pricing:GetProducts",
    ] {
        assert!(text.contains(action), "{action} is not in {text}");
    }
    let json = linden(home.path()).args(["help", "iam", "--json"]).output();
    let grants: serde_json::Value = serde_json::from_slice(&json.unwrap().stdout).unwrap();
    assert_eq!(grants[0]["actions"][0], "sagemaker:CreateTrainingJob");
}

#[test]
fn help_is_short_and_names_every_command() {
    let home = empty();
    let text = transcript(linden(home.path()).arg("--help"));
    insta::assert_snapshot!(text, @r#"
    exit code: 0
    ----- stdout -----
    Train tree models as SageMaker training jobs, on AWS or on this machine

    Usage: linden [OPTIONS] <COMMAND>

    Commands:
      init        Write a job file with comments, to start from
      plan        Show what `run` would do, without doing it
      doctor      Look for what would go wrong: credentials, role, quotas, image, data, cost
      run         Submit a training job, follow it, fetch its model
      ls          List training jobs, newest first
      show        Show one job: status, transitions, metrics, artifacts
      logs        Print a job's log
      metrics     Show a job's metrics round by round
      wait        Wait until jobs have ended
      stop        Stop a job
      rm          Delete the records of jobs that have ended
      clone       Print the job file of a job
      rerun       Run again what a job was asked to do
      compare     Show in what jobs differ: parameters, data, metrics, time and cost
      artifacts   List, fetch or verify what a job has written
      promote     Make a job's model the approved one, if it is better than that
      model       Look into a model, predict with it, explain it, convert it
      image       Build the training image, push it, look into it
      prices      Show the prices that costs are made of, or fetch them from AWS
      infra       The stack that jobs need on AWS: render its template, check it
      local       The SageMaker on this machine
      config      Show every value that holds for a job, and where it came from
      schema      Print the JSON Schema of job files
      completion  Print a shell's completion script
      man         Write a manual page for each command
      help        Explain a command, a topic (exit-codes, environment, errors, iam) or an error code

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Everywhere:
          --profile <NAME>      AWS profile to take credentials and region from
          --region <REGION>     AWS region
          --endpoint-url <URL>  Address to send every request to, in place of AWS
          --local               Use the SageMaker inside this program: no AWS, no credentials, state
                                under `$LINDEN_HOME/local`
          --json                Print JSON on stdout
      -q, --quiet               Say nothing but results and errors
      -v, --verbose...          Say more: every metric line, request ids, retries
          --color <WHEN>        When to colour text: auto, always or never [default: auto]

    Start with: linden plan JOBFILE, then linden run JOBFILE --local. Exit codes: linden help
    exit-codes; errors: linden help E0301.
    ----- stderr -----
    "#);
}

#[test]
fn a_job_file_to_start_from_can_be_planned_and_is_never_written_over() {
    let home = empty();
    let init = [
        "init",
        "new",
        "--account",
        "210987654321",
        "--region",
        "eu-north-1",
    ];
    let text = transcript(linden(home.path()).args(init));
    insta::assert_snapshot!(text, @r"
    exit code: 0
    ----- stdout -----
    new/job.toml
    ----- stderr -----
    next: put train.csv beside it, then linden plan new/job.toml
    ");
    let file = home.path().join("new/job.toml");
    fs::write(home.path().join("new/train.csv"), "1,2\n0,3\n").unwrap();
    let plan = ["plan", "new/job.toml", "--request"];
    let planned = linden(home.path()).args(plan).output().unwrap();
    let request: serde_json::Value = serde_json::from_slice(&planned.stdout).unwrap();
    assert_eq!(
        request["AlgorithmSpecification"]["TrainingImage"],
        format!(
            "210987654321.dkr.ecr.eu-north-1.amazonaws.com/linden-trainer:{}",
            env!("CARGO_PKG_VERSION")
        )
    );
    fs::write(&file, "mine").unwrap();
    let again = transcript(linden(home.path()).args(init));
    assert!(again.starts_with("exit code: 2\n"), "{again}");
    assert!(again.contains("`new/job.toml` is there already"), "{again}");
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
    let wrong = ["init", "--account", "12"];
    linden(home.path()).args(wrong).assert().code(2);
}

#[test]
fn help_of_a_command_and_its_flag_are_the_same() {
    let home = empty();
    let by_command = linden(home.path()).args(["help", "run"]).output().unwrap();
    let by_flag = linden(home.path())
        .args(["run", "--help"])
        .output()
        .unwrap();
    assert!(by_command.status.success());
    assert_eq!(
        String::from_utf8_lossy(&by_command.stdout).trim_end(),
        String::from_utf8_lossy(&by_flag.stdout).trim_end()
    );
}

#[test]
fn an_unknown_command_is_a_usage_error() {
    let home = empty();
    linden(home.path()).arg("frobnicate").assert().code(2);
    let text = transcript(linden(home.path()).args(["help", "frobnicate"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error[E0101]: there is no command and no topic `frobnicate`
      fix      `linden --help` lists the commands; topics are exit-codes, environment, errors and iam
    "#);
}

#[test]
fn without_a_region_the_error_says_how_to_give_one() {
    let home = empty();
    let text = transcript(linden(home.path()).arg("ls"));
    insta::assert_snapshot!(text, @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error[E0104]: no region is given
      fix      give --region, set AWS_REGION, or choose a --profile that has one
               or stay on this machine: --local
    "#);
}

#[test]
fn without_credentials_the_code_is_4() {
    let home = empty();
    let text = transcript(linden(home.path()).args(["ls", "--region", "eu-west-1"]));
    assert!(text.starts_with("exit code: 4\n"), "{text}");
    assert!(
        text.contains("--local"),
        "names the way without AWS: {text}"
    );
}

#[test]
fn an_address_where_nobody_listens_is_a_network_error() {
    let home = empty();
    let mut command = linden(home.path());
    command
        .env("AWS_ACCESS_KEY_ID", "a")
        .env("AWS_SECRET_ACCESS_KEY", "b")
        .env("AWS_MAX_ATTEMPTS", "1");
    command.args([
        "ls",
        "--region",
        "eu-west-1",
        "--endpoint-url",
        "http://127.0.0.1:9",
    ]);
    let text = transcript(&mut command);
    assert!(text.starts_with("exit code: 8\n"), "{text}");
}

const JOB: &str = r#"
schema = 1
name = "churn"
[image]
uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0"
[role]
arn = "arn:aws:iam::123456789012:role/linden-training"
[compute]
instance_types = ["ml.m5.large"]
max_runtime = "45m"
[[channel]]
name = "train"
s3 = "s3://acme-ml/churn/train/"
source = "rows.csv"
format = "csv"
[output]
s3 = "s3://acme-ml/out/"
[hyperparameters]
num_round = 50
"#;

fn with_job(text: &str) -> tempfile::TempDir {
    let home = empty();
    fs::write(home.path().join("job.toml"), text).unwrap();
    fs::write(home.path().join("rows.csv"), "1,2\n3,4\n").unwrap();
    home
}

#[test]
fn a_plan_needs_no_network_and_no_credentials() {
    let home = with_job(JOB);
    let text = transcript(linden(home.path()).args([
        "plan",
        "job.toml",
        "--set",
        "hyperparameters.eta=0.1",
    ]));
    insta::assert_snapshot!(text, @r#"
    exit code: 0
    ----- stdout -----
      job         churn-ba39f87b-1  (the last number is the attempt)
      image       123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0
      compute     1 × ml.m5.large, 30 GB, at most 45m
      data        train      1 object, 8 B to put to s3://acme-ml/churn/train/
      output      s3://acme-ml/out/
      cost        ceiling unknown: no price is known for ml.m5.large in eu-west-1
      parameters  eta = 0.1
                  num_round = 50
    ----- stderr -----
    plan ok, nothing was created
    "#);
    assert!(!home.path().join("local").exists());
}

#[test]
fn the_planned_request_is_the_one_of_the_contract() {
    let home = with_job(JOB);
    let output = linden(home.path())
        .args(["plan", "job.toml", "--request", "--name", "churn-now"])
        .output()
        .unwrap();
    let printed: contract::job::CreateTrainingJobRequest =
        serde_json::from_slice(&output.stdout).unwrap();
    let file = contract::job::JobFile::parse(JOB, &[]).unwrap();
    assert_eq!(printed, file.request(&"churn-now".parse().unwrap()));
}

#[test]
fn every_problem_of_a_job_file_is_told_with_its_place() {
    let bad = JOB
        .replace("num_round = 50", "num_rounds = 50\neta = 7")
        .replace("[compute]", "[compute]\ninstnces = 2");
    let home = with_job(&bad);
    let text = transcript(linden(home.path()).args(["run", "job.toml", "--local"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error[E0102]: unknown key `compute.instnces`
      where    job.toml:9:1
      fix      did you mean `compute.instances`?
    error[E0102]: Missing required hyperparameter: num_round
      where    job.toml:19:2
    error[E0102]: Extraneous hyperparameter found: num_rounds; did you mean `num_round`?
      where    job.toml:20:1
    error[E0102]: Hyperparameter eta: 7 is not in [0, 1]
      where    job.toml:21:1
    job.toml has 4 problems
    "#);
}

#[test]
fn a_set_without_a_value_is_a_usage_error() {
    let home = with_job(JOB);
    let text = transcript(linden(home.path()).args(["plan", "job.toml", "--set", "name"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error[E0101]: `--set name` has no key and value
      fix      write --set key.path=value, such as --set hyperparameters.num_round=50
    "#);
}
