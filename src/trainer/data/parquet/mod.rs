//! `application/x-parquet`: the label in the first column, perhaps a weight, then the features.
//!
//! Invariants: rows are numbered in the order of the sorted files, of their row groups and of their rows; of a table that is
//! larger than its sample, tiles from all over it come first, for which pages are passed over, and the others after them; all files have the same
//! columns; a null, like NaN, is a missing value in a feature and refused in label and weight; a feature of text holds
//! categories, and what else is not a number is refused with the column's name. A row group is never in memory as a whole.
//!
//! Source: apache/parquet-format; the built-in algorithm's reader (sagemaker-xgboost-container, `get_parquet_dmatrix`),
//! which takes the first column for the label as well, but knows no weight.

mod chart;
mod column;
mod draft;
mod group;
mod numbers;
mod open_file;
mod problem;
mod queries;
mod role;
mod schema;
mod source;
mod text;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use engine::dataset::Part;
use engine::threads::Threads;

use self::chart::{Chart, GroupPlace};
use self::group::{Group, Refused};
use self::open_file::OpenFile;
pub use self::problem::{MAX_COLUMNS, ParquetPlace, ParquetProblem, Rows};
use super::csv::CsvOptions;
use super::error::DataError;
use super::files::DataFile;
use super::plan::Plan;
use super::tiles::{Batch, Order, TileReader};
use crate::memory::{self, Swap};
use crate::store::kept::Kept;

/// Rows that a footer is believed about before they are there: as many as a tree can number.
const MOST_ROWS: u64 = u32::MAX as u64;

/// Files whose footers are kept: the one that is read, and the one before or behind it.
const OPEN_FILES: usize = 2;

/// Bytes of row groups that come from S3 while the one at hand is decoded, so that the network always has something to bring,
/// also where every second row group was kept; a row group of more bytes comes alone.
const AHEAD_BYTES: u64 = 64 << 20;

/// The most row groups that come so, each of which opens a reader for each of its columns.
const AHEAD_GROUPS: usize = 8;

/// Tiles of Parquet files.
pub struct ParquetTiles {
    files: Vec<DataFile>,
    options: CsvOptions,
    threads: Threads,
    chart: Chart,
    plan: Plan,
    /// Files and their numbers, the last one opened last.
    footers: VecDeque<(usize, Arc<OpenFile>)>,
    /// The row group at hand, and the number of its next tile.
    open: Option<(GroupPlace, Group, usize)>,
    /// The row groups behind it, in order, which come from S3 while the one at hand is decoded.
    ahead: VecDeque<(GroupPlace, Group)>,
    /// What came from S3 for the sample and is read again for the other rows.
    kept: Arc<Kept>,
    /// The first problem so far, and the number of its tile.
    failed: Option<(usize, DataError)>,
}

/// Opens a channel's files; `None` if they hold no row. `options` say of the columns what they say of those of CSV.
///
/// # Errors
/// [`DataError`] if the footer of the first file with rows is refused, or of one before it.
pub fn open(
    mut files: Vec<DataFile>,
    options: CsvOptions,
    order: Order,
    threads: Threads,
) -> Result<Option<ParquetTiles>, DataError> {
    let mut chart = Chart::of(&files, &options);
    if chart.n_rows() == 0 {
        return chart.failed.take().map_or(Ok(None), Err);
    }
    let n_values = chart.n_rows() as f64 * chart.n_features() as f64;
    let failed = chart.failed.take().map(|err| (chart.n_tiles(), err));
    let kept = Arc::new(Kept::new(room_to_keep()));
    for file in &mut files {
        file.remote = file.remote.as_ref().map(|it| it.keeping(&kept));
    }
    Ok(Some(ParquetTiles {
        files,
        options,
        threads,
        plan: Plan::of_values(chart.n_tiles(), order, n_values),
        chart,
        footers: VecDeque::new(),
        open: None,
        ahead: VecDeque::new(),
        kept,
        failed,
    }))
}

/// How much of what comes from S3 for a sample is kept until it is read again: a share of the memory that is left, which
/// training has when all is read.
fn room_to_keep() -> u64 {
    const SHARE: u64 = 4;
    memory::available(Swap::LeftOut).map_or(0, |it| it / SHARE)
}

/// A feature, as the footer of a file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Whether it holds text, which is read as categories.
    pub is_text: bool,
}

/// The features, as the first of `files` has them; none if there is no file.
///
/// # Errors
/// [`DataError`] if its footer is refused.
pub fn features(files: &[DataFile], options: &CsvOptions) -> Result<Vec<Feature>, DataError> {
    let Some(first) = files.first() else {
        return Ok(Vec::new());
    };
    let file = OpenFile::open(first, options)?;
    Ok(file.layout.features())
}

