//! The environment of a job's hosts: the request's, and what the platform sets.
//!
//! Source: SageMaker developer guide, "How Amazon SageMaker AI Runs Your Training Image".

use super::runner::Runner;
use crate::config::Engine;
use contract::environment;
use contract::job::TrainingJobDescription;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

impl Runner {
    pub(super) fn environment(&self, job: &TrainingJobDescription) -> BTreeMap<String, String> {
        let mut variables = job.environment.clone();
        for (variable, value) in [
            (environment::TRAINING_JOB_NAME, &job.training_job_name),
            (environment::TRAINING_JOB_ARN, &job.training_job_arn),
            (environment::AWS_REGION, &self.config.region),
        ] {
            variables.insert(variable.name.to_owned(), value.clone());
        }
        match self.config.engine {
            Engine::Process => self.on_this_machine(&mut variables),
            // The image has its own path, and this server's port is not to be reached from its network.
            Engine::Docker => {}
        }
        variables
    }

    fn on_this_machine(&self, variables: &mut BTreeMap<String, String>) {
        if let Ok(path) = std::env::var("PATH") {
            variables.entry("PATH".to_owned()).or_insert(path);
        }
        // What a role and a region are on AWS: the way to the channels that the trainer reads from S3 by itself.
        let endpoint = format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.config.port);
        for (name, value) in [
            (environment::AWS_ENDPOINT_URL.name, endpoint.as_str()),
            (environment::AWS_ACCESS_KEY_ID.name, "local"),
            (environment::AWS_SECRET_ACCESS_KEY.name, "local"),
        ] {
            let variable = variables.entry(name.to_owned());
            variable.or_insert_with(|| value.to_owned());
        }
    }
}
