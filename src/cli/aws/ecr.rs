//! [`Images`] by aws-sdk-ecr.
//!
//! The manifest comes with `BatchGetImage`; the processor that an image is for stands in its configuration, which is a blob
//! behind an address that `GetDownloadUrlForLayer` signs.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_ecr::Client;
use aws_sdk_ecr::types::ImageIdentifier;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{AwsError, AwsErrorKind, EcrPlace, Images, RegistryLogin, StoredImage};
use crate::image::{Config, Descriptor, MANIFEST_TYPES, Manifest};

/// A configuration is a few kilobytes; more is not one.
const MAX_CONFIG_BYTES: usize = 4 << 20;

/// For all of a configuration.
const TIMEOUT: Duration = Duration::from_secs(30);

/// ECR.
#[derive(Debug)]
pub(super) struct Ecr(pub(super) Client);

#[async_trait]
impl Images for Ecr {
    async fn image(&self, place: &EcrPlace) -> Result<StoredImage, AwsError> {
        const OPERATION: &str = "BatchGetImage";
        let wrong = |message: String| AwsError::of(AwsErrorKind::Unexpected, OPERATION, message);
        let id = ImageIdentifier::builder();
        let id = if place.reference.contains(':') {
            id.image_digest(&place.reference)
        } else {
            id.image_tag(&place.reference)
        };
        let types = MANIFEST_TYPES.iter().map(ToString::to_string).collect();
        let answer = self
            .0
            .batch_get_image()
            .registry_id(&place.account)
            .repository_name(&place.repository)
            .image_ids(id.build())
            .set_accepted_media_types(Some(types))
            .send()
            .await
            .map_err(|err| AwsError::from_sdk(OPERATION, &err))?;
        let Some(image) = answer.images.unwrap_or_default().into_iter().next() else {
            let failure = answer.failures.unwrap_or_default().into_iter().next();
            let reason = failure.and_then(|it| it.failure_reason);
            let reason = reason.unwrap_or_else(|| "ECR does not say why".to_owned());
            let message = format!(
                "there is no `{}` in `{}`: {reason}",
                place.reference, place.repository
            );
            return Err(AwsError::of(AwsErrorKind::NotFound, OPERATION, message));
        };
        let digest = image.image_id.and_then(|it| it.image_digest);
        let digest = digest.ok_or_else(|| wrong("ECR gave no digest".to_owned()))?;
        let text = image.image_manifest.unwrap_or_default();
        let manifest = Manifest::parse(text.as_bytes()).map_err(|err| wrong(err.to_string()))?;
        Ok(match manifest {
            Manifest::Index(entries) => StoredImage {
                digest,
                platforms: Ok(entries
                    .iter()
                    .filter_map(|it| Some(it.platform.as_ref()?.to_string()))
                    .collect()),
                is_index: true,
                bytes: None,
            },
            Manifest::Image { config, layers } => StoredImage {
                digest,
                platforms: self.platform(place, &config).await,
                is_index: false,
                bytes: Some(layers.iter().map(|it| it.size).sum()),
            },
        })
    }

    async fn login(&self) -> Result<RegistryLogin, AwsError> {
        const OPERATION: &str = "GetAuthorizationToken";
        let wrong = || {
            let message = "ECR gave no token that can be read";
            AwsError::of(AwsErrorKind::Unexpected, OPERATION, message)
        };
        let answer = self.0.get_authorization_token().send().await;
        let answer = answer.map_err(|err| AwsError::from_sdk(OPERATION, &err))?;
        let data = answer.authorization_data.unwrap_or_default();
        let token = data
            .into_iter()
            .next()
            .and_then(|it| it.authorization_token);
        let token = STANDARD
            .decode(token.ok_or_else(wrong)?)
            .map_err(|_| wrong())?;
        let token = String::from_utf8(token).map_err(|_| wrong())?;
        let (user, password) = token.split_once(':').ok_or_else(wrong)?;
        Ok(RegistryLogin {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }
}

impl Ecr {
    /// What the image's configuration says that it is for, or why that is not known.
    async fn platform(&self, place: &EcrPlace, config: &Descriptor) -> Result<Vec<String>, String> {
        let answer = self
            .0
            .get_download_url_for_layer()
            .registry_id(&place.account)
            .repository_name(&place.repository)
            .layer_digest(&config.digest)
            .send()
            .await
            .map_err(|err| AwsError::from_sdk("GetDownloadUrlForLayer", &err).to_string())?;
        let url = answer.download_url.unwrap_or_default();
        let told = |err: reqwest::Error| format!("its configuration: {}", err.without_url());
        let client = reqwest::Client::builder().timeout(TIMEOUT).build();
        let answer = client.map_err(told)?.get(&url).send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status);
        let mut answer = answer.map_err(told)?;
        let mut bytes = vec![];
        while let Some(part) = answer.chunk().await.map_err(told)? {
            bytes.extend_from_slice(&part);
            if bytes.len() > MAX_CONFIG_BYTES {
                return Err("its configuration is too large to be one".to_owned());
            }
        }
        if !config.is_of(&bytes) {
            return Err("its configuration is not what the manifest names".to_owned());
        }
        let config = Config::parse(&bytes).map_err(|err| err.to_string())?;
        Ok(vec![config.platform.to_string()])
    }
}
