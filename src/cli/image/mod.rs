//! Container images as documents: manifests, indexes and configurations, by the OCI image specification 1.1 and Docker's
//! schema 2, which differ in their media types alone.
//!
//! Invariant: a digest is of the bytes as they came, never of what was read and written again.

pub mod archive;
pub mod error;
mod files;
pub mod registry;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// SageMaker trains on this.
pub const SAGEMAKER: &str = "linux/amd64";

/// Media type of a manifest (OCI).
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of a manifest (Docker).
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Media type of an index (OCI).
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of an index (Docker).
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// What a registry may answer with.
pub const MANIFEST_TYPES: &[&str] = &[OCI_MANIFEST, DOCKER_MANIFEST, OCI_INDEX, DOCKER_INDEX];

/// A document is not what its place says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be read: {reason}")]
pub struct DocumentError {
    what: &'static str,
    reason: String,
}

/// Where a blob is and how large.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What it is.
    pub media_type: String,
    /// `sha256:…`.
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

impl Descriptor {
    /// Whether those bytes are the blob.
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        digest(bytes) == self.digest
    }
}

/// One image of an index.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Its manifest.
    #[serde(flatten)]
    pub manifest: Descriptor,
    /// What it is for; `None` for what is no image, such as an attestation.
    #[serde(default)]
    pub platform: Option<Platform>,
}

/// What a reference leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// An image.
    Image {
        /// Its configuration.
        config: Descriptor,
        /// Its layers, lowest first.
        layers: Vec<Descriptor>,
    },
    /// Images, one a platform.
    Index(Vec<Entry>),
}

#[derive(Deserialize)]
struct Document {
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    manifests: Option<Vec<Entry>>,
}

impl Manifest {
    /// Reads a manifest or an index.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let wrong = |reason: String| DocumentError {
            what: "the manifest",
            reason,
        };
        let document: Document =
            serde_json::from_slice(bytes).map_err(|err| wrong(err.to_string()))?;
        match (document.manifests, document.config) {
            (Some(mut entries), _) => {
                // buildx marks attestations as images for `unknown/unknown`.
                for it in &mut entries {
                    it.platform = it.platform.take().filter(|it| it.os != "unknown");
                }
                Ok(Self::Index(entries))
            }
            (None, Some(config)) => Ok(Self::Image {
                config,
                layers: document.layers,
            }),
            (None, None) => Err(wrong("it has neither `config` nor `manifests`".to_owned())),
        }
    }
}

/// Operating system and processor.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// `amd64`, `arm64`.
    pub architecture: String,
    /// `v8`.
    #[serde(default)]
    pub variant: Option<String>,
}

impl Platform {
    /// Whether `wanted`, such as `linux/amd64`, names this; a variant counts only where it names one.
    pub fn is(&self, wanted: &str) -> bool {
        let mut parts = wanted.split('/');
        let same = parts.next() == Some(&self.os) && parts.next() == Some(&self.architecture);
        same && parts
            .next()
            .is_none_or(|it| self.variant.as_deref() == Some(it))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

/// An image's configuration, as far as it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What it is for.
    pub platform: Platform,
    /// When it was built, as it says.
    pub created: Option<String>,
    /// What it runs.
    pub entry_point: Vec<String>,
    /// Arguments, where none are given.
    pub command: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct ConfigDocument {
    #[serde(flatten)]
    platform: Platform,
    created: Option<String>,
    config: Option<Runtime>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Runtime {
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    labels: Option<BTreeMap<String, String>>,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let document: ConfigDocument =
            serde_json::from_slice(bytes).map_err(|err| DocumentError {
                what: "the image's configuration",
                reason: err.to_string(),
            })?;
        let runtime = document.config.unwrap_or_default();
        Ok(Self {
            platform: document.platform,
            created: document.created,
            entry_point: runtime.entrypoint.unwrap_or_default(),
            command: runtime.cmd.unwrap_or_default(),
            labels: runtime.labels.unwrap_or_default(),
        })
    }
}

/// `sha256:…` of bytes.
pub fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().fold("sha256:".to_owned(), |mut text, byte| {
        use std::fmt::Write as _;
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_names_its_platforms_and_passes_over_attestations() {
        let entry = |os: &str, architecture: &str| {
            format!(
                r#"{{"mediaType": "m", "digest": "sha256:a", "size": 3, "platform": {{"os": "{os}", "architecture": "{architecture}"}}}}"#
            )
        };
        let text = format!(
            r#"{{"manifests": [{}, {}]}}"#,
            entry("linux", "arm64"),
            entry("unknown", "unknown")
        );
        let Manifest::Index(entries) = Manifest::parse(text.as_bytes()).unwrap() else {
            panic!("no index");
        };
        let platforms: Vec<Option<String>> = entries
            .iter()
            .map(|it| it.platform.as_ref().map(ToString::to_string))
            .collect();
        assert_eq!(platforms, [Some("linux/arm64".to_owned()), None]);
        assert!(Manifest::parse(b"{}").is_err());
        assert!(Manifest::parse(b"[]").is_err());
    }

    #[test]
    fn a_configuration_may_leave_out_what_is_not_the_platform() {
        let config = Config::parse(br#"{"os": "linux", "architecture": "amd64"}"#).unwrap();
        assert_eq!(config.platform.to_string(), SAGEMAKER);
        assert!(config.labels.is_empty() && config.entry_point.is_empty());
        let full = br#"{"os": "linux", "architecture": "arm64", "variant": "v8",
            "config": {"Entrypoint": ["train"], "Cmd": null, "Labels": {"a": "b"}}}"#;
        let config = Config::parse(full).unwrap();
        assert_eq!(config.platform.to_string(), "linux/arm64/v8");
        assert!(config.platform.is("linux/arm64") && config.platform.is("linux/arm64/v8"));
        assert!(!config.platform.is("linux/arm64/v7") && !config.platform.is("linux"));
        assert_eq!(
            (config.entry_point[0].as_str(), config.labels["a"].as_str()),
            ("train", "b")
        );
        assert!(Config::parse(b"{}").is_err());
    }

    #[test]
    fn a_digest_is_of_the_bytes() {
        assert_eq!(
            digest(b""),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
