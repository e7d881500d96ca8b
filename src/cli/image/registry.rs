//! Registries of images by the OCI distribution protocol: what a name leads to, and pushing an archive.
//!
//! The protocol is `oci-client`'s; here is whom to ask, as whom, and what an answer means. Invariants: a blob is held
//! against its digest before it is believed; a tag that names another image is left alone; a push leaves no tag before
//! every blob is there.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::OciDescriptor;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};

use super::archive::Archive;
use super::error::{ImageError, RegistryTrouble};
use super::{Config, Descriptor, MANIFEST_TYPES, Manifest, digest};
use crate::aws::RegistryLogin;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Counts from the begin of a request, so a whole blob must go up in it.
const READ_TIMEOUT: Duration = Duration::from_hours(1);

/// An image in a registry, and how to speak to that.
pub struct Registry {
    client: Client,
    auth: RegistryAuth,
    /// The image as its owner writes it.
    name: String,
    place: Reference,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The digest of its manifest.
    pub digest: String,
    /// The manifest.
    pub manifest: Manifest,
}

/// What a push came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The tag leads to the image now.
    New,
    /// It did already.
    WasThere,
}

impl Registry {
    /// Prepares for the image of that name; `endpoint` takes the place of its registry's own address. Nothing is sent.
    ///
    /// # Errors
    /// If the name cannot be read.
    pub fn of(
        name: &str,
        login: Option<RegistryLogin>,
        endpoint: Option<&str>,
    ) -> Result<Self, ImageError> {
        let wrong = |reason: String| ImageError::Name {
            name: name.to_owned(),
            reason,
        };
        let place: Reference = name.parse().map_err(|err| wrong(format!("{err}")))?;
        let (host, plain) = match endpoint {
            Some(url) => {
                let (scheme, rest) = url
                    .split_once("://")
                    .ok_or_else(|| wrong(format!("the endpoint `{url}` is no address")))?;
                (rest.trim_end_matches('/').to_owned(), scheme == "http")
            }
            None => (place.registry().to_owned(), is_loopback(place.registry())),
        };
        let repository = place.repository().to_owned();
        let place = match (place.digest(), place.tag()) {
            (Some(digest), _) => {
                Reference::with_digest(host.clone(), repository, digest.to_owned())
            }
            (None, tag) => {
                let tag = tag.unwrap_or("latest").to_owned();
                Reference::with_tag(host.clone(), repository, tag)
            }
        };
        let protocol = if plain {
            ClientProtocol::HttpsExcept(vec![host])
        } else {
            ClientProtocol::Https
        };
        let config = ClientConfig {
            protocol,
            connect_timeout: Some(CONNECT_TIMEOUT),
            read_timeout: Some(READ_TIMEOUT),
            // Whatever the name leads to is looked at as it is.
            platform_resolver: None,
            // One request a blob: ECR takes parts of 5 MB and more only, and the crate's are smaller.
            use_monolithic_push: true,
            user_agent: "linden",
            ..ClientConfig::default()
        };
        let client = Client::try_from(config).map_err(|err| ImageError::Registry {
            name: name.to_owned(),
            kind: RegistryTrouble::Service,
            reason: format!("cannot be spoken to: {err}"),
        })?;
        let auth = match login {
            Some(it) => RegistryAuth::Basic(it.user, it.password),
            None => RegistryAuth::Anonymous,
        };
        Ok(Self {
            client,
            auth,
            name: name.to_owned(),
            place,
        })
    }

    /// The digest that the name demands, where it has one.
    pub fn pinned(&self) -> Option<&str> {
        self.place.digest()
    }

    /// What the name leads to.
    ///
    /// # Errors
    /// If it is not there, may not be seen, or is not what the name demands.
    pub async fn find(&self) -> Result<Found, ImageError> {
        self.find_at(&self.place).await
    }

