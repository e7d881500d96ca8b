//! Containers of a job's hosts or of a model: one each on a private network, by the names of the contract.
//!
//! Invariants: a container has its host's name and can be reached by it from the others of its network; its tree is at
//! `/opt/ml`; it runs with the ids of whoever runs this server, so nobody else owns what it leaves, and with the memory and
//! processors of its instance type. Network isolation is a network without a way out. This server reaches a container by its
//! address on the network, and a container this server by the network's gateway (`gateway`), so the engine must be on this
//! machine. Containers and networks have a label of the state folder, by which the next server ends what a crash has left.
//!
//! Source: SageMaker developer guide, "How Amazon SageMaker AI Runs Your Training Image", "How Amazon SageMaker Processing
//! Runs Your Processing Container Image", "Use Your Own Inference Code with Hosting Services".

mod gateway;
mod machine;

pub(crate) use gateway::Gateway;

use crate::job::Host;
use contract::paths::DEFAULT_ROOT;
use machine::Machine;
use rustix::process::{getgid, getuid};
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// The engine's client.
const CLIENT: &str = "docker";
/// What a state folder's containers and networks are known by.
const LABEL: &str = "linden.local.state";
/// A network is busy until its last container is gone, which the engine tells a moment before it is.
const REMOVALS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// What containers are made from.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// Whose they are; a part of their names.
    pub(crate) name: String,
    pub(crate) image: String,
    /// Instead of the image's own, where it is not empty.
    pub(crate) entrypoint: Vec<String>,
    pub(crate) arguments: Vec<String>,
    pub(crate) instance_type: Option<String>,
    pub(crate) network: Network,
}

/// What a network leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// Wherever this machine gets.
    Open,
    /// Nowhere but to its own hosts.
    Isolated,
}

impl Network {
    /// That of a request's `EnableNetworkIsolation`.
    pub(crate) fn of(isolation: Option<bool>) -> Self {
        match isolation {
            Some(true) => Self::Isolated,
            Some(false) | None => Self::Open,
        }
    }
}

/// The containers of one start of a job or a model.
#[derive(Clone, Debug)]
pub(crate) struct Containers {
    /// Begins every name, and is the network's.
    mark: String,
    label: String,
    recipe: Recipe,
    machine: Option<Machine>,
}

impl Containers {
    /// Makes the network.
    pub(crate) async fn open(recipe: Recipe, state: &Path) -> io::Result<Self> {
        let id = crate::wire::request_id();
        let containers = Self {
            mark: format!("linden-{}-{}", recipe.name, &id[..8]),
            label: label(state),
            machine: recipe.instance_type.as_deref().and_then(Machine::of),
            recipe,
        };
        let mut words = vec!["network", "create", "--label", &containers.label];
        match containers.recipe.network {
            Network::Open => {}
            Network::Isolated => words.push("--internal"),
        }
        words.push(&containers.mark);
        docker(&words).await?;
        Ok(containers)
    }

    /// Where this machine is to the containers.
    pub(crate) async fn gateway(&self) -> io::Result<IpAddr> {
        let format = "{{range .IPAM.Config}}{{.Gateway}} {{end}}";
        address(&["network", "inspect", "--format", format, &self.mark]).await
    }

    /// Where a host's container is to this machine, once it runs.
    pub(crate) async fn address(&self, host: &Host) -> io::Result<IpAddr> {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
        address(&["inspect", "--format", format, &self.name(host)]).await
    }

    /// The client's command that runs a host's container until it ends.
    pub(crate) fn command(&self, host: &Host, environment: &BTreeMap<String, String>) -> Command {
        let mut command = Command::new(CLIENT);
        command.args(["run", "--rm", "--pull=never", "--init=false"]);
        command.args(["--label", &self.label]);
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
        match self.recipe.entrypoint.split_first() {
            Some((program, rest)) => {
                command.args(["--entrypoint", program, &self.recipe.image]);
                command.args(rest);
            }
            None => {
                command.arg(&self.recipe.image);
            }
        }
        command.args(&self.recipe.arguments);
        command
    }

    /// Ends what still runs, and removes the network.
    pub(crate) async fn close(&self, hosts: &[Host]) {
        for host in hosts {
            // One that has ended is gone by itself.
            let _ = docker(&["rm", "--force", &self.name(host)]).await;
        }
        if let Err(err) = remove_network(&self.mark).await {
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
        remove_network(id).await?;
    }
    Ok(())
}

/// Removes a network whose containers are gone, or about to be.
async fn remove_network(network: &str) -> io::Result<()> {
    let mut tried = 0;
    loop {
        match docker(&["network", "rm", network]).await {
            Ok(_) => return Ok(()),
            Err(err) if tried == REMOVALS => return Err(err),
            Err(_) => tried += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The first address that the client prints.
async fn address(words: &[&str]) -> io::Result<IpAddr> {
    let said = docker(words).await?;
    let first = said.split_whitespace().next().unwrap_or_default();
    first.parse().map_err(|_| {
        let text = format!("`{CLIENT} {}` gave no address", words.join(" "));
        io::Error::other(text)
    })
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
