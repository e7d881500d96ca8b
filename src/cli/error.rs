//! Why a command failed: one cause, where it is, and what to do.
//!
//! Every error maps to an exit code of [`contract::exit`] without a catch-all arm, so whoever adds an error decides what
//! CI shall do about it. How a *job* ended is not an error of the command; `command::outcome` has those codes.

use std::fmt;
use std::io;
use std::path::PathBuf;

use contract::exit;
use contract::job::JobProblems;
use local::LocalError;

use crate::aws::client::NoRegion;
use crate::aws::{AwsError, AwsErrorKind};
use crate::error_page::{self, Page};
use crate::image::error::ImageError;
use crate::predict::PredictFileError;
use crate::style::{BAD, COMMAND, FAINT, paint};
use crate::unpack::UnpackError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command line asks for something that cannot be.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What would be right.
        fix: String,
    },
    /// The job file has problems; all of them are here.
    #[error("`{path}` is not a job file that can run")]
    JobFile {
        /// The job file.
        path: String,
        /// The problems, in the file's order.
        problems: JobProblems,
    },
    /// The scenario of a local SageMaker has problems; all of them are here.
    #[error("`{}` is not a scenario that can be played", path.display())]
    Scenario {
        /// The file.
        path: PathBuf,
        /// The problems, in the file's order.
        problems: local::ScenarioProblems,
    },
    /// A call to AWS failed.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// A job that was followed cannot be asked any more; the job itself does not notice.
    #[error("{source}")]
    LostTouch {
        /// Why.
        source: AwsError,
        /// The command that goes on where this one has ended.
        again: String,
    },
    /// Nobody has named a region.
    #[error(transparent)]
    NoRegion(#[from] NoRegion),
    /// A file or folder could not be read or written.
    #[error("cannot {action} `{path}`: {source}")]
    File {
        /// `read`, `write`, …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Stdout could not be written.
    #[error("cannot write to stdout: {0}")]
    Output(io::Error),
    /// No job has that name.
    #[error("there is no training job `{job}`")]
    NoSuchJob {
        /// What was asked for.
        job: String,
        /// Jobs with similar names.
        similar: Vec<String>,
        /// Whether the SageMaker on this machine was asked.
        local: bool,
    },
    /// A prefix fits several jobs.
    #[error("`{job}` is the beginning of several job names")]
    AmbiguousJob {
        /// What was asked for.
        job: String,
        /// The jobs.
        candidates: Vec<String>,
    },
    /// A job of that name or specification is there already.
    #[error("{message}")]
    Conflict {
        /// What is there.
        message: String,
        /// What can be done.
        fix: String,
    },
    /// The job may cost more than it is allowed to, or nobody knows what it costs.
    #[error("{message}")]
    CostCeiling {
        /// What it may cost.
        message: String,
        /// What can be done.
        fix: String,
    },
    /// Something that a job should have left is not there.
    #[error("{message}")]
    Missing {
        /// What is missing.
        message: String,
        /// What can be done.
        fix: String,
    },
    /// The SageMaker on this machine did not start.
    #[error("the local SageMaker did not start: {0}")]
    Local(#[from] LocalError),
    /// The trainer is not where it should be.
    #[error("the trainer is not built: `{}` is not there", .0.display())]
    NoTrainer(PathBuf),
    /// An archive was refused.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The model is not the one that the job wrote down.
    #[error("`{path}` is not the model that the job wrote")]
    Digest {
        /// The file.
        path: PathBuf,
        /// The digest in the job's evaluation.
        expected: String,
        /// The digest of the file.
        found: String,
    },
    /// A model could not be read.
    #[error("`{path}` is not a model: {reason}")]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Data could not be predicted on.
    #[error(transparent)]
    Predict(#[from] PredictFileError),
    /// An image cannot be built, read, found or pushed.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The runtime could not start.
    #[error("cannot start: {0}")]
    Start(io::Error),
}

impl CliError {
    /// An error about a file.
    pub fn file(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File {
            action,
            path: path.into(),
            source,
        }
    }

    /// Why following ended before the job did; `again` is the command that goes on.
    pub fn lost_touch(source: AwsError, again: String) -> Self {
        match source.kind {
            // There is nothing to go on with.
            AwsErrorKind::NotFound | AwsErrorKind::Invalid | AwsErrorKind::NameTaken => {
                Self::Aws(source)
            }
            AwsErrorKind::Throttled
            | AwsErrorKind::Quota
            | AwsErrorKind::Capacity
            | AwsErrorKind::Denied
            | AwsErrorKind::Credentials
            | AwsErrorKind::Service
            | AwsErrorKind::Network
            | AwsErrorKind::Unexpected => Self::LostTouch { source, again },
        }
    }

    /// The exit code, see [`contract::exit`].
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. }
            | Self::JobFile { .. }
            | Self::Scenario { .. }
            | Self::AmbiguousJob { .. }
            | Self::NoRegion(_) => exit::USAGE,
            Self::Aws(err) | Self::LostTouch { source: err, .. } => aws_code(err.kind),
            Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                exit::NOT_FOUND
            }
            // The reader has gone away: it has what it wanted.
            Self::Output(err) if err.kind() == io::ErrorKind::BrokenPipe => exit::SUCCESS,
            Self::NoSuchJob { .. } | Self::Missing { .. } => exit::NOT_FOUND,
            Self::Conflict { .. } => exit::CONFLICT,
            Self::Image(err) => err.exit_code(),
            Self::Local(_) | Self::NoTrainer(_) => exit::LOCAL_ENGINE,
            Self::Unpack(UnpackError::Write { .. })
            | Self::File { .. }
            | Self::Output(_)
            | Self::Start(_)
            | Self::Model { .. }
            | Self::Predict(_) => exit::JOB_FAILED,
            Self::Unpack(_) | Self::Digest { .. } | Self::CostCeiling { .. } => exit::GATE,
        }
    }

    /// The page of the error's code, for `linden help E0101`.
    pub fn page(&self) -> &'static Page {
        match self {
            Self::Usage { .. } => &error_page::USAGE,
            Self::JobFile { .. } => &error_page::JOB_FILE,
            Self::Scenario { .. } => &error_page::SCENARIO,
            Self::AmbiguousJob { .. } => &error_page::AMBIGUOUS_JOB,
            Self::NoRegion(_) => &error_page::NO_REGION,
            Self::Conflict { .. } => &error_page::CONFLICT,
            Self::CostCeiling { .. } => &error_page::COST,
            Self::NoSuchJob { .. } => &error_page::NO_SUCH_JOB,
            Self::Missing { .. } => &error_page::MISSING,
            Self::File { .. } => &error_page::FILE,
            Self::Output(_) => &error_page::OUTPUT,
            Self::Aws(err) | Self::LostTouch { source: err, .. } => error_page::of_aws(err.kind),
            Self::Unpack(_) => &error_page::UNPACK,
            Self::Digest { .. } => &error_page::DIGEST,
            Self::Model { .. } => &error_page::MODEL,
            Self::Predict(_) => &error_page::PREDICT,
            Self::Image(err) => err.page(),
            Self::Local(_) => &error_page::LOCAL,
            Self::NoTrainer(_) => &error_page::NO_TRAINER,
            Self::Start(_) => &error_page::START,
        }
    }

    /// Whether the reader of stdout has simply gone away, so that there is nothing to say.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(err) if err.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The whole text for stderr; `verbosity` above 0 adds request ids.
    pub fn report(&self, verbosity: u8) -> String {
        match self {
            Self::JobFile { path, problems } => report_problems(path, problems),
            _ => Diagnosis {
                code: self.page().code,
                message: self.to_string(),
                lines: self.lines(verbosity),
            }
            .to_string(),
        }
    }

    /// The labelled lines below the message.
    fn lines(&self, verbosity: u8) -> Vec<(&'static str, String)> {
        match self {
            Self::Usage { fix, .. }
            | Self::Conflict { fix, .. }
            | Self::CostCeiling { fix, .. }
            | Self::Missing { fix, .. } => vec![("fix", fix.clone())],
            Self::Scenario { problems, .. } => {
                let line = |it: &local::ScenarioProblem| format!("{}: {}", it.line, it.message);
                problems.0.iter().map(|it| ("line", line(it))).collect()
            }
            Self::Aws(err) => aws_lines(err, verbosity),
            Self::LostTouch { source, again } => {
                let mut lines = aws_lines(source, verbosity);
                lines.push((
                    "job",
                    "it does not notice, and runs on if it ran".to_owned(),
                ));
                lines.push(("go on", paint(COMMAND, again)));
                lines
            }
            Self::NoSuchJob { similar, local, .. } => no_such_job_lines(similar, *local),
            Self::AmbiguousJob { candidates, .. } => {
                vec![
                    ("jobs", candidates.join(", ")),
                    ("fix", "give more of the name".to_owned()),
                ]
            }
            Self::NoRegion(_) => vec![
                (
                    "fix",
                    "give --region, set AWS_REGION, or choose a --profile that has one".to_owned(),
                ),
                ("", "or stay on this machine: --local".to_owned()),
            ],
            Self::NoTrainer(_) => vec![
                (
                    "fix",
                    paint(COMMAND, "cargo build --package trainer --features s3"),
                ),
                ("", "or put `linden-trainer` beside `linden`".to_owned()),
            ],
            Self::Local(err) => vec![("fix", local_fix(err).to_owned())],
            Self::Unpack(UnpackError::Write { .. })
            | Self::Output(_)
            | Self::Start(_)
            | Self::File { .. }
            | Self::JobFile { .. } => vec![],
            Self::Unpack(_) => vec![(
                "fix",
                "do not use this archive; find out who wrote it".to_owned(),
            )],
            Self::Digest {
                expected, found, ..
            } => digest_lines(expected, found),
            Self::Model { .. } => {
                vec![(
                    "fix",
                    "give `xgboost-model`, its folder, the `model.tar.gz` of a job, or a model that XGBoost or LightGBM saved"
                        .to_owned(),
                )]
            }
            Self::Predict(err) => vec![("fix", err.fix().to_owned())],
            Self::Image(err) => vec![("fix", err.fix())],
        }
    }
}

