//! The local S3 as the containers of one job see it: at their network's gateway, to be read.
//!
//! Invariants: it is there as long as its job runs; nothing can be written through it, and it answers by its own address
//! alone, so that no web page reaches it under a name of its own.

use crate::s3::ObjectServer;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::future::IntoFuture;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A port at a network's gateway, until this is dropped.
#[derive(Debug)]
pub(crate) struct Gateway {
    addr: SocketAddr,
    serving: JoinHandle<()>,
}

/// What a request is answered with.
#[derive(Clone, Debug)]
struct Opened {
    objects: Arc<ObjectServer>,
    addr: SocketAddr,
}

impl Gateway {
    /// Listens at `address`.
    ///
    /// # Errors
    /// If this machine does not have that address, as where the engine is on another one.
    pub(crate) async fn open(objects: Arc<ObjectServer>, address: IpAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((address, 0)).await?;
        let addr = listener.local_addr()?;
        let router = Router::new()
            .fallback(answer)
            .with_state(Opened { objects, addr });
        let serving = axum::serve(listener, router).into_future();
        let serving = tokio::spawn(async move {
            if let Err(err) = serving.await {
                tracing::error!(%err, "containers cannot read the local S3 any more");
            }
        });
        Ok(Self { addr, serving })
    }

    /// What a container asks.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(opened): State<Opened>, request: Request) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let host = request.headers().get(header::HOST);
    let is_ours = host.is_some_and(|it| it.as_bytes() == opened.addr.to_string().as_bytes());
    if is_read && is_ours {
        return opened.objects.call(request).await;
    }
    let text = "containers read the local S3, and do nothing else with it\n";
    (StatusCode::FORBIDDEN, text).into_response()
}
