//! A table that is binned while it is read, so that its values are never all in memory.
//!
//! Invariants: rows stand in the order of the parts' numbers, whatever the order in which parts come; the first problem in
//! that order is the one that is told. A column that no row had when the cuts were made has one bin, so that a tree can
//! still ask whether it is there.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dataset::{
    CategoryNames, Continuity, Dataset, DatasetError, GrowingSide, ObjectRows, Origin, Part,
    SideColumns, Tile, Traits,
};
use crate::simd::Simd;
use crate::threads::Threads;

use super::matrix::BinnedMatrix;
use super::sample::{check, form};
use super::search::Searches;
use super::tile::{Form, TileCodes};
use super::{BinnedDataset, HistogramCuts};

/// A binned table that still grows.
#[derive(Debug)]
pub struct Ingest {
    cuts: Arc<HistogramCuts>,
    /// The features whose values are codes of categories.
    categorical: Vec<u32>,
    /// The names of their categories, where they have some.
    names: CategoryNames,
    searches: Searches,
    /// Known from the first tile on.
    form: Option<Form>,
    matrix: Option<BinnedMatrix>,
    labels: Vec<f32>,
    weights: Option<Vec<f32>>,
    side: GrowingSide,
    continuity: Continuity,
    rows: ObjectRows,
    n_features: usize,
    is_sparse: bool,
    expected_rows: usize,
    /// The number of the part whose turn it is.
    next: usize,
    /// Parts that came before their turn.
    waiting: BTreeMap<usize, BinnedPart>,
}

/// A part in codes, or the object with the first thing in it that is not allowed.
#[derive(Debug)]
pub(super) struct BinnedPart {
    pub(super) number: usize,
    pub(super) tiles: Result<Vec<BinnedTile>, (Arc<str>, DatasetError)>,
}

/// A tile in codes.
#[derive(Debug)]
pub(super) struct BinnedTile {
    codes: TileCodes,
    width: usize,
    labels: Vec<f32>,
    weights: Option<Vec<f32>>,
    side: SideColumns,
    traits: Traits,
    origin: Origin,
}

impl BinnedTile {
    pub(super) fn new(tile: Tile, width: usize, codes: TileCodes) -> Self {
        Self {
            codes,
            width,
            traits: tile.traits(),
            labels: tile.labels,
            weights: tile.weights,
            side: tile.side,
            origin: tile.origin,
        }
    }
}

impl Ingest {
    /// An empty table that is binned by the cuts of another.
    pub fn new(cuts: &Arc<HistogramCuts>) -> Self {
        Self::with_form(cuts, None)
    }

    pub(super) fn with_form(cuts: &Arc<HistogramCuts>, form: Option<Form>) -> Self {
        Self {
            cuts: Arc::clone(cuts),
            categorical: cuts.categorical(),
            names: cuts.category_names(),
            searches: Searches::new(cuts),
            form,
            matrix: None,
            labels: Vec::new(),
            weights: None,
            side: GrowingSide::default(),
            continuity: Continuity::default(),
            rows: ObjectRows::default(),
            n_features: 0,
            is_sparse: false,
            expected_rows: 0,
            next: 0,
            waiting: BTreeMap::new(),
        }
    }

    /// Says about how many rows there will be, so that memory for them need not be found again and again.
    pub fn expect_rows(&mut self, n_rows: usize) {
        self.expected_rows = n_rows;
    }

    /// The columns of the rows so far, whatever the cuts have.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Whether some rows so far are sparse, so that columns may be missing at their end.
    pub fn is_sparse(&self) -> bool {
        self.is_sparse
    }

    /// The names of the categories, of the features whose categories have some.
    pub fn category_names(&self) -> &CategoryNames {
        &self.names
    }

    /// Bins parts, and lets their values go.
    ///
    /// # Errors
    /// [`DatasetError`] for the first thing that is not allowed in the parts whose turn has come.
    pub fn push(&mut self, parts: Vec<Part>, threads: &Threads) -> Result<(), DatasetError> {
        let first = parts.iter().flat_map(|part| &part.tiles).next();
        if let (None, Some(tile)) = (self.form, first) {
            let n_features = self.cuts.n_features();
            let n_cells = tile.labels.len() * n_features;
            self.form = Some(form(std::iter::once(tile.features.view()), n_cells));
        }
        let form = self.form.unwrap_or(Form::Dense);
        let this = &*self;
        let how = (form, threads.simd());
        let binned = threads.map(parts, |part| this.bin(part, how));
        for part in binned {
            self.wait(part);
        }
        self.take_turns()
    }

