//! Submitting against a service that has no machines, loses answers, throttles, or does not know the credentials any more:
//! each ends with its documented exit code, and says what happened.

use std::fs;

use crate::program::transcript;
use crate::service::{Create, Script, Service};

pub(crate) const JOB: &str = r#"
schema = 1
name = "churn"
[image]
uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0"
[role]
arn = "arn:aws:iam::123456789012:role/linden-training"
[compute]
instance_types = ["ml.m7i.large", "ml.m5.large"]
max_runtime = "45m"
[[channel]]
name = "train"
s3 = "s3://acme-ml/train/"
[output]
s3 = "s3://acme-ml/out/"
[hyperparameters]
num_round = 50
"#;

const NO_CAPACITY: &str = "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type.";
const ALGORITHM: &str = "AlgorithmError: UserError: `x` is not a number";

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("job.toml"), JOB).unwrap();
    home
}

fn service(script: Script) -> Service {
    Service::start(Script {
        n_objects: 2,
        ..script
    })
}

/// Runs `linden run job.toml` with more arguments.
fn run(service: &Service, more: &[&str]) -> String {
    let home = home();
    let args: Vec<&str> = ["run", "job.toml"].iter().chain(more).copied().collect();
    transcript(&mut service.near(home.path(), &args))
}

fn types(service: &Service) -> Vec<String> {
    let numbered =
        |(name, of): &(String, String)| format!("{} {of}", name.rsplit('-').next().unwrap());
    service.jobs().iter().map(numbered).collect()
}

#[test]
fn without_capacity_the_next_type_is_tried_and_an_algorithm_error_ends_it() {
    let service = service(Script {
        ends: vec![("Failed", NO_CAPACITY), ("Failed", ALGORITHM)],
        ..Script::default()
    });
    let text = run(&service, &[]);
    assert!(text.starts_with("exit code: 1\n"), "{text}");
    assert!(
        text.contains("again: no capacity for ml.m7i.large; trying ml.m5.large\n"),
        "{text}"
    );
    assert!(text.contains(ALGORITHM), "{text}");
    assert_eq!(types(&service), ["1 ml.m7i.large", "2 ml.m5.large"]);
}

#[test]
fn without_any_capacity_the_code_is_7_after_one_pass() {
    let service = service(Script {
        ends: vec![("Failed", NO_CAPACITY); 9],
        ..Script::default()
    });
    let text = run(&service, &[]);
    assert!(text.starts_with("exit code: 7\n"), "{text}");
    assert_eq!(types(&service), ["1 ml.m7i.large", "2 ml.m5.large"]);
}

#[test]
fn within_the_window_the_first_type_is_asked_again() {
    let service = service(Script {
        ends: vec![
            ("Failed", NO_CAPACITY),
            ("Failed", NO_CAPACITY),
            ("Stopped", ""),
        ],
        ..Script::default()
    });
    let text = run(&service, &["--set", "retry.window=10m"]);
    assert!(text.starts_with("exit code: 3\n"), "{text}");
    assert!(text.contains("trying ml.m7i.large in "), "{text}");
    assert_eq!(
        types(&service),
        ["1 ml.m7i.large", "2 ml.m5.large", "3 ml.m7i.large"]
    );
}

#[test]
fn a_refusal_for_capacity_falls_back_without_a_job() {
    let refusal = Create::Refused("InsufficientCapacityException", "none left");
    let service = service(Script {
        creates: [refusal].into(),
        ..Script::default()
    });
    let text = run(&service, &["--detach"]);
    assert!(text.starts_with("exit code: 0\n"), "{text}");
    assert_eq!(types(&service), ["1 ml.m5.large"]);
}

