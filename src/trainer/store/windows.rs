//! A part of an object, read in pieces: windows of it are under way before they are asked for.
//!
//! Invariant: of a part that is read forward, two windows are in memory at most, and those that a piece reaches over; of one
//! that is read in any order, all of it, so that is for small ones. A piece outside of the part is asked for by itself. Windows
//! that are done with are left to [`super::kept`].

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::download::{Download, RemoteObject};

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
    There(Vec<u8>),
}

impl Window {
    /// The bytes that it takes in memory, now or once it is there.
    pub(super) fn n_bytes(&self) -> usize {
        match self {
            Self::Coming(download) => download.n_bytes(),
            Self::There(bytes) => bytes.capacity(),
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

    /// The bytes of a range, cut where the part ends.
    ///
    /// # Errors
    /// As [`Download::wait`].
    pub fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
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
            return self.object.download(range).wait();
        }
        let mut bytes = Vec::with_capacity((range.end - range.start) as usize);
        let mut idx = ((range.start - first) / self.window_bytes) as usize;
        while range.start + (bytes.len() as u64) < range.end {
            while held.windows.len() <= idx {
                self.ask_one(&mut held);
            }
            let from = range.start + bytes.len() as u64 - held.windows[idx].0;
            let window = there(&mut held.windows[idx].1)?;
            let n_wanted = (range.end - range.start) as usize - bytes.len();
            let rest = &window[from as usize..];
            bytes.extend_from_slice(&rest[..rest.len().min(n_wanted)]);
            idx += 1;
        }
        self.ask(&mut held);
        Ok(bytes)
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

/// The window's bytes. One that did not come is asked for no more: its error ends the reading.
fn there(window: &mut Window) -> io::Result<&[u8]> {
    if let Window::Coming(_) = window {
        match std::mem::replace(window, Window::There(Vec::new())) {
            Window::Coming(download) => *window = Window::There(download.wait()?),
            Window::There(_) => {}
        }
    }
    match window {
        Window::There(bytes) => Ok(bytes),
        Window::Coming(_) => Ok(&[]),
    }
}
