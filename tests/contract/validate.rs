//! A request that breaks a limit is answered in AWS's words; a job file's request breaks none.

use contract::job::request::{
    CheckpointConfig, FileSystemDataSource, InstanceGroup, RetryStrategy, Tag, VpcConfig,
};
use contract::job::{CreateTrainingJobRequest, validation_message};
use contract::metric_line::MetricDefinition;

fn good() -> CreateTrainingJobRequest {
    serde_json::from_str(
        r#"{
            "TrainingJobName": "j-1",
            "RoleArn": "arn:aws:iam::123456789012:role/linden",
            "AlgorithmSpecification": {"TrainingImage": "linden-trainer:0.1.0", "TrainingInputMode": "File"},
            "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": {
                "S3DataType": "S3Prefix", "S3Uri": "s3://acme-ml/train/"}}}],
            "OutputDataConfig": {"S3OutputPath": "s3://acme-ml/out/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600}
        }"#,
    )
    .unwrap()
}

#[track_caller]
fn refuses(change: impl FnOnce(&mut CreateTrainingJobRequest), message: &str) {
    let mut request = good();
    change(&mut request);
    let problems = request.validate();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].to_string(), message);
}

#[test]
fn a_good_request_has_no_problem() {
    assert_eq!(good().validate(), []);
    assert_eq!(validation_message(&good().validate()), "");
}

