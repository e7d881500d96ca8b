//! The log streams, one JSON Lines file each.
//!
//! A position in a stream is a byte offset of its file, so following a log reads only what is new. Timestamps of a
//! stream never fall, even when the system's clock does. A line that a crash has cut is dropped when the store opens.

use super::event::{Event, now_millis, stored};
use crate::error::LocalError;
use crate::job::Sink;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much is read at once from the back: more than the longest line, which is 256 KiB before it is escaped.
const BLOCK_BYTES: u64 = 4 * 1024 * 1024;

/// What is known of a stream without reading it. Times are milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StreamInfo {
    pub(super) created: i64,
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
    pub(super) bytes: u64,
}

#[derive(Debug)]
struct Stream {
    info: StreamInfo,
    file: File,
}

/// Every log stream, by name (`<job>/<host>-<epoch seconds>`).
#[derive(Debug)]
pub(crate) struct LogStore {
    group: String,
    root: PathBuf,
    streams: Mutex<BTreeMap<String, Stream>>,
}

/// Events with the position behind each.
pub(super) type Page = Vec<(u64, Event)>;

impl LogStore {
    /// Opens the streams of `group` below `root`, which must exist.
    pub(crate) fn open(root: PathBuf, group: &str) -> Result<Self, LocalError> {
        let mut streams = BTreeMap::new();
        for (name, path) in files(&root).map_err(LocalError::file("list", &root))? {
            let stream = reopen(&path).map_err(LocalError::file("read", &path))?;
            streams.insert(name, stream);
        }
        Ok(Self {
            group: group.to_owned(),
            root,
            streams: Mutex::new(streams),
        })
    }

    /// Begins a stream. The name must be new, of the form `<job>/<rest>`.
    pub(crate) fn create(&self, name: &str) -> io::Result<()> {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::options().create_new(true).append(true).open(path)?;
        let info = StreamInfo {
            created: now_millis(),
            ..StreamInfo::default()
        };
        self.lock().insert(name.to_owned(), Stream { info, file });
        Ok(())
    }

