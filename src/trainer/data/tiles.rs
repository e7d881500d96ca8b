//! From blocks of text to tiles, several blocks at a time.
//!
//! Invariant: tiles come out in the order of the files' lines, and an error is the first in that order, for any number
//! of threads. At most `BLOCKS_PER_THREAD` blocks a thread are in memory beside the tiles made of them.

use std::collections::VecDeque;
use std::sync::Arc;

use engine::dataset::{Origin, TILE_ROWS, Tile, TileFeatures};
use engine::threads::Threads;

use super::blocks::{Block, Blocks};
use super::error::DataError;

/// Blocks that are parsed between two looks at the file: enough that no thread waits long for the slowest.
const BLOCKS_PER_THREAD: usize = 4;

/// The most values of a dense tile, so that a very wide table has short tiles (16 MiB).
const TILE_VALUES: usize = 4 << 20;

/// Whatever yields the rows of a channel; a new content type is one more of these.
pub trait TileReader: Iterator<Item = Result<Tile, DataError>> {}

impl<T: Iterator<Item = Result<Tile, DataError>>> TileReader for T {}

/// A format of text lines.
pub trait LineFormat: Sync {
    /// Makes tiles of a block's rows. Their origin counts rows from the start of the block.
    ///
    /// # Errors
    /// At the first line that does not fit, with its place.
    fn parse(&self, block: &Block) -> Result<Vec<Tile>, DataError>;
}

/// Tiles of blocks of text.
#[derive(Debug)]
pub struct LineTiles<F> {
    blocks: Blocks,
    format: F,
    threads: Threads,
    ready: VecDeque<Tile>,
    /// The error behind the tiles that are ready.
    failed: Option<DataError>,
    /// The file of the last tile, and its rows so far.
    object: Arc<str>,
    n_rows: u64,
}

impl<F: LineFormat> LineTiles<F> {
    /// Reads `first`, which was already taken from `blocks`, and then the rest.
    ///
    /// # Errors
    /// As [`LineFormat::parse`] for the first block.
    pub fn new(
        first: &Block,
        blocks: Blocks,
        format: F,
        threads: Threads,
    ) -> Result<Self, DataError> {
        let tiles = format.parse(first)?;
        let object = Arc::clone(&first.object);
        let mut reader = Self {
            blocks,
            format,
            threads,
            ready: VecDeque::new(),
            failed: None,
            object,
            n_rows: 0,
        };
        reader.accept(tiles);
        Ok(reader)
    }

    /// The format, with what it learned from the first row.
    pub fn format(&self) -> &F {
        &self.format
    }

    /// Parses the next blocks; false at the end of the last file.
    fn refill(&mut self) -> bool {
        let n_blocks = self.threads.n_threads() * BLOCKS_PER_THREAD;
        let mut batch = Vec::with_capacity(n_blocks);
        for block in self.blocks.by_ref().take(n_blocks) {
            match block {
                Ok(block) => batch.push(block),
                Err(err) => {
                    self.failed = Some(err);
                    break;
                }
            }
        }
        if batch.is_empty() {
            return false;
        }
        let format = &self.format;
        for tiles in self.threads.map(batch, |block| format.parse(&block)) {
            match tiles {
                Ok(tiles) => self.accept(tiles),
                Err(err) => {
                    self.failed = Some(err);
                    break;
                }
            }
        }
        self.failed.is_none()
    }

    fn accept(&mut self, tiles: Vec<Tile>) {
        for mut tile in tiles {
            if tile.origin.object != self.object {
                self.object = Arc::clone(&tile.origin.object);
                self.n_rows = 0;
            }
            tile.origin.first_row = self.n_rows;
            self.n_rows += tile.labels.len() as u64;
            self.ready.push_back(tile);
        }
    }
}

impl<F: LineFormat> Iterator for LineTiles<F> {
    type Item = Result<Tile, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && self.failed.is_none() {
            if !self.refill() {
                break;
            }
        }
        let tile = self.ready.pop_front().map(Ok);
        tile.or_else(|| {
            let failed = self.failed.take();
            if failed.is_some() {
                self.blocks = Blocks::none();
            }
            failed.map(Err)
        })
    }
}

/// Rows of a dense table, row-major, while a block is parsed.
#[derive(Clone, Debug, Default)]
pub struct DenseRows {
    /// The label of each row.
    pub labels: Vec<f32>,
    /// The weight of each row; empty where the file has none.
    pub weights: Vec<f32>,
    /// `(n_rows, n_features)`, row-major.
    pub values: Vec<f32>,
}

impl DenseRows {
    /// Cuts the rows into tiles and turns their values into columns.
    pub fn into_tiles(self, n_features: usize, object: &Arc<str>) -> Vec<Tile> {
        let tile_rows = (TILE_VALUES / n_features.max(1)).clamp(1, TILE_ROWS);
        let mut tiles = Vec::with_capacity(self.labels.len().div_ceil(tile_rows));
        for (idx, labels) in self.labels.chunks(tile_rows).enumerate() {
            let first = idx * tile_rows;
            let rows = first..first + labels.len();
            let values = columns(
                &self.values[rows.start * n_features..rows.end * n_features],
                n_features,
                labels.len(),
            );
            tiles.push(Tile {
                features: TileFeatures::Dense { n_features, values },
                labels: labels.to_vec(),
                weights: (!self.weights.is_empty()).then(|| self.weights[rows].to_vec()),
                origin: Origin {
                    object: Arc::clone(object),
                    first_row: first as u64,
                },
            });
        }
        tiles
    }
}

/// Transposes `(n_rows, n_features)` in squares that stay in the first-level cache.
fn columns(row_major: &[f32], n_features: usize, n_rows: usize) -> Vec<f32> {
    const SQUARE: usize = 32;
    let mut column_major = vec![0.0; row_major.len()];
    for top in (0..n_rows).step_by(SQUARE) {
        for left in (0..n_features).step_by(SQUARE) {
            for feature in left..(left + SQUARE).min(n_features) {
                for row in top..(top + SQUARE).min(n_rows) {
                    column_major[feature * n_rows + row] = row_major[row * n_features + feature];
                }
            }
        }
    }
    column_major
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_rows_into_columns_and_cuts_at_the_tile_size() {
        let n_rows = TILE_ROWS + 5;
        let n_features = 3;
        let values = (0..n_rows * n_features).map(|it| it as f32).collect();
        let labels = (0..n_rows).map(|it| it as f32).collect();
        let rows = DenseRows {
            labels,
            weights: Vec::new(),
            values,
        };
        let tiles = rows.into_tiles(n_features, &Arc::from("train/a.csv"));
        assert_eq!(
            tiles.iter().map(|it| it.labels.len()).collect::<Vec<_>>(),
            [TILE_ROWS, 5]
        );
        assert_eq!(tiles[1].origin.first_row, TILE_ROWS as u64);
        let TileFeatures::Dense { values, .. } = &tiles[1].features else {
            panic!("dense rows gave a sparse tile")
        };
        let expected: Vec<f32> = (0..3)
            .flat_map(|f| (0..5).map(move |r| ((TILE_ROWS + r) * 3 + f) as f32))
            .collect();
        assert_eq!(*values, expected);
    }
}
