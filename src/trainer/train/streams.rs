//! Where a job's channels are: below `/opt/ml`, or straight in S3.
//!
//! Invariants: a channel in S3 is listed once, so that whatever is read of it during a job is read of the same versions of
//! the same objects; nothing that speaks to S3 is made before a channel is there to be read.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use contract::paths::MlRoot;
use contract::streamed::{self, StreamedChannel};

use crate::data::DataError;
use crate::data::files::{ChannelFiles, discover};
use crate::error::TrainerError;
use crate::store::download::{Downloads, Policy};
use crate::store::{self, Action, ObjectStore, Refusal, StoreError, listing};

/// The channels that a job reads from S3, and how.
#[derive(Debug, Default)]
pub struct Streams {
    /// The channels, by name.
    pub channels: BTreeMap<&'static str, StreamedChannel>,
    /// What they are read from; `None` in a program that was built without one.
    pub store: Option<Arc<dyn ObjectStore>>,
    /// How patient the reading is.
    pub policy: Policy,
}

impl Streams {
    /// What the environment asks for.
    ///
    /// # Errors
    /// As [`streamed::read`].
    pub fn from_env() -> Result<Self, TrainerError> {
        let channels = streamed::read(|name| env::var(name).ok())?;
        let store = if channels.is_empty() {
            None
        } else {
            store::from_env()
        };
        Ok(Self {
            channels,
            store,
            policy: Policy::default(),
        })
    }
}

/// Where the channels are.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    root: MlRoot,
    streams: Streams,
    stop: Arc<AtomicBool>,
    opened: Mutex<Opened>,
}

#[derive(Debug, Default)]
struct Opened {
    downloads: Option<Arc<Downloads>>,
    listed: BTreeMap<&'static str, ChannelFiles>,
}

impl Whereabouts {
    pub(super) fn new(root: &MlRoot, streams: Streams, stop: &Arc<AtomicBool>) -> Self {
        Self {
            root: root.clone(),
            streams,
            stop: Arc::clone(stop),
            opened: Mutex::default(),
        }
    }

    /// The channels that are in S3.
    pub(super) fn streamed(&self) -> &BTreeMap<&'static str, StreamedChannel> {
        &self.streams.channels
    }

    /// The folder or the address of a channel of files.
    pub(super) fn path(&self, channel: &str) -> PathBuf {
        match self.streams.channels.get(channel) {
            Some(it) => it.s3.to_string().into(),
            None => self.root.channel_dir(channel),
        }
    }

    /// The files of a channel.
    pub(super) fn files(&self, channel: &'static str) -> Result<ChannelFiles, DataError> {
        let Some(streamed) = self.streams.channels.get(channel) else {
            return discover(channel, &self.root.channel_dir(channel));
        };
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = opened.listed.get(channel) {
            return Ok(found.clone());
        }
        let path = self.path(channel);
        let of_io = |err| DataError::of_io(&path, err);
        let downloads = match &opened.downloads {
            Some(downloads) => Arc::clone(downloads),
            None => self.downloads(streamed)?,
        };
        let found = listing::list(channel, &streamed.s3, &downloads).map_err(of_io)?;
        let n_bytes: u64 = found.files.iter().map(|it| it.n_bytes).sum();
        tracing::info!(
            "Channel `{channel}` is read from {}: {} objects of {n_bytes} bytes",
            streamed.s3,
            found.files.len()
        );
        opened.downloads = Some(downloads);
        opened.listed.insert(channel, found.clone());
        Ok(found)
    }

    fn downloads(&self, streamed: &StreamedChannel) -> Result<Arc<Downloads>, DataError> {
        let path = PathBuf::from(streamed.s3.to_string());
        match &self.streams.store {
            Some(store) => {
                let stop = Arc::clone(&self.stop);
                Downloads::new(Arc::clone(store), self.streams.policy, stop)
                    .map_err(|err| DataError::of_io(&path, err))
            }
            None => Err(DataError::Store(StoreError {
                uri: streamed.s3.to_string(),
                action: Action::List,
                region: None,
                n_attempts: 0,
                refusal: Refusal::NotBuilt,
            })),
        }
    }
}
