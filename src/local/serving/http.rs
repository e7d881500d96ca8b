//! Requests to a model: one connection each.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: Method,
    path: &'static str,
    headers: HeaderMap,
    body: Bytes,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn get(path: &'static str) -> Self {
        Self {
            method: Method::GET,
            path,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    pub(crate) fn post(path: &'static str, body: Bytes) -> Self {
        Self {
            method: Method::POST,
            body,
            ..Self::get(path)
        }
    }

    /// With a header, where there is a value that can be one.
    pub(crate) fn with(mut self, name: &'static str, value: Option<&str>) -> Self {
        if let Some(value) = value.and_then(|it| HeaderValue::from_str(it).ok()) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }
}

/// Asks whoever listens at `addr`.
pub(crate) async fn ask(addr: SocketAddr, request: Request) -> io::Result<Reply> {
    let stream = TcpStream::connect(addr).await?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(io::Error::other)?;
    let connection = tokio::spawn(connection);
    let mut asked = axum::http::Request::new(Full::new(request.body));
    *asked.method_mut() = request.method;
    *asked.uri_mut() = axum::http::Uri::from_static(request.path);
    *asked.headers_mut() = request.headers;
    if let Ok(host) = HeaderValue::from_str(&addr.to_string()) {
        asked.headers_mut().insert("host", host);
    }
    let reply = sender.send_request(asked).await.map_err(io::Error::other)?;
    let (head, body) = reply.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    connection.abort();
    Ok(Reply {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
    })
}
