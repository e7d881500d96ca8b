//! An object's records, and requests of them that are not too large.

use super::request::{Split, Strategy};

/// The first bytes of a RecordIO frame.
const MAGIC: [u8; 4] = 0xCED7_230A_u32.to_le_bytes();
/// The magic and the word of part and length.
const FRAME_HEAD: usize = 8;
/// Frames begin at multiples of this.
const FRAME_STEP: usize = 4;
/// Bits of the length; what is above them says which part of a record a frame has.
const LENGTH_BITS: u32 = 29;

/// Records that make one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch<'a> {
    pub(super) records: Vec<&'a [u8]>,
    separator: &'static [u8],
}

/// A record that is larger than a request may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {number} has {n_bytes} bytes, and a request may have {most}: raise MaxPayloadInMB")]
pub(super) struct TooLarge {
    /// From 1.
    pub(super) number: usize,
    pub(super) n_bytes: usize,
    pub(super) most: usize,
}

/// An object that is not RecordIO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no RecordIO: at byte {at} there is no whole frame of a record")]
pub(super) struct BadFrame {
    pub(super) at: usize,
}

/// What lies between the records of a request.
fn separator(split: Split) -> &'static [u8] {
    match split {
        Split::Line => b"\n",
        Split::None | Split::RecordIo => b"",
    }
}

/// The records of an object, as they are sent.
pub(super) fn split(object: &[u8], by: Split) -> Result<Vec<&[u8]>, BadFrame> {
    match by {
        Split::None => Ok(vec![object]),
        Split::Line => Ok(lines(object)),
        Split::RecordIo => framed(object),
    }
}

/// The records of RecordIO, each with its frame, or with all frames of its parts.
///
/// Source: `RecordIO` of Apache `MXNet`, which `application/x-recordio-protobuf` is framed by: a magic number, three bits that say which
/// part of a record it is (0 the whole, 1 the first, 2 one between, 3 the last), 29 bits of length, and zeros to a multiple of 4.
fn framed(object: &[u8]) -> Result<Vec<&[u8]>, BadFrame> {
    let (mut records, mut start, mut at) = (Vec::new(), 0, 0);
    while at < object.len() {
        let bad = BadFrame { at };
        let head = object.get(at..at + FRAME_HEAD).ok_or(bad)?;
        let word = head.strip_prefix(&MAGIC).ok_or(bad)?;
        let word = u32::from_le_bytes(word.try_into().map_err(|_| bad)?);
        let (part, length) = (word >> LENGTH_BITS, word & ((1 << LENGTH_BITS) - 1));
        let is_first = start == at;
        let is_last = match (part, is_first) {
            (0, true) | (3, false) => true,
            (1, true) | (2, false) => false,
            (_, _) => return Err(bad),
        };
        at += FRAME_HEAD + (length as usize).next_multiple_of(FRAME_STEP);
        if at > object.len() {
            return Err(bad);
        }
        if is_last {
            records.push(&object[start..at]);
            start = at;
        }
    }
    if start == at {
        Ok(records)
    } else {
        Err(BadFrame { at: start })
    }
}

/// The lines of an object, without their ends; empty ones are none.
pub(super) fn lines(object: &[u8]) -> Vec<&[u8]> {
    let lines = object.split(|&it| it == b'\n');
    let trimmed = lines.map(|it| it.strip_suffix(b"\r").unwrap_or(it));
    trimmed.filter(|it| !it.is_empty()).collect()
}

/// Requests of `records`, which are `split` so: each alone, or as many as fit.
pub(super) fn batches<'a>(
    records: &[&'a [u8]],
    split: Split,
    strategy: Strategy,
    most: Option<usize>,
) -> Result<Vec<Batch<'a>>, TooLarge> {
    let most = most.unwrap_or(usize::MAX);
    let separator = separator(split);
    let mut batches: Vec<Batch<'a>> = Vec::new();
    let mut room = 0;
    for (at, &record) in records.iter().enumerate() {
        let n_bytes = record.len() + separator.len();
        if record.len() > most {
            return Err(TooLarge {
                number: at + 1,
                n_bytes: record.len(),
                most,
            });
        }
        match batches.last_mut() {
            Some(last) if strategy == Strategy::MultiRecord && n_bytes <= room => {
                last.records.push(record);
                room -= n_bytes;
            }
            _ => {
                batches.push(Batch {
                    records: vec![record],
                    separator,
                });
                room = most.saturating_sub(n_bytes);
            }
        }
    }
    Ok(batches)
}

impl Batch<'_> {
    /// The request's body.
    pub(super) fn body(&self) -> Vec<u8> {
        self.records.join(self.separator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_as_many_records_as_fit_and_keep_their_order() {
        let records = lines(b"aaa\r\nbb\n\ncccc\nd\n");
        assert_eq!(records, [&b"aaa"[..], b"bb", b"cccc", b"d"]);
        let bodies = |strategy, most| -> Vec<Vec<u8>> {
            let batches = batches(&records, Split::Line, strategy, most).unwrap();
            batches.iter().map(Batch::body).collect()
        };
        assert_eq!(
            bodies(Strategy::MultiRecord, Some(7)),
            [&b"aaa\nbb"[..], b"cccc\nd"]
        );
        assert_eq!(bodies(Strategy::MultiRecord, None), [b"aaa\nbb\ncccc\nd"]);
        assert_eq!(bodies(Strategy::SingleRecord, None).len(), 4);
        let refused = batches(&records, Split::Line, Strategy::MultiRecord, Some(3)).unwrap_err();
        assert_eq!((refused.number, refused.n_bytes), (3, 4));
    }

    fn frame(part: u32, body: &[u8]) -> Vec<u8> {
        let word = part << LENGTH_BITS | body.len() as u32;
        let mut frame = [&MAGIC[..], &word.to_le_bytes(), body].concat();
        frame.resize(frame.len().next_multiple_of(FRAME_STEP), 0);
        frame
    }

    #[test]
    fn records_keep_their_frames_and_their_parts_together() {
        let whole = frame(0, b"abcde");
        let parts = [frame(1, b"12"), frame(2, b""), frame(3, b"3456")].concat();
        let object = [&whole[..], &parts, &whole].concat();
        let records = split(&object, Split::RecordIo).unwrap();
        assert_eq!(records, [&whole[..], &parts, &whole]);
        let most = Some(whole.len() + parts.len());
        let requests = batches(&records, Split::RecordIo, Strategy::MultiRecord, most).unwrap();
        let bodies: Vec<Vec<u8>> = requests.iter().map(Batch::body).collect();
        assert_eq!(bodies, [[&whole[..], &parts].concat(), whole]);
        assert!(split(b"", Split::RecordIo).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_whole_frame_is_told_by_its_place() {
        let whole = frame(0, b"abcde");
        let at = |object: &[u8]| split(object, Split::RecordIo).unwrap_err().at;
        assert_eq!(at(b"1,2\n3,4\n"), 0);
        assert_eq!(at(&[&whole[..], b"rest"].concat()), whole.len());
        assert_eq!(at(&whole[..whole.len() - 1]), 0);
        assert_eq!(at(&frame(1, b"first, and no more")), 0);
        assert_eq!(at(&frame(3, b"last, and none before")), 0);
        assert_eq!(at(&[frame(1, b"a"), frame(0, b"b")].concat()), 12);
    }
}
