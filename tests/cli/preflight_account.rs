//! What `doctor` and `plan --online` find out about role, permissions, quotas, image and pools, and what they say where
//! nobody answers, not all of it comes, or it comes too late.

use std::fs;

use serde_json::{Value, json};

use crate::account::{Account, DIGEST, Pages, TRUST};
use crate::service::{Script, Service};
use crate::submitting::JOB;

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("job.toml"), JOB).unwrap();
    home
}

fn service(account: Account, others: Vec<Value>) -> Service {
    Service::start(Script {
        n_objects: 2,
        account: Some(account),
        others,
        ..Script::default()
    })
}

/// What `doctor` found, and its exit code.
struct Found {
    checks: Vec<Value>,
    code: i32,
}

impl Found {
    fn of(account: Account, others: Vec<Value>, more: &[&str]) -> Self {
        let home = home();
        let service = service(account, others);
        // The trainer's own rules would keep the job on one machine.
        let any = ["--set", "image.check_hyperparameters=false"];
        let args = [&["doctor", "job.toml", "--json"], &any[..], more].concat();
        let mut command = service.near(home.path(), &args);
        let output = command.env("AWS_MAX_ATTEMPTS", "1").output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|err| panic!("{err}: {}", String::from_utf8_lossy(&output.stderr)));
        Self {
            checks: report["checks"].as_array().unwrap().clone(),
            code: output.status.code().unwrap(),
        }
    }

    /// Verdict and detail of the checks of that name.
    fn all(&self, name: &str) -> Vec<(&str, &str)> {
        let of = |it: &&Value| it["name"] == name;
        self.checks
            .iter()
            .filter(of)
            .map(|it| {
                (
                    it["verdict"].as_str().unwrap(),
                    it["detail"].as_str().unwrap(),
                )
            })
            .collect()
    }

    fn one(&self, name: &str) -> (&str, &str) {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name}: {:?}", self.checks);
        all[0]
    }

    fn verdicts(&self, stem: &str) -> Vec<&str> {
        let of = |it: &&Value| it["name"].as_str().unwrap().starts_with(stem);
        self.checks
            .iter()
            .filter(of)
            .map(|it| it["verdict"].as_str().unwrap())
            .collect()
    }
}

#[test]
fn an_account_in_which_everything_fits_is_told_by_its_facts() {
    let found = Found::of(Account::fitting(), vec![], &[]);
    assert_eq!(found.code, 0, "{:?}", found.checks);
    let (verdict, detail) = found.one("role");
    assert_eq!(
        (verdict, detail.ends_with("trusts SageMaker")),
        ("ok", true),
        "{detail}"
    );
    let (verdict, detail) = found.one("role: read the data");
    assert_eq!(verdict, "ok");
    assert_eq!(
        detail,
        "allowed: s3:GetObject on arn:aws:s3:::acme-ml/train/object"
    );
    let (_, detail) = found.one("role: write");
    assert!(detail.contains("arn:aws:s3:::acme-ml/out/"), "{detail}");
    assert!(found.verdicts("you: ").iter().all(|it| *it == "ok"));
    assert_eq!(found.verdicts("you: ").len(), 3);
    let (verdict, detail) = found.one("image");
    assert_eq!(
        (verdict, detail),
        (
            "ok",
            format!("0.1.0 is {DIGEST} for linux/amd64, 28 MB").as_str()
        )
    );
    // The second type has AWS's default of none, and is only what the first one falls back on.
    let quotas = found.all("quota");
    assert_eq!(
        quotas[0],
        (
            "ok",
            "4 allowed, 0 in use, 1 needed: ml.m7i.large for training job usage"
        )
    );
    assert_eq!(
        quotas[1],
        (
            "warn",
            "0 allowed, AWS's default, 0 in use, 1 needed: ml.m5.large for training job usage"
        )
    );
}

