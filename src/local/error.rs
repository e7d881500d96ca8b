//! Why a server could not start. What a client did wrong is [`crate::wire::AwsError`] instead.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the local SageMaker could not start.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Another server holds the folder; with its address, where it has published one.
    #[error("the folder `{}` belongs to a local SageMaker that is running{}", folder.display(), at(*addr))]
    Taken {
        /// The state folder.
        folder: PathBuf,
        /// Where the other server listens.
        addr: Option<SocketAddr>,
    },
    /// A file or folder of the state cannot be used.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// What was tried, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A document of the state is not what this version writes.
    #[error("cannot read the record in `{}`: {source}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: serde_json::Error,
    },
    /// The port is not free.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Bind {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// There is no container engine that answers.
    #[error("Docker does not answer: {0}")]
    Engine(io::Error),
    /// The object store does not accept its folder.
    #[error("cannot serve objects from `{}`: {reason}", path.display())]
    Objects {
        /// The folder.
        path: PathBuf,
        /// What the store said.
        reason: String,
    },
}

impl LocalError {
    /// For `map_err` over file operations.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}

fn at(addr: Option<SocketAddr>) -> String {
    addr.map(|it| format!(" at http://{it}"))
        .unwrap_or_default()
}
