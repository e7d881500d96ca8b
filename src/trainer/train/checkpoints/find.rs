//! What a folder holds to go on from: the newest checkpoint that is whole and of this job.
//!
//! Invariant: nothing is taken for a checkpoint because of its name. One of ours has a manifest, and the digest in it is that
//! of the file; one of XGBoost's is a model of as many rounds as its name says.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use contract::artifact::hex;
use contract::checkpoint::{
    ATTRIBUTE, Manifest, OnMismatch, StartedFrom, State, checkpoint_file, foreign_name,
    manifest_file, round_of,
};
use engine::booster::{AsBest, Booster, Evaluation, Progress, check_start};
use engine::metric::Metric;
use engine::model;
use engine::objective::PositionBias;
use engine::params::BoosterValidParams;
use sha2::{Digest, Sha256};

use super::error::CheckpointError;
use super::identity::differences;
use super::{Checkpoints, remove_temporary_files};

/// What to go on from.
#[derive(Debug)]
pub(in crate::train) enum Found {
    /// There is nothing.
    Nothing,
    /// A checkpoint of this job's.
    Own(Box<Own>),
    /// A checkpoint of XGBoost's.
    Foreign(Box<Foreign>),
}

/// A checkpoint of this job's.
#[derive(Debug)]
pub(in crate::train) struct Own {
    pub(in crate::train) file: String,
    booster: Booster,
    state: State,
}

/// A checkpoint of XGBoost's.
#[derive(Debug)]
pub(in crate::train) struct Foreign {
    pub(in crate::train) file: String,
    pub(in crate::train) booster: Booster,
}

/// What is known of the job when a checkpoint is looked for.
#[derive(Clone, Copy, Debug)]
enum Known<'a> {
    /// No row has been read, so a model can still give rows their margins.
    Parameters(&'a BoosterValidParams),
    /// The data as well, and it is too late for that.
    Data,
}

impl Own {
    /// What the engine goes on with, if the rounds were evaluated as `metrics` ask for on these sets.
    pub(in crate::train) fn progress(self, sets: &[&str], metrics: &[Metric]) -> Option<Progress> {
        let names = sets.iter().map(|it| Arc::<str>::from(*it));
        let columns = names.flat_map(|data| metrics.iter().map(move |it| (Arc::clone(&data), *it)));
        let columns: Vec<(Arc<str>, Metric)> = columns.collect();
        let found = self.state.evaluations.iter();
        let is_same = found.eq(columns
            .iter()
            .map(|(data, metric)| (data.to_string(), metric.to_string()))
            .collect::<Vec<_>>()
            .iter());
        let round = |values: &Vec<f64>| {
            let cells = columns.iter().zip(values);
            let evaluation = |((data, metric), value): (&(Arc<str>, Metric), &f64)| Evaluation {
                data: Arc::clone(data),
                metric: *metric,
                value: *value,
            };
            cells.map(evaluation).collect()
        };
        is_same.then(|| Progress {
            booster: self.booster,
            first_round: self.state.first_round,
            history: self.state.history.iter().map(round).collect(),
            as_best: self.state.as_best.map(|it| AsBest {
                n_rounds: it.n_rounds,
                weights: it.weights,
                start_leaves: it.start_leaves,
                position_bias: PositionBias {
                    clicked: it.clicked,
                    passed: it.passed,
                },
            }),
        })
    }

    /// Whether a job of so many rounds can go on from here: one of fewer cannot where a round changes those before it.
    fn leads_to(&self, num_round: u32) -> bool {
        // The rounds of the channel's model are not the job's.
        let n_done = match self.started_from() {
            StartedFrom::Nothing | StartedFrom::Model => self.state.history.len(),
            StartedFrom::Checkpoint => self.n_rounds(),
        };
        !self.booster.changes_rounds() || n_done <= num_round as usize
    }

    /// Whether the digest of its data is this.
    pub(in crate::train) fn is_of_data(&self, digest: &str) -> bool {
        self.state.data == digest
    }

    pub(in crate::train) fn started_from(&self) -> StartedFrom {
        self.state.started_from
    }

    /// The model that the job's first round was added to.
    pub(in crate::train) fn start(&self) -> Booster {
        let mut start = self.booster.clone();
        start.keep_rounds(self.state.first_round);
        start
    }

    pub(in crate::train) fn first_round(&self) -> u32 {
        self.state.first_round
    }

    /// Rounds of the model.
    pub(in crate::train) fn n_rounds(&self) -> usize {
        self.booster.n_rounds()
    }
}

impl Checkpoints {
    /// What the job's model can go on from, before a row has been read.
    pub(in crate::train) fn find(
        &self,
        params: &BoosterValidParams,
    ) -> Result<Found, CheckpointError> {
        self.find_in(&self.folder_of(None), Known::Parameters(params))
    }

    /// What the job's model, or a fold's, can go on from, of what was made of the data.
    pub(in crate::train) fn find_of_data(
        &self,
        fold: Option<usize>,
    ) -> Result<Option<Own>, CheckpointError> {
        match self.find_in(&self.folder_of(fold), Known::Data)? {
            Found::Own(own) => Ok(Some(*own)),
            Found::Nothing | Found::Foreign(_) => Ok(None),
        }
    }