#[test]
fn a_quota_is_not_tried_around() {
    let message =
        "The account-level service limit 'ml.m7i.large for training job usage' is 0 Instances";
    let service = service(Script {
        creates: [Create::Refused("ResourceLimitExceeded", message)].into(),
        ..Script::default()
    });
    let text = run(&service, &["--detach"]);
    insta::assert_snapshot!(text, @r"
    exit code: 7
    ----- stdout -----

    ----- stderr -----
    error[E0306]: CreateTrainingJob failed: The account-level service limit 'ml.m7i.large for training job usage' is 0 Instances
      code     ResourceLimitExceeded
      fix      ask for a higher quota in Service Quotas, or take another instance type
    ");
    assert_eq!(service.n_calls("createtrainingjob"), 1);
}

#[test]
fn what_sagemaker_broke_is_tried_again_only_where_the_file_says_so() {
    let ends = || {
        vec![
            ("Failed", "InternalServerError: we failed"),
            ("Stopped", ""),
        ]
    };
    let script = |ends| Script {
        ends,
        ..Script::default()
    };
    let once = service(script(ends()));
    assert!(run(&once, &[]).starts_with("exit code: 8\n"));
    assert_eq!(once.jobs().len(), 1);
    let twice = service(script(ends()));
    let text = run(&twice, &["--set", "retry.on=[\"internal\"]"]);
    assert!(text.starts_with("exit code: 3\n"), "{text}");
    assert_eq!(types(&twice), ["1 ml.m7i.large", "2 ml.m7i.large"]);
}

#[test]
fn an_answer_that_was_lost_is_no_second_job() {
    let service = service(Script {
        creates: [Create::MadeAndLost].into(),
        ..Script::default()
    });
    let text = run(&service, &["--detach"]);
    assert!(text.starts_with("exit code: 0\n"), "{text}");
    assert!(text.contains("submitted churn-"), "{text}");
    assert_eq!(service.jobs().len(), 1);
    assert!(
        service.n_calls("createtrainingjob") > 1,
        "the SDK asked again"
    );
    assert_eq!(
        service.n_calls("describetrainingjob"),
        1,
        "and the name was looked into"
    );
}

#[test]
fn a_name_that_somebody_else_took_in_this_moment_is_left_to_them() {
    let service = service(Script {
        creates: [Create::Taken].into(),
        ..Script::default()
    });
    let text = run(&service, &["--detach"]);
    assert!(text.starts_with("exit code: 0\n"), "{text}");
    let names: Vec<String> = service.jobs().into_iter().map(|it| it.0).collect();
    assert!(
        names[0].ends_with("-1") && names[1].ends_with("-2"),
        "{names:?}"
    );
    assert!(text.contains(&format!("submitted {}", names[1])), "{text}");
}

#[test]
fn throttling_is_waited_out_and_at_last_said() {
    let throttled = ("ThrottlingException", "Rate exceeded");
    let survived = service(Script {
        errors: (2, throttled),
        ..Script::default()
    });
    let text = run(&survived, &["--detach"]);
    assert!(text.starts_with("exit code: 0\n"), "{text}");
    assert!(!text.contains("Throttl"), "it is not worth a word: {text}");
    let storm = service(Script {
        errors: (usize::MAX, throttled),
        ..Script::default()
    });
    let text = run(&storm, &["--detach"]);
    insta::assert_snapshot!(text, @r"
    exit code: 8
    ----- stdout -----

    ----- stderr -----
    error[E0308]: ListTrainingJobs failed: Rate exceeded
      code     ThrottlingException
      fix      too many calls on this account; try again in a minute
    ");
    assert_eq!(
        storm.n_calls("listtrainingjobs"),
        3,
        "AWS_MAX_ATTEMPTS holds"
    );
    assert!(storm.jobs().is_empty());
}

#[test]
fn expired_credentials_end_with_code_4_and_the_way_to_new_ones() {
    let expired = (
        "ExpiredTokenException",
        "The security token included in the request is expired",
    );
    let service = service(Script {
        errors: (usize::MAX, expired),
        ..Script::default()
    });
    let text = run(&service, &["--detach"]);
    insta::assert_snapshot!(text, @r"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    error[E0301]: ListTrainingJobs failed: The security token included in the request is expired
      code     ExpiredTokenException
      fix      give --profile NAME, sign in (`aws sso login`), or try without AWS: --local
    ");
}

#[test]
fn what_is_there_already_is_taken_left_or_done_again_by_the_policy() {
    let earlier = |end: (&'static str, &'static str)| {
        let service = service(Script {
            ends: vec![end],
            ..Script::default()
        });
        assert!(run(&service, &["--detach"]).starts_with("exit code: 0\n"));
        service
    };
    let policy = |service: &Service, policy: &str| {
        let text = run(service, &["--detach", "--if-exists", policy]);
        let said = |it: &str| it.starts_with("submitted") || it.starts_with("attached");
        let line = text.lines().find(|it| said(it)).unwrap_or("nothing");
        let code = text
            .lines()
            .next()
            .unwrap()
            .trim_start_matches("exit code: ")
            .to_owned();
        (
            code,
            line.split(' ').next().unwrap().to_owned(),
            service.jobs().len(),
        )
    };
    let expected = |code: &str, what: &str, n| (code.to_owned(), what.to_owned(), n);
    for running in [("InProgress", ""), ("Completed", "")] {
        let service = earlier(running);
        assert_eq!(policy(&service, "attach"), expected("0", "attached", 1));
        assert_eq!(
            policy(&service, "rerun-failed"),
            expected("0", "attached", 1)
        );
        assert_eq!(policy(&service, "fail"), expected("11", "nothing", 1));
        assert_eq!(policy(&service, "new"), expected("0", "submitted", 2));
    }
    for ended in [("Failed", ALGORITHM), ("Stopped", "")] {
        let service = earlier(ended);
        assert_eq!(policy(&service, "attach"), expected("0", "attached", 1));
        assert_eq!(
            policy(&service, "rerun-failed"),
            expected("0", "submitted", 2)
        );
    }
}

#[test]
fn other_data_is_another_job_although_the_specification_is_the_same() {
    let home = home();
    let small = service(Script {
        ends: vec![("Completed", "")],
        ..Script::default()
    });
    let attach = ["run", "job.toml", "--detach", "--if-exists", "attach"];
    for expected in ["submitted", "attached"] {
        let text = transcript(&mut small.near(home.path(), &attach));
        assert!(text.contains(expected), "{text}");
    }
    small.put_object();
    let text = transcript(&mut small.near(home.path(), &attach));
    assert!(
        text.contains("submitted churn-") && small.jobs().len() == 2,
        "{text}"
    );
}

#[test]
fn a_job_that_may_cost_too_much_is_not_submitted() {
    let service = service(Script::default());
    let home = home();
    let prices = r#"{"as_of": "2026-11-01", "source": "ours", "currency": "USD",
        "training": {"eu-west-1": {"ml.m7i.large": 0.2, "ml.m5.large": 0.4}}}"#;
    fs::write(home.path().join("prices.json"), prices).unwrap();
    let mut command = service.near(
        home.path(),
        &["run", "job.toml", "--detach", "--max-cost", "0.29"],
    );
    let text = transcript(command.env("LINDEN_PRICES", "prices.json"));
    insta::assert_snapshot!(text, @r"
    exit code: 9
    ----- stdout -----

    ----- stderr -----
    error[E0106]: the job may cost $0.30, and --max-cost is $0.29
      fix      lower compute.max_runtime or take a cheaper type: 1 × 45m × $0.4/h (ml.m5.large)
    ");
    assert!(service.jobs().is_empty());
    let mut command = service.near(
        home.path(),
        &["run", "job.toml", "--detach", "--max-cost", "0.30"],
    );
    command.env("LINDEN_PRICES", "prices.json").assert().code(0);
}

#[test]
fn a_channel_without_objects_is_told_before_the_job_is_made() {
    let service = Service::start(Script::default());
    let text = run(&service, &["--detach"]);
    insta::assert_snapshot!(text, @r"
    exit code: 5
    ----- stdout -----

    ----- stderr -----
    error[E0202]: channel `train`: nothing is at s3://acme-ml/train/
      fix      check the prefix; what it names must begin the keys of the objects
    ");
    assert!(service.jobs().is_empty());
}
