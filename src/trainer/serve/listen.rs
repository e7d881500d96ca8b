//! Takes connections until it is told to stop, then lets what runs end.
//!
//! Invariants: a client that sends no head in time, or does not take its answer, is let go; when the signal comes nobody new
//! is taken, what is under way is answered, and after a grace well inside SageMaker's 30 s the rest is let go.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::app::App;
use super::timed::Timed;

/// Connections at a time; further ones wait in the operating system.
const MAX_CONNECTIONS: usize = 4096;
/// How long a connection may be silent, and how long the head of a request may take, as in the built-in container.
const SILENCE: Duration = Duration::from_mins(1);
/// What running requests get after the signal: SageMaker kills after 30 s.
const GRACE: Duration = Duration::from_secs(25);
/// How long to wait when the operating system gives no more connections.
const BREATH: Duration = Duration::from_millis(100);

/// The signals that end the server.
#[derive(Debug)]
pub(super) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// Installs the handlers.
    ///
    /// # Errors
    /// What the operating system says if it refuses one.
    pub(super) fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of them.
    pub(super) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Serves until a signal comes.
pub(super) async fn run(listener: TcpListener, app: Arc<App>, mut stop: Stop) {
    let graceful = GracefulShutdown::new();
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let router = TowerToHyperService::new(app.router());
    let protocol = protocol(SILENCE);
    loop {
        let next = async {
            // The semaphore is never closed.
            let permit = Arc::clone(&connections).acquire_owned().await.ok();
            (permit, accept(&listener).await)
        };
        let (permit, stream) = tokio::select! {
            next = next => next,
            () = stop.wait() => break,
        };
        let io = TokioIo::new(Timed::new(stream, app.settings.timeout));
        let connection = graceful.watch(protocol.serve_connection(io, router.clone()));
        tokio::spawn(async move {
            if let Err(err) = connection.await {
                tracing::debug!("a connection ended: {err}");
            }
            drop(permit);
        });
    }
    drop(listener);
    tracing::info!("stopping: what is under way is answered");
    app.stop();
    if timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way after {} s", GRACE.as_secs());
    }
}

/// HTTP as it is spoken here, with a client that may be silent for this long. The clock runs from the end of an answer on, or from the connection's begin, to the end of the
/// next head.
fn protocol(silence: Duration) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(silence);
    protocol
}

/// The next connection.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without it small answers may wait for acknowledgements; a connection that is gone shows later.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(err) => {
                tracing::warn!("cannot take a connection: {err}");
                sleep(BREATH).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// Sends `bytes` and then nothing; gives what came back until the server ended the connection.
    async fn silent_after(bytes: &str) -> String {
        let (mut client, server) = duplex(1 << 16);
        let router = Router::new().route("/ping", get(|| async { "here" }));
        let connection = protocol(Duration::from_millis(50))
            .serve_connection(TokioIo::new(server), TowerToHyperService::new(router));
        tokio::spawn(connection);
        client.write_all(bytes.as_bytes()).await.unwrap();
        let mut answered = String::new();
        let end = timeout(SILENCE, client.read_to_string(&mut answered)).await;
        end.expect("the connection has an end").unwrap();
        answered
    }

    #[tokio::test]
    async fn a_silent_client_is_let_go() {
        assert_eq!(silent_after("").await, "");
        assert_eq!(silent_after("GET /ping HTTP/1.1\r\nHost: ").await, "");
        let idle = silent_after("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(
            idle.starts_with("HTTP/1.1 200") && idle.ends_with("here"),
            "{idle}"
        );
    }
}
