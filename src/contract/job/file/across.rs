//! Rules that look at several sections: spot and its waiting, machines and their disks, shards and machines.
//!
//! Source: SageMaker API, `CreateTrainingJob`; developer guide, "Managed Spot Training", "Warm Pools" and "Encrypt data".

use super::channel::ReadChannel;
use super::problem::Problems;
use super::rule::Rule;
use super::{Checkpoint, Compute, Network, Spot};
use crate::channel::{Distribution, TRAIN, VALIDATION};
use crate::hyperparameter::Hyperparameters;
use crate::job::{InstanceType, duration, instance};
use crate::metric_line;
use crate::nearest::nearest;

/// Spot, network and what goes with neither.
pub(super) fn check(
    compute: &Compute,
    spot: Option<&Spot>,
    checkpoint: Option<&Checkpoint>,
    network: &Network,
    problems: &mut Problems,
) {
    if let Some(spot) = spot {
        spot_waits(compute, spot, problems);
        if compute.keep_alive_secs > 0 {
            let message =
                "`compute.keep_alive` must be `0s` with `spot.enabled`: spot machines are not kept";
            problems.add(Rule::SpotKeepAlive, "compute.keep_alive", message);
        }
        if checkpoint.is_none() && !spot.restarts_from_zero {
            problems.add_with_hint(
                Rule::SpotCheckpoint,
                "spot.enabled",
                "without `[checkpoint]` an interrupted spot job starts from nothing",
                "add `[checkpoint]` with `s3`, or say `spot.restart_from_zero = true` where the job is short",
            );
        }
    }
    if network.subnets.is_empty() != network.security_groups.is_empty() {
        let missing = if network.subnets.is_empty() {
            "network.subnets"
        } else {
            "network.security_groups"
        };
        problems.add(
            Rule::VpcBoth,
            "network",
            format!(
                "`{missing}` is missing: a VPC needs one subnet and one security group at least"
            ),
        );
    }
    if network.encrypt_inter_container && compute.instances == 1 {
        problems.warn(
            Rule::EncryptAlone,
            "network.encrypt_inter_container",
            "one machine has nobody to talk to; nothing is encrypted",
        );
    }
}

fn spot_waits(compute: &Compute, spot: &Spot, problems: &mut Problems) {
    if spot.max_wait_secs >= compute.max_runtime_secs || problems.concern("compute.max_runtime") {
        return;
    }
    let (wait, runtime) = (
        duration::format_secs(spot.max_wait_secs),
        duration::format_secs(compute.max_runtime_secs),
    );
    problems.add_with_hint(
        Rule::SpotMaxWait,
        "spot.max_wait",
        format!(
            "`spot.max_wait` is `{wait}`, allowed is `compute.max_runtime` (`{runtime}`) or more"
        ),
        "spot jobs pay only for training time; a longer wait costs nothing",
    );
}

/// The trainer refuses to start on several hosts, so nobody should pay for finding out.
pub(super) fn hosts(compute: &Compute, is_ours: bool, problems: &mut Problems) {
    if is_ours && compute.instances > 1 {
        problems.add(
            Rule::OneHost,
            "compute.instances",
            format!(
                "`compute.instances` is `{}`, allowed is 1: this version trains on one host",
                compute.instances
            ),
        );
    }
}

/// A type that this version does not know may be newer than it, so it is no error.
pub(super) fn instance_type(path: &str, it: &InstanceType, problems: &mut Problems) {
    if instance::is_known(it.as_str()) {
        return;
    }
    let near = nearest(it.as_str(), instance::KNOWN.iter().copied());
    let near = near.map_or_else(String::new, |it| format!("; did you mean `{it}`?"));
    problems.warn(
        Rule::InstanceTypeKnown,
        path,
        format!("`{it}` is no training instance type that this version knows{near}"),
    );
}

/// Machines with disks of their own use those, whatever the volume is.
pub(super) fn disks(compute: &Compute, problems: &mut Problems) {
    let local = |it: &&InstanceType| instance::has_local_disk(it.as_str());
    let Some(it) = compute.instance_types.iter().find(local) else {
        return;
    };
    if compute.volume_kms_key.is_some() {
        problems.add(
            Rule::LocalDiskKey,
            "compute.volume_kms_key",
            format!(
                "`compute.volume_kms_key` does not go with `{it}`, whose own disks are encrypted by the machine"
            ),
        );
    }
    if problems.places.contains_key("compute.volume_gb") {
        problems.warn(
            Rule::LocalDisk,
            "compute.volume_gb",
            format!("`{it}` has disks of its own, and `compute.volume_gb` means nothing to it"),
        );
    }
}

/// A machine without objects of a sharded channel is paid for and does nothing.
pub(super) fn shards(channels: &[ReadChannel], instances: u64, problems: &mut Problems) {
    for read in channels {
        let Some(channel) = &read.channel else {
            continue;
        };
        if channel.distribution != Distribution::ShardedByS3Key {
            continue;
        }
        match channel.min_objects {
            Some(n) if n < instances => {
                let path = format!("{}.min_objects", read.path);
                problems.add(
                    Rule::MinObjects,
                    &path,
                    format!("`{path}` is `{n}`, allowed is `compute.instances` (`{instances}`) or more: a machine without objects is paid for"),
                );
            }
            Some(_) => {}
            None => problems.warn(
                Rule::Sharded,
                &format!("{}.distribution", read.path),
                "a machine gets nothing of a sharded channel that has fewer objects than there are machines; `min_objects` has that checked",
            ),
        }
    }
}

/// SageMaker takes a definition for each metric of each data set, and not more than 40.
pub(super) fn metrics(
    checked: Option<&Hyperparameters>,
    channels: &[ReadChannel],
    problems: &mut Problems,
) {
    let Some(hyperparameters) = checked else {
        return;
    };
    let has = |name: &str| channels.iter().any(|it| it.name.as_deref() == Some(name));
    let validates = has(VALIDATION) || hyperparameters.kfold.is_some();
    let data_sets: &[&str] = if validates {
        &[TRAIN, VALIDATION]
    } else {
        &[TRAIN]
    };
    let n = metric_line::definitions(data_sets, &hyperparameters.eval_metrics).len();
    if metric_line::MAX_DEFINITIONS < n {
        problems.add(
            Rule::MetricCount,
            "hyperparameters.eval_metric",
            format!(
                "`hyperparameters.eval_metric` makes {n} metrics of {}, allowed is {} at most",
                data_sets.join(" and "),
                metric_line::MAX_DEFINITIONS
            ),
        );
    }
}
