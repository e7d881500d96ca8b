//! Checkpoints are written, and old ones are taken away.
//!
//! Invariants: a file gets its name by a rename, once it is on the disk, and until then a suffix that SageMaker's agent does
//! not upload; the manifest comes after the model. A file that the agent is uploading is not taken away from it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use contract::artifact::hex;
use contract::checkpoint::{
    ATTRIBUTE, Cadence, DEFAULT_SECONDS, Manifest, State, UPLOADED, UPLOADING, checkpoint_file,
    manifest_file, temporary_file,
};
use engine::booster::RoundReport;
use engine::model;
use sha2::{Digest, Sha256};

use super::Checkpoints;
use super::error::CheckpointError;
use super::find::rounds;
use crate::train::artifacts::write_and_rename;

/// The part of the time that writing may take where the job does not say how often: one in so many.
const SHARE: u32 = 20;

/// Writes the checkpoints of a model.
#[derive(Debug)]
pub(in crate::train) struct Writer<'a> {
    of: &'a Checkpoints,
    folder: PathBuf,
    /// When the last one was done, and how long it took.
    last: (Instant, Duration),
}

impl<'a> Writer<'a> {
    /// Of the job's model.
    pub(in crate::train) fn new(of: &'a Checkpoints) -> Self {
        Self {
            of,
            folder: of.folder_of(None),
            last: (Instant::now(), Duration::ZERO),
        }
    }

    /// The next rounds are those of the fold `number`.
    pub(in crate::train) fn begin_fold(&mut self, number: usize) {
        self.folder = self.of.folder_of(Some(number));
        self.last = (Instant::now(), self.last.1);
    }

    /// Writes a checkpoint if it is time for one; the last round has one in any case, and so has that of a stop.
    pub(in crate::train) fn after_round(
        &mut self,
        report: &RoundReport<'_>,
        is_stopped: bool,
    ) -> Result<(), CheckpointError> {
        let is_due = report.end.is_some()
            || is_stopped
            || is_due(
                self.of.cadence,
                report.round,
                self.last.0.elapsed(),
                self.last.1,
            );
        if !is_due {
            return Ok(());
        }
        let start = Instant::now();
        self.write(report)?;
        self.take_away(report.round);
        let done = Instant::now();
        self.last = (done, done - start);
        Ok(())
    }

    fn write(&self, report: &RoundReport<'_>) -> Result<(), CheckpointError> {
        let evaluations = report.evaluations.iter();
        let state = State {
            schema: State::SCHEMA,
            first_round: report.first_round,
            started_from: self.of.started_from,
            hyperparameters: self.of.settings.clone(),
            data: self.of.data.clone(),
            evaluations: evaluations
                .map(|it| (it.data.to_string(), it.metric.to_string()))
                .collect(),
            history: report
                .history
                .iter()
                .map(|round| round.iter().map(|it| it.value).collect())
                .collect(),
            as_best: report.as_best.map(|it| contract::checkpoint::AsBest {
                n_rounds: it.n_rounds,
                weights: it.weights.clone(),
                start_leaves: it.start_leaves.clone(),
                clicked: it.position_bias.clicked.clone(),
                passed: it.position_bias.passed.clone(),
            }),
        };
        let mut booster = report.booster.clone();
        booster
            .attributes
            .insert(ATTRIBUTE.to_owned(), state.write());
        let bytes = model::save(&booster, self.of.encoding);
        let path = checkpoint_file(&self.folder, report.round);
        let manifest = Manifest {
            schema: Manifest::SCHEMA,
            file: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            bytes: bytes.len() as u64,
            sha256: hex(&Sha256::digest(&bytes)),
        };
        put(&path, &bytes)?;
        put(
            &manifest_file(&self.folder, report.round),
            manifest.write().as_bytes(),
        )
    }

    /// Deletes what is older than the checkpoints that stay. What cannot be deleted only takes room.
    fn take_away(&self, newest: u32) {
        let Ok(rounds) = rounds(&self.folder) else {
            return;
        };
        // What is newer is of another job, or damaged; it has been told of.
        let own = rounds.into_iter().filter(|it| *it <= newest);
        for round in own.skip(self.of.cadence.keep as usize) {
            let files = [
                manifest_file(&self.folder, round),
                checkpoint_file(&self.folder, round),
            ];
            if files.iter().any(|it| is_uploading(it)) {
                continue;
            }
            for file in files {
                match fs::remove_file(&file) {
                    Err(err) if err.kind() != io::ErrorKind::NotFound => {
                        tracing::warn!("Checkpoint {} cannot be deleted: {err}", file.display());
                    }
                    Ok(()) | Err(_) => {}
                }
            }
        }
    }
}

/// Whether it is time for a checkpoint after `round`, with the last one `since` ago, which took so long.
fn is_due(cadence: Cadence, round: u32, since: Duration, took: Duration) -> bool {
    let seconds = |it: u32| Duration::from_secs(it.into());
    match (cadence.rounds, cadence.seconds) {
        (None, None) => since >= seconds(DEFAULT_SECONDS).max(took * (SHARE - 1)),
        (n_rounds, n_seconds) => {
            let by_rounds = n_rounds.is_some_and(|it| (round + 1).is_multiple_of(it));
            by_rounds || n_seconds.is_some_and(|it| since >= seconds(it))
        }
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    let temporary = temporary_file(path);
    write_and_rename(path, &temporary, bytes).map_err(|source| {
        // Half a file is worth nothing, and the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        CheckpointError::Write {
            path: path.to_owned(),
            source,
        }
    })
}

/// Whether SageMaker's agent has begun to upload a file and not ended.
fn is_uploading(path: &Path) -> bool {
    let marker = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        Path::new(&name).exists()
    };
    marker(UPLOADING) && !marker(UPLOADED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_due_by_rounds_or_seconds_and_by_its_cost_where_nobody_says() {
        let cadence = |rounds, seconds| Cadence {
            rounds,
            seconds,
            keep: 5,
        };
        let second = Duration::from_secs(1);
        for (given, round, since, took, expected) in [
            (cadence(Some(5), None), 3, 100 * second, second, false),
            (cadence(Some(5), None), 4, Duration::ZERO, second, true),
            (cadence(Some(1), None), 0, Duration::ZERO, second, true),
            (cadence(None, Some(3)), 0, 2 * second, Duration::ZERO, false),
            (cadence(None, Some(3)), 0, 3 * second, 9 * second, true),
            (cadence(Some(5), Some(3)), 4, Duration::ZERO, second, true),
            (cadence(Some(5), Some(3)), 2, 3 * second, second, true),
            (cadence(None, None), 9, 9 * second, Duration::ZERO, false),
            (cadence(None, None), 9, 10 * second, Duration::ZERO, true),
            (cadence(None, None), 9, 18 * second, second, false),
            (cadence(None, None), 9, 19 * second, second, true),
        ] {
            let found = is_due(given, round, since, took);
            assert_eq!(found, expected, "{given:?} {round} {since:?} {took:?}");
        }
    }

    #[test]
    fn what_is_being_uploaded_is_told_by_its_markers() {
        let dir = tempfile::tempdir().unwrap();
        let path = checkpoint_file(dir.path(), 1);
        let mark = |suffix: &str| {
            let name = format!("{}{suffix}", path.display());
            fs::write(name, b"").unwrap();
        };
        assert!(!is_uploading(&path));
        mark(UPLOADING);
        assert!(is_uploading(&path));
        mark(UPLOADED);
        assert!(!is_uploading(&path));
    }
}
