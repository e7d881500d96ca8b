//! A sample from all over a channel whose blocks can only be read one after the other: files that are compressed, or `RecordIO`.
//!
//! ```text
//! first pass     every block is read; of those that are parsed, every second is dropped whenever they are too many
//! second pass    every block is read again, and those are parsed that were not kept
//! ```
//!
//! Invariants: what fits the sample whole is read once, and comes in the order of its rows. Which blocks are kept follows from
//! what they hold alone. A pipe cannot be read again, so what comes through one is cut by its first rows.

use engine::dataset::{Part, Tile, TileFeatures};

use super::bad_rows::Skipped;

/// What is done with blocks that are read one after the other.
#[derive(Debug)]
pub(super) enum Pass {
    /// All are parsed.
    Only,
    /// Some are kept for the sample.
    First(Survey),
    /// Those are parsed that were not kept; the numbers of those that were ascend.
    Second(Vec<usize>),
}

/// The blocks that were kept so far.
#[derive(Debug)]
pub(super) struct Survey {
    /// Values that may be kept.
    budget: usize,
    /// Blocks from one that is kept to the next.
    stride: usize,
    kept: Vec<(Part, Skipped)>,
    n_values: usize,
    /// Rows of the kept blocks.
    n_rows: usize,
}

impl Pass {
    /// Whether the block of this number is parsed.
    pub(super) fn parses(&self, number: usize) -> bool {
        match self {
            Self::Only => true,
            Self::First(survey) => survey.wants(number),
            Self::Second(kept) => kept.binary_search(&number).is_err(),
        }
    }
}

impl Survey {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            budget,
            stride: 1,
            kept: Vec::new(),
            n_values: 0,
            n_rows: 0,
        }
    }

    /// Whether the block of this number is to be parsed.
    pub(super) fn wants(&self, number: usize) -> bool {
        number.is_multiple_of(self.stride)
    }

    /// Keeps what became of a block, and drops others if that is too much.
    pub(super) fn keep(&mut self, part: Part, skipped: Skipped) {
        if !self.wants(part.number) {
            return;
        }
        self.n_values += n_values(&part);
        self.n_rows += n_rows(&part);
        self.kept.push((part, skipped));
        while self.n_values > self.budget && self.kept.len() > 1 {
            self.stride *= 2;
            let stride = self.stride;
            self.kept
                .retain(|(part, _)| part.number.is_multiple_of(stride));
            self.n_values = self.kept.iter().map(|(part, _)| n_values(part)).sum();
            self.n_rows = self.kept.iter().map(|(part, _)| n_rows(part)).sum();
        }
    }

    /// Whether all blocks so far are kept.
    pub(super) fn has_all(&self) -> bool {
        self.stride == 1
    }

    /// About how many rows there are in all blocks so far.
    pub(super) fn n_rows(&self) -> usize {
        self.n_rows * self.stride
    }

    /// What was kept, in the order of the rows.
    pub(super) fn into_kept(self) -> Vec<(Part, Skipped)> {
        self.kept
    }
}

fn n_rows(part: &Part) -> usize {
    part.tiles.iter().map(|tile| tile.labels.len()).sum()
}

/// What a sample counts a part for: a sparse value for two, since its column is kept as well.
fn n_values(part: &Part) -> usize {
    let of_tile = |tile: &Tile| match &tile.features {
        TileFeatures::Dense { values, .. } => values.len(),
        TileFeatures::Csr { values, .. } => 2 * values.len(),
    };
    part.tiles.iter().map(of_tile).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use engine::dataset::{Origin, SideColumns};

    use super::*;

    /// A part of 10 values.
    fn part(number: usize) -> Part {
        let tile = Tile {
            features: TileFeatures::Dense {
                n_features: 2,
                values: vec![0.0; 10],
            },
            labels: vec![0.0; 5],
            weights: None,
            side: SideColumns::default(),
            words: Vec::new(),
            origin: Origin {
                object: Arc::from("a"),
                first_row: 0,
            },
        };
        Part {
            number,
            tiles: vec![tile],
        }
    }

    #[test]
    fn what_is_kept_comes_from_all_over_and_fits() {
        let kept = |n_blocks: usize| {
            let mut survey = Survey::new(80);
            for number in 0..n_blocks {
                if survey.wants(number) {
                    survey.keep(part(number), Skipped::default());
                }
            }
            let (has_all, n_rows) = (survey.has_all(), survey.n_rows());
            let kept = survey.into_kept().into_iter();
            (has_all, n_rows, kept.map(|(it, _)| it.number).collect())
        };
        let all: Vec<usize> = (0..8).collect();
        assert_eq!(kept(8), (true, 40, all));
        assert_eq!(kept(9), (false, 50, vec![0, 2, 4, 6, 8]));
        assert_eq!(kept(40), (false, 200, vec![0, 8, 16, 24, 32]));
    }
}
