//! A request's body in memory: at most so many bytes, within some time.
//!
//! Invariant: a body that is too large is told by its declared length before it is read. A client that is refused while it
//! still sends would see a broken connection in the place of the answer, so some of what it sends is read and dropped.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use tokio::time::timeout;

/// The most that is dropped of a refused body.
const MOST_DROPPED: usize = 128 << 20;
/// How long a refused body is read.
const PATIENCE_WITH_REFUSED: Duration = Duration::from_secs(5);

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// It is larger than allowed.
    #[error("the request is larger than {0} bytes, the most that is read")]
    TooLarge(usize),
    /// It did not come in time.
    #[error("the request did not come within {} s", .0.as_secs())]
    Slow(Duration),
    /// The connection broke off, or the client's encoding did.
    #[error("the request broke off")]
    Broken,
}

/// Reads a body.
///
/// # Errors
/// [`BodyError`]; the rest of a body that is too large has been dropped.
pub(super) async fn read(
    mut body: Body,
    max_bytes: usize,
    patience: Duration,
) -> Result<Bytes, BodyError> {
    let declared = body.size_hint().lower();
    if declared > max_bytes as u64 {
        drop_rest(body).await;
        return Err(BodyError::TooLarge(max_bytes));
    }
    let reading = timeout(patience, gathered(&mut body, declared as usize, max_bytes));
    let bytes = reading.await.map_err(|_| BodyError::Slow(patience))?;
    if let Err(BodyError::TooLarge(_)) = bytes {
        drop_rest(body).await;
    }
    bytes
}

async fn gathered(body: &mut Body, declared: usize, max_bytes: usize) -> Result<Bytes, BodyError> {
    let mut all: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyError::Broken)?;
        // Trailers hold nothing that is read.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if all.len() + data.len() > max_bytes {
            return Err(BodyError::TooLarge(max_bytes));
        }
        if declared > 0 && data.len() == declared {
            // Usually the whole body is there at once, and need not be copied.
            return Ok(data);
        }
        if all.is_empty() {
            all.reserve(declared);
        }
        all.extend_from_slice(&data);
    }
    Ok(all.into())
}

/// Reads what is left of a refused body, for a while, and drops it.
pub(super) async fn drop_rest(mut body: Body) {
    let dropping = async {
        let mut n_bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            n_bytes += frame.data_ref().map_or(0, Bytes::len);
            if n_bytes > MOST_DROPPED {
                break;
            }
        }
    };
    // Whoever is slower than that is let go.
    let _ = timeout(PATIENCE_WITH_REFUSED, dropping).await;
}
