//! Whom a command speaks to: AWS, or the SageMaker on this machine.
//!
//! The one on this machine lives as long as the command, unless `linden local up` runs already: then that one is asked.
//! Its state stays under [`state_dir`], so later commands see earlier jobs. Commands that share the server of another
//! command hold a [`Lease`], and that other command does not end before they do.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::job::JobName;

use crate::args::Global;
use crate::aws::client::{self, AccountPorts, LOCAL_REGION, Ports, Target};
use crate::aws::{AwsErrorKind, Identity, ListFilter, Logs, Store, TrainingJobs};
use crate::error::CliError;
use crate::follow::{self, Pace, SystemClock};
use crate::lease::Lease;
use crate::output::Printer;
use crate::signals::Signals;

/// Open connections, and what goes with them.
pub struct Session {
    ports: Ports,
    /// How often to ask.
    pub pace: Pace,
    /// Whether this is the SageMaker on this machine.
    pub is_local: bool,
    clock: SystemClock,
    server: Option<OwnServer>,
    /// Keeps the server of another command alive.
    _lease: Option<Lease>,
}

/// A server in this process.
struct OwnServer {
    server: local::Server,
    folder: PathBuf,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("ports", &self.ports)
            .field("is_local", &self.is_local)
            .finish_non_exhaustive()
    }
}

/// The folder of the SageMaker on this machine: `$LINDEN_HOME/local`, else `$XDG_STATE_HOME/linden/local`, else
/// `~/.local/state/linden/local`.
pub fn state_dir(variable: impl Fn(&str) -> Option<String>) -> PathBuf {
    let of = |name: &str| {
        variable(name)
            .filter(|it| !it.is_empty())
            .map(PathBuf::from)
    };
    let home = of("LINDEN_HOME").or_else(|| of("XDG_STATE_HOME").map(|it| it.join("linden")));
    let home = home.or_else(|| of("HOME").map(|it| it.join(".local/state/linden")));
    home.unwrap_or_else(|| PathBuf::from(".linden"))
        .join("local")
}

/// Where the trainer must lie: beside this program.
///
/// # Errors
/// If it is not there; the SageMaker on this machine could not run a job.
pub fn trainer() -> Result<PathBuf, CliError> {
    let exe = std::env::current_exe().map_err(CliError::Start)?;
    let path = exe.with_file_name(format!("linden-trainer{}", std::env::consts::EXE_SUFFIX));
    if path.is_file() {
        Ok(path)
    } else {
        Err(CliError::NoTrainer(path))
    }
}

impl Session {
    /// Opens what the global options name. `job` may be an ARN, which then brings the region.
    ///
    /// # Errors
    /// If the SageMaker on this machine does not start, or no region is to be found.
    pub async fn open(global: &Global, job: Option<&str>) -> Result<Self, CliError> {
        let region = global
            .region
            .clone()
            .or_else(|| job.and_then(region_of_arn));
        if global.local {
            return Self::open_local(region.unwrap_or_else(|| LOCAL_REGION.to_owned())).await;
        }
        let target = Target::Aws {
            profile: global.profile.clone(),
            region,
            endpoint_url: global.endpoint_url.clone(),
        };
        // Another endpoint on this machine has neither limits nor lag.
        let near = global
            .endpoint_url
            .as_deref()
            .is_some_and(|it| it.contains("//127.0.0.1") || it.contains("//localhost"));
        let ports = client::connect(&target).await?;
        let pace = if near { Pace::local() } else { Pace::aws() };
        Ok(Self {
            ports,
            pace,
            is_local: false,
            clock: SystemClock::default(),
            server: None,
            _lease: None,
        })
    }

    async fn open_local(region: String) -> Result<Self, CliError> {
        let folder = state_dir(|name| std::env::var(name).ok());
        // Before anything is looked for: whoever ends its server waits for this lease, or has ended it by then.
        let lease = Lease::take(&folder).await?;
        let (addr, server) = if let Some(addr) = local::find_running(&folder) {
            (addr, None)
        } else {
            start_server(&folder, &region).await?
        };
        let lease = server.is_none().then_some(lease);
        let server = server.map(|server| OwnServer { server, folder });
        let ports = client::connect(&Target::Local { addr, region }).await?;
        Ok(Self {
            ports,
            pace: Pace::local(),
            is_local: true,
            clock: SystemClock::default(),
            server,
            _lease: lease,
        })
    }

    /// Ends what was opened. A server of this process stops its jobs, once no other command uses it or after Ctrl-C.
    ///
    /// # Errors
    /// If the system tells neither of signals nor of the other commands.
    pub async fn close(self, printer: &mut Printer) -> Result<(), CliError> {
        let Some(OwnServer { server, folder }) = self.server else {
            return Ok(());
        };
        let mut alone = Lease::try_alone(&folder)?;
        if alone.is_none() {
            printer.say(
                "Another command uses the SageMaker in this one; waiting for it. Ctrl-C ends both.",
            );
            printer.flush()?;
            let mut signals = Signals::listen()?;
            alone = tokio::select! {
                alone = Lease::alone(&folder) => Some(alone?),
                _ = signals.next() => None,
            };
        }
        server.shutdown().await;
        drop(alone);
        Ok(())
    }

