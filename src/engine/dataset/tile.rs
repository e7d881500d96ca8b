//! Tiles: a few rows as a reader brings them, and what is wrong with a tile that is refused.

use std::ops::Range;
use std::sync::Arc;

use super::{FeatureWords, SideColumn, SideColumns};
use crate::tree::MAX_CATEGORIES;

/// Rows of a tile, as readers should cut them. A tile may hold fewer or more.
pub const TILE_ROWS: usize = 4096;

/// Where a tile came from, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file or object.
    pub object: Arc<str>,
    /// The number, in that object, of the tile's first row.
    pub first_row: u64,
}

/// A tile's features.
#[derive(Clone, Debug, PartialEq)]
pub enum TileFeatures {
    /// Column-major `(n_features, n_rows)`: the value of row r, feature f is `values[f * n_rows + r]`. NaN is missing.
    Dense {
        /// Columns.
        n_features: usize,
        /// The values, column after column.
        values: Vec<f32>,
    },
    /// Row-major; what a row does not list is missing.
    Csr {
        /// Where each row begins in the other two, `(n_rows + 1,)`.
        indptr: Vec<usize>,
        /// Columns.
        indices: Vec<u32>,
        /// Values, one for each of `indices`.
        values: Vec<f32>,
    },
}

/// A few rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Tile {
    /// `(n_rows, n_features)`.
    pub features: TileFeatures,
    /// `(n_rows,)`.
    pub labels: Vec<f32>,
    /// `(n_rows,)`; all tiles of a table have weights, or none has.
    pub weights: Option<Vec<f32>>,
    /// Columns beside the features; all tiles of a table have the same ones.
    pub side: SideColumns,
    /// The words of features of categories, where there are some: their values are below 0.
    pub words: Vec<FeatureWords>,
    /// Where the rows came from.
    pub origin: Origin,
}

/// Why a table was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DatasetError {
    /// No tile brought a row.
    #[error("the table has no rows")]
    Empty,
    /// More rows than a row number can hold.
    #[error("the table has more than {} rows", u32::MAX)]
    TooManyRows,
    /// A tile's arrays do not agree.
    #[error("`{}` from row {}: {found} entries, expected {expected}", origin.object, origin.first_row)]
    Shape {
        /// The tile.
        origin: Origin,
        /// Entries found.
        found: usize,
        /// Entries that the other arrays ask for.
        expected: usize,
    },
    /// Dense tiles of different widths.
    #[error("`{}` from row {}: {found} columns, expected {expected} as in the rows before", origin.object, origin.first_row)]
    Columns {
        /// The tile.
        origin: Origin,
        /// Columns found.
        found: usize,
        /// Columns of the dense tiles before.
        expected: usize,
    },
    /// Some tiles have weights and others have none.
    #[error("`{}` from row {}: weights must be there for all rows or for none", origin.object, origin.first_row)]
    MixedWeights {
        /// The tile.
        origin: Origin,
    },
    /// Some tiles have a column beside the features and others have none, or a narrower one.
    #[error("`{}` from row {}: {column} must be there for all rows or for none, and be of one width", origin.object, origin.first_row)]
    MixedSide {
        /// The tile.
        origin: Origin,
        /// The column.
        column: SideColumn,
    },
    /// A value beside the features is not allowed.
    #[error("`{object}` row {row}: {column} `{value}`, allowed is {}", column.allowed())]
    SideValue {
        /// The object.
        object: String,
        /// The row in it.
        row: u64,
        /// The column.
        column: SideColumn,
        /// The value.
        value: f32,
    },
    /// Rows of a query come after rows of another.
    #[error(
        "`{object}` row {row}: query {id} was there before other queries; the rows of a query must be adjacent"
    )]
    SplitQuery {
        /// The object.
        object: String,
        /// The row in it.
        row: u64,
        /// The query.
        id: u64,
    },
    /// A feature is infinite, or `f32::MAX`, which as a bound means that anything is below it.
    #[error(
        "`{object}` row {row} column {feature}: `{value}` is too large, allowed are numbers below {:e} and missing values",
        f32::MAX
    )]
    Infinite {
        /// The object.
        object: String,
        /// The row in it.
        row: u64,
        /// The column, from 0.
        feature: usize,
        /// The value.
        value: f32,
    },
    /// A value of a feature of categories is no code of one.
    #[error(
        "`{object}` row {row} column {feature}: `{value}` is no category, allowed are whole numbers from 0 to {} and missing values",
        MAX_CATEGORIES - 1
    )]
    Category {
        /// The object.
        object: String,
        /// The row in it.
        row: u64,
        /// The column, from 0.
        feature: usize,
        /// The value, or the word.
        value: String,
    },
    /// A label is not a finite number.
    #[error("`{object}` row {row}: label `{value}` is not a finite number")]
    Label {
        /// The object.
        object: String,
        /// The row in it.
        row: u64,
        /// The label.
        value: f32,
    },
    /// A weight is negative or not finite.
    #[error("`{object}` row {row}: weight `{value}`, allowed is [0, ∞)")]
    Weight {
        /// The object.
        object: String,
        /// The row in it.
        row: u64,
        /// The weight.
        value: f32,
    },
    /// A sparse row names a column twice.
    #[error("`{object}` row {row}: column {feature} is there twice")]
    RepeatedColumn {
        /// The object.
        object: String,
        /// The row in it.
        row: u64,
        /// The column.
        feature: u32,
    },
}

