//! Objects that are read one after the other, each from its first byte to its last.
//!
//! Invariants: bytes come in the order of the objects and of their bytes; at most [`AHEAD_BYTES`] of what comes next are
//! under way or wait, over the ends of objects, so that many small ones come as fast as one large one. It begins with one
//! small range and doubles with each that is used: who only looks at the first bytes does not pay for more.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::download::{Download, REQUESTS, RemoteObject};

/// Bytes that are asked for before they are used.
pub const AHEAD_BYTES: usize = 32 << 20;

/// Bytes that are asked for at first: a block, and what a buffer reads behind it.
const FIRST_BYTES: usize = 2 << 20;

/// The most that one answer brings, as Amazon advises for parallel reads: 8 to 16 MB.
const RANGE_BYTES: usize = 8 << 20;

/// The objects of a channel, in their order.
#[derive(Debug)]
pub struct InTurn(Arc<Mutex<Ahead>>);

#[derive(Debug)]
struct Ahead {
    objects: Vec<RemoteObject>,
    /// The object and the byte that are asked for next.
    next: (usize, u64),
    /// Objects and their bytes, in order.
    under_way: VecDeque<(usize, Download<Vec<u8>>)>,
    n_under_way: usize,
    /// How many bytes may be under way.
    allowed: usize,
    n_opened: usize,
}

impl InTurn {
    /// Reads these objects; nothing is asked for before the first read.
    pub fn new(objects: Vec<RemoteObject>) -> Self {
        Self(Arc::new(Mutex::new(Ahead {
            objects,
            next: (0, 0),
            under_way: VecDeque::new(),
            n_under_way: 0,
            allowed: FIRST_BYTES,
            n_opened: 0,
        })))
    }

    /// The bytes of the next object. What was not read of the one before is left out.
    pub fn next_object(&self) -> ObjectBytes {
        let mut ahead = lock(&self.0);
        ahead.n_opened += 1;
        ObjectBytes {
            ahead: Arc::clone(&self.0),
            idx: ahead.n_opened - 1,
            bytes: Vec::new(),
            at: 0,
        }
    }
}

fn lock(ahead: &Mutex<Ahead>) -> MutexGuard<'_, Ahead> {
    ahead.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ahead {
    /// The next bytes of the object `idx`; empty at its end.
    fn next_bytes(&mut self, idx: usize) -> io::Result<Vec<u8>> {
        if self.next.0 < idx {
            self.next = (idx, 0);
        }
        loop {
            self.ask();
            match self.under_way.front() {
                Some((front, _)) if *front <= idx => {}
                _ => return Ok(Vec::new()),
            }
            let Some((front, download)) = self.under_way.pop_front() else {
                return Ok(Vec::new());
            };
            self.n_under_way -= download.n_bytes();
            if front == idx {
                self.allowed = (2 * self.allowed).min(AHEAD_BYTES);
                self.ask();
                return download.wait();
            }
        }
    }

    /// Asks for what comes next, as far as is allowed.
    fn ask(&mut self) {
        let range_bytes = (self.allowed / 4).clamp(FIRST_BYTES, RANGE_BYTES);
        while let Some(object) = self.objects.get(self.next.0) {
            let n_left = object.version().n_bytes - self.next.1;
            let n_bytes = n_left.min(range_bytes as u64);
            let is_full = self.n_under_way + n_bytes as usize > self.allowed
                || self.under_way.len() == REQUESTS;
            if is_full && !self.under_way.is_empty() {
                return;
            }
            let start = self.next.1;
            if n_bytes > 0 {
                self.under_way
                    .push_back((self.next.0, object.download(start..start + n_bytes)));
                self.n_under_way += n_bytes as usize;
            }
            self.next = if n_bytes == n_left {
                (self.next.0 + 1, 0)
            } else {
                (self.next.0, start + n_bytes)
            };
        }
    }
}

/// The bytes of one object, in their order.
#[derive(Debug)]
pub struct ObjectBytes {
    ahead: Arc<Mutex<Ahead>>,
    idx: usize,
    bytes: Vec<u8>,
    at: usize,
}

impl Read for ObjectBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.bytes.len() && !buffer.is_empty() {
            (self.bytes, self.at) = (Vec::new(), 0);
            self.bytes = lock(&self.ahead).next_bytes(self.idx)?;
        }
        let n_read = buffer.len().min(self.bytes.len() - self.at);
        buffer[..n_read].copy_from_slice(&self.bytes[self.at..self.at + n_read]);
        self.at += n_read;
        Ok(n_read)
    }
}
