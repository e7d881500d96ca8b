//! [`Identity`]: who asks, by the SDK's chain of credential providers and by STS.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::ProvideCredentials;

use super::{AwsError, AwsErrorKind, Caller, Identity, SignIn};

/// The SDK's chain and STS.
#[derive(Debug)]
pub(super) struct Chain {
    config: SdkConfig,
    sts: Client,
}

impl Chain {
    pub(super) fn new(config: &SdkConfig, own_endpoint: Option<&str>) -> Self {
        let mut sts = aws_sdk_sts::config::Builder::from(config);
        if let Some(url) = own_endpoint {
            sts = sts.endpoint_url(url);
        }
        Self {
            config: config.clone(),
            sts: Client::from_conf(sts.build()),
        }
    }
}

#[async_trait]
impl Identity for Chain {
    async fn sign_in(&self) -> Result<SignIn, AwsError> {
        let missing = |message: String| {
            AwsError::of(
                AwsErrorKind::Credentials,
                "looking for credentials",
                message,
            )
        };
        let provider = self
            .config
            .credentials_provider()
            .ok_or_else(|| missing("there is no provider of credentials".to_owned()))?;
        let found = provider.provide_credentials().await;
        let found = found.map_err(|err| missing(super::error::chain(&err)))?;
        Ok(SignIn {
            provider: provider_name(&found),
            expires: found.expiry(),
        })
    }

    async fn caller(&self) -> Result<Caller, AwsError> {
        let answer = self.sts.get_caller_identity().send().await;
        let answer = answer.map_err(|err| AwsError::from_sdk("GetCallerIdentity", &err))?;
        Ok(Caller {
            account: answer.account.unwrap_or_default(),
            arn: answer.arn.unwrap_or_default(),
        })
    }
}

/// The SDK names the provider only where it prints credentials for debugging; what it prints holds no secret.
fn provider_name(credentials: &aws_sdk_sts::config::Credentials) -> String {
    let text = format!("{credentials:?}");
    let name = text
        .split_once("provider_name: \"")
        .and_then(|(_, rest)| rest.split_once('"'));
    name.map_or_else(|| "unknown".to_owned(), |(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_provider_is_told_and_nothing_secret_with_it() {
        let credentials =
            aws_sdk_sts::config::Credentials::new("a", "b", None, None, "EnvironmentVariable");
        assert_eq!(provider_name(&credentials), "EnvironmentVariable");
    }
}
