//! The rows that cuts are made from, while a table is read.
//!
//! Invariants: what fits the budget is kept whole, and then the cuts are exact. Of a larger table the cuts come from the
//! parts that a reader brought first; a value may be missing in the others, so a feature has at most 255 bins then, and
//! one code is left for that. Which rows are in the sample depends on the order of the parts alone.

use std::ops::Range;
use std::sync::Arc;

use crate::dataset::{
    CategoryNames, DatasetError, FeaturesView, NameSearch, Part, Tile, TileFeatures,
    check_categories, code_column, words_of,
};
use crate::threads::Threads;

use super::cuts::RawRows;
use super::ingest::{BinnedPart, BinnedTile, Ingest};
use super::tile::{Form, TileCodes, n_present};
use super::{BinError, HistogramCuts};

/// Values that a sample may hold, if nothing else is asked for: 64 MiB, and enough for a thousand values in each of 255
/// bins of 64 columns.
pub const SAMPLE_VALUES: usize = 16 << 20;

/// A table of which a smaller share is present is kept as lists: a listed code takes four bytes and more time than a
/// dense one, so lists pay below about a third.
pub(crate) const SPARSE_BELOW: f64 = 0.25;

/// Raw rows, until there are enough of them to cut.
#[derive(Debug)]
pub struct Sample {
    budget: usize,
    /// The values of the dense tiles, one after the other. One large piece of memory goes back to the system as a whole,
    /// which many small ones do not.
    values: Vec<f32>,
    /// Values that count towards the budget.
    n_values: usize,
    n_rows: usize,
    parts: Vec<SampledPart>,
    /// The features whose values are codes of categories.
    categorical: Vec<u32>,
    /// The names of their categories; `None` leaves it to the words of the rows.
    names: Option<CategoryNames>,
}

#[derive(Debug)]
struct SampledPart {
    number: usize,
    tiles: Result<Vec<SampledTile>, (Arc<str>, DatasetError)>,
}

/// A tile; the values of a dense one are in the sample, from `first`.
#[derive(Debug)]
struct SampledTile {
    tile: Tile,
    rows: Range<usize>,
    width: usize,
    first: usize,
}

impl Sample {
    /// An empty sample of about `budget` values; a sparse value counts for two, since its column is kept as well.
    pub fn new(budget: usize) -> Self {
        Self {
            budget,
            values: Vec::new(),
            n_values: 0,
            n_rows: 0,
            parts: Vec::new(),
            categorical: Vec::new(),
            names: None,
        }
    }

    /// The same, where the values of these features are codes of categories; see [`HistogramCuts::with_categories`].
    #[must_use]
    pub fn with_categories(mut self, categorical: Vec<u32>) -> Self {
        self.categorical = categorical;
        self
    }

    /// The same, where categories have these names and no others.
    #[must_use]
    pub fn with_names(mut self, names: CategoryNames) -> Self {
        self.names = Some(names);
        self
    }

    /// Whether no more parts are taken.
    pub fn is_full(&self) -> bool {
        self.n_values >= self.budget
    }

    /// Takes parts until the sample is full, and gives back the others.
    pub fn push(&mut self, parts: Vec<Part>, threads: &Threads) -> Vec<Part> {
        let checked = threads.map(parts, |mut part| {
            // Words have no codes yet.
            let widths = check(&mut part, |_| Ok(()));
            (part, widths)
        });
        let mut rest = Vec::new();
        for (part, widths) in checked {
            if self.is_full() {
                rest.push(part);
            } else {
                self.take(part, widths);
            }
        }
        rest
    }

    fn take(&mut self, part: Part, widths: Result<Vec<usize>, (Arc<str>, DatasetError)>) {
        let tiles = widths.map(|widths| {
            let tiles = part.tiles.into_iter().zip(widths);
            tiles.map(|(tile, width)| self.keep(tile, width)).collect()
        });
        self.parts.push(SampledPart {
            number: part.number,
            tiles,
        });
    }

    fn keep(&mut self, mut tile: Tile, width: usize) -> SampledTile {
        let first = self.values.len();
        match &mut tile.features {
            TileFeatures::Dense { values, .. } => {
                if self.values.capacity() == 0 {
                    // A small table touches little of it, and what is not touched takes no memory.
                    let budget = self.budget.min(SAMPLE_VALUES);
                    self.values.reserve_exact(budget + values.len());
                }
                self.values.append(values);
                self.n_values += self.values.len() - first;
                *values = Vec::new();
            }
            TileFeatures::Csr { values, .. } => self.n_values += 2 * values.len(),
        }
        let rows = self.n_rows..self.n_rows + tile.labels.len();
        self.n_rows = rows.end;
        SampledTile {
            tile,
            rows,
            width,
            first,
        }
    }

