//! `inputdataconfig.json`: the job's channels and how each arrives.
//!
//! Local runs leave keys out, so everything but the channel's name has a default: File mode, fully replicated, no wrapper,
//! and a content type that the reader may find out. `train` is required, `validation` and `model` optional, and nothing else
//! is read.
//!
//! Source: SageMaker developer guide, "Input Data Configuration"; sagemaker-xgboost-container, `channel_validation.py`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::content_type::ContentType;
use crate::document;
use crate::error::{ContractError, SpellingError};
use crate::paths::INPUTDATACONFIG_JSON;
use crate::streamed::StreamedChannel;

/// The channel that every job needs.
pub const TRAIN: &str = "train";
/// The channel with the model to continue from.
pub const MODEL: &str = "model";
/// The channel that is evaluated after each round.
pub const VALIDATION: &str = "validation";

closed_spelling! {
    /// How a channel's objects reach the container.
    InputMode {
        /// All files are on disk before the container starts.
        File = "File",
        /// Files are streamed on first read; a reader sees no difference from `File`.
        FastFile = "FastFile",
        /// One FIFO an epoch.
        Pipe = "Pipe",
    }
}

closed_spelling! {
    /// Which part of a channel a host gets.
    Distribution {
        /// Every host gets everything.
        FullyReplicated = "FullyReplicated",
        /// Each host gets about one share of the objects.
        ShardedByS3Key = "ShardedByS3Key",
    }
}

closed_spelling! {
    /// What the S3 URI of a channel names.
    S3DataType {
        /// All objects below a prefix.
        S3Prefix = "S3Prefix",
        /// A list of objects.
        ManifestFile = "ManifestFile",
        /// A JSON object a line, of which some attributes come as records.
        AugmentedManifestFile = "AugmentedManifestFile",
    }
}

closed_spelling! {
    /// Whether each object is wrapped in a record.
    RecordWrapper {
        /// Objects as they are.
        None = "None",
        /// One `RecordIO` record an object.
        RecordIo = "RecordIO",
    }
}

/// One channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Channel {
    /// How to read the bytes; `None` where the request did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<ContentType>,
    /// How the bytes arrive.
    #[serde(rename = "TrainingInputMode")]
    pub input_mode: InputMode,
    /// Which part of them this host gets.
    #[serde(rename = "S3DistributionType")]
    pub distribution: Distribution,
    /// Whether objects are wrapped.
    #[serde(rename = "RecordWrapperType")]
    pub record_wrapper: RecordWrapper,
}

impl Default for Channel {
    fn default() -> Self {
        Self {
            content_type: None,
            input_mode: InputMode::File,
            distribution: Distribution::FullyReplicated,
            record_wrapper: RecordWrapper::None,
        }
    }
}

/// The document: channels by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InputDataConfig(BTreeMap<String, Channel>);

/// A channel as SageMaker, or something that stands in for it, writes it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawChannel {
    content_type: Option<String>,
    training_input_mode: Option<String>,
    #[serde(rename = "S3DistributionType")]
    s3_distribution_type: Option<String>,
    record_wrapper_type: Option<String>,
}

impl InputDataConfig {
    /// A configuration of these channels, for whoever lays out the tree.
    pub fn new(channels: impl IntoIterator<Item = (String, Channel)>) -> Self {
        Self(channels.into_iter().collect())
    }

    /// Reads the document. Missing keys get their defaults, unknown keys are ignored.
    ///
    /// # Errors
    /// If the bytes are not JSON, a value is not one of SageMaker's, or a content type has no reader; names the channel.
    pub fn read(bytes: &[u8]) -> Result<Self, ContractError> {
        let raw: BTreeMap<String, RawChannel> = document::read(INPUTDATACONFIG_JSON, bytes)?;
        let channels: Result<_, ContractError> = raw
            .into_iter()
            .map(|(name, raw)| raw.typed(&name).map(|it| (name, it)))
            .collect();
        channels.map(Self)
    }

    /// These channels, and in their place or beside them those that are read from S3.
    #[must_use]
    pub fn streamed(mut self, streamed: &BTreeMap<&'static str, StreamedChannel>) -> Self {
        for (name, it) in streamed {
            let known = self.0.remove(*name).unwrap_or_default();
            let channel = Channel {
                content_type: it.content_type.or(known.content_type),
                ..Channel::default()
            };
            self.0.insert((*name).to_owned(), channel);
        }
        self
    }

    /// The document's text.
    pub fn write(&self) -> String {
        document::write(self)
    }

    /// Checks the names: `train` must be there, and nothing but `train`, `validation` and `model` may be.
    ///
    /// # Errors
    /// [`ContractError::MissingChannel`] and [`ContractError::ExtraneousChannel`], in this order.
    pub fn check_names(&self) -> Result<(), ContractError> {
        self.train()?;
        match self
            .0
            .keys()
            .find(|it| ![TRAIN, VALIDATION, MODEL].contains(&it.as_str()))
        {
            Some(name) => Err(ContractError::ExtraneousChannel { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// The `train` channel.
    ///
    /// # Errors
    /// [`ContractError::MissingChannel`].
    pub fn train(&self) -> Result<&Channel, ContractError> {
        self.get(TRAIN).ok_or(ContractError::MissingChannel(TRAIN))
    }

    /// The `validation` channel, if the job has one.
    pub fn validation(&self) -> Option<&Channel> {
        self.get(VALIDATION)
    }

    /// The `model` channel, if the job continues from a model.
    pub fn model(&self) -> Option<&Channel> {
        self.get(MODEL)
    }

    /// A channel by its name; names are case-sensitive.
    pub fn get(&self, name: &str) -> Option<&Channel> {
        self.0.get(name)
    }

    /// All channels, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Channel)> {
        self.0
            .iter()
            .map(|(name, channel)| (name.as_str(), channel))
    }
}

impl RawChannel {
    fn typed(self, channel: &str) -> Result<Channel, ContractError> {
        fn spelled<T>(
            channel: &str,
            key: &str,
            value: Option<&str>,
            default: T,
        ) -> Result<T, ContractError>
        where
            T: std::str::FromStr<Err = SpellingError>,
        {
            let key = || format!("{channel}.{key}");
            value.map_or(Ok(default), |it| {
                it.parse().map_err(|source| ContractError::Value {
                    document: INPUTDATACONFIG_JSON,
                    key: key(),
                    source,
                })
            })
        }
        // A model tells by its bytes what it is.
        let content_type = self
            .content_type
            .as_deref()
            .filter(|it| !it.trim().is_empty() && channel != MODEL);
        let content_type = content_type.map(str::parse).transpose();
        Ok(Channel {
            content_type: content_type.map_err(|source| ContractError::ContentType {
                channel: channel.to_owned(),
                source,
            })?,
            input_mode: spelled(
                channel,
                "TrainingInputMode",
                self.training_input_mode.as_deref(),
                InputMode::File,
            )?,
            distribution: spelled(
                channel,
                "S3DistributionType",
                self.s3_distribution_type.as_deref(),
                Distribution::FullyReplicated,
            )?,
            record_wrapper: spelled(
                channel,
                "RecordWrapperType",
                self.record_wrapper_type.as_deref(),
                RecordWrapper::None,
            )?,
        })
    }
}
