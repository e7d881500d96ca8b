//! What a table holds, as bytes in a fixed order: for a digest that tells whether two tables are the same to training.
//!
//! Invariant: two tables with different content give different bytes, since each part begins with its name and its length.

use super::{Dataset, Side, TileFeatures};

/// Numbers that become bytes at a time.
const NUMBERS_AT_A_TIME: usize = 4096;

/// Where pieces go.
pub(crate) type Sink<'s> = &'s mut dyn FnMut(&[u8]);

impl Dataset {
    /// Gives all that training reads of this table to `sink`, piece by piece.
    pub fn for_each_piece(&self, sink: Sink<'_>) {
        begin("columns", self.n_features(), sink);
        self.side
            .for_each_piece((&self.labels, self.weights()), sink);
        for chunk in self.chunks() {
            begin("rows", chunk.rows.len(), sink);
            match &chunk.features {
                TileFeatures::Dense { values, .. } => floats("dense", Some(values), sink),
                TileFeatures::Csr {
                    indptr,
                    indices,
                    values,
                } => {
                    numbers("indptr", indptr, |it| (*it as u64).to_le_bytes(), sink);
                    numbers("indices", indices, |it| it.to_le_bytes(), sink);
                    floats("values", Some(values), sink);
                }
            }
        }
    }
}

impl Side {
    /// What rows bring beside their features.
    pub(crate) fn for_each_piece(
        &self,
        (labels, weights): (&[f32], Option<&[f32]>),
        sink: Sink<'_>,
    ) {
        floats("all labels", Some(&self.label_matrix(labels)), sink);
        floats("weights", weights, sink);
        floats("base_margin", self.base_margin.as_deref(), sink);
        floats("exposure", self.exposure.as_deref(), sink);
        floats("label_upper_bound", self.label_upper_bound.as_deref(), sink);
        let queries = self.group_ptr.as_deref().unwrap_or_default();
        numbers("group_ptr", queries, |it| (*it as u64).to_le_bytes(), sink);
    }
}

pub(crate) fn begin(name: &str, len: usize, sink: Sink<'_>) {
    sink(name.as_bytes());
    sink(&(len as u64).to_le_bytes());
}

pub(crate) fn floats(name: &str, values: Option<&[f32]>, sink: Sink<'_>) {
    let values = values.unwrap_or_default();
    numbers(name, values, |it| it.to_bits().to_le_bytes(), sink);
}

pub(crate) fn numbers<T, const N: usize>(
    name: &str,
    values: &[T],
    bytes_of: impl Fn(&T) -> [u8; N],
    sink: Sink<'_>,
) {
    begin(name, values.len(), sink);
    for some in values.chunks(NUMBERS_AT_A_TIME) {
        let bytes: Vec<u8> = some.iter().flat_map(&bytes_of).collect();
        sink(&bytes);
    }
}
