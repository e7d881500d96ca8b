//! The model that training continues from: that of the channel `model`, or a checkpoint of XGBoost's.
//!
//! Invariant: rows start from that model's margins, which are computed from their values while they are read, so the first
//! new tree is grown on what the model leaves over, as if its training had never stopped. Where new rounds may change what
//! the model's own trees are worth, rows bring the leaves that they reach instead; then values stay until all are read.

use std::fs::{self, File};
use std::io;
use std::sync::Arc;

use contract::artifact::{MAX_MODEL_BYTES, MODEL_FILE, StoredModel, StoredModelError, side_path};
use contract::channel::{MODEL, TRAIN, VALIDATION};
use engine::bin::{BinnedDataset, HistogramCuts};
use engine::booster::{Booster, PredictError, Predictor, check_start, check_update};
use engine::dataset::{Dataset, Part, SideColumn, Tile};
use engine::model;
use engine::params::{BoosterName, BoosterValidParams, ProcessType};
use engine::threads::Threads;

use super::job::Job;
use super::tables::Pair;
use crate::data::files::DataFile;
use crate::error::TrainerError;

/// A model, ready to give rows their margins.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) booster: Booster,
    predictor: Predictor,
    /// What messages call it.
    name: String,
    bring: Bring,
}

/// What rows bring of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bring {
    /// Its margins.
    Margins,
    /// Nothing: the model is asked once all values are there.
    Nothing,
}

impl Bring {
    /// What rows bring of a model to which rounds are added.
    fn to_go_on(params: &BoosterValidParams) -> Self {
        match params.booster() {
            BoosterName::GbTree => Self::Margins,
            BoosterName::Dart | BoosterName::GbLinear => Self::Nothing,
        }
    }
}

/// Why the channel gives no model.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no file.
    #[error("channel `{MODEL}` holds no file, expected `{MODEL_FILE}` or `model.tar.gz`")]
    Empty,
    /// There are several, and none has a name that is known.
    #[error(
        "channel `{MODEL}` holds several files, expected `{MODEL_FILE}` or `model.tar.gz` among them"
    )]
    Several,
    /// The file or archive cannot be read.
    #[error("{object}: {source}")]
    Stored {
        /// The file.
        object: String,
        /// What is wrong with it.
        source: StoredModelError,
    },
    /// The bytes are not a model.
    #[error("{object}: {source}")]
    NotAModel {
        /// The file.
        object: String,
        /// What the reader said.
        source: model::ModelError,
    },
    /// The model needs a column that the job does not declare.
    #[error(
        "the model in channel `{MODEL}` was trained with {column}s, and the job declares no column of them: set {hyperparameter}"
    )]
    Input {
        /// The column.
        column: SideColumn,
        /// What declares it.
        hyperparameter: &'static str,
    },
    /// The rows have other columns than the model.
    #[error("{model} has {expected} feature columns, channel `{channel}` has {found}")]
    Columns {
        /// The model.
        model: String,
        /// The channel.
        channel: &'static str,
        /// Columns of its rows.
        found: usize,
        /// Columns of the model.
        expected: usize,
    },
    /// The features have other names.
    #[error(
        "feature_names mismatch: feature column {number} is `{in_model}` in {model} and `{in_train}` in train"
    )]
    Names {
        /// The model.
        model: String,
        /// Number of the first feature that differs, from 1.
        number: usize,
        /// Its name in the model.
        in_model: String,
        /// Its name in the job.
        in_train: String,
    },
}

impl Start {
    /// Reads the model of the job's channel `model`, if it has one, and holds it against the parameters.
    pub(crate) fn read(
        job: &Job,
        params: &BoosterValidParams,
    ) -> Result<Option<Self>, TrainerError> {
        if !job.continues {
            return Ok(None);
        }
        let files = job.whereabouts.files(MODEL)?.files;
        let file = choose(&files)?;
        let object = || file.object.to_string();
        let stored = if file.remote.is_some() {
            let side_path = side_path(&file.path);
            let side = files.iter().find(|it| it.path == side_path);
            let side = side.map(DataFile::read).transpose()?;
            let side = || side.ok_or_else(|| io::ErrorKind::NotFound.into());
            StoredModel::read(file.read()?.as_slice(), MAX_MODEL_BYTES, side)
        } else {
            let stored = File::open(&file.path).map_err(StoredModelError::Read);
            stored.and_then(|it| {
                StoredModel::read(it, MAX_MODEL_BYTES, || fs::read(side_path(&file.path)))
            })
        };
        let stored = stored.map_err(|source| StartError::Stored {
            object: object(),
            source,
        })?;
        let loaded = model::load(&stored.bytes);
        let booster = loaded.map_err(|source| StartError::NotAModel {
            object: object(),
            source,
        })?;
        match job.hyperparameters.process_type {
            ProcessType::Default => check_start(params, &booster)?,
            ProcessType::Update => check_update(params, &booster)?,
        }
        check_inputs(job, &stored.required_inputs)?;
        let (object, n_rounds) = (&file.object, booster.n_rounds());
        match job.hyperparameters.process_type {
            ProcessType::Default => {
                tracing::info!("Continuing from {object}, a model of {n_rounds} rounds");
            }
            ProcessType::Update => {
                let n_updated = params.num_round();
                tracing::info!("Updating {n_updated} of the {n_rounds} rounds of {object}");
            }
        }
        let name = format!("the model in channel `{MODEL}`");
        let bring = match job.hyperparameters.process_type {
            ProcessType::Default => Bring::to_go_on(params),
            ProcessType::Update => Bring::Nothing,
        };
        Ok(Some(Self::named(booster, name, bring)))
    }

