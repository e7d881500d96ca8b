//! A row group becomes tiles, its columns in step and on several threads.
//!
//! Invariants: where tiles end depends on the table alone, never on the threads; of several mistakes among the rows that
//! are decoded together, the one in the first row and there in the first column is told. Memory holds a page of each
//! column and [`BATCH_VALUES`] numbers, however many rows the row group has.

use std::sync::Arc;

use engine::dataset::{Origin, SideColumn, SideColumns, TILE_ROWS, Tile, TileFeatures};
use engine::threads::Threads;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;

use super::super::error::DataError;
use super::super::labels::{LabelRule, is_weight};
use super::super::side::{self, SideProblem};
use super::column::{self, Values};
use super::open_file::OpenFile;
use super::problem::{ParquetPlace, ParquetProblem, Rows, failed};
use super::schema::Column;
use super::source::Source;

/// The most numbers that are decoded between two looks at the tiles (16 MiB), so that a very wide table has short tiles.
const BATCH_VALUES: usize = 4 << 20;

/// The most tiles of a batch: enough work for each thread, few enough to stay in the cache.
const BATCH_TILES: usize = 16;

/// Numbers that are worth handing to a thread.
const TASK_VALUES: usize = 1 << 14;

/// A row group that is being read.
pub(super) struct Group {
    source: Arc<Source>,
    object: Arc<str>,
    idx: usize,
    columns: Vec<Open>,
    n_leading: usize,
    side: Vec<SideColumn>,
    queries: Option<Queries>,
    n_rows: u64,
    /// Rows that were decoded.
    done: u64,
    /// Rows of the file before this group.
    first_row: u64,
}

/// A column that is being read.
struct Open {
    column: Column,
    role: Role,
    values: Box<dyn Values<f32>>,
}

/// The column of the query.
struct Queries {
    column: Column,
    values: Box<dyn Values<Option<u64>>>,
}

#[derive(Clone, Copy)]
enum Role {
    Label(LabelRule),
    Weight,
    /// Not the upper bound of a label, which is checked when the label is there.
    Side(SideColumn),
    Feature,
}

/// A problem in a column, after so many rows of the batch.
struct Spot {
    row: usize,
    column: usize,
    cause: Cause,
}

enum Cause {
    Ended,
    Problem(ParquetProblem),
    Library(ParquetError),
}

/// A tile before its columns are filled.
struct Draft {
    labels: Vec<f32>,
    weights: Vec<f32>,
    /// Columns beside the features, `(n_rows,)` each.
    side: Vec<Vec<f32>>,
    query_ids: Option<Vec<u64>>,
    values: Vec<f32>,
}

/// A column and where its next rows go, tile by tile.
struct Task<'a> {
    idx: usize,
    open: &'a mut Open,
    targets: Vec<&'a mut [f32]>,
}

impl Group {
    /// Opens the row group `idx`, which starts at `first_row` of its file.
    pub(super) fn open(
        file: &OpenFile,
        labels: LabelRule,
        idx: usize,
        first_row: u64,
    ) -> Result<Self, DataError> {
        let (source, layout) = (&file.source, &file.layout);
        let place = || ParquetPlace::file(&layout.object).in_rows(Rows::Group(idx));
        let group = file.metadata.row_group(idx);
        let rows = group.num_rows();
        let mut columns = Vec::with_capacity(layout.columns.len());
        for (at, column) in layout.columns.iter().enumerate() {
            let place = || place().in_column(column.idx, &column.name);
            check_chunk(group.column(column.idx), rows).map_err(|it| place().refuse(it))?;
            let values =
                column::open(source, group, column.idx, column.numbers).map_err(|err| {
                    failed(source, err, |text| {
                        place().refuse(ParquetProblem::Damaged(text))
                    })
                })?;
            let first_side = layout.n_leading - layout.side.len();
            let role = match at {
                0 => Role::Label(labels),
                _ if at < first_side => Role::Weight,
                _ if at < layout.n_leading => Role::Side(layout.side[at - first_side]),
                _ => Role::Feature,
            };
            columns.push(Open {
                column: column.clone(),
                role,
                values,
            });
        }
        let queries = layout.query.as_ref().map(|column| {
            let place = || place().in_column(column.idx, &column.name);
            check_chunk(group.column(column.idx), rows).map_err(|it| place().refuse(it))?;
            let values = column::open_ids(source, group, column.idx, column.numbers);
            let values = values.map_err(|err| {
                failed(source, err, |text| {
                    place().refuse(ParquetProblem::Damaged(text))
                })
            })?;
            Ok(Queries {
                column: column.clone(),
                values,
            })
        });
        Ok(Self {
            source: Arc::clone(source),
            object: Arc::clone(&layout.object),
            idx,
            columns,
            side: layout.side.clone(),
            queries: queries.transpose()?,
            n_leading: layout.n_leading,
            n_rows: rows as u64,
            done: 0,
            first_row,
        })
    }

