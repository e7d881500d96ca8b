//! The server: takes the folder, opens what is in it, listens, and ends what it started.

use crate::app::{self, App, Records};
use crate::config::{Config, Engine};
use crate::container::sweep as sweep_containers;
use crate::documents::{Document, Documents};
use crate::endpoint;
use crate::error::LocalError;
use crate::job::{Jobs, fail_orphan, kill_orphans};
use crate::lock::FolderLock;
use crate::logs::LogGroups;
use crate::s3::Objects;
use crate::state::Folders;
use crate::work_status::{Progress, abandoned};
use axum::Router;
use std::convert::Infallible;
use std::future::IntoFuture;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long [`Server::shutdown`] waits for jobs to end and for answers that are under way.
const PATIENCE: Duration = Duration::from_secs(10);

/// A SageMaker, a CloudWatch Logs and an S3 on one port of 127.0.0.1.
///
/// Dropping it ends the jobs and the port too; [`Server::shutdown`] also waits until both have.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    addr: SocketAddr,
    close: Option<oneshot::Sender<Infallible>>,
    serving: JoinHandle<()>,
    _lock: FolderLock,
}

impl Server {
    /// Starts a server. Jobs that ran when the folder's last server died are `Failed` from now on.
    ///
    /// # Errors
    /// - [`LocalError::Taken`] if another server has the folder.
    /// - [`LocalError::Bind`] if the port is not free.
    /// - [`LocalError::File`], [`LocalError::Document`] and [`LocalError::Objects`] if the folder cannot be used.
    pub async fn start(config: Config) -> Result<Self, LocalError> {
        let root = &config.state_dir;
        std::fs::create_dir_all(root).map_err(LocalError::file("make", root))?;
        // Trainers run elsewhere, so their trees need a path that holds everywhere.
        let root = root
            .canonicalize()
            .map_err(LocalError::file("find", root))?;
        let lock = FolderLock::take(&root)?;
        let folders = Folders::make(&root)?;
        let jobs = Jobs::open(folders.jobs.clone())?;
        let records = Records::open(&folders)?;
        recover(&jobs, &folders)?;
        recover_others(&records, &folders)?;
        // Containers write below `work` as long as they run.
        if config.engine == Engine::Docker {
            sweep_containers(&root).await.map_err(LocalError::Engine)?;
        }
        folders.sweep()?;
        let logs = LogGroups::open(folders.logs.clone(), folders.log_groups.clone())?;
        let objects = Objects::open(folders.objects.clone())?;
        let port = config.port;
        let bind = |source| LocalError::Bind { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(bind)?;
        let addr = listener.local_addr().map_err(bind)?;
        let config = Config {
            state_dir: root,
            port: addr.port(),
            ..config
        };
        let app = Arc::new(App::new(config, folders, (jobs, records), logs, objects));
        endpoint::resume(&app);
        let (close, closed) = oneshot::channel::<Infallible>();
        let router = Router::new().fallback(app::answer).with_state(app.clone());
        let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
            // Nothing is ever sent: the sender's end is the signal.
            let _ = closed.await;
        });
        let serving = tokio::spawn(async move {
            if let Err(err) = serving.into_future().await {
                tracing::error!(%err, "the local SageMaker does not listen any more");
            }
        });
        lock.publish(addr)?;
        Ok(Self {
            app,
            addr,
            close: Some(close),
            serving,
            _lock: lock,
        })
    }

    /// Where the server listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Ends the server. Jobs that still run are ended and recorded as `Failed`.
    pub async fn shutdown(mut self) {
        let mut tasks = self.app.abandon();
        let ended = async { while tasks.join_next().await.is_some() {} };
        if timeout(PATIENCE, ended).await.is_err() {
            tracing::warn!("not everything ended in time; the next start records how it ended");
        }
        self.close.take();
        // Clients keep idle connections open; those are closed at once, answers under way may finish.
        let _ = timeout(PATIENCE, &mut self.serving).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Dropped tasks end their trainers.
        drop(self.app.abandon());
        self.serving.abort();
    }
}

/// Ends what a dead server has left, and says so in its jobs.
fn recover(jobs: &Jobs, folders: &Folders) -> Result<(), LocalError> {
    for record in jobs.all() {
        let name = &record.description.training_job_name;
        if record.description.training_job_status.is_terminal() {
            continue;
        }
        kill_orphans(&record.processes, &folders.work.join(name));
        let change = |record: &mut crate::job::JobRecord| {
            record.processes.clear();
            fail_orphan(&mut record.description);
            Ok::<_, Infallible>(())
        };
        jobs.update(name, change)
            .map_err(LocalError::file("write", &folders.jobs))?;
    }
    Ok(())
}

/// The same for everything but training jobs. Endpoints are no jobs: what is left of their processes ends, and they start
/// again.
fn recover_others(records: &Records, folders: &Folders) -> Result<(), LocalError> {
    let work = &folders.work;
    fail_orphans(&records.tunings, "tuning", work, |it| &mut it.progress)
        .map_err(LocalError::file("write", &folders.tuning))?;
    fail_orphans(&records.transforms, "transform", work, |it| {
        &mut it.progress
    })
    .map_err(LocalError::file("write", &folders.transforms))?;
    fail_orphans(&records.processings, "processing", work, |it| {
        &mut it.progress
    })
    .map_err(LocalError::file("write", &folders.processings))?;
    for record in records.endpoints.all() {
        kill_orphans(&record.processes, &folders.work);
    }
    Ok(())
}

/// Ends the jobs of a kind that have not ended, as the next server finds them.
fn fail_orphans<R: Document>(
    records: &Documents<R>,
    kind: &str,
    work: &Path,
    progress: fn(&mut R) -> &mut Progress,
) -> io::Result<()> {
    for mut record in records.all() {
        kill_orphans(&progress(&mut record).processes, work);
        let change = |record: &mut R| {
            progress(record).close(abandoned(kind, "ended"));
            Ok::<_, Infallible>(())
        };
        records.update(record.name(), change)?;
    }
    Ok(())
}
