//! What a server is started with.

use crate::scenario::Scenario;
use std::path::PathBuf;
use std::time::Duration;

/// How long a trainer may live after SIGTERM, as on SageMaker.
///
/// Source: SageMaker developer guide, "How Amazon SageMaker processes training output", stopping.
pub const STOP_GRACE: Duration = Duration::from_mins(2);

/// Spot machines that are taken away from each job that runs on them.
///
/// The job's hosts get SIGTERM and [`Config::stop_grace`]; then it is `Interrupted`, and starts again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interruption {
    /// How long the hosts have run by then.
    pub after: Duration,
    /// How often it happens to a job.
    pub times: u32,
    /// How long the job waits for other machines.
    pub back_after: Duration,
}

impl Interruption {
    /// Once, `after` the hosts were started, with other machines at once.
    pub fn once(after: Duration) -> Self {
        Self {
            after,
            times: 1,
            back_after: Duration::ZERO,
        }
    }
}

/// What a job's hosts are, and models that answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Processes of the trainer on this machine.
    #[default]
    Process,
    /// Containers of the request's image, by the client of the Docker Engine on this machine.
    Docker,
}

/// Where a server keeps its state, and what it says it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The one folder that holds jobs, logs and objects. Made if it is missing.
    pub state_dir: PathBuf,
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The `linden-trainer` program. `None` takes the one that lies beside the running program.
    pub trainer: Option<PathBuf>,
    /// The region in ARNs and in `AWS_REGION` of the trainer.
    pub region: String,
    /// The account in ARNs, 12 digits.
    pub account: String,
    /// How long a trainer may live after SIGTERM; [`STOP_GRACE`] unless a test is in a hurry.
    pub stop_grace: Duration,
    /// What a job's hosts are, and models that answer.
    pub engine: Engine,
    /// Faults on request; none unless somebody wants them.
    pub scenario: Scenario,
    /// When jobs on spot capacity lose their machines; `None` leaves them alone.
    pub interruption: Option<Interruption>,
}

impl Config {
    /// Any port, the trainer beside the running program, `us-east-1`, account `000000000000`.
    pub fn new(state_dir: impl Into<PathBuf>) -> Self {
        Self {
            state_dir: state_dir.into(),
            port: 0,
            trainer: None,
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            stop_grace: STOP_GRACE,
            engine: Engine::default(),
            scenario: Scenario::default(),
            interruption: None,
        }
    }

    /// The ARN of a training job.
    pub(crate) fn job_arn(&self, name: &str) -> String {
        self.arn("training-job", name)
    }

    /// The ARN of a thing of SageMaker's.
    pub(crate) fn arn(&self, kind: &str, name: &str) -> String {
        let Self {
            region, account, ..
        } = self;
        format!("arn:aws:sagemaker:{region}:{account}:{kind}/{name}")
    }
}