impl ParquetTiles {
    /// Decodes tiles of one row group, by their numbers in the channel.
    fn decode(&mut self, numbers: &[usize]) -> Result<Vec<Part>, Refused> {
        let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
        let is_ahead = |(place, _, next): &(GroupPlace, Group, usize)| {
            *next <= first && last < place.tiles.end
        };
        let (place, mut group) = match self.open.take().filter(is_ahead) {
            Some((place, group, _)) => (place, group),
            None => self.next_group(first)?,
        };
        let begin = place.tiles.start;
        let of_group: Vec<usize> = numbers.iter().map(|it| it - begin).collect();
        let tiles = group.read(&of_group, &self.threads);
        let tiles = tiles.map_err(|(tile, err)| (begin + tile, err))?;
        self.open = Some((place, group, last + 1));
        let parts = numbers.iter().zip(tiles).map(|(&number, mut tile)| {
            // Counted from the start of the part.
            tile.origin.first_row = 0;
            Part {
                number,
                tiles: vec![tile],
            }
        });
        Ok(parts.collect())
    }

    /// The row group of a tile, and behind it the next ones under way.
    fn next_group(&mut self, tile: usize) -> Result<(GroupPlace, Group), Refused> {
        let found = loop {
            match self.ahead.pop_front() {
                Some((place, group)) if place.tiles.contains(&tile) => break (place, group),
                Some(_) => {}
                None => break self.open_group(tile)?,
            }
        };
        self.open_ahead(found.0.tiles.end);
        Ok(found)
    }

    /// Opens row groups that come from S3, from the tile `end` on, where that of the tile at hand ends.
    fn open_ahead(&mut self, end: usize) {
        let mut end = self.ahead.back().map_or(end, |it| it.0.tiles.end);
        let mut n_bytes: u64 = self.ahead.iter().map(|it| it.1.n_bytes_ahead()).sum();
        while n_bytes < AHEAD_BYTES && self.ahead.len() < AHEAD_GROUPS {
            let Some(next) = self.plan.next_behind(end) else {
                return;
            };
            if self.files[self.chart.group_of(next).file].remote.is_none() {
                return;
            }
            // One that is refused is opened again when its turn comes, and refused then.
            let Ok((place, group)) = self.open_group(next) else {
                return;
            };
            end = place.tiles.end;
            n_bytes += group.n_bytes_ahead();
            self.ahead.push_back((place, group));
        }
    }

    /// Opens the row group of a tile.
    fn open_group(&mut self, tile: usize) -> Result<(GroupPlace, Group), Refused> {
        let place = self.chart.group_of(tile).clone();
        let labels = self.options.labels;
        let opened = self
            .file(place.file)
            .and_then(|file| Group::open(&file, labels, place.idx, place.first_row));
        match opened {
            Ok(group) => Ok((place, group)),
            Err(err) => Err((place.tiles.start, Box::new(err))),
        }
    }

    /// Opens a file, or finds it open.
    fn file(&mut self, number: usize) -> Result<Arc<OpenFile>, DataError> {
        if let Some((_, file)) = self.footers.iter().find(|(it, _)| *it == number) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(OpenFile::open(&self.files[number], &self.options)?);
        if self.footers.len() == OPEN_FILES {
            self.footers.pop_front();
        }
        self.footers.push_back((number, Arc::clone(&file)));
        Ok(file)
    }

    /// Remembers a problem; what comes behind it is not read.
    fn fail(&mut self, number: usize, err: DataError) {
        self.plan.end_at(number);
        self.open = None;
        self.ahead.clear();
        if self
            .failed
            .as_ref()
            .is_none_or(|(first, _)| number < *first)
        {
            self.failed = Some((number, err));
        }
    }
}

impl TileReader for ParquetTiles {
    fn read(&mut self) -> Result<Batch, DataError> {
        let mut parts = Vec::new();
        while parts.is_empty() {
            let numbers = self.plan.take(self.chart.tiles_together());
            if !self.plan.comes_again() {
                self.kept.only_hand_out();
            }
            if numbers.is_empty() {
                return match self.failed.take() {
                    Some((_, err)) => Err(err),
                    None => Ok(Batch::End),
                };
            }
            let chart = &self.chart;
            let of_groups: Vec<Vec<usize>> = numbers
                .chunk_by(|a, b| chart.group_of(*a).tiles.contains(b))
                .map(<[usize]>::to_vec)
                .collect();
            for numbers in of_groups {
                match self.decode(&numbers) {
                    Ok(decoded) => parts.extend(decoded),
                    Err((number, err)) => {
                        self.fail(number, *err);
                        break;
                    }
                }
            }
        }
        Ok(Batch::Parts(parts))
    }

    fn in_sample(&self) -> bool {
        self.plan.in_sample()
    }

    fn expected_rows(&self) -> usize {
        self.n_rows().unwrap_or(0) as usize
    }

    fn n_rows(&self) -> Option<u64> {
        // A footer can promise any number.
        Some(self.chart.n_rows()).filter(|it| *it <= MOST_ROWS)
    }
}

impl fmt::Debug for ParquetTiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetTiles")
            .field("files", &self.files)
            .field("options", &self.options)
            .field("chart", &self.chart)
            .finish_non_exhaustive()
    }
}
