//! A channel that comes through a pipe: `<channel>_0`, read once, from its first byte to its last.
//!
//! Invariants: a thread reads the pipe, a few hundred kilobytes ahead, so that whoever waits for bytes can be stopped
//! although nobody can take a thread out of a read; only epoch 0 is read, since a table needs no second; without a record
//! wrapper all objects are one text, with it each record is an object of its own.
//!
//! Source: SageMaker developer guide, "Accessing Training Data"; the Pipe mode emulator of sagemaker-training-toolkit.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use contract::channel::RecordWrapper;

use super::error::{DataError, RowPlace, Unit};
use super::recordio::frame::{FrameProblem, HEADER_BYTES, Header, MAGIC};

/// What a pipe holds at a time on Linux, unless somebody makes it larger.
const CHUNK_BYTES: usize = 64 << 10;

/// Chunks that are read ahead: two blocks.
const CHUNKS_AHEAD: usize = 32;

/// How long a pipe is waited for that is not there; the platform makes it before or soon after the container starts.
const PIPE_WAIT: Duration = Duration::from_secs(5);

/// How often the stop flag is looked at while nothing comes.
const LOOK: Duration = Duration::from_millis(50);

/// A pipe that was not opened yet.
#[derive(Clone, Debug)]
pub struct Pipe {
    /// Where it is.
    pub path: PathBuf,
    /// What messages call it.
    pub object: Arc<str>,
    /// Whether each object is in a record of its own.
    pub wrapper: RecordWrapper,
    /// Set when the job is to stop.
    pub stop: Arc<AtomicBool>,
}

/// The objects of a pipe.
#[derive(Debug)]
pub(super) struct Piped {
    pipe: Pipe,
    framed: Arc<Mutex<Framed>>,
    n_objects: u64,
}

impl Piped {
    pub(super) fn new(pipe: Pipe) -> Self {
        let (sender, chunks) = sync_channel(CHUNKS_AHEAD);
        let path = pipe.path.clone();
        // It ends with the pipe, or when nobody takes its chunks any more.
        thread::spawn(move || feed(&path, &sender));
        let stream = Stream {
            chunks,
            stop: Arc::clone(&pipe.stop),
            chunk: Vec::new(),
            at: 0,
        };
        Self {
            framed: Arc::new(Mutex::new(Framed {
                stream,
                frame: None,
                n_left: 0,
            })),
            pipe,
            n_objects: 0,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.pipe.path
    }

    /// The next object's name and bytes; `None` behind the last. What was not read of the one before is left out.
    pub(super) fn next_object(
        &mut self,
    ) -> Result<Option<(Arc<str>, impl Read + Send + Sync + use<>)>, DataError> {
        let framed = Arc::clone(&self.framed);
        self.n_objects += 1;
        match self.pipe.wrapper {
            RecordWrapper::None => {
                let body = Body(framed, RecordWrapper::None);
                Ok((self.n_objects == 1).then(|| (Arc::clone(&self.pipe.object), body)))
            }
            RecordWrapper::RecordIo => {
                let started = lock(&framed).start_record();
                let found = started.map_err(|err| self.refused(err))?;
                let name = format!("{}, object {}", self.pipe.object, self.n_objects);
                let body = Body(framed, RecordWrapper::RecordIo);
                Ok(found.then(|| (Arc::from(name), body)))
            }
        }
    }

    fn refused(&self, err: io::Error) -> DataError {
        let place = RowPlace {
            object: Arc::clone(&self.pipe.object),
            unit: Unit::Record,
            number: self.n_objects,
        };
        match err.downcast::<FrameProblem>() {
            Ok(problem) => DataError::Frame { place, problem },
            Err(source) => DataError::Io {
                path: self.pipe.path.clone(),
                source,
            },
        }
    }
}

fn lock(framed: &Mutex<Framed>) -> std::sync::MutexGuard<'_, Framed> {
    framed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An object's bytes.
struct Body(Arc<Mutex<Framed>>, RecordWrapper);

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut framed = lock(&self.0);
        match self.1 {
            RecordWrapper::None => framed.stream.read(buffer),
            RecordWrapper::RecordIo => framed.read_record(buffer),
        }
    }
}

/// Records that are longer than memory.
#[derive(Debug)]
struct Framed {
    stream: Stream,
    /// The frame that is being read.
    frame: Option<Header>,
    /// Bytes that are left of it, zeros behind them not counted.
    n_left: usize,
}

