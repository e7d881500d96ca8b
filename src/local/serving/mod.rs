//! A model that answers: `linden-trainer serve` as a process on a loopback port, for a transform job or an endpoint.
//!
//! Invariants: the process sees nothing of this server's environment but `PATH`; it is the head of its own process group,
//! which ends with this value; it listens on 127.0.0.1 alone.
//!
//! Source: SageMaker developer guide, "Use Your Own Inference Code with Hosting Services" and "... with Batch Transform".

pub(crate) mod http;

use crate::config::Config;
use crate::job::{Sink, watch_host};
use contract::environment as variables;
use contract::paths::MlRoot;
use flate2::read::GzDecoder;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a model may take until it answers `/ping`, half of what hosting allows.
const PATIENCE: Duration = Duration::from_mins(4);
/// How long one `/ping` may take: an answer that never comes must not outlast `PATIENCE`. The service has the same 2 s.
const PING: Duration = Duration::from_secs(2);
/// What stands for a machine's name in log streams.
pub(crate) const INSTANCE: &str = "i-local";
/// How often it is asked.
const LOOK: Duration = Duration::from_millis(50);

/// Why a model does not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("cannot unpack `{address}`: {source}")]
    Unpack { address: String, source: io::Error },
    #[error("cannot start `{}`: {source}", program.display())]
    Start { program: PathBuf, source: io::Error },
    #[error("the container has ended ({0}) before it answered /ping")]
    Ended(ExitStatus),
    #[error("the container did not answer /ping in time")]
    Silent,
}

/// What is served.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) program: PathBuf,
    /// The archive, and what it is called in S3.
    pub(crate) archive: PathBuf,
    pub(crate) address: String,
    /// Where its tree is made.
    pub(crate) root: PathBuf,
    pub(crate) environment: BTreeMap<String, String>,
}

/// A model that answers.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) port: u16,
    /// The process, and so its group.
    pub(crate) id: Option<u32>,
    signal: watch::Sender<Option<Signal>>,
    process: JoinHandle<io::Result<ExitStatus>>,
}

impl Serving {
    /// Unpacks the model, starts the process and waits until it answers. Its lines go to `sink`.
    pub(crate) async fn start(
        config: &Config,
        served: Served,
        sink: Sink,
    ) -> Result<Self, ServeError> {
        let of_tree = served.clone();
        let unpacked = tokio::task::spawn_blocking(move || unpack(&of_tree)).await;
        let unpacked = unpacked.map_err(io::Error::other).and_then(|it| it);
        unpacked.map_err(|source| ServeError::Unpack {
            address: served.address.clone(),
            source,
        })?;
        let start = |source| ServeError::Start {
            program: served.program.clone(),
            source,
        };
        let port = free_port().map_err(start)?;
        let mut command = Command::new(&served.program);
        command
            .arg("serve")
            .env_clear()
            .envs(environment(config, &served, port))
            .current_dir(&served.root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.process_group(0).kill_on_drop(true).spawn();
        let child = child.map_err(start)?;
        let (signal, signals) = watch::channel(None);
        let mut serving = Self {
            port,
            id: child.id(),
            signal,
            process: tokio::spawn(watch_host(child, signals, sink, 0)),
        };
        serving.wait_until_it_answers().await?;
        Ok(serving)
    }

    async fn wait_until_it_answers(&mut self) -> Result<(), ServeError> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            tokio::select! {
                ended = &mut self.process => {
                    let status = ended.map_err(io::Error::other).and_then(|it| it);
                    return Err(status.map_or(ServeError::Silent, ServeError::Ended));
                }
                () = tokio::time::sleep(LOOK) => {}
            }
            let ping = http::ask(self.port, http::Request::get("/ping"));
            let answer = tokio::time::timeout(PING, ping).await;
            if matches!(&answer, Ok(Ok(it)) if it.status == 200) {
                return Ok(());
            }
        }
        Err(ServeError::Silent)
    }

    /// Whether the process has ended by itself.
    pub(crate) fn has_ended(&self) -> bool {
        self.process.is_finished()
    }

    /// Ends the process, with `grace` to end by itself.
    pub(crate) async fn stop(mut self, grace: Duration) {
        self.signal.send_replace(Some(Signal::TERM));
        if tokio::time::timeout(grace, &mut self.process)
            .await
            .is_err()
        {
            self.signal.send_replace(Some(Signal::KILL));
            let _ = (&mut self.process).await;
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // The task takes its process group with it.
        self.process.abort();
    }
}

fn environment(config: &Config, served: &Served, port: u16) -> BTreeMap<String, String> {
    let mut environment = served.environment.clone();
    if let Ok(path) = std::env::var("PATH") {
        environment.entry("PATH".to_owned()).or_insert(path);
    }
    for (variable, value) in [
        (
            variables::SAGEMAKER_BASE_DIR,
            served.root.to_string_lossy().into_owned(),
        ),
        (variables::SAGEMAKER_BIND_TO_PORT, port.to_string()),
        (
            variables::LINDEN_BIND_ADDRESS,
            Ipv4Addr::LOCALHOST.to_string(),
        ),
        (variables::AWS_REGION, config.region.clone()),
    ] {
        environment.insert(variable.name.to_owned(), value);
    }
    environment
}

fn unpack(served: &Served) -> io::Result<()> {
    if served.root.exists() {
        fs::remove_dir_all(&served.root)?;
    }
    let model = MlRoot::at(&served.root).model_dir();
    fs::create_dir_all(&model)?;
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(&served.archive)?));
    archive.set_preserve_permissions(false);
    archive.set_preserve_mtime(false);
    archive.unpack(model)
}

/// A port that is free now. Somebody may take it before the process does, which then fails to start.
fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.local_addr().map(|it| it.port())
}

/// Removes what a model has left below `root`.
pub(crate) fn clear(root: &Path) {
    // What cannot be removed now is removed when the next server starts.
    let _ = fs::remove_dir_all(root);
}
