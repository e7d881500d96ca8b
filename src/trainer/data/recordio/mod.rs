//! `application/x-recordio-protobuf`: a row a record, Amazon's `aialgs.data.Record`, dense or sparse.
//!
//! Invariants: the first record says for the whole channel whether rows are dense or sparse, and how wide; a dense row is
//! what the same row of CSV is, the label in column 0; of a sparse row what is not listed is missing, as in libsvm, and a
//! further record without features is a row of nothing but missing values. Frames are found one after the other,
//! since nothing but the frame before tells where one starts, and decoded on all threads.
//!
//! Source: SageMaker developer guide, "Use Training Data in RecordIO"; the SDK's `amazon/common.py`.

pub mod frame;
mod problem;
pub(crate) mod proto;

use engine::dataset::{SideColumn, TILE_ROWS, Tile};
use engine::threads::Threads;

pub use self::problem::{RecordPlace, RecordProblem};
use self::proto::{Row, Tensor};
use super::bad_rows::BadRows;
use super::blocks::{Block, Cut};
use super::csv::CsvOptions;
use super::error::{DataError, RowPlace};
use super::labels::LabelRule;
use super::libsvm;
use super::number::whole;
use super::row_layout::{MAX_COLUMNS, RowLayout, RowProblem, check_label};
use super::rows::{DenseRows, NoFeature};
use super::side;
use super::sparse_rows::SparseRows;
use super::tiles::{LineFormat, LineTiles, Text};

/// How a channel's records read, as the first one shows.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordFormat {
    labels: LabelRule,
    form: Form,
    fixed_by: RowPlace,
}

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Dense(RowLayout),
    Sparse {
        /// Columns, where shapes say it.
        n_features: Option<u64>,
        /// Columns that are no features; those of the base margin in its order.
        side: Vec<(u32, SideColumn)>,
    },
}

/// A problem, and the column that is to blame, from 0 for the label.
type Refusal = (Option<usize>, RecordProblem);

/// Memory that is used again for the next block.
#[derive(Debug, Default)]
pub struct RecordScratch {
    row: Row,
    cells: Vec<f32>,
    /// Entries of a sparse row, to be sorted.
    entries: Vec<(u64, f64)>,
    dense: DenseRows,
}

/// Opens a channel's objects; `None` if they hold no record.
///
/// # Errors
/// [`DataError`] for the first block.
pub fn open(
    text: Text,
    options: &CsvOptions,
    threads: Threads,
) -> Result<Option<LineTiles<RecordFormat>>, DataError> {
    LineTiles::open(text, options.on_bad_row, threads, |first| {
        RecordFormat::detect(first, options)
    })
}

fn is_sparse(features: &Tensor) -> bool {
    !features.keys.is_empty() || features.values.is_empty()
}

impl RecordFormat {
    /// Learns from the first record; `None` if the block has none.
    fn detect(block: &Block<'_>, options: &CsvOptions) -> Result<Option<Self>, DataError> {
        let Some(record) = frame::records(block.bytes).next() else {
            return Ok(None);
        };
        let fixed_by = block.row_place(0);
        let mut row = Row::default();
        let read = row.read(&record);
        match read.and_then(|()| Form::of(&row.features, options)) {
            Ok(form) => Ok(Some(Self {
                labels: options.labels,
                form,
                fixed_by,
            })),
            Err(problem) => Err(DataError::Record {
                place: RecordPlace {
                    row: fixed_by,
                    column: None,
                },
                problem,
            }),
        }
    }

    /// The label of a record.
    fn label(&self, row: &Row) -> Result<f32, Refusal> {
        let label = match row.label.values[..] {
            [] => f32::NAN,
            [label] => label as f32,
            _ => return Err((Some(0), RecordProblem::Labels(row.label.values.len()))),
        };
        check_label(self.labels, label).map_err(|it| (Some(0), it.into()))?;
        Ok(label)
    }

    fn mixed(&self, is_sparse: bool) -> Refusal {
        let fixed_by = self.fixed_by.clone();
        (
            None,
            RecordProblem::Mixed {
                is_sparse,
                fixed_by,
            },
        )
    }