    async fn find_at(&self, place: &Reference) -> Result<Found, ImageError> {
        let pulled = self
            .client
            .pull_manifest_raw(place, &self.auth, MANIFEST_TYPES);
        let (bytes, _) = pulled.await.map_err(|err| self.trouble(&err))?;
        let found = digest(&bytes);
        if let Some(wanted) = place.digest()
            && wanted != found
        {
            return Err(self.wrong(format!("answers with {found} where {wanted} was asked for")));
        }
        let manifest = Manifest::parse(&bytes).map_err(|source| ImageError::Document {
            place: self.name.clone(),
            source,
        })?;
        Ok(Found {
            digest: found,
            manifest,
        })
    }

    /// The manifest behind an entry of an index.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn entry(&self, manifest: &Descriptor) -> Result<Found, ImageError> {
        self.find_at(&self.place.clone_with_digest(manifest.digest.clone()))
            .await
    }

    /// A configuration.
    ///
    /// # Errors
    /// If it is not there, or not what the manifest names.
    pub async fn config(&self, descriptor: &Descriptor) -> Result<Config, ImageError> {
        let wanted = OciDescriptor {
            media_type: descriptor.media_type.clone(),
            digest: descriptor.digest.clone(),
            size: i64::try_from(descriptor.size).unwrap_or(i64::MAX),
            ..OciDescriptor::default()
        };
        let mut bytes = vec![];
        let pulled = self.client.pull_blob(&self.place, &wanted, &mut bytes);
        pulled.await.map_err(|err| self.trouble(&err))?;
        if !descriptor.is_of(&bytes) {
            return Err(self.wrong(format!(
                "answers with another blob than {}",
                descriptor.digest
            )));
        }
        Config::parse(&bytes).map_err(|source| ImageError::Document {
            place: self.name.clone(),
            source,
        })
    }

    /// Whether a blob is there.
    ///
    /// # Errors
    /// If the registry does not answer, or not to this caller.
    pub async fn has(&self, blob: &Descriptor) -> Result<bool, ImageError> {
        let is_there = self.client.blob_exists(&self.place, &blob.digest).await;
        is_there.map_err(|err| self.trouble(&err))
    }

    /// Pushes an archive: blobs that are missing, then the manifest under the tag. `progress` gets the bytes of each blob
    /// that is there.
    ///
    /// # Errors
    /// If the name has no tag, the tag names another image, a blob cannot be read, or the registry refuses.
    pub async fn push(
        &self,
        archive: &Archive,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Pushed, ImageError> {
        if self.place.tag().is_none() {
            return Err(ImageError::Name {
                name: self.name.clone(),
                reason: "an image is pushed under a tag; its digest follows from what it is"
                    .to_owned(),
            });
        }
        let here = archive.digest();
        match self.find().await {
            Ok(there) if there.digest == here => return Ok(Pushed::WasThere),
            Ok(there) => return Err(self.taken(there.digest, here)),
            Err(ImageError::Registry {
                kind: RegistryTrouble::NotFound,
                ..
            }) => {}
            Err(err) => return Err(err),
        }
        let auth = self
            .client
            .auth(&self.place, &self.auth, RegistryOperation::Push);
        auth.await.map_err(|err| self.trouble(&err))?;
        for blob in &archive.blobs {
            if !self.has(&blob.descriptor).await? {
                let bytes = Bytes::from(archive.read(blob)?);
                let digest = &blob.descriptor.digest;
                let pushed = self.client.push_blob(&self.place, bytes, digest).await;
                pushed.map_err(|err| self.trouble(&err))?;
            }
            progress(blob.descriptor.size);
        }
        let media_type = archive
            .media_type
            .parse()
            .map_err(|_| self.wrong(format!("has no media type `{}`", archive.media_type)))?;
        let manifest = Bytes::from(archive.manifest.clone());
        let pushed = self
            .client
            .push_manifest_raw(&self.place, manifest, media_type);
        match pushed.await {
            Ok(_) => Ok(Pushed::New),
            Err(err) if is_tag_conflict(&err) => {
                Err(self.taken("another one, pushed meanwhile".to_owned(), here))
            }
            Err(err) => Err(self.trouble(&err)),
        }
    }

    fn taken(&self, there: String, here: String) -> ImageError {
        ImageError::TagTaken {
            name: self.name.clone(),
            there,
            here,
        }
    }

    fn wrong(&self, reason: String) -> ImageError {
        ImageError::Registry {
            name: self.name.clone(),
            kind: RegistryTrouble::Wrong,
            reason,
        }
    }

    /// What a failed call means.
    fn trouble(&self, err: &OciDistributionError) -> ImageError {
        let (kind, reason) = read(err);
        ImageError::Registry {
            name: self.name.clone(),
            kind,
            reason,
        }
    }
}

