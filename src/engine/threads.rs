//! The threads and instructions that the engine may use, and no others.
//!
//! Invariant: work handed to a [`Threads`] runs on exactly `n_threads` workers, and nothing that the engine computes
//! depends on how many there are, nor on the instructions.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::slice::ParallelSliceMut;

use crate::simd::Simd;

/// A pool of a fixed number of threads; clones share it.
#[derive(Clone, Debug)]
pub struct Threads {
    n: usize,
    simd: Simd,
    pool: Option<Arc<rayon::ThreadPool>>,
    /// Set from outside when nobody wants the work any more.
    stop: Option<Arc<AtomicBool>>,
}

/// Why there is no pool.
#[derive(Debug, thiserror::Error)]
pub enum ThreadsError {
    /// Someone asked for no thread at all.
    #[error("nthread is `0`, at least one thread is needed")]
    None,
    /// The operating system gave no more threads.
    #[error("cannot start {n_threads} threads")]
    Start {
        /// How many were asked for.
        n_threads: usize,
        /// What the pool said.
        source: rayon::ThreadPoolBuildError,
    },
}

impl Threads {
    /// Starts `n_threads` threads; `None` takes as many as this process may run at once.
    ///
    /// # Errors
    /// - [`ThreadsError::None`] for `Some(0)`.
    /// - [`ThreadsError::Start`] if the operating system refuses.
    pub fn new(n_threads: Option<usize>) -> Result<Self, ThreadsError> {
        let available = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let n_threads = n_threads.unwrap_or_else(available);
        let pool = match n_threads {
            0 => return Err(ThreadsError::None),
            1 => None,
            _ => Some(start(n_threads)?),
        };
        let simd = Simd::best();
        Ok(Self {
            n: n_threads,
            simd,
            pool,
            stop: None,
        })
    }

    /// The caller's own thread and no other.
    pub fn single() -> Self {
        Self {
            n: 1,
            simd: Simd::best(),
            pool: None,
            stop: None,
        }
    }

    /// The same threads, with these instructions in the place of the processor's best.
    #[must_use]
    pub fn with_simd(self, simd: Simd) -> Self {
        Self { simd, ..self }
    }

    /// The same threads, whose work may be left undone once `stop` is set, and then stays so.
    #[must_use]
    pub(crate) fn stopped_by(self, stop: Option<Arc<AtomicBool>>) -> Self {
        Self { stop, ..self }
    }

    /// Whether work may be left undone; once it is so, whatever was worked on is thrown away.
    pub(crate) fn is_stopped(&self) -> bool {
        let is_set = |it: &Arc<AtomicBool>| it.load(Ordering::Relaxed);
        self.stop.as_ref().is_some_and(is_set)
    }

    /// The instructions that kernels use.
    pub fn simd(&self) -> Simd {
        self.simd
    }

    /// Calls `work` on one of the threads, from where the others are reached faster than from outside.
    pub fn enter<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// How many threads there are, at least 1.
    pub fn n_threads(&self) -> usize {
        self.n
    }

    /// Sorts on all threads. Equal items may change places.
    pub fn sort<T: Ord + Send>(&self, items: &mut [T]) {
        match &self.pool {
            Some(pool) => pool.install(|| items.par_sort_unstable()),
            None => items.sort_unstable(),
        }
    }

    /// Calls `work` with each item, on several threads where there are several items.
    ///
    /// The items' order of execution is not defined, so `work` must not depend on it.
    pub fn for_each<T: Send>(&self, items: Vec<T>, work: impl Fn(T) + Sync + Send) {
        match &self.pool {
            Some(pool) if items.len() > 1 => pool.scope(|scope| {
                for item in items {
                    let work = &work;
                    scope.spawn(move |_| work(item));
                }
            }),
            _ => items.into_iter().for_each(work),
        }
    }

    /// Calls `work` with each item and gives the results in the items' order.
    ///
    /// # Panics
    /// If `work` panics.
    pub fn map<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        work: impl Fn(T) -> R + Sync + Send,
    ) -> Vec<R> {
        let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
        let slots = items.into_iter().zip(results.iter_mut()).collect();
        self.for_each(slots, |(item, slot)| *slot = Some(work(item)));
        results
            .into_iter()
            .map(|result| result.expect("every item was worked on"))
            .collect()
    }
}

fn start(n_threads: usize) -> Result<Arc<rayon::ThreadPool>, ThreadsError> {
    let built = rayon::ThreadPoolBuilder::new()
        .num_threads(n_threads)
        .thread_name(|idx| format!("engine-{idx}"))
        .build();
    built
        .map(Arc::new)
        .map_err(|source| ThreadsError::Start { n_threads, source })
}
