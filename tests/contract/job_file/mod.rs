//! The job file: the sample becomes its request, and each limit lets its edge pass and refuses what lies beyond.

mod keys;
mod layers;
mod limits;
mod problems;
mod rules;

use contract::job::{JobFile, Problem};

/// A job file with every section.
const SAMPLE: &str = r#"schema = 1
name = "usage-forecast"

[image]
uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0"

[role]
arn = "arn:aws:iam::123456789012:role/linden-training"

[compute]
instance_types = ["ml.m7i.large", "ml.m5.large"]
instances = 1
volume_gb = 50
max_runtime = "45m"

[spot]
enabled = true
max_wait = "3h"

[checkpoint]
s3 = "s3://acme-ml/ckpt/{name}/{spec_hash}/"

[retry]
service_attempts = 2

[[channel]]
name = "train"
s3 = "s3://acme-ml/usage/train/"
source = "train.csv"
format = "csv"

[[channel]]
name = "validation"
s3 = "s3://acme-ml/usage/validation/"
input_mode = "fastfile"

[output]
s3 = "s3://acme-ml/out/"
kms_key = "alias/ml-out"

[hyperparameters]
objective = "count:poisson"
num_round = 400
eta = 0.05
eval_metric = ["poisson-nloglik", "mae"]

[network]
subnets = ["subnet-0a"]
security_groups = ["sg-0a"]
isolation = true

[tags]
owner = "planning@example.com"

[env]
LINDEN_LOG = "debug"
"#;

fn parse(text: &str) -> Result<JobFile, Vec<Problem>> {
    JobFile::parse(text, &[]).map_err(|it| it.0)
}

/// The sample with one text replaced by another.
fn with(from: &str, to: &str) -> Result<JobFile, Vec<Problem>> {
    assert!(SAMPLE.contains(from), "the sample does not hold {from:?}");
    parse(&SAMPLE.replacen(from, to, 1))
}

#[track_caller]
fn accepts(from: &str, to: &str) -> JobFile {
    match with(from, to) {
        Ok(file) => file,
        Err(problems) => panic!("{to:?} was refused: {problems:?}"),
    }
}

/// The change must be refused with one problem, at the line of the text that was put in.
#[track_caller]
fn refuses(from: &str, to: &str, message: &str) {
    let problems = with(from, to).expect_err("it was accepted");
    let messages: Vec<&str> = problems.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(
        messages[0].contains(message),
        "{:?} does not contain {message:?}",
        messages[0]
    );
}

fn repeated(n: usize, line: impl Fn(usize) -> String) -> String {
    (0..n).map(|it| line(it) + "\n").collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "the request is as long as it is")]
