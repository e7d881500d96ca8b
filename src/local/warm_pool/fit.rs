//! Whether a job may take over the machines of another: everything that its machines were made from must be the same.

use contract::job::request::VpcConfig;
use contract::job::{CreateTrainingJobRequest, TrainingJobDescription};
use std::collections::BTreeSet;

/// Whether `request` fits the machines that `pool` has left.
pub(super) fn fits(pool: &TrainingJobDescription, request: &CreateTrainingJobRequest) -> bool {
    let asked = request.resource_config.clone().unwrap_or_default();
    let kept = &pool.resource_config;
    let is_on = |flag: Option<bool>| flag == Some(true);
    !is_on(request.enable_managed_spot_training)
        && pool.role_arn.as_deref() == Some(&request.role_arn)
        && kept.instance_type == asked.instance_type
        && kept.instance_count.unwrap_or(1) == asked.instance_count.unwrap_or(1)
        && kept.volume_size_in_gb == asked.volume_size_in_gb
        && kept.volume_kms_key_id == asked.volume_kms_key_id
        && network(pool.vpc_config.as_ref()) == network(request.vpc_config.as_ref())
        && is_on(pool.enable_inter_container_traffic_encryption)
            == is_on(request.enable_inter_container_traffic_encryption)
        && is_on(pool.enable_network_isolation) == is_on(request.enable_network_isolation)
}

/// Security groups and subnets, in whatever order they were given.
fn network(config: Option<&VpcConfig>) -> Option<(BTreeSet<&str>, BTreeSet<&str>)> {
    config.map(|it| {
        (
            it.security_group_ids.iter().map(String::as_str).collect(),
            it.subnets.iter().map(String::as_str).collect(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn request() -> Value {
        json!({
            "TrainingJobName": "j", "RoleArn": "arn:aws:iam::123456789012:role/a",
            "ResourceConfig": { "InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 30, "VolumeKmsKeyId": "k" },
            "VpcConfig": { "SecurityGroupIds": ["sg-1", "sg-2"], "Subnets": ["subnet-1"] },
            "EnableNetworkIsolation": true,
        })
    }

    fn fits_with(pointer: &str, value: Value) -> bool {
        let mut pool = request();
        for (name, value) in [
            ("TrainingJobArn", json!("a")),
            ("TrainingJobStatus", json!("Completed")),
            ("SecondaryStatus", json!("Completed")),
            ("CreationTime", json!(1.0)),
        ] {
            pool[name] = value;
        }
        let mut asked = request();
        match pointer.rsplit_once('/') {
            Some((parent, name)) => asked.pointer_mut(parent).unwrap()[name] = value,
            None => assert!(value.is_null()),
        }
        fits(
            &serde_json::from_value(pool).unwrap(),
            &serde_json::from_value(asked).unwrap(),
        )
    }

    #[test]
    fn every_member_that_makes_the_machines_must_be_the_same() {
        assert!(fits_with("", Value::Null));
        for (pointer, value) in [
            ("/RoleArn", json!("arn:aws:iam::123456789012:role/b")),
            ("/ResourceConfig/InstanceType", json!("ml.m5.xlarge")),
            ("/ResourceConfig/InstanceCount", json!(1)),
            ("/ResourceConfig/VolumeSizeInGB", json!(31)),
            ("/ResourceConfig/VolumeKmsKeyId", json!("other")),
            ("/VpcConfig/SecurityGroupIds", json!(["sg-1"])),
            ("/VpcConfig/Subnets", json!(["subnet-2"])),
            ("/EnableNetworkIsolation", json!(false)),
            ("/EnableInterContainerTrafficEncryption", json!(true)),
            ("/EnableManagedSpotTraining", json!(true)),
        ] {
            assert!(!fits_with(pointer, value), "{pointer}");
        }
    }

    #[test]
    fn what_runs_on_the_machines_may_differ() {
        for (pointer, value) in [
            ("/TrainingJobName", json!("k")),
            ("/ResourceConfig/KeepAlivePeriodInSeconds", json!(60)),
            ("/VpcConfig/SecurityGroupIds", json!(["sg-2", "sg-1"])),
            ("/HyperParameters", json!({ "eta": "1" })),
            ("/EnableInterContainerTrafficEncryption", json!(false)),
        ] {
            assert!(fits_with(pointer, value), "{pointer}");
        }
    }
}
