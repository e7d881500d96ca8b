//! `artifacts`: what a job has written, listed, fetched or verified.
//!
//! Invariant: `verify` is green only where the job has left a digest and the model has it.

use std::fmt;
use std::path::PathBuf;

use contract::exit;
use serde::Serialize;

use crate::args::Global;
use crate::error::CliError;
use crate::fetch::{self, Artifact, Fetched, VerifiedModel};
use crate::output::Printer;
use crate::session::Session;
use crate::style::{FAINT, GOOD, WARN, paint};
use crate::table::Table;
use crate::units;

/// What a job has written.
#[derive(Debug, clap::Subcommand)]
pub enum Artifacts {
    /// List the archives in S3
    Ls {
        /// Name, beginning of a name, ARN, or @last
        #[arg(default_value = "@last")]
        job: String,
    },
    /// Fetch and unpack the archives, and check the model's digest
    Get {
        /// Name, beginning of a name, ARN, or @last
        #[arg(default_value = "@last")]
        job: String,
        /// Folder to put them into [default: runs/JOB]
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
    /// Hold the model in S3 against the digest that the trainer recorded, and keep nothing; exit code 9 if it differs
    Verify {
        /// Name, beginning of a name, ARN, or @last
        #[arg(default_value = "@last")]
        job: String,
    },
}

#[derive(Serialize)]
#[serde(transparent)]
struct Listing(Vec<Artifact>);

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(0, &[0]);
        for it in &self.0 {
            table.row([units::bytes(it.bytes), it.uri.to_string()]);
        }
        table.fmt(f)
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Home(Fetched);

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(it) = self;
        for file in &it.files {
            writeln!(f, "{}", it.folder.join(file).display())?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Verification {
    job: String,
    verified: bool,
    models: Vec<VerifiedModel>,
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for it in &self.models {
            let digest = paint(FAINT, format_args!("sha256 {}", it.sha256));
            writeln!(f, "{} {} {digest}", paint(GOOD, "verified"), it.file)?;
        }
        Ok(())
    }
}

impl Artifacts {
    /// Lists, fetches or verifies.
    ///
    /// # Errors
    /// If there is no such job, nothing to fetch, or an archive is refused.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let (Self::Ls { job } | Self::Get { job, .. } | Self::Verify { job }) = &self;
        let session = Session::open(global, Some(job)).await?;
        let name = session.find(job).await?;
        let description = session.jobs().describe(&name).await?;
        let mut code = exit::SUCCESS;
        match self {
            Self::Ls { .. } => {
                printer.print(&Listing(fetch::list(&session, &description).await?))?;
            }
            Self::Get { to, .. } => {
                let folder = to.unwrap_or_else(|| PathBuf::from("runs").join(name.as_str()));
                let fetched = fetch::fetch(&session, &description, &folder, printer).await?;
                printer.say(&digest_line(&fetched));
                printer.print(&Home(fetched))?;
            }
            Self::Verify { .. } => {
                let fetched = fetch::check(&session, &description, printer).await?;
                if !fetched.verified {
                    printer.say(&digest_line(&fetched));
                    code = exit::GATE;
                }
                printer.print(&Verification {
                    job: name.to_string(),
                    verified: fetched.verified,
                    models: fetched.verified_models,
                })?;
            }
        }
        session.close(printer).await?;
        Ok(code)
    }
}

/// What is known about the model's digest.
pub(super) fn digest_line(fetched: &Fetched) -> String {
    match (&fetched.verified_models[..], &fetched.model_sha256) {
        ([], Some(sha256)) => {
            let why = "the job left no digest to compare with";
            format!(
                "{} {} ({why})",
                paint(WARN, "not verified"),
                paint(FAINT, format_args!("model sha256 {sha256}"))
            )
        }
        ([], None) => paint(WARN, "the archives hold no model"),
        ([only], _) => format!(
            "{} {}",
            paint(GOOD, "verified"),
            paint(FAINT, format_args!("model sha256 {}", only.sha256))
        ),
        (models, _) => format!(
            "{} {} models, one for each fold",
            paint(GOOD, "verified"),
            models.len()
        ),
    }
}