    /// Whether the jobs run in this process, so that they end with it.
    pub fn owns_server(&self) -> bool {
        self.server.is_some()
    }

    /// Training jobs.
    pub fn jobs(&self) -> &dyn TrainingJobs {
        &*self.ports.jobs
    }

    /// Their logs.
    pub fn logs(&self) -> &dyn Logs {
        &*self.ports.logs
    }

    /// Objects.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.ports.store)
    }

    /// Who asks.
    pub fn identity(&self) -> &dyn Identity {
        &*self.ports.identity
    }

    /// What the account has beside jobs.
    pub fn account(&self) -> &AccountPorts {
        &self.ports.account
    }

    /// The address that stands for all of AWS, where one was given.
    pub fn endpoint(&self) -> Option<&str> {
        self.ports.endpoint.as_deref()
    }

    /// The region in use.
    pub fn region(&self) -> &str {
        &self.ports.region
    }

    /// What following needs.
    pub fn follow(&self) -> follow::Ports<'_> {
        follow::Ports {
            jobs: self.jobs(),
            logs: self.logs(),
            clock: &self.clock,
        }
    }

    /// `--local` where it belongs into a command that is shown to the person.
    pub fn flag(&self) -> &'static str {
        if self.is_local { " --local" } else { "" }
    }

    /// The job that a person means: `@last`, `@last-failed`, an ARN, a name, or the beginning of exactly one name.
    ///
    /// # Errors
    /// If there is no such job, or several.
    pub async fn find(&self, job: &str) -> Result<JobName, CliError> {
        let missing = |similar| CliError::NoSuchJob {
            job: job.to_owned(),
            similar,
            local: self.is_local,
        };
        if job == "@last" || job == "@last-failed" {
            let newest = self
                .jobs()
                .list(&ListFilter {
                    limit: 1,
                    status: (job == "@last-failed").then(|| "Failed".to_owned()),
                    ..ListFilter::default()
                })
                .await?;
            let name = newest
                .jobs
                .first()
                .and_then(|it| it.training_job_name.parse().ok());
            return name.ok_or_else(|| missing(vec![]));
        }
        let text = job
            .rsplit_once(":training-job/")
            .map_or(job, |(_, name)| name);
        // The beginning of a name may end with a hyphen, which no name does.
        if let Ok(name) = text.parse::<JobName>() {
            match self.jobs().describe(&name).await {
                Ok(_) => return Ok(name),
                Err(err) if err.kind == AwsErrorKind::NotFound => {}
                Err(err) => return Err(err.into()),
            }
        }
        let stem: String = text.chars().take(63).collect();
        let filter = ListFilter {
            name_contains: Some(stem),
            limit: 100,
            ..ListFilter::default()
        };
        let names: Vec<String> = self
            .jobs()
            .list(&filter)
            .await?
            .jobs
            .into_iter()
            .map(|it| it.training_job_name)
            .collect();
        let fits: Vec<&String> = names.iter().filter(|it| it.starts_with(text)).collect();
        match fits[..] {
            [] => Err(missing(names.into_iter().take(3).collect())),
            [only] => only.parse().map_err(|_| missing(vec![])),
            _ => {
                let candidates = fits.into_iter().take(5).cloned().collect();
                Err(CliError::AmbiguousJob {
                    job: job.to_owned(),
                    candidates,
                })
            }
        }
    }
}

/// Starts the server in this process, unless another command was faster.
async fn start_server(
    folder: &Path,
    region: &str,
) -> Result<(SocketAddr, Option<local::Server>), CliError> {
    let mut config = local::Config::new(folder);
    region.clone_into(&mut config.region);
    config.trainer = trainer().ok();
    match local::Server::start(config).await {
        Ok(server) => Ok((server.addr(), Some(server))),
        Err(local::LocalError::Taken {
            addr: Some(addr), ..
        }) => Ok((addr, None)),
        Err(err) => Err(err.into()),
    }
}

/// `arn:aws:sagemaker:<region>:<account>:training-job/<name>`.
fn region_of_arn(job: &str) -> Option<String> {
    let parts: Vec<&str> = job.split(':').collect();
    (parts.first() == Some(&"arn") && parts.len() == 6).then(|| parts[3].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_lies_where_the_variables_say() {
        let with = |name: &'static str, value: &'static str| {
            move |asked: &str| (asked == name).then(|| value.to_owned())
        };
        assert_eq!(
            state_dir(with("LINDEN_HOME", "/x")),
            PathBuf::from("/x/local")
        );
        assert_eq!(
            state_dir(with("XDG_STATE_HOME", "/s")),
            PathBuf::from("/s/linden/local")
        );
        assert_eq!(
            state_dir(with("HOME", "/h")),
            PathBuf::from("/h/.local/state/linden/local")
        );
    }

    #[test]
    fn an_arn_brings_its_region() {
        let arn = "arn:aws:sagemaker:eu-west-1:123456789012:training-job/a";
        assert_eq!(region_of_arn(arn).as_deref(), Some("eu-west-1"));
        assert_eq!(region_of_arn("churn-1"), None);
    }
}
