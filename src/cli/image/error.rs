//! Why an image cannot be used: its archive, its processor, its registry, the engine that would build it.

use std::path::PathBuf;

use contract::exit;

use super::{DocumentError, SAGEMAKER};
use crate::error_page::{self, Page};

/// What an image failed by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The file is no image.
    #[error("`{}` is no image: {reason}", path.display())]
    Archive {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A manifest or a configuration cannot be read.
    #[error("{place}: {source}")]
    Document {
        /// Where it came from.
        place: String,
        /// What is wrong with it.
        source: DocumentError,
    },
    /// It is for another processor.
    #[error("{place} is for {found}, and {wanted} is wanted")]
    Platform {
        /// The image.
        place: String,
        /// What it is for.
        found: String,
        /// What it should be for.
        wanted: String,
    },
    /// The name of an image cannot be read.
    #[error("`{name}` is no name of an image in a registry: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The tag names another image, and may not be moved.
    #[error("the tag of `{name}` is taken: it is {there}, and this image is {here}")]
    TagTaken {
        /// The image.
        name: String,
        /// The digest in the registry.
        there: String,
        /// The digest that was to be pushed.
        here: String,
    },
    /// The registry refuses, fails or is not reached.
    #[error("the registry of `{name}` {reason}")]
    Registry {
        /// The image.
        name: String,
        /// What can be done about it.
        kind: RegistryTrouble,
        /// What it said.
        reason: String,
    },
    /// No program builds or keeps images here.
    #[error("no container engine answers: {reason}")]
    NoEngine {
        /// What was tried.
        reason: String,
    },
    /// The engine, or the script that uses it, failed; it has said why.
    #[error("`{command}` failed: {reason}")]
    Engine {
        /// The command.
        command: String,
        /// Its end.
        reason: String,
    },
}

/// What can be done about a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryTrouble {
    /// It does not have the repository or the image.
    NotFound,
    /// It does not know the caller, or does not allow it.
    Denied,
    /// It fails, or is not reached.
    Service,
    /// What it answers is not what was asked for.
    Wrong,
}

impl ImageError {
    /// The exit code, see [`contract::exit`].
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Archive { .. }
            | Self::Document { .. }
            | Self::Platform { .. }
            | Self::Name { .. } => exit::USAGE,
            Self::TagTaken { .. } => exit::CONFLICT,
            Self::Registry { kind, .. } => match kind {
                RegistryTrouble::NotFound => exit::NOT_FOUND,
                RegistryTrouble::Denied => exit::AUTH,
                RegistryTrouble::Service => exit::SERVICE,
                RegistryTrouble::Wrong => exit::GATE,
            },
            Self::NoEngine { .. } => exit::LOCAL_ENGINE,
            Self::Engine { .. } => exit::JOB_FAILED,
        }
    }

    /// The page of its code.
    pub fn page(&self) -> &'static Page {
        match self {
            Self::Archive { .. } | Self::Document { .. } | Self::Name { .. } => &error_page::IMAGE,
            Self::Platform { .. } => &error_page::PLATFORM,
            Self::TagTaken { .. } => &error_page::TAG_TAKEN,
            Self::Registry { .. } => &error_page::REGISTRY,
            Self::NoEngine { .. } | Self::Engine { .. } => &error_page::ENGINE,
        }
    }

    /// What to do.
    pub fn fix(&self) -> String {
        match self {
            Self::Archive { .. } => {
                "give what `docker save` or `linden image build -o` wrote, or a folder in OCI's layout".to_owned()
            }
            Self::Document { .. } => "make the image again, and push it again".to_owned(),
            Self::Platform { wanted, .. } if wanted == SAGEMAKER => format!(
                "SageMaker trains on {SAGEMAKER}: build with `docker build --platform {SAGEMAKER}`; --platform pushes another one all the same"
            ),
            Self::Platform { .. } => "give the --platform that the image is for".to_owned(),
            Self::Name { .. } => "give <registry>/<repository>:<tag>".to_owned(),
            Self::TagTaken { .. } => "push under a new tag; a tag that moves makes old job files mean something else".to_owned(),
            Self::Registry { kind, .. } => match kind {
                RegistryTrouble::NotFound => "check the name, and make the repository: infra/ has one".to_owned(),
                RegistryTrouble::Denied => "check --profile; `linden help iam` has the permissions for ECR, and other registries take LINDEN_REGISTRY_USER and LINDEN_REGISTRY_PASSWORD".to_owned(),
                RegistryTrouble::Service => "check the network and the name of the registry, then try again".to_owned(),
                RegistryTrouble::Wrong => "find out who stands between this machine and the registry, or who writes to it".to_owned(),
            },
            Self::NoEngine { .. } => "install Docker or Podman and let it run, or push an archive that was built elsewhere: `linden image push ARCHIVE IMAGE` needs no engine".to_owned(),
            Self::Engine { .. } => "its own message stands above".to_owned(),
        }
    }
}
