//! How many requests are in the house: some are worked on, some wait, the others are sent away at once.
//!
//! Invariant: memory and the time that a request waits are bounded, since no more than `workers + queue` requests are read;
//! who is sent away is told by the status before anything was done.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// See the module.
#[derive(Debug)]
pub(super) struct Admission {
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    patience: Duration,
}

/// A place in the house, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

/// A worker, likewise.
#[derive(Debug)]
pub(super) struct Worker(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Admission {
    pub(super) fn new(workers: usize, queue: usize, patience: Duration) -> Self {
        Self {
            places: Arc::new(Semaphore::new(workers + queue)),
            workers: Arc::new(Semaphore::new(workers)),
            patience,
        }
    }

    /// A place; `None` if the house is full.
    pub(super) fn enter(&self) -> Option<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.ok().map(Place)
    }

    /// Waits for a worker; `None` if none came in time.
    pub(super) async fn worker(&self) -> Option<Worker> {
        let worker = Arc::clone(&self.workers).acquire_owned();
        // The semaphore is never closed.
        let worker = timeout(self.patience, worker).await.ok()?.ok()?;
        Some(Worker(worker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_finds_no_place_is_sent_away_at_once() {
        let admission = Admission::new(1, 1, Duration::from_millis(1));
        let first = admission.enter().unwrap();
        let second = admission.enter().unwrap();
        assert!(admission.enter().is_none());
        let worker = admission.worker().await.unwrap();
        assert!(admission.worker().await.is_none());
        drop((first, worker));
        assert!(admission.enter().is_some() && admission.worker().await.is_some());
        drop(second);
    }
}
