//! Rows in a form that the engine predicts.
//!
//! Invariant: dense rows with nothing beside them, which most requests are, are predicted where they lie.

use engine::booster::{PredictError, Predictor};
use engine::dataset::{Dataset, DatasetError, Origin, SideColumns, Tile, TileFeatures};
use engine::threads::Threads;

use super::rows::Rows;

/// See the module.
pub(super) enum Table {
    /// Row-major values, where nothing stands beside them.
    Plain { values: Vec<f32>, n_rows: usize },
    /// The engine's own form.
    Any(Dataset),
}

impl Table {
    /// `rows`, of which there are `n_rows`, and what stands beside them.
    ///
    /// # Errors
    /// [`DatasetError`] if the engine takes them for no table.
    pub(super) fn new(rows: Rows, n_rows: usize, side: SideColumns) -> Result<Self, DatasetError> {
        let has_side = side != SideColumns::default();
        let data = match rows {
            Rows::Dense { values, .. } if !has_side => {
                return Ok(Self::Plain { values, n_rows });
            }
            Rows::Dense { n_columns, values } => {
                Dataset::from_rows(n_columns, &values, &vec![0.0; n_rows])?
            }
            Rows::Sparse {
                n_columns: _,
                indptr,
                indices,
                values,
            } => sparse(n_rows, indptr, indices, values)?,
        };
        let data = if has_side {
            data.with_side_columns(side)?
        } else {
            data
        };
        Ok(Self::Any(data))
    }

    /// Margins, `(n_rows, n_groups)` row-major.
    ///
    /// # Errors
    /// [`PredictError`] for columns that are not the predictor's.
    pub(super) fn predict_margin(
        &self,
        predictor: &Predictor,
        threads: &Threads,
    ) -> Result<Vec<f32>, PredictError> {
        match self {
            Self::Plain { values, n_rows } => {
                let mut margins = vec![0.0; n_rows * predictor.n_groups()];
                let n_features = predictor.n_features();
                predictor.predict_margin_into(values, n_features, &mut margins, threads)?;
                Ok(margins)
            }
            Self::Any(data) => predictor.predict_margin(data, threads),
        }
    }
}

fn sparse(
    n_rows: usize,
    indptr: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
) -> Result<Dataset, DatasetError> {
    let mut builder = Dataset::builder();
    builder.push(Tile {
        features: TileFeatures::Csr {
            indptr,
            indices,
            values,
        },
        labels: vec![0.0; n_rows],
        weights: None,
        side: SideColumns::default(),
        words: Vec::new(),
        origin: Origin {
            object: "request".into(),
            first_row: 0,
        },
    })?;
    builder.finish()
}
