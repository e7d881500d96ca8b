//! A row group becomes tiles, its columns in step and on several threads.
//!
//! Invariants: where tiles end depends on the table alone, never on the threads; of several mistakes among the rows that
//! are decoded together, the one in the first row and there in the first column is told, those of upper bounds and then of
//! queries behind all others. Memory holds a page of each column and [`BATCH_VALUES`] numbers, however many rows the row
//! group has.

use std::sync::Arc;

use engine::dataset::{FeatureWords, Origin, SideColumn, TILE_ROWS, Tile};
use engine::threads::Threads;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;

use super::super::error::DataError;
use super::super::labels::LabelRule;
use super::super::side;
use super::column::{self, Values};
use super::draft::Draft;
use super::open_file::OpenFile;
use super::problem::{ParquetPlace, ParquetProblem, Rows};
use super::queries::Queries;
use super::role::Role;
use super::schema::Column;
use super::source::{self, Source};

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
    /// Rows of the file before this group.
    first_row: u64,
    n_bytes_ahead: u64,
}

/// A column that is being read.
struct Open {
    column: Column,
    role: Role,
    values: Box<dyn Values<f32>>,
    /// Rows that were decoded or passed over.
    done: u64,
}

/// A problem in a column, after so many rows of the row group.
struct Spot {
    row: u64,
    column: usize,
    cause: Cause,
}

/// Why tiles were refused, and the number of the first one of the row group that was.
pub(super) type Refused = (usize, Box<DataError>);

enum Cause {
    Ended,
    Problem(ParquetProblem),
    Library(ParquetError),
}

/// A column and where its rows go, tile by tile, with the number of rows before each.
struct Task<'a> {
    idx: usize,
    open: &'a mut Open,
    targets: Vec<(u64, &'a mut [f32])>,
}

impl Group {
    /// Opens the row group `idx`, which starts at `first_row` of its file.
    pub(super) fn open(
        file: &OpenFile,
        labels: LabelRule,
        idx: usize,
        first_row: u64,
    ) -> Result<Self, DataError> {
        let layout = &file.layout;
        let place = || ParquetPlace::file(&layout.object).in_rows(Rows::Group(idx));
        let group = file.metadata.row_group(idx);
        let source = &file.source.for_group(group);
        let rows = group.num_rows();
        let mut columns = Vec::with_capacity(layout.columns.len());
        for (at, column) in layout.columns.iter().enumerate() {
            let place = || place().in_column(column.idx, &column.name);
            check_chunk(group.column(column.idx), rows).map_err(|it| place().refuse(it))?;
            let values = column::open(source, group, column.idx, column.numbers)
                .map_err(|err| place().damaged(source, err))?;
            let first_side = layout.n_leading - layout.side.len();
            let role = match at {
                0 => Role::Label(labels),
                _ if at < first_side => Role::Weight,
                _ if at < layout.n_leading => match layout.side[at - first_side] {
                    SideColumn::FurtherLabel => Role::Label(labels),
                    column => Role::Side(column),
                },
                _ => Role::Feature,
            };
            columns.push(Open {
                column: column.clone(),
                role,
                values,
                done: 0,
            });
        }
        let open = |column| Queries::open(file, column, idx, first_row);
        let queries = layout.query.as_ref().map(open).transpose()?;
        Ok(Self {
            source: Arc::clone(source),
            object: Arc::clone(&layout.object),
            idx,
            columns,
            side: layout.side.clone(),
            queries,
            n_leading: layout.n_leading,
            n_rows: rows as u64,
            first_row,
            n_bytes_ahead: source::bytes_ahead(group),
        })
    }

    /// Bytes of it that come from S3 before they are decoded.
    pub(super) fn n_bytes_ahead(&self) -> u64 {
        self.n_bytes_ahead
    }

