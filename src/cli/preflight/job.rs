//! The job itself: image, hyperparameters, spot, quotas, network, keys, cost.

use contract::exit;
use contract::job::file::JobFile;

use super::Check;
use crate::cost::{self, Cost};
use crate::job_source::JobSource;
use crate::prices::Prices;
use crate::session::Session;

/// SageMaker pulls from the region that it runs in. What the image is inside is ECR's to know.
pub(super) fn image(session: &Session, job: &JobFile) -> Option<Check> {
    if session.is_local {
        return None;
    }
    let name = "image";
    let here = session.region();
    let image = job.image.as_str();
    let Some(region) = cost::image_region(image) else {
        return Some(
            Check::unknown(
                name,
                format!("{image} is not in ECR, and registries are not asked"),
            )
            .with_fix("SageMaker pulls from ECR, or from a private registry that its VPC reaches"),
        );
    };
    if region != here {
        let detail = format!("is in {region}, and the job would run in {here}");
        return Some(
            Check::fail(name, exit::USAGE, detail)
                .with_fix(format!("push it to {here} as well, or --region {region}")),
        );
    }
    let repository = job.image.repository_name();
    let tag = job.image.tag().unwrap_or("latest");
    let check = Check::unknown(
        name,
        "whether it is there and for amd64, which SageMaker trains on: ECR is not asked",
    );
    Some(check.with_fix(format!(
        "`aws ecr describe-images --region {region} --repository-name {repository} --image-ids imageTag={tag}`"
    )))
}

pub(super) fn checks(session: &Session, source: &JobSource, prices: &Prices) -> Vec<Check> {
    let job = &source.job;
    let mut checks = vec![hyperparameters(job), spot(job)];
    checks.extend(job.warnings.iter().map(|it| {
        let line = it.line.map(|it| format!("line {it}: ")).unwrap_or_default();
        Check::warn("job file", format!("{line}{}", it.message))
    }));
    if session.is_local {
        return checks;
    }
    checks.push(quota(job));
    if !job.network.subnets.is_empty() {
        checks.push(
            Check::unknown("network", "whether the subnets reach S3: EC2 is not asked").with_fix(
                "a gateway endpoint for S3, or a NAT; without one the job hangs in Downloading",
            ),
        );
    }
    let keys = [&job.output.kms_key, &job.compute.volume_kms_key];
    for key in keys.into_iter().flatten() {
        checks.push(
            Check::unknown(
                "kms",
                format!("whether the role may use {key}: KMS is not asked"),
            )
            .with_fix("the key's policy must name the role"),
        );
    }
    checks.push(cost(session, job, prices));
    checks
}

fn hyperparameters(job: &JobFile) -> Check {
    let name = "hyperparameters";
    let n = job.hyperparameters.len();
    if job.checked.is_some() {
        Check::ok(name, format!("{n}, by the trainer's own table"))
    } else {
        Check::unknown(name, format!("{n} of another algorithm's image"))
    }
}

fn spot(job: &JobFile) -> Check {
    let name = "spot";
    match (&job.spot, &job.checkpoint) {
        (None, _) => Check::ok(name, "not asked for; on demand"),
        (Some(_), Some(it)) => Check::ok(name, format!("checkpoints at {}", it.s3)),
        (Some(_), None) => Check::warn(
            name,
            "without checkpoints an interruption starts it from nothing",
        )
        .with_fix("add [checkpoint] with s3"),
    }
}

fn quota(job: &JobFile) -> Check {
    let spot = if job.spot.is_some() { "spot " } else { "" };
    let names: Vec<String> = job
        .compute
        .instance_types
        .iter()
        .map(|it| format!("`{it} for {spot}training job usage`"))
        .collect();
    Check::unknown(
        "quota",
        format!(
            "whether the account may have {} × {}: Service Quotas is not asked",
            job.compute.instances,
            job.compute
                .instance_types
                .first()
                .map(ToString::to_string)
                .unwrap_or_default()
        ),
    )
    .with_fix(format!(
        "`aws service-quotas list-service-quotas --service-code sagemaker`, and look for {}",
        names.join(", ")
    ))
}

fn cost(session: &Session, job: &JobFile, prices: &Prices) -> Check {
    let cost = Cost::of(job, Some(session.region().to_owned()), prices);
    if cost.ceiling_usd.is_some() {
        Check::ok("cost", cost.to_string())
    } else {
        let text = cost.to_string();
        let why = text.trim_start_matches("ceiling unknown: ");
        Check::unknown("cost", why).with_fix(cost::own_table(prices))
    }
}
