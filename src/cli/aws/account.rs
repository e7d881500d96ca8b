//! The ports of what an account has beside jobs: permissions, quotas, images, prices. All of them only read.
//!
//! They answer what was found and leave the judging to [`crate::preflight`]: an answer that was cut off says so, since what
//! is not in it is unknown and not refused.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::AwsError;

/// A role, as IAM has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// Who may take it on: the JSON of its trust policy.
    pub trust: String,
}

/// What a principal may be allowed to do, as one question to IAM: each action on each resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Actions such as `s3:GetObject`.
    pub actions: Vec<String>,
    /// ARNs, or `*`.
    pub resources: Vec<String>,
    /// What the condition keys would be in the real call.
    pub context: Vec<Fact>,
}

/// A condition key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The key, such as `iam:PassedToService`.
    pub key: &'static str,
    /// Its value.
    pub value: FactValue,
}

/// The value of a condition key, by its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactValue {
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A number.
    Number(u64),
}

/// What IAM says about an action on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A policy allows it, and none refuses it.
    Allowed,
    /// A policy refuses it.
    ExplicitDeny,
    /// No policy of the principal's allows it.
    ImplicitDeny,
    /// A word that this program does not know.
    Other(String),
}

/// An action on a resource and what IAM says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// What IAM says.
    pub decision: Decision,
    /// Condition keys that policies ask for and that the question did not have.
    pub missing_context: Vec<String>,
}

/// The answers to a [`Question`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// The answers, as far as they came.
    pub answers: Vec<Answer>,
    /// Why there are no more, where some are missing.
    pub cut: Option<String>,
}

/// Roles and what principals may do (IAM).
#[async_trait]
pub trait Permissions: Send + Sync {
    /// The role of that name; [`NotFound`](super::AwsErrorKind::NotFound) where there is none.
    async fn role(&self, name: &str) -> Result<Role, AwsError>;
    /// What IAM's simulation says that `principal`, an ARN, may do. An error is the first page's; a later page that does
    /// not come is [`Simulation::cut`].
    async fn simulate(&self, principal: &str, question: &Question) -> Result<Simulation, AwsError>;
}

/// A limit of the account.
#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    /// AWS's code for it, such as `L-3F53BF0F`; what a request for more names.
    pub code: String,
    /// The limit.
    pub value: f64,
    /// Whether it is AWS's default, since nothing was applied to this account.
    pub is_default: bool,
}

/// Limits of the account (Service Quotas).
#[async_trait]
pub trait Quotas: Send + Sync {
    /// SageMaker's limits of those names, for this account where it has its own and else AWS's defaults. A name that
    /// neither list has is not in the answer.
    async fn of_sagemaker(&self, names: &[String]) -> Result<BTreeMap<String, Quota>, AwsError>;
}

/// What a tag or digest of a repository names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredImage {
    /// `sha256:…` of the manifest.
    pub digest: String,
    /// Operating systems and processors that it is for, such as `linux/amd64`, one unless it is an index; or why they are
    /// not known.
    pub platforms: Result<Vec<String>, String>,
    /// Whether it is an index of images, one a platform.
    pub is_index: bool,
    /// Bytes of its layers, compressed; `None` for an index.
    pub bytes: Option<u64>,
}

/// A user name and a password for a registry.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryLogin {
    /// The user.
    pub user: String,
    /// The password; it is good for 12 hours.
    pub password: String,
}

impl std::fmt::Debug for RegistryLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistryLogin")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Images in ECR.
#[async_trait]
pub trait Images: Send + Sync {
    /// The image; [`NotFound`](super::AwsErrorKind::NotFound) where repository, tag or digest are not there.
    async fn image(&self, place: &EcrPlace) -> Result<StoredImage, AwsError>;
    /// How to log in to the registries of the region that the caller may use, its own account's and others'.
    async fn login(&self) -> Result<RegistryLogin, AwsError>;
}

/// Where an image lies in ECR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcrPlace {
    /// The account of the registry.
    pub account: String,
    /// Its region.
    pub region: String,
    /// The repository, with all parts of its path.
    pub repository: String,
    /// A tag, or a digest that begins with `sha256:`.
    pub reference: String,
}

impl EcrPlace {
    /// Reads `<account>.dkr.ecr.<region>.amazonaws.com/<repository>[:<tag>][@<digest>]`; a digest goes before a tag, and
    /// `latest` stands where there is neither. `None` for an image that is not in ECR.
    pub fn of(image: &str) -> Option<Self> {
        let (host, path) = image.split_once('/')?;
        let (account, rest) = host.split_once(".dkr.ecr.")?;
        let (region, domain) = rest.split_once('.')?;
        if !domain.starts_with("amazonaws.com") {
            return None;
        }
        let (path, digest) = match path.split_once('@') {
            Some((path, digest)) => (path, Some(digest)),
            None => (path, None),
        };
        let (repository, tag) = match path.rsplit_once(':') {
            Some((repository, tag)) => (repository, tag),
            None => (path, "latest"),
        };
        Some(Self {
            account: account.to_owned(),
            region: region.to_owned(),
            repository: repository.to_owned(),
            reference: digest.unwrap_or(tag).to_owned(),
        })
    }

    /// The repository's ARN.
    pub fn arn(&self, partition: &str) -> String {
        format!(
            "arn:{partition}:ecr:{}:{}:repository/{}",
            self.region, self.account, self.repository
        )
    }
}

/// What an hour of an instance costs for training, as AWS's price list has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ListPrice {
    /// The instance type, such as `ml.m5.large`.
    pub instance_type: String,
    /// US dollars.
    pub usd_per_hour: f64,
}

/// AWS's price list.
#[async_trait]
pub trait PriceList: Send + Sync {
    /// What training costs in that region, on demand, by type. What the list has in a form that is not known is left out,
    /// and counted.
    async fn training(&self, region: &str) -> Result<(Vec<ListPrice>, usize), AwsError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_in_ecr_has_its_place() {
        let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
        let of = |rest: &str| EcrPlace::of(&format!("{host}/{rest}")).unwrap();
        assert_eq!(of("ml/linden:0.1").repository, "ml/linden");
        assert_eq!(of("ml/linden:0.1").reference, "0.1");
        assert_eq!(of("linden").reference, "latest");
        assert_eq!(of("linden:0.1@sha256:ab").reference, "sha256:ab");
        assert_eq!(
            of("linden").arn("aws"),
            "arn:aws:ecr:eu-west-1:123456789012:repository/linden"
        );
        let china = "1.dkr.ecr.cn-north-1.amazonaws.com.cn/a";
        assert_eq!(EcrPlace::of(china).unwrap().region, "cn-north-1");
        assert_eq!(EcrPlace::of("docker.io/library/a:1"), None);
        assert_eq!(EcrPlace::of("linden:1"), None);
    }
}
