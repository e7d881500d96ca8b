//! A host's tree as the platform lays it out before the container starts.
//!
//! `inputdataconfig.json` is written from the request's own texts, not through the trainer's types: the platform passes
//! on a content type that no trainer reads, and so must this, or the trainer's refusal could not be seen here.

use crate::config::Engine;
use contract::channel::{Distribution, InputMode, RecordWrapper};
use contract::checkpoint::CheckpointConfig;
use contract::job::TrainingJobDescription;
use contract::job::request::Channel;
use contract::paths::{DEFAULT_ROOT, MlRoot};
use contract::resource::ResourceConfig;
use serde_json::{Map, Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One host of a job.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    /// `algo-1`.
    pub(crate) name: String,
    /// Its tree.
    pub(crate) root: MlRoot,
}

/// Makes the trees of all hosts below `work`, rank by rank.
pub(super) fn lay_out(
    work: &Path,
    job: &TrainingJobDescription,
    engine: Engine,
) -> io::Result<Vec<Host>> {
    let n_hosts = job.resource_config.instance_count.unwrap_or(1).max(1) as usize;
    let instance_type = job
        .resource_config
        .instance_type
        .as_deref()
        .unwrap_or_default();
    let resource = |rank| ResourceConfig::homogeneous(n_hosts, rank, instance_type);
    (0..n_hosts)
        .map(|rank| host(work, job, &resource(rank), engine))
        .collect()
}

fn host(
    work: &Path,
    job: &TrainingJobDescription,
    resource: &ResourceConfig,
    engine: Engine,
) -> io::Result<Host> {
    let name = resource.current_host.clone();
    let root = MlRoot::at(work.join(&name));
    for folder in [
        root.input_config_dir(),
        root.input_data_dir(),
        root.model_dir(),
        root.output_data_dir(),
    ] {
        fs::create_dir_all(folder)?;
    }
    fs::write(
        root.hyperparameters_json(),
        json!(job.hyper_parameters).to_string(),
    )?;
    fs::write(root.resourceconfig_json(), resource.write())?;
    if !job.input_data_config.is_empty() {
        let mode = &job.algorithm_specification.training_input_mode;
        fs::write(
            root.inputdataconfig_json(),
            channels(&job.input_data_config, mode).to_string(),
        )?;
    }
    if let Some(checkpoint) = &job.checkpoint_config {
        let local_path = checkpoint_dir(&root, checkpoint.local_path.as_deref());
        fs::create_dir_all(local_path)?;
        // A container sees its tree where the platform has it.
        let seen = match engine {
            Engine::Process => root.clone(),
            Engine::Docker => MlRoot::at(DEFAULT_ROOT),
        };
        let document = CheckpointConfig {
            local_path: checkpoint_dir(&seen, checkpoint.local_path.as_deref()),
            s3_uri: Some(checkpoint.s3_uri.clone()),
        };
        fs::write(root.checkpointconfig_json(), document.write())?;
    }
    Ok(Host { name, root })
}

/// `LocalPath` as the process sees it: `/opt/ml` is the host's tree.
pub(super) fn checkpoint_dir(root: &MlRoot, local_path: Option<&str>) -> PathBuf {
    let below = local_path.and_then(|it| Path::new(it).strip_prefix(DEFAULT_ROOT).ok());
    below.map_or_else(|| root.checkpoints_dir(), |it| root.path().join(it))
}

fn channels(channels: &[Channel], job_mode: &str) -> Value {
    let entry = |channel: &Channel| {
        let source = channel.data_source.s3_data_source.as_ref();
        let distribution = source.and_then(|it| it.s3_data_distribution_type.clone());
        let mut entry = Map::new();
        if let Some(content_type) = &channel.content_type {
            entry.insert("ContentType".to_owned(), json!(content_type));
        }
        let mode = channel
            .input_mode
            .clone()
            .unwrap_or_else(|| job_mode.to_owned());
        let mode = if mode.is_empty() {
            InputMode::File.to_string()
        } else {
            mode
        };
        entry.insert("TrainingInputMode".to_owned(), json!(mode));
        let distribution =
            distribution.unwrap_or_else(|| Distribution::FullyReplicated.to_string());
        entry.insert("S3DistributionType".to_owned(), json!(distribution));
        let wrapper = channel
            .record_wrapper_type
            .clone()
            .unwrap_or_else(|| RecordWrapper::None.to_string());
        entry.insert("RecordWrapperType".to_owned(), json!(wrapper));
        (channel.channel_name.clone(), Value::Object(entry))
    };
    Value::Object(channels.iter().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Engine;
    use contract::channel::InputDataConfig;

    fn description() -> TrainingJobDescription {
        serde_json::from_value(json!({
            "TrainingJobName": "j", "TrainingJobArn": "a", "TrainingJobStatus": "InProgress", "CreationTime": 1.0,
            "SecondaryStatus": "Starting", "HyperParameters": { "num_round": "10" },
            "AlgorithmSpecification": { "TrainingInputMode": "FastFile" },
            "ResourceConfig": { "InstanceType": "ml.m5.large", "InstanceCount": 2 },
            "InputDataConfig": [{ "ChannelName": "train", "ContentType": "text/csv", "DataSource": {} }],
            "CheckpointConfig": { "S3Uri": "s3://bkt/c", "LocalPath": "/opt/ml/here" },
        }))
        .unwrap()
    }

    #[test]
    fn what_is_laid_out_is_what_the_contract_reads() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = lay_out(dir.path(), &description(), Engine::Process).unwrap();
        assert_eq!(hosts.len(), 2);
        let root = &hosts[1].root;
        let read = |path: PathBuf| fs::read(path).unwrap();
        let resource = ResourceConfig::read(&read(root.resourceconfig_json())).unwrap();
        assert_eq!(
            (resource.current_host.as_str(), resource.rank()),
            ("algo-2", 1)
        );
        let channels = InputDataConfig::read(&read(root.inputdataconfig_json())).unwrap();
        assert_eq!(channels.train().unwrap().input_mode, InputMode::FastFile);
        let checkpoint = CheckpointConfig::read(&read(root.checkpointconfig_json())).unwrap();
        assert_eq!(checkpoint.local_path, root.path().join("here"));
        assert_eq!(read(root.hyperparameters_json()), br#"{"num_round":"10"}"#);
    }
}
