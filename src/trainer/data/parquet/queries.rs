//! The column of the query, which is read beside the columns of `f32`.
//!
//! Invariant: every row has a query; ids never go by way of `f32`, which would take neighbours for one.

use std::sync::Arc;

use super::super::error::DataError;
use super::super::side;
use super::column::{self, QueryId, Values};
use super::group::check_chunk;
use super::open_file::OpenFile;
use super::problem::{ParquetPlace, ParquetProblem, Rows};
use super::schema::Column;
use super::source::Source;

/// The queries of a row group that is being read.
pub(super) struct Queries {
    source: Arc<Source>,
    /// The row group's place.
    place: ParquetPlace,
    values: Box<dyn Values<QueryId>>,
    n_rows: u64,
    /// Rows that were read or passed over.
    done: u64,
    /// Rows of the file before this group.
    first_row: u64,
}

impl Queries {
    /// Opens `column` of the row group `idx`, which starts at `first_row` of its file.
    pub(super) fn open(
        file: &OpenFile,
        column: &Column,
        idx: usize,
        first_row: u64,
    ) -> Result<Self, DataError> {
        let source = &file.source;
        let place = ParquetPlace::file(&file.layout.object)
            .in_rows(Rows::Group(idx))
            .in_column(column.idx, &column.name);
        let group = file.metadata.row_group(idx);
        let n_rows = group.num_rows();
        check_chunk(group.column(column.idx), n_rows).map_err(|it| place.clone().refuse(it))?;
        let values = column::open_ids(source, group, column.idx, column.numbers);
        Ok(Self {
            values: values.map_err(|err| place.clone().damaged(source, err))?,
            source: Arc::clone(source),
            place,
            n_rows: n_rows as u64,
            done: 0,
            first_row,
        })
    }

    /// Reads the queries of `n_rows` rows, of which the first has `n_before` before it in the row group.
    pub(super) fn read(&mut self, n_before: u64, n_rows: usize) -> Result<Vec<u64>, DataError> {
        let mut ids = vec![Err(f64::NAN); n_rows];
        let place = || self.place.clone();
        let n_passed = (n_before - self.done) as usize;
        let filled = self.values.skip(n_passed).and_then(|passed| {
            let filled = if passed < n_passed {
                0
            } else {
                self.values.fill(&mut ids)?
            };
            Ok(passed + filled)
        });
        let found = filled.map_err(|err| place().damaged(&self.source, err))?;
        if found < n_passed + n_rows {
            return Err(place().refuse(ParquetProblem::Ended {
                found: self.done + found as u64,
                expected: self.n_rows,
            }));
        }
        let first = self.first_row + n_before;
        self.done = n_before + n_rows as u64;
        let id = |(row, id): (usize, QueryId)| {
            id.map_err(|value| {
                let row = place().in_rows(Rows::One(first + row as u64));
                row.refuse(side::no_query(value).into())
            })
        };
        ids.into_iter().enumerate().map(id).collect()
    }
}
