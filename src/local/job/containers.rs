//! A job's hosts as containers: one each on a private network, by the names of the contract.
//!
//! Invariants: a container has its host's name and can be reached by it from the others; its tree is at `/opt/ml`; it runs with
//! the ids of whoever runs this server, so nobody else owns what it leaves, and with the memory and processors of its
//! instance type. Network isolation is a network without a way out. Containers and networks have a label of the state folder,
//! by which the next server ends what a crash has left.
//!
//! Source: SageMaker developer guide, "How Amazon SageMaker AI Runs Your Training Image".

use super::layout::Host;
use super::machine::Machine;
use contract::job::TrainingJobDescription;
use contract::paths::DEFAULT_ROOT;
use rustix::process::{getgid, getuid};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// The engine's client.
const CLIENT: &str = "docker";
/// What a state folder's containers and networks are known by.
const LABEL: &str = "linden.local.state";

/// The containers of one start of a job.
#[derive(Clone, Debug)]
pub(super) struct Containers {
    /// Begins every name, and is the network's.
    mark: String,
    label: String,
    image: String,
    entrypoint: Vec<String>,
    arguments: Vec<String>,
    machine: Option<Machine>,
}

impl Containers {
    /// Makes the network of a job's hosts.
    pub(super) async fn open(job: &TrainingJobDescription, state: &Path) -> io::Result<Self> {
        let algorithm = &job.algorithm_specification;
        let instance_type = job.resource_config.instance_type.as_deref();
        let id = crate::wire::request_id();
        let containers = Self {
            mark: format!("linden-{}-{}", job.training_job_name, &id[..8]),
            label: label(state),
            image: algorithm.training_image.clone().unwrap_or_default(),
            entrypoint: algorithm.container_entrypoint.clone(),
            arguments: algorithm.container_arguments.clone(),
            machine: instance_type.and_then(Machine::of),
        };
        let mut words = vec!["network", "create", "--label", &containers.label];
        if job.enable_network_isolation == Some(true) {
            words.push("--internal");
        }
        words.push(&containers.mark);
        docker(&words).await?;
        Ok(containers)
    }

    /// The client's command that runs a host's container until it ends.
    pub(super) fn command(&self, host: &Host, environment: &BTreeMap<String, String>) -> Command {
        let mut command = Command::new(CLIENT);
        command.args(["run", "--rm", "--init=false", "--label", &self.label]);
        command.args(["--name", &self.name(host), "--hostname", &host.name]);
        command.args(["--network", &self.mark, "--network-alias", &host.name]);
        command.args([
            "--user",
            &format!("{}:{}", getuid().as_raw(), getgid().as_raw()),
        ]);
        // The option is a line of CSV, and a path may have commas and quotes.
        let source = host.root.path().display().to_string().replace('"', "\"\"");
        let tree = format!("type=bind,\"source={source}\",target={DEFAULT_ROOT}");
        command.args(["--mount", &tree]);
        if let Some(machine) = self.machine {
            let memory = format!("{}m", machine.memory);
            // No swap either: a job that needs more than its machine has is killed, as on AWS.
            command.args(["--memory", &memory, "--memory-swap", &memory]);
            command.args(["--cpus", &machine.processors_here().to_string()]);
        }
        for (name, value) in environment {
            if is_the_clients(name) {
                command.args(["--env", &format!("{name}={value}")]);
            } else {
                // The client passes its own on, whose value then stands in no list of processes.
                command.args(["--env", name]).env(name, value);
            }
        }
        match self.entrypoint.split_first() {
            // Then the word `train` is not passed.
            Some((program, rest)) => {
                command.args(["--entrypoint", program, &self.image]);
                command.args(rest).args(&self.arguments);
            }
            None if self.arguments.is_empty() => {
                command.args([&self.image, "train"]);
            }
            None => {
                command.arg(&self.image).args(&self.arguments);
            }
        }
        command
    }

    /// Ends what still runs, and removes the network.
    pub(super) async fn close(&self, hosts: &[Host]) {
        for host in hosts {
            // One that has ended is gone by itself.
            let _ = docker(&["rm", "--force", &self.name(host)]).await;
        }
        if let Err(err) = docker(&["network", "rm", &self.mark]).await {
            tracing::warn!(network = self.mark, %err, "a network could not be removed");
        }
    }

    fn name(&self, host: &Host) -> String {
        format!("{}-{}", self.mark, host.name)
    }
}

/// Whether the engine's client reads this variable itself.
fn is_the_clients(name: &str) -> bool {
    name == "PATH" || name == "HOME" || name.starts_with("DOCKER_") || name.starts_with("LD_")
}

/// Whether an image is on this machine.
///
/// # Errors
/// If the engine does not answer.
pub(crate) fn has_image(image: &str) -> io::Result<bool> {
    let run = |words: &[&str]| {
        let mut command = std::process::Command::new(CLIENT);
        command.args(words).stdin(Stdio::null()).output()
    };
    if run(&["image", "inspect", image])?.status.success() {
        return Ok(true);
    }
    let version = run(&["version"])?;
    if version.status.success() {
        return Ok(false);
    }
    let said = String::from_utf8_lossy(&version.stderr).trim().to_owned();
    Err(io::Error::other(said))
}

/// Ends the containers and networks that an earlier server of a state folder has left.
pub(crate) async fn sweep(state: &Path) -> io::Result<()> {
    let filter = format!("label={}", label(state));
    let containers = docker(&["ps", "--all", "--quiet", "--filter", &filter]).await?;
    for id in containers.split_whitespace() {
        // One that has ended meanwhile is gone by itself; one that stays keeps its network, which says so.
        let _ = docker(&["rm", "--force", id]).await;
    }
    let networks = docker(&["network", "ls", "--quiet", "--filter", &filter]).await?;
    for id in networks.split_whitespace() {
        docker(&["network", "rm", id]).await?;
    }
    Ok(())
}

fn label(state: &Path) -> String {
    format!("{LABEL}={}", state.display())
}

/// Runs the client, and gives what it prints.
async fn docker(words: &[&str]) -> io::Result<String> {
    let mut command = Command::new(CLIENT);
    let done = command.args(words).stdin(Stdio::null()).kill_on_drop(true);
    let done = done.output().await?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Err(io::Error::other(format!(
        "`{CLIENT} {}`: {said}",
        words.join(" ")
    )))
}
