//! Names that AWS gives a form to: parsed once at the edge, never checked again.
//!
//! Invariant: a value of these types is accepted by SageMaker as far as its form goes; whether the thing exists is another
//! question. Source: SageMaker API, `CreateTrainingJob`; IAM and S3 user guides for ARNs and bucket names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name of a training job.
pub const MAX_JOB_NAME_CHARS: usize = 63;

/// A text that does not have the form of the name that it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is `{value}`, allowed is {allowed}")]
pub struct NameError {
    /// What it should be: `job name`, `role`.
    pub what: &'static str,
    /// The text.
    pub value: String,
    /// What is allowed.
    pub allowed: &'static str,
}

macro_rules! name {
    ($(#[$meta:meta])* $name:ident, $what:literal, $allowed:literal, $accepts:path) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(s: &str) -> Result<Self, NameError> {
                if $accepts(s) {
                    Ok(Self(s.to_owned()))
                } else {
                    Err(NameError { what: $what, value: s.to_owned(), allowed: $allowed })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// The name of a training job: `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`.
    JobName, "job name", "1 to 63 letters, digits and hyphens, with no hyphen at either end", is_job_name
);
name!(
    /// The role that SageMaker takes on to run the job.
    RoleArn, "role", "`arn:aws:iam::<12 digits>:role/<name>`", is_role_arn
);
name!(
    /// The training image: `[<registry>/]<repository>[:<tag>][@<digest>]`.
    ImageUri, "image", "`[<registry>/]<repository>[:<tag>][@sha256:<digest>]` of at most 255 characters without spaces",
    is_image_uri
);
name!(
    /// A bucket and a key or prefix in it: `s3://<bucket>[/<key>]`.
    S3Uri, "S3 address", "`s3://<bucket>/<key>` with a bucket of 3 to 63 lower-case letters, digits, dots and hyphens",
    is_s3_uri
);
name!(
    /// An instance type; which ones there are changes with every release, so only the form is checked.
    InstanceType, "instance type", "`ml.<family>.<size>`, such as `ml.m5.xlarge`", is_instance_type
);

impl JobName {
    /// `<prefix>-<hash8>-<attempt>`: what a job file with that name is submitted as.
    ///
    /// # Errors
    /// If the result is not a job name; a prefix of 52 characters always leaves room.
    pub fn generate(prefix: &str, hash8: &str, attempt: u32) -> Result<Self, NameError> {
        format!("{prefix}-{hash8}-{attempt}").parse()
    }
}

impl ImageUri {
    /// The last part of the path, without tag and digest: `linden-trainer`.
    pub fn repository_name(&self) -> &str {
        let path = self
            .0
            .split_once('@')
            .map_or(self.0.as_str(), |(path, _)| path);
        let last = path.rsplit('/').next().unwrap_or(path);
        last.split(':').next().unwrap_or(last)
    }

    /// The digest after `@`, if the image is pinned.
    pub fn digest(&self) -> Option<&str> {
        self.0.split_once('@').map(|(_, digest)| digest)
    }

    /// The tag after `:`.
    pub fn tag(&self) -> Option<&str> {
        let path = self
            .0
            .split_once('@')
            .map_or(self.0.as_str(), |(path, _)| path);
        path.rsplit('/')
            .next()
            .and_then(|last| last.split_once(':'))
            .map(|(_, tag)| tag)
    }
}

impl S3Uri {
    /// The address of `key` in `bucket`.
    ///
    /// # Errors
    /// If the bucket's name has another form.
    pub fn new(bucket: &str, key: &str) -> Result<Self, NameError> {
        format!("s3://{bucket}/{key}").parse()
    }

    /// The bucket.
    pub fn bucket(&self) -> &str {
        self.split().0
    }

    /// The key or prefix, without a leading slash; empty for the whole bucket.
    pub fn key(&self) -> &str {
        self.split().1
    }

    /// The part of `key`, which begins with this prefix, that becomes the path below a channel's folder: what follows the
    /// prefix, or, where the prefix ends inside a name, what follows its last slash.
    pub fn below<'k>(&self, key: &'k str) -> &'k str {
        let prefix = self.key();
        let rest = key.get(prefix.len()..).unwrap_or_default();
        if prefix.is_empty() || prefix.ends_with('/') || rest.starts_with('/') {
            return rest.trim_start_matches('/');
        }
        key.get(prefix.rfind('/').map_or(0, |slash| slash + 1)..)
            .unwrap_or_default()
    }

    /// This address with `part` appended, one slash between them.
    #[must_use]
    pub fn join(&self, part: &str) -> Self {
        Self(format!(
            "{}/{}",
            self.0.trim_end_matches('/'),
            part.trim_start_matches('/')
        ))
    }

    fn split(&self) -> (&str, &str) {
        let rest = self.0.strip_prefix("s3://").unwrap_or(&self.0);
        rest.split_once('/').unwrap_or((rest, ""))
    }
}

impl RoleArn {
    /// The account's 12 digits.
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }
}

pub(crate) fn is_job_name(s: &str) -> bool {
    let inner = s.chars().all(|it| it.is_ascii_alphanumeric() || it == '-');
    inner
        && !s.is_empty()
        && s.len() <= MAX_JOB_NAME_CHARS
        && !s.starts_with('-')
        && !s.ends_with('-')
}

pub(crate) fn is_role_arn(s: &str) -> bool {
    let parts: Vec<&str> = s.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts[..] else {
        return false;
    };
    let partition_fits = partition.strip_prefix("aws");
    let partition_fits =
        partition_fits.is_some_and(|it| it.chars().all(|it| it.is_ascii_lowercase() || it == '-'));
    let account_fits = account.len() == 12 && account.chars().all(|it| it.is_ascii_digit());
    let name = resource.strip_prefix("role/").unwrap_or_default();
    let name_fits = !name.is_empty()
        && name
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || "+=,.@-_/".contains(it));
    arn == "arn"
        && partition_fits
        && service == "iam"
        && region.is_empty()
        && account_fits
        && name_fits
        && s.len() <= 2048
}

pub(crate) fn is_image_uri(s: &str) -> bool {
    let path = s.split_once('@').map_or(s, |(path, _)| path);
    let repository = path
        .rsplit('/')
        .next()
        .and_then(|it| it.split(':').next())
        .unwrap_or_default();
    let plain = s.chars().all(|it| it.is_ascii_graphic());
    plain && s.chars().count() <= 255 && !repository.is_empty() && !s.contains("://")
}

pub(crate) fn is_s3_uri(s: &str) -> bool {
    let Some(rest) = s.strip_prefix("s3://") else {
        return false;
    };
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    is_bucket(bucket) && !key.chars().any(char::is_control) && s.chars().count() <= 1024
}

fn is_bucket(s: &str) -> bool {
    let inner = s
        .chars()
        .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '.' || it == '-');
    let edge =
        |it: Option<char>| it.is_some_and(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
    inner
        && (3..=63).contains(&s.len())
        && edge(s.chars().next())
        && edge(s.chars().last())
        && !s.contains("..")
}

pub(crate) fn is_instance_type(s: &str) -> bool {
    let parts: Vec<&str> = s.split('.').collect();
    let [ml, family, size] = parts[..] else {
        return false;
    };
    let fits = |it: &str, also: &str| {
        !it.is_empty()
            && it
                .chars()
                .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || also.contains(it))
    };
    ml == "ml" && fits(family, "-") && fits(size, "-")
}
