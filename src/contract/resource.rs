//! `resourceconfig.json`: the job's hosts, and which of them this is.
//!
//! Local runs write only `current_host` and `hosts`; the network interface is never needed. Invariant: `hosts` is sorted,
//! is not empty and holds `current_host`, so every host computes the same ranks.
//!
//! Source: SageMaker developer guide, "Distributed Training Configuration".

use serde::{Deserialize, Serialize};

use crate::document;
use crate::error::ContractError;
use crate::paths::RESOURCECONFIG_JSON;

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceConfig {
    /// This host's name, `algo-1` for the first.
    pub current_host: String,
    /// All hosts, sorted as text: `algo-1`, `algo-10`, `algo-2`.
    pub hosts: Vec<String>,
    /// The network interface between hosts; kept, never needed.
    #[serde(default = "eth0")]
    pub network_interface_name: String,
    /// The instance type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_instance_type: Option<String>,
    /// The instance group of this host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_group_name: Option<String>,
    /// All instance groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instance_groups: Vec<InstanceGroup>,
}

/// Hosts of one instance type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceGroup {
    /// The group's name; `homogeneousCluster` where the request names none.
    pub instance_group_name: String,
    /// Its instance type.
    pub instance_type: String,
    /// Its hosts.
    pub hosts: Vec<String>,
}

impl ResourceConfig {
    /// A job on `n_hosts` hosts of one type, as host number `rank` (from 0) sees it.
    pub fn homogeneous(n_hosts: usize, rank: usize, instance_type: &str) -> Self {
        let mut hosts: Vec<String> = (1..=n_hosts.max(1))
            .map(|it| format!("algo-{it}"))
            .collect();
        hosts.sort();
        let group = "homogeneousCluster";
        Self {
            current_host: hosts[rank.min(hosts.len() - 1)].clone(),
            network_interface_name: eth0(),
            current_instance_type: Some(instance_type.to_owned()),
            current_group_name: Some(group.to_owned()),
            instance_groups: vec![InstanceGroup {
                instance_group_name: group.to_owned(),
                instance_type: instance_type.to_owned(),
                hosts: hosts.clone(),
            }],
            hosts,
        }
    }

    /// A single host, for a tree without the document.
    pub fn single() -> Self {
        let host = "algo-1".to_owned();
        Self {
            hosts: vec![host.clone()],
            current_host: host,
            network_interface_name: eth0(),
            current_instance_type: None,
            current_group_name: None,
            instance_groups: Vec::new(),
        }
    }

    /// Reads the document; unknown keys are ignored.
    ///
    /// # Errors
    /// If it is not JSON, lists no host, or does not list this one.
    pub fn read(bytes: &[u8]) -> Result<Self, ContractError> {
        let mut config: Self = document::read(RESOURCECONFIG_JSON, bytes)?;
        if config.hosts.is_empty() {
            return Err(ContractError::NoHosts);
        }
        if !config.hosts.contains(&config.current_host) {
            return Err(ContractError::UnknownHost {
                host: config.current_host,
                hosts: config.hosts.join(", "),
            });
        }
        config.hosts.sort();
        Ok(config)
    }

    /// The document's text.
    pub fn write(&self) -> String {
        document::write(self)
    }

    /// This host's place among the sorted hosts, from 0.
    pub fn rank(&self) -> usize {
        self.hosts
            .iter()
            .position(|it| *it == self.current_host)
            .unwrap_or(0)
    }

    /// How many hosts there are.
    pub fn world_size(&self) -> usize {
        self.hosts.len()
    }

    /// Whether this host saves the model and prints the metrics.
    pub fn is_leader(&self) -> bool {
        self.rank() == 0
    }
}

fn eth0() -> String {
    "eth0".to_owned()
}