fn the_sample_becomes_this_request() {
    let file = parse(SAMPLE).unwrap();
    let name = file.job_name(1).unwrap();
    assert_eq!(
        file.request(&name).validate(),
        [],
        "the service would take it"
    );
    insta::assert_json_snapshot!(file.request(&name), @r##"
    {
      "TrainingJobName": "usage-forecast-4755298f-1",
      "HyperParameters": {
        "eta": "0.05",
        "eval_metric": "poisson-nloglik,mae",
        "num_round": "400",
        "objective": "count:poisson"
      },
      "AlgorithmSpecification": {
        "TrainingImage": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0",
        "TrainingInputMode": "File",
        "MetricDefinitions": [
          {
            "Name": "train:poisson-nloglik",
            "Regex": ".*\\[[0-9]+\\].*(?:#011|\\t)train-poisson-nloglik:([-+]?[0-9]*\\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*"
          },
          {
            "Name": "train:mae",
            "Regex": ".*\\[[0-9]+\\].*(?:#011|\\t)train-mae:([-+]?[0-9]*\\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*"
          },
          {
            "Name": "validation:poisson-nloglik",
            "Regex": ".*\\[[0-9]+\\].*(?:#011|\\t)validation-poisson-nloglik:([-+]?[0-9]*\\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*"
          },
          {
            "Name": "validation:mae",
            "Regex": ".*\\[[0-9]+\\].*(?:#011|\\t)validation-mae:([-+]?[0-9]*\\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*"
          }
        ]
      },
      "RoleArn": "arn:aws:iam::123456789012:role/linden-training",
      "InputDataConfig": [
        {
          "ChannelName": "train",
          "DataSource": {
            "S3DataSource": {
              "S3DataType": "S3Prefix",
              "S3Uri": "s3://acme-ml/usage/train/",
              "S3DataDistributionType": "FullyReplicated"
            }
          },
          "ContentType": "text/csv"
        },
        {
          "ChannelName": "validation",
          "DataSource": {
            "S3DataSource": {
              "S3DataType": "S3Prefix",
              "S3Uri": "s3://acme-ml/usage/validation/",
              "S3DataDistributionType": "FullyReplicated"
            }
          },
          "ContentType": "text/csv",
          "InputMode": "FastFile"
        }
      ],
      "OutputDataConfig": {
        "KmsKeyId": "alias/ml-out",
        "S3OutputPath": "s3://acme-ml/out/",
        "CompressionType": "GZIP"
      },
      "ResourceConfig": {
        "InstanceType": "ml.m7i.large",
        "InstanceCount": 1,
        "VolumeSizeInGB": 50
      },
      "VpcConfig": {
        "SecurityGroupIds": [
          "sg-0a"
        ],
        "Subnets": [
          "subnet-0a"
        ]
      },
      "StoppingCondition": {
        "MaxRuntimeInSeconds": 2700,
        "MaxWaitTimeInSeconds": 10800
      },
      "Tags": [
        {
          "Key": "owner",
          "Value": "planning@example.com"
        }
      ],
      "EnableNetworkIsolation": true,
      "EnableManagedSpotTraining": true,
      "CheckpointConfig": {
        "S3Uri": "s3://acme-ml/ckpt/usage-forecast/4755298f/"
      },
      "Environment": {
        "LINDEN_LOG": "debug"
      },
      "RetryStrategy": {
        "MaximumRetryAttempts": 2
      }
    }
    "##);
}

#[test]
fn equal_training_has_an_equal_hash_and_other_training_another() {
    let hash = |from: &str, to: &str| accepts(from, to).hash8();
    let sample = parse(SAMPLE).unwrap().hash8();
    assert_eq!(hash("usage-forecast", "other-name"), sample);
    assert_eq!(hash("planning@example.com", "somebody@example.com"), sample);
    assert_eq!(hash("instances = 1", "instances = 1 # one"), sample);
    assert_ne!(hash("eta = 0.05", "eta = 0.06"), sample);
    assert_ne!(
        hash("s3://acme-ml/usage/train/", "s3://acme-ml/usage/train2/"),
        sample
    );
    assert_ne!(
        hash("max_runtime = \"45m\"", "max_runtime = \"46m\""),
        sample
    );
}

#[test]
fn time_limits_are_sent_even_where_the_file_says_nothing() {
    let text = SAMPLE
        .replace("max_runtime = \"45m\"\n", "")
        .replace("enabled = true\nmax_wait = \"3h\"\n", "");
    let request = parse(&text).unwrap().request(&"j-1".parse().unwrap());
    assert_eq!(
        request.stopping_condition.unwrap().max_runtime_in_seconds,
        Some(86_400)
    );
}

#[test]
fn another_algorithms_hyperparameters_are_not_ours_to_check() {
    let uri = "uri = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0\"";
    let free = format!("{uri}\ncheck_hyperparameters = false");
    let text = SAMPLE
        .replace(uri, &free)
        .replace("num_round = 400", "epochs = 3");
    let file = parse(&text).unwrap();
    assert_eq!(file.hyperparameters["epochs"], "3");
    let request = file.request(&"j-1".parse().unwrap());
    assert!(
        request
            .algorithm_specification
            .unwrap()
            .metric_definitions
            .is_empty()
    );
}

#[test]
fn the_first_instance_type_is_asked_for_and_the_others_are_kept() {
    let file = parse(SAMPLE).unwrap();
    let types: Vec<&str> = file
        .compute
        .instance_types
        .iter()
        .map(contract::job::InstanceType::as_str)
        .collect();
    assert_eq!(types, ["ml.m7i.large", "ml.m5.large"]);
    let request = file.request(&"j-1".parse().unwrap());
    assert_eq!(
        request.resource_config.unwrap().instance_type.as_deref(),
        Some("ml.m7i.large")
    );
}

/// The job files that users copy.
#[test]
fn every_job_file_in_the_repository_becomes_a_request_that_the_service_takes() {
    let configs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs");
    let mut n_files = 0;
    for folder in std::fs::read_dir(configs).unwrap() {
        let path = folder.unwrap().path().join("job.toml");
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let file =
            JobFile::parse(&text, &[]).unwrap_or_else(|it| panic!("{}: {it}", path.display()));
        assert_eq!(
            file.request(&file.job_name(1).unwrap()).validate(),
            [],
            "{}",
            path.display()
        );
        n_files += 1;
    }
    assert!(n_files > 0, "no job file below {configs}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-z\\[\\]=\"'{}.,#\\n0-9 -]{0,200}", path in "[a-z.]{0,20}", value in "\\PC{0,20}") {
        let _ = JobFile::parse(&text, &[(path, value)]);
    }

    #[test]
    fn no_damage_to_a_good_file_makes_the_reader_panic(at in 0..SAMPLE.len(), with in "\\PC{0,3}") {
        let mut text = SAMPLE.to_owned();
        text.replace_range(at..=at, &with);
        let _ = parse(&text);
    }
}
