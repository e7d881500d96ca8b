//! `doctor`: what would go wrong, before it is paid for. Reads only, and says what it did not look at.

use std::path::PathBuf;

use contract::exit;

use crate::args::Global;
use crate::error::CliError;
use crate::job_source::JobArgs;
use crate::output::Printer;
use crate::preflight::{self, Check, Report};
use crate::prices::Prices;
use crate::session::Session;

/// Look for what would go wrong, without changing anything.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Verdicts: ✓ looked at and right, ! probably not meant, ✗ the job would fail by it, ? not \
    looked at, with the reason. The exit code is that of the first ✗."
)]
pub struct Doctor {
    /// The job file (TOML); without one only the account is looked at
    job_file: Option<PathBuf>,
    /// Lay the section `[overlay.NAME]` of the job file over the rest of it
    #[arg(long, value_name = "NAME", env = "LINDEN_OVERLAY", hide_env = true)]
    overlay: Option<String>,
    /// Lay a value over the job file, such as `hyperparameters.num_round=50`
    #[arg(long, value_name = "KEY=VALUE", requires = "job_file")]
    set: Vec<String>,
}

impl Doctor {
    /// Prints the report.
    ///
    /// # Errors
    /// If the job file has problems, or stdout cannot be written.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let Self {
            job_file,
            overlay,
            set,
        } = self;
        let job = job_file.map(|job_file| JobArgs {
            job_file,
            overlay,
            set,
        });
        let source = job.map(|it| it.read()).transpose()?;
        let prices = Prices::read(|name| std::env::var(name).ok())?;
        let session = match Session::open(global, None).await {
            Ok(session) => session,
            Err(CliError::NoRegion(err)) => {
                let region = Check::fail("region", exit::USAGE, err.to_string())
                    .with_fix("give --region, set AWS_REGION, or choose a --profile that has one");
                return tell(&Report::of(vec![region]), printer);
            }
            Err(err) => return Err(err),
        };
        let checks = preflight::examine(&session, source.as_ref(), &prices).await;
        session.close(printer).await?;
        tell(&Report::of(checks), printer)
    }
}

fn tell(report: &Report, printer: &mut Printer) -> Result<u8, CliError> {
    printer.print(report)?;
    Ok(report.exit_code())
}