impl Framed {
    /// Goes to the next record; false at the end.
    fn start_record(&mut self) -> io::Result<bool> {
        let mut rest = [0; 4096];
        while self.frame.is_some() && self.read_record(&mut rest)? > 0 {}
        let header = self.header()?;
        if let Some(header) = header {
            header.check_order(false).map_err(io::Error::other)?;
            self.start(header);
        }
        Ok(header.is_some())
    }

    fn start(&mut self, header: Header) {
        (self.frame, self.n_left) = (Some(header), header.n_bytes);
    }

    /// The header that comes next; `None` at the end.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let mut bytes = [0; HEADER_BYTES];
        let n_read = self.fill(&mut bytes)?;
        if n_read == 0 {
            return Ok(None);
        }
        if n_read < HEADER_BYTES {
            return Err(cut_short(n_read, HEADER_BYTES));
        }
        Header::read(bytes).map(Some).map_err(io::Error::other)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut n_read = 0;
        while n_read < buffer.len() {
            match self.stream.read(&mut buffer[n_read..])? {
                0 => break,
                n_more => n_read += n_more,
            }
        }
        Ok(n_read)
    }

    /// Reads on in the record; 0 at its end.
    fn read_record(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(frame) = self.frame {
            if self.n_left > 0 {
                let n_wanted = buffer.len().min(self.n_left);
                let n_read = self.stream.read(&mut buffer[..n_wanted])?;
                if n_read == 0 && n_wanted > 0 {
                    let found = frame.n_bytes.saturating_sub(self.n_left);
                    return Err(cut_short(found, frame.n_bytes));
                }
                self.n_left -= n_read;
                return Ok(n_read);
            }
            let n_zeros = frame.padded() - frame.n_bytes;
            let mut zeros = [0; 4];
            if self.fill(&mut zeros[..n_zeros])? < n_zeros {
                return Err(cut_short(frame.n_bytes, frame.padded()));
            }
            self.frame = None;
            if frame.ends() {
                return Ok(0);
            }
            let next = self
                .header()?
                .ok_or_else(|| io::Error::other(FrameProblem::Part))?;
            next.check_order(true).map_err(io::Error::other)?;
            self.start(next);
            // The writer took the magic word out where it cut the record.
            self.stream.put_back(&MAGIC);
            self.n_left += MAGIC.len();
        }
        Ok(0)
    }
}

fn cut_short(found: usize, expected: usize) -> io::Error {
    io::Error::other(FrameProblem::CutShort {
        found: found as u64,
        expected: expected as u64,
    })
}

/// A pipe's bytes, as a thread brings them.
#[derive(Debug)]
struct Stream {
    chunks: Receiver<io::Result<Vec<u8>>>,
    stop: Arc<AtomicBool>,
    chunk: Vec<u8>,
    at: usize,
}

impl Stream {
    /// Puts bytes before those that come next.
    fn put_back(&mut self, bytes: &[u8]) {
        self.chunk.splice(..self.at, bytes.iter().copied());
        self.at = 0;
    }

    /// The next chunk; empty at the end.
    fn next_chunk(&self) -> io::Result<Vec<u8>> {
        loop {
            match self.chunks.recv_timeout(LOOK) {
                Ok(chunk) => return chunk,
                Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
                Err(RecvTimeoutError::Timeout) if self.stop.load(Ordering::Relaxed) => {
                    return Err(io::Error::other("the job was stopped"));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() {
            (self.chunk, self.at) = (self.next_chunk()?, 0);
        }
        let n_read = buffer.len().min(self.chunk.len() - self.at);
        buffer[..n_read].copy_from_slice(&self.chunk[self.at..self.at + n_read]);
        self.at += n_read;
        Ok(n_read)
    }
}

/// Reads a pipe to its end. Opening it waits for whoever writes.
fn feed(path: &Path, chunks: &SyncSender<io::Result<Vec<u8>>>) {
    let mut file = match open(path) {
        Ok(file) => file,
        Err(err) => {
            // Nobody may be there any more to hear it.
            let _ = chunks.send(Err(err));
            return;
        }
    };
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let read = match file.read(&mut chunk) {
            Ok(0) => return,
            Ok(n_read) => {
                chunk.truncate(n_read);
                Ok(chunk)
            }
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            Err(err) => Err(err),
        };
        if chunks.send(read).is_err() {
            return;
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let start = Instant::now();
    loop {
        match File::open(path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound && start.elapsed() < PIPE_WAIT => {
                thread::sleep(LOOK);
            }
            opened => return opened,
        }
    }
}
