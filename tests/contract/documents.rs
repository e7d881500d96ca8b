//! The documents under `input/config`: full and minimal forms, what is refused and in which words, and round trips.

use contract::channel::{Channel, Distribution, InputDataConfig, InputMode, RecordWrapper};
use contract::checkpoint::CheckpointConfig;
use contract::content_type::ContentType;
use contract::hyperparameter::{read_hyperparameters_json, write_hyperparameters_json};
use contract::job::{CreateTrainingJobRequest, TrainingJobDescription};
use contract::resource::ResourceConfig;

#[test]
fn a_full_channel_is_read_as_sagemaker_writes_it() {
    let config = InputDataConfig::read(
        br#"{"train": {"ContentType": "text/csv", "TrainingInputMode": "FastFile",
             "S3DistributionType": "ShardedByS3Key", "RecordWrapperType": "None", "NewKey": 1}}"#,
    );
    let expected = Channel {
        content_type: Some(ContentType::Csv { label_size: 1 }),
        input_mode: InputMode::FastFile,
        distribution: Distribution::ShardedByS3Key,
        record_wrapper: RecordWrapper::None,
    };
    assert_eq!(config.unwrap().train().unwrap(), &expected);
}

#[test]
fn a_channel_of_a_local_run_has_defaults() {
    let config =
        InputDataConfig::read(br#"{"train": {"TrainingInputMode": "File"}, "validation": {}}"#)
            .unwrap();
    config.check_names().unwrap();
    assert_eq!(config.train().unwrap(), &Channel::default());
    assert_eq!(config.validation().unwrap().content_type, None);
}

#[test]
fn channels_are_refused_in_the_built_in_algorithms_words() {
    let message = |text: &str| {
        let read = InputDataConfig::read(text.as_bytes());
        read.and_then(|it| it.check_names())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(message("{}"), "Missing required channel: train");
    assert_eq!(
        message(r#"{"Train": {}}"#),
        "Missing required channel: train"
    );
    assert_eq!(
        message(r#"{"train": {}, "test": {}}"#),
        "Extraneous channel found: test; allowed are `train`, `validation` and `model`"
    );
    assert!(
        message(r#"{"train": {"ContentType": "image/png"}}"#)
            .contains("`image/png` is not an accepted ContentType: csv, libsvm")
    );
    assert_eq!(
        message(r#"{"train": {"TrainingInputMode": "Tube"}}"#),
        "inputdataconfig.json: `train.TrainingInputMode` is `Tube`, allowed is `File`, `FastFile` or `Pipe`"
    );
    assert!(
        message(r#"{"train": {"ContentType": 1}}"#)
            .starts_with("inputdataconfig.json: invalid type")
    );
    assert!(message("{").starts_with("inputdataconfig.json: EOF"));
    assert!(message("{} {}").contains("trailing characters"));
}

#[test]
fn content_types_with_parameters() {
    let csv = Ok(ContentType::Csv { label_size: 1 });
    for good in [
        "csv",
        "text/csv",
        "TEXT/CSV",
        "text/csv; label_size=1",
        "text/csv;label_size = 1",
        "text/csv; charset=utf-8",
        "text/csv;",
    ] {
        assert_eq!(good.parse(), csv, "{good}");
    }
    for good in [
        "libsvm",
        "text/libsvm",
        "text/x-libsvm",
        "text/libsvm; charset=\"utf-8\"",
    ] {
        assert_eq!(good.parse(), Ok(ContentType::Libsvm), "{good}");
    }
    assert_eq!("application/x-parquet".parse(), Ok(ContentType::Parquet));
    assert_eq!(
        "recordio-protobuf".parse(),
        Ok(ContentType::RecordIoProtobuf)
    );
    for good in [
        "jsonlines",
        "application/jsonlines",
        "application/x-jsonlines",
    ] {
        assert_eq!(good.parse(), Ok(ContentType::JsonLines), "{good}");
    }
    for bad in [
        "incorrect_format",
        "text/csv; label_size=5",
        "text/csv; label_size=0",
        "text/csv; label_size=1=1",
        "text/csv; label_size=1; label_size=2",
        "label_size=1; text/csv",
        "text/csv; header=present",
        "text/csv; charset=utf-16",
        "text/libsvm; label_size=1",
        "",
    ] {
        assert!(bad.parse::<ContentType>().is_err(), "{bad}");
    }
    let message = "text/csv; label_size=5"
        .parse::<ContentType>()
        .unwrap_err()
        .to_string();
    assert!(message.ends_with(
        "is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"
    ));
}

#[test]
fn hosts_are_ranked_by_their_sorted_names() {
    let minimal = ResourceConfig::read(
        br#"{"current_host": "algo-2", "hosts": ["algo-2", "algo-10", "algo-1"]}"#,
    )
    .unwrap();
    assert_eq!(
        (minimal.rank(), minimal.world_size(), minimal.is_leader()),
        (2, 3, false)
    );
    assert_eq!(minimal.hosts, ["algo-1", "algo-10", "algo-2"]);
    assert_eq!(minimal.network_interface_name, "eth0");

    let full = ResourceConfig::read(
        br#"{"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "ethwe",
            "current_instance_type": "ml.m5.xlarge", "current_group_name": "homogeneousCluster",
            "instance_groups": [{"instance_group_name": "homogeneousCluster", "instance_type": "ml.m5.xlarge",
            "hosts": ["algo-1"]}], "topology": {}}"#,
    );
    assert!(full.unwrap().is_leader());
}

#[test]
fn hosts_that_make_no_sense_are_refused() {
    let message = |text: &str| {
        ResourceConfig::read(text.as_bytes())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        message(r#"{"current_host": "algo-1", "hosts": []}"#),
        "Number of hosts should be an int greater than or equal to 1"
    );
    assert!(
        message(r#"{"current_host": "algo-3", "hosts": ["algo-1"]}"#)
            .contains("`algo-3`, which is not among `hosts` (algo-1)")
    );
    assert!(message(r#"{"hosts": ["algo-1"]}"#).contains("missing field `current_host`"));
}

#[test]
fn written_documents_read_back() {
    for (n_hosts, rank) in [(1, 0), (3, 2)] {
        let config = ResourceConfig::homogeneous(n_hosts, rank, "ml.m5.large");
        assert_eq!(ResourceConfig::read(config.write().as_bytes()), Ok(config));
    }
    let single = ResourceConfig::single();
    assert_eq!(ResourceConfig::read(single.write().as_bytes()), Ok(single));

    let content_type = Some(ContentType::Csv { label_size: 1 });
    let channels = InputDataConfig::new([(
        "train".to_owned(),
        Channel {
            content_type,
            ..Channel::default()
        },
    )]);
    assert_eq!(
        InputDataConfig::read(channels.write().as_bytes()),
        Ok(channels)
    );

    let config = CheckpointConfig {
        local_path: "/opt/ml/checkpoints".into(),
        s3_uri: Some("s3://b/c".to_owned()),
    };
    assert_eq!(
        CheckpointConfig::read(config.write().as_bytes()),
        Ok(config.clone())
    );
    assert_eq!(
        CheckpointConfig::read(b"{}").unwrap().local_path,
        config.local_path
    );
}

#[test]
fn hyperparameters_may_be_any_scalar_and_lose_one_layer_of_quotes() {
    let values = read_hyperparameters_json(
        br#"{"num_round": 10, "eta": 0.1, "flag": true, "objective": "\"reg:squarederror\"", "plain": "a\"b",
             "none": null, "half": "\"", "number": "\"10\""}"#,
    );
    let values = values.unwrap();
    let got: Vec<(&str, &str)> = values
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        got,
        [
            ("eta", "0.1"),
            ("flag", "true"),
            ("half", "\""),
            ("num_round", "10"),
            ("number", "10"),
            ("objective", "reg:squarederror"),
            ("plain", "a\"b"),
        ]
    );
    assert_eq!(
        read_hyperparameters_json(write_hyperparameters_json(&values).as_bytes()).unwrap()["eta"],
        "0.1"
    );
    let message = read_hyperparameters_json(br#"{"eta": [1]}"#)
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "hyperparameters.json: expected a text, a number or a boolean (key `eta`)"
    );
}

/// What AWS answers: members that we do not know, statuses that we do not know.
#[test]
fn a_description_with_new_members_is_read() {
    let description: TrainingJobDescription = serde_json::from_str(
        r#"{"TrainingJobName": "j", "TrainingJobArn": "arn:aws:sagemaker:eu-west-1:123456789012:training-job/j",
            "TrainingJobStatus": "InProgress", "SecondaryStatus": "Warming", "CreationTime": 1763870400.123,
            "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File", "Future": {}},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60}, "ProfilingStatus": "Disabled",
            "SecondaryStatusTransitions": [{"Status": "Starting", "StartTime": 1.5, "StatusMessage": "m"}],
            "FinalMetricDataList": [{"MetricName": "train:rmse", "Value": 0.5, "Timestamp": 2.0}]}"#,
    )
    .unwrap();
    assert_eq!(description.secondary_status.as_str(), "Warming");
    assert_eq!(description.resource_config.volume_size_in_gb, Some(5));
    let again: TrainingJobDescription =
        serde_json::from_str(&serde_json::to_string(&description).unwrap()).unwrap();
    assert_eq!(again, description);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = InputDataConfig::read(&bytes);
        let _ = ResourceConfig::read(&bytes);
        let _ = CheckpointConfig::read(&bytes);
        let _ = read_hyperparameters_json(&bytes);
        let _ = serde_json::from_slice::<CreateTrainingJobRequest>(&bytes);
    }

    #[test]
    fn no_content_type_makes_the_parser_panic(text in "\\PC{0,60}") {
        if let Ok(it) = text.parse::<ContentType>() {
            proptest::prop_assert_eq!(it.to_string().parse(), Ok(it));
        }
    }
}
