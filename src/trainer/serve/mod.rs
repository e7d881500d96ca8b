//! The inference server: what SageMaker's hosting and its transform jobs ask of the built-in XGBoost container.
//!
//! ```text
//! settings     the environment's variables, as types
//! model_files  files of /opt/ml/model -> boosters; model: ready to predict, alone or together
//! listen       connections, time limits, the signal to stop
//! app          /ping, /execution-parameters, /invocations; models: the routes of a multi-model endpoint
//! admission    who is worked on, who waits, who is sent away
//! loaded       request (csv, libsvm, records, JSON) -> rows -> predictions -> encode, by accept and select
//! metrics      counters, where they are asked for
//! ```
//!
//! Invariants: a request is answered in the built-in container's bytes and statuses, or refused in its words with the
//! place; predictions are XGBoost's bit for bit; no request holds up another one that a worker is free for.

mod accept;
mod admission;
mod app;
mod body;
mod encode;
mod ensemble;
mod error;
mod listen;
mod loaded;
mod memory;
mod metrics;
mod model;
mod model_files;
mod models;
mod python;
mod record;
mod refusal;
mod registry;
mod request;
mod rows;
mod rows_error;
mod select;
mod settings;
mod side;
mod table;
mod timed;
mod words;

use std::net::SocketAddr;
use std::sync::Arc;

use contract::paths::MlRoot;
use tokio::net::TcpListener;
use tokio::runtime;

use self::app::{App, Models};
use self::listen::Stop;
use self::registry::Registry;
use self::settings::Hosting;

pub use self::error::ServeError;
pub use self::loaded::{Answer, Asked, Loaded};
pub use self::model::UnfitModel;
pub use self::model_files::{Foreign, ModelFileError};
pub use self::refusal::Refusal;
pub use self::settings::{Settings, SettingsError};

/// Threads that wait for sockets, and answer requests of a few rows; those that compute more are the workers.
const MAX_SOCKET_THREADS: usize = 4;

/// Serves the models of `root` until SIGTERM or SIGINT, as the variables say.
///
/// # Errors
/// [`ServeError`] if the server does not start.
pub fn run(root: &MlRoot, variable: &dyn Fn(&str) -> Option<String>) -> Result<(), ServeError> {
    let settings = Arc::new(Settings::from_env(root, variable)?);
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(settings.workers.min(MAX_SOCKET_THREADS))
        .thread_name("sockets")
        .enable_all()
        .build()
        .map_err(ServeError::Start)?;
    let ended = runtime.block_on(serve(settings));
    // A prediction that runs on after its grace keeps nobody.
    runtime.shutdown_background();
    ended
}

async fn serve(settings: Arc<Settings>) -> Result<(), ServeError> {
    let mut stop = Stop::install().map_err(ServeError::Start)?;
    let models = match settings.hosting {
        Hosting::Many => Models::Many(Registry::default()),
        Hosting::One => {
            let own = Arc::clone(&settings);
            let loading =
                tokio::task::spawn_blocking(move || Loaded::load(&own.root.model_dir(), &own));
            let loaded = tokio::select! {
                loaded = loading => loaded,
                () = stop.wait() => return Ok(()),
            };
            let loaded = loaded.map_err(|err| ServeError::Loading(err.to_string()))?;
            Models::One(Arc::new(loaded?))
        }
    };
    let port = settings.port;
    let bind = |source| ServeError::Bind { port, source };
    let address = SocketAddr::from((settings.address, port));
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    tracing::info!(
        "Listening on {address}: {} workers, {} requests may wait, of at most {} bytes each",
        settings.workers,
        settings.queue,
        settings.max_body
    );
    let app = Arc::new(App::new(settings, models));
    listen::run(listener, app, stop).await;
    tracing::info!("Stopped");
    Ok(())
}