    /// The row of the file behind this group.
    pub(super) fn end_row(&self) -> u64 {
        self.first_row + self.n_rows
    }

    /// Decodes the next rows; no tile at the end.
    pub(super) fn next_tiles(&mut self, threads: &Threads) -> Result<Vec<Tile>, DataError> {
        let n_features = self.columns.len() - self.n_leading;
        let mut drafts = self.drafts(n_features);
        let mut tasks: Vec<Task<'_>> = self
            .columns
            .iter_mut()
            .enumerate()
            .map(|(idx, open)| Task {
                idx,
                open,
                targets: Vec::with_capacity(drafts.len()),
            })
            .collect();
        for draft in &mut drafts {
            draft.hand_out(&mut tasks);
        }
        let n_rows: usize = tasks[0].targets.iter().map(|it| it.len()).sum();
        let spots = threads.map(grouped(tasks, n_rows), |tasks| {
            let spots = tasks.into_iter().filter_map(|task| task.run().err());
            spots.min_by_key(|it| (it.row, it.column))
        });
        let first = spots.into_iter().flatten();
        if let Some(spot) = first.min_by_key(|it| (it.row, it.column)) {
            return Err(self.refuse(spot));
        }
        self.check_bounds(&drafts)?;
        self.read_queries(&mut drafts)?;
        let side = self.side.clone();
        let tiles = drafts.into_iter().map(|draft| {
            let origin = Origin {
                object: Arc::clone(&self.object),
                first_row: self.first_row + self.done,
            };
            self.done += draft.labels.len() as u64;
            draft.into_tile(n_features, &side, origin)
        });
        Ok(tiles.collect())
    }

    fn drafts(&self, n_features: usize) -> Vec<Draft> {
        let tile_rows = (BATCH_VALUES / n_features).clamp(1, TILE_ROWS);
        let n_tiles = (BATCH_VALUES / (n_features * tile_rows)).clamp(1, BATCH_TILES);
        let mut left = self.n_rows - self.done;
        let mut drafts = Vec::with_capacity(n_tiles);
        while left > 0 && drafts.len() < n_tiles {
            let n_rows = left.min(tile_rows as u64) as usize;
            left -= n_rows as u64;
            drafts.push(Draft {
                labels: vec![0.0; n_rows],
                weights: vec![0.0; if self.is_weighted() { n_rows } else { 0 }],
                side: vec![vec![0.0; n_rows]; self.side.len()],
                query_ids: None,
                values: vec![0.0; n_rows * n_features],
            });
        }
        drafts
    }

    fn is_weighted(&self) -> bool {
        self.n_leading - self.side.len() > 1
    }

    /// An upper bound is held against the label of its row.
    fn check_bounds(&self, drafts: &[Draft]) -> Result<(), DataError> {
        let bounds = self
            .side
            .iter()
            .position(|it| *it == SideColumn::LabelUpperBound);
        let Some(at) = bounds else {
            return Ok(());
        };
        let mut before = 0;
        for draft in drafts {
            for (row, (&bound, &label)) in draft.side[at].iter().zip(&draft.labels).enumerate() {
                side::check(SideColumn::LabelUpperBound, bound, label).map_err(|problem| {
                    self.refuse(Spot {
                        row: before + row,
                        column: self.n_leading - self.side.len() + at,
                        cause: Cause::Problem(problem.into()),
                    })
                })?;
            }
            before += draft.labels.len();
        }
        Ok(())
    }

