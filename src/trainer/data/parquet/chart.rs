//! Where the tiles of a channel lie, as the footers of its files have it.
//!
//! Invariants: tiles are numbered in the order of the files, their row groups and their rows; a file that is refused ends the
//! chart, since what comes before it is read, and may be refused, first.

use std::ops::Range;

use super::super::csv::CsvOptions;
use super::super::error::DataError;
use super::super::files::DataFile;
use super::group::{tile_rows, tiles_together};
use super::open_file::OpenFile;
use super::schema::Layout;

/// The tiles of a channel.
#[derive(Debug, Default)]
pub(super) struct Chart {
    groups: Vec<GroupPlace>,
    n_features: usize,
    n_rows: u64,
    /// Why there are no more.
    pub(super) failed: Option<DataError>,
}

/// A row group, and which of the tiles are its.
#[derive(Clone, Debug)]
pub(super) struct GroupPlace {
    /// Its file.
    pub(super) file: usize,
    /// Its number in the file.
    pub(super) idx: usize,
    /// Rows of the file before it.
    pub(super) first_row: u64,
    /// Its tiles among all of the channel.
    pub(super) tiles: Range<usize>,
}

impl Chart {
    /// Reads the footers.
    pub(super) fn of(files: &[DataFile], options: &CsvOptions) -> Self {
        let mut chart = Self::default();
        let mut first = None;
        for (number, entry) in files.iter().enumerate() {
            if let Err(err) = chart.add(number, entry, options, &mut first) {
                chart.failed = Some(err);
                break;
            }
        }
        chart
    }

    /// Adds the row groups of a file with the layout of the first one.
    fn add(
        &mut self,
        number: usize,
        entry: &DataFile,
        options: &CsvOptions,
        first: &mut Option<Layout>,
    ) -> Result<(), DataError> {
        let file = OpenFile::open(entry, options)?;
        if let Some(first) = first {
            file.layout.check_same(first)?;
        } else {
            if !file.layout.left_out.is_empty() {
                tracing::warn!(
                    "{}: left out what pandas calls the index: {}",
                    entry.object,
                    file.layout.left_out.join(", ")
                );
            }
            self.n_features = file.layout.n_features();
            *first = Some(file.layout.clone());
        }
        let mut first_row = 0;
        for idx in 0..file.metadata.num_row_groups() {
            let group = file.metadata.row_group(idx);
            if group.num_rows() == 0 && group.columns().iter().all(|it| it.num_values() == 0) {
                continue;
            }
            // A number that cannot be is refused when the group is opened.
            let n_rows = group.num_rows().max(1) as u64;
            let n_tiles = n_rows.div_ceil(tile_rows(self.n_features) as u64);
            let begin = self.n_tiles();
            self.groups.push(GroupPlace {
                file: number,
                idx,
                first_row,
                tiles: begin..begin.saturating_add(n_tiles as usize),
            });
            first_row = first_row.saturating_add(n_rows);
        }
        self.n_rows = self.n_rows.saturating_add(first_row);
        Ok(())
    }

    pub(super) fn n_tiles(&self) -> usize {
        self.groups.last().map_or(0, |it| it.tiles.end)
    }

    /// Rows that the footers promise.
    pub(super) fn n_rows(&self) -> u64 {
        self.n_rows
    }

    pub(super) fn n_features(&self) -> usize {
        self.n_features
    }

    /// Tiles that are decoded together.
    pub(super) fn tiles_together(&self) -> usize {
        tiles_together(self.n_features.max(1))
    }

    /// The row group of a tile.
    pub(super) fn group_of(&self, tile: usize) -> &GroupPlace {
        let behind = self.groups.partition_point(|it| it.tiles.end <= tile);
        &self.groups[behind]
    }
}
