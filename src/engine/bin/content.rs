//! What a binned table holds, as bytes in a fixed order; see [`crate::dataset::content`].

use crate::dataset::content::{Sink, begin, floats, numbers};

use super::{BinnedDataset, Codes};

impl BinnedDataset {
    /// Gives all that training reads of this table to `sink`, piece by piece.
    pub fn for_each_piece(&self, sink: Sink<'_>) {
        for feature in 0..self.n_features() {
            floats("cuts", Some(self.cuts().cuts(feature)), sink);
        }
        for feature in self.cuts().categorical() {
            if let Some(categories) = self.cuts().categories(feature as usize) {
                numbers("feature", &[feature], |it| it.to_le_bytes(), sink);
                numbers(
                    "categories",
                    categories.codes(),
                    |it| it.to_le_bytes(),
                    sink,
                );
                for name in categories.names().iter().flat_map(|it| it.as_slice()) {
                    begin("name", name.len(), sink);
                    sink(name.as_bytes());
                }
            }
        }
        self.side
            .for_each_piece((&self.labels, self.weights()), sink);
        match self.matrix().codes() {
            Codes::Dense(codes) => {
                begin("dense", codes.len(), sink);
                sink(codes);
            }
            Codes::Wide(codes) => numbers("wide", codes, |it| it.to_le_bytes(), sink),
            Codes::Sparse(codes) => {
                let (indptr, slots) = codes.lists();
                numbers("indptr", indptr, |it| (*it as u64).to_le_bytes(), sink);
                numbers("slots", slots, |it| it.to_le_bytes(), sink);
            }
        }
    }
}
