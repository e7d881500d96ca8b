//! From a job's channels to its tables.
//!
//! Invariant: a channel is read once, and of its values nothing stays but what the tables hold and what rows are grouped by
//! for the baseline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use contract::channel::{Channel, InputMode, TRAIN, VALIDATION};
use contract::hyperparameter::{Algorithm, Hyperparameters};
use contract::paths::MlRoot;
use engine::bin::SAMPLE_VALUES;
use engine::memory::{Held, TableSize};
use engine::objective::Task;
use engine::params::{BoosterName, BoosterValidParams, ProcessType};
use engine::threads::Threads;

use super::baseline::Keys;
use super::categories;
use super::forecast::{Forecast, Length, Prospect};
use super::ingest::{Goal, Growing, Grown};
use super::job::Job;
use super::joined::{Joined, OfFirst};
use super::search;
use super::start::Start;
use super::tables::{Pair, Rows, Table, Tables, harmonise};
use crate::data::bad_rows::Skipped;
use crate::data::csv::CsvOptions;
use crate::data::files::ChannelFiles;
use crate::data::labels::LabelRule;
use crate::data::objects::Input;
use crate::data::pipe::Pipe;
use crate::data::side::{Queries, SideOptions};
use crate::data::{Batch, DataError, Order, Source, TileReader, open};
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
        on_bad_row: own.on_bad_row,
    }
}

/// What a job's rows become.
#[derive(Clone, Copy)]
enum Kind {
    Bins,
    /// Bins, once all values are there and it is known which leaves they reach in the model to continue from.
    LateBins,
    Columns,
    Values,
}

/// What it takes to read a job's channels.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) root: &'a MlRoot,
    pub(crate) job: &'a Job,
    /// The model that training continues from.
    pub(crate) start: Option<&'a Start>,
    pub(crate) threads: &'a Threads,
    pub(crate) stop: &'a Arc<AtomicBool>,
}

