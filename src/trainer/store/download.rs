//! Ranges of objects that arrive whole, however often the network or the store gives up on the way.
//!
//! Invariants: at most [`REQUESTS`] answers come in at a time; what broke off is asked for again from where it broke off,
//! after a wait that doubles; what makes no progress [`Policy::attempts`] times is given up. Downloads run on threads of
//! their own, so whoever waits can hear of a stop.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use contract::job::S3Uri;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::error::{Action, Refusal, StoreError};
use super::kept::Kept;
use super::windows::Window;
use super::{ObjectStore, Version};

/// Answers that come in at a time. One connection to S3 brings some 50 to 90 MB a second after some 30 ms, so these fill
/// any network that a training instance has.
pub const REQUESTS: usize = 32;

/// How often the stop flag is looked at while nothing comes.
pub const LOOK: Duration = Duration::from_millis(50);

/// Threads for downloads: decryption is all they do.
const MAX_THREADS: usize = 4;

/// Bytes that must have come for an attempt to count as progress.
const PROGRESS_BYTES: usize = 64 << 10;

/// How patient downloads are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Attempts without progress after which a range is given up.
    pub attempts: u32,
    /// The wait behind the first failed attempt; each further one is twice as long.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// How long a store may say nothing at all.
    pub silence: Duration,
}

impl Default for Policy {
    /// Waits 46 seconds in all, which outlasts what S3 takes to spread a busy prefix, and is less than the grace of a stop.
    fn default() -> Self {
        Self {
            attempts: 10,
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_secs(20),
            silence: Duration::from_secs(20),
        }
    }
}

impl Policy {
    /// The wait behind the failed attempt `n_failed` (from 1), between half of what it may be and all of it, so that many
    /// ranges that failed together are not asked for together.
    fn wait(&self, n_failed: u32, salt: u64) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << (n_failed - 1).min(16));
        let share = 0.5
            + 0.5 * (salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / f64::from(1 << 24);
        doubled.min(self.longest_wait).mul_f64(share)
    }
}

/// A store, and what downloads from it run on.
pub struct Downloads {
    runtime: Option<Runtime>,
    asking: Asking,
    stop: Arc<AtomicBool>,
}

/// What a download needs of its surroundings.
#[derive(Clone)]
struct Asking {
    store: Arc<dyn ObjectStore>,
    requests: Arc<Semaphore>,
    policy: Policy,
}

impl Downloads {
    /// Downloads from `store`, which end when `stop` is set.
    ///
    /// # Errors
    /// If the operating system gives no threads.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        policy: Policy,
        stop: Arc<AtomicBool>,
    ) -> io::Result<Arc<Self>> {
        let n_threads = thread::available_parallelism().map_or(1, usize::from);
        let runtime = Builder::new_multi_thread()
            .worker_threads(n_threads.min(MAX_THREADS))
            .thread_name("download")
            .enable_all()
            .build()?;
        Ok(Arc::new(Self {
            runtime: Some(runtime),
            asking: Asking {
                store,
                requests: Arc::new(Semaphore::new(REQUESTS)),
                policy,
            },
            stop,
        }))
    }

    /// All objects whose keys begin with the prefix's.
    ///
    /// # Errors
    /// [`StoreError`], or that the job was stopped.
    pub fn list(&self, prefix: &S3Uri) -> io::Result<Vec<Version>> {
        let (asking, prefix) = (self.asking.clone(), prefix.clone());
        self.start(0, async move { asking.list(&prefix).await })
            .wait()
    }

    fn start<T: Send + 'static>(
        &self,
        n_bytes: usize,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Download<T> {
        let (sender, receiver): (SyncSender<Result<T, StoreError>>, _) = sync_channel(1);
        let task = self.runtime.as_ref().map(|runtime| {
            let task = runtime.spawn(async move {
                // Nobody may be waiting any more.
                let _ = sender.send(work.await);
            });
            task.abort_handle()
        });
        Download {
            n_bytes,
            receiver: Mutex::new(receiver),
            task,
            stop: Arc::clone(&self.stop),
        }
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        // A name that is being looked up would be waited for otherwise.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Downloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Downloads")
            .field("store", &self.asking.store)
            .finish_non_exhaustive()
    }
}

