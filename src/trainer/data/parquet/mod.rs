//! `application/x-parquet`: the label in the first column, perhaps a weight, then the features.
//!
//! Invariants: rows come in the order of the sorted files, of their row groups and of their rows; all files have the same
//! columns; a null, like NaN, is a missing value in a feature and refused in label and weight; a feature of text holds
//! categories, and what else is not a number is refused with the column's name. A row group is never in memory as a whole.
//!
//! Source: apache/parquet-format; the built-in algorithm's reader (sagemaker-xgboost-container, `get_parquet_dmatrix`),
//! which takes the first column for the label as well, but knows no weight.

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
use std::vec;

use engine::dataset::Tile;
use engine::threads::Threads;

use self::group::Group;
use self::open_file::OpenFile;
pub use self::problem::{MAX_COLUMNS, ParquetPlace, ParquetProblem, Rows};
use self::schema::Layout;
use super::csv::CsvOptions;
use super::error::DataError;
use super::files::DataFile;

/// Tiles of Parquet files.
pub struct ParquetTiles {
    files: vec::IntoIter<DataFile>,
    options: CsvOptions,
    threads: Threads,
    /// The columns of the first file.
    layout: Option<Layout>,
    open: Option<Cursor>,
    ready: VecDeque<Tile>,
}

/// A place between two batches of rows.
struct Cursor {
    file: OpenFile,
    /// The row group that is opened next.
    next_group: usize,
    group: Option<Group>,
    /// Rows of the groups before the next one.
    n_rows: u64,
}

/// Opens a channel's files; `None` if they hold no row. `options` say of the columns what they say of those of CSV.
///
/// # Errors
/// [`DataError`] for the first rows, and for the files before them.
pub fn open(
    files: Vec<DataFile>,
    options: CsvOptions,
    threads: Threads,
) -> Result<Option<ParquetTiles>, DataError> {
    let mut tiles = ParquetTiles {
        files: files.into_iter(),
        options,
        threads,
        layout: None,
        open: None,
        ready: VecDeque::new(),
    };
    tiles.refill()?;
    Ok((!tiles.ready.is_empty()).then_some(tiles))
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
    /// Decodes the next rows, unless the last file is at its end.
    fn refill(&mut self) -> Result<(), DataError> {
        while self.ready.is_empty() {
            let Some(cursor) = &mut self.open else {
                let Some(entry) = self.files.next() else {
                    return Ok(());
                };
                self.open = Some(self.start(&entry)?);
                continue;
            };
            if let Some(group) = &mut cursor.group {
                self.ready.extend(group.next_tiles(&self.threads)?);
                if self.ready.is_empty() {
                    cursor.n_rows = group.end_row();
                    cursor.group = None;
                }
            } else if !cursor.open_group(&self.options)? {
                self.open = None;
            }
        }
        Ok(())
    }

    fn start(&mut self, entry: &DataFile) -> Result<Cursor, DataError> {
        let file = OpenFile::open(entry, &self.options)?;
        if let Some(first) = &self.layout {
            file.layout.check_same(first)?;
        } else {
            if !file.layout.left_out.is_empty() {
                tracing::warn!(
                    "{}: left out what pandas calls the index: {}",
                    entry.object,
                    file.layout.left_out.join(", ")
                );
            }
            self.layout = Some(file.layout.clone());
        }
        Ok(Cursor {
            file,
            next_group: 0,
            group: None,
            n_rows: 0,
        })
    }
}

impl Cursor {
    /// Opens the next row group; false behind the last one.
    fn open_group(&mut self, options: &CsvOptions) -> Result<bool, DataError> {
        if self.next_group == self.file.metadata.num_row_groups() {
            return Ok(false);
        }
        let group = Group::open(&self.file, options.labels, self.next_group, self.n_rows)?;
        self.next_group += 1;
        self.group = Some(group);
        Ok(true)
    }
}

impl Iterator for ParquetTiles {
    type Item = Result<Tile, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(err) = self.refill() {
            self.open = None;
            self.files = Vec::new().into_iter();
            return Some(Err(err));
        }
        self.ready.pop_front().map(Ok)
    }
}

impl fmt::Debug for ParquetTiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetTiles")
            .field("files", &self.files)
            .field("options", &self.options)
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}
