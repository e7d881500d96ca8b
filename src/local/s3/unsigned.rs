//! Takes the signature off a request, so that any credentials are accepted.
//!
//! s3s checks signatures against a known secret or not at all, and unpacks `aws-chunked` bodies only where it checks.
//! Here nobody's secret is known. So the authorization goes (header or presigned query), and a chunked body is unpacked
//! into a file that is already unlinked; its trailing checksum becomes a header, which the store verifies.

use super::chunked::Decoder;
use crate::query::escaped;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use std::fmt::Display;
use std::io::{self, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;

const CONTENT_SHA256: &str = "x-amz-content-sha256";
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";
const TRAILER: &str = "x-amz-trailer";
const CHECKSUM_PREFIX: &str = "x-amz-checksum-";
/// Query members of a presigned URL, version 4 and 2, in lower case.
const SIGNED_QUERY: [&str; 10] = [
    "awsaccesskeyid",
    "expires",
    "signature",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// Where chunked uploads wait until they are complete.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    next: AtomicU64,
}

impl Spool {
    pub(super) fn at(folder: PathBuf) -> Self {
        Self {
            folder,
            next: AtomicU64::new(0),
        }
    }

    /// A file that has no name any more and is gone when it is closed.
    async fn file(&self) -> io::Result<File> {
        let path = self
            .folder
            .join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        let file = File::options()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(&path)
            .await?;
        tokio::fs::remove_file(&path).await?;
        Ok(file)
    }
}

/// An S3 error document that s3s does not get to write.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn body(reason: impl Display) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "IncompleteBody",
            message: reason.to_string(),
        }
    }

    pub(super) fn internal(reason: &impl Display) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "InternalError",
            message: reason.to_string(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let message = escaped(&self.message);
        let code = self.code;
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        );
        (
            self.status,
            [(header::CONTENT_TYPE, "application/xml")],
            body,
        )
            .into_response()
    }
}

/// The same request, unsigned and with a plain body.
pub(super) async fn unsign(
    request: axum::extract::Request,
    spool: &Spool,
) -> Result<s3s::HttpRequest, Refusal> {
    let (mut parts, mut body) = request.into_parts();
    parts.headers.remove(header::AUTHORIZATION);
    parts.uri = without_signature(&parts.uri);
    let payload = parts.headers.remove(CONTENT_SHA256);
    if payload.is_some_and(|it| it.as_bytes().starts_with(b"STREAMING-")) {
        let (unpacked, length, trailers) = unpack(body, spool).await?;
        set_plain_headers(&mut parts.headers, length, trailers);
        body = unpacked;
    }
    Ok(s3s::HttpRequest::from_parts(
        parts,
        s3s::Body::http_body_unsync(body),
    ))
}

type Trailers = Vec<(String, String)>;

async fn unpack(mut body: Body, spool: &Spool) -> Result<(Body, u64, Trailers), Refusal> {
    let mut file = spool.file().await.map_err(|err| Refusal::internal(&err))?;
    let (mut decoder, mut bytes, mut length) = (Decoder::new(), Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(Refusal::body)?.into_data() else {
            continue;
        };
        bytes.clear();
        decoder.feed(&piece, &mut bytes).map_err(Refusal::body)?;
        length += bytes.len() as u64;
        file.write_all(&bytes)
            .await
            .map_err(|err| Refusal::internal(&err))?;
    }
    let trailers = decoder.finish().map_err(Refusal::body)?;
    file.flush().await.map_err(|err| Refusal::internal(&err))?;
    file.seek(SeekFrom::Start(0))
        .await
        .map_err(|err| Refusal::internal(&err))?;
    Ok((Body::from_stream(ReaderStream::new(file)), length, trailers))
}

fn set_plain_headers(headers: &mut HeaderMap, length: u64, trailers: Trailers) {
    headers.remove(DECODED_LENGTH);
    headers.remove(TRAILER);
    headers.remove(header::TRANSFER_ENCODING);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(encoding) = headers.remove(header::CONTENT_ENCODING) {
        let kept = without_chunked(encoding.to_str().unwrap_or_default());
        if let (false, Ok(kept)) = (kept.is_empty(), HeaderValue::try_from(kept)) {
            headers.insert(header::CONTENT_ENCODING, kept);
        }
    }
    for (name, value) in trailers {
        if !name.starts_with(CHECKSUM_PREFIX) {
            continue;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
}

fn without_chunked(encoding: &str) -> String {
    let kept: Vec<&str> = encoding
        .split(',')
        .map(str::trim)
        .filter(|it| !it.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    kept.join(",")
}

fn without_signature(uri: &Uri) -> Uri {
    let Some(query) = uri.query() else {
        return uri.clone();
    };
    let is_signed = |pair: &str| {
        let name = pair
            .split('=')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        SIGNED_QUERY.contains(&name.as_str())
    };
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_signed(pair)).collect();
    let path = uri.path();
    let text = if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", kept.join("&"))
    };
    text.parse().unwrap_or_else(|_| uri.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    const CHUNKS: &str =
        "2;chunk-signature=0\r\nab\r\n0;chunk-signature=0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n";

    #[tokio::test]
    async fn unpacks_a_signed_chunked_upload_and_keeps_its_checksum() {
        let dir = tempfile::tempdir().unwrap();
        let request = Request::put("/b/k?X-Amz-Signature=1&partNumber=2&X-Amz-Date=3")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=a")
            .header(
                "x-amz-content-sha256",
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            )
            .header("content-encoding", "aws-chunked, gzip")
            .header("x-amz-decoded-content-length", "2")
            .body(Body::from(CHUNKS))
            .unwrap();
        let plain = unsign(request, &Spool::at(dir.path().to_owned()))
            .await
            .unwrap();
        assert_eq!(plain.uri(), "/b/k?partNumber=2");
        assert!(plain.headers().get("authorization").is_none());
        assert_eq!(plain.headers()["content-encoding"], "gzip");
        assert_eq!(plain.headers()["content-length"], "2");
        assert_eq!(plain.headers()["x-amz-checksum-crc32"], "AAAA");
        assert_eq!(plain.into_body().collect().await.unwrap().to_bytes(), "ab");
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            0,
            "the spool keeps nothing"
        );
    }
}
