//! From a job's channels to its tables.
//!
//! Invariant: a channel is read once, and of its values nothing stays but what the tables hold and what rows are grouped by
//! for the baseline.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use contract::channel::{Channel, TRAIN, VALIDATION};
use contract::hyperparameter::{Algorithm, Hyperparameters};
use contract::paths::MlRoot;
use engine::bin::SAMPLE_VALUES;
use engine::objective::Task;
use engine::threads::Threads;

use super::baseline::Keys;
use super::categories;
use super::ingest::{Goal, Growing, Grown};
use super::job::Job;
use super::joined::Joined;
use super::start::Start;
use super::tables::{Pair, Rows, Table, Tables, harmonise};
use crate::data::csv::CsvOptions;
use crate::data::files::{ChannelFiles, discover};
use crate::data::labels::LabelRule;
use crate::data::side::{Queries, SideOptions};
use crate::data::{Batch, Order, Source, TileReader, open};
use crate::error::TrainerError;

/// Queries are read where something ranks by them.
fn queries(own: &Hyperparameters) -> Queries {
    let ranks = own.eval_metrics.iter().any(|it| it.is_of_queries());
    if ranks || own.objective.task() == Task::Ranking {
        Queries::Read
    } else {
        Queries::Ignored
    }
}

/// How a channel's rows are read.
pub(super) fn options(job: &Job) -> CsvOptions {
    let own = &job.hyperparameters;
    let labels = LabelRule {
        objective: own.objective,
        num_class: own.num_class,
    };
    CsvOptions {
        weighted: own.csv_weights,
        labels,
        side: SideOptions {
            declared: own.columns.clone(),
            queries: queries(own),
        },
        categorical: job.categorical.clone(),
    }
}

/// What it takes to read a job's channels.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) root: &'a MlRoot,
    pub(crate) job: &'a Job,
    /// The model that training continues from.
    pub(crate) start: Option<&'a Start>,
    pub(crate) threads: &'a Threads,
    pub(crate) stop: &'a AtomicBool,
}

