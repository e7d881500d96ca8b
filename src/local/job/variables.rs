//! The environment of a job's hosts: the request's, and what the platform sets.
//!
//! Source: SageMaker developer guide, "How Amazon SageMaker AI Runs Your Training Image".

use super::runner::Runner;
use crate::config::{Config, Engine};
use crate::container::Gateway;
use contract::environment;
use contract::job::TrainingJobDescription;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What the names of variables begin with by which the trainer reads channels from S3.
const STREAMED: &str = "LINDEN_CHANNEL_";

/// A variable by which the trainer reads a channel from S3 by itself.
pub(crate) fn streamed_channel(environment: &BTreeMap<String, String>) -> Option<&str> {
    let mut names = environment.keys().map(String::as_str);
    names.find(|it| it.starts_with(STREAMED))
}

/// Adds what a process on this machine needs: programs, and the way to the local S3.
pub(crate) fn on_this_machine(config: &Config, variables: &mut BTreeMap<String, String>) {
    if let Ok(path) = std::env::var("PATH") {
        variables.entry("PATH".to_owned()).or_insert(path);
    }
    let endpoint = format!("http://{}:{}", Ipv4Addr::LOCALHOST, config.port);
    to_s3(&endpoint, variables);
}

/// What a role and a region are on AWS: the way to the objects that a host reads from S3 by itself.
fn to_s3(endpoint: &str, variables: &mut BTreeMap<String, String>) {
    for (name, value) in [
        (environment::AWS_ENDPOINT_URL.name, endpoint),
        (environment::AWS_ACCESS_KEY_ID.name, "local"),
        (environment::AWS_SECRET_ACCESS_KEY.name, "local"),
    ] {
        let variable = variables.entry(name.to_owned());
        variable.or_insert_with(|| value.to_owned());
    }
}

impl Runner {
    /// `gateway` is where containers find the local S3, if they may.
    pub(super) fn environment(
        &self,
        job: &TrainingJobDescription,
        gateway: Option<&Gateway>,
    ) -> BTreeMap<String, String> {
        let mut variables = job.environment.clone();
        for (variable, value) in [
            (environment::TRAINING_JOB_NAME, &job.training_job_name),
            (environment::TRAINING_JOB_ARN, &job.training_job_arn),
            (environment::AWS_REGION, &self.config.region),
        ] {
            variables.insert(variable.name.to_owned(), value.clone());
        }
        match (self.config.engine, gateway) {
            (Engine::Process, _) => on_this_machine(&self.config, &mut variables),
            (Engine::Docker, Some(gateway)) => to_s3(&gateway.endpoint(), &mut variables),
            // The image has its own path.
            (Engine::Docker, None) => {}
        }
        variables
    }
}
