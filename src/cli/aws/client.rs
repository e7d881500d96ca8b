//! The one factory of clients: all of them get the same profile, region, endpoint, retries and time limits.
//!
//! On AWS the SDK's own chain decides what is not given (environment, profile, container, instance). Against the SageMaker
//! on this machine nothing of that is looked at: no file, no variable, made-up credentials.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_sagemaker::config::retry::RetryConfig;
use aws_sdk_sagemaker::config::timeout::TimeoutConfig;
use aws_sdk_sagemaker::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_types::checksum_config::RequestChecksumCalculation;

use super::{Identity, Images, Logs, Permissions, PriceList, Quotas, Store, TrainingJobs};
use super::{
    ecr::Ecr, iam::Iam, identity::Chain, logs::CloudWatchLogs, pricing, quotas::ServiceQuotas,
    sagemaker::SageMaker, store::S3,
};

/// Attempts of a call where `AWS_MAX_ATTEMPTS` says nothing; adaptive, so a throttled account is asked more slowly.
const ATTEMPTS: u32 = 8;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_mins(1);
/// The region of the SageMaker on this machine where none is given.
pub const LOCAL_REGION: &str = "us-east-1";

/// Nobody has named a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no region is given")]
pub struct NoRegion;

/// Whom to speak to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// AWS, or whatever answers at another endpoint.
    Aws {
        /// The profile, where not the default one.
        profile: Option<String>,
        /// The region, where not the profile's.
        region: Option<String>,
        /// The endpoint, where not AWS's.
        endpoint_url: Option<String>,
    },
    /// The SageMaker on this machine.
    Local {
        /// Its address.
        addr: SocketAddr,
        /// Its region.
        region: String,
    },
}

/// The ports, ready to use.
#[derive(Clone)]
pub struct Ports {
    /// Training jobs.
    pub jobs: Arc<dyn TrainingJobs>,
    /// Their logs.
    pub logs: Arc<dyn Logs>,
    /// Objects.
    pub store: Arc<dyn Store>,
    /// Who asks.
    pub identity: Arc<dyn Identity>,
    /// What the account has beside jobs.
    pub account: AccountPorts,
    /// The region in use.
    pub region: String,
    /// The address that stands for all of AWS, where one was given.
    pub endpoint: Option<String>,
}

/// The ports of what an account has beside jobs.
#[derive(Clone)]
pub struct AccountPorts {
    /// Roles and what they may do.
    pub permissions: Arc<dyn Permissions>,
    /// Limits.
    pub quotas: Arc<dyn Quotas>,
    /// Images in ECR.
    pub images: Arc<dyn Images>,
    /// AWS's price list.
    pub prices: Arc<dyn PriceList>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for AccountPorts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccountPorts")
    }
}

/// Makes the clients. Nothing is sent yet.
///
/// # Errors
/// If no region is to be found.
pub async fn connect(target: &Target) -> Result<Ports, NoRegion> {
    let (config, own_endpoint) = match target {
        Target::Aws {
            profile,
            region,
            endpoint_url,
        } => (
            from_chain(
                profile.as_deref(),
                region.as_deref(),
                endpoint_url.as_deref(),
            )
            .await,
            endpoint_url.clone(),
        ),
        Target::Local { addr, region } => {
            let endpoint = format!("http://{addr}");
            (for_local(&endpoint, region), Some(endpoint))
        }
    };
    let region = config.region().map(ToString::to_string).ok_or(NoRegion)?;
    // The address on the command line also beats AWS_ENDPOINT_URL_S3 and its siblings.
    let sagemaker = aws_sdk_sagemaker::config::Builder::from(&config);
    let logs = aws_sdk_cloudwatchlogs::config::Builder::from(&config);
    // An endpoint that is not AWS's has no bucket names in its DNS.
    let not_aws = own_endpoint.is_some()
        || config.endpoint_url().is_some()
        || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    let s3 = aws_sdk_s3::config::Builder::from(&config)
        .force_path_style(not_aws)
        // Every object that is put carries its MD5, so a second checksum is not wanted unless S3 asks for it.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
    let identity = Chain::new(&config, own_endpoint.as_deref());
    let account = account_ports(&config, own_endpoint.as_deref());
    let endpoint = own_endpoint
        .clone()
        .or_else(|| config.endpoint_url().map(ToOwned::to_owned));
    let (sagemaker, logs, s3) = match own_endpoint {
        Some(url) => (
            sagemaker.endpoint_url(&url),
            logs.endpoint_url(&url),
            s3.endpoint_url(&url),
        ),
        None => (sagemaker, logs, s3),
    };
    Ok(Ports {
        jobs: Arc::new(SageMaker::new(sagemaker)),
        logs: Arc::new(CloudWatchLogs(aws_sdk_cloudwatchlogs::Client::from_conf(
            logs.build(),
        ))),
        store: Arc::new(S3(aws_sdk_s3::Client::from_conf(s3.build()))),
        identity: Arc::new(identity),
        account,
        region,
        endpoint,
    })
}

fn account_ports(config: &SdkConfig, own_endpoint: Option<&str>) -> AccountPorts {
    let iam = aws_sdk_iam::config::Builder::from(config);
    let quotas = aws_sdk_servicequotas::config::Builder::from(config);
    let ecr = aws_sdk_ecr::config::Builder::from(config);
    let prices =
        aws_sdk_pricing::config::Builder::from(config).region(Region::new(pricing::REGION));
    let (iam, quotas, ecr, prices) = match own_endpoint {
        Some(url) => (
            iam.endpoint_url(url),
            quotas.endpoint_url(url),
            ecr.endpoint_url(url),
            prices.endpoint_url(url),
        ),
        None => (iam, quotas, ecr, prices),
    };
    let quotas = aws_sdk_servicequotas::Client::from_conf(quotas.build());
    let prices = aws_sdk_pricing::Client::from_conf(prices.build());
    AccountPorts {
        permissions: Arc::new(Iam(aws_sdk_iam::Client::from_conf(iam.build()))),
        quotas: Arc::new(ServiceQuotas(quotas)),
        images: Arc::new(Ecr(aws_sdk_ecr::Client::from_conf(ecr.build()))),
        prices: Arc::new(pricing::Pricing(prices)),
    }
}

async fn from_chain(
    profile: Option<&str>,
    region: Option<&str>,
    endpoint_url: Option<&str>,
) -> SdkConfig {
    let asked = std::env::var("AWS_MAX_ATTEMPTS")
        .ok()
        .and_then(|it| it.parse().ok());
    let attempts = asked.unwrap_or(ATTEMPTS).max(1);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::adaptive().with_max_attempts(attempts))
        .timeout_config(timeouts());
    if let Ok(name) = AppName::new("linden") {
        loader = loader.app_name(name);
    }
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(url) = endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader.load().await
}

fn for_local(endpoint: &str, region: &str) -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "linden");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .timeout_config(timeouts())
        .build()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .build()
}
