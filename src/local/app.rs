//! What the handlers of one server share.

use crate::config::Config;
use crate::documents::Documents;
use crate::endpoint::{self, ConfigRecord, EndpointRecord, Hosted};
use crate::error::LocalError;
use crate::guard;
use crate::job::{Extractor, Jobs, Order, Runner, now};
use crate::logs::{self, LogGroups};
use crate::model::ModelRecord;
use crate::query;
use crate::s3::{ObjectServer, Objects};
use crate::sagemaker;
use crate::scenario::{self, CallFault, JobPlan};
use crate::state::Folders;
use crate::tuning::TuningRecord;
use crate::wire::{self, Answer, AwsError, ErrorCode};
use crate::work_status::WorkRecord;
use axum::extract::{Request, State};
use axum::response::Response;
use contract::job::TrainingJobDescription;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The header that tells the JSON services from S3.
const TARGET: &str = "x-amz-target";
/// A request document is smaller than this, or it is no request.
const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// What is kept of everything but training jobs.
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) tunings: Documents<TuningRecord>,
    pub(crate) models: Documents<ModelRecord>,
    pub(crate) transforms: Documents<WorkRecord>,
    pub(crate) processings: Documents<WorkRecord>,
    pub(crate) endpoint_configs: Documents<ConfigRecord>,
    pub(crate) endpoints: Documents<EndpointRecord>,
}

impl Records {
    /// Reads what is in the folders.
    pub(crate) fn open(folders: &Folders) -> Result<Self, LocalError> {
        Ok(Self {
            tunings: Documents::open(folders.tuning.clone())?,
            models: Documents::open(folders.models.clone())?,
            transforms: Documents::open(folders.transforms.clone())?,
            processings: Documents::open(folders.processings.clone())?,
            endpoint_configs: Documents::open(folders.endpoint_configs.clone())?,
            endpoints: Documents::open(folders.endpoints.clone())?,
        })
    }
}

/// One server's state.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) folders: Folders,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) records: Records,
    pub(crate) logs: LogGroups,
    pub(crate) objects: Objects,
    pub(crate) object_server: Arc<ObjectServer>,
    pub(crate) hosted: Hosted,
    calls: scenario::Calls,
    plans: scenario::Jobs,
    running: Mutex<Running>,
    admission: Mutex<()>,
}

/// What runs in this process, by the keys that it takes orders by: a training job's is its name, others' have a slash.
#[derive(Debug, Default)]
struct Running {
    orders: BTreeMap<String, watch::Sender<Order>>,
    tasks: JoinSet<()>,
}

impl App {
    pub(crate) fn new(
        config: Config,
        folders: Folders,
        (jobs, records): (Jobs, Records),
        logs: LogGroups,
        objects: Objects,
    ) -> Self {
        let object_server = ObjectServer::new(objects.clone(), folders.spool.clone());
        let object_server = Arc::new(object_server);
        let jobs = Arc::new(jobs);
        let calls = scenario::Calls::new(&config.scenario);
        let plans = scenario::Jobs::new(&config.scenario);
        Self {
            config,
            folders,
            jobs,
            records,
            logs,
            objects,
            object_server,
            hosted: Hosted::default(),
            calls,
            plans,
            running: Mutex::default(),
            admission: Mutex::default(),
        }
    }

    /// Lets one training job after the other look for machines and take them.
    pub(crate) fn admit(&self) -> MutexGuard<'_, ()> {
        self.admission
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The trainer's program.
    pub(crate) fn trainer(&self) -> Result<PathBuf, AwsError> {
        let beside = || {
            Some(
                std::env::current_exe()
                    .ok()?
                    .with_file_name("linden-trainer"),
            )
        };
        let path = self
            .config
            .trainer
            .clone()
            .or_else(beside)
            .unwrap_or_default();
        if path.is_file() {
            return Ok(path);
        }
        Err(AwsError::validation(format!(
            "the trainer `{}` is not there: build it (`cargo build -p trainer --features s3`) or say where it is",
            path.display()
        )))
    }