    /// Reads the queries of the rows.
    fn read_queries(&mut self, drafts: &mut [Draft]) -> Result<(), DataError> {
        let Some(queries) = &mut self.queries else {
            return Ok(());
        };
        let column = &queries.column;
        let place = |rows| {
            ParquetPlace::file(&self.object)
                .in_rows(rows)
                .in_column(column.idx, &column.name)
        };
        let mut before = self.done;
        for draft in drafts {
            let mut ids = vec![None; draft.labels.len()];
            let n_rows = queries.values.fill(&mut ids).map_err(|err| {
                failed(&self.source, err, |text| {
                    place(Rows::Group(self.idx)).refuse(ParquetProblem::Damaged(text))
                })
            })?;
            if n_rows < ids.len() {
                return Err(place(Rows::Group(self.idx)).refuse(ParquetProblem::Ended {
                    found: before + n_rows as u64,
                    expected: self.n_rows,
                }));
            }
            if let Some(row) = ids.iter().position(Option::is_none) {
                let row = self.first_row + before + row as u64;
                let problem = SideProblem::Missing {
                    column: SideColumn::QueryId,
                };
                return Err(place(Rows::One(row)).refuse(problem.into()));
            }
            before += ids.len() as u64;
            draft.query_ids = Some(ids.into_iter().flatten().collect());
        }
        Ok(())
    }

    fn refuse(&self, spot: Spot) -> DataError {
        let column = &self.columns[spot.column].column;
        let place = |rows| {
            ParquetPlace::file(&self.object)
                .in_rows(rows)
                .in_column(column.idx, &column.name)
        };
        match spot.cause {
            Cause::Ended => place(Rows::Group(self.idx)).refuse(ParquetProblem::Ended {
                found: self.done + spot.row as u64,
                expected: self.n_rows,
            }),
            Cause::Problem(problem) if problem.is_of_cell() => {
                let row = self.first_row + self.done + spot.row as u64;
                place(Rows::One(row)).refuse(problem)
            }
            Cause::Problem(problem) => place(Rows::Group(self.idx)).refuse(problem),
            Cause::Library(err) => failed(&self.source, err, |text| {
                place(Rows::Group(self.idx)).refuse(ParquetProblem::Damaged(text))
            }),
        }
    }
}

impl Draft {
    /// Gives each column its part of this tile.
    fn hand_out<'a>(&'a mut self, tasks: &mut [Task<'a>]) {
        let n_rows = self.labels.len();
        let leading = [&mut self.labels, &mut self.weights];
        let leading = leading.into_iter().filter(|it| !it.is_empty());
        let columns = leading
            .chain(&mut self.side)
            .map(Vec::as_mut_slice)
            .chain(self.values.chunks_exact_mut(n_rows));
        for (task, column) in tasks.iter_mut().zip(columns) {
            task.targets.push(column);
        }
    }

    fn into_tile(self, n_features: usize, side: &[SideColumn], origin: Origin) -> Tile {
        let mut columns = SideColumns {
            query_ids: self.query_ids,
            ..SideColumns::default()
        };
        let mut margins: Vec<Vec<f32>> = Vec::new();
        for (&column, mut values) in side.iter().zip(self.side) {
            for value in &mut values {
                *value = side::complete(column, *value);
            }
            match column {
                SideColumn::QueryId => {}
                SideColumn::BaseMargin => margins.push(values),
                SideColumn::Exposure => columns.exposure = Some(values),
                SideColumn::LabelUpperBound => columns.label_upper_bound = Some(values),
            }
        }
        if !margins.is_empty() {
            let row = |row: usize| margins.iter().map(move |margin| margin[row]);
            columns.base_margin = Some((0..self.labels.len()).flat_map(row).collect());
        }
        Tile {
            features: TileFeatures::Dense {
                n_features,
                values: self.values,
            },
            labels: self.labels,
            weights: (!self.weights.is_empty()).then_some(self.weights),
            side: columns,
            origin,
        }
    }
}

