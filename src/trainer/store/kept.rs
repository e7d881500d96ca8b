//! Bytes of objects that are read twice: for a sample at first, and again for the rows that were not in it.
//!
//! Invariants: what is kept is never more than the room that was given, counted in full for what is still under way; a range
//! is handed out once, to whoever asks for exactly it, and does not come back after [`Kept::only_hand_out`]. What finds no
//! room is given up, and simply asked for again.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::windows::Window;

/// Ranges of objects, by the objects' keys.
#[derive(Debug)]
pub struct Kept(Mutex<Ranges>);

#[derive(Debug)]
struct Ranges {
    windows: HashMap<(String, Range<u64>), Window>,
    n_bytes_left: u64,
    takes_in: bool,
}

impl Kept {
    /// Room for `n_bytes` bytes.
    pub fn new(n_bytes: u64) -> Self {
        Self(Mutex::new(Ranges {
            windows: HashMap::new(),
            n_bytes_left: n_bytes,
            takes_in: true,
        }))
    }

    /// Keeps a range of the object `key`, if there is room.
    pub(super) fn take_in(&self, key: &str, range: Range<u64>, window: Window) {
        let mut ranges = self.lock();
        let n_bytes = window.n_bytes() as u64;
        if ranges.takes_in && n_bytes <= ranges.n_bytes_left {
            ranges.n_bytes_left -= n_bytes;
            ranges.windows.insert((key.to_owned(), range), window);
        }
    }

    /// Hands out a range of the object `key`, if it was kept.
    pub(super) fn hand_out(&self, key: &str, range: Range<u64>) -> Option<Window> {
        let mut ranges = self.lock();
        let window = ranges.windows.remove(&(key.to_owned(), range))?;
        ranges.n_bytes_left += window.n_bytes() as u64;
        Some(window)
    }

    /// From now on nothing is kept any more, since what is read is not read again.
    pub fn only_hand_out(&self) {
        self.lock().takes_in = false;
    }

    fn lock(&self) -> MutexGuard<'_, Ranges> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn hand_out(kept: &Kept, key: &str, range: Range<u64>) -> Option<Bytes> {
        match kept.hand_out(key, range)? {
            Window::There(bytes) => Some(bytes),
            Window::Coming(_) | Window::Lost(_) => None,
        }
    }

    #[test]
    fn a_range_is_kept_while_there_is_room_and_handed_out_once() {
        let kept = Kept::new(10);
        kept.take_in("a", 0..6, Window::There(vec![1; 6].into()));
        kept.take_in("a", 6..12, Window::There(vec![2; 6].into()));
        assert_eq!(hand_out(&kept, "a", 6..12), None);
        assert_eq!(hand_out(&kept, "b", 0..6), None);
        assert_eq!(hand_out(&kept, "a", 0..6), Some(vec![1; 6].into()));
        assert_eq!(hand_out(&kept, "a", 0..6), None);
        kept.take_in("a", 6..12, Window::There(vec![2; 6].into()));
        kept.only_hand_out();
        kept.take_in("a", 0..1, Window::There(vec![1].into()));
        assert_eq!(hand_out(&kept, "a", 0..1), None);
        assert_eq!(hand_out(&kept, "a", 6..12), Some(vec![2; 6].into()));
    }
}
