//! A store in memory, in which each attempt may go wrong as a test likes.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use contract::job::S3Uri;
use trainer::store::{Body, ObjectStore, Page, Refusal, Version};

/// Bytes that come at a time.
const PIECE_BYTES: usize = 100_000;

/// What becomes of an attempt to get a range.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// It goes well.
    Well,
    /// It is refused.
    Refused(Refusal),
    /// The answer ends after so many bytes, without a word.
    CutShort(usize),
    /// The answer breaks off after so many bytes.
    BrokenOff(usize),
    /// One byte too many comes.
    TooLong,
    /// Nothing ever comes.
    Silence,
}

/// An attempt to get a range.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) key: String,
    pub(crate) range: Range<u64>,
    /// How many attempts came before, of anything.
    pub(crate) number: usize,
    /// How many attempts at a range that ends here came before.
    pub(crate) n_failed: usize,
}

type Plan = dyn Fn(&Attempt) -> Fate + Send + Sync;

pub(crate) struct MemoryStore {
    objects: Mutex<BTreeMap<String, (usize, Bytes)>>,
    fate: Box<Plan>,
    list_refusals: Mutex<Vec<Refusal>>,
    pub(crate) page_keys: usize,
    pub(crate) n_lists: AtomicUsize,
    pub(crate) attempts: Mutex<Vec<Attempt>>,
    pub(crate) n_bytes: AtomicUsize,
    under_way: Arc<AtomicUsize>,
    pub(crate) most_under_way: AtomicUsize,
}

impl MemoryStore {
    pub(crate) fn new(objects: &[(&str, &[u8])]) -> Self {
        Self::failing(objects, |_| Fate::Well)
    }

    pub(crate) fn failing(
        objects: &[(&str, &[u8])],
        fate: impl Fn(&Attempt) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let objects = objects
            .iter()
            .map(|(key, bytes)| ((*key).to_owned(), (1, Bytes::copy_from_slice(bytes))));
        Self {
            objects: Mutex::new(objects.collect()),
            fate: Box::new(fate),
            list_refusals: Mutex::default(),
            page_keys: 1000,
            n_lists: AtomicUsize::new(0),
            attempts: Mutex::default(),
            n_bytes: AtomicUsize::new(0),
            under_way: Arc::default(),
            most_under_way: AtomicUsize::new(0),
        }
    }

    /// The next lists are refused so, one after the other.
    pub(crate) fn refusing_lists(self, refusals: Vec<Refusal>) -> Self {
        *self.list_refusals.lock().unwrap() = refusals;
        self
    }

    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap().clone()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl ObjectStore for MemoryStore {
    async fn list(&self, prefix: &S3Uri, page: Option<String>) -> Result<Page, Refusal> {
        self.n_lists.fetch_add(1, Ordering::Relaxed);
        if let Some(refusal) = self.list_refusals.lock().unwrap().pop() {
            return Err(refusal);
        }
        let objects = self.objects.lock().unwrap();
        let after = page.unwrap_or_default();
        let keys = objects.iter().filter(|(key, _)| **key > after);
        let mut found = keys.filter(|(key, _)| key.starts_with(prefix.key()));
        let version = |(key, (etag, bytes)): (&String, &(usize, Bytes))| Version {
            bucket: prefix.bucket().to_owned(),
            key: key.clone(),
            etag: format!("\"{etag}\""),
            n_bytes: bytes.len() as u64,
        };
        let objects: Vec<Version> = found.by_ref().take(self.page_keys).map(version).collect();
        let last = objects.last().map(|it| it.key.clone());
        let next = found.next().and(last);
        Ok(Page { objects, next })
    }

    async fn get(&self, object: &Version, range: Range<u64>) -> Result<Box<dyn Body>, Refusal> {
        let attempt = {
            let mut attempts = self.attempts.lock().unwrap();
            let same = attempts
                .iter()
                .filter(|it| it.key == object.key && it.range.end == range.end);
            let attempt = Attempt {
                key: object.key.clone(),
                range: range.clone(),
                number: attempts.len(),
                n_failed: same.count(),
            };
            attempts.push(attempt.clone());
            attempt
        };
        let (etag, bytes) = self.objects.lock().unwrap()[&object.key].clone();
        if object.etag != format!("\"{etag}\"") {
            return Err(Refusal::Changed);
        }
        let whole = bytes.slice(range.start as usize..range.end as usize);
        let (bytes, end) = match (self.fate)(&attempt) {
            Fate::Well => (whole, Ok(None)),
            Fate::Refused(refusal) => return Err(refusal),
            Fate::CutShort(n) => (whole.slice(..n.min(whole.len())), Ok(None)),
            Fate::BrokenOff(n) => {
                let reset = Refusal::Busy("connection reset".to_owned());
                (whole.slice(..n.min(whole.len())), Err(reset))
            }
            Fate::TooLong => ([&whole[..], b"x"].concat().into(), Ok(None)),
            Fate::Silence => {
                std::future::pending::<()>().await;
                (whole, Ok(None))
            }
        };
        let under_way = 1 + self.under_way.fetch_add(1, Ordering::SeqCst);
        self.most_under_way.fetch_max(under_way, Ordering::SeqCst);
        self.n_bytes.fetch_add(bytes.len(), Ordering::SeqCst);
        // Long enough for others to be asked for meanwhile.
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(Box::new(Pieces {
            bytes,
            end: Some(end),
            under_way: Arc::clone(&self.under_way),
        }))
    }

    fn region(&self) -> Option<String> {
        Some("eu-west-1".to_owned())
    }
}

struct Pieces {
    bytes: Bytes,
    end: Option<Result<Option<Bytes>, Refusal>>,
    under_way: Arc<AtomicUsize>,
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Body for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        if self.bytes.is_empty() {
            return self.end.take().unwrap_or(Ok(None));
        }
        let n_bytes = self.bytes.len().min(PIECE_BYTES);
        Ok(Some(self.bytes.split_to(n_bytes)))
    }
}
