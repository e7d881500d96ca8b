//! Rows of a dense table while a block is parsed, and the tiles that become of them.
//!
//! Invariant: a row holds all cells of its line, label, weight and columns beside the features among them; a tile holds
//! them apart, column by column.

use std::sync::Arc;

use engine::dataset::{
    FeatureWords, Origin, SideColumn, SideColumns, TILE_ROWS, Tile, TileFeatures,
};

use super::csv::CsvOptions;
use super::row_layout::RowProblem;
use super::side;
use super::words::ColumnWords;

/// The most values of a dense tile, so that a very wide table has short tiles (16 MiB).
const TILE_VALUES: usize = 4 << 20;

/// Side of the squares that are transposed at a time, so that both sides stay in the first-level cache.
const SQUARE: usize = 16;

/// Rows of a block, `(n_rows, n_columns)`. The memory is used again for the next block.
#[derive(Clone, Debug, Default)]
pub struct DenseRows {
    values: Vec<f32>,
    /// The rows' queries, where they have some.
    pub(super) query_ids: Vec<u64>,
    /// The words of each column of categories.
    words: Vec<ColumnWords>,
    /// How many words each of them had before the last row.
    n_words: Vec<usize>,
}

/// Which columns are no features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// All columns. The label is the first.
    pub n_columns: usize,
    /// Whether the second is the weight.
    pub weighted: bool,
    /// Columns beside the features, and what they hold; those of the base margin in its order.
    pub side: Vec<(usize, SideColumn)>,
    /// Columns of categories, and their numbers among the features.
    pub categorical: Vec<(usize, u32)>,
}

/// There is no room for a feature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} columns, expected {}{} and at least one feature", if *weighted { "a label, a weight" } else { "a label" }, if *declared { ", the columns that the job declares" } else { "" })]
pub struct NoFeature {
    /// Columns that are there.
    pub found: usize,
    /// Whether the second is a weight.
    pub weighted: bool,
    /// Whether the job declares further columns.
    pub declared: bool,
}

impl Columns {
    /// The columns of rows of `n_columns` numbers, none of them categories.
    pub(super) fn of(n_columns: usize, options: &CsvOptions) -> Result<Self, RowProblem> {
        let mut columns = Self {
            n_columns,
            weighted: options.weighted,
            side: Vec::new(),
            categorical: Vec::new(),
        };
        if n_columns > columns.n_leading() {
            columns.side = options.side.numbered(n_columns, columns.n_leading())?;
        }
        if n_columns <= columns.n_leading() + columns.side.len() {
            return Err(RowProblem::from(NoFeature {
                found: n_columns,
                weighted: options.weighted,
                declared: !options.side.declared.is_empty(),
            }));
        }
        Ok(columns)
    }

    /// Columns before the first feature.
    pub fn n_leading(&self) -> usize {
        1 + usize::from(self.weighted)
    }

    /// Columns that are features.
    pub fn n_features(&self) -> usize {
        self.n_columns - self.n_leading() - self.side.len()
    }

    /// Where the features are.
    pub(super) fn features(&self) -> Vec<usize> {
        let is_feature = |number: &usize| self.side.iter().all(|(it, _)| it != number);
        (self.n_leading()..self.n_columns)
            .filter(is_feature)
            .collect()
    }

    /// Where the query is, if there is one.
    pub(super) fn query(&self) -> Option<usize> {
        let mut side = self.side.iter();
        let query = side.find(|(_, it)| *it == SideColumn::QueryId);
        query.map(|(number, _)| *number)
    }
}