    /// Decodes tiles by their numbers, which ascend and go on from those that were decoded before.
    pub(super) fn read(
        &mut self,
        numbers: &[usize],
        threads: &Threads,
    ) -> Result<Vec<Tile>, Refused> {
        let mut drafts: Vec<Draft> = numbers.iter().map(|&number| self.draft(number)).collect();
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
            let n_before = draft.n_before;
            for (task, column) in tasks.iter_mut().zip(draft.columns()) {
                task.targets.push((n_before, column));
            }
        }
        let n_rows: usize = tasks[0].targets.iter().map(|it| it.1.len()).sum();
        let spots = threads.map(grouped(tasks, n_rows), |tasks| {
            let spots = tasks.into_iter().filter_map(|task| task.run().err());
            spots.min_by_key(|it| (it.row, it.column))
        });
        let first = spots.into_iter().flatten();
        if let Some(spot) = first.min_by_key(|it| (it.row, it.column)) {
            return Err(self.refuse(spot));
        }
        self.check_bounds(&drafts)?;
        if let Some(queries) = &mut self.queries {
            for (draft, &number) in drafts.iter_mut().zip(numbers) {
                let read = queries.read(draft.n_before, draft.labels.len());
                draft.query_ids = Some(read.map_err(|err| (number, Box::new(err)))?);
            }
        }
        Ok(self.finished(drafts))
    }

    /// Tiles of drafts that are filled.
    fn finished(&self, drafts: Vec<Draft>) -> Vec<Tile> {
        let features = (0..).zip(&self.columns[self.n_leading..]);
        let words: Vec<FeatureWords> = features
            .filter_map(|(feature, open)| open.values.words(feature))
            .collect();
        let tiles = drafts.into_iter().map(|draft| {
            let origin = Origin {
                object: Arc::clone(&self.object),
                first_row: self.first_row + draft.n_before,
            };
            let tile = draft.into_tile(self.n_features(), &self.side, origin);
            Tile {
                words: words.clone(),
                ..tile
            }
        });
        tiles.collect()
    }

    fn n_features(&self) -> usize {
        self.columns.len() - self.n_leading
    }

    fn draft(&self, number: usize) -> Draft {
        let tile_rows = tile_rows(self.n_features()) as u64;
        let n_before = number as u64 * tile_rows;
        let n_rows = tile_rows.min(self.n_rows - n_before) as usize;
        Draft {
            n_before,
            labels: vec![0.0; n_rows],
            weights: vec![0.0; if self.is_weighted() { n_rows } else { 0 }],
            side: vec![vec![0.0; n_rows]; self.side.len()],
            query_ids: None,
            values: vec![0.0; n_rows * self.n_features()],
        }
    }

    fn is_weighted(&self) -> bool {
        self.n_leading - self.side.len() > 1
    }

    /// An upper bound is held against the label of its row.
    fn check_bounds(&self, drafts: &[Draft]) -> Result<(), Refused> {
        let bounds = self
            .side
            .iter()
            .position(|it| *it == SideColumn::LabelUpperBound);
        let Some(at) = bounds else {
            return Ok(());
        };
        for draft in drafts {
            for (row, (&bound, &label)) in draft.side[at].iter().zip(&draft.labels).enumerate() {
                side::check(SideColumn::LabelUpperBound, bound, label).map_err(|problem| {
                    self.refuse(Spot {
                        row: draft.n_before + row as u64,
                        column: self.n_leading - self.side.len() + at,
                        cause: Cause::Problem(problem.into()),
                    })
                })?;
            }
        }
        Ok(())
    }

    fn refuse(&self, spot: Spot) -> Refused {
        let column = &self.columns[spot.column].column;
        let place = |rows| {
            ParquetPlace::file(&self.object)
                .in_rows(rows)
                .in_column(column.idx, &column.name)
        };
        let err = match spot.cause {
            Cause::Ended => place(Rows::Group(self.idx)).refuse(ParquetProblem::Ended {
                found: spot.row,
                expected: self.n_rows,
            }),
            Cause::Problem(problem) if problem.is_of_cell() => {
                place(Rows::One(self.first_row + spot.row)).refuse(problem)
            }
            Cause::Problem(problem) => place(Rows::Group(self.idx)).refuse(problem),
            Cause::Library(err) => place(Rows::Group(self.idx)).damaged(&self.source, err),
        };
        let number = spot.row / tile_rows(self.n_features()) as u64;
        (number as usize, Box::new(err))
    }
}

/// Rows of a tile of so many features, but for the last one of a row group.
pub(super) fn tile_rows(n_features: usize) -> usize {
    (BATCH_VALUES / n_features).clamp(1, TILE_ROWS)
}

/// Tiles of so many features that are decoded together.
pub(super) fn tiles_together(n_features: usize) -> usize {
    (BATCH_VALUES / (n_features * tile_rows(n_features))).clamp(1, BATCH_TILES)
}

impl Task<'_> {
    /// Fills the tiles, and stops at the first row that does not fit.
    fn run(self) -> Result<(), Spot> {
        let (column, open) = (self.idx, self.open);
        let spot = |row, cause| Spot { row, column, cause };
        for (n_before, target) in self.targets {
            let n_passed = (n_before - open.done) as usize;
            let passed = open.values.skip(n_passed);
            let passed = passed.map_err(|err| spot(open.done, Cause::Library(err)))?;
            if passed < n_passed {
                return Err(spot(open.done + passed as u64, Cause::Ended));
            }
            let filled = open.values.fill(target);
            let n_rows = filled.map_err(|err| spot(n_before, Cause::Library(err)))?;
            let checked = open.role.check(&target[..n_rows]);
            checked.map_err(|(at, problem)| spot(n_before + at as u64, Cause::Problem(problem)))?;
            open.done = n_before + n_rows as u64;
            if n_rows < target.len() {
                return Err(spot(open.done, Cause::Ended));
            }
        }
        Ok(())
    }
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
pub(super) fn check_chunk(chunk: &ColumnChunkMetaData, rows: i64) -> Result<(), ParquetProblem> {
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
