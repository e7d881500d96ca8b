//! The trainers of a job, or what else its hosts run: one process a host, each the head of its own process group.
//!
//! A stop is SIGTERM to the trainer, as a container's first process gets it, and SIGKILL to the group when the grace is
//! over. When a trainer has ended, whatever it left behind in its group ends too, as in a container. A task that is
//! dropped takes its group with it.

use super::layout::Host;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A line longer than this is cut into several, as CloudWatch Logs limits an event.
const MAX_LINE_BYTES: usize = 256 * 1024;

/// Nothing survives SIGKILL, so a second one is only for what has been forked meanwhile.
const KILL_AGAIN: Duration = Duration::from_secs(5);

/// What is asked of a job from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Go on.
    Run,
    /// End, with time to save.
    Stop,
    /// End at once: the server goes away.
    Abandon,
}

/// Why the trainers were ended before they ended by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Stopped,
    MaxRuntime,
    MaxWait,
    /// Spot machines are taken away.
    Interrupted,
    Abandoned,
    /// Another host has failed.
    Peer,
}

/// How the trainers ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) cause: Option<Cause>,
    /// The first host that failed by itself: its rank and status.
    pub(crate) failed: Option<(usize, ExitStatus)>,
}

/// Gets each line of each host: rank and text.
pub(crate) type Sink = Arc<dyn Fn(usize, &str) + Send + Sync>;

/// How long trainers may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_runtime: Duration,
    /// What is left of the time that a spot job may wait and train.
    pub(crate) max_wait: Option<Duration>,
    /// When the machines are taken away.
    pub(crate) interrupt: Option<Duration>,
    pub(crate) grace: Duration,
}

impl Limits {
    /// The limit that is met first, and when.
    fn first(self) -> (Duration, Cause) {
        let limits = [
            Some((self.max_runtime, Cause::MaxRuntime)),
            self.max_wait.map(|it| (it, Cause::MaxWait)),
            self.interrupt.map(|it| (it, Cause::Interrupted)),
        ];
        let first = limits.into_iter().flatten().min_by_key(|it| it.0);
        first.unwrap_or((self.max_runtime, Cause::MaxRuntime))
    }
}

/// Trainers that run.
#[derive(Debug)]
pub(crate) struct Trainers {
    hosts: JoinSet<(usize, io::Result<ExitStatus>)>,
    signal: watch::Sender<Option<Signal>>,
    /// Process ids, rank by rank.
    pub(crate) ids: Vec<u32>,
}

impl Trainers {
    /// Starts what `command` gives for every host.
    pub(crate) fn start(
        command: &dyn Fn(&Host) -> Command,
        hosts: &[Host],
        sink: &Sink,
    ) -> io::Result<Self> {
        let (signal, _) = watch::channel(None);
        let mut trainers = Self {
            hosts: JoinSet::new(),
            signal,
            ids: Vec::new(),
        };
        for (rank, host) in hosts.iter().enumerate() {
            let mut command = command(host);
            command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let child = command.process_group(0).kill_on_drop(true).spawn()?;
            trainers.ids.extend(child.id());
            let watched = watch_host(child, trainers.signal.subscribe(), sink.clone(), rank);
            trainers.hosts.spawn(async move { (rank, watched.await) });
        }
        Ok(trainers)
    }

