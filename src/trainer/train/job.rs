//! The job as SageMaker wrote it down: hyperparameters, channels, hosts.
//!
//! Invariant: a [`Job`] asks for nothing that this version cannot do. What it cannot do is refused here, before a byte of
//! data is read.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use contract::channel::{
    Channel, InputDataConfig, InputMode, MODEL, RecordWrapper, TRAIN, VALIDATION,
};
use contract::checkpoint::CheckpointConfig;
use contract::hyperparameter::{self, Algorithm, Hyperparameters};
use contract::paths::MlRoot;
use contract::resource::ResourceConfig;
use engine::params::{BoosterName, ProcessType};
use linfa::ParamGuard;

use super::streams::Whereabouts;
use crate::error::TrainerError;
use crate::log;

/// A job that can be run.
#[derive(Debug)]
pub(crate) struct Job {
    /// Effective hyperparameters.
    pub(crate) hyperparameters: Hyperparameters,
    /// The hyperparameters as they were given.
    pub(crate) given: BTreeMap<String, String>,
    /// The channel to learn from.
    pub(crate) train: Channel,
    /// The channel to evaluate on.
    pub(crate) validation: Option<Channel>,
    /// Where checkpoints go, where the job says so.
    pub(crate) checkpoints: Option<CheckpointConfig>,
    /// The features that Parquet files hold as text.
    pub(crate) text: Vec<u32>,
    /// The features whose values are categories, once it is known which these are.
    pub(crate) categorical: Vec<u32>,
    /// Whether there is a channel with a model to continue from.
    pub(crate) continues: bool,
    /// Where the channels are.
    pub(crate) whereabouts: Whereabouts,
    /// The type of the instance, where the platform says it.
    pub(crate) instance_type: Option<String>,
}

impl Job {
    /// Reads the documents below `input/config`.
    pub(crate) fn read(root: &MlRoot, whereabouts: Whereabouts) -> Result<Self, TrainerError> {
        let path = root.hyperparameters_json();
        let bytes = read(&path)?.ok_or_else(|| missing(&path))?;
        let given = hyperparameter::read_hyperparameters_json(&bytes)?;
        let hyperparameters = Hyperparameters::parse(&given)?;
        log::set_verbosity(hyperparameters.verbosity);
        for it in &hyperparameters.ignored {
            tracing::info!(
                "Hyperparameter {}: `{}` has no effect: {}",
                it.name,
                it.value,
                it.why
            );
        }
        for it in &hyperparameters.warnings {
            tracing::warn!("{it}");
        }
        let instance_type = only_host(root)?.current_instance_type;
        let checkpoints = read(&root.checkpointconfig_json())?;
        let checkpoints = checkpoints
            .map(|bytes| CheckpointConfig::read(&bytes))
            .transpose()?;
        let channels = match read(&root.inputdataconfig_json())? {
            Some(bytes) => InputDataConfig::read(&bytes)?,
            None => InputDataConfig::default(),
        };
        let channels = channels.streamed(whereabouts.streamed());
        channels.check_names()?;
        let train = channels.train()?.clone();
        check_channel(TRAIN, &train)?;
        let mut validation = channels.validation().cloned();
        if let Some(validation) = &mut validation {
            // The built-in algorithm reads both channels by the content type of `train`.
            validation.content_type = validation.content_type.or(train.content_type);
            check_channel(VALIDATION, validation)?;
        }
        if let Some(model) = channels.model() {
            check_channel(MODEL, model)?;
            check_continues(&hyperparameters)?;
        } else if hyperparameters.process_type == ProcessType::Update {
            return Err(TrainerError::Update);
        }
        Ok(Self {
            hyperparameters,
            given,
            train,
            validation,
            checkpoints,
            text: Vec::new(),
            categorical: Vec::new(),
            continues: channels.model().is_some(),
            whereabouts,
            instance_type,
        })
    }
}

/// What is not boosted cannot go on; and a fold's rows may be known to the model.
fn check_continues(hyperparameters: &Hyperparameters) -> Result<(), TrainerError> {
    if hyperparameters.algorithm == Algorithm::DecisionTree {
        let with = "`algorithm` = `decision_tree`, which is one tree".to_owned();
        return Err(TrainerError::Continuing { with });
    }
    let booster = hyperparameters.params.check_ref()?.booster();
    if booster == BoosterName::Dart && !hyperparameters.categorical_features.is_empty() {
        let with = "`booster` = `dart` and `categorical_features`".to_owned();
        return Err(TrainerError::Continuing { with });
    }
    if hyperparameters.kfold.is_some() && booster == BoosterName::Dart {
        let with =
            "`_kfold` and `booster` = `dart`, whose rounds change what the model's trees are worth"
                .to_owned();
        return Err(TrainerError::Continuing { with });
    }
    if hyperparameters.kfold.is_some() {
        tracing::warn!(
            "every fold continues from the model in channel `{MODEL}`: if that was trained on rows of this job, it knows rows \
             that are held out, and what is measured on them is too good"
        );
    }
    Ok(())
}

/// The host that the job runs on.
fn only_host(root: &MlRoot) -> Result<ResourceConfig, TrainerError> {
    let resources = match read(&root.resourceconfig_json())? {
        Some(bytes) => ResourceConfig::read(&bytes)?,
        None => ResourceConfig::single(),
    };
    match resources.world_size() {
        1 => {
            tracing::info!("Single node training.");
            Ok(resources)
        }
        n_hosts => Err(TrainerError::Hosts { n_hosts }),
    }
}

fn check_channel(name: &'static str, channel: &Channel) -> Result<(), TrainerError> {
    match (channel.input_mode, channel.record_wrapper) {
        (InputMode::Pipe, _) if name == MODEL => Err(TrainerError::PipeMode { channel: name }),
        (InputMode::File | InputMode::FastFile, RecordWrapper::RecordIo) => {
            Err(TrainerError::RecordWrapper { channel: name })
        }
        (InputMode::File | InputMode::FastFile, RecordWrapper::None) | (InputMode::Pipe, _) => {
            Ok(())
        }
    }
}

/// The bytes of a document; `None` if it is not there.
fn read(path: &Path) -> Result<Option<Vec<u8>>, TrainerError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TrainerError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

fn missing(path: &Path) -> TrainerError {
    TrainerError::Read {
        path: path.to_owned(),
        source: io::ErrorKind::NotFound.into(),
    }
}