impl Task<'_> {
    /// Fills the tiles, and stops at the first row that does not fit.
    fn run(self) -> Result<(), Spot> {
        let column = self.idx;
        let mut row = 0;
        for target in self.targets {
            let spot = |more, cause| Spot {
                row: row + more,
                column,
                cause,
            };
            let filled = self.open.values.fill(target);
            let n_rows = filled.map_err(|err| spot(0, Cause::Library(err)))?;
            let checked = self.open.role.check(&target[..n_rows]);
            checked.map_err(|(at, problem)| spot(at, Cause::Problem(problem)))?;
            if n_rows < target.len() {
                return Err(spot(n_rows, Cause::Ended));
            }
            row += n_rows;
        }
        Ok(())
    }
}

impl Role {
    /// The first value that may not be there, and why.
    fn check(self, values: &[f32]) -> Result<(), (usize, ParquetProblem)> {
        let refuse = |at: Option<usize>, problem: fn(f32) -> ParquetProblem| match at {
            Some(at) => Err((at, problem(values[at]))),
            None => Ok(()),
        };
        match self {
            Self::Label(rule) => {
                for (at, &label) in values.iter().enumerate() {
                    if label.is_nan() {
                        return Err((at, ParquetProblem::NoLabel));
                    }
                    rule.check(label).map_err(|err| (at, err.into()))?;
                }
                Ok(())
            }
            Self::Weight => refuse(
                values.iter().position(|&it| !is_weight(it)),
                ParquetProblem::Weight,
            ),
            // Held against the labels later.
            Self::Side(SideColumn::LabelUpperBound) => Ok(()),
            Self::Side(column) => {
                for (at, &value) in values.iter().enumerate() {
                    side::check(column, value, f32::NAN).map_err(|err| (at, err.into()))?;
                }
                Ok(())
            }
            Self::Feature => {
                // Without an early end, so that several are compared at once.
                let any = values.iter().fold(false, |any, &it| any | is_too_large(it));
                let at = any.then(|| values.iter().position(|&it| is_too_large(it)));
                refuse(at.flatten(), ParquetProblem::TooLarge)
            }
        }
    }
}

/// As the dataset sees it: trees cannot tell such a number from infinity.
fn is_too_large(value: f32) -> bool {
    value.abs() >= f32::MAX
}

/// Tasks that are together worth a thread's while.
fn grouped(tasks: Vec<Task<'_>>, n_rows: usize) -> Vec<Vec<Task<'_>>> {
    let n_together = (TASK_VALUES / n_rows.max(1)).max(1);
    let mut groups = Vec::with_capacity(tasks.len().div_ceil(n_together));
    let mut tasks = tasks.into_iter();
    loop {
        let group: Vec<Task<'_>> = tasks.by_ref().take(n_together).collect();
        if group.is_empty() {
            return groups;
        }
        groups.push(group);
    }
}

/// Refuses a column chunk that does not fit its row group, or that nothing here unpacks.
fn check_chunk(chunk: &ColumnChunkMetaData, rows: i64) -> Result<(), ParquetProblem> {
    let values = chunk.num_values();
    if rows < 0 || values != rows {
        return Err(ParquetProblem::Counts { rows, values });
    }
    match chunk.compression() {
        Compression::LZO => Err(ParquetProblem::Compression("LZO".to_owned())),
        Compression::BROTLI(_) => Err(ParquetProblem::Compression("BROTLI".to_owned())),
        Compression::UNCOMPRESSED
        | Compression::SNAPPY
        | Compression::GZIP(_)
        | Compression::LZ4
        | Compression::LZ4_RAW
        | Compression::ZSTD(_) => Ok(()),
    }
}
