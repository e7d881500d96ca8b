//! SageMaker's limits on a training job, each named once. The job file and the check of a request read them.
//!
//! Source: SageMaker API, service model of 2017-07-24; developer guide for what the model does not say.

use std::ops::RangeInclusive;

/// Hyperparameters of a job.
pub const MAX_HYPERPARAMETERS: usize = 100;
/// Characters of a hyperparameter's name.
pub const MAX_HYPERPARAMETER_KEY_CHARS: usize = 256;
/// Characters of a hyperparameter's value.
pub const MAX_HYPERPARAMETER_VALUE_CHARS: usize = 2_500;
/// Characters of a hyperparameter's value that every page of the documentation agrees on.
pub const SAFE_HYPERPARAMETER_VALUE_CHARS: usize = 256;
/// Environment variables of a job.
pub const MAX_ENVIRONMENT: usize = 100;
/// Characters of an environment variable's name, and of its value.
pub const MAX_ENVIRONMENT_CHARS: usize = 512;
/// Channels of a job.
pub const CHANNELS: RangeInclusive<usize> = 1..=20;
/// Characters of a channel's name.
pub const MAX_CHANNEL_NAME_CHARS: usize = 64;
/// Tags of a job.
pub const MAX_TAGS: usize = 50;
/// Characters of a tag's key.
pub const MAX_TAG_KEY_CHARS: usize = 128;
/// Characters of a tag's value.
pub const MAX_TAG_VALUE_CHARS: usize = 256;
/// Seconds that a job may train: 28 days.
pub const RUNTIME_SECS: RangeInclusive<u64> = 1..=2_419_200;
/// Seconds that a job may be pending.
pub const PENDING_SECS: RangeInclusive<u64> = 7_200..=2_419_200;
/// Seconds that machines may be kept for the next job.
pub const KEEP_ALIVE_SECS: RangeInclusive<u64> = 0..=21_600;
/// Attempts after an internal server error.
pub const RETRY_ATTEMPTS: RangeInclusive<u64> = 1..=30;
/// Security groups of a job in a VPC.
pub const SECURITY_GROUPS: RangeInclusive<usize> = 1..=5;
/// Subnets of a job in a VPC.
pub const SUBNETS: RangeInclusive<usize> = 1..=16;
/// Characters of a security group's or a subnet's identifier.
pub const MAX_VPC_ID_CHARS: usize = 32;
/// Characters of a KMS key.
pub const MAX_KMS_KEY_CHARS: usize = 2_048;
/// Characters of a content type.
pub const MAX_CONTENT_TYPE_CHARS: usize = 256;
/// Characters of an S3 address.
pub const MAX_S3_URI_CHARS: usize = 1_024;
/// Strings of a container's entry point, and of its arguments.
pub const MAX_ENTRYPOINT: usize = 100;
/// Characters of a path in the container.
pub const MAX_PATH_CHARS: usize = 4_096;

/// `[A-Za-z0-9.\-_]+`, at most 64 characters.
pub fn is_channel_name(name: &str) -> bool {
    let fits = |it: char| it.is_ascii_alphanumeric() || ".-_".contains(it);
    !name.is_empty() && name.len() <= MAX_CHANNEL_NAME_CHARS && name.chars().all(fits)
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`, at most 512 characters.
pub fn is_environment_name(name: &str) -> bool {
    let first = name
        .chars()
        .next()
        .is_some_and(|it| it.is_ascii_alphabetic() || it == '_');
    first
        && name.len() <= MAX_ENVIRONMENT_CHARS
        && name
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || it == '_')
}

/// Letters, digits, blanks and `_.:/=+-@`.
pub fn is_tag_text(text: &str) -> bool {
    text.chars().all(|it| {
        it.is_alphanumeric() || it.is_whitespace() && !it.is_control() || "_.:/=+-@".contains(it)
    })
}

/// `[-0-9a-zA-Z]+`, at most 32 characters.
pub fn is_vpc_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MAX_VPC_ID_CHARS
        && id.chars().all(|it| it.is_ascii_alphanumeric() || it == '-')
}
