//! Tuning jobs: what is tried, what is best, how they end.

#![expect(
    clippy::needless_pass_by_value,
    reason = "documents are made where they are passed on"
)]

use crate::client::{Local, request};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A tuning job over `x`, which the stand-in gives back as its metric.
fn tuning(name: &str, strategy: &str, ranges: Value, limits: Value) -> Value {
    let training = request("unused", "score");
    let mut definition = training.clone();
    let members = definition.as_object_mut().unwrap();
    members.remove("TrainingJobName");
    members.remove("HyperParameters");
    definition["StaticHyperParameters"] = json!({ "mode": "score" });
    definition["AlgorithmSpecification"]["MetricDefinitions"] =
        json!([{ "Name": "train:rmse", "Regex": "\\[2\\].*train-rmse:([0-9.]+)" }]);
    json!({
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": { "Type": "Minimize", "MetricName": "train:rmse" },
            "ResourceLimits": limits,
            "ParameterRanges": ranges,
            "RandomSeed": 7,
        },
        "TrainingJobDefinition": definition,
        "Tags": [{ "Key": "team", "Value": "planning" }],
    })
}

fn words(values: &[&str]) -> Value {
    json!({ "CategoricalParameterRanges": [{ "Name": "x", "Values": values }] })
}

fn describe(local: &Local, name: &str) -> Value {
    let name = json!({ "HyperParameterTuningJobName": name });
    local.sagemaker("DescribeHyperParameterTuningJob", &name)
}

