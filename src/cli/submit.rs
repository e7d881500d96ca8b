//! Chooses a job's name and creates it, exactly once.
//!
//! SageMaker has no client token: the name is what makes a second try harmless. So each submission puts a mark of its own
//! into the job's environment; where an answer got lost, or a name is taken, the job of that name is asked for its mark.
//! A second mark is the digest of the data, by which a job on other data is told from one on the same.

use std::fmt::Write as _;
use std::str::FromStr;

use contract::environment::{LINDEN_DATA_DIGEST, LINDEN_SUBMISSION};
use contract::job::file::JobFile;
use contract::job::{
    CreateTrainingJobRequest, InstanceType, JobName, TrainingJobDescription, TrainingJobStatus,
    TrainingJobSummary, limits,
};

use crate::aws::{AwsErrorKind, ListFilter, TrainingJobs};
use crate::error::CliError;

/// Names that are tried when others take them at the same moment.
const MAX_TRIES: u32 = 5;
/// Bytes of a submission's mark.
const MARK_BYTES: usize = 8;

/// What to do where the same specification has run, or runs, on the same data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum IfExists {
    /// Take the last one, running or ended, however it ended.
    Attach,
    /// Submit nothing if one runs or has completed, exit code 11.
    Fail,
    /// Submit another attempt.
    #[default]
    New,
    /// Take the last one if it runs or has completed, and submit another attempt if it failed or was stopped.
    RerunFailed,
}

/// What became of the wish to submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// A new job.
    Created(JobName),
    /// A job that is there already.
    Attached(JobName),
}

/// The data that a job will read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// The digest of all channels; `None` where they may not be listed.
    pub digest: Option<String>,
    /// Whether the channels were just filled with something else than before.
    pub changed: bool,
}

/// A wish to submit.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// The job.
    pub job: &'a JobFile,
    /// Its name, where it is not `<name>-<hash>-<attempt>`.
    pub name: Option<&'a JobName>,
    /// What to do where it is there already.
    pub policy: IfExists,
    /// Its data.
    pub data: &'a Data,
    /// The type to ask for, where it is not the first one.
    pub instance_type: Option<&'a InstanceType>,
}

impl Submission<'_> {
    /// Creates the job, or finds the one that does.
    ///
    /// # Errors
    /// If the policy forbids it, or SageMaker refuses.
    pub async fn submit(&self, jobs: &dyn TrainingJobs) -> Result<Submitted, CliError> {
        if let Some(name) = self.name {
            return self.submit_as(name, jobs).await;
        }
        let earlier = attempts(self.job, jobs).await?;
        if let Some(found) = self.by_policy(&earlier, jobs).await? {
            return Ok(found);
        }
        let first = earlier.iter().map(|it| it.0).max().unwrap_or(0) + 1;
        for attempt in first..first + MAX_TRIES {
            let name = self.job.job_name(attempt).map_err(|err| CliError::Usage {
                message: err.to_string(),
                fix: "give a name of your own with --name".to_owned(),
            })?;
            match create(jobs, &self.request(&name)?).await {
                Ok(()) => return Ok(Submitted::Created(name)),
                // Somebody has taken the number in this moment.
                Err(CliError::Aws(err)) if err.kind == AwsErrorKind::NameTaken => {}
                Err(err) => return Err(err),
            }
        }
        Err(CliError::Conflict {
            message: format!(
                "{MAX_TRIES} names beginning with `{}` were taken while this job was submitted",
                self.job.name
            ),
            fix: "give a name of your own with --name".to_owned(),
        })
    }

    async fn submit_as(
        &self,
        name: &JobName,
        jobs: &dyn TrainingJobs,
    ) -> Result<Submitted, CliError> {
        if matches!(self.policy, IfExists::Attach | IfExists::RerunFailed) {
            match jobs.describe(name).await {
                Ok(job) if self.policy == IfExists::Attach || stands(&job.training_job_status) => {
                    return Ok(Submitted::Attached(name.clone()));
                }
                Ok(job) => {
                    return Err(CliError::Conflict {
                        message: format!(
                            "`{name}` is {}, and a name is given once",
                            job.training_job_status
                        ),
                        fix: "leave --name away: attempts are numbered then".to_owned(),
                    });
                }
                Err(err) if err.kind == AwsErrorKind::NotFound => {}
                Err(err) => return Err(err.into()),
            }
        }
        create(jobs, &self.request(name)?).await?;
        Ok(Submitted::Created(name.clone()))
    }

    /// The request with the marks, as far as there is room for them.
    fn request(&self, name: &JobName) -> Result<CreateTrainingJobRequest, CliError> {
        let mut request = self.job.request(name);
        if let (Some(it), Some(resources)) = (self.instance_type, &mut request.resource_config) {
            resources.instance_type = Some(it.to_string());
        }
        let mut marks = vec![(LINDEN_SUBMISSION.name, mark()?)];
        if let Some(digest) = &self.data.digest {
            marks.push((LINDEN_DATA_DIGEST.name, digest.clone()));
        }
        if request.environment.len() + marks.len() <= limits::MAX_ENVIRONMENT {
            let marks = marks.into_iter().map(|(name, it)| (name.to_owned(), it));
            request.environment.extend(marks);
        }
        Ok(request)
    }

    async fn by_policy(
        &self,
        earlier: &[(u32, TrainingJobSummary)],
        jobs: &dyn TrainingJobs,
    ) -> Result<Option<Submitted>, CliError> {
        let last = earlier.iter().max_by_key(|it| it.0).map(|it| &it.1);
        let Some(last) = last.filter(|_| self.policy != IfExists::New) else {
            return Ok(None);
        };
        let Ok(name) = last.training_job_name.parse::<JobName>() else {
            return Ok(None);
        };
        if self.is_on_other_data(&name, jobs).await? {
            return Ok(None);
        }
        let status = &last.training_job_status;
        match self.policy {
            IfExists::Attach => Ok(Some(Submitted::Attached(name))),
            IfExists::RerunFailed if stands(status) => Ok(Some(Submitted::Attached(name))),
            IfExists::Fail if stands(status) => Err(CliError::Conflict {
                message: format!("`{name}` has the same specification and data and is {status}"),
                fix: "--if-exists attach takes it, --if-exists new submits another attempt"
                    .to_owned(),
            }),
            IfExists::RerunFailed | IfExists::Fail | IfExists::New => Ok(None),
        }
    }

    /// Whether that job read other data than this one would. One without a digest is taken to have read the same.
    async fn is_on_other_data(
        &self,
        name: &JobName,
        jobs: &dyn TrainingJobs,
    ) -> Result<bool, CliError> {
        let Some(digest) = &self.data.digest else {
            return Ok(self.data.changed);
        };
        let job = jobs.describe(name).await?;
        let before = job.environment.get(LINDEN_DATA_DIGEST.name);
        Ok(before.map_or(self.data.changed, |it| it != digest))
    }
}

