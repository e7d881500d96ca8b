//! The rules of a job file, each with a name: what is refused, or warned of, before anything is sent.
//!
//! Invariant: every problem and every warning names its rule, and each rule has one file that passes and one that does not
//! in `tests/contract/job_file/rules.rs`, which fails when a rule has none.
//!
//! Source: SageMaker API, `CreateTrainingJob`; developer guide, "Managed Spot Training", "Warm Pools" and "Encrypt data".

use std::fmt;

macro_rules! rules {
    ($(#[doc = $about:literal] $variant:ident = $name:literal;)+) => {
        /// A rule of job files.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $about] $variant,)+
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name: `spot-max-wait`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What it demands, in a sentence.
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$variant => $about.trim_ascii(),)+
                }
            }
        }
    };
}

rules! {
    /// A job file is TOML.
    Syntax = "syntax";
    /// An integer fits in 64 bits.
    IntegerSize = "integer-size";
    /// A key is one that job files have.
    UnknownKey = "unknown-key";
    /// What a job cannot be without is there.
    MissingKey = "missing-key";
    /// A value is a text, a number, a boolean, a list or a section, as its key wants.
    ValueKind = "value-kind";
    /// A text is one of those that its key takes.
    Choice = "choice";
    /// A duration is written as `45m`, `1h30m` or `2d`.
    DurationForm = "duration-form";
    /// `--set` names a key that can be.
    SetPath = "set-path";
    /// The overlay that is asked for is in the file.
    Overlay = "overlay";
    /// The file's schema is the one that this version reads.
    Schema = "schema";
    /// A name has the form of job names and leaves room for hash and attempt.
    Name = "name";
    /// An image is an address without spaces.
    Image = "image";
    /// A role is an IAM role's ARN.
    Role = "role";
    /// An address in S3 is `s3://<bucket>/<key>`.
    S3Address = "s3-address";
    /// Between braces only `{name}` and `{spec_hash}` are filled in.
    Placeholder = "placeholder";
    /// A key of KMS is an id, an ARN or an alias.
    KmsKey = "kms-key";
    /// There is an instance type, `ml.<family>.<size>`.
    InstanceType = "instance-type";
    /// Each instance type is there once.
    InstanceTypeTwice = "instance-type-twice";
    /// An instance type is one that SageMaker trains on, as far as this version knows them (a warning).
    InstanceTypeKnown = "instance-type-known";
    /// There is one machine at least.
    Instances = "instances";
    /// The image of this version trains on one host.
    OneHost = "one-host";
    /// The volume has a GB at least.
    Volume = "volume";
    /// A volume's size means nothing to machines with disks of their own (a warning).
    LocalDisk = "local-disk";
    /// The disks of machines with disks of their own are not encrypted by a key of KMS.
    LocalDiskKey = "local-disk-key";
    /// A job trains for a second to 28 days.
    MaxRuntime = "max-runtime";
    /// A job is pending for two hours to 28 days.
    MaxPending = "max-pending";
    /// Machines are kept for six hours at most.
    KeepAlive = "keep-alive";
    /// A spot job waits for a second to 28 days.
    MaxWaitRange = "max-wait-range";
    /// A spot job says how long it may wait, and waits as long as it may train at least.
    SpotMaxWait = "spot-max-wait";
    /// Only spot jobs wait.
    WaitWithoutSpot = "wait-without-spot";
    /// Spot machines are not kept.
    SpotKeepAlive = "spot-keep-alive";
    /// A spot job keeps checkpoints, or says that it may start from nothing again.
    SpotCheckpoint = "spot-checkpoint";
    /// A checkpoint's folder is an absolute path of 4,096 characters at most.
    CheckpointPath = "checkpoint-path";
    /// There are 1 to 30 attempts after an internal server error.
    ServiceAttempts = "service-attempts";
    /// `retry.on` holds `capacity` and `internal`, each once.
    RetryOn = "retry-on";
    /// Attempts go on for 28 days at most.
    RetryWindow = "retry-window";
    /// There are 1 to 20 channels.
    ChannelCount = "channel-count";
    /// A channel's name has 1 to 64 letters, digits, `.`, `-` and `_`.
    ChannelName = "channel-name";
    /// Each channel's name is there once.
    ChannelTwice = "channel-twice";
    /// The trainer takes the channels `train`, `validation` and `model`, and needs `train`.
    ChannelRole = "channel-role";
    /// A channel's format is one that the trainer reads.
    ContentType = "content-type";
    /// Wrapping and compression go with pipes alone.
    PipeOnly = "pipe-only";
    /// Neither models nor Parquet come through a pipe.
    PipeContent = "pipe-content";
    /// A manifest names objects that are in S3, and SageMaker reads it.
    Manifest = "manifest";
    /// An augmented manifest has one attribute, which comes through a wrapped pipe.
    Attributes = "attributes";
    /// A streamed channel is read by the trainer, from S3, whole.
    Streamed = "streamed";
    /// A sharded channel may leave a machine without objects (a warning without `min_objects`).
    Sharded = "sharded";
    /// `min_objects` is one at least, and with a sharded channel one for each machine.
    MinObjects = "min-objects";
    /// There are 100 hyperparameters at most.
    HyperparameterCount = "hyperparameter-count";
    /// A hyperparameter's name has 256 characters at most.
    HyperparameterName = "hyperparameter-name";
    /// A hyperparameter's value has 2,500 characters at most.
    HyperparameterValue = "hyperparameter-value";
    /// Older parts of SageMaker take values of 256 characters at most (a warning).
    HyperparameterLong = "hyperparameter-long";
    /// Hyperparameters are those of the trainer, in their ranges.
    Hyperparameter = "hyperparameter";
    /// There are 40 metrics at most, each data set's counted.
    MetricCount = "metric-count";
    /// What everybody may read is no secret.
    Secret = "secret";
    /// There are 100 environment variables at most.
    EnvironmentCount = "environment-count";
    /// A variable's name has letters, digits and `_`, 512 at most.
    EnvironmentName = "environment-name";
    /// A variable's value has 512 characters at most.
    EnvironmentValue = "environment-value";
    /// There are 50 tags at most.
    TagCount = "tag-count";
    /// A tag's key has 1 to 128 letters, digits, blanks and `_.:/=+-@`.
    TagKey = "tag-key";
    /// Tags that begin with `aws:` are AWS's own.
    TagReserved = "tag-reserved";
    /// A tag's value has at most 256 letters, digits, blanks and `_.:/=+-@`.
    TagValue = "tag-value";
    /// A VPC has both subnets and security groups.
    VpcBoth = "vpc-both";
    /// A VPC has 16 subnets and 5 security groups at most.
    VpcCount = "vpc-count";
    /// A subnet's or group's identifier has 1 to 32 letters, digits and hyphens.
    VpcId = "vpc-id";
    /// One machine has nobody to encrypt for (a warning).
    EncryptAlone = "encrypt-alone";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_and_each_is_there_once() {
        let mut names: Vec<&str> = Rule::ALL.iter().map(|it| it.name()).collect();
        for name in &names {
            let fits = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
            assert!(name.chars().all(fits), "{name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Rule::ALL.len());
        assert!(Rule::ALL.iter().all(|it| it.about().ends_with(['.', ')'])));
    }
}
