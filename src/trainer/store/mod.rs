//! Channels that are read straight from S3: objects below a prefix, by ranges, several at once, without a copy on disk.
//!
//! ```text
//! ObjectStore    the port: list, and get a range; an adapter behind it (`s3`, a cargo feature) speaks to the service
//! listing        a prefix becomes the files of a channel, in the order of File mode
//! download       a range arrives whole: resumed where an answer breaks off, asked for again where the service is busy
//! windows        a part of an object in pieces, such as the columns of a row group
//! kept           of what was read for a sample, as much as there is room for, until it is read again
//! in_turn        objects from their first byte to their last, with ranges under way of what comes next
//! ```
//!
//! Invariants: an object is read as it was when it was listed, told by its entity tag, or not at all; memory holds the
//! ranges that are under way or wait for their reader, whose number each reader bounds; whoever waits for bytes hears of a
//! stop within [`download::LOOK`].

pub mod download;
mod error;
pub mod in_turn;
pub mod kept;
pub mod listing;
#[cfg(feature = "s3")]
mod s3;
pub mod windows;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use contract::job::S3Uri;

pub use self::error::{Action, Refusal, StoreError};

/// An object as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its entity tag as the store writes it, with quotes.
    pub etag: String,
    /// How many bytes it holds.
    pub n_bytes: u64,
}

impl Version {
    /// Its address.
    pub fn uri(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

/// Some of the objects below a prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The objects, in the order of their keys' bytes.
    pub objects: Vec<Version>,
    /// What to ask for the next page with; `None` behind the last.
    pub next: Option<String>,
}

/// The bytes of an answer, as they come.
#[async_trait]
pub trait Body: Send {
    /// The next bytes; `None` at the end of the answer, which may come too early.
    async fn next(&mut self) -> Result<Option<Bytes>, Refusal>;
}

/// A store of objects. Each call is one attempt: who calls decides what is asked for again.
#[async_trait]
pub trait ObjectStore: fmt::Debug + Send + Sync {
    /// The objects whose keys begin with the prefix's; `page` is what the page before said.
    async fn list(&self, prefix: &S3Uri, page: Option<String>) -> Result<Page, Refusal>;

    /// Some bytes of this very version of an object.
    async fn get(&self, object: &Version, range: Range<u64>) -> Result<Box<dyn Body>, Refusal>;

    /// The region that is asked, where it is known.
    fn region(&self) -> Option<String>;
}

/// The store that the environment names; `None` if the program was built without it.
pub fn from_env() -> Option<Arc<dyn ObjectStore>> {
    #[cfg(feature = "s3")]
    return Some(Arc::new(s3::S3::default()));
    #[cfg(not(feature = "s3"))]
    return None;
}
