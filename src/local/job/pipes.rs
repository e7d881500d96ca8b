//! Pipe channels: a FIFO for each epoch of a channel, which a thread feeds with the channel's objects.
//!
//! Invariants: the FIFO of epoch 0 is there before the trainer starts, that of an epoch more when the one before was read or
//! left; objects come whole, in the order of their keys or, with a `ShuffleConfig`, in one that follows from its seed and the
//! epoch; a feeder ends with its job.
//!
//! Source: SageMaker developer guide, "Accessing Training Data"; SageMaker API, `ShuffleConfig`; `RecordIO`'s frame is in
//! `src/trainer/data/recordio`.

use super::channels::Piece;
use crate::chance::next_number;
use contract::paths::MlRoot;
use flate2::read::MultiGzDecoder;
use rustix::fs::{CWD, FileType, Mode, OFlags, fcntl_setfl, mknodat, open};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How often a FIFO is tried that nobody reads.
const LOOK: Duration = Duration::from_millis(10);

/// The first bytes of a record.
const MAGIC: [u8; 4] = 0xCED7_230A_u32.to_le_bytes();

/// A channel as one host gets it.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) channel: String,
    pub(super) root: MlRoot,
    /// Objects, or lines of an augmented manifest, of all hosts.
    pub(super) units: Arc<Vec<Vec<Piece>>>,
    /// The host's number and how many share the units.
    pub(super) share: (usize, usize),
    pub(super) is_wrapped: bool,
    pub(super) is_gzip: bool,
    pub(super) shuffle: Option<i64>,
}

/// Threads that feed pipes, until this is dropped.
#[derive(Debug)]
pub(super) struct Feeders(Arc<AtomicBool>);

impl Drop for Feeders {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Feeders {
    /// Makes the FIFOs of epoch 0, and starts to feed them.
    pub(super) fn start(streams: Vec<Stream>) -> io::Result<Self> {
        let feeders = Self(Arc::default());
        for stream in streams {
            make_fifo(&stream.fifo(0))?;
            let is_over = Arc::clone(&feeders.0);
            thread::spawn(move || {
                if let Err(err) = stream.feed(&is_over) {
                    tracing::error!(channel = stream.channel, %err, "a pipe could not be fed");
                }
            });
        }
        Ok(feeders)
    }
}

impl Stream {
    fn fifo(&self, epoch: u32) -> PathBuf {
        self.root.channel_pipe(&self.channel, epoch)
    }

    fn feed(&self, is_over: &AtomicBool) -> io::Result<()> {
        for epoch in 0.. {
            if epoch > 0 {
                make_fifo(&self.fifo(epoch))?;
            }
            let Some(mut pipe) = open_for_reader(&self.fifo(epoch), is_over)? else {
                break;
            };
            match self.write(epoch, &mut pipe) {
                // Whoever has read enough closes the pipe, and may open that of the next epoch.
                Err(err) if err.kind() == io::ErrorKind::BrokenPipe => {}
                written => written?,
            }
        }
        Ok(())
    }

    fn write(&self, epoch: u32, pipe: &mut impl Write) -> io::Result<()> {
        let (first, step) = self.share;
        let order = self.order(epoch);
        for unit in order.into_iter().skip(first).step_by(step) {
            for piece in &self.units[unit] {
                self.write_piece(piece, pipe)?;
            }
        }
        Ok(())
    }

    /// The units, one way or the other.
    fn order(&self, epoch: u32) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.units.len()).collect();
        if let Some(seed) = self.shuffle {
            let mut state = seed.cast_unsigned() ^ (u64::from(epoch) << 32);
            for last in (1..order.len()).rev() {
                order.swap(last, (next_number(&mut state) % (last as u64 + 1)) as usize);
            }
        }
        order
    }

    fn write_piece(&self, piece: &Piece, pipe: &mut impl Write) -> io::Result<()> {
        match piece {
            Piece::Value(bytes) if self.is_wrapped => write_record(bytes, pipe),
            Piece::Value(bytes) => pipe.write_all(bytes),
            Piece::Object(path) => {
                let file = File::open(path)?;
                let n_bytes = file.metadata()?.len();
                if self.is_gzip {
                    return self.write_unpacked(MultiGzDecoder::new(file), pipe);
                }
                self.write_object(file, n_bytes, pipe)
            }
        }
    }

    /// A record says its length first, so what is unpacked for one is held.
    fn write_unpacked(&self, mut object: impl Read, pipe: &mut impl Write) -> io::Result<()> {
        if !self.is_wrapped {
            return io::copy(&mut object, pipe).map(drop);
        }
        let mut bytes = Vec::new();
        object.read_to_end(&mut bytes)?;
        write_record(&bytes, pipe)
    }

    fn write_object(
        &self,
        mut object: impl Read,
        n_bytes: u64,
        pipe: &mut impl Write,
    ) -> io::Result<()> {
        if !self.is_wrapped {
            return io::copy(&mut object, pipe).map(drop);
        }
        write_header(n_bytes, pipe)?;
        io::copy(&mut object, pipe)?;
        write_padding(n_bytes, pipe)
    }
}