#[test]
fn a_denied_action_fails_with_what_it_is_missing_on() {
    let account = Account {
        denied: vec!["s3:PutObject", "logs:PutLogEvents"],
        ..Account::fitting()
    };
    let found = Found::of(account, vec![], &[]);
    assert_eq!(found.code, 4);
    let (verdict, detail) = found.one("role: write");
    assert_eq!(verdict, "fail");
    assert!(
        detail.starts_with("denied: s3:PutObject on arn:aws:s3:::acme-ml/out/"),
        "{detail}"
    );
    let (verdict, detail) = found.one("role: log");
    assert_eq!(verdict, "warn", "a job without a log still trains");
    assert!(detail.contains("logs:PutLogEvents on arn:aws:logs:eu-west-1:123456789012:log-group:/aws/sagemaker/TrainingJobs"));
    assert_eq!(found.one("role: read the data").0, "ok");
}

#[test]
fn pages_are_read_to_the_end_and_what_does_not_come_is_unknown() {
    let of = |pages| {
        let account = Account {
            pages,
            denied: vec!["ecr:GetDownloadUrlForLayer"],
            ..Account::fitting()
        };
        Found::of(account, vec![], &[])
    };
    let each = of(Pages::Each);
    assert_eq!(
        each.one("role: pull the image").0,
        "fail",
        "the denial is on the last page"
    );
    for (pages, why) in [
        (Pages::SecondIsThrottled, "Rate exceeded"),
        (Pages::CutOff, "IAM cut its answer off"),
    ] {
        let found = of(pages);
        let (verdict, detail) = found.one("role: pull the image");
        assert_eq!(verdict, "unknown", "{detail}");
        assert!(detail.contains(why), "{detail}");
        assert_eq!(found.code, 0, "what is unknown fails nothing");
    }
}

#[test]
fn whoever_may_not_simulate_or_look_gets_the_reason_and_the_permission() {
    let account = Account {
        no_simulation: true,
        ..Account::fitting()
    };
    let found = Found::of(account, vec![], &[]);
    let (verdict, detail) = found.one("role permissions");
    assert_eq!(verdict, "unknown");
    assert!(
        detail.contains("is not authorized to perform: iam:SimulatePrincipalPolicy"),
        "{detail}"
    );
    assert_eq!(found.one("you permissions").0, "unknown");
    assert!(found.verdicts("role: ").is_empty(), "nothing is guessed");
    assert_eq!(found.code, 0);
}

#[test]
fn a_role_that_is_not_there_or_trusts_another_service_fails() {
    let none = Account {
        trust: None,
        ..Account::fitting()
    };
    let found = Found::of(none, vec![], &[]);
    assert_eq!((found.code, found.one("role").0), (5, "fail"));
    assert!(found.verdicts("role: ").is_empty());
    let lambda: &'static str = Box::leak(TRUST.replace("sagemaker", "lambda").into_boxed_str());
    let other = Account {
        trust: Some(lambda),
        ..Account::fitting()
    };
    let found = Found::of(other, vec![], &[]);
    let (verdict, detail) = found.one("role");
    assert_eq!((found.code, verdict), (4, "fail"));
    assert!(
        detail.ends_with("no statement lets sagemaker.amazonaws.com take it on"),
        "{detail}"
    );
}

#[test]
fn an_image_for_another_processor_and_one_that_is_not_there_fail() {
    let with = |architecture| Account {
        architecture,
        ..Account::fitting()
    };
    let arm = Found::of(with(Some("arm64")), vec![], &[]);
    let (verdict, detail) = arm.one("image");
    assert_eq!((arm.code, verdict), (2, "fail"));
    assert!(
        detail.ends_with("is for linux/arm64, and SageMaker trains on linux/amd64"),
        "{detail}"
    );
    let none = Found::of(with(None), vec![], &[]);
    assert_eq!((none.code, none.one("image").0), (5, "fail"));
}

