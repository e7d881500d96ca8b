//! Chooses a job's name and creates it, exactly once.
//!
//! SageMaker has no client token: the name is what makes a second try harmless. So an answer that got lost, or a name that
//! is taken, is looked into: a job of that name with the same content is this job.

use std::str::FromStr;

use contract::job::file::JobFile;
use contract::job::{
    CreateTrainingJobRequest, JobName, TrainingJobDescription, TrainingJobStatus,
    TrainingJobSummary,
};

use crate::aws::{AwsErrorKind, ListFilter};
use crate::error::CliError;
use crate::session::Session;

/// Names that are tried when others take them at the same moment.
const MAX_TRIES: u32 = 5;

/// What to do where the same specification has run, or runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum IfExists {
    /// Follow the one that runs; take the result of one that completed on the same data.
    Attach,
    /// Submit nothing, exit code 11.
    Fail,
    /// Submit another attempt.
    #[default]
    New,
}

/// What became of the wish to submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// A new job.
    Created(JobName),
    /// A job that is there already.
    Attached(JobName),
}

/// Creates the job, or finds the one that does.
///
/// `data_changed` says that the channels were just filled with something else than before.
///
/// # Errors
/// If the policy forbids it, or SageMaker refuses.
pub async fn submit(
    job: &JobFile,
    name: Option<&JobName>,
    policy: IfExists,
    data_changed: bool,
    session: &Session,
) -> Result<Submitted, CliError> {
    if let Some(name) = name {
        return submit_as(job, name, policy, session).await;
    }
    let earlier = attempts(job, session).await?;
    if let Some(found) = by_policy(&earlier, policy, data_changed)? {
        return Ok(found);
    }
    let first = earlier.iter().map(|it| it.0).max().unwrap_or(0) + 1;
    for attempt in first..first + MAX_TRIES {
        let name = job.job_name(attempt).map_err(|err| CliError::Usage {
            message: err.to_string(),
            fix: "give a name of your own with --name".to_owned(),
        })?;
        match create(session, &job.request(&name)).await {
            Ok(()) => return Ok(Submitted::Created(name)),
            // Somebody has taken the number in this moment.
            Err(CliError::Aws(err)) if err.kind == AwsErrorKind::NameTaken => {}
            Err(err) => return Err(err),
        }
    }
    Err(CliError::Conflict {
        message: format!(
            "{MAX_TRIES} names beginning with `{}` were taken while this job was submitted",
            job.name
        ),
        fix: "give a name of your own with --name".to_owned(),
    })
}

async fn submit_as(
    job: &JobFile,
    name: &JobName,
    policy: IfExists,
    session: &Session,
) -> Result<Submitted, CliError> {
    if policy == IfExists::Attach {
        match session.jobs().describe(name).await {
            Ok(_) => return Ok(Submitted::Attached(name.clone())),
            Err(err) if err.kind == AwsErrorKind::NotFound => {}
            Err(err) => return Err(err.into()),
        }
    }
    create(session, &job.request(name)).await?;
    Ok(Submitted::Created(name.clone()))
}

/// Earlier jobs of the same name and specification: attempt and summary.
async fn attempts(
    job: &JobFile,
    session: &Session,
) -> Result<Vec<(u32, TrainingJobSummary)>, CliError> {
    let stem = format!("{}-{}-", job.name, job.hash8());
    let filter = ListFilter {
        name_contains: Some(stem.clone()),
        ..ListFilter::default()
    };
    let listing = session.jobs().list(&filter).await?;
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

fn by_policy(
    earlier: &[(u32, TrainingJobSummary)],
    policy: IfExists,
    data_changed: bool,
) -> Result<Option<Submitted>, CliError> {
    let last = earlier.iter().max_by_key(|it| it.0).map(|it| &it.1);
    let Some(last) = last else { return Ok(None) };
    let runs = matches!(last.training_job_status, TrainingJobStatus::InProgress);
    let stands = runs || last.training_job_status == TrainingJobStatus::Completed && !data_changed;
    match policy {
        IfExists::Attach if stands => {
            Ok(last.training_job_name.parse().ok().map(Submitted::Attached))
        }
        IfExists::Fail if stands => Err(CliError::Conflict {
            message: format!(
                "`{}` has the same specification and is {}",
                last.training_job_name, last.training_job_status
            ),
            fix: "--if-exists attach takes it, --if-exists new submits another attempt".to_owned(),
        }),
        IfExists::Attach | IfExists::Fail | IfExists::New => Ok(None),
    }
}

/// Creates one job. A lost answer and a taken name are looked into.
async fn create(session: &Session, request: &CreateTrainingJobRequest) -> Result<(), CliError> {
    let Err(err) = session.jobs().create(request).await else {
        return Ok(());
    };
    let unsure = matches!(
        err.kind,
        AwsErrorKind::NameTaken | AwsErrorKind::Network | AwsErrorKind::Service
    );
    if unsure
        && let Ok(name) = request.training_job_name.parse()
        && let Ok(job) = session.jobs().describe(&name).await
        && is_ours(&job, request)
    {
        return Ok(());
    }
    Err(err.into())
}

/// Whether a job does what `request` asks. One that has ended cannot have been made by a call of just now.
pub fn is_ours(job: &TrainingJobDescription, request: &CreateTrainingJobRequest) -> bool {
    let image = |it: &contract::job::request::AlgorithmSpecification| it.training_image.clone();
    !job.training_job_status.is_terminal()
        && job.hyper_parameters == request.hyper_parameters
        && image(&job.algorithm_specification)
            == request.algorithm_specification.as_ref().and_then(image)
        && job.role_arn.as_deref() == Some(&request.role_arn)
        && job.input_data_config == request.input_data_config
}