    /// The model of the checkpoint `file`.
    pub(crate) fn new(booster: Booster, file: &str, params: &BoosterValidParams) -> Self {
        let bring = Bring::to_go_on(params);
        Self::named(booster, format!("checkpoint `{file}`"), bring)
    }

    /// The model, if training asks it for more than the margins that rows bring.
    pub(crate) fn asked_while_training(&self) -> Option<&Booster> {
        (self.bring == Bring::Nothing).then_some(&self.booster)
    }

    fn named(booster: Booster, name: String, bring: Bring) -> Self {
        Self {
            predictor: Predictor::new(&booster),
            booster,
            name,
            bring,
        }
    }

    /// Bins tables of values, each with the leaves that its rows reach, by the cuts of the training table.
    pub(crate) fn bin(
        &self,
        pair: Pair<Dataset>,
        max_bin: u32,
        threads: &Threads,
    ) -> Result<Pair<BinnedDataset>, TrainerError> {
        let cuts = Arc::new(HistogramCuts::from_dataset(&pair.train, max_bin, threads)?);
        let bin = |channel, data: Dataset| -> Result<BinnedDataset, TrainerError> {
            let leaves = self.booster.predict_leaf(&data, threads);
            let leaves = leaves.map_err(|err| self.refused(channel, &err))?;
            let binned = data.bin(&cuts, threads)?;
            Ok(if leaves.is_empty() {
                binned
            } else {
                binned.with_start_leaves(leaves)?
            })
        };
        Ok(Pair {
            train: bin(TRAIN, pair.train)?,
            validation: pair
                .validation
                .map(|data| bin(VALIDATION, data))
                .transpose()?,
        })
    }

    /// Feature columns of the model.
    pub(crate) fn n_features(&self) -> usize {
        self.booster.n_features()
    }

    /// Holds the names of the job's features against the model's, where both have some.
    pub(crate) fn check_names(&self, names: &[String]) -> Result<(), StartError> {
        let mut pairs = self.booster.feature_names.iter().zip(names).enumerate();
        match pairs.find(|(_, (in_model, in_train))| in_model != in_train) {
            None => Ok(()),
            Some((at, (in_model, in_train))) => Err(StartError::Names {
                model: self.name.clone(),
                number: at + 1,
                in_model: in_model.clone(),
                in_train: in_train.clone(),
            }),
        }
    }

    /// Gives the rows the model's margins to start from, if that is what they bring. Rows that are not allowed stay as they
    /// are, for the table to say.
    pub(crate) fn set_margins(
        &self,
        parts: &mut [Part],
        channel: &'static str,
        threads: &Threads,
    ) -> Result<(), StartError> {
        let tiles: Vec<&mut Tile> = parts.iter_mut().flat_map(|part| &mut part.tiles).collect();
        let done = threads.map(tiles, |tile| self.set_tile_margins(tile));
        let done: Result<(), PredictError> = done.into_iter().collect();
        done.map_err(|err| self.refused(channel, &err))
    }

    /// What the channel's rows are refused for.
    fn refused(&self, channel: &'static str, err: &PredictError) -> StartError {
        match *err {
            PredictError::Columns { found, expected } => StartError::Columns {
                model: self.name.clone(),
                channel,
                found,
                expected,
            },
            PredictError::BaseMargin { found, expected }
            | PredictError::Rows {
                values: found,
                outputs: expected,
            } => unreachable!("a tile has a margin for each row: {found} and {expected}"),
            PredictError::NoLeaves | PredictError::NotLinear { .. } => {
                unreachable!("leaves are asked for where there are trees")
            }
        }
    }

    /// Whether rows have the model's columns; sparse ones may have fewer.
    fn check_columns(&self, data: &Dataset) -> Result<(), PredictError> {
        let (found, expected) = (data.n_features(), self.n_features());
        if found == expected || (found < expected && data.is_sparse()) {
            return Ok(());
        }
        Err(PredictError::Columns { found, expected })
    }

    fn set_tile_margins(&self, tile: &mut Tile) -> Result<(), PredictError> {
        let mut builder = Dataset::builder();
        let built = builder.push(tile.clone()).and_then(|()| builder.finish());
        let Ok(mut data) = built else {
            return Ok(());
        };
        if self.bring == Bring::Nothing {
            return self.check_columns(&data);
        }
        data.code_words(&self.booster.category_names);
        let margins = self.predictor.predict_margin(&data, &Threads::single())?;
        tile.side.base_margin = Some(margins);
        // It is in the margin now.
        tile.side.exposure = None;
        Ok(())
    }
}

/// The file with the model.
fn choose(files: &[DataFile]) -> Result<&DataFile, StartError> {
    let named = |test: &dyn Fn(&str) -> bool| {
        files.iter().find(|file| {
            let name = file.path.file_name().unwrap_or_default();
            test(&name.to_string_lossy())
        })
    };
    let found =
        named(&|name| name == MODEL_FILE).or_else(|| named(&|name| name.ends_with(".tar.gz")));
    match (found, files) {
        (Some(file), _) | (None, [file]) => Ok(file),
        (None, []) => Err(StartError::Empty),
        (None, _) => Err(StartError::Several),
    }
}

/// What the model needs beside features, the job must declare.
fn check_inputs(job: &Job, needed: &[SideColumn]) -> Result<(), StartError> {
    let declared = &job.hyperparameters.columns;
    let is_declared = |column| declared.iter().any(|it| it.column == column);
    match needed.iter().find(|column| !is_declared(**column)) {
        None => Ok(()),
        Some(&column) => Err(StartError::Input {
            column,
            hyperparameter: contract::hyperparameter::hyperparameter(column),
        }),
    }
}