impl Reading<'_> {
    /// Reads the channels; `None` if `stop` was set meanwhile.
    pub(crate) fn read(&self, params: &BoosterValidParams) -> Result<Option<Tables>, TrainerError> {
        let job = self.job;
        let train = self.bytes(TRAIN, &job.train)?;
        let validation = job.validation.as_ref();
        let validation = validation
            .map(|it| self.bytes(VALIDATION, it))
            .transpose()?;
        if let (Bytes::Files(train), Some(Bytes::Files(validation))) = (&train, &validation) {
            warn_of_twins(train, validation);
        }
        let files = Pair { train, validation };
        let raw = || Goal::Raw(job.categorical.clone(), None);
        let kind = self.table_kind(params);
        let forecast = &self.forecast(params, kind);
        let tables = match kind {
            Kind::Values => self.pair(raw(), files, Rows::Raw, forecast)?,
            Kind::Columns => self.pair(raw(), files, Rows::Columns, forecast)?,
            Kind::LateBins => {
                let tables = self.pair(raw(), files, Rows::Raw, forecast)?;
                tables
                    .map(|tables| self.bin_late(tables, params.max_bin()))
                    .transpose()?
            }
            Kind::Bins => {
                let goal = Goal::Binned {
                    max_bin: params.max_bin(),
                    sample_values: SAMPLE_VALUES,
                    categorical: job.categorical.clone(),
                    names: self.start.map(|it| it.booster.category_names.clone()),
                };
                self.pair(goal, files, Rows::Binned, forecast)?
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
                if job.hyperparameters.exact {
                    search::tell(names, rows.train.cuts().of_quantiles());
                }
            }
        }
        Ok(tables)
    }

    /// What the job's rows become.
    fn table_kind(&self, params: &BoosterValidParams) -> Kind {
        let own = &self.job.hyperparameters;
        match (own.algorithm, params.booster(), own.process_type) {
            (Algorithm::DecisionTree, _, _) | (_, BoosterName::GbTree, ProcessType::Update) => {
                Kind::Values
            }
            (_, BoosterName::GbLinear, _) => Kind::Columns,
            (_, BoosterName::Dart, _) if self.start.is_some() => Kind::LateBins,
            (Algorithm::GradientBoosting | Algorithm::RandomForest, _, _) => Kind::Bins,
        }
    }

    /// What is known of the memory that the job takes.
    fn forecast<'f>(&'f self, params: &'f BoosterValidParams, kind: Kind) -> Forecast<'f> {
        let kfold = self.job.hyperparameters.kfold;
        Forecast::new(Prospect {
            params,
            held: match kind {
                Kind::Bins => Held::Bins,
                Kind::LateBins => Held::ValuesThenBins,
                Kind::Columns | Kind::Values => Held::Values,
            },
            n_folds: kfold.map(|it| it.n_folds),
            n_threads: self.threads.n_threads(),
            instance_type: self.job.instance_type.as_deref(),
        })
    }

    /// Bins tables that were read as values, with the leaves that rows reach in the model to continue from.
    fn bin_late(&self, tables: Tables, max_bin: u32) -> Result<Tables, TrainerError> {
        let start = Instant::now();
        let rows = match (tables.rows, self.start) {
            (Rows::Raw(pair), Some(model)) => {
                Rows::Binned(model.bin(pair, max_bin, self.threads)?)
            }
            (rows, _) => rows,
        };
        Ok(Tables {
            rows,
            binning: start.elapsed(),
            ..tables
        })
    }

    /// Ranking needs queries; without, all rows are put in one order, which is seldom meant.
    fn warn_of_one_query(&self, rows: &Rows) {
        if queries(&self.job.hyperparameters) == Queries::Read && !rows.has_queries() {
            tracing::warn!(
                "no row names its query, so all rows of a channel are one; name the column with qid_column, or write qid: in libsvm"
            );
        }
    }

    /// Where the bytes of a channel are.
    fn bytes(&self, name: &'static str, channel: &Channel) -> Result<Bytes, TrainerError> {
        match channel.input_mode {
            InputMode::File | InputMode::FastFile => self.files(name).map(Bytes::Files),
            InputMode::Pipe => {
                let path = self.root.channel_pipe(name, 0);
                tracing::info!(
                    "Channel `{name}` comes through the pipe {}; bins are cut by its first rows",
                    path.display()
                );
                Ok(Bytes::Pipe(Pipe {
                    object: Arc::from(format!("{name}_0")),
                    path,
                    wrapper: channel.record_wrapper,
                    stop: Arc::clone(self.stop),
                }))
            }
        }
    }

    fn files(&self, channel: &'static str) -> Result<ChannelFiles, TrainerError> {
        let found = self.job.whereabouts.files(channel)?;
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
        files: Pair<Bytes>,
        rows: impl Fn(Pair<T>) -> Rows,
        forecast: &Forecast<'_>,
    ) -> Result<Option<Tables>, TrainerError> {
        let growing = Growing::new(TRAIN, goal, self.threads);
        let of_first = OfFirst::default();
        let joins = self.job.hyperparameters.kfold.is_some() && files.validation.is_some();
        let (reader, beside) = if joins {
            (self.joined(files, growing.order(), &of_first), None)
        } else {
            let reader = self.reader(TRAIN, &self.job.train, files.train, growing.order());
            let reader = reader.map(|it| it as Box<dyn TileReader + '_>);
            (reader, self.job.validation.as_ref().zip(files.validation))
        };
        let Some((mut train, train_keys)) = self.table::<T>(growing, reader, forecast)? else {
            return Ok(None);
        };
        let n_train = train.rows.labelled().n_rows();
        if let Some(start) = self.start {
            train.rows.widen(start.n_features());
        }
        let (mut validation, mut validation_keys, mut n_skipped_beside) = (None, None, None);
        if let Some((channel, files)) = beside {
            let goal = train.rows.goal_beside(&self.job.categorical, &train.names);
            let growing = Growing::new(VALIDATION, goal, self.threads);
            let reader = self.reader(VALIDATION, channel, files, growing.order());
            let reader = reader.map(|it| it as Box<dyn TileReader + '_>);
            let Some((mut table, keys)) = self.table::<T>(growing, reader, forecast)? else {
                return Ok(None);
            };
            harmonise(&mut train, &mut table)?;
            n_skipped_beside = Some(table.n_skipped);
            validation = Some(table.rows);
            validation_keys = Some(keys);
        }
        let n_skipped = if joins {
            Pair {
                train: of_first.n_skipped.get(),
                validation: Some(train.n_skipped - of_first.n_skipped.get()),
            }
        } else {
            Pair {
                train: train.n_skipped,
                validation: n_skipped_beside,
            }
        };
        let n_validation = validation.as_ref().map(|it| it.labelled().n_rows());
        let n_rows = if joins {
            Pair {
                train: of_first.n_rows.get(),
                validation: Some(n_train - of_first.n_rows.get()),
            }
        } else {
            Pair {
                train: n_train,
                validation: n_validation,
            }
        };
        Ok(Some(Tables {
            n_rows,
            n_skipped,
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

    /// Opens both channels as one. The rows of the first are counted in `of_first`.
    fn joined<'r>(
        &'r self,
        files: Pair<Bytes>,
        order: Order,
        of_first: &'r OfFirst,
    ) -> Result<Box<dyn TileReader + 'r>, TrainerError> {
        let (train, validation) = (&self.job.train, self.job.validation.as_ref());
        // What comes through a pipe cannot come again, so nothing beside it may have to start again.
        let order = match (&files.train, &files.validation) {
            (Bytes::Pipe(_), _) | (_, Some(Bytes::Pipe(_))) => Order::Once,
            (Bytes::Files(_), Some(Bytes::Files(_)) | None) => order,
        };
        let first = self.reader(TRAIN, train, files.train.clone(), order)?;
        let Some((channel, of_second)) = validation.zip(files.validation) else {
            return Ok(first);
        };
        let second = self.reader(VALIDATION, channel, of_second, order)?;
        let reopen = move || {
            let again = source(TRAIN, train, files.train.clone());
            open(again, options(self.job), order, self.threads)
        };
        Ok(Box::new(Joined::new(
            first,
            second,
            Box::new(reopen),
            of_first,
        )))
    }

    /// Opens a channel.
    fn reader(
        &self,
        name: &'static str,
        channel: &Channel,
        found: Bytes,
        order: Order,
    ) -> Result<Box<dyn TileReader>, TrainerError> {
        let source = source(name, channel, found);
        let reader = open(source, options(self.job), order, self.threads)?;
        reader.ok_or_else(|| self.no_data(name))
    }

    /// Reads rows into a table. Whatever happened, nobody wants to hear of it when the job was stopped.
    fn table<T: Table>(
        &self,
        growing: Growing<'_>,
        reader: Result<Box<dyn TileReader + '_>, TrainerError>,
        forecast: &Forecast<'_>,
    ) -> Result<Option<(Grown<T>, Keys)>, TrainerError> {
        let read = reader.and_then(|reader| self.read_table(growing, reader, forecast));
        match read {
            Err(_) if self.stop.load(Ordering::Relaxed) => Ok(None),
            read => read,
        }
    }

    fn read_table<T: Table>(
        &self,
        mut growing: Growing<'_>,
        mut reader: Box<dyn TileReader + '_>,
        forecast: &Forecast<'_>,
    ) -> Result<Option<(Grown<T>, Keys)>, TrainerError> {
        let name = growing.channel();
        growing.expect_rows(reader.expected_rows());
        let length = match reader.n_rows() {
            Some(n_rows) => Length::Known(n_rows),
            None => Length::Guessed(reader.expected_rows() as u64),
        };
        let own = &self.job.hyperparameters;
        let mut keys = Keys::new(&own.baseline_columns, &own.feature_names);
        let mut n_rows = 0;
        loop {
            let batch = reader.read()?;
            if self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            match batch {
                Batch::Parts(mut parts) => {
                    growing.expect_rows(reader.expected_rows());
                    let tiles = parts.iter().flat_map(|part| &part.tiles);
                    n_rows += tiles.map(|tile| tile.labels.len() as u64).sum::<u64>();
                    keys.take(&parts);
                    if let Some(start) = self.start {
                        start.set_margins(&mut parts, name, self.threads)?;
                    }
                    forecast.take(name, TableSize::of(&parts), length)?;
                    growing.push(parts, reader.in_sample())?;
                }
                Batch::StartAgain => {
                    n_rows = 0;
                    keys.clear();
                    forecast.start_again(name);
                    growing.start_again();
                }
                Batch::End => break,
            }
        }
        let skipped = reader.skipped();
        drop(reader);
        forecast.end(name)?;
        let n_skipped = skipped.n_rows;
        tell_of_skipped(name, n_rows, &skipped)?;
        let mut grown = T::grown(growing)?;
        grown.n_skipped = n_skipped;
        Ok(Some((grown, keys)))
    }

    fn no_data(&self, channel: &'static str) -> TrainerError {
        let is_pipe = match channel {
            TRAIN => Some(&self.job.train),
            _ => self.job.validation.as_ref(),
        }
        .is_some_and(|it| it.input_mode == InputMode::Pipe);
        TrainerError::NoData {
            channel,
            path: if is_pipe {
                self.root.channel_pipe(channel, 0)
            } else {
                self.job.whereabouts.path(channel)
            },
        }
    }
}

/// Where a channel's bytes are.
#[derive(Clone)]
enum Bytes {
    Files(ChannelFiles),
    Pipe(Pipe),
}

fn source(name: &str, channel: &Channel, found: Bytes) -> Source {
    Source {
        channel: name.to_owned(),
        input: match found {
            Bytes::Files(found) => Input::Files(found.files),
            Bytes::Pipe(pipe) => Input::Pipe(pipe),
        },
        content_type: channel.content_type,
    }
}

/// Tells how many rows were left out, and refuses a channel that is mostly such rows.
fn tell_of_skipped(channel: &str, n_rows: u64, skipped: &Skipped) -> Result<(), DataError> {
    let Skipped { n_rows: 1.., first } = skipped else {
        return Ok(());
    };
    let first = first.clone().unwrap_or_default();
    if skipped.n_rows > n_rows {
        return Err(DataError::MostlyBad {
            channel: channel.to_owned(),
            n_skipped: skipped.n_rows,
            n_rows,
            first,
        });
    }
    tracing::warn!(
        "channel `{channel}`: left out {} rows that do not fit; the first: {first}",
        skipped.n_rows
    );
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
