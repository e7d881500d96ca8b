//! `local up`: serves the SageMaker on this machine in the foreground, for any client.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::exit;
use serde::Serialize;

use crate::args::Global;
use crate::aws::client::LOCAL_REGION;
use crate::error::CliError;
use crate::output::Printer;
use crate::session;
use crate::signals::Signals;
use crate::style::{COMMAND, FAINT, STRONG, paint};
use crate::units::parse_duration;

/// The SageMaker on this machine.
#[derive(Debug, clap::Subcommand)]
pub enum Local {
    /// Serve SageMaker, CloudWatch Logs and S3 on one port, until Ctrl-C
    Up(Up),
}

/// How to serve.
#[derive(Debug, clap::Args)]
pub struct Up {
    /// Port on 127.0.0.1; 0 takes any free one
    #[arg(long, value_name = "N", default_value_t = 4566)]
    port: u16,
    /// Folder of jobs, logs and objects [default: `$LINDEN_HOME/local`]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Take the machines away from every job on spot capacity, once, so long after its hosts have started
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    interrupt_after: Option<Duration>,
    /// Play the faults of this file: throttling, missing capacity, quotas, expired credentials and more
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// What the hosts of jobs and models that answer are
    #[arg(long, value_enum, default_value_t = Engine::Process)]
    engine: Engine,
}

/// What a job's hosts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    /// Processes of the trainer beside this program
    Process,
    /// Containers of the request's image on a private network of this machine's Docker Engine
    Docker,
}

#[derive(Serialize)]
struct Serving {
    endpoint: String,
    region: String,
    state: PathBuf,
    trainer: Option<PathBuf>,
}

impl fmt::Display for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables = [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_REGION", &self.region),
            ("AWS_DEFAULT_REGION", &self.region),
        ];
        for (name, value) in variables {
            writeln!(f, "export {name}={value}")?;
        }
        Ok(())
    }
}

impl Local {
    /// Serves until Ctrl-C or SIGTERM.
    ///
    /// # Errors
    /// If the server does not start.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let Self::Up(up) = self;
        up.run(global, printer).await
    }
}

impl Up {
    async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let state = self
            .state
            .unwrap_or_else(|| session::state_dir(|name| std::env::var(name).ok()));
        let mut config = local::Config::new(&state);
        config.port = self.port;
        config.trainer = session::trainer().ok();
        config.region = global
            .region
            .clone()
            .unwrap_or_else(|| LOCAL_REGION.to_owned());
        config.engine = match self.engine {
            Engine::Process => local::Engine::Process,
            Engine::Docker => local::Engine::Docker,
        };
        config.interruption = self.interrupt_after.map(local::Interruption::once);
        if let Some(path) = &self.scenario {
            config.scenario = scenario(path)?;
        }
        let (region, trainer) = (config.region.clone(), config.trainer.clone());
        let mut signals = Signals::listen()?;
        let server = local::Server::start(config).await?;
        let serving = Serving {
            endpoint: format!("http://{}", server.addr()),
            region,
            state,
            trainer,
        };
        printer.say(&format!(
            "SageMaker, CloudWatch Logs and S3 at {}",
            paint(STRONG, &serving.endpoint)
        ));
        printer.say(&paint(
            FAINT,
            format_args!("state in {}", serving.state.display()),
        ));
        if serving.trainer.is_none() {
            let build = paint(COMMAND, "cargo build --package trainer --features s3");
            printer.say(&format!(
                "no trainer beside linden, so no job can run; build it: {build}"
            ));
        }
        printer.say("give these to any client; Ctrl-C ends it");
        printer.print(&serving)?;
        printer.flush()?;
        signals.next().await;
        printer.say("ending; jobs that run are stopped");
        server.shutdown().await;
        Ok(exit::SUCCESS)
    }
}

fn scenario(path: &Path) -> Result<local::Scenario, CliError> {
    let text = std::fs::read_to_string(path).map_err(|err| CliError::file("read", path, err))?;
    local::Scenario::parse(&text).map_err(|problems| CliError::Scenario {
        path: path.to_owned(),
        problems,
    })
}