#[test]
fn names_break_patterns() {
    refuses(
        |it| it.training_job_name = "a_b".to_owned(),
        "Value 'a_b' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular expression pattern: \
         [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    );
    refuses(
        |it| it.input_data_config[0].channel_name = "a b".to_owned(),
        r"Value 'a b' at 'inputDataConfig.1.member.channelName' failed to satisfy constraint: Member must satisfy regular expression pattern: [A-Za-z0-9\.\-_]+",
    );
    refuses(
        |it| it.output_data_config.as_mut().unwrap().s3_output_path = "acme-ml/out".to_owned(),
        "Value 'acme-ml/out' at 'outputDataConfig.s3OutputPath' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: (https|s3)://([^/]+)/?(.*)",
    );
}

#[test]
fn what_is_missing_is_null() {
    refuses(
        |it| it.role_arn.clear(),
        "Value null at 'roleArn' failed to satisfy constraint: Member must not be null",
    );
    let problems = CreateTrainingJobRequest::default().validate();
    let members: Vec<&str> = problems.iter().map(|it| it.member.as_str()).collect();
    assert_eq!(
        members,
        [
            "trainingJobName",
            "roleArn",
            "algorithmSpecification",
            "outputDataConfig",
            "resourceConfig"
        ]
    );
    assert!(
        validation_message(&problems)
            .starts_with("5 validation errors detected: Value null at 'trainingJobName'")
    );
}

#[test]
fn numbers_break_ranges() {
    let resource = |it: &mut CreateTrainingJobRequest,
                    set: fn(&mut contract::job::request::ResourceConfig)| {
        set(it.resource_config.as_mut().unwrap());
    };
    refuses(
        |it| resource(it, |it| it.instance_count = Some(0)),
        "Value '0' at 'resourceConfig.instanceCount' failed to satisfy constraint: Member must have value greater than or equal to 1",
    );
    refuses(
        |it| resource(it, |it| it.volume_size_in_gb = Some(-5)),
        "Value '-5' at 'resourceConfig.volumeSizeInGB' failed to satisfy constraint: Member must have value greater than or equal to 1",
    );
    refuses(
        |it| resource(it, |it| it.keep_alive_period_in_seconds = Some(21_601)),
        "Value '21601' at 'resourceConfig.keepAlivePeriodInSeconds' failed to satisfy constraint: Member must have value less than or equal to 21600",
    );
    refuses(
        |it| {
            it.stopping_condition
                .as_mut()
                .unwrap()
                .max_runtime_in_seconds = Some(2_419_201);
        },
        "Value '2419201' at 'stoppingCondition.maxRuntimeInSeconds' failed to satisfy constraint: Member must have value less than or equal to 2419200",
    );
    refuses(
        |it| {
            it.retry_strategy = Some(RetryStrategy {
                maximum_retry_attempts: 31,
            });
        },
        "Value '31' at 'retryStrategy.maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 30",
    );
}

#[test]
fn choices_break_enumerations() {
    refuses(
        |it| {
            it.algorithm_specification
                .as_mut()
                .unwrap()
                .training_input_mode = "Tube".to_owned();
        },
        "Value 'Tube' at 'algorithmSpecification.trainingInputMode' failed to satisfy constraint: Member must satisfy enum value set: [Pipe, File, FastFile]",
    );
    refuses(
        |it| it.input_data_config[0].compression_type = Some("Zip".to_owned()),
        "Value 'Zip' at 'inputDataConfig.1.member.compressionType' failed to satisfy constraint: Member must satisfy enum value set: [None, Gzip]",
    );
}

#[test]
fn spot_and_waiting_go_together() {
    let spot = |it: &mut CreateTrainingJobRequest, wait| {
        it.enable_managed_spot_training = Some(true);
        it.stopping_condition
            .as_mut()
            .unwrap()
            .max_wait_time_in_seconds = wait;
    };
    let mut fine = good();
    spot(&mut fine, Some(600));
    assert_eq!(fine.validate(), []);
    refuses(
        |it| spot(it, Some(599)),
        "Value '599' at 'stoppingCondition.maxWaitTimeInSeconds' failed to satisfy constraint: Member must be greater than or equal to maxRuntimeInSeconds",
    );
    refuses(
        |it| spot(it, None),
        "Value null at 'stoppingCondition.maxWaitTimeInSeconds' failed to satisfy constraint: Member must not be null when managed spot training is enabled",
    );
    refuses(
        |it| {
            spot(it, Some(600));
            it.resource_config
                .as_mut()
                .unwrap()
                .keep_alive_period_in_seconds = Some(60);
        },
        "Value '60' at 'resourceConfig.keepAlivePeriodInSeconds' failed to satisfy constraint: Member must be 0 or absent when managed spot training is enabled",
    );
}

#[test]
fn collections_and_texts_break_lengths() {
    let mut request = good();
    request.hyper_parameters = (0..101)
        .map(|it| (it.to_string(), "1".to_owned()))
        .collect();
    request.environment = (0..100)
        .map(|it| (format!("V{it}"), "v".repeat(512)))
        .collect();
    request.tags = vec![Tag {
        key: "k".repeat(129),
        value: "v".repeat(256),
    }];
    request
        .algorithm_specification
        .as_mut()
        .unwrap()
        .metric_definitions = vec![MetricDefinition {
        name: "m".to_owned(),
        regex: "r".repeat(501),
    }];
    let members: Vec<String> = request.validate().into_iter().map(|it| it.member).collect();
    assert_eq!(
        members,
        [
            "algorithmSpecification.metricDefinitions.1.member.regex",
            "hyperParameters",
            "tags.1.member.key"
        ]
    );
}

#[test]
fn exclusive_members_exclude_each_other() {
    let mut request = good();
    request.input_data_config[0]
        .data_source
        .file_system_data_source = Some(FileSystemDataSource::default());
    request.resource_config.as_mut().unwrap().instance_groups = vec![InstanceGroup::default()];
    request
        .algorithm_specification
        .as_mut()
        .unwrap()
        .algorithm_name = Some("other".to_owned());
    let mut twice = request.input_data_config[0].clone();
    twice.data_source.file_system_data_source = None;
    request.input_data_config.push(twice);
    request.vpc_config = Some(VpcConfig::default());
    request.checkpoint_config = Some(CheckpointConfig::default());
    let members: Vec<String> = request.validate().into_iter().map(|it| it.member).collect();
    assert_eq!(
        members,
        [
            "algorithmSpecification",
            "resourceConfig.instanceGroups",
            "inputDataConfig.1.member.dataSource",
            "inputDataConfig.2.member.channelName",
            "checkpointConfig.s3Uri",
            "vpcConfig.securityGroupIds",
            "vpcConfig.subnets",
        ]
    );
}
