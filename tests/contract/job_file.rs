//! The job file: the sample becomes its request, and each limit lets its edge pass and refuses what lies beyond.

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
fn a_name_leaves_room_for_hash_and_attempt() {
    let longest = "n".repeat(51);
    let file = accepts("usage-forecast", &longest);
    assert_eq!(file.job_name(99).unwrap().as_str().len(), 63);
    refuses(
        "usage-forecast",
        &"n".repeat(52),
        "allowed is 1 to 51 letters",
    );
    refuses("usage-forecast", "-n", "no hyphen at either end");
    refuses("usage-forecast", "a_b", "allowed is 1 to 51 letters");
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
fn hyperparameters_are_at_most_a_hundred() {
    let more = |n| {
        format!(
            "num_round = 400\n{}",
            repeated(n, |it| format!("sagemaker_{it} = 1"))
        )
    };
    accepts("num_round = 400", &more(96));
    refuses(
        "num_round = 400",
        &more(97),
        "`hyperparameters` has 101 entries, allowed is 100 at most",
    );
}

#[test]
fn hyperparameter_texts_are_limited() {
    let key = |n| {
        format!(
            "num_round = 400\nsagemaker_{} = 1",
            "k".repeat(n - "sagemaker_".len())
        )
    };
    accepts("num_round = 400", &key(256));
    refuses(
        "num_round = 400",
        &key(257),
        "name has at most 256 characters",
    );
    let value = |n| format!("num_round = 400\nsagemaker_x = \"{}\"", "v".repeat(n));
    assert!(accepts("num_round = 400", &value(256)).warnings.is_empty());
    assert_eq!(accepts("num_round = 400", &value(2500)).warnings.len(), 1);
    refuses(
        "num_round = 400",
        &value(2501),
        "has 2501 characters, allowed is 2500 at most",
    );
}

#[test]
fn hyperparameters_are_checked_by_the_table_at_their_line() {
    let problems = with("eta = 0.05", "learning_rate = 2").unwrap_err();
    let [problem] = &problems[..] else {
        panic!("{problems:?}")
    };
    assert_eq!(problem.message, "Hyperparameter eta: 2 is not in [0, 1]");
    let line = SAMPLE.lines().position(|it| it.starts_with("eta")).unwrap() + 1;
    assert_eq!((problem.line, problem.column), (Some(line), Some(1)));
    assert_eq!(problem.key, "hyperparameters.learning_rate");
    refuses(
        "num_round = 400",
        "num_rounds = 400\nnum_round = 1",
        "Extraneous hyperparameter found: num_rounds; did you mean `num_round`?",
    );
    refuses(
        "num_round = 400",
        "",
        "Missing required hyperparameter: num_round",
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
fn environment_variables_are_limited() {
    let more = |n| repeated(n, |it| format!("V{it} = \"1\""));
    accepts("LINDEN_LOG = \"debug\"", &more(100));
    refuses(
        "LINDEN_LOG = \"debug\"",
        &more(101),
        "`env` has 101 entries, allowed is 100 at most",
    );
    accepts("LINDEN_LOG", "_a1");
    refuses("LINDEN_LOG", "\"1a\"", "allowed is a letter or `_`");
    accepts("LINDEN_LOG", &"K".repeat(512));
    refuses("LINDEN_LOG", &"K".repeat(513), "512 at most");
    accepts("debug", &"v".repeat(512));
    refuses(
        "debug",
        &"v".repeat(513),
        "has 513 characters, allowed is 512 at most",
    );
}

#[test]
fn secrets_are_refused_without_repeating_them() {
    accepts("LINDEN_LOG", "DB_HOST");
    accepts(
        "LINDEN_LOG = \"debug\"",
        "DB_SECRET = \"arn:aws:secretsmanager:eu-west-1:123456789012:secret:db\"",
    );
    refuses(
        "LINDEN_LOG",
        "DB_PASSWORD",
        "`env.DB_PASSWORD` looks like a secret",
    );
    let problems = with("debug", "AKIAIOSFODNN7EXAMPLE").unwrap_err();
    assert!(problems[0].message.contains("an AWS access key"));
    assert!(
        !problems[0].message.contains("AKIA"),
        "{}",
        problems[0].message
    );
    refuses(
        "num_round = 400",
        "num_round = 400\nsagemaker_token = \"abc\"",
        "looks like a secret",
    );
}

#[test]
fn channels_are_at_least_one_and_at_most_twenty() {
    let free = |n: usize| {
        let text = SAMPLE.replace(
            "linden-trainer:0.1.0\"",
            "other:1\"\ncheck_hyperparameters = false",
        );
        let extra = repeated(n, |it| {
            format!("[[channel]]\nname = \"c{it}\"\ns3 = \"s3://acme-ml/c{it}/\"")
        });
        parse(&text.replace("[output]", &format!("{extra}[output]")))
    };
    assert_eq!(free(18).unwrap().channels.len(), 20);
    let problems = free(19).unwrap_err();
    assert_eq!(
        problems[0].message,
        "`channel` has 21 entries, allowed is 20 at most"
    );
    let none = SAMPLE.split("[[channel]]").next().unwrap().to_owned()
        + SAMPLE
            .split_once("[output]")
            .map(|it| "[output]".to_owned() + it.1)
            .unwrap()
            .as_str();
    let problems = parse(&none).unwrap_err();
    assert!(
        problems[0].message.contains("`[[channel]]` is missing"),
        "{problems:?}"
    );
}

#[test]
fn channel_names_are_train_and_validation_each_once() {
    refuses(
        "name = \"validation\"",
        "name = \"test\"",
        "Extraneous channel found: test",
    );
    refuses(
        "name = \"validation\"",
        "name = \"train\"",
        "which another channel is called already",
    );
    refuses(
        "name = \"validation\"",
        "name = \"a b\"",
        "allowed is 1 to 64 letters, digits, `.`, `-` and `_`",
    );
    let problems = with("name = \"train\"", "name = \"Train\"").unwrap_err();
    let messages: Vec<&str> = problems.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "Missing required channel: train",
            "Extraneous channel found: Train; allowed are `train` and `validation`"
        ]
    );
}

#[test]
fn channel_formats_become_content_types() {
    let sent = |format: &str| {
        let request = accepts("format = \"csv\"", &format!("format = \"{format}\""))
            .request(&"j-1".parse().unwrap());
        request
            .input_data_config
            .into_iter()
            .map(|it| it.content_type.unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        sent("libsvm"),
        ["text/libsvm", "text/libsvm"],
        "validation follows train"
    );
    assert_eq!(
        sent("text/csv;label_size=1"),
        ["text/csv;label_size=1", "text/csv;label_size=1"]
    );
    let problems = with("format = \"csv\"", "format = \"parquet\"").unwrap_err();
    assert!(
        problems[0]
            .message
            .contains("is not supported; use `csv` or `libsvm`"),
        "{problems:?}"
    );
    let problems = with("format = \"csv\"", "format = \"xls\"").unwrap_err();
    assert!(
        problems[0]
            .message
            .contains("`xls` is not an accepted ContentType"),
        "{problems:?}"
    );
    refuses("fastfile", "pipe", "use `fastfile`");
}

#[test]
fn tags_are_limited() {
    let more = |n| repeated(n, |it| format!("t{it} = \"1\""));
    accepts("owner = \"planning@example.com\"", &more(50));
    refuses(
        "owner = \"planning@example.com\"",
        &more(51),
        "`tags` has 51 entries, allowed is 50 at most",
    );
    accepts("owner", &"k".repeat(128));
    refuses("owner", &"k".repeat(129), "1 to 128 letters");
    accepts("planning@example.com", &"v".repeat(256));
    refuses(
        "planning@example.com",
        &"v".repeat(257),
        "at most 256 letters",
    );
    refuses("owner", "\"aws:owner\"", "AWS's own");
    refuses("planning@example.com", "a;b", "at most 256 letters");
}

#[test]
fn a_spot_job_waits_at_least_as_long_as_it_runs() {
    accepts("max_wait = \"3h\"", "max_wait = \"45m\"");
    refuses(
        "max_wait = \"3h\"",
        "max_wait = \"44m59s\"",
        "`spot.max_wait` is `44m59s`, allowed is `compute.max_runtime` (`45m`) or more",
    );
    refuses("max_wait = \"3h\"", "", "`spot.max_wait` is missing");
    refuses(
        "enabled = true",
        "enabled = false",
        "only goes with `spot.enabled = true`",
    );
}

#[test]
fn spot_machines_are_not_kept() {
    accepts("volume_gb = 50", "volume_gb = 50\nkeep_alive = \"0s\"");
    refuses(
        "volume_gb = 50",
        "volume_gb = 50\nkeep_alive = \"10m\"",
        "must be `0s` with `spot.enabled`",
    );
    let on_demand = SAMPLE.replace("enabled = true\nmax_wait = \"3h\"\n", "");
    let kept = |period: &str| {
        parse(&on_demand.replace("volume_gb = 50", &format!("keep_alive = \"{period}\"")))
    };
    let request = kept("6h").unwrap().request(&"j-1".parse().unwrap());
    assert_eq!(
        request
            .resource_config
            .unwrap()
            .keep_alive_period_in_seconds,
        Some(21_600)
    );
    assert!(
        kept("6h1s").unwrap_err()[0]
            .message
            .contains("allowed is 0s to 6h")
    );
}

#[test]
fn compute_is_limited() {
    accepts("max_runtime = \"45m\"", "max_runtime = \"1s\"");
    refuses(
        "max_runtime = \"45m\"",
        "max_runtime = \"0s\"",
        "allowed is 1s to 28d",
    );
    refuses(
        "max_runtime = \"45m\"",
        "max_runtime = \"28d1s\"",
        "allowed is 1s to 28d",
    );
    refuses(
        "max_runtime = \"45m\"",
        "max_runtime = 45",
        "is an integer, expected a duration such as `\"45m\"`",
    );
    accepts("volume_gb = 50", "volume_gb = 1");
    refuses(
        "volume_gb = 50",
        "volume_gb = 0",
        "`compute.volume_gb` is `0`, allowed is 1 or more",
    );
    refuses(
        "instances = 1",
        "instances = 0",
        "`compute.instances` is `0`, allowed is 1 or more",
    );
    accepts("volume_gb = 50", "max_pending = \"2h\"");
    refuses(
        "volume_gb = 50",
        "max_pending = \"1h59m\"",
        "allowed is 2h to 28d",
    );
    refuses("\"ml.m5.large\"", "\"m5.large\"", "`ml.<family>.<size>`");
    refuses(
        "\"ml.m5.large\"",
        "\"ml.m7i.large\"",
        "which is there twice",
    );
    refuses(
        "[\"ml.m7i.large\", \"ml.m5.large\"]",
        "[]",
        "expected one type at least",
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

#[test]
fn retries_and_networks_are_limited() {
    accepts("service_attempts = 2", "service_attempts = 30");
    refuses(
        "service_attempts = 2",
        "service_attempts = 31",
        "allowed is 1 to 30",
    );
    refuses(
        "service_attempts = 2",
        "service_attempts = 0",
        "allowed is 1 to 30",
    );
    refuses(
        "security_groups = [\"sg-0a\"]",
        "",
        "`network.security_groups` is missing",
    );
    refuses(
        "[\"sg-0a\"]",
        "[\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]",
        "has 6 entries, allowed is 5 at most",
    );
    accepts("[\"sg-0a\"]", "[\"a\", \"b\", \"c\", \"d\", \"e\"]");
    refuses(
        "subnet-0a",
        "subnet 0a",
        "1 to 32 letters, digits and hyphens",
    );
}

#[test]
fn addresses_must_be_s3_roles_and_images() {
    refuses(
        "s3://acme-ml/out/",
        "https://acme-ml/out/",
        "`s3://<bucket>/<key>`",
    );
    refuses(
        "s3://acme-ml/out/",
        "s3://AcmeMl/out/",
        "lower-case letters",
    );
    refuses(
        "{spec_hash}",
        "{date}",
        "allowed between braces are `{name}` and `{spec_hash}`",
    );
    refuses(
        "arn:aws:iam::123456789012:role/linden-training",
        "linden-training",
        "`arn:aws:iam::<12 digits>:role/<name>`",
    );
    refuses("linden-trainer:0.1.0", "linden trainer", "without spaces");
    refuses("alias/ml-out", "", "allowed is a key's id, ARN or alias");
}

#[test]
fn unknown_keys_get_the_nearest_known_one() {
    let problems = with("volume_gb", "volume_gib").unwrap_err();
    assert_eq!(problems[0].message, "unknown key `compute.volume_gib`");
    assert_eq!(
        problems[0].hint.as_deref(),
        Some("did you mean `compute.volume_gb`?")
    );
    assert_eq!(
        problems[0].line,
        Some(
            SAMPLE
                .lines()
                .position(|it| it.starts_with("volume_gb"))
                .unwrap()
                + 1
        )
    );
    refuses(
        "[spot]\nenabled = true\nmax_wait = \"3h\"",
        "[sport]\nenabled = true",
        "unknown key `sport`",
    );
    refuses("schema = 1", "schema = 2", "`schema` is `2`");
    refuses("schema = 1\n", "", "`schema` is missing");
}

#[test]
fn every_problem_is_reported_at_once_in_the_order_of_the_file() {
    let text = SAMPLE
        .replace("usage-forecast\"", "usage_forecast\"")
        .replace("volume_gb = 50", "volume_gb = -1")
        .replace("max_wait = \"3h\"", "max_wait = \"soon\"")
        .replace("format = \"csv\"", "format = \"xls\"")
        .replace("eta = 0.05", "eta = \"fast\"");
    let problems = parse(&text).unwrap_err();
    let keys: Vec<&str> = problems.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "name",
            "compute.volume_gb",
            "spot.max_wait",
            "channel[0].format",
            "channel[1].format",
            "hyperparameters.eta"
        ]
    );
    assert!(problems.iter().all(|it| it.line.is_some()));
    assert!(problems.windows(2).all(|it| it[0].line <= it[1].line));
}

#[test]
fn an_empty_file_is_told_everything_that_it_needs() {
    let problems = parse("").unwrap_err();
    let keys: Vec<&str> = problems.iter().map(|it| it.key.as_str()).collect();
    for key in [
        "schema",
        "name",
        "image.uri",
        "role.arn",
        "compute.instance_types",
        "channel",
        "output.s3",
    ] {
        assert!(keys.contains(&key), "{key} is not in {keys:?}");
    }
}

#[test]
fn syntax_errors_have_a_line_and_nothing_follows_from_them() {
    let problems = with("volume_gb = 50", "volume_gb = ").unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(
        problems[0].line,
        Some(
            SAMPLE
                .lines()
                .position(|it| it.starts_with("volume_gb"))
                .unwrap()
                + 1
        )
    );
}

#[test]
fn overrides_reach_every_section() {
    let set = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        JobFile::parse(SAMPLE, &pairs)
    };
    let file = set(&[
        ("compute.max_runtime", "10m"),
        ("hyperparameters.eta", "0.1"),
        ("channel.validation.s3", "s3://acme-ml/other/"),
        ("channel.0.source", "other.csv"),
        ("tags.team", "planning"),
        ("compute.instance_types", "[\"ml.c5.xlarge\"]"),
    ])
    .unwrap();
    assert_eq!(file.compute.max_runtime_secs, 600);
    assert_eq!(file.hyperparameters["eta"], "0.1");
    assert_eq!(file.channels[1].s3.as_str(), "s3://acme-ml/other/");
    assert_eq!(
        file.channels[0].source.as_deref(),
        Some(std::path::Path::new("other.csv"))
    );
    assert_eq!(file.tags["team"], "planning");
    assert_eq!(file.compute.instance_types[0].as_str(), "ml.c5.xlarge");

    let problems = set(&[
        ("compute.instances", "0"),
        ("channel.test.s3", "x"),
        ("computer.x", "1"),
        ("", "1"),
    ])
    .unwrap_err()
    .0;
    assert_eq!(problems.len(), 4, "{problems:?}");
    let of = |key: &str| problems.iter().find(|it| it.key == key).unwrap();
    assert_eq!(
        of("compute.instances").line,
        None,
        "it does not stand in the file"
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
