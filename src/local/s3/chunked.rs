//! `aws-chunked`: a body in chunks with a checksum behind it, signed or not.
//!
//! `<hex size>[;chunk-signature=...]\r\n<bytes>\r\n ... 0[;...]\r\n<name>:<value>\r\n ... \r\n`. Signatures are not
//! looked at: on loopback any signature is accepted. Checksums are, by whoever gets the trailer.
//!
//! Source: Amazon S3 API, "Signature calculations for the authorization header: transferring payload in multiple chunks".

/// A size line or a trailer line is longer than this only by mistake.
const MAX_LINE: usize = 8 * 1024;

/// Why a body is not `aws-chunked`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChunkError {
    #[error("chunk size `{0}` is not a hexadecimal number")]
    Size(String),
    #[error("a chunk does not end where its size says")]
    Boundary,
    #[error("a line of the chunk framing is longer than {MAX_LINE} bytes")]
    Line,
    #[error("trailer `{0}` has no value")]
    Trailer(String),
    #[error("the body ends in the middle of a chunk")]
    Unfinished,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size,
    Data(u64),
    AfterData,
    Trailers,
    Done,
}

/// Takes a body in pieces of any size and gives the bytes inside.
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
    line: Vec<u8>,
    trailers: Vec<(String, String)>,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            state: State::Size,
            line: Vec::new(),
            trailers: Vec::new(),
        }
    }

    /// Appends to `out` what `piece` carries.
    pub(super) fn feed(&mut self, mut piece: &[u8], out: &mut Vec<u8>) -> Result<(), ChunkError> {
        while !piece.is_empty() {
            match self.state {
                State::Data(left) => {
                    let n = usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len()));
                    out.extend_from_slice(&piece[..n]);
                    piece = &piece[n..];
                    let left = left - n as u64;
                    self.state = if left == 0 {
                        State::AfterData
                    } else {
                        State::Data(left)
                    };
                }
                State::Size | State::AfterData | State::Trailers => {
                    let (line, rest) = self.take_line(piece)?;
                    piece = rest;
                    if let Some(line) = line {
                        self.state = self.end_of_line(&line)?;
                    }
                }
                State::Done => return Ok(()),
            }
        }
        Ok(())
    }

    /// The headers that came behind the last chunk.
    pub(super) fn finish(self) -> Result<Vec<(String, String)>, ChunkError> {
        match self.state {
            State::Trailers | State::Done => Ok(self.trailers),
            State::Size | State::Data(_) | State::AfterData => Err(ChunkError::Unfinished),
        }
    }

    fn take_line<'a>(&mut self, piece: &'a [u8]) -> Result<(Option<String>, &'a [u8]), ChunkError> {
        let end = piece.iter().position(|&b| b == b'\n');
        self.line
            .extend_from_slice(&piece[..end.unwrap_or(piece.len())]);
        if self.line.len() > MAX_LINE {
            return Err(ChunkError::Line);
        }
        let Some(end) = end else {
            return Ok((None, &[]));
        };
        let line = String::from_utf8_lossy(&self.line)
            .trim_end_matches('\r')
            .to_owned();
        self.line.clear();
        Ok((Some(line), &piece[end + 1..]))
    }

    fn end_of_line(&mut self, line: &str) -> Result<State, ChunkError> {
        match self.state {
            State::Size => {
                let size = line.split(';').next().unwrap_or_default().trim();
                let bytes =
                    u64::from_str_radix(size, 16).map_err(|_| ChunkError::Size(size.to_owned()))?;
                Ok(if bytes == 0 {
                    State::Trailers
                } else {
                    State::Data(bytes)
                })
            }
            State::AfterData if line.is_empty() => Ok(State::Size),
            State::AfterData => Err(ChunkError::Boundary),
            State::Trailers if line.is_empty() => Ok(State::Done),
            State::Trailers => {
                let (name, value) = line
                    .split_once(':')
                    .ok_or_else(|| ChunkError::Trailer(line.to_owned()))?;
                self.trailers
                    .push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
                Ok(State::Trailers)
            }
            State::Data(_) | State::Done => Ok(self.state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNSIGNED: &str = "5\r\nhello\r\n1\r\n!\r\n0\r\nx-amz-checksum-crc32:nVo/og==\r\n\r\n";
    const SIGNED: &str = "5;chunk-signature=ab\r\nhel\r\n\r\n0;chunk-signature=cd\r\nX-Amz-Checksum-Crc32: q==\r\nx-amz-trailer-signature:ef\r\n\r\n";

    type Decoded = (Vec<u8>, Vec<(String, String)>);

    fn decode(body: &str, step: usize) -> Result<Decoded, ChunkError> {
        let (mut decoder, mut out) = (Decoder::new(), Vec::new());
        for piece in body.as_bytes().chunks(step) {
            decoder.feed(piece, &mut out)?;
        }
        Ok((out, decoder.finish()?))
    }

    #[test]
    fn gives_the_same_bytes_however_the_body_is_cut() {
        for step in 1..UNSIGNED.len() {
            let (bytes, trailers) = decode(UNSIGNED, step).unwrap();
            assert_eq!(bytes, b"hello!");
            assert_eq!(
                trailers,
                [("x-amz-checksum-crc32".to_owned(), "nVo/og==".to_owned())]
            );
        }
    }

    #[test]
    fn line_breaks_inside_a_chunk_are_data_and_signatures_are_not() {
        let (bytes, trailers) = decode(SIGNED, 7).unwrap();
        assert_eq!(bytes, b"hel\r\n");
        assert_eq!(
            trailers[0],
            ("x-amz-checksum-crc32".to_owned(), "q==".to_owned())
        );
    }

    #[test]
    fn refuses_what_is_cut_short_or_misframed() {
        assert_eq!(decode("5\r\nhel", 2), Err(ChunkError::Unfinished));
        assert_eq!(
            decode("2\r\nhello\r\n0\r\n\r\n", 2),
            Err(ChunkError::Boundary)
        );
        assert_eq!(
            decode("xyz\r\n", 2),
            Err(ChunkError::Size("xyz".to_owned()))
        );
        assert_eq!(
            decode("0\r\nx-amz\r\n\r\n", 2),
            Err(ChunkError::Trailer("x-amz".to_owned()))
        );
    }
}