/// Whether a feature is beyond what trees can tell apart; missing is not.
pub(super) fn is_too_large(value: f32) -> bool {
    value.abs() >= f32::MAX
}

/// Whether a weight is allowed.
pub(super) fn is_weight(weight: f32) -> bool {
    weight >= 0.0 && weight.is_finite()
}

/// A tile's features, borrowed; see [`TileFeatures`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum FeaturesView<'a> {
    Dense {
        n_features: usize,
        values: &'a [f32],
    },
    Csr {
        indptr: &'a [usize],
        indices: &'a [u32],
        values: &'a [f32],
    },
}

impl<'a> FeaturesView<'a> {
    /// The values of a feature of `n_rows` rows; those of a row that does not list it are left out.
    pub(crate) fn column(self, feature: u32, n_rows: usize) -> Box<dyn Iterator<Item = f32> + 'a> {
        match self {
            Self::Dense { n_features, values } if (feature as usize) < n_features => Box::new(
                values[feature as usize * n_rows..][..n_rows]
                    .iter()
                    .copied(),
            ),
            Self::Dense { .. } => Box::new(std::iter::empty()),
            Self::Csr {
                indices, values, ..
            } => {
                let entries = indices.iter().zip(values);
                let own = entries.filter(move |(it, _)| **it == feature);
                Box::new(own.map(|(_, &value)| value))
            }
        }
    }
}

impl DatasetError {
    /// The same, where `n_rows` rows of the object stand before those that the tile's origin counts from.
    pub(crate) fn behind(mut self, n_rows: u64) -> Self {
        match &mut self {
            Self::Shape { origin, .. }
            | Self::Columns { origin, .. }
            | Self::MixedWeights { origin }
            | Self::MixedSide { origin, .. } => origin.first_row += n_rows,
            Self::Infinite { row, .. }
            | Self::Category { row, .. }
            | Self::Label { row, .. }
            | Self::Weight { row, .. }
            | Self::SideValue { row, .. }
            | Self::SplitQuery { row, .. }
            | Self::RepeatedColumn { row, .. } => *row += n_rows,
            Self::Empty | Self::TooManyRows => {}
        }
        self
    }
}

impl TileFeatures {
    /// The features without the ownership.
    pub(crate) fn view(&self) -> FeaturesView<'_> {
        match self {
            Self::Dense { n_features, values } => FeaturesView::Dense {
                n_features: *n_features,
                values,
            },
            Self::Csr {
                indptr,
                indices,
                values,
            } => FeaturesView::Csr {
                indptr,
                indices,
                values,
            },
        }
    }

    /// The value of a row of a tile of `n_rows`; NaN where there is none.
    pub fn value(&self, row: usize, n_rows: usize, feature: usize) -> f32 {
        match self {
            Self::Dense { n_features, values } => {
                if feature < *n_features {
                    values[feature * n_rows + row]
                } else {
                    f32::NAN
                }
            }
            Self::Csr {
                indptr,
                indices,
                values,
            } => {
                let entries = indptr[row]..indptr[row + 1];
                let found =
                    indices[entries.clone()].binary_search_by(|&idx| (idx as usize).cmp(&feature));
                found.map_or(f32::NAN, |offset| values[entries.start + offset])
            }
        }
    }

    /// Writes `rows` of a tile of `n_rows` to `out`, row-major `(rows.len(), n_features)` and full of NaN.
    pub(super) fn copy_rows(
        &self,
        rows: Range<usize>,
        n_rows: usize,
        n_features: usize,
        out: &mut [f32],
    ) {
        match self {
            Self::Dense {
                n_features: own,
                values,
            } => {
                for feature in 0..*own {
                    let column = &values[feature * n_rows..][rows.clone()];
                    for (row, &value) in column.iter().enumerate() {
                        out[row * n_features + feature] = value;
                    }
                }
            }
            Self::Csr {
                indptr,
                indices,
                values,
            } => {
                for (row, target) in rows.zip(out.chunks_exact_mut(n_features.max(1))) {
                    for entry in indptr[row]..indptr[row + 1] {
                        target[indices[entry] as usize] = values[entry];
                    }
                }
            }
        }
    }
}