/// An object whose bytes can be asked for from any thread.
#[derive(Clone)]
pub struct RemoteObject {
    downloads: Arc<Downloads>,
    version: Arc<Version>,
    kept: Option<Arc<Kept>>,
}

impl RemoteObject {
    /// An object of a store.
    pub fn new(downloads: &Arc<Downloads>, version: Version) -> Self {
        Self {
            downloads: Arc::clone(downloads),
            version: Arc::new(version),
            kept: None,
        }
    }

    /// The same, whose windows are kept to be read again.
    #[must_use]
    pub fn keeping(&self, kept: &Arc<Kept>) -> Self {
        Self {
            kept: Some(Arc::clone(kept)),
            ..self.clone()
        }
    }

    /// Keeps a range for whoever asks for it again.
    pub(super) fn keep(&self, range: Range<u64>, window: Window) {
        if let Some(kept) = &self.kept {
            kept.take_in(&self.version.key, range, window);
        }
    }

    /// A range that was kept.
    pub(super) fn kept(&self, range: Range<u64>) -> Option<Window> {
        self.kept.as_ref()?.hand_out(&self.version.key, range)
    }

    /// What it is.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Starts to bring a range, cut where the object ends.
    pub fn download(&self, range: Range<u64>) -> Download<Vec<u8>> {
        let end = range.end.min(self.version.n_bytes);
        let range = range.start.min(end)..end;
        let (asking, version) = (self.downloads.asking.clone(), Arc::clone(&self.version));
        let n_bytes = (range.end - range.start) as usize;
        self.downloads
            .start(n_bytes, async move { asking.get(&version, range).await })
    }

    /// Brings the bytes from `offset` on into `buffer`, and tells how many there were; fewer than asked for at the end only.
    ///
    /// # Errors
    /// [`StoreError`], or that the job was stopped.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.version.n_bytes {
            return Ok(0);
        }
        let bytes = self.download(offset..offset + buffer.len() as u64).wait()?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

impl PartialEq for RemoteObject {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version
    }
}

impl Eq for RemoteObject {}

impl fmt::Debug for RemoteObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.version.fmt(f)
    }
}

/// Something that is under way, and ends when nobody waits for it any more.
pub struct Download<T> {
    n_bytes: usize,
    /// Behind a lock only so that readers can be shared.
    receiver: Mutex<Receiver<Result<T, StoreError>>>,
    task: Option<AbortHandle>,
    stop: Arc<AtomicBool>,
}

impl<T> Download<T> {
    /// The bytes that it takes in memory.
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Waits until it is there.
    ///
    /// # Errors
    /// [`StoreError`], or that the job was stopped.
    pub fn wait(self) -> io::Result<T> {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match receiver.recv_timeout(LOOK) {
                Ok(arrived) => return arrived.map_err(io::Error::other),
                Err(RecvTimeoutError::Timeout) if self.stop.load(Ordering::Relaxed) => {
                    return Err(io::Error::other("the job was stopped"));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(io::Error::other("the download has ended without bytes"));
                }
            }
        }
    }
}

impl<T> Drop for Download<T> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl<T> fmt::Debug for Download<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("n_bytes", &self.n_bytes)
            .finish_non_exhaustive()
    }
}

