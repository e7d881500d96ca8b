//! A part of an object, read in pieces: windows of it are under way before they are asked for.
//!
//! Invariant: of a part that is read forward, two windows are in memory at most, and those that a piece reaches over; of one
//! that is read in any order, all of it, so that is for small ones. A piece outside of the part is asked for by itself. Windows
//! that are done with are left to [`super::kept`].

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::download::{Download, RemoteObject};
use super::error::StoreError;

/// Windows that are under way of a part that is read forward.
const FORWARD_WINDOWS: usize = 2;

/// The part.
#[derive(Debug)]
pub struct Windows {
    object: RemoteObject,
    part: Range<u64>,
    window_bytes: u64,
    order: Order,
    held: Mutex<Held>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Forward,
    Any,
}

#[derive(Debug, Default)]
struct Held {
    /// Where the window begins that is asked for next.
    next: u64,
    /// Windows and where they begin, in order.
    windows: VecDeque<(u64, Window)>,
}

/// The bytes of a window.
#[derive(Debug)]
pub(super) enum Window {
    Coming(Download<Vec<u8>>),
    There(Bytes),
    /// It did not come, and is not asked for again.
    Lost(io::Error),
}

impl Window {
    /// The bytes that it takes in memory, now or once it is there.
    pub(super) fn n_bytes(&self) -> usize {
        match self {
            Self::Coming(download) => download.n_bytes(),
            Self::There(bytes) => bytes.len(),
            Self::Lost(_) => 0,
        }
    }
}

impl Windows {
    /// A part that is read forward, by windows of this size.
    pub fn forward(object: RemoteObject, part: Range<u64>, window_bytes: u64) -> Self {
        Self::start(object, part, window_bytes, Order::Forward)
    }

    /// A part that is read in any order, by windows of this size, all of which stay in memory.
    pub fn whole(object: RemoteObject, part: Range<u64>, window_bytes: u64) -> Self {
        Self::start(object, part, window_bytes, Order::Any)
    }

    fn start(object: RemoteObject, part: Range<u64>, window_bytes: u64, order: Order) -> Self {
        let held = Held {
            next: part.start,
            windows: VecDeque::new(),
        };
        let windows = Self {
            object,
            part,
            window_bytes: window_bytes.max(1),
            order,
            held: Mutex::new(held),
        };
        windows.ask(&mut windows.lock());
        windows
    }

    /// Whether all of a range lies in the part.
    pub fn covers(&self, range: &Range<u64>) -> bool {
        self.part.start <= range.start && range.end <= self.part.end
    }

    /// The bytes of a range, cut where the part ends; most of a window without a copy, which then stays as long as they do.
    ///
    /// # Errors
    /// As [`Download::wait`].
    pub fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let range = range.start..range.end.min(self.part.end);
        let mut held = self.lock();
        if self.order == Order::Forward {
            let is_behind = |start: u64| start + self.window_bytes <= range.start;
            while let Some(window) = held.windows.pop_front_if(|it| is_behind(it.0)) {
                self.keep(window);
            }
        }
        let first = held.windows.front().map_or(held.next, |it| it.0);
        if range.start < first || range.is_empty() {
            drop(held);
            return Ok(self.object.download(range).wait()?.into());
        }
        let n_wanted = (range.end - range.start) as usize;
        let mut idx = ((range.start - first) / self.window_bytes) as usize;
        let mut bytes = self.piece(&mut held, idx, range.start, n_wanted)?;
        if bytes.len() < n_wanted {
            let mut joined = Vec::with_capacity(n_wanted);
            joined.extend_from_slice(&bytes);
            while joined.len() < n_wanted {
                idx += 1;
                let (from, n_left) = (range.start + joined.len() as u64, n_wanted - joined.len());
                joined.extend_from_slice(&self.piece(&mut held, idx, from, n_left)?);
            }
            bytes = joined.into();
        } else if (n_wanted as u64) < self.window_bytes / 2 {
            // All of the window would stay in memory for it.
            bytes = Bytes::copy_from_slice(&bytes);
        }
        self.ask(&mut held);
        Ok(bytes)
    }

    /// At most so many bytes from `from` on, of the window that is number `idx` of those held, which has the first of them.
    fn piece(&self, held: &mut Held, idx: usize, from: u64, n_wanted: usize) -> io::Result<Bytes> {
        while held.windows.len() <= idx {
            self.ask_one(held);
        }
        let (start, window) = &mut held.windows[idx];
        let window = there(window)?;
        let from = (from - *start) as usize;
        Ok(window.slice(from..window.len().min(from + n_wanted)))
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for what comes next.
    fn ask(&self, held: &mut Held) {
        while held.next < self.part.end
            && (self.order == Order::Any || held.windows.len() < FORWARD_WINDOWS)
        {
            self.ask_one(held);
        }
    }

    fn ask_one(&self, held: &mut Held) {
        let end = (held.next + self.window_bytes).min(self.part.end);
        let range = held.next..end;
        let kept = self.object.kept(range.clone());
        let window = kept.unwrap_or_else(|| Window::Coming(self.object.download(range)));
        held.windows.push_back((held.next, window));
        held.next = end;
    }

    /// Leaves a window that is done with to whoever reads the part again, even if it has not come yet.
    fn keep(&self, (start, window): (u64, Window)) {
        if let Window::Lost(_) = window {
            return;
        }
        let end = (start + self.window_bytes).min(self.part.end);
        self.object.keep(start..end, window);
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        let windows = std::mem::take(&mut held.windows);
        for window in windows {
            self.keep(window);
        }
    }
}

/// The window's bytes. Whoever else reads a window that did not come meets the same error, at once.
fn there(window: &mut Window) -> io::Result<Bytes> {
    let waited = match std::mem::replace(window, Window::There(Bytes::new())) {
        Window::Coming(download) => download.wait().map(Bytes::from),
        Window::There(bytes) => Ok(bytes),
        Window::Lost(err) => Err(err),
    };
    *window = match &waited {
        Ok(bytes) => Window::There(bytes.clone()),
        Err(err) => Window::Lost(the_same(err)),
    };
    waited
}

/// An error of a download once more.
fn the_same(err: &io::Error) -> io::Error {
    match err.get_ref().and_then(|it| it.downcast_ref::<StoreError>()) {
        Some(of_store) => io::Error::other(of_store.clone()),
        None => io::Error::other(err.to_string()),
    }
}