impl DenseRows {
    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.values.clear();
        self.query_ids.clear();
        self.words.iter_mut().for_each(ColumnWords::clear);
    }

    /// Adds a row and gives it to be filled in.
    pub fn add(&mut self, n_columns: usize) -> &mut [f32] {
        let begin = self.values.len();
        self.values.resize(begin + n_columns, 0.0);
        &mut self.values[begin..]
    }

    /// The same, and the words of as many columns of categories as `columns` have.
    pub(super) fn add_with_words(&mut self, columns: &Columns) -> (&mut [f32], &mut [ColumnWords]) {
        self.words
            .resize_with(columns.categorical.len(), ColumnWords::default);
        self.n_words.clear();
        self.n_words.extend(self.words.iter().map(ColumnWords::len));
        let begin = self.values.len();
        self.values.resize(begin + columns.n_columns, 0.0);
        (&mut self.values[begin..], &mut self.words)
    }

    /// Takes the last row away again, and its words; it has no query yet.
    pub(super) fn drop_last(&mut self, n_columns: usize) {
        self.values.truncate(self.values.len() - n_columns);
        for (words, &n_words) in self.words.iter_mut().zip(&self.n_words) {
            words.truncate(n_words);
        }
    }

    /// Cuts the rows into tiles and turns their values into columns.
    pub fn tiles(&self, columns: &Columns, object: &Arc<str>) -> Vec<Tile> {
        let n_columns = columns.n_columns;
        let n_features = columns.n_features();
        let features = columns.features();
        let words = self.words.iter().zip(&columns.categorical);
        let words = words.filter_map(|(words, &(_, feature))| words.of_feature(feature));
        let words: Vec<FeatureWords> = words.collect();
        let tile_rows = (TILE_VALUES / n_features.max(1)).clamp(1, TILE_ROWS);
        let tile = |(idx, rows): (usize, &[f32])| {
            let column = |at: usize| rows.iter().skip(at).step_by(n_columns).copied().collect();
            Tile {
                features: TileFeatures::Dense {
                    n_features,
                    values: transposed(rows, n_columns, &features),
                },
                labels: column(0),
                weights: columns.weighted.then(|| column(1)),
                side: self.side(columns, rows, idx * tile_rows),
                words: words.clone(),
                origin: Origin {
                    object: Arc::clone(object),
                    first_row: (idx * tile_rows) as u64,
                },
            }
        };
        let tiles = self.values.chunks(tile_rows * n_columns);
        tiles.enumerate().map(tile).collect()
    }

    /// What stands beside the features of `rows`, the first of which is number `first`.
    fn side(&self, columns: &Columns, rows: &[f32], first: usize) -> SideColumns {
        let n_rows = rows.len() / columns.n_columns;
        let queries = self.query_ids.get(first..first + n_rows);
        SideColumns {
            query_ids: queries.map(<[u64]>::to_vec),
            ..side::gather(rows, columns.n_columns, &columns.side)
        }
    }
}

/// The features of rows, column after column.
fn transposed(rows: &[f32], n_columns: usize, features: &[usize]) -> Vec<f32> {
    let n_rows = rows.len() / n_columns;
    let mut values = vec![0.0; features.len() * n_rows];
    for top in (0..n_rows).step_by(SQUARE) {
        let bottom = n_rows.min(top + SQUARE);
        let square = &rows[top * n_columns..bottom * n_columns];
        for (&feature, column) in features.iter().zip(values.chunks_exact_mut(n_rows)) {
            let from = square[feature..].iter().step_by(n_columns);
            let to = column[top..bottom].iter_mut();
            to.zip(from).for_each(|(to, &from)| *to = from);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_rows_into_columns_and_cuts_at_the_tile_size() {
        let (n_rows, n_columns) = (TILE_ROWS + 5, 5);
        let mut rows = DenseRows::default();
        for row in 0..n_rows {
            let cells = rows.add(n_columns).iter_mut().enumerate();
            cells.for_each(|(column, cell)| *cell = (row * n_columns + column) as f32);
        }
        let columns = Columns {
            n_columns,
            weighted: true,
            side: Vec::new(),
            categorical: Vec::new(),
        };
        let tiles = rows.tiles(&columns, &Arc::from("train/a.csv"));
        let sizes: Vec<usize> = tiles.iter().map(|it| it.labels.len()).collect();
        assert_eq!(sizes, [TILE_ROWS, 5]);
        let tile = &tiles[1];
        assert_eq!(tile.origin.first_row, TILE_ROWS as u64);
        let expected = |column: usize| -> Vec<f32> {
            let rows = TILE_ROWS..n_rows;
            rows.map(|row| (row * n_columns + column) as f32).collect()
        };
        assert_eq!(tile.labels, expected(0));
        assert_eq!(tile.weights, Some(expected(1)));
        let TileFeatures::Dense { values, .. } = &tile.features else {
            panic!("dense rows gave a sparse tile")
        };
        assert_eq!(*values, [2, 3, 4].map(expected).concat());
    }
}
