//! A tile while its columns are being filled.

use engine::dataset::{Origin, SideColumn, SideColumns, Tile, TileFeatures};

use super::super::side;

/// A tile before its columns are filled.
pub(super) struct Draft {
    /// Rows of the row group before the first one.
    pub(super) n_before: u64,
    pub(super) labels: Vec<f32>,
    pub(super) weights: Vec<f32>,
    /// Columns beside the features, `(n_rows,)` each.
    pub(super) side: Vec<Vec<f32>>,
    pub(super) query_ids: Option<Vec<u64>>,
    pub(super) values: Vec<f32>,
}

impl Draft {
    /// The columns, in the order of the layout.
    pub(super) fn columns(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let n_rows = self.labels.len();
        let leading = [&mut self.labels, &mut self.weights];
        let leading = leading.into_iter().filter(|it| !it.is_empty());
        leading
            .chain(&mut self.side)
            .map(Vec::as_mut_slice)
            .chain(self.values.chunks_exact_mut(n_rows))
    }

    /// The tile, once all columns are filled; `side` says what stands beside the features.
    pub(super) fn into_tile(self, n_features: usize, side: &[SideColumn], origin: Origin) -> Tile {
        let mut columns = SideColumns {
            query_ids: self.query_ids,
            ..SideColumns::default()
        };
        let (mut margins, mut labels) = (Vec::new(), Vec::new());
        for (&column, mut values) in side.iter().zip(self.side) {
            for value in &mut values {
                *value = side::complete(column, *value);
            }
            match column {
                SideColumn::QueryId => {}
                SideColumn::BaseMargin => margins.push(values),
                SideColumn::Exposure => columns.exposure = Some(values),
                SideColumn::LabelUpperBound => columns.label_upper_bound = Some(values),
                SideColumn::FurtherLabel => labels.push(values),
            }
        }
        columns.base_margin = rows_of(&margins);
        columns.further_labels = rows_of(&labels);
        Tile {
            features: TileFeatures::Dense {
                n_features,
                values: self.values,
            },
            labels: self.labels,
            weights: (!self.weights.is_empty()).then_some(self.weights),
            side: columns,
            words: Vec::new(),
            origin,
        }
    }
}

/// Columns as rows, `(n_rows, n_columns)` row-major; `None` without columns.
fn rows_of(columns: &[Vec<f32>]) -> Option<Vec<f32>> {
    let n_rows = columns.first()?.len();
    let row = |row: usize| columns.iter().map(move |column| column[row]);
    Some((0..n_rows).flat_map(row).collect())
}
