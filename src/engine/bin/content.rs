//! What a binned table holds, as bytes in a fixed order: for a digest that tells whether two tables are the same to training.
//!
//! Invariant: the bytes follow from cuts, codes, labels and what rows bring beside them, and two tables with different ones
//! give different bytes, since each part begins with its name and its length.

use super::{BinnedDataset, Codes};

/// Numbers that become bytes at a time.
const NUMBERS_AT_A_TIME: usize = 4096;

impl BinnedDataset {
    /// Gives all that training reads of this table to `sink`, piece by piece.
    pub fn for_each_piece(&self, sink: &mut dyn FnMut(&[u8])) {
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
        floats("all labels", Some(&self.label_matrix()), sink);
        floats("weights", self.weights(), sink);
        floats("base_margin", self.base_margin(), sink);
        floats("exposure", self.exposure(), sink);
        floats("label_upper_bound", self.label_upper_bound(), sink);
        let queries = self.group_ptr().unwrap_or_default();
        numbers("group_ptr", queries, |it| (*it as u64).to_le_bytes(), sink);
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

fn begin(name: &str, len: usize, sink: &mut dyn FnMut(&[u8])) {
    sink(name.as_bytes());
    sink(&(len as u64).to_le_bytes());
}

fn floats(name: &str, values: Option<&[f32]>, sink: &mut dyn FnMut(&[u8])) {
    let values = values.unwrap_or_default();
    numbers(name, values, |it| it.to_bits().to_le_bytes(), sink);
}

fn numbers<T, const N: usize>(
    name: &str,
    values: &[T],
    bytes_of: impl Fn(&T) -> [u8; N],
    sink: &mut dyn FnMut(&[u8]),
) {
    begin(name, values.len(), sink);
    for some in values.chunks(NUMBERS_AT_A_TIME) {
        let bytes: Vec<u8> = some.iter().flat_map(&bytes_of).collect();
        sink(&bytes);
    }
}
