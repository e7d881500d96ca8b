//! Every way in which the program can fail, and who can do something about it.
//!
//! Invariant: [`TrainerError::class`] is total, without a `_` arm over our own errors: whoever adds one decides who can
//! fix it. The failure file, stderr and the exit code all follow from the one [`Failure`] made here.

use std::io;
use std::path::PathBuf;

use contract::artifact::StoredModelError;
use contract::error::ContractError;
use contract::failure::{Failure, FailureClass};
use contract::hyperparameter::HyperparameterErrors;
use engine::bin::BinError;
use engine::booster::{PredictError, TrainError};
use engine::dataset::FoldError;
use engine::estimator::DecisionTreeError;
use engine::params::ParamError;
use engine::simd::SimdError;
use engine::threads::ThreadsError;

use crate::data::DataError;
use crate::serve::ServeError;
use crate::train::{CheckpointError, StartError};

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum TrainerError {
    /// The program was called with words that it does not know.
    #[error("{0}")]
    Usage(String),
    /// A document of the job could not be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The document.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A document of the job does not say what it should.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// Hyperparameters were refused.
    #[error("{}", .0.problems()[0])]
    Hyperparameters(#[from] HyperparameterErrors),
    /// Hyperparameters that the engine does not take together.
    #[error("Hyperparameter {0}")]
    Parameter(#[from] ParamError),
    /// The job has several hosts.
    #[error("the job has {n_hosts} hosts, but this version trains on one host only")]
    Hosts {
        /// Hosts of the job.
        n_hosts: usize,
    },
    /// The channel with a model is a pipe.
    #[error(
        "channel `{channel}` is in Pipe mode, in which no model comes; allowed are File and FastFile"
    )]
    PipeMode {
        /// The channel.
        channel: &'static str,
    },
    /// A channel's objects are wrapped in records where they are files.
    #[error(
        "channel `{channel}` has RecordWrapperType RecordIO, which goes with Pipe mode alone; allowed is None"
    )]
    RecordWrapper {
        /// The channel.
        channel: &'static str,
    },
    /// A channel holds no row.
    #[error("No data in {} channel path {}", if *channel == "train" { "training" } else { channel }, path.display())]
    NoData {
        /// The channel.
        channel: &'static str,
        /// Its folder.
        path: PathBuf,
    },
    /// A channel's bytes do not fit.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The channels have different columns.
    #[error(
        "feature_names mismatch: train has {in_train} feature columns, validation has {in_validation}"
    )]
    Widths {
        /// Feature columns of `train`.
        in_train: usize,
        /// Feature columns of `validation`.
        in_validation: usize,
    },
    /// The channels have the same columns in another order, or others.
    #[error(
        "feature_names mismatch: feature column {number} is `{in_train}` in train and `{in_validation}` in validation"
    )]
    Names {
        /// Number of the first feature that differs, from 1.
        number: usize,
        /// Its name in `train`.
        in_train: String,
        /// Its name in `validation`.
        in_validation: String,
    },
    /// There are more or fewer names than columns.
    #[error("Hyperparameter feature_names: {n_names} names for {n_features} feature columns")]
    FeatureNames {
        /// Names given.
        n_names: usize,
        /// Feature columns of the table.
        n_features: usize,
    },
    /// The baseline groups by a column that is not there.
    #[error("Hyperparameter baseline_columns: there is no column `{name}`, allowed are {allowed}")]
    BaselineColumn {
        /// The column asked for.
        name: String,
        /// The columns that there are.
        allowed: String,
    },
    /// A feature of categories that is not there.
    #[error(
        "Hyperparameter categorical_features: there is no feature `{name}`, allowed are {allowed}"
    )]
    CategoricalFeature {
        /// The feature asked for.
        name: String,
        /// The features that there are.
        allowed: String,
    },
    /// The job continues from a model, and asks for something that does not go with it.
    #[error("channel `model` does not go with {with}")]
    Continuing {
        /// What does not.
        with: String,
    },
    /// The job updates a model, and has none.
    #[error(
        "`process_type` = `update` needs a model whose trees are updated, and there is no channel `model`"
    )]
    Update,
    /// The channel `model` gives no model that the job could continue from.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Checkpoints cannot be kept, or are of another job.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The rows cannot be dealt out to folds.
    #[error("Hyperparameter _kfold: {0}")]
    Folds(#[from] FoldError),
    /// Training takes more memory than there is.
    #[error("training takes {least} of memory at least ({uses}), and {machine} has {available}")]
    Memory {
        /// What it takes at least.
        least: String,
        /// What for.
        uses: String,
        /// What has too little: the instance type, if it is known.
        machine: String,
        /// What there is.
        available: String,
    },
    /// The environment asks for instructions that are not there.
    #[error("LINDEN_SIMD: {0}")]
    Simd(SimdError),
    /// The operating system gives no threads.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// The table cannot be cut into bins.
    #[error(transparent)]
    Bin(#[from] BinError),
    /// Boosting failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Growing the single tree failed.
    #[error(transparent)]
    DecisionTree(#[from] DecisionTreeError),
    /// The model could not be evaluated.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// An artifact could not be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The artifact.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A metric line could not be written.
    #[error("cannot write metrics to stdout: {0}")]
    Stdout(io::Error),
    /// The signal handlers could not be installed.
    #[error("cannot install signal handlers: {0}")]
    Signals(io::Error),
    /// The server did not start.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl TrainerError {
    /// Who can do something about it.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Contract(err) => contract_class(err),
            Self::Data(err) => data_class(err),
            Self::Write { source, .. } => write_class(source),
            Self::Train(err) => train_class(err),
            Self::Start(err) => start_class(err),
            Self::Checkpoint(err) => checkpoint_class(err),
            Self::DecisionTree(err) => tree_class(err),
            Self::Serve(err) => err.class(),
            Self::Usage(_)
            | Self::Hyperparameters(_)
            | Self::Parameter(_)
            | Self::Hosts { .. }
            | Self::Simd(_)
            | Self::Continuing { .. }
            | Self::Update
            | Self::Folds(_)
            | Self::Memory { .. }
            | Self::PipeMode { .. }
            | Self::RecordWrapper { .. }
            | Self::NoData { .. }
            | Self::Widths { .. }
            | Self::Names { .. }
            | Self::FeatureNames { .. }
            | Self::BaselineColumn { .. }
            | Self::CategoricalFeature { .. } => FailureClass::UserError,
            Self::Read { .. } | Self::Threads(_) | Self::Stdout(_) | Self::Signals(_) => {
                FailureClass::PlatformError
            }
            Self::Bin(err) => bin_class(err),
            Self::Predict(_) => FailureClass::AlgorithmError,
        }
    }

    /// What goes into the failure file.
    pub fn failure(&self) -> Failure {
        let mut failure = if let Self::Hyperparameters(errors) = self {
            // The problems are the whole story; as a cause they would stand there twice.
            let mut failure = Failure::new(self.class(), self.to_string());
            let further = errors.problems()[1..].iter().map(ToString::to_string);
            failure.context.extend(further);
            failure
        } else {
            Failure::from_error(self.class(), self)
        };
        failure.hint = self.hint();
        failure
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Data(err) => return err.hint(),
            Self::Serve(err) => return err.hint().map(str::to_owned),
            Self::Usage(_) => "linden-trainer --help",
            Self::Contract(ContractError::MissingChannel(_)) => {
                "give the job a channel named train; validation is optional"
            }
            Self::Hosts { .. } => "set the instance count to 1",
            Self::Memory { .. } => {
                "take an instance type with more memory; fewer columns, rows or classes, and a smaller validation channel, take less"
            }
            Self::PipeMode { .. } => "set the channel's input mode to File or FastFile",
            Self::RecordWrapper { .. } => "leave the channel's record wrapper type out",
            Self::NoData { .. } => {
                "check the channel's S3 prefix; names that start with `_` or `.` and empty files are not read"
            }
            Self::Widths { .. } | Self::Names { .. } => "write both channels with the same columns",
            Self::FeatureNames { .. } => {
                "name every column but the label and the weight, in their order"
            }
            Self::Start(StartError::Columns { .. }) => {
                "give the job the columns that the model was trained on, in their order"
            }
            Self::Train(TrainError::Start { .. }) => {
                "give the job the hyperparameters that the model was trained with, or leave the channel `model` out"
            }
            Self::Write { source, .. } if is_full(source) => "give the job a larger volume",
            Self::Checkpoint(err) => checkpoint_hint(err),
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// SageMaker writes the documents, the user names channels and content types.
fn contract_class(err: &ContractError) -> FailureClass {
    match err {
        ContractError::ContentType { .. }
        | ContractError::Streamed { .. }
        | ContractError::MissingChannel(_)
        | ContractError::ExtraneousChannel { .. } => FailureClass::UserError,
        ContractError::Json { .. }
        | ContractError::Value { .. }
        | ContractError::NoHosts
        | ContractError::UnknownHost { .. } => FailureClass::PlatformError,
    }
}

fn data_class(err: &DataError) -> FailureClass {
    match err {
        // Permissions are the user's to give; whatever else keeps a file from being read is the disk's or the network's.
        DataError::Io { source, .. } if source.kind() != io::ErrorKind::PermissionDenied => {
            FailureClass::PlatformError
        }
        DataError::Store(err) if !err.is_users() => FailureClass::PlatformError,
        DataError::Store(_)
        | DataError::Io { .. }
        | DataError::DanglingLink { .. }
        | DataError::OutsideLink { .. }
        | DataError::LinkLoop { .. }
        | DataError::NotAFile { .. }
        | DataError::Foreign { .. }
        | DataError::EndlessLine { .. }
        | DataError::Delimiter { .. }
        | DataError::Csv { .. }
        | DataError::Libsvm { .. }
        | DataError::Parquet { .. }
        | DataError::Compressed { .. }
        | DataError::Frame { .. }
        | DataError::Record { .. }
        | DataError::JsonLine { .. }
        | DataError::Piped { .. }
        | DataError::MostlyBad { .. }
        | DataError::SplitQuery { .. }
        | DataError::Category { .. }
        | DataError::Table { .. } => FailureClass::UserError,
    }
}

/// The user chose the size of the volume; nobody chooses the rest.
fn write_class(source: &io::Error) -> FailureClass {
    if is_full(source) {
        FailureClass::UserError
    } else {
        FailureClass::PlatformError
    }
}

/// Whether there was no room for a file.
fn is_full(source: &io::Error) -> bool {
    matches!(
        source.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// Whose checkpoints they are is the user's to say; the folder is the platform's, but for its size.
fn checkpoint_class(err: &CheckpointError) -> FailureClass {
    match err {
        CheckpointError::Folder { source, .. } | CheckpointError::Write { source, .. } => {
            write_class(source)
        }
        CheckpointError::Settings { .. }
        | CheckpointError::Data { .. }
        | CheckpointError::Foreign { .. } => FailureClass::UserError,
    }
}

fn checkpoint_hint(err: &CheckpointError) -> &'static str {
    match err {
        CheckpointError::Folder { source, .. } | CheckpointError::Write { source, .. }
            if is_full(source) =>
        {
            "give the job a larger volume, or set checkpoint_keep lower"
        }
        CheckpointError::Folder { .. } | CheckpointError::Write { .. } => {
            "let the job write to the folder of checkpoints, or leave its CheckpointConfig out"
        }
        CheckpointError::Settings { .. } => {
            "to go on, give the job the hyperparameters it had; to begin again, train with checkpoint_mismatch set to restart, where `fail`, the default, ends here, or with an empty S3 prefix for checkpoints"
        }
        CheckpointError::Data { .. } => {
            "to go on, give the job the data it had; to begin again, as a job does that retrains on new data under one S3 prefix, train with checkpoint_mismatch set to restart, where `fail`, the default, ends here, or with an empty S3 prefix for checkpoints"
        }
        CheckpointError::Foreign { .. } => {
            "begin with an empty S3 prefix for checkpoints, or set checkpoint_mismatch to restart"
        }
    }
}

/// What the data can cause is the user's; that cuts, margins and sets agree is this program's to see to.
fn train_class(err: &TrainError) -> FailureClass {
    match err {
        TrainError::Label { .. }
        | TrainError::NoWeight { .. }
        | TrainError::NotFinite { .. }
        | TrainError::Exposure { .. }
        | TrainError::QueryWeight { .. }
        | TrainError::Columns { .. }
        | TrainError::OneTarget { .. }
        | TrainError::CategoricalDirection { .. }
        | TrainError::Rounds { .. }
        | TrainError::StartsApart { .. }
        | TrainError::Predict(_)
        | TrainError::Start { .. } => FailureClass::UserError,
        TrainError::Threads(_) => FailureClass::PlatformError,
        TrainError::Cuts { .. }
        | TrainError::MissingWithoutCode { .. }
        | TrainError::CategoryNames
        | TrainError::BaseMargin { .. }
        | TrainError::NoBaseMargin { .. }
        | TrainError::StartLeaves { .. }
        | TrainError::Values
        | TrainError::MixedExposure { .. }
        | TrainError::Targets { .. }
        | TrainError::NothingToStopOn => FailureClass::AlgorithmError,
    }
}

/// The disk's faults are nobody's, what lies on it is the user's.
pub(crate) fn stored_class(err: &StoredModelError) -> FailureClass {
    match err {
        StoredModelError::Read(_) => FailureClass::PlatformError,
        StoredModelError::Archive(_)
        | StoredModelError::NoModel
        | StoredModelError::TooLarge { .. }
        | StoredModelError::Side(_)
        | StoredModelError::Input { .. } => FailureClass::UserError,
    }
}

/// Which model a job continues from is the user's to say.
fn start_class(err: &StartError) -> FailureClass {
    match err {
        StartError::Stored { source, .. } => stored_class(source),
        StartError::Empty
        | StartError::Several
        | StartError::NotAModel { .. }
        | StartError::Input { .. }
        | StartError::Columns { .. }
        | StartError::Names { .. } => FailureClass::UserError,
    }
}

/// Only values are the user's.
fn bin_class(err: &BinError) -> FailureClass {
    match err {
        BinError::Category(_) => FailureClass::UserError,
        BinError::MaxBin { .. }
        | BinError::Columns { .. }
        | BinError::BaseMargin { .. }
        | BinError::StartLeaves { .. } => FailureClass::AlgorithmError,
    }
}

fn tree_class(err: &DecisionTreeError) -> FailureClass {
    match err {
        DecisionTreeError::Params(_)
        | DecisionTreeError::NotExact(_)
        | DecisionTreeError::Label { .. } => FailureClass::UserError,
        DecisionTreeError::Train(err) => train_class(err),
        DecisionTreeError::Threads(_) => FailureClass::PlatformError,
        DecisionTreeError::Bin(err) => bin_class(err),
        DecisionTreeError::Linfa(_) => FailureClass::AlgorithmError,
    }
}
