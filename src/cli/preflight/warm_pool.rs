//! Whether machines that wait in a warm pool fit the job, member by member.
//!
//! SageMaker gives a pool to a job only if all of these are the same: role, instance type and count, volume size and key,
//! VPC, network isolation and encryption between machines. Source: SageMaker Developer Guide, "Train Using SageMaker
//! Managed Warm Pools", matching training jobs.

use std::collections::BTreeSet;

use contract::job::file::JobFile;
use contract::job::{CreateTrainingJobRequest, TrainingJobDescription};

use super::Check;
use crate::aws::{AwsError, AwsErrorKind, ListFilter};
use crate::session::Session;

const NAME: &str = "warm pool";
/// So many pools are compared.
const MAX_POOLS: usize = 20;

/// A job without `keep_alive` takes no pool and leaves none.
pub(super) async fn check(session: &Session, job: &JobFile) -> Option<Check> {
    if job.compute.keep_alive_secs == 0 {
        return None;
    }
    let name = job.job_name(1).ok()?;
    let request = job.request(&name);
    let pools = match pools(session).await {
        Ok(pools) => pools,
        Err(err) => {
            let why = format!("whether machines wait: {err}");
            return Some(Check::unknown(NAME, why));
        }
    };
    let mut compared: Vec<(&str, Vec<String>)> = pools
        .iter()
        .map(|it| (it.training_job_name.as_str(), differences(it, &request)))
        .collect();
    compared.sort_by_key(|it| it.1.len());
    Some(match compared.first() {
        None => Check::ok(
            NAME,
            "no machines wait; the job starts its own, and keeps them",
        ),
        Some((pool, differ)) if differ.is_empty() => {
            Check::ok(NAME, format!("the machines of {pool} wait, and fit"))
        }
        Some((pool, differ)) => Check::warn(
            NAME,
            format!(
                "the machines of {pool} wait and are paid for, and the job does not fit them: {}",
                differ.join("; ")
            ),
        )
        .with_fix("make these the same, or let the pool go: it ends with its keep_alive"),
    })
}

async fn pools(session: &Session) -> Result<Vec<TrainingJobDescription>, AwsError> {
    let filter = ListFilter {
        warm_pool: Some("Available".to_owned()),
        limit: MAX_POOLS,
        ..ListFilter::default()
    };
    let mut pools = vec![];
    for it in session.jobs().list(&filter).await?.jobs {
        let Ok(name) = it.training_job_name.parse() else {
            continue;
        };
        match session.jobs().describe(&name).await {
            Ok(job) => pools.push(job),
            // It was deleted meanwhile.
            Err(err) if err.kind == AwsErrorKind::NotFound => {}
            Err(err) => return Err(err),
        }
    }
    Ok(pools)
}

/// The members in which the pool's job and the request differ, with both values.
fn differences(pool: &TrainingJobDescription, request: &CreateTrainingJobRequest) -> Vec<String> {
    let wanted = request.resource_config.clone().unwrap_or_default();
    let kept = &pool.resource_config;
    let number = |it: Option<i64>| it.map_or("none".to_owned(), |it| it.to_string());
    let text = |it: Option<&String>| it.cloned().unwrap_or_else(|| "none".to_owned());
    let switch = |it: Option<bool>| it.unwrap_or_default().to_string();
    let sorted = |it: &[String]| {
        let set: BTreeSet<&str> = it.iter().map(String::as_str).collect();
        set.into_iter().collect::<Vec<_>>().join(",")
    };
    let vpc = |it: Option<&contract::job::request::VpcConfig>| {
        it.map_or("none".to_owned(), |it| {
            format!("{} {}", sorted(&it.subnets), sorted(&it.security_group_ids))
        })
    };
    let members = [
        (
            "RoleArn",
            text(pool.role_arn.as_ref()),
            request.role_arn.clone(),
        ),
        (
            "InstanceType",
            text(kept.instance_type.as_ref()),
            text(wanted.instance_type.as_ref()),
        ),
        (
            "InstanceCount",
            number(kept.instance_count),
            number(wanted.instance_count),
        ),
        (
            "VolumeSizeInGB",
            number(kept.volume_size_in_gb),
            number(wanted.volume_size_in_gb),
        ),
        (
            "VolumeKmsKeyId",
            text(kept.volume_kms_key_id.as_ref()),
            text(wanted.volume_kms_key_id.as_ref()),
        ),
        (
            "VpcConfig",
            vpc(pool.vpc_config.as_ref()),
            vpc(request.vpc_config.as_ref()),
        ),
        (
            "EnableNetworkIsolation",
            switch(pool.enable_network_isolation),
            switch(request.enable_network_isolation),
        ),
        (
            "EnableInterContainerTrafficEncryption",
            switch(pool.enable_inter_container_traffic_encryption),
            switch(request.enable_inter_container_traffic_encryption),
        ),
    ];
    members
        .into_iter()
        .filter(|(_, kept, wanted)| kept != wanted)
        .map(|(member, kept, wanted)| format!("{member} {kept}, here {wanted}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(set: &[(&str, &str)]) -> JobFile {
        let text = include_str!("../../../configs/usage-forecast/job.toml");
        let set: Vec<(String, String)> = set
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        JobFile::parse(text, &set).unwrap()
    }

    fn request(job: &JobFile) -> CreateTrainingJobRequest {
        job.request(&job.job_name(1).unwrap())
    }

    /// The pool that a job leaves.
    fn pool(job: &JobFile) -> TrainingJobDescription {
        let request = request(job);
        let mut json = serde_json::to_value(&request).unwrap();
        for (key, value) in [
            ("TrainingJobArn", "arn"),
            ("TrainingJobStatus", "Completed"),
            ("SecondaryStatus", "Completed"),
        ] {
            json[key] = value.into();
        }
        json["CreationTime"] = 0.0.into();
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn every_member_counts_and_the_order_of_subnets_does_not() {
        let network = |subnets: &str| {
            job(&[
                ("network.subnets", subnets),
                ("network.security_groups", "[\"sg-1\"]"),
            ])
        };
        let left = network(r#"["subnet-1", "subnet-2"]"#);
        let turned = network(r#"["subnet-2", "subnet-1"]"#);
        assert_eq!(
            differences(&pool(&left), &request(&turned)),
            Vec::<String>::new()
        );
        let other = job(&[("compute.volume_gb", "77"), ("network.isolation", "true")]);
        let plain = job(&[]);
        let kept = plain.compute.volume_gb;
        assert_eq!(
            differences(&pool(&plain), &request(&other)),
            [
                format!("VolumeSizeInGB {kept}, here 77"),
                "EnableNetworkIsolation false, here true".to_owned(),
            ]
        );
    }
}