    /// Makes a row of CSV's cells of the record that was read.
    fn dense(&self, layout: &RowLayout, scratch: &mut RecordScratch) -> Result<(), Refusal> {
        let (features, n_columns) = (&scratch.row.features, layout.columns.n_columns);
        if !features.keys.is_empty() {
            return Err(self.mixed(true));
        }
        if features.values.len() + 1 != n_columns {
            let problem = RecordProblem::Ragged {
                found: features.values.len() as u64,
                expected: n_columns as u64 - 1,
                fixed_by: self.fixed_by.clone(),
            };
            return Err((None, problem));
        }
        check_shape(features).map_err(|it| (None, it))?;
        let label = self.label(&scratch.row)?;
        scratch.cells.clear();
        scratch.cells.push(label);
        let values = features.values.iter().map(|it| *it as f32);
        scratch.cells.extend(values);
        let checked = layout.check(&scratch.cells);
        checked.map_err(|(column, it)| (Some(column), it.into()))?;
        if let Some(column) = layout.query {
            let value = features.values[column - 1];
            let query = whole(value).ok_or_else(|| {
                let problem = RowProblem::from(side::no_query(value));
                (Some(column), problem.into())
            })?;
            scratch.dense.query_ids.push(query);
        }
        let row = scratch.dense.add(n_columns);
        row.copy_from_slice(&scratch.cells);
        Ok(())
    }

    /// Takes a sparse row from the record that was read.
    fn sparse(
        &self,
        (n_features, side): (Option<u64>, &[(u32, SideColumn)]),
        scratch: &mut RecordScratch,
        rows: &mut SparseRows,
    ) -> Result<(), Refusal> {
        let features = &scratch.row.features;
        if !is_sparse(features) {
            return Err(self.mixed(false));
        }
        let refuse = |problem| (None, problem);
        if let (Some(found), Some(expected)) = (features.n_cells(), n_features)
            && found != expected
        {
            return Err(refuse(RecordProblem::Ragged {
                found,
                expected,
                fixed_by: self.fixed_by.clone(),
            }));
        }
        let label = self.label(&scratch.row)?;
        let last = n_features.unwrap_or(MAX_COLUMNS as u64).saturating_sub(1);
        sorted(features, &mut scratch.entries, last).map_err(refuse)?;
        let (first, is_first) = (rows.indices.len(), rows.n_rows() == 0);
        for &(key, value) in &scratch.entries {
            let number = value as f32;
            if number.is_infinite() {
                let column = Some(key as usize + 1);
                return Err((column, RowProblem::Infinite(value).into()));
            }
            rows.indices.push(key as u32);
            rows.values.push(number);
        }
        // The width stands in the shapes alone; a value that is missing is one all the same.
        if is_first && n_features.is_some() && rows.indices[first..].last() != Some(&(last as u32))
        {
            rows.indices.push(last as u32);
            rows.values.push(f32::NAN);
        }
        rows.labels.push(label);
        let taken = rows.take_side(first, side);
        taken.map_err(|it| refuse(RowProblem::from(it).into()))?;
        rows.indptr.push(rows.indices.len());
        Ok(())
    }

    fn refuse(block: &Block<'_>, number: usize, (column, problem): Refusal) -> DataError {
        DataError::Record {
            place: RecordPlace {
                row: block.row_place(number as u64),
                column: column.map(|it| it as u64 + 1),
            },
            problem,
        }
    }
}

