//! `RecordIO` frames: a magic word, a length, the bytes, and zeros up to four.
//!
//! Invariants: a length is looked at before anything is allocated for it, and a record longer than [`MAX_RECORD_BYTES`]
//! is refused where it must be in memory as a whole; a record of several parts has the magic word between them, as its
//! writer took it out.
//!
//! Source: dmlc-core, `include/dmlc/recordio.h`; the SageMaker Python SDK, `amazon/common.py`, which writes whole records
//! only.

use std::borrow::Cow;

/// The first word of each frame, little-endian.
pub(crate) const MAGIC: [u8; 4] = [0x0a, 0x23, 0xd7, 0xce];

/// Magic word and length.
pub(crate) const HEADER_BYTES: usize = 8;

/// The longest record that is read as a whole. A row of four million doubles fits.
pub const MAX_RECORD_BYTES: usize = 64 << 20;

/// Why a frame was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameProblem {
    /// The first word is another one.
    #[error("the record starts with {found}, expected RecordIO's magic word 0a 23 d7 ce")]
    Magic {
        /// The bytes there.
        found: String,
    },
    /// The record is longer than records can be.
    #[error(
        "the record says that it has {n_bytes} bytes or more, allowed are up to {MAX_RECORD_BYTES}"
    )]
    TooLong {
        /// What the lengths say.
        n_bytes: u64,
    },
    /// The bytes end before the record does.
    #[error("the bytes end in the middle of the record: {found} of {expected} bytes are there")]
    CutShort {
        /// Bytes from the start of the record on.
        found: u64,
        /// Bytes that the record takes.
        expected: u64,
    },
    /// A part of a record comes where it cannot.
    #[error(
        "a part of a record of several parts comes without its beginning, or a beginning without the parts behind it"
    )]
    Part,
}

/// What a frame is of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    First,
    Middle,
    Last,
}

/// What stands before a frame's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) part: Part,
    pub(crate) n_bytes: usize,
}

impl Header {
    pub(crate) fn read(bytes: [u8; HEADER_BYTES]) -> Result<Self, FrameProblem> {
        let [a, b, c, d, length @ ..] = bytes;
        let first = [a, b, c, d];
        if first != MAGIC {
            return Err(FrameProblem::Magic { found: hex(first) });
        }
        let word = u32::from_le_bytes(length);
        let part = match word >> 29 {
            0 => Part::Whole,
            1 => Part::First,
            2 => Part::Middle,
            3 => Part::Last,
            _ => return Err(FrameProblem::Part),
        };
        Ok(Self {
            part,
            n_bytes: (word & ((1 << 29) - 1)) as usize,
        })
    }

    /// The bytes and the zeros behind them.
    pub(crate) fn padded(self) -> usize {
        self.n_bytes.next_multiple_of(4)
    }

    /// Whether this part may follow a record's first parts, or nothing.
    pub(crate) fn check_order(self, is_inside: bool) -> Result<(), FrameProblem> {
        match (self.part, is_inside) {
            (Part::Whole | Part::First, false) | (Part::Middle | Part::Last, true) => Ok(()),
            (Part::Whole | Part::First, true) | (Part::Middle | Part::Last, false) => {
                Err(FrameProblem::Part)
            }
        }
    }

    /// Whether the record ends with this part.
    pub(crate) fn ends(self) -> bool {
        matches!(self.part, Part::Whole | Part::Last)
    }
}

/// The whole records that some bytes start with.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) n_records: u64,
    /// Where the last of them ends.
    pub(crate) end: usize,
    /// What is wrong behind them.
    problem: Option<FrameProblem>,
    /// Bytes behind them, and how many the record there takes at least.
    rest: (usize, usize),
}

impl Whole {
    /// What is wrong behind the whole records; `at_end` says that no more bytes come.
    pub(crate) fn problem(self, at_end: bool) -> Option<FrameProblem> {
        let (found, expected) = self.rest;
        let cut = (at_end && found > 0).then_some(FrameProblem::CutShort {
            found: found as u64,
            expected: expected as u64,
        });
        self.problem.or(cut)
    }
}

/// Finds the whole records at the start of `bytes`.
pub(crate) fn whole(bytes: &[u8]) -> Whole {
    let mut whole = Whole {
        n_records: 0,
        end: 0,
        problem: None,
        rest: (0, 0),
    };
    loop {
        match record_end(&bytes[whole.end..]) {
            Ok(Ok(n_bytes)) => {
                whole.end += n_bytes;
                whole.n_records += 1;
            }
            Ok(Err(expected)) => {
                whole.rest = (bytes.len() - whole.end, expected);
                return whole;
            }
            Err(problem) => {
                whole.problem = Some(problem);
                return whole;
            }
        }
    }
}