    fn find_in(&self, folder: &Path, known: Known<'_>) -> Result<Found, CheckpointError> {
        if !folder.is_dir() {
            return Ok(Found::Nothing);
        }
        let refused = |source| CheckpointError::Folder {
            folder: folder.to_owned(),
            source,
        };
        remove_temporary_files(folder).map_err(refused)?;
        tell_of_foreign_names(folder).map_err(refused)?;
        for round in rounds(folder).map_err(refused)? {
            let file = name(&checkpoint_file(folder, round));
            let taken = match read(folder, round) {
                Ok(Found::Own(own)) if !own.leads_to(self.num_round) => {
                    pass_over(
                        &file,
                        "the job has fewer rounds now, and each changed those before it",
                    );
                    continue;
                }
                Ok(Found::Own(own)) => self.take_own(*own, known),
                Ok(Found::Foreign(foreign)) => self.take_foreign(*foreign, known),
                Ok(Found::Nothing) => continue,
                Err(why) => {
                    pass_over(&file, &why);
                    continue;
                }
            };
            match taken {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                Err(err) if self.on_mismatch == OnMismatch::Restart => {
                    pass_over(&file, &err.to_string());
                }
                Err(err) => return Err(err),
            }
        }
        Ok(Found::Nothing)
    }

    fn take_own(&self, own: Own, known: Known<'_>) -> Result<Option<Found>, CheckpointError> {
        let differences = differences(&own.state.hyperparameters, &self.settings);
        if !differences.is_empty() {
            let file = own.file;
            return Err(CheckpointError::Settings { file, differences });
        }
        match known {
            Known::Data if !own.is_of_data(&self.data) => {
                Err(CheckpointError::Data { file: own.file })
            }
            Known::Data | Known::Parameters(_) => Ok(Some(Found::Own(Box::new(own)))),
        }
    }

    fn take_foreign(
        &self,
        foreign: Foreign,
        known: Known<'_>,
    ) -> Result<Option<Found>, CheckpointError> {
        let params = match (known, self.started_from) {
            (Known::Parameters(params), StartedFrom::Nothing | StartedFrom::Checkpoint) => params,
            (Known::Parameters(_), StartedFrom::Model) => {
                pass_over(
                    &foreign.file,
                    "it does not tell which of its rounds are of the model in channel `model`",
                );
                return Ok(None);
            }
            (Known::Data, _) => {
                pass_over(
                    &foreign.file,
                    "it is a model of XGBoost's own, which does not tell what rows it was trained on",
                );
                return Ok(None);
            }
        };
        match check_start(params, &foreign.booster) {
            Ok(()) => Ok(Some(Found::Foreign(Box::new(foreign)))),
            Err(source) => Err(CheckpointError::Foreign {
                file: foreign.file,
                source,
            }),
        }
    }
}

fn pass_over(file: &str, why: &str) {
    tracing::warn!("Checkpoint {file} is passed over: {why}");
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The rounds of which there are checkpoints by their names, the newest first.
pub(super) fn rounds(folder: &Path) -> io::Result<Vec<u32>> {
    let mut rounds = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let round = round_of(&entry.file_name().to_string_lossy());
        // A name with zeros before its number is nobody's.
        rounds.extend(round.filter(|it| checkpoint_file(folder, *it) == entry.path()));
    }
    rounds.sort_unstable_by(|a, b| b.cmp(a));
    Ok(rounds)
}

/// Says how files of XGBoost's own callback would become checkpoints; the built-in algorithm leaves them and finds none.
fn tell_of_foreign_names(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(renamed) = foreign_name(&name) {
            tracing::info!(
                "{name} is no checkpoint to the built-in algorithm, nor here; call it {renamed} to go on from it"
            );
        }
    }
    Ok(())
}

/// Reads a checkpoint, or says what is wrong with it.
fn read(folder: &Path, round: u32) -> Result<Found, String> {
    let path = checkpoint_file(folder, round);
    let file = name(&path);
    if path.is_dir() {
        return Ok(Found::Nothing);
    }
    let bytes = fs::read(&path).map_err(|err| format!("it cannot be read: {err}"))?;
    let manifest = match fs::read(manifest_file(folder, round)) {
        Ok(manifest) => Some(manifest),
        Err(err) if err.kind() == io::ErrorKind::NotFound => None,
        Err(err) => return Err(format!("its manifest cannot be read: {err}")),
    };
    if let Some(manifest) = &manifest {
        hold_against(&bytes, manifest, &file)?;
    }
    let mut booster = model::load(&bytes).map_err(|err| format!("it is damaged: {err}"))?;
    let state = booster.attributes.remove(ATTRIBUTE);
    let n_rounds = booster.n_rounds();
    if n_rounds as u64 != u64::from(round) + 1 {
        return Err(format!(
            "it is a model of {n_rounds} rounds, and its name says {}",
            u64::from(round) + 1
        ));
    }
    match (state, manifest) {
        (None, None) => Ok(Found::Foreign(Box::new(Foreign { file, booster }))),
        (None, Some(_)) => {
            Err("it has a manifest, and is no checkpoint of this program's".to_owned())
        }
        (Some(_), None) => Err(
            "its manifest is missing, so it was not done when the job was interrupted".to_owned(),
        ),
        (Some(state), Some(_)) => {
            let state =
                State::read(&state).ok_or("it was written by another version of this program")?;
            Ok(Found::Own(Box::new(Own {
                file,
                booster,
                state,
            })))
        }
    }
}

fn hold_against(bytes: &[u8], manifest: &[u8], file: &str) -> Result<(), String> {
    let manifest =
        Manifest::read(manifest).map_err(|err| format!("its manifest is damaged: {err}"))?;
    if manifest.file != file {
        return Err(format!("its manifest is that of {}", manifest.file));
    }
    if manifest.bytes != bytes.len() as u64 {
        let (found, expected) = (bytes.len(), manifest.bytes);
        return Err(format!(
            "it is damaged: it has {found} bytes, and had {expected}"
        ));
    }
    if manifest.sha256 != hex(&Sha256::digest(bytes)) {
        return Err("it is damaged: its digest is not that of its manifest".to_owned());
    }
    Ok(())
}
