//! A model that answers: `linden-trainer serve` as a process on a loopback port, or a container of the model's image, for a
//! transform job or an endpoint.
//!
//! Invariants: a process sees nothing of this server's environment but `PATH`, listens on 127.0.0.1 alone, and is the head of
//! its own process group, which ends with this value; a container has a network of its own, and both end with [`Serving::stop`],
//! or when the next server starts.
//!
//! Source: SageMaker developer guide, "Use Your Own Inference Code with Hosting Services" and "... with Batch Transform".

pub(crate) mod http;

use crate::config::Config;
use crate::container::{Containers, Recipe};
use crate::job::{Host, Sink, watch_host};
use contract::environment as variables;
use contract::paths::MlRoot;
use flate2::read::GzDecoder;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a model may take until it answers `/ping`, half of what hosting allows.
const PATIENCE: Duration = Duration::from_mins(4);
/// How long one look at it may take, and so one `/ping`: an answer that never comes must not outlast `PATIENCE`. The service has the same 2 s.
const PING: Duration = Duration::from_secs(2);
/// What stands for a machine's name in log streams.
pub(crate) const INSTANCE: &str = "i-local";
/// How often it is asked.
const LOOK: Duration = Duration::from_millis(50);
/// Where a container listens.
const CONTAINER_PORT: u16 = 8080;

/// Why a model does not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("cannot unpack `{address}`: {source}")]
    Unpack { address: String, source: io::Error },
    #[error("cannot start {what}: {source}")]
    Start { what: String, source: io::Error },
    #[error("the container has ended ({0}) before it answered /ping")]
    Ended(ExitStatus),
    #[error("the container did not answer /ping in time")]
    Silent,
}

/// What answers.
#[derive(Clone, Debug)]
pub(crate) enum Runs {
    /// The trainer's program.
    Process(PathBuf),
    Container(Recipe),
}

/// What is served.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) runs: Runs,
    /// The archive, and what it is called in S3.
    pub(crate) archive: PathBuf,
    pub(crate) address: String,
    /// Where its tree is made.
    pub(crate) root: PathBuf,
    pub(crate) environment: BTreeMap<String, String>,
}

/// A model that has been started.
#[derive(Debug)]
pub(crate) struct Serving {
    /// The process, and so its group.
    pub(crate) id: Option<u32>,
    place: Place,
    signal: watch::Sender<Option<Signal>>,
    process: JoinHandle<io::Result<ExitStatus>>,
}

/// Where it listens.
#[derive(Debug)]
enum Place {
    Loopback(u16),
    Container(Box<Contained>),
}

/// The one container of a network of its own.
#[derive(Debug)]
struct Contained {
    containers: Containers,
    host: Host,
}

impl Place {
    async fn find(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Loopback(port) => Ok((Ipv4Addr::LOCALHOST, *port).into()),
            Self::Container(it) => {
                let address = it.containers.address(&it.host).await?;
                Ok((address, CONTAINER_PORT).into())
            }
        }
    }
}

impl Runs {
    /// Where it is to listen, and what starts it there.
    async fn command(&self, config: &Config, served: &Served) -> io::Result<(Place, Command)> {
        let mut environment = served.environment.clone();
        let mut set = |variable: variables::Variable, value: String| {
            environment.insert(variable.name.to_owned(), value);
        };
        set(variables::AWS_REGION, config.region.clone());
        match self {
            Self::Process(program) => {
                let port = free_port()?;
                let root = served.root.to_string_lossy().into_owned();
                set(variables::SAGEMAKER_BASE_DIR, root);
                set(variables::SAGEMAKER_BIND_TO_PORT, port.to_string());
                let address = Ipv4Addr::LOCALHOST.to_string();
                set(variables::LINDEN_BIND_ADDRESS, address);
                if let Ok(path) = std::env::var("PATH") {
                    environment.entry("PATH".to_owned()).or_insert(path);
                }
                let mut command = Command::new(program);
                command.arg("serve").env_clear().envs(environment);
                command.current_dir(&served.root);
                Ok((Place::Loopback(port), command))
            }
            Self::Container(recipe) => {
                set(
                    variables::SAGEMAKER_BIND_TO_PORT,
                    CONTAINER_PORT.to_string(),
                );
                let containers = Containers::open(recipe.clone(), &config.state_dir).await?;
                let host = Host {
                    name: "model".to_owned(),
                    root: MlRoot::at(&served.root),
                };
                let command = containers.command(&host, &environment);
                let contained = Contained { containers, host };
                Ok((Place::Container(Box::new(contained)), command))
            }
        }
    }

    fn what(&self) -> String {
        match self {
            Self::Process(program) => format!("`{}`", program.display()),
            Self::Container(recipe) => format!("a container of `{}`", recipe.image),
        }
    }
}

impl Serving {
    /// Unpacks the model and starts what answers with it. Its lines go to `sink`.
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
            what: served.runs.what(),
            source,
        };
        let (place, mut command) = served.runs.command(config, &served).await.map_err(start)?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.process_group(0).kill_on_drop(true).spawn();
        let child = child.map_err(start)?;
        let (signal, signals) = watch::channel(None);
        Ok(Self {
            id: child.id(),
            place,
            signal,
            process: tokio::spawn(watch_host(child, signals, sink, 0)),
        })
    }

    /// Waits until it answers, and tells where.
    pub(crate) async fn answers(&mut self) -> Result<SocketAddr, ServeError> {
        let start = Instant::now();
        let mut place = None;
        while start.elapsed() < PATIENCE {
            tokio::select! {
                ended = &mut self.process => {
                    let status = ended.map_err(io::Error::other).and_then(|it| it);
                    return Err(status.map_or(ServeError::Silent, ServeError::Ended));
                }
                () = tokio::time::sleep(LOOK) => {}
            }
            // A container that is still being made has no address.
            let ping = self.ping(&mut place);
            if let Ok(Ok(Some(addr))) = tokio::time::timeout(PING, ping).await {
                return Ok(addr);
            }
        }
        Err(ServeError::Silent)
    }

    /// Where it is, if it answers; `place` is where it was found before.
    async fn ping(&self, place: &mut Option<SocketAddr>) -> io::Result<Option<SocketAddr>> {
        let addr = match *place {
            Some(addr) => addr,
            None => *place.insert(self.place.find().await?),
        };
        let answer = http::ask(addr, http::Request::get("/ping")).await;
        let answer = answer.map_err(io::Error::other)?;
        Ok((answer.status == 200).then_some(addr))
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&self) -> bool {
        self.process.is_finished()
    }

    /// Ends it, with `grace` to end by itself.
    pub(crate) async fn stop(mut self, grace: Duration) {
        if !self.process.is_finished() {
            self.signal.send_replace(Some(Signal::TERM));
            let ended = tokio::time::timeout(grace, &mut self.process).await;
            if ended.is_err() {
                self.signal.send_replace(Some(Signal::KILL));
                let _ = (&mut self.process).await;
            }
        }
        match &self.place {
            Place::Loopback(_) => {}
            Place::Container(it) => {
                it.containers.close(std::slice::from_ref(&it.host)).await;
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // The task takes its process group with it.
        self.process.abort();
    }
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