/// What was fetched is not what was recorded.
fn digest_lines(expected: &str, found: &str) -> Vec<(&'static str, String)> {
    let fix = "nothing of it was kept; fetch it again, and find out who writes to the bucket";
    vec![
        ("expected", format!("sha256 {expected}")),
        ("found", format!("sha256 {found}")),
        ("fix", fix.to_owned()),
    ]
}

/// What helps a local SageMaker that did not start.
fn local_fix(err: &LocalError) -> &'static str {
    match err {
        LocalError::Taken { .. } => {
            "it serves every command with --local; for a second one give --state DIR"
        }
        LocalError::Bind { .. } => "give another --port; 0 takes any free one",
        LocalError::Engine(_) => "start Docker, or leave --engine away: hosts are processes then",
        LocalError::File { .. } | LocalError::Document { .. } | LocalError::Objects { .. } => {
            "set LINDEN_HOME to a folder that can be written and holds nothing else"
        }
    }
}

fn no_such_job_lines(similar: &[String], local: bool) -> Vec<(&'static str, String)> {
    let list = if local {
        "linden ls --local"
    } else {
        "linden ls"
    };
    let mut lines = vec![(
        "fix",
        format!("{} shows the jobs that are there", paint(COMMAND, list)),
    )];
    if !similar.is_empty() {
        lines.insert(0, ("similar", similar.join(", ")));
    }
    if !local {
        lines.push((
            "",
            "jobs of `run --local` are found with --local".to_owned(),
        ));
    }
    lines
}