fn write_record(bytes: &[u8], pipe: &mut impl Write) -> io::Result<()> {
    write_header(bytes.len() as u64, pipe)?;
    pipe.write_all(bytes)?;
    write_padding(bytes.len() as u64, pipe)
}

fn write_header(n_bytes: u64, pipe: &mut impl Write) -> io::Result<()> {
    /// The upper three bits of a length are flags.
    const MOST_BYTES: u64 = (1 << 29) - 1;
    if n_bytes > MOST_BYTES {
        return Err(io::Error::other(format!(
            "an object of {n_bytes} bytes does not fit a record, which holds {MOST_BYTES}"
        )));
    }
    pipe.write_all(&MAGIC)?;
    pipe.write_all(&(n_bytes as u32).to_le_bytes())
}

fn write_padding(n_bytes: u64, pipe: &mut impl Write) -> io::Result<()> {
    let n_zeros = (n_bytes.next_multiple_of(4) - n_bytes) as usize;
    pipe.write_all(&[0; 4][..n_zeros])
}

fn make_fifo(path: &Path) -> io::Result<()> {
    let mode = Mode::RUSR | Mode::WUSR;
    Ok(mknodat(CWD, path, FileType::Fifo, mode, 0)?)
}

/// Opens a FIFO once somebody reads it; `None` if nobody will any more. A write waits for the reader, and fails when it is gone.
fn open_for_reader(path: &Path, is_over: &AtomicBool) -> io::Result<Option<File>> {
    while !is_over.load(Ordering::Relaxed) {
        match open(path, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()) {
            Ok(pipe) => {
                fcntl_setfl(&pipe, OFlags::empty())?;
                return Ok(Some(pipe.into()));
            }
            Err(rustix::io::Errno::NXIO) => thread::sleep(LOOK),
            // The job's tree is gone.
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(err) => return Err(err.into()),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(units: Vec<Vec<Piece>>, is_wrapped: bool, shuffle: Option<i64>) -> Stream {
        Stream {
            channel: "train".to_owned(),
            root: MlRoot::at("/nowhere"),
            units: Arc::new(units),
            share: (0, 1),
            is_wrapped,
            is_gzip: false,
            shuffle,
        }
    }

    fn value(text: &str) -> Vec<Piece> {
        vec![Piece::Value(text.as_bytes().to_vec())]
    }

    fn written(stream: &Stream, epoch: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        stream.write(epoch, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_record_has_its_magic_word_its_length_and_zeros_up_to_a_word() {
        let wrapped = stream(vec![value("1,2\n5"), value("")], true, None);
        let expected = b"\x0a\x23\xd7\xce\x05\0\0\x001,2\n5\0\0\0\x0a\x23\xd7\xce\0\0\0\0";
        assert_eq!(written(&wrapped, 0), expected);
        let plain = stream(vec![value("1,2\n"), value("3,4\n")], false, None);
        assert_eq!(written(&plain, 7), b"1,2\n3,4\n");
    }

    #[test]
    fn a_seed_gives_each_epoch_an_order_of_its_own_that_is_the_same_again() {
        let units: Vec<_> = (0..9).map(|it| value(&it.to_string())).collect();
        let shuffled = stream(units.clone(), false, Some(3));
        let epochs: Vec<_> = (0..3).map(|epoch| written(&shuffled, epoch)).collect();
        assert_ne!(epochs[0], epochs[1]);
        assert_ne!(
            epochs[0],
            written(&stream(units.clone(), false, Some(4)), 0)
        );
        assert_eq!(
            epochs[0],
            written(&stream(units.clone(), false, Some(3)), 0)
        );
        for mut epoch in epochs {
            epoch.sort_unstable();
            assert_eq!(epoch, b"012345678");
        }
        // Hosts share what an epoch's order deals out.
        let mut shares: Vec<u8> = (0..2)
            .flat_map(|rank| {
                let mut share = stream(units.clone(), false, Some(3));
                share.share = (rank, 2);
                written(&share, 1)
            })
            .collect();
        shares.sort_unstable();
        assert_eq!(shares, b"012345678");
    }
}