impl Reading<'_> {
    /// Reads the channels; `None` if `stop` was set meanwhile.
    pub(crate) fn read(&self, max_bin: u32) -> Result<Option<Tables>, TrainerError> {
        let job = self.job;
        let train_files = self.files(TRAIN)?;
        let validation_files = job
            .validation
            .as_ref()
            .map(|_| self.files(VALIDATION))
            .transpose()?;
        if let Some(files) = &validation_files {
            warn_of_twins(&train_files, files);
        }
        let files = Pair {
            train: train_files,
            validation: validation_files,
        };
        let tables = match job.hyperparameters.algorithm {
            Algorithm::DecisionTree => {
                let goal = Goal::Raw(job.categorical.clone(), None);
                self.pair(goal, files, Rows::Raw)?
            }
            Algorithm::GradientBoosting | Algorithm::RandomForest => {
                let goal = Goal::Binned {
                    max_bin,
                    sample_values: SAMPLE_VALUES,
                    categorical: job.categorical.clone(),
                    names: self.start.map(|it| it.booster.category_names.clone()),
                };
                self.pair(goal, files, Rows::Binned)?
            }
        };
        if let Some(tables) = &tables {
            let Pair { train, validation } = &tables.n_rows;
            let n_features = tables.rows.labelled().train.n_features;
            tracing::info!("Train matrix has {train} rows and {n_features} columns");
            if let Some(validation) = validation {
                tracing::info!("Validation matrix has {validation} rows");
            }
            self.warn_of_one_query(&tables.rows);
            if let Rows::Binned(rows) = &tables.rows {
                let names = &job.hyperparameters.feature_names;
                categories::warn_of_many(names, &rows.train.cuts().grouped());
            }
        }
        Ok(tables)
    }

    /// Ranking needs queries; without, all rows are put in one order, which is seldom meant.
    fn warn_of_one_query(&self, rows: &Rows) {
        if queries(&self.job.hyperparameters) == Queries::Read && !rows.has_queries() {
            tracing::warn!(
                "no row names its query, so all rows of a channel are one; name the column with qid_column, or write qid: in libsvm"
            );
        }
    }

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

    /// Reads both channels; `goal` is that of the training channel.
    fn pair<T: Table>(
        &self,
        goal: Goal,
        files: Pair<ChannelFiles>,
        rows: impl Fn(Pair<T>) -> Rows,
    ) -> Result<Option<Tables>, TrainerError> {
        let growing = Growing::new(TRAIN, goal, self.threads);
        let n_first = Cell::new(0);
        let joins = self.job.hyperparameters.kfold.is_some() && files.validation.is_some();
        let (reader, beside) = if joins {
            (self.joined(files, growing.order(), &n_first)?, None)
        } else {
            let reader = self.reader(TRAIN, &self.job.train, files.train, growing.order())?;
            let reader: Box<dyn TileReader + '_> = reader;
            (reader, self.job.validation.as_ref().zip(files.validation))
        };
        let Some((mut train, train_keys)) = self.table::<T>(growing, reader)? else {
            return Ok(None);
        };
        let n_train = train.rows.labelled().n_rows();
        if let Some(start) = self.start {
            train.rows.widen(start.n_features());
        }
        let (mut validation, mut validation_keys) = (None, None);
        if let Some((channel, files)) = beside {
            let goal = train.rows.goal_beside(&self.job.categorical, &train.names);
            let growing = Growing::new(VALIDATION, goal, self.threads);
            let reader = self.reader(VALIDATION, channel, files, growing.order())?;
            let Some((mut table, keys)) = self.table::<T>(growing, reader)? else {
                return Ok(None);
            };
            harmonise(&mut train, &mut table)?;
            validation = Some(table.rows);
            validation_keys = Some(keys);
        }
        let n_validation = validation.as_ref().map(|it| it.labelled().n_rows());
        let n_rows = if joins {
            Pair {
                train: n_first.get(),
                validation: Some(n_train - n_first.get()),
            }
        } else {
            Pair {
                train: n_train,
                validation: n_validation,
            }
        };
        Ok(Some(Tables {
            n_rows,
            rows: rows(Pair {
                train: train.rows,
                validation,
            }),
            keys: Pair {
                train: train_keys,
                validation: validation_keys,
            },
            binning: train.binning,
            names: train.names,
        }))
    }

    /// Opens both channels as one. The rows of the first are counted in `n_first`.
    fn joined<'r>(
        &'r self,
        files: Pair<ChannelFiles>,
        order: Order,
        n_first: &'r Cell<usize>,
    ) -> Result<Box<dyn TileReader + 'r>, TrainerError> {
        let (train, validation) = (&self.job.train, self.job.validation.as_ref());
        let first = self.reader(TRAIN, train, files.train.clone(), order)?;
        let Some((channel, of_second)) = validation.zip(files.validation) else {
            return Ok(first);
        };
        let second = self.reader(VALIDATION, channel, of_second, order)?;
        let again = source(TRAIN, train, files.train);
        let reopen = move || open(again.clone(), options(self.job), order, self.threads);
        Ok(Box::new(Joined::new(
            first,
            second,
            Box::new(reopen),
            n_first,
        )))
    }

    /// Opens a channel.
    fn reader(
        &self,
        name: &'static str,
        channel: &Channel,
        found: ChannelFiles,
        order: Order,
    ) -> Result<Box<dyn TileReader>, TrainerError> {
        let source = source(name, channel, found);
        let reader = open(source, options(self.job), order, self.threads)?;
        reader.ok_or_else(|| self.no_data(name))
    }

    /// Reads rows into a table.
    fn table<T: Table>(
        &self,
        mut growing: Growing<'_>,
        mut reader: Box<dyn TileReader + '_>,
    ) -> Result<Option<(Grown<T>, Keys)>, TrainerError> {
        let name = growing.channel();
        growing.expect_rows(reader.expected_rows());
        let own = &self.job.hyperparameters;
        let mut keys = Keys::new(&own.baseline_columns, &own.feature_names);
        loop {
            let batch = reader.read()?;
            if self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            match batch {
                Batch::Parts(mut parts) => {
                    keys.take(&parts);
                    if let Some(start) = self.start {
                        start.set_margins(&mut parts, name, self.threads)?;
                    }
                    growing.push(parts, reader.in_sample())?;
                }
                Batch::StartAgain => {
                    keys.clear();
                    growing.start_again();
                }
                Batch::End => return Ok(Some((T::grown(growing)?, keys))),
            }
        }
    }

    fn no_data(&self, channel: &'static str) -> TrainerError {
        TrainerError::NoData {
            channel,
            path: self.root.channel_dir(channel),
        }
    }
}

fn source(name: &str, channel: &Channel, found: ChannelFiles) -> Source {
    Source {
        channel: name.to_owned(),
        files: found.files,
        content_type: channel.content_type,
    }
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
