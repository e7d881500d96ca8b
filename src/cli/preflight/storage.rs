//! Buckets and what the channels hold.

use std::collections::BTreeSet;

use contract::exit;
use contract::job::S3Uri;
use contract::job::file::{JobChannel, JobFile};

use super::{Check, Unseen};
use crate::aws::AwsError;
use crate::data::{self, ChannelData};
use crate::job_source::JobSource;
use crate::session::Session;

pub(super) async fn checks(session: &Session, source: &JobSource) -> Vec<Check> {
    let mut checks = Vec::new();
    for bucket in buckets(&source.job) {
        checks.push(bucket_check(session, bucket).await);
    }
    let mut channels = Vec::new();
    for channel in &source.job.channels {
        let (check, data) = channel_check(session, source, channel).await;
        checks.push(check);
        channels.extend(data);
    }
    let volume = match data::crowded(&source.job, &channels) {
        Some(text) => Check::warn("volume", text).with_fix("raise compute.volume_gb"),
        None if channels.len() == source.job.channels.len() => Check::ok(
            "volume",
            format!(
                "{} GB are enough for the data",
                source.job.compute.volume_gb
            ),
        ),
        None => Check::unknown("volume", "not every channel could be looked at"),
    };
    checks.push(volume);
    checks
}

/// The buckets that the job names, each once.
fn buckets(job: &JobFile) -> BTreeSet<&str> {
    let channels = job.channels.iter().map(|it| &it.s3);
    let checkpoint = job.checkpoint.iter().map(|it| &it.s3);
    let all = channels.chain(checkpoint).chain([&job.output.s3]);
    all.map(S3Uri::bucket).collect()
}

async fn bucket_check(session: &Session, bucket: &str) -> Check {
    let name = format!("bucket {bucket}");
    let here = session.region();
    match session.store().bucket_region(bucket).await {
        Ok(Some(region)) if region == here => Check::ok(&name, format!("in {region}")),
        Ok(Some(region)) => Check::fail(
            &name,
            exit::USAGE,
            format!("is in {region}, and the job would run in {here}"),
        )
        .with_fix(format!("--region {region}, or a bucket in {here}")),
        Ok(None) => Check::unknown(&name, "it is there, and does not say in which region"),
        Err(err) => match Unseen::of(&err) {
            Unseen::NotThere => Check::fail(&name, exit::NOT_FOUND, "is not there")
                .with_fix("infra/ makes one; linden never makes buckets on AWS"),
            Unseen::Nobody => Check::fail(&name, exit::AUTH, err.message)
                .with_fix("sign in again: `aws sso login`, or give another --profile"),
            Unseen::NotAllowed => Check::unknown(&name, not_allowed(&err)),
            Unseen::Unanswered => Check::unknown(&name, err.message),
        },
    }
}

/// The role may be allowed what the person is not.
fn not_allowed(err: &AwsError) -> String {
    format!(
        "you may not look at it, though the role may: {}",
        err.message
    )
}

/// What the channel holds: its source, which a run would put there, or the objects in S3.
async fn channel_check(
    session: &Session,
    source: &JobSource,
    channel: &JobChannel,
) -> (Check, Option<ChannelData>) {
    let name = format!("channel {}", channel.name);
    let data = match source.files(channel) {
        Err(err) => return (Check::fail(&name, err.exit_code(), err.to_string()), None),
        Ok(Some(files)) => ChannelData::of_files(channel, &files),
        Ok(None) => match ChannelData::of_store(channel, &*session.store()).await {
            Ok(data) => data,
            Err(err) => return (unlisted(&name, &err), None),
        },
    };
    let check = match data::shortage(&source.job, channel, &data) {
        Some((message, fix)) => Check::fail(&name, exit::NOT_FOUND, message).with_fix(fix),
        None if channel.source.is_some() => {
            Check::ok(&name, format!("{} to put to {}", data.size(), channel.s3))
        }
        None => Check::ok(&name, format!("{} at {}", data.size(), channel.s3)),
    };
    (check, Some(data))
}

fn unlisted(name: &str, err: &AwsError) -> Check {
    match Unseen::of(err) {
        Unseen::NotThere => Check::fail(name, exit::NOT_FOUND, err.message.clone())
            .with_fix("check the bucket in the channel's s3"),
        Unseen::NotAllowed => Check::unknown(name, not_allowed(err)),
        Unseen::Nobody | Unseen::Unanswered => Check::unknown(name, err.message.clone()),
    }
}