/// The exit code for a failed call.
fn aws_code(kind: AwsErrorKind) -> u8 {
    match kind {
        AwsErrorKind::Denied | AwsErrorKind::Credentials => exit::AUTH,
        AwsErrorKind::NotFound => exit::NOT_FOUND,
        AwsErrorKind::NameTaken => exit::CONFLICT,
        AwsErrorKind::Invalid => exit::USAGE,
        AwsErrorKind::Quota | AwsErrorKind::Capacity => exit::CAPACITY,
        AwsErrorKind::Throttled
        | AwsErrorKind::Service
        | AwsErrorKind::Network
        | AwsErrorKind::Unexpected => exit::SERVICE,
    }
}

fn aws_lines(err: &AwsError, verbosity: u8) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(code) = &err.code {
        lines.push(("code", code.clone()));
    }
    if let (true, Some(id)) = (verbosity > 0, &err.request_id) {
        lines.push(("request", id.clone()));
    }
    let fix = match err.kind {
        AwsErrorKind::Credentials => {
            "give --profile NAME, sign in (`aws sso login`), or try without AWS: --local"
        }
        AwsErrorKind::Denied => {
            "ask for the permission that the message names; infra/ has the policy of a submitter"
        }
        AwsErrorKind::NotFound => {
            "check --region and --profile: what exists in one region is not found in another"
        }
        AwsErrorKind::NameTaken => {
            "choose another name with --name, or leave it away to get a free one"
        }
        AwsErrorKind::Invalid => {
            "change the member that the message names; `linden plan JOBFILE --request` shows the request"
        }
        AwsErrorKind::Quota => {
            "ask for a higher quota in Service Quotas, or take another instance type"
        }
        AwsErrorKind::Capacity => "try later, or take another instance type",
        AwsErrorKind::Throttled => "too many calls on this account; try again in a minute",
        AwsErrorKind::Service => "try again; if it stays, AWS's support wants the request id (-v)",
        AwsErrorKind::Network => "check the network, the proxy and --endpoint-url, then try again",
        AwsErrorKind::Unexpected => "try again with -v and report what you see",
    };
    lines.push(("fix", fix.to_owned()));
    lines
}

/// A message with labelled lines below it.
struct Diagnosis {
    code: &'static str,
    message: String,
    lines: Vec<(&'static str, String)>,
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = paint(BAD, format_args!("error[{}]:", self.code));
        write!(f, "{head} {}", self.message)?;
        for (label, text) in &self.lines {
            write!(f, "\n  {} {text}", paint(FAINT, format_args!("{label:<8}")))?;
        }
        Ok(())
    }
}

/// All problems of a job file, each with its place.
fn report_problems(path: &str, problems: &JobProblems) -> String {
    let mut texts: Vec<String> = Vec::new();
    for problem in &problems.0 {
        let source = problem.source.as_deref().unwrap_or(path);
        let place = match (problem.line, problem.column) {
            (Some(line), Some(column)) => format!("{source}:{line}:{column}"),
            _ => source.to_owned(),
        };
        let mut lines = vec![("where", place)];
        if let Some(hint) = &problem.hint {
            lines.push(("fix", hint.clone()));
        }
        texts.push(
            Diagnosis {
                code: error_page::JOB_FILE.code,
                message: problem.message.clone(),
                lines,
            }
            .to_string(),
        );
    }
    let n = problems.0.len();
    if n > 1 {
        texts.push(format!("{path} has {n} problems"));
    }
    texts.join("\n")
}
