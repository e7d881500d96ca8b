//! Why there is no server, and who can do something about it.

use std::io;

use contract::failure::FailureClass;

use super::model_files::ModelFileError;
use super::settings::SettingsError;
use crate::error::stored_class;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Environment variables are not what they may be.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// There is no model to serve.
    #[error(transparent)]
    Model(#[from] ModelFileError),
    /// The port is not free.
    #[error("cannot listen on port {port}: {source}")]
    Bind {
        /// The port.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
    /// The operating system gives no threads or no signals.
    #[error("cannot start the server: {0}")]
    Start(io::Error),
    /// Loading the model ended this program's work.
    #[error("the model could not be loaded: {0}")]
    Loading(String),
}

impl ServeError {
    /// Who can do something about it.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Settings(_)
            | Self::Model(
                ModelFileError::Empty { .. }
                | ModelFileError::OutsideLink { .. }
                | ModelFileError::Memory { .. }
                | ModelFileError::NotAModel { .. }
                | ModelFileError::Unfit { .. },
            ) => FailureClass::UserError,
            Self::Model(ModelFileError::Stored { source, .. }) => stored_class(source),
            Self::Model(ModelFileError::Folder { .. }) | Self::Bind { .. } | Self::Start(_) => {
                FailureClass::PlatformError
            }
            Self::Loading(_) => FailureClass::AlgorithmError,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Model(err) => err.hint(),
            Self::Bind { .. } => Some("SAGEMAKER_BIND_TO_PORT names another port"),
            Self::Settings(_) | Self::Start(_) | Self::Loading(_) => None,
        }
    }
}