fn ended(local: &Local, name: &str) -> Value {
    let start = Instant::now();
    loop {
        let job = describe(local, name);
        if !["InProgress", "Stopping"]
            .iter()
            .any(|it| job["HyperParameterTuningJobStatus"] == *it)
        {
            return job;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "{job:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn children(local: &Local, name: &str, more: Value) -> Vec<Value> {
    let mut request = json!({ "HyperParameterTuningJobName": name, "MaxResults": 100 });
    request
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let reply = local.sagemaker("ListTrainingJobsForHyperParameterTuningJob", &request);
    reply["TrainingJobSummaries"].as_array().unwrap().clone()
}

#[test]
fn a_grid_tries_every_combination_and_names_the_best() {
    let mut local = Local::start();
    let limits = json!({ "MaxParallelTrainingJobs": 2 });
    let request = tuning("grid", "Grid", words(&["3.5", "0.5", "2"]), limits);
    local.sagemaker("CreateHyperParameterTuningJob", &request);
    let job = ended(&local, "grid");
    assert_eq!(job["HyperParameterTuningJobStatus"], "Completed", "{job:#}");
    assert_eq!(job["TrainingJobStatusCounters"]["Completed"], 3);
    assert_eq!(
        job["ObjectiveStatusCounters"],
        json!({ "Succeeded": 3, "Pending": 0, "Failed": 0 })
    );
    let best = &job["BestTrainingJob"];
    assert_eq!(best["TunedHyperParameters"], json!({ "x": "0.5" }));
    assert_eq!(
        best["FinalHyperParameterTuningJobObjectiveMetric"],
        json!({ "Type": "Minimize", "MetricName": "train:rmse", "Value": 0.5 })
    );
    assert!(
        best["TrainingJobName"]
            .as_str()
            .unwrap()
            .starts_with("grid-002-"),
        "{best:#}"
    );
    let child = local.describe(best["TrainingJobName"].as_str().unwrap());
    assert_eq!(child["TuningJobArn"], job["HyperParameterTuningJobArn"]);
    assert_eq!(
        child["HyperParameters"],
        json!({ "mode": "score", "x": "0.5", "_tuning_objective_metric": "train:rmse" })
    );
    let tags = local.sagemaker(
        "ListTags",
        &json!({ "ResourceArn": child["TrainingJobArn"] }),
    );
    assert_eq!(
        tags["Tags"],
        json!([{ "Key": "team", "Value": "planning" }])
    );
    let tags = local.sagemaker(
        "ListTags",
        &json!({ "ResourceArn": job["HyperParameterTuningJobArn"] }),
    );
    assert_eq!(
        tags["Tags"],
        json!([{ "Key": "team", "Value": "planning" }])
    );
    local.restart();
    assert_eq!(
        describe(&local, "grid"),
        job,
        "it is as before after a restart"
    );
    let listed = local.sagemaker(
        "ListHyperParameterTuningJobs",
        &json!({ "NameContains": "GRI" }),
    );
    assert_eq!(
        listed["HyperParameterTuningJobSummaries"][0]["Strategy"],
        "Grid"
    );
    assert_eq!(
        local.refused("CreateHyperParameterTuningJob", &request).0,
        "ResourceInUse"
    );
}

#[test]
fn a_bayesian_search_looks_where_it_was_good_and_is_repeated_by_its_seed() {
    let local = Local::start();
    let ranges = json!({ "ContinuousParameterRanges": [{ "Name": "x", "MinValue": "0.01", "MaxValue": "10" }] });
    let limits = json!({ "MaxNumberOfTrainingJobs": 16, "MaxParallelTrainingJobs": 1 });
    let tried = |name: &str| -> Vec<f64> {
        let request = tuning(name, "Bayesian", ranges.clone(), limits.clone());
        local.sagemaker("CreateHyperParameterTuningJob", &request);
        let job = ended(&local, name);
        assert_eq!(job["HyperParameterTuningJobStatus"], "Completed", "{job:#}");
        let oldest = json!({ "SortBy": "CreationTime", "SortOrder": "Ascending" });
        let jobs = children(&local, name, oldest);
        let x = |it: &Value| it["TunedHyperParameters"]["x"].as_str().unwrap().to_owned();
        jobs.iter().map(|it| x(it).parse().unwrap()).collect()
    };
    let values = tried("bayes");
    let (first, then) = values.split_at(8);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert!(mean(then) < 0.5 * mean(first), "{values:?}");
    assert_eq!(tried("again"), values);
}

#[test]
fn training_jobs_are_sorted_by_what_they_gave() {
    let local = Local::start();
    let limits = json!({ "MaxParallelTrainingJobs": 2 });
    let request = tuning("grid", "Grid", words(&["3.5", "0.5", "2"]), limits);
    local.sagemaker("CreateHyperParameterTuningJob", &request);
    ended(&local, "grid");
    let sorted = children(
        &local,
        "grid",
        json!({ "SortBy": "FinalObjectiveMetricValue" }),
    );
    let values: Vec<&Value> = sorted
        .iter()
        .map(|it| &it["TunedHyperParameters"]["x"])
        .collect();
    assert_eq!(values, ["0.5", "2", "3.5"]);
}

#[test]
fn chance_draws_from_its_ranges_as_often_as_it_may_and_so_many_at_a_time() {
    let local = Local::start();
    let ranges = json!({ "ContinuousParameterRanges": [{ "Name": "x", "MinValue": "0.25", "MaxValue": "4", "ScalingType": "Logarithmic" }] });
    let limits = json!({ "MaxNumberOfTrainingJobs": 7, "MaxParallelTrainingJobs": 3 });
    local.sagemaker(
        "CreateHyperParameterTuningJob",
        &tuning("chance", "Random", ranges.clone(), limits.clone()),
    );
    let start = Instant::now();
    while describe(&local, "chance")["HyperParameterTuningJobStatus"] == "InProgress" {
        let running = describe(&local, "chance")["TrainingJobStatusCounters"]["InProgress"].clone();
        assert!(running.as_u64().unwrap() <= 3, "{running}");
        assert!(start.elapsed() < Duration::from_mins(1));
    }
    let job = describe(&local, "chance");
    let tried = children(&local, "chance", json!({}));
    let drawn: Vec<f64> = tried
        .iter()
        .map(|it| {
            it["TunedHyperParameters"]["x"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    assert_eq!(drawn.len(), 7);
    assert!(
        drawn.iter().all(|it| (0.25..=4.0).contains(it)),
        "{drawn:?}"
    );
    let best =
        job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"].as_f64();
    assert_eq!(best, drawn.iter().copied().reduce(f64::min));
    // The same seed tries the same, in the same order.
    local.sagemaker(
        "CreateHyperParameterTuningJob",
        &tuning("again", "Random", ranges, limits),
    );
    ended(&local, "again");
    let again = children(&local, "again", json!({}));
    for (a, b) in tried.iter().zip(&again) {
        assert_eq!(a["TunedHyperParameters"], b["TunedHyperParameters"]);
    }
}

#[test]
fn one_that_fails_does_not_end_the_others_and_all_that_fail_do() {
    let local = Local::start();
    let limits = json!({ "MaxParallelTrainingJobs": 1 });
    local.sagemaker(
        "CreateHyperParameterTuningJob",
        &tuning("some", "Grid", words(&["bad", "1"]), limits.clone()),
    );
    let job = ended(&local, "some");
    assert_eq!(job["HyperParameterTuningJobStatus"], "Completed", "{job:#}");
    assert_eq!(job["TrainingJobStatusCounters"]["NonRetryableError"], 1);
    let failed = children(&local, "some", json!({ "StatusEquals": "Failed" }));
    assert_eq!(
        failed[0]["FailureReason"],
        "AlgorithmError: UserError: x is bad, exit code: 1"
    );
    assert_eq!(failed[0]["ObjectiveStatus"], "Failed");
    let sort = json!({ "SortBy": "FinalObjectiveMetricValue" });
    let valued = children(&local, "some", sort);
    assert_eq!(valued.len(), 1, "without the one that has no value");
    assert_eq!(valued[0]["TunedHyperParameters"], json!({ "x": "1" }));
    local.sagemaker(
        "CreateHyperParameterTuningJob",
        &tuning("none", "Grid", words(&["bad"]), limits),
    );
    let job = ended(&local, "none");
    assert_eq!(job["HyperParameterTuningJobStatus"], "Failed");
    assert!(
        job["FailureReason"]
            .as_str()
            .unwrap()
            .starts_with("No objective metrics found after running 1 training jobs. One of them failed with: AlgorithmError: UserError: x is bad"),
        "{job:#}"
    );
    assert_eq!(job["BestTrainingJob"], Value::Null);
    let listed = local.sagemaker("ListHyperParameterTuningJobs", &json!({}));
    let summaries = listed["HyperParameterTuningJobSummaries"]
        .as_array()
        .unwrap();
    let names: Vec<&Value> = summaries
        .iter()
        .map(|it| &it["HyperParameterTuningJobName"])
        .collect();
    assert_eq!(names, ["none", "some"], "by name unless asked");
}

#[test]
fn a_deleted_namesakes_training_jobs_are_not_counted() {
    let local = Local::start();
    let limits = json!({ "MaxParallelTrainingJobs": 2 });
    let request = tuning("same", "Grid", words(&["2", "1"]), limits);
    local.sagemaker("CreateHyperParameterTuningJob", &request);
    ended(&local, "same");
    let name = |it: &Value| it["TrainingJobName"].as_str().unwrap().to_owned();
    let before: Vec<String> = children(&local, "same", json!({}))
        .iter()
        .map(name)
        .collect();
    local.sagemaker(
        "DeleteHyperParameterTuningJob",
        &json!({ "HyperParameterTuningJobName": "same" }),
    );
    local.sagemaker("CreateHyperParameterTuningJob", &request);
    let job = ended(&local, "same");
    assert_eq!(job["HyperParameterTuningJobStatus"], "Completed", "{job:#}");
    assert_eq!(job["TrainingJobStatusCounters"]["Completed"], 2);
    let after: Vec<String> = children(&local, "same", json!({}))
        .iter()
        .map(name)
        .collect();
    assert_eq!((before.len(), after.len()), (2, 2));
    for it in &before {
        assert!(!after.contains(it), "{it} in {after:?}");
        assert_eq!(local.describe(it)["TrainingJobStatus"], "Completed");
    }
}

#[test]
fn a_value_that_is_good_enough_ends_it() {
    let local = Local::start();
    let mut request = tuning(
        "target",
        "Grid",
        words(&["3", "1", "2", "4"]),
        json!({ "MaxParallelTrainingJobs": 1 }),
    );
    request["HyperParameterTuningJobConfig"]["TuningJobCompletionCriteria"] =
        json!({ "TargetObjectiveMetricValue": 1.5 });
    local.sagemaker("CreateHyperParameterTuningJob", &request);
    assert_eq!(
        ended(&local, "target")["TrainingJobStatusCounters"]["Completed"],
        2
    );
    request["HyperParameterTuningJobName"] = json!("tired");
    request["HyperParameterTuningJobConfig"]["TuningJobCompletionCriteria"] =
        json!({ "BestObjectiveNotImproving": { "MaxNumberOfTrainingJobsNotImproving": 1 } });
    local.sagemaker("CreateHyperParameterTuningJob", &request);
    assert_eq!(
        ended(&local, "tired")["TrainingJobStatusCounters"]["Completed"],
        3
    );
    // A value as good as the best is no improvement.
    request["HyperParameterTuningJobName"] = json!("even");
    request["HyperParameterTuningJobConfig"]["ParameterRanges"] = words(&["1", "1", "1"]);
    local.sagemaker("CreateHyperParameterTuningJob", &request);
    assert_eq!(
        ended(&local, "even")["TrainingJobStatusCounters"]["Completed"],
        2
    );
}

#[test]
fn a_stop_stops_the_training_jobs_too_and_a_restart_fails_what_ran() {
    let mut local = Local::start();
    let waiting = |name: &str| {
        let mut request = tuning(
            name,
            "Grid",
            words(&["1", "2", "3"]),
            json!({ "MaxParallelTrainingJobs": 2 }),
        );
        request["TrainingJobDefinition"]["StaticHyperParameters"]["mode"] = json!("wait");
        request
    };
    let name = |name: &str| json!({ "HyperParameterTuningJobName": name });
    let two_run = |local: &Local, name: &str| {
        let start = Instant::now();
        loop {
            let running = children(local, name, json!({ "StatusEquals": "InProgress" }));
            if running.len() == 2 {
                let of = |it: &Value| it["TrainingJobName"].as_str().unwrap().to_owned();
                for it in &running {
                    local.training(&of(it));
                }
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(30));
        }
    };
    local.sagemaker("CreateHyperParameterTuningJob", &waiting("stop"));
    two_run(&local, "stop");
    assert_eq!(
        local
            .refused("DeleteHyperParameterTuningJob", &name("stop"))
            .0,
        "ValidationException"
    );
    local.sagemaker("StopHyperParameterTuningJob", &name("stop"));
    let job = ended(&local, "stop");
    assert_eq!(job["HyperParameterTuningJobStatus"], "Stopped", "{job:#}");
    assert_eq!(job["TrainingJobStatusCounters"]["Stopped"], 2);
    let (code, message) = local.refused("StopHyperParameterTuningJob", &name("stop"));
    assert_eq!(code, "ValidationException");
    assert!(message.contains("in status Stopped"), "{message}");
    local.sagemaker("CreateHyperParameterTuningJob", &waiting("cut"));
    two_run(&local, "cut");
    local.crash();
    let job = describe(&local, "cut");
    assert_eq!(job["HyperParameterTuningJobStatus"], "Failed");
    assert!(
        job["FailureReason"]
            .as_str()
            .unwrap()
            .starts_with("InternalServerError: the local SageMaker ended")
    );
    assert_eq!(
        job["TrainingJobStatusCounters"]["RetryableError"], 2,
        "{job:#}"
    );
    local.sagemaker("DeleteHyperParameterTuningJob", &name("cut"));
    let (code, _) = local.refused("DescribeHyperParameterTuningJob", &name("cut"));
    assert_eq!(code, "ResourceNotFound");
}

#[test]
fn machines_may_be_given_for_tuning_with_others_where_they_lack() {
    let local = Local::start();
    let machine =
        |kind: &str| json!({ "InstanceType": kind, "InstanceCount": 1, "VolumeSizeInGB": 7 });
    let choices = json!({
        "AllocationStrategy": "Prioritized",
        "InstanceConfigs": [machine("ml.c5.xlarge"), machine("ml.m5.xlarge")],
    });
    for (name, machines, expected) in [
        ("one", machine("ml.m5.large"), "ml.m5.large"),
        ("many", choices, "ml.c5.xlarge"),
    ] {
        let limits = json!({ "MaxParallelTrainingJobs": 1 });
        let mut request = tuning(name, "Grid", words(&["1"]), limits);
        let definition = request["TrainingJobDefinition"].as_object_mut().unwrap();
        definition.remove("ResourceConfig");
        definition.insert("HyperParameterTuningResourceConfig".to_owned(), machines);
        local.sagemaker("CreateHyperParameterTuningJob", &request);
        let job = ended(&local, name);
        assert_eq!(job["TrainingJobStatusCounters"]["Completed"], 1, "{job:#}");
        let child = job["BestTrainingJob"]["TrainingJobName"].as_str().unwrap();
        let child = local.describe(child);
        assert_eq!(child["ResourceConfig"], machine(expected));
    }
}

#[test]
fn machines_are_given_once() {
    let local = Local::start();
    let limits = json!({ "MaxParallelTrainingJobs": 1 });
    let mut request = tuning("x", "Grid", words(&["1"]), limits);
    request["TrainingJobDefinition"]["HyperParameterTuningResourceConfig"] = json!({});
    let (_, message) = local.refused("CreateHyperParameterTuningJob", &request);
    assert!(message.contains("give one of them"), "{message}");
}

#[test]
fn what_cannot_be_tuned_is_refused_with_everything_that_is_wrong() {
    let local = Local::start();
    let mut request = tuning(
        "a-name-that-is-longer-than-thirty-two",
        "Hyperband",
        json!({ "IntegerParameterRanges": [{ "Name": "x", "MinValue": "4", "MaxValue": "2" }, { "Name": "mode", "MinValue": "1", "MaxValue": "2" }] }),
        json!({ "MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 0 }),
    );
    request["HyperParameterTuningJobConfig"]["TrainingJobEarlyStoppingType"] = json!("Auto");
    request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"] =
        json!("validation:auc");
    request["WarmStartConfig"] = json!({ "WarmStartType": "TransferLearning" });
    let (code, message) = local.refused("CreateHyperParameterTuningJob", &request);
    assert_eq!(code, "ValidationException");
    for expected in [
        "allowed is 1 to 32 letters",
        "has Random, Bayesian and Grid",
        "MinValue must not be above MaxValue",
        "TrainingJobEarlyStoppingType is `Auto`",
        "MetricDefinitions have no `validation:auc`",
        "WarmStartConfig is not there",
    ] {
        assert!(message.contains(expected), "`{expected}` in: {message}");
    }
    for (ranges, limits, expected) in [
        (
            words(&["1"]),
            json!({ "MaxParallelTrainingJobs": 2 }),
            "more than the 1 training jobs",
        ),
        (
            words(&["1", "2"]),
            json!({ "MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 1 }),
            "has 2 training jobs",
        ),
        (
            json!({ "CategoricalParameterRanges": [{ "Name": "mode", "Values": ["ok"] }] }),
            json!({ "MaxParallelTrainingJobs": 1 }),
            "`mode` is tuned and in StaticHyperParameters",
        ),
        (
            json!({ "IntegerParameterRanges": [{ "Name": "x", "MinValue": "1", "MaxValue": "2" }] }),
            json!({ "MaxParallelTrainingJobs": 1 }),
            "Grid takes CategoricalParameterRanges alone",
        ),
    ] {
        let (_, message) = local.refused(
            "CreateHyperParameterTuningJob",
            &tuning("x", "Grid", ranges, limits),
        );
        assert!(message.contains(expected), "`{expected}` in: {message}");
    }
    let mut request = tuning(
        "x",
        "Grid",
        words(&["1"]),
        json!({ "MaxParallelTrainingJobs": 1 }),
    );
    request["TrainingJobDefinition"]["RoleArn"] = json!("admin");
    assert!(
        local
            .refused("CreateHyperParameterTuningJob", &request)
            .1
            .contains("roleArn")
    );
    let listed = local.sagemaker("ListHyperParameterTuningJobs", &json!({}));
    assert_eq!(
        listed["HyperParameterTuningJobSummaries"],
        json!([]),
        "nothing was made"
    );
}
