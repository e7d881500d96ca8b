//! Why a store gives no bytes, and who can do something about it.
//!
//! Invariant: what may pass is [`Refusal::Busy`], and nothing else is asked for twice.
//!
//! Source: Amazon S3 API reference, "Error responses".

use std::fmt;

/// What a store answered to one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The store has no time, the network broke, or the answer did: it may go better next time.
    Busy(String),
    /// The object is another one than was listed.
    Changed,
    /// There is no such object any more.
    NoObject,
    /// There is no such bucket.
    NoBucket,
    /// The role may not.
    Denied(String),
    /// The bucket is in another region, perhaps known.
    Region(Option<String>),
    /// There is nobody to ask as.
    Credentials(String),
    /// Whoever answers shows a certificate that is not trusted.
    Certificate(String),
    /// The environment names no region.
    NoRegion,
    /// The store counts other bytes than it listed.
    Length {
        /// Bytes by the answer.
        found: u64,
        /// Bytes by the list.
        expected: u64,
    },
    /// A list without entity tags, by which a change could not be seen.
    NoTag,
    /// Anything else that will not go better next time.
    Other(String),
    /// The program was built without a store.
    NotBuilt,
}

/// What was asked of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To list a prefix.
    List,
    /// To read an object.
    Get,
}

impl Action {
    /// The permission that it takes.
    fn permission(self) -> &'static str {
        match self {
            Self::List => "s3:ListBucket",
            Self::Get => "s3:GetObject",
        }
    }
}

/// Why a channel could not be read from a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// The object or the prefix, as an address.
    pub uri: String,
    /// What was asked.
    pub action: Action,
    /// The region that was asked, where it is known.
    pub region: Option<String>,
    /// How often it was asked.
    pub n_attempts: u32,
    /// The last answer.
    pub refusal: Refusal,
}

impl std::error::Error for StoreError {}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uri, action, .. } = self;
        let region = self.region.as_deref().unwrap_or("an unknown region");
        match &self.refusal {
            Refusal::Busy(said) => write!(
                f,
                "cannot read `{uri}`, given up after {} attempts: {said}",
                self.n_attempts
            ),
            Refusal::Changed => write!(f, "`{uri}` was changed while it was read"),
            Refusal::NoObject => write!(f, "`{uri}` was deleted while it was read"),
            Refusal::NoBucket => write!(
                f,
                "cannot read `{uri}`: there is no such bucket, asked in {region}"
            ),
            Refusal::Denied(said) => write!(
                f,
                "cannot read `{uri}`: {} is denied in {region} ({said})",
                action.permission()
            ),
            Refusal::Region(Some(home)) => write!(
                f,
                "cannot read `{uri}`: its bucket is in {home}, and the job asked in {region}"
            ),
            Refusal::Region(None) => write!(
                f,
                "cannot read `{uri}`: its bucket is in another region than {region}, which the job asked in"
            ),
            Refusal::Credentials(said) => {
                write!(f, "cannot read `{uri}`: there are no credentials ({said})")
            }
            Refusal::Certificate(said) => write!(
                f,
                "cannot read `{uri}`: the certificate of whoever answered is not trusted ({said})"
            ),
            Refusal::NoRegion => write!(f, "cannot read `{uri}`: no region is given"),
            Refusal::Length { found, expected } => write!(
                f,
                "`{uri}` has {found} bytes, and {expected} in the list of its prefix"
            ),
            Refusal::NoTag => write!(
                f,
                "cannot read `{uri}`: the store lists it without an entity tag, so that a change could not be seen"
            ),
            Refusal::Other(said) => write!(f, "cannot read `{uri}`: {said}"),
            Refusal::NotBuilt => write!(
                f,
                "cannot read `{uri}`: this linden-trainer was built without S3"
            ),
        }
    }
}

impl StoreError {
    /// Whether the user can do something about it; else it is the network's or the service's doing.
    pub fn is_users(&self) -> bool {
        match self.refusal {
            Refusal::Busy(_) | Refusal::Length { .. } => false,
            Refusal::Changed
            | Refusal::NoObject
            | Refusal::NoBucket
            | Refusal::Denied(_)
            | Refusal::Region(_)
            | Refusal::Credentials(_)
            | Refusal::Certificate(_)
            | Refusal::NoRegion
            | Refusal::NoTag
            | Refusal::Other(_)
            | Refusal::NotBuilt => true,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let permission = self.action.permission();
        let hint = match &self.refusal {
            Refusal::Changed | Refusal::NoObject => {
                "write objects under a new prefix instead of those that a job reads, and start the job again".to_owned()
            }
            Refusal::NoBucket => "check the channel's address".to_owned(),
            Refusal::Denied(_) => format!(
                "give the job's role {permission} on the bucket, and kms:Decrypt on the key where objects are encrypted with one; \
                 a bucket whose requester pays takes AWS_REQUEST_PAYER=requester in the job's environment"
            ),
            Refusal::Region(Some(home)) => {
                format!("run the job in {home}, or copy the objects to a bucket in its region")
            }
            Refusal::Region(None) => {
                "run the job in the bucket's region, or copy the objects to a bucket in its own".to_owned()
            }
            Refusal::Credentials(_) => {
                "a job with network isolation has none: leave it off, or leave `stream` off".to_owned()
            }
            Refusal::Certificate(_) => {
                "where a store or a proxy of your own answers, SSL_CERT_FILE names a file with the certificates to trust".to_owned()
            }
            Refusal::NoRegion => "set AWS_REGION, as SageMaker does".to_owned(),
            Refusal::Busy(_) => {
                "start the job again; where S3 was busy, larger objects under several prefixes help".to_owned()
            }
            Refusal::NotBuilt => "build it with `--features trainer/s3`".to_owned(),
            Refusal::Length { .. } | Refusal::NoTag | Refusal::Other(_) => return None,
        };
        Some(hint)
    }
}