impl Form {
    fn of(features: &Tensor, options: &CsvOptions) -> Result<Self, RecordProblem> {
        if !is_sparse(features) {
            let layout = RowLayout::new(features.values.len() + 1, options)?;
            return Ok(Self::Dense(layout));
        }
        if options.weighted {
            return Err(RecordProblem::NoColumn("csv_weights"));
        }
        if options.side.declared.qid.is_some() {
            return Err(RecordProblem::NoColumn("qid_column"));
        }
        if !options.side.declared.labels.is_empty() {
            return Err(RecordProblem::NoColumn("label_columns"));
        }
        let n_features = features.n_cells();
        if n_features.is_none() && features.keys.is_empty() {
            return Err(RecordProblem::NoWidth);
        }
        if let Some(n_cells) = n_features.filter(|it| *it > MAX_COLUMNS as u64) {
            return Err(RowProblem::TooManyColumns(n_cells).into());
        }
        if n_features == Some(0) {
            let problem = NoFeature {
                found: 1,
                weighted: false,
                declared: false,
            };
            return Err(RowProblem::from(problem).into());
        }
        Ok(Self::Sparse {
            n_features,
            side: libsvm::side_indexes(options).map_err(RowProblem::from)?,
        })
    }
}

fn check_shape(features: &Tensor) -> Result<(), RecordProblem> {
    match features.n_cells() {
        Some(expected) if expected != features.values.len() as u64 => Err(RecordProblem::Shape {
            found: features.values.len(),
            expected,
        }),
        _ => Ok(()),
    }
}

/// The entries of a sparse row by their keys, each of which is there once and at most `last`.
fn sorted(
    features: &Tensor,
    entries: &mut Vec<(u64, f64)>,
    last: u64,
) -> Result<(), RecordProblem> {
    let (keys, values) = (&features.keys, &features.values);
    if keys.len() != values.len() {
        return Err(RecordProblem::Keys {
            keys: keys.len(),
            values: values.len(),
        });
    }
    entries.clear();
    entries.extend(keys.iter().copied().zip(values.iter().copied()));
    if !keys.is_sorted() {
        entries.sort_by_key(|(key, _)| *key);
    }
    if let Some(&(key, _)) = entries.last().filter(|(key, _)| *key > last) {
        return Err(RecordProblem::Key { key, last });
    }
    let twice = entries.windows(2).find(|it| it[0].0 == it[1].0);
    twice.map_or(Ok(()), |it| Err(RecordProblem::Repeated(it[0].0)))
}

impl LineFormat for RecordFormat {
    const CUT: Cut = Cut::Records;
    type Scratch = RecordScratch;

    fn parse(
        &self,
        block: &Block<'_>,
        scratch: &mut RecordScratch,
        bad: &mut BadRows,
    ) -> Result<Vec<Tile>, DataError> {
        let mut tiles = Vec::new();
        let mut rows = SparseRows::new();
        scratch.dense.clear();
        for (number, record) in frame::records(block.bytes).enumerate() {
            let read = scratch.row.read(&record).map_err(|it| (None, it));
            let taken = read.and_then(|()| match &self.form {
                Form::Dense(layout) => self.dense(layout, scratch),
                Form::Sparse { n_features, side } => {
                    let n_before = rows.n_rows();
                    let taken = self.sparse((*n_features, side), scratch, &mut rows);
                    if taken.is_err() {
                        rows.truncate(n_before, side.len());
                    }
                    taken
                }
            });
            if let Err(refusal) = taken {
                bad.refuse(|| Self::refuse(block, number, refusal))?;
            }
            if let Form::Sparse { side, .. } = &self.form
                && rows.n_rows() == TILE_ROWS
            {
                let full = std::mem::replace(&mut rows, SparseRows::new());
                tiles.push(full.into_tile(side, tiles.len() * TILE_ROWS, block.object));
            }
        }
        match &self.form {
            Form::Dense(layout) => return Ok(scratch.dense.tiles(&layout.columns, block.object)),
            Form::Sparse { side, .. } if rows.n_rows() > 0 => {
                tiles.push(rows.into_tile(side, tiles.len() * TILE_ROWS, block.object));
            }
            Form::Sparse { .. } => {}
        }
        Ok(tiles)
    }

    fn n_values(&self, bytes: &[u8], n_records: usize) -> usize {
        match &self.form {
            Form::Dense(layout) => n_records * layout.columns.n_features(),
            Form::Sparse { .. } => bytes.len() / 8,
        }
    }
}
