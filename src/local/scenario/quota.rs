//! An account's limits on machines, as a scenario sets them.
//!
//! Source: the service's own refusals of CreateTrainingJob.

use super::{Quota, Scenario, Usage};
use crate::wire::{AwsError, ErrorCode};
use contract::job::{CreateTrainingJobRequest, TrainingJobDescription};

/// Refuses a job that asks for more machines than its quota has left beside the `others`.
pub(crate) fn check<'a>(
    scenario: &Scenario,
    request: &CreateTrainingJobRequest,
    others: &(impl Iterator<Item = &'a TrainingJobDescription> + Clone),
) -> Result<(), AwsError> {
    let Some(resource) = &request.resource_config else {
        return Ok(());
    };
    let is_spot = request.enable_managed_spot_training == Some(true);
    for quota in &scenario.quotas {
        let counts = match quota.usage {
            Usage::OnDemand => !is_spot,
            Usage::Spot => is_spot,
            Usage::WarmPool => resource.keep_alive_period_in_seconds.unwrap_or(0) > 0,
        };
        if !counts || resource.instance_type.as_deref() != Some(&quota.instance_type) {
            continue;
        }
        let used = others.clone().filter(|it| uses(quota, it));
        let used: i64 = used
            .map(|it| it.resource_config.instance_count.unwrap_or(1))
            .sum();
        let asked = resource.instance_count.unwrap_or(1);
        if used + asked > quota.instances {
            return Err(exceeded(quota, used, asked));
        }
    }
    Ok(())
}

fn uses(quota: &Quota, job: &TrainingJobDescription) -> bool {
    if job.resource_config.instance_type.as_deref() != Some(&quota.instance_type) {
        return false;
    }
    let is_spot = job.enable_managed_spot_training == Some(true);
    let runs = !job.training_job_status.is_terminal();
    match quota.usage {
        Usage::OnDemand => runs && !is_spot,
        Usage::Spot => runs && is_spot,
        Usage::WarmPool => {
            let kept = job.warm_pool_status.as_ref();
            let keeps = job
                .resource_config
                .keep_alive_period_in_seconds
                .unwrap_or(0)
                > 0;
            runs && keeps || kept.is_some_and(|it| it.status == "Available")
        }
    }
}

fn exceeded(quota: &Quota, used: i64, asked: i64) -> AwsError {
    let (instance_type, usage, limit) = (&quota.instance_type, quota.usage.name(), quota.instances);
    AwsError::new(
        ErrorCode::ResourceLimitExceeded,
        format!(
            "The account-level service limit '{instance_type} for {usage} usage' is {limit} Instances, with current utilization of {used} Instances and a request delta of {asked} Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this quota."
        ),
    )
}