impl Asking {
    async fn list(&self, prefix: &S3Uri) -> Result<Vec<Version>, StoreError> {
        let (mut objects, mut page, mut n_failed) = (Vec::new(), None, 0);
        loop {
            let asked =
                tokio::time::timeout(self.policy.silence, self.store.list(prefix, page.clone()));
            match asked.await.unwrap_or_else(|_| Err(self.silent())) {
                Ok(found) => {
                    objects.extend(found.objects);
                    n_failed = 0;
                    match found.next {
                        Some(next) => page = Some(next),
                        None => return Ok(objects),
                    }
                }
                Err(refusal) => {
                    n_failed += 1;
                    let refused = |refusal| {
                        self.refused(prefix.to_string(), (Action::List, n_failed), refusal)
                    };
                    self.pause(refusal, (n_failed, objects.len() as u64))
                        .await
                        .map_err(refused)?;
                }
            }
        }
    }

    async fn get(&self, object: &Version, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let n_bytes = (range.end - range.start) as usize;
        let refused =
            |n_failed, refusal| self.refused(object.uri(), (Action::Get, n_failed), refusal);
        // The semaphore is never closed.
        let _request = self.requests.acquire().await;
        let mut bytes = Vec::with_capacity(n_bytes);
        let (mut n_failed, mut n_before) = (0, 0);
        while bytes.len() < n_bytes {
            let rest = range.start + bytes.len() as u64..range.end;
            let refusal = match self.pull(object, rest, &mut bytes).await {
                Ok(()) if bytes.len() < n_bytes => Refusal::Busy(format!(
                    "the answer ended {} bytes too early",
                    n_bytes - bytes.len()
                )),
                Ok(()) => break,
                Err(refusal) => refusal,
            };
            if bytes.len() >= n_before + PROGRESS_BYTES {
                n_failed = 0;
            }
            n_before = bytes.len();
            n_failed += 1;
            let paused = self.pause(refusal, (n_failed, range.start)).await;
            paused.map_err(|refusal| refused(n_failed, refusal))?;
        }
        Ok(bytes)
    }

    /// Brings what one answer has of a range.
    async fn pull(
        &self,
        object: &Version,
        range: Range<u64>,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let end = bytes.len() + (range.end - range.start) as usize;
        let in_time = |_| Err(self.silent());
        let answer = tokio::time::timeout(self.policy.silence, self.store.get(object, range));
        let mut body = answer.await.unwrap_or_else(in_time)?;
        loop {
            let next = tokio::time::timeout(self.policy.silence, body.next()).await;
            match next.unwrap_or_else(|_| Err(self.silent()))? {
                None => return Ok(()),
                Some(piece) if bytes.len() + piece.len() > end => {
                    return Err(Refusal::Busy(
                        "the answer is longer than what was asked for".to_owned(),
                    ));
                }
                Some(piece) => bytes.extend_from_slice(&piece),
            }
        }
    }

    /// Waits behind a failed attempt, unless that was the last.
    async fn pause(&self, refusal: Refusal, (n_failed, salt): (u32, u64)) -> Result<(), Refusal> {
        let Refusal::Busy(said) = refusal else {
            return Err(refusal);
        };
        if n_failed >= self.policy.attempts {
            return Err(Refusal::Busy(said));
        }
        let wait = self.policy.wait(n_failed, salt);
        tracing::debug!(
            "S3, attempt {n_failed}: {said}; asking again in {} ms",
            wait.as_millis()
        );
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn silent(&self) -> Refusal {
        Refusal::Busy(format!(
            "nothing came for {} s",
            self.policy.silence.as_secs_f64()
        ))
    }

    fn refused(
        &self,
        uri: String,
        (action, n_attempts): (Action, u32),
        refusal: Refusal,
    ) -> StoreError {
        StoreError {
            uri,
            action,
            region: self.store.region(),
            n_attempts,
            refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_are_spread() {
        let policy = Policy::default();
        for n_failed in 1..policy.attempts {
            for salt in 0..100 {
                let wait = policy.wait(n_failed, salt);
                let most = policy
                    .first_wait
                    .saturating_mul(1 << (n_failed - 1))
                    .min(policy.longest_wait);
                assert!(most / 2 <= wait && wait <= most, "{n_failed} {wait:?}");
            }
        }
        assert_ne!(policy.wait(5, 1), policy.wait(5, 2));
    }
}