/// Whether a job with that status is worth keeping to: it runs, or has completed.
fn stands(status: &TrainingJobStatus) -> bool {
    match status {
        TrainingJobStatus::InProgress | TrainingJobStatus::Completed => true,
        TrainingJobStatus::Failed
        | TrainingJobStatus::Stopping
        | TrainingJobStatus::Stopped
        | TrainingJobStatus::Deleting
        | TrainingJobStatus::Other(_) => false,
    }
}

/// Earlier jobs of the same name and specification: attempt and summary.
async fn attempts(
    job: &JobFile,
    jobs: &dyn TrainingJobs,
) -> Result<Vec<(u32, TrainingJobSummary)>, CliError> {
    let stem = format!("{}-{}-", job.name, job.hash8());
    let filter = ListFilter {
        name_contains: Some(stem.clone()),
        ..ListFilter::default()
    };
    let listing = jobs.list(&filter).await?;
    let number = |it: &TrainingJobSummary| {
        it.training_job_name
            .strip_prefix(&stem)
            .and_then(|it| u32::from_str(it).ok())
    };
    Ok(listing
        .jobs
        .into_iter()
        .filter_map(|it| number(&it).map(|attempt| (attempt, it)))
        .collect())
}

/// Creates one job. A lost answer and a taken name are looked into.
async fn create(
    jobs: &dyn TrainingJobs,
    request: &CreateTrainingJobRequest,
) -> Result<(), CliError> {
    let Err(err) = jobs.create(request).await else {
        return Ok(());
    };
    let unsure = matches!(
        err.kind,
        AwsErrorKind::NameTaken | AwsErrorKind::Network | AwsErrorKind::Service
    );
    if unsure
        && let Ok(name) = request.training_job_name.parse()
        && let Ok(job) = jobs.describe(&name).await
        && is_ours(&job, request)
    {
        return Ok(());
    }
    Err(err.into())
}

/// Whether a job was made by `request`: it has the request's mark. Where there was no room for one, it does what the
/// request asks and still runs.
pub fn is_ours(job: &TrainingJobDescription, request: &CreateTrainingJobRequest) -> bool {
    let marked = LINDEN_SUBMISSION.name;
    if let Some(mark) = request.environment.get(marked) {
        return job.environment.get(marked) == Some(mark);
    }
    let image = |it: &contract::job::request::AlgorithmSpecification| it.training_image.clone();
    !job.training_job_status.is_terminal()
        && job.hyper_parameters == request.hyper_parameters
        && image(&job.algorithm_specification)
            == request.algorithm_specification.as_ref().and_then(image)
        && job.role_arn.as_deref() == Some(&request.role_arn)
        && job.input_data_config == request.input_data_config
}

/// A mark that nobody else has.
fn mark() -> Result<String, CliError> {
    let mut bytes = [0; MARK_BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|err| CliError::Start(std::io::Error::other(err.to_string())))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