/// What can be done about an error of the protocol, and what it says.
fn read(err: &OciDistributionError) -> (RegistryTrouble, String) {
    match err {
        OciDistributionError::ImageManifestNotFoundError(_) => {
            (RegistryTrouble::NotFound, "does not have it".to_owned())
        }
        OciDistributionError::UnauthorizedError { .. } => {
            (RegistryTrouble::Denied, "does not know who asks".to_owned())
        }
        OciDistributionError::AuthenticationFailure(_) => (
            RegistryTrouble::Denied,
            "does not take the login".to_owned(),
        ),
        OciDistributionError::RegistryError { envelope, .. } => {
            let first = envelope.errors.first();
            let kind = match first.map(|it| &it.code) {
                Some(
                    OciErrorCode::ManifestUnknown
                    | OciErrorCode::NameUnknown
                    | OciErrorCode::BlobUnknown
                    | OciErrorCode::NotFound,
                ) => RegistryTrouble::NotFound,
                Some(OciErrorCode::Unauthorized | OciErrorCode::Denied) => RegistryTrouble::Denied,
                _ => RegistryTrouble::Service,
            };
            let said = first.map_or("gives no reason".to_owned(), |it| {
                format!("says: {} ({:?})", it.message, it.code)
            });
            (kind, said)
        }
        OciDistributionError::ServerError { code, message, .. } => {
            let kind = match code {
                401 | 403 => RegistryTrouble::Denied,
                404 => RegistryTrouble::NotFound,
                _ => RegistryTrouble::Service,
            };
            let line = message.lines().next().unwrap_or_default();
            (kind, format!("answers with HTTP {code}: {line}"))
        }
        OciDistributionError::RequestError(err) => {
            let kind = match err.status().map(|it| it.as_u16()) {
                Some(401 | 403) => RegistryTrouble::Denied,
                Some(404) => RegistryTrouble::NotFound,
                _ => RegistryTrouble::Service,
            };
            // Its own text holds the address, which is signed where a blob lies in S3.
            let why = match (err.status(), err.source()) {
                (Some(status), _) => format!("answers with HTTP {}", status.as_u16()),
                (None, Some(cause)) => format!("is not reached: {}", crate::aws::causes(cause)),
                (None, None) => "is not reached".to_owned(),
            };
            (kind, why)
        }
        OciDistributionError::DigestError(err) => {
            (RegistryTrouble::Wrong, format!("answers with {err}"))
        }
        other => (RegistryTrouble::Service, format!("does not do it: {other}")),
    }
}

/// ECR's answer where tags are immutable, and Docker's where a tag is being written.
fn is_tag_conflict(err: &OciDistributionError) -> bool {
    let text = err.to_string();
    text.contains("TAG_INVALID") || text.contains("immutable") || text.contains("TagInvalid")
}

/// Registries on this machine are spoken to in the clear, as Docker does.
fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name == "127.0.0.1" || name == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_registry_or_to_the_endpoint_that_stands_for_it() {
        let own = Registry::of("127.0.0.1:5000/a/b:1", None, None).unwrap();
        assert_eq!(own.place.whole(), "127.0.0.1:5000/a/b:1");
        let pinned = format!(
            "1.dkr.ecr.eu-west-1.amazonaws.com/a@sha256:{}",
            "0".repeat(64)
        );
        let other = Registry::of(&pinned, None, Some("http://127.0.0.1:9/")).unwrap();
        assert!(other.place.whole().starts_with("127.0.0.1:9/a@sha256:0"));
        assert!(other.pinned().is_some() && own.pinned().is_none());
        assert!(Registry::of("A B", None, None).is_err());
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        assert!(is_loopback("127.0.0.1:5000") && is_loopback("localhost"));
        assert!(!is_loopback("registry.example.com") && !is_loopback("127.0.0.1.example.com"));
    }
}