/// Where the record ends that `bytes` start with, or else how many bytes it takes at least.
fn record_end(bytes: &[u8]) -> Result<Result<usize, usize>, FrameProblem> {
    let (mut at, mut is_inside) = (0, false);
    loop {
        let Some(header) = bytes[at..].first_chunk() else {
            // The first word tells already whether these are records.
            return match bytes[at..].first_chunk() {
                Some(&word) if word != MAGIC => Err(FrameProblem::Magic { found: hex(word) }),
                _ => Ok(Err(at + HEADER_BYTES)),
            };
        };
        let header = Header::read(*header)?;
        header.check_order(is_inside)?;
        let end = at + HEADER_BYTES + header.padded();
        if end > MAX_RECORD_BYTES {
            return Err(FrameProblem::TooLong {
                n_bytes: end as u64,
            });
        }
        if end > bytes.len() {
            return Ok(Err(end));
        }
        if header.ends() {
            return Ok(Ok(end));
        }
        (at, is_inside) = (end, true);
    }
}

fn hex([a, b, c, d]: [u8; 4]) -> String {
    format!("{a:02x} {b:02x} {c:02x} {d:02x}")
}

/// The bytes of each record of a block, which holds whole records.
pub(crate) fn records(mut bytes: &[u8]) -> impl Iterator<Item = Cow<'_, [u8]>> {
    std::iter::from_fn(move || {
        let mut record = Cow::Borrowed(&[][..]);
        loop {
            let (header, behind) = bytes.split_first_chunk()?;
            let header = Header::read(*header).ok()?;
            let own = behind.get(..header.n_bytes)?;
            bytes = behind.get(header.padded()..)?;
            match header.part {
                Part::Whole | Part::First => record = Cow::Borrowed(own),
                Part::Middle | Part::Last => {
                    let joined = record.to_mut();
                    joined.extend_from_slice(&MAGIC);
                    joined.extend_from_slice(own);
                }
            }
            if header.ends() {
                return Some(record);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(part: u32, bytes: &[u8]) -> Vec<u8> {
        let word = part << 29 | bytes.len() as u32;
        let mut frame = [&MAGIC[..], &word.to_le_bytes(), bytes].concat();
        frame.resize(frame.len().next_multiple_of(4), 0);
        frame
    }

    #[test]
    fn records_of_several_parts_have_the_magic_word_between_them() {
        let bytes = [
            frame(0, b"abc"),
            frame(1, b"wxyz"),
            frame(2, b""),
            frame(3, b"q"),
            frame(0, b""),
        ]
        .concat();
        let found = whole(&bytes);
        assert_eq!((found.n_records, found.end), (3, bytes.len()));
        let records: Vec<_> = records(&bytes).map(Cow::into_owned).collect();
        let joined = [&b"wxyz"[..], &MAGIC, &MAGIC, b"q"].concat();
        assert_eq!(records, [b"abc".to_vec(), joined, Vec::new()]);
    }

    #[test]
    fn bytes_that_are_no_records_are_told_from_a_record_that_is_cut_short() {
        let good = frame(0, b"abcdefgh");
        for end in 1..good.len() {
            let found = whole(&good[..end]);
            assert_eq!((found.n_records, found.end), (0, 0));
            assert!(matches!(
                found.problem(true),
                Some(FrameProblem::CutShort { found, .. }) if found == end as u64
            ));
            assert_eq!(whole(&good[..end]).problem(false), None);
        }
        for (bytes, expected) in [
            (
                b"1,2\n3,4\n".to_vec(),
                "the record starts with 31 2c 32 0a, …",
            ),
            (b"1,2\n".to_vec(), "the record starts with 31 2c 32 0a, …"),
            (frame(3, b"x"), "a part of a record …"),
            (frame(7, b"x"), "a part of a record …"),
            (
                [frame(1, b"x"), frame(0, b"x")].concat(),
                "a part of a record …",
            ),
            (
                [&MAGIC[..], &[0xff, 0xff, 0xff, 0x1f]].concat(),
                "the record says that it has 536870920 bytes or more, allowed are up to 67108864",
            ),
        ] {
            let problem = whole(&bytes).problem(false).unwrap().to_string();
            assert!(
                problem.starts_with(expected.trim_end_matches('…')),
                "{problem}"
            );
        }
    }
}