    /// Waits until all have ended, by themselves, by order or by limit.
    pub(crate) async fn end(
        mut self,
        limits: Limits,
        mut orders: watch::Receiver<Order>,
    ) -> io::Result<Ended> {
        let mut ended = Ended {
            cause: None,
            failed: None,
        };
        let (time, limit) = limits.first();
        let mut deadline = Instant::now() + time;
        loop {
            let cause = tokio::select! {
                host = self.hosts.join_next() => match host {
                    None => return Ok(ended),
                    Some(joined) => {
                        let (rank, status) = joined.map_err(io::Error::other)?;
                        let status = status?;
                        let failed = !status.success() && ended.cause.is_none();
                        failed.then(|| { ended.failed = Some((rank, status)); Cause::Peer })
                    }
                },
                order = next_order(&mut orders) => Some(order),
                () = tokio::time::sleep_until(deadline) => {
                    if ended.cause.is_some() {
                        self.signal.send_replace(Some(Signal::KILL));
                        deadline = Instant::now() + KILL_AGAIN;
                        continue;
                    }
                    Some(limit)
                }
            };
            match cause {
                Some(Cause::Abandoned) => {
                    ended.cause = Some(Cause::Abandoned);
                    self.signal.send_replace(Some(Signal::KILL));
                }
                Some(cause) if ended.cause.is_none() => {
                    ended.cause = Some(cause);
                    deadline = Instant::now() + limits.grace;
                    self.signal.send_replace(Some(Signal::TERM));
                }
                Some(_) | None => {}
            }
        }
    }
}

/// `program train` for a host, with nothing in its environment but `environment` and its own tree.
pub(super) fn process(
    program: &Path,
    environment: &BTreeMap<String, String>,
    host: &Host,
) -> Command {
    let root = host.root.path();
    let mut command = Command::new(program);
    command
        .arg("train")
        .env_clear()
        .envs(environment)
        .current_dir(root)
        .env(contract::environment::SAGEMAKER_BASE_DIR.name, root);
    command
}

/// The next order that ends something; for ever if there will be none.
pub(crate) async fn next_order(orders: &mut watch::Receiver<Order>) -> Cause {
    while orders.changed().await.is_ok() {
        match *orders.borrow_and_update() {
            Order::Run => {}
            Order::Stop => return Cause::Stopped,
            Order::Abandon => return Cause::Abandoned,
        }
    }
    std::future::pending().await
}

pub(crate) async fn watch_host(
    mut child: Child,
    mut signals: watch::Receiver<Option<Signal>>,
    sink: Sink,
    rank: usize,
) -> io::Result<ExitStatus> {
    let group = Group(child.id().and_then(|id| Pid::from_raw(id as i32)));
    let stdout = pump(child.stdout.take(), sink.clone(), rank);
    let stderr = pump(child.stderr.take(), sink, rank);
    let exit = async move {
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                Ok(()) = signals.changed() => group.signal(*signals.borrow_and_update()),
            }
        };
        // The pipes stay open as long as anything in the group does.
        drop(group);
        Ok(status)
    };
    let (status, (), ()) = tokio::join!(exit, stdout, stderr);
    status
}

/// A process group that ends with this value.
#[derive(Debug)]
struct Group(Option<Pid>);

impl Group {
    fn signal(&self, signal: Option<Signal>) {
        // A process that has just ended by itself is no error.
        let _ = match (self.0, signal) {
            (Some(pid), Some(Signal::KILL)) => kill_process_group(pid, Signal::KILL),
            (Some(pid), Some(signal)) => kill_process(pid, signal),
            (_, _) => Ok(()),
        };
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Some(Signal::KILL));
    }
}

async fn pump<R: AsyncRead + Unpin>(stream: Option<R>, sink: Sink, rank: usize) {
    let Some(stream) = stream else { return };
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while let Ok(piece) = reader.fill_buf().await {
        if piece.is_empty() {
            break;
        }
        let room = MAX_LINE_BYTES - line.len();
        let end = piece.iter().take(room).position(|&b| b == b'\n');
        let taken = end.map_or(piece.len().min(room), |end| end + 1);
        line.extend_from_slice(&piece[..taken]);
        reader.consume(taken);
        if end.is_some() || line.len() >= MAX_LINE_BYTES {
            emit(&sink, rank, &line);
            line.clear();
        }
    }
    if !line.is_empty() {
        emit(&sink, rank, &line);
    }
}

fn emit(sink: &Sink, rank: usize, line: &[u8]) {
    let text = String::from_utf8_lossy(line);
    sink(rank, text.trim_end_matches(['\n', '\r']));
}