    /// Whether there is a stream of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.info(name).is_some()
    }

    /// Adds a line to a stream that exists.
    pub(crate) fn append(&self, name: &str, line: &str) -> io::Result<()> {
        let mut streams = self.lock();
        let Some(stream) = streams.get_mut(name) else {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("no log stream `{name}`"),
            ));
        };
        let timestamp = now_millis().max(stream.info.last.unwrap_or(i64::MIN));
        let event = Event {
            timestamp,
            ingestion_time: timestamp,
            message: stored(line).into_owned(),
        };
        let mut bytes = serde_json::to_vec(&event)?;
        bytes.push(b'\n');
        stream.file.write_all(&bytes)?;
        stream.info.bytes += bytes.len() as u64;
        stream.info.first.get_or_insert(timestamp);
        stream.info.last = Some(timestamp);
        Ok(())
    }

    /// The group's name.
    pub(super) fn group(&self) -> &str {
        &self.group
    }

    /// A stream that is new, and what writes lines to it.
    pub(crate) fn stream(self: Arc<Self>, name: String) -> io::Result<Sink> {
        if !self.has(&name) {
            self.create(&name)?;
        }
        Ok(Arc::new(move |_: usize, line: &str| {
            // A log that cannot be written must not end what can go on.
            if let Err(err) = self.append(&name, line) {
                tracing::warn!(stream = name, %err, "a log line was lost");
            }
        }))
    }

    /// When the first stream was made: the group's creation.
    pub(crate) fn created(&self) -> Option<i64> {
        self.lock().values().map(|it| it.info.created).min()
    }

    pub(super) fn info(&self, name: &str) -> Option<StreamInfo> {
        self.lock().get(name).map(|it| it.info)
    }

    /// The streams whose name begins with `prefix`, by name.
    pub(super) fn list(&self, prefix: &str) -> Vec<(String, StreamInfo)> {
        let streams = self.lock();
        let from = streams
            .range(prefix.to_owned()..)
            .take_while(|(name, _)| name.starts_with(prefix));
        from.map(|(name, stream)| (name.clone(), stream.info))
            .collect()
    }

    /// Up to `limit` events that `keep` wants, from position `from` on.
    ///
    /// Also gives the position to go on from, which is behind what was skipped too.
    pub(super) fn forward(
        &self,
        name: &str,
        from: u64,
        limit: usize,
        keep: impl Fn(&Event) -> bool,
    ) -> io::Result<(Page, u64)> {
        let Some(info) = self.info(name) else {
            return Ok((Vec::new(), from));
        };
        let mut file = File::open(self.path(name))?;
        let mut position = from.min(info.bytes);
        file.seek(SeekFrom::Start(position))?;
        // Only complete lines: `bytes` is counted after each.
        let mut reader = BufReader::new(file.take(info.bytes - position));
        let (mut page, mut line) = (Vec::new(), Vec::new());
        while page.len() < limit {
            line.clear();
            let n = reader.read_until(b'\n', &mut line)?;
            if n == 0 {
                break;
            }
            position += n as u64;
            let event: Event = serde_json::from_slice(&line)?;
            if keep(&event) {
                page.push((position, event));
            }
        }
        Ok((page, position))
    }

    /// The last `limit` events before position `to` that `keep` wants, in order, and the position where they begin.
    pub(super) fn backward(
        &self,
        name: &str,
        to: u64,
        limit: usize,
        keep: impl Fn(&Event) -> bool,
    ) -> io::Result<(Page, u64)> {
        let Some(info) = self.info(name) else {
            return Ok((Vec::new(), to));
        };
        let mut file = File::open(self.path(name))?;
        let mut end = to.min(info.bytes);
        let mut page = Vec::new();
        while 0 < end && page.len() < limit {
            let start = end.saturating_sub(BLOCK_BYTES);
            let mut block = vec![0; (end - start) as usize];
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut block)?;
            // Whole lines from the back; what is cut at the block's front belongs to the next block.
            while page.len() < limit
                && let Some(body) = block.strip_suffix(b"\n")
            {
                let line = match body.iter().rposition(|&b| b == b'\n') {
                    Some(before) => before + 1,
                    None if start == 0 => 0,
                    None => break,
                };
                let event: Event = serde_json::from_slice(&body[line..])?;
                let position = start + block.len() as u64;
                if keep(&event) {
                    page.push((position, event));
                }
                block.truncate(line);
            }
            let next = start + block.len() as u64;
            if next == end {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a log line is longer than a block",
                ));
            }
            end = next;
        }
        page.reverse();
        Ok((page, end))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(format!("{name}.jsonl"))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Stream>> {
        // A panic between two statements above leaves counts of complete lines at worst.
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn files(root: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for job in fs::read_dir(root)? {
        let job = job?;
        for host in fs::read_dir(job.path())? {
            let path = host?.path();
            let names = (job.file_name(), path.file_stem().map(ToOwned::to_owned));
            if let (Some(job), Some(host)) = (
                names.0.to_str(),
                names.1.as_ref().and_then(|it| it.to_str()),
            ) {
                found.push((format!("{job}/{host}"), path.clone()));
            }
        }
    }
    Ok(found)
}

fn reopen(path: &Path) -> io::Result<Stream> {
    let mut reader = BufReader::new(File::open(path)?);
    let created = fs::metadata(path)?.created().ok();
    let mut info = StreamInfo::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let n = reader.read_until(b'\n', &mut line)?;
        let Ok(event) = serde_json::from_slice::<Event>(&line) else {
            break;
        };
        if line.last() != Some(&b'\n') {
            break;
        }
        info.bytes += n as u64;
        info.first.get_or_insert(event.timestamp);
        info.last = Some(event.timestamp);
    }
    let created = created
        .and_then(|it| it.duration_since(std::time::UNIX_EPOCH).ok())
        .map(|it| it.as_millis() as i64);
    info.created = info.first.or(created).unwrap_or_default();
    let file = File::options().append(true).open(path)?;
    file.set_len(info.bytes)?;
    Ok(Stream { info, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(page: &Page) -> Vec<&str> {
        page.iter()
            .map(|(_, event)| event.message.as_str())
            .collect()
    }

    fn store(dir: &Path) -> LogStore {
        let store = LogStore::open(dir.to_owned(), "/group").unwrap();
        store.create("job/algo-1-1").unwrap();
        for line in ["a", "b\tc", "d"] {
            store.append("job/algo-1-1", line).unwrap();
        }
        store
    }

    #[test]
    fn reading_forward_goes_on_where_it_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        let (page, next) = store.forward("job/algo-1-1", 0, 2, |_| true).unwrap();
        assert_eq!(messages(&page), ["a", "b#011c"]);
        let (page, end) = store.forward("job/algo-1-1", next, 2, |_| true).unwrap();
        assert_eq!(messages(&page), ["d"]);
        assert_eq!(
            store.forward("job/algo-1-1", end, 2, |_| true).unwrap().1,
            end
        );
    }

    #[test]
    fn reading_backward_gives_the_last_ones_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        let (page, start) = store
            .backward("job/algo-1-1", u64::MAX, 2, |_| true)
            .unwrap();
        assert_eq!(messages(&page), ["b#011c", "d"]);
        let (page, start) = store.backward("job/algo-1-1", start, 2, |_| true).unwrap();
        assert_eq!((messages(&page), start), (vec!["a"], 0));
    }

    #[test]
    fn reading_backward_crosses_blocks_and_passes_over_what_is_not_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let store = LogStore::open(dir.path().to_owned(), "/group").unwrap();
        store.create("job/algo-1-1").unwrap();
        let long = "x".repeat(BLOCK_BYTES as usize / 3);
        for n in 0..9 {
            store.append("job/algo-1-1", &format!("{n}{long}")).unwrap();
        }
        let even = |event: &Event| event.message.as_bytes()[0].is_multiple_of(2);
        let (page, start) = store.backward("job/algo-1-1", u64::MAX, 4, even).unwrap();
        let firsts: Vec<u8> = page
            .iter()
            .map(|(_, event)| event.message.as_bytes()[0])
            .collect();
        assert_eq!(firsts, b"2468");
        let (page, _) = store.backward("job/algo-1-1", start, 4, even).unwrap();
        assert_eq!(page.len(), 1);
    }

    #[test]
    fn a_line_that_was_cut_is_dropped_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        drop(store(dir.path()));
        let path = dir.path().join("job/algo-1-1.jsonl");
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..], br#"{"timestamp":1,"inges"#].concat()).unwrap();
        let store = LogStore::open(dir.path().to_owned(), "/group").unwrap();
        store.append("job/algo-1-1", "e").unwrap();
        let (page, _) = store.forward("job/algo-1-1", 0, 9, |_| true).unwrap();
        assert_eq!(messages(&page), ["a", "b#011c", "d", "e"]);
    }
}
