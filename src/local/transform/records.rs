//! An object's records, and requests of them that are not too large.

use super::request::Strategy;

/// Records that make one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch<'a> {
    pub(super) records: Vec<&'a [u8]>,
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

/// The lines of an object, without their ends; empty ones are none.
pub(super) fn lines(object: &[u8]) -> Vec<&[u8]> {
    let lines = object.split(|&it| it == b'\n');
    let trimmed = lines.map(|it| it.strip_suffix(b"\r").unwrap_or(it));
    trimmed.filter(|it| !it.is_empty()).collect()
}

/// Requests of `records`: each alone, or as many as fit.
pub(super) fn batches<'a>(
    records: &[&'a [u8]],
    strategy: Strategy,
    most: Option<usize>,
) -> Result<Vec<Batch<'a>>, TooLarge> {
    let most = most.unwrap_or(usize::MAX);
    let mut batches: Vec<Batch<'a>> = Vec::new();
    let mut room = 0;
    for (at, &record) in records.iter().enumerate() {
        // With the end of its line.
        let n_bytes = record.len() + 1;
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
        self.records.join(&b'\n')
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
            let batches = batches(&records, strategy, most).unwrap();
            batches.iter().map(Batch::body).collect()
        };
        assert_eq!(
            bodies(Strategy::MultiRecord, Some(7)),
            [&b"aaa\nbb"[..], b"cccc\nd"]
        );
        assert_eq!(bodies(Strategy::MultiRecord, None), [b"aaa\nbb\ncccc\nd"]);
        assert_eq!(bodies(Strategy::SingleRecord, None).len(), 4);
        let refused = batches(&records, Strategy::MultiRecord, Some(3)).unwrap_err();
        assert_eq!((refused.number, refused.n_bytes), (3, 4));
    }
}