    /// The table.
    ///
    /// # Errors
    /// - [`DatasetError`] for the first thing that is not allowed.
    /// - [`DatasetError::Empty`] if there are no rows.
    ///
    /// # Panics
    /// If a part is not there.
    pub fn finish(mut self) -> Result<BinnedDataset, DatasetError> {
        self.take_turns()?;
        assert!(self.waiting.is_empty(), "every part has come");
        let Some(mut matrix) = self.matrix else {
            return Err(DatasetError::Empty);
        };
        matrix.widen(self.n_features.max(self.cuts.n_features()));
        let mut data = BinnedDataset {
            cuts: self.cuts,
            matrix,
            labels: self.labels,
            weights: self.weights,
            side: self.side.finish(),
            start_leaves: None,
        };
        data.widen(self.n_features);
        data.matrix.close(&data.cuts);
        Ok(data)
    }

    pub(super) fn searches(&self) -> &Searches {
        &self.searches
    }

    /// Keeps a part until its turn comes.
    pub(super) fn wait(&mut self, part: BinnedPart) {
        self.waiting.insert(part.number, part);
    }

    /// Adds the parts whose turn has come.
    fn take_turns(&mut self) -> Result<(), DatasetError> {
        while let Some(part) = self.waiting.remove(&self.next) {
            let tiles = part
                .tiles
                .map_err(|(object, err)| err.behind(self.rows.before(&object)))?;
            let before = tiles.first();
            let before = before.map_or(0, |tile| self.rows.before(&tile.origin.object));
            for mut tile in tiles {
                tile.origin.first_row += before;
                self.append(tile)?;
            }
            self.next += 1;
        }
        Ok(())
    }

    fn append(&mut self, mut tile: BinnedTile) -> Result<(), DatasetError> {
        self.continuity = self.continuity.followed_by(tile.traits, &tile.origin)?;
        let n_rows = tile.labels.len();
        self.side.append(tile.side, n_rows, &tile.origin)?;
        self.rows.add(&tile.origin.object, n_rows);
        self.is_sparse |= tile.traits.dense_features.is_none();
        self.n_features = self.n_features.max(tile.width);
        let matrix = self.matrix.get_or_insert_with(|| {
            let form = self.form.unwrap_or(Form::Dense);
            BinnedMatrix::new(form, self.cuts.n_features(), self.expected_rows)
        });
        matrix.append(n_rows, &tile.codes);
        self.labels.append(&mut tile.labels);
        if let Some(weights) = tile.weights {
            self.weights.get_or_insert_default().extend(weights);
        }
        Ok(())
    }

    /// Bins a part.
    fn bin(&self, mut part: Part, (form, simd): (Form, Simd)) -> BinnedPart {
        let widths = check(&mut part, |tile| {
            tile.code_words(&self.names);
            tile.check_categories(&self.categorical)
        });
        let tiles = widths.map(|widths| {
            let tiles = part.tiles.into_iter().zip(widths);
            let binned = tiles.map(|(tile, width)| {
                let n_rows = tile.labels.len();
                let view = tile.features.view();
                let codes = TileCodes::new(view, n_rows, form, (&self.searches, simd));
                BinnedTile::new(tile, width, codes)
            });
            binned.collect()
        });
        BinnedPart {
            number: part.number,
            tiles,
        }
    }
}

/// Bins a table that is in memory, a few tiles at a time, and lets their values go.
pub(super) fn bin_all(
    mut data: Dataset,
    cuts: &Arc<HistogramCuts>,
    threads: &Threads,
) -> BinnedDataset {
    /// Enough that no thread waits long for the slowest.
    const TILES_PER_THREAD: usize = 8;
    let (n_rows, n_features) = (data.n_rows(), data.n_features());
    let searches = Searches::new(cuts);
    let views = data.chunks().iter().map(|chunk| chunk.features.view());
    let form = form(views, n_rows * n_features);
    let mut matrix = BinnedMatrix::new(form, n_features, n_rows);
    let mut chunks = data.take_chunks().into_iter();
    while chunks.len() > 0 {
        let batch = chunks.by_ref().take(TILES_PER_THREAD * threads.n_threads());
        let tiles = threads.map(batch.collect(), |chunk| {
            let n_rows = chunk.rows.len();
            let view = chunk.features.view();
            let codes = TileCodes::new(view, n_rows, form, (&searches, threads.simd()));
            (n_rows, codes)
        });
        for (n_rows, codes) in tiles {
            matrix.append(n_rows, &codes);
        }
    }
    matrix.close(cuts);
    let (labels, weights, side) = data.into_targets();
    BinnedDataset {
        cuts: Arc::clone(cuts),
        matrix,
        labels,
        weights,
        side,
        start_leaves: None,
    }
}
