//! The channels as tables of equal width.
//!
//! Invariant: both tables have the same columns. Only a sparse table is widened, since only there a column can be absent
//! because no row happens to list it; dense tables of different widths are different tables.

use std::sync::atomic::{AtomicBool, Ordering};

use contract::channel::{Channel, TRAIN, VALIDATION};
use contract::paths::MlRoot;
use engine::dataset::{Dataset, TileFeatures};
use engine::threads::Threads;

use super::job::Job;
use crate::data::csv::CsvOptions;
use crate::data::files::{ChannelFiles, discover};
use crate::data::labels::LabelRule;
use crate::data::{DataError, Source, open};
use crate::error::TrainerError;

/// What the job learns from and is evaluated on.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) train: Dataset,
    pub(crate) validation: Option<Dataset>,
}

impl Tables {
    /// Reads the channels; `None` if `stop` was set meanwhile.
    pub(crate) fn read(
        root: &MlRoot,
        job: &Job,
        threads: &Threads,
        stop: &AtomicBool,
    ) -> Result<Option<Self>, TrainerError> {
        let reading = Reading {
            root,
            options: options(job),
            threads,
            stop,
        };
        let train_files = reading.files(TRAIN)?;
        let validation_files = job
            .validation
            .as_ref()
            .map(|_| reading.files(VALIDATION))
            .transpose()?;
        if let Some(files) = &validation_files {
            warn_of_twins(&train_files, files);
        }
        let Some(mut train) = reading.table(TRAIN, &job.train, train_files)? else {
            return Ok(None);
        };
        let mut validation = None;
        if let (Some(channel), Some(files)) = (&job.validation, validation_files) {
            let Some(mut table) = reading.table(VALIDATION, channel, files)? else {
                return Ok(None);
            };
            harmonise(&mut train, &mut table)?;
            validation = Some(table.rows);
        }
        let train = train.rows;
        tracing::info!(
            "Train matrix has {} rows and {} columns",
            train.n_rows(),
            train.n_features()
        );
        if let Some(validation) = &validation {
            tracing::info!("Validation matrix has {} rows", validation.n_rows());
        }
        Ok(Some(Self { train, validation }))
    }
}

fn options(job: &Job) -> CsvOptions {
    let own = &job.hyperparameters;
    let labels = LabelRule {
        objective: own.objective,
        num_class: own.num_class,
    };
    CsvOptions {
        weighted: own.csv_weights,
        labels,
    }
}

struct Table {
    rows: Dataset,
    sparse: bool,
}

struct Reading<'a> {
    root: &'a MlRoot,
    options: CsvOptions,
    threads: &'a Threads,
    stop: &'a AtomicBool,
}

impl Reading<'_> {
    fn files(&self, channel: &'static str) -> Result<ChannelFiles, TrainerError> {
        let dir = self.root.channel_dir(channel);
        let found = discover(channel, &dir)?;
        for hidden in &found.hidden {
            tracing::warn!(
                "Hidden file found in the data path, it is not read: {}",
                hidden.display()
            );
        }
        if found.files.is_empty() {
            return Err(self.no_data(channel));
        }
        tracing::debug!("channel `{channel}` has {} files", found.files.len());
        Ok(found)
    }

    fn table(
        &self,
        name: &'static str,
        channel: &Channel,
        found: ChannelFiles,
    ) -> Result<Option<Table>, TrainerError> {
        let source = Source {
            channel: name.to_owned(),
            files: found.files,
            content_type: channel.content_type,
        };
        let Some(reader) = open(source, self.options, self.threads)? else {
            return Err(self.no_data(name));
        };
        let mut builder = Dataset::builder();
        let mut sparse = false;
        let table = |source| DataError::Table {
            channel: name.to_owned(),
            source,
        };
        for tile in reader {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let tile = tile?;
            sparse |= matches!(tile.features, TileFeatures::Csr { .. });
            builder.push(tile).map_err(table)?;
        }
        Ok(Some(Table {
            rows: builder.finish().map_err(table)?,
            sparse,
        }))
    }

    fn no_data(&self, channel: &'static str) -> TrainerError {
        TrainerError::NoData {
            channel,
            path: self.root.channel_dir(channel),
        }
    }
}

fn harmonise(train: &mut Table, validation: &mut Table) -> Result<(), TrainerError> {
    let (in_train, in_validation) = (train.rows.n_features(), validation.rows.n_features());
    let narrower = if in_train < in_validation {
        train
    } else {
        validation
    };
    if in_train != in_validation && !narrower.sparse {
        return Err(TrainerError::Widths {
            in_train,
            in_validation,
        });
    }
    narrower.rows.widen(in_train.max(in_validation));
    Ok(())
}

/// The built-in algorithm's warning about a validation channel that repeats the training channel.
fn warn_of_twins(train: &ChannelFiles, validation: &ChannelFiles) {
    let twin = validation.files.iter().find(|file| {
        train
            .files
            .iter()
            .any(|it| it.n_bytes == file.n_bytes && it.path.file_name() == file.path.file_name())
    });
    if let Some(file) = twin {
        tracing::warn!(
            "Suspected identical files found: `{}` has the name and size of a training file",
            file.object
        );
    }
}