    /// Makes the cuts, and bins the sample; the values are gone then. `whole` says that there are no rows but these.
    ///
    /// # Errors
    /// [`BinError::MaxBin`] if `max_bin` is not within 2 to 256.
    pub fn cut(mut self, max_bin: u32, whole: bool, threads: &Threads) -> Result<Ingest, BinError> {
        let names = self.names.take().unwrap_or_else(|| self.found_names());
        if !self.categorical.is_empty() {
            self.code_words(&names);
        }
        let tiles: Vec<&SampledTile> = self.tiles().collect();
        let n_features = tiles.iter().map(|tile| tile.width).max().unwrap_or(0);
        let weights = self.weights();
        let rows = RawRows {
            chunks: tiles
                .iter()
                .map(|tile| (tile.rows.clone(), tile.features(&self.values)))
                .collect(),
            n_rows: self.n_rows,
            n_features,
            weights: weights.as_deref(),
            whole,
            categorical: &self.categorical,
            names: &names,
        };
        let cuts = Arc::new(HistogramCuts::of_rows(&rows, max_bin, threads)?);
        let form = form(
            rows.chunks.iter().map(|(_, it)| *it),
            self.n_rows * n_features,
        );
        let mut ingest = Ingest::with_form(&cuts, Some(form));
        let how = (ingest.searches(), threads.simd());
        let values = &self.values;
        let binned = threads.map(tiles, |tile| {
            let n_rows = tile.rows.len();
            TileCodes::new(tile.features(values), n_rows, form, how)
        });
        let mut binned = binned.into_iter();
        for part in self.parts {
            let tiles = part.tiles.map(|tiles| {
                let tiles = tiles.into_iter().zip(binned.by_ref());
                tiles
                    .map(|(sampled, codes)| BinnedTile::new(sampled.tile, sampled.width, codes))
                    .collect()
            });
            ingest.wait(BinnedPart {
                number: part.number,
                tiles,
            });
        }
        Ok(ingest)
    }

    fn tiles(&self) -> impl Iterator<Item = &SampledTile> {
        self.parts
            .iter()
            .flat_map(|part| part.tiles.iter().flatten())
    }

    /// The names of the categories, as the rows' words show.
    fn found_names(&self) -> CategoryNames {
        let words = self.tiles().flat_map(|tile| &tile.tile.words);
        let mut search = NameSearch::new(words);
        for feature in search.features() {
            for tile in self.tiles() {
                let features = tile.features(&self.values);
                search.add_numbers(feature, features.column(feature, tile.rows.len()));
            }
        }
        search.finish()
    }

    /// Puts codes in the place of words, and refuses what is neither.
    fn code_words(&mut self, names: &CategoryNames) {
        for part in &mut self.parts {
            let Ok(tiles) = &mut part.tiles else {
                continue;
            };
            let mut refused = None;
            for tile in tiles {
                tile.code_words(names, &mut self.values);
                let origin = &tile.tile.origin;
                let features = (tile.features(&self.values), tile.tile.words.as_slice());
                let n_rows = tile.rows.len();
                if let Err(err) = check_categories(features, n_rows, origin, &self.categorical) {
                    refused.get_or_insert((Arc::clone(&origin.object), err));
                }
            }
            if let Some(refused) = refused {
                part.tiles = Err(refused);
            }
        }
    }

    /// The weights of all rows, where some have one.
    fn weights(&self) -> Option<Vec<f32>> {
        if self.tiles().all(|tile| tile.tile.weights.is_none()) {
            return None;
        }
        let mut weights = Vec::with_capacity(self.n_rows);
        for tile in self.tiles() {
            match &tile.tile.weights {
                Some(own) => weights.extend_from_slice(own),
                None => weights.resize(tile.rows.end, 1.0),
            }
        }
        Some(weights)
    }
}

impl SampledTile {
    /// Puts codes in the place of the words and numbers of the features that have names; `values` are the sample's.
    fn code_words(&mut self, names: &CategoryNames, values: &mut [f32]) {
        let n_rows = self.rows.len();
        let TileFeatures::Dense { n_features, .. } = self.tile.features else {
            return self.tile.code_words(names);
        };
        let there = names.iter().filter(|it| (it.0 as usize) < n_features);
        for (feature, names) in there {
            let column = &mut values[self.first + feature as usize * n_rows..][..n_rows];
            code_column(column, words_of(&self.tile.words, feature), names);
        }
    }

    fn features<'a>(&'a self, values: &'a [f32]) -> FeaturesView<'a> {
        match self.tile.features.view() {
            FeaturesView::Dense { n_features, .. } => FeaturesView::Dense {
                n_features,
                values: &values[self.first..][..self.rows.len() * n_features],
            },
            listed @ FeaturesView::Csr { .. } => listed,
        }
    }
}

/// Checks the tiles of a part, each by `further` too, and gives their widths, or the object with the first thing that is not
/// allowed.
pub(super) fn check(
    part: &mut Part,
    further: impl Fn(&mut Tile) -> Result<(), DatasetError>,
) -> Result<Vec<usize>, (Arc<str>, DatasetError)> {
    part.tiles.retain(|tile| !tile.labels.is_empty());
    let width = |tile: &mut Tile| {
        let checked = tile.check().and_then(|width| {
            further(tile)?;
            Ok(width)
        });
        checked.map_err(|err| (Arc::clone(&tile.origin.object), err))
    };
    part.tiles.iter_mut().map(width).collect()
}

/// The form for a table that these are rows of.
pub(super) fn form<'a>(tiles: impl Iterator<Item = FeaturesView<'a>>, n_cells: usize) -> Form {
    let n_present: usize = tiles.map(n_present).sum();
    if (n_present as f64) < SPARSE_BELOW * n_cells as f64 {
        Form::Sparse
    } else {
        Form::Dense
    }
}