/// A job that runs on two machines, or one that has ended and keeps them.
fn other(name: &str, status: &str, pool: Option<&str>) -> Value {
    json!({
        "TrainingJobName": name,
        "TrainingJobArn": format!("arn:aws:sagemaker:eu-west-1:123456789012:training-job/{name}"),
        "TrainingJobStatus": status,
        "SecondaryStatus": status,
        "CreationTime": 0.0,
        "RoleArn": "arn:aws:iam::123456789012:role/linden-training",
        "AlgorithmSpecification": { "TrainingInputMode": "File" },
        "ResourceConfig": {
            "InstanceType": "ml.m7i.large", "InstanceCount": 2, "VolumeSizeInGB": 50, "KeepAlivePeriodInSeconds": 600
        },
        "WarmPoolStatus": pool.map(|it| json!({ "Status": it })),
    })
}

#[test]
fn machines_in_use_count_against_the_quota_and_a_pool_must_fit_in_every_member() {
    let mut account = Account::fitting();
    account.quotas = vec![
        ("ml.m7i.large for training job usage", 2.0),
        ("ml.m7i.large for training warm pool usage", 8.0),
        ("ml.m5.large for training warm pool usage", 0.0),
    ];
    let others = vec![
        other("runs-1", "InProgress", None),
        other("kept-1", "Completed", Some("Available")),
    ];
    let found = Found::of(account, others, &["--set", "compute.keep_alive=10m"]);
    let quotas = found.all("quota");
    assert_eq!(quotas[0].0, "fail", "{quotas:?}");
    assert_eq!(
        quotas[0].1,
        "2 allowed, 2 in use, 1 needed: ml.m7i.large for training job usage"
    );
    assert_eq!(
        quotas[2],
        (
            "ok",
            "8 allowed, 4 in use, 1 needed: ml.m7i.large for training warm pool usage"
        )
    );
    assert_eq!(found.code, 7);
    let (verdict, detail) = found.one("warm pool");
    assert_eq!(verdict, "warn");
    assert!(
        detail.ends_with("does not fit them: InstanceCount 2, here 1; VolumeSizeInGB 50, here 30"),
        "{detail}"
    );
    let same = [
        "--set",
        "compute.keep_alive=10m",
        "--set",
        "compute.instances=2",
        "--set",
        "compute.volume_gb=50",
    ];
    let kept = vec![other("kept-1", "Completed", Some("Available"))];
    let found = Found::of(Account::fitting(), kept, &same);
    assert_eq!(
        found.one("warm pool"),
        ("ok", "the machines of kept-1 wait, and fit")
    );
}

#[test]
fn a_plan_that_looks_online_ends_as_the_doctor_does() {
    let home = home();
    let plan = ["plan", "job.toml", "--online", "--json"];
    let fitting = service(Account::fitting(), vec![]);
    let output = fitting.near(home.path(), &plan).output().unwrap();
    let planned: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(planned["preflight"]["ok"], true);
    let arm = Account {
        architecture: Some("arm64"),
        ..Account::fitting()
    };
    let output = service(arm, vec![])
        .near(home.path(), &plan[..3])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("✗ image"), "{text}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("the job would fail, nothing was created"),
        "{said}"
    );
}

#[test]
fn a_pinned_image_is_in_the_request_that_is_shown_and_in_the_one_that_is_sent() {
    let home = home();
    let service = Service::start(Script {
        n_objects: 2,
        account: Some(Account::fitting()),
        ends: vec![("Completed", "")],
        ..Script::default()
    });
    let wanted = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer@{DIGEST}");
    let plan = ["plan", "job.toml", "--pin", "--request"];
    let output = service.near(home.path(), &plan).output().unwrap();
    let request: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(request["AlgorithmSpecification"]["TrainingImage"], *wanted);
    let run = ["run", "job.toml", "--pin", "--detach"];
    service.near(home.path(), &run).assert().code(0);
    assert_eq!(service.images(), [wanted]);
    let none = Account {
        architecture: None,
        ..Account::fitting()
    };
    let empty = self::service(none, vec![]);
    empty.near(home.path(), &run).assert().code(5);
    assert!(
        empty.jobs().is_empty(),
        "nothing is submitted that cannot be pinned"
    );
}