    /// Starts the task of a job that has just been recorded.
    pub(crate) fn spawn(&self, job: &TrainingJobDescription, trainer: PathBuf, metrics: Extractor) {
        let name = job.training_job_name.clone();
        let runner = Runner {
            config: self.config.clone(),
            trainer,
            work: self.folders.work.clone(),
            jobs: self.jobs.clone(),
            logs: Arc::clone(&self.logs.training),
            objects: self.objects.clone(),
            object_server: Arc::clone(&self.object_server),
            metrics: Arc::new(metrics),
            plan: Arc::new(self.plan(job)),
        };
        self.start(name.clone(), |orders| runner.run(name, orders));
    }

    /// Starts a task that takes orders by its `key`.
    pub(crate) fn start<F>(&self, key: String, task: impl FnOnce(watch::Receiver<Order>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (order, orders) = watch::channel(Order::Run);
        let mut running = self.running();
        // What has ended is let go whenever something begins.
        while running.tasks.try_join_next().is_some() {}
        running.orders.retain(|_, order| order.receiver_count() > 0);
        running.orders.insert(key, order);
        running.tasks.spawn(task(orders));
    }

    /// What befalls a job that has just been created.
    fn plan(&self, job: &TrainingJobDescription) -> JobPlan {
        let is_spot = job.enable_managed_spot_training == Some(true);
        let instance_type = job.resource_config.instance_type.as_deref();
        let name = &job.training_job_name;
        let mut plan = self
            .plans
            .meet(name, instance_type.unwrap_or_default(), is_spot);
        plan.interruption = plan
            .interruption
            .or(self.config.interruption.filter(|_| is_spot));
        plan
    }

    /// Whether a scenario's log group is still to come.
    fn has_no_logs_yet(&self) -> bool {
        let after = self.config.scenario.log_group_after();
        let created = self.logs.training.created();
        after
            .zip(created)
            .is_some_and(|(after, created)| now() < created as f64 / 1000.0 + after.as_secs_f64())
    }

    /// Tells the task of a job; a job that has ended is not told.
    pub(crate) fn order(&self, name: &str, order: Order) {
        if let Some(sender) = self.running().orders.get(name) {
            sender.send_replace(order);
        }
    }

    /// Ends every job at once and gives their tasks, which record it.
    pub(crate) fn abandon(&self) -> JoinSet<()> {
        let mut running = self.running();
        for sender in running.orders.values() {
            sender.send_replace(Order::Abandon);
        }
        std::mem::take(&mut running.tasks)
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        // Only maps are changed under this lock, one statement each.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers any request on the port.
pub(crate) async fn answer(State(app): State<Arc<App>>, request: Request) -> Response {
    if !guard::is_local(request.headers()) {
        return guard::refusal();
    }
    if let Some(endpoint) = endpoint::endpoint_of(&request) {
        return endpoint::invoke(&app, &endpoint, request).await;
    }
    if query::is_query(&request) {
        return query::answer(&app.config, request.into_body()).await;
    }
    let Some(target) = request.headers().get(TARGET) else {
        return app.object_server.call(request).await;
    };
    let target = target.to_str().unwrap_or_default().to_owned();
    let Ok(body) = axum::body::to_bytes(request.into_body(), MAX_DOCUMENT_BYTES).await else {
        let text = format!("a request has at most {MAX_DOCUMENT_BYTES} bytes");
        return AwsError::new(ErrorCode::Serialization, text).into_response();
    };
    let operation = target.rsplit('.').next().unwrap_or_default();
    let fault = app.calls.meet(operation);
    if let Some(error) = fault.and_then(CallFault::error) {
        return error.into_response();
    }
    // Documents are read and written on the disk.
    let answered = tokio::task::spawn_blocking(move || dispatch(&app, &target, &body)).await;
    if fault == Some(CallFault::LostAnswer) {
        return wire::no_answer();
    }
    wire::respond(answered.unwrap_or_else(|err| Err(AwsError::internal(err))))
}

fn dispatch(app: &Arc<App>, target: &str, body: &[u8]) -> Answer {
    match target.split_once('.') {
        Some(("SageMaker", operation)) => sagemaker::dispatch(app, operation, body),
        Some(("Logs_20140328", operation)) => {
            if app.has_no_logs_yet() {
                return logs::dispatch_without_group(operation, body);
            }
            logs::dispatch(&app.logs, &app.config, operation, body)
        }
        _ => Err(AwsError::new(
            ErrorCode::UnknownOperation,
            format!(
                "there is no service for `{target}`: this port has SageMaker, CloudWatch Logs and S3"
            ),
        )),
    }
}
