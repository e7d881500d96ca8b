//! Where each feature is cut into bins.
//!
//! Invariants: a feature's cuts ascend strictly; all but the last are values of the data; the last is [`SENTINEL`], above
//! every value. Bin `i` holds `cuts[i - 1] <= x < cuts[i]`, so a split after bin `i` is the test `x < cuts[i]`, in bins
//! and in values alike. What is missing has the code after the last bin. A feature of categories has a bin for each, and
//! its cuts lie between the bins' numbers: see [`Categories`].
//!
//! Source: XGBoost 3.0 `src/common/quantile.{h,cc}`; ranks are exact here, where XGBoost sketches them.

use std::ops::Range;
use std::sync::Arc;

use crate::dataset::{CategoryNames, Dataset, FeaturesView};
use crate::params::MAX_BIN;
use crate::threads::Threads;

use super::categories::Categories;
use super::ranks::{Ranked, Ranks, n_distinct, thin, thin_keys};
use super::sort::{ordered, sort_by_key};
use super::{BinError, CODES};

/// The cut above every value. A split there sends what is present left and what is missing right.
pub const SENTINEL: f32 = f32::MAX;

/// The first thinning keeps this many values for each bin.
const SUMMARY_FACTOR: usize = 8;

/// The cuts of every feature.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramCuts {
    features: Vec<Vec<f32>>,
    /// By feature; empty where all are numbers.
    categories: Vec<Option<Categories>>,
    /// Features of numbers that have fewer bins than values, or may have; ascending.
    quantiles: Vec<u32>,
}

/// What a feature of numbers is cut by.
struct Cuts {
    cuts: Vec<f32>,
    /// Whether each of its values has a bin of its own.
    tells_all_apart: bool,
}

/// The values that cuts are made from: a table, or some rows of one.
#[derive(Debug)]
pub(super) struct RawRows<'a> {
    /// Rows, and what they hold.
    pub(super) chunks: Vec<(Range<usize>, FeaturesView<'a>)>,
    pub(super) n_rows: usize,
    pub(super) n_features: usize,
    /// `(n_rows,)`; `None` is 1 for every row.
    pub(super) weights: Option<&'a [f32]>,
    /// Whether these are all rows of the table. If not, a value may be missing in the others.
    pub(super) whole: bool,
    /// The features whose values are codes of categories.
    pub(super) categorical: &'a [u32],
    /// The names of their categories, where they have some.
    pub(super) names: &'a CategoryNames,
}

impl HistogramCuts {
    /// Cuts each feature into at most `max_bin` bins of about equal weight.
    ///
    /// A feature with no more distinct values than that has a bin for each. With `max_bin` 256 a feature with missing
    /// values has at most 255 bins, since a code is one byte: the two neighbours that are lightest together become one.
    /// Rows of weight 0 do not count.
    ///
    /// # Errors
    /// [`BinError::MaxBin`] if `max_bin` is not within 2 to 256.
    pub fn from_dataset(data: &Dataset, max_bin: u32, threads: &Threads) -> Result<Self, BinError> {
        Self::with_categories(data, max_bin, &[], threads)
    }

    /// As [`HistogramCuts::from_dataset`], where the values of the features `categorical` are codes of categories: each
    /// category has a bin, whatever `max_bin` is. Features that the table does not have are passed over.
    ///
    /// # Errors
    /// - [`BinError::MaxBin`] if `max_bin` is not within 2 to 256.
    /// - [`BinError::Category`] for the first value of such a feature that is no code.
    pub fn with_categories(
        data: &Dataset,
        max_bin: u32,
        categorical: &[u32],
        threads: &Threads,
    ) -> Result<Self, BinError> {
        data.check_categories(categorical)?;
        let views = data.chunks().iter();
        let rows = RawRows {
            chunks: views
                .map(|chunk| (chunk.rows.clone(), chunk.features.view()))
                .collect(),
            n_rows: data.n_rows(),
            n_features: data.n_features(),
            weights: data.weights(),
            whole: true,
            categorical,
            names: &CategoryNames::default(),
        };
        Self::of_rows(&rows, max_bin, threads)
    }

    /// As [`HistogramCuts::from_dataset`], but a feature has at most 255 bins if the rows are not all there are.
    pub(super) fn of_rows(
        data: &RawRows<'_>,
        max_bin: u32,
        threads: &Threads,
    ) -> Result<Self, BinError> {
        if !(2..=MAX_BIN).contains(&max_bin) {
            return Err(BinError::MaxBin { max_bin });
        }
        let sparse = SparseColumns::of(data);
        let is_categorical = |feature: usize| data.categorical.contains(&(feature as u32));
        let categories = if data.categorical.is_empty() {
            Vec::new()
        } else {
            threads.map((0..data.n_features).collect(), |feature| {
                let keys = || present(data, &sparse, feature, |key, _| key);
                let names = || data.names.of(feature as u32).cloned();
                is_categorical(feature).then(|| Categories::of_keys(keys(), names()))
            })
        };
        let features = threads.map((0..data.n_features).collect(), |feature| {
            if let Some(Some(categories)) = categories.get(feature) {
                Cuts {
                    cuts: categories.cuts(),
                    tells_all_apart: true,
                }
            } else if data.weights.is_some() {
                let entries = present(data, &sparse, feature, |key, row| (key, row));
                weighted_cuts(entries, data, max_bin as usize)
            } else {
                let keys = present(data, &sparse, feature, |key, _| key);
                unweighted_cuts(keys, data, max_bin as usize)
            }
        });
        let of_quantiles = |it: &(usize, &Cuts)| !it.1.tells_all_apart;
        let quantiles = features.iter().enumerate().filter(of_quantiles);
        Ok(Self {
            quantiles: quantiles.map(|(feature, _)| feature as u32).collect(),
            features: features.into_iter().map(|it| it.cuts).collect(),
            categories,
        })
    }

    /// The features of numbers whose bins hold several values each, or may, since the cuts come from a sample of the rows;
    /// ascending. The splits of all others are those that a search among all values finds.
    pub fn of_quantiles(&self) -> &[u32] {
        &self.quantiles
    }

    /// Columns.
    pub fn n_features(&self) -> usize {
        self.features.len()
    }

    /// The categories of a feature; `None` where its values are numbers.
    pub fn categories(&self, feature: usize) -> Option<&Categories> {
        self.categories.get(feature)?.as_ref()
    }

    /// The features whose values are codes of categories, ascending.
    pub fn categorical(&self) -> Vec<u32> {
        let features = self.categories.iter().enumerate();
        let features = features.filter(|(_, categories)| categories.is_some());
        features.map(|(feature, _)| feature as u32).collect()
    }

    /// The names of the categories, of the features whose categories have some.
    pub fn category_names(&self) -> CategoryNames {
        let features = self.categorical().into_iter();
        let names = features.filter_map(|it| Some((it, self.categories(it as usize)?.names()?)));
        names
            .map(|(feature, names)| (feature, Arc::clone(names)))
            .collect()
    }

    /// Features with more categories than have a bin each, and how many have none.
    pub fn grouped(&self) -> Vec<(u32, usize)> {
        let features = self.categorical().into_iter();
        let n_grouped = |feature: u32| self.categories(feature as usize).map(Categories::n_grouped);
        let grouped = features.filter_map(|it| Some((it, n_grouped(it)?)));
        grouped.filter(|&(_, n_grouped)| n_grouped > 0).collect()
    }

    /// The cuts of a feature, at least one; the last is [`SENTINEL`].
    pub fn cuts(&self, feature: usize) -> &[f32] {
        &self.features[feature]
    }

    /// The same, with columns to the right that have one bin each, until there are `n_features`.
    pub(super) fn widened(&self, n_features: usize) -> Self {
        let mut features = self.features.clone();
        features.resize(n_features.max(features.len()), vec![SENTINEL]);
        Self {
            features,
            categories: self.categories.clone(),
            quantiles: self.quantiles.clone(),
        }
    }

    /// Bins of a feature, and with that the code of a missing value.
    pub(crate) fn n_bins(&self, feature: usize) -> usize {
        self.features[feature].len()
    }
}

/// What `entry` makes of the values that a feature has, as `(ordered value, row)`.
fn present<T: Clone>(
    data: &RawRows<'_>,
    sparse: &SparseColumns,
    feature: usize,
    entry: impl Fn(u32, u32) -> T,
) -> Vec<T> {
    let listed = &sparse.entries[sparse.indptr[feature]..sparse.indptr[feature + 1]];
    let mut entries = Vec::with_capacity(listed.len() + sparse.n_dense_rows);
    for (rows, features) in &data.chunks {
        if let FeaturesView::Dense { n_features, values } = *features
            && feature < n_features
        {
            let n_rows = rows.len();
            let column = values[feature * n_rows..(feature + 1) * n_rows].iter();
            let present = column
                .zip(rows.clone())
                .filter(|(value, _)| !value.is_nan());
            entries.extend(present.map(|(&value, row)| entry(ordered(value), row as u32)));
        }
    }
    entries.extend(listed.iter().map(|&(key, row)| entry(key, row)));
    entries
}

fn unweighted_cuts(mut keys: Vec<u32>, data: &RawRows<'_>, n_bins: usize) -> Cuts {
    let most = codes_for_bins(keys.len(), data);
    sort_by_key(&mut keys, |key| key);
    let n_values = n_distinct(&keys, |&key| key);
    let summary = thin_keys(&keys, n_values, n_bins * SUMMARY_FACTOR);
    Cuts {
        cuts: choose(summary, n_bins, most),
        tells_all_apart: data.whole && n_values <= n_bins.min(most),
    }
}

fn weighted_cuts(mut entries: Vec<(u32, u32)>, data: &RawRows<'_>, n_bins: usize) -> Cuts {
    let most = codes_for_bins(entries.len(), data);
    let weight = |row: u32| data.weights.map_or(1.0, |it| f64::from(it[row as usize]));
    entries.retain(|&(_, row)| weight(row) > 0.0);
    sort_by_key(&mut entries, |(key, _)| key);
    let ranks = Ranks::of(&entries, |&(key, row)| (key, weight(row)));
    let n_values = n_distinct(&entries, |&(key, _)| key);
    Cuts {
        cuts: choose(thin(ranks, n_bins * SUMMARY_FACTOR), n_bins, most),
        tells_all_apart: data.whole && n_values <= n_bins.min(most),
    }
}

/// The codes that are left for bins: one less where some rows miss the feature, or may.
fn codes_for_bins(n_present: usize, data: &RawRows<'_>) -> usize {
    CODES - usize::from(n_present < data.n_rows || !data.whole)
}

/// The cuts between `n_bins` bins: every distinct value but the smallest if there are no more than that, else values at
/// evenly spaced ranks; and the [`SENTINEL`]. Where that makes one bin more than `most`, one cut is left out.
fn choose(summary: Vec<Ranked>, n_bins: usize, most: usize) -> Vec<f32> {
    // XGBoost thins its summary twice. So do we, since the values that are left differ a little from those that one pass
    // would leave, and with them every model. For the same reason `most` does not shift all cuts.
    let mut chosen = thin(summary.into_iter(), n_bins + 1);
    if chosen.len().min(n_bins) > most {
        // The weight on both sides of a cut.
        let two_bins = |&cut: &usize| {
            let next = chosen.get(cut + 1);
            next.map_or(chosen[cut].through, |next| next.below) - chosen[cut - 1].below
        };
        let lightest =
            (1..n_bins.min(chosen.len())).min_by(|a, b| f64::total_cmp(&two_bins(a), &two_bins(b)));
        chosen.truncate(n_bins);
        if let Some(cut) = lightest {
            chosen.remove(cut);
        }
    }
    let inner = chosen.iter().take(n_bins).skip(1);
    inner.map(|ranked| ranked.value).chain([SENTINEL]).collect()
}

/// The entries of all sparse tiles by feature: `(ordered value, row)`.
struct SparseColumns {
    n_dense_rows: usize,
    indptr: Vec<usize>,
    entries: Vec<(u32, u32)>,
}

impl SparseColumns {
    fn of(data: &RawRows<'_>) -> Self {
        let mut n_dense_rows = 0;
        let mut indptr = vec![0; data.n_features + 1];
        for (rows, features) in &data.chunks {
            match features {
                FeaturesView::Dense { .. } => n_dense_rows += rows.len(),
                FeaturesView::Csr {
                    indices, values, ..
                } => {
                    let present = indices
                        .iter()
                        .zip(*values)
                        .filter(|(_, value)| !value.is_nan());
                    present.for_each(|(&feature, _)| indptr[feature as usize + 1] += 1);
                }
            }
        }
        for feature in 0..data.n_features {
            indptr[feature + 1] += indptr[feature];
        }
        let mut next = indptr.clone();
        let mut entries = vec![(0, 0); indptr[data.n_features]];
        for (rows, features) in &data.chunks {
            let FeaturesView::Csr {
                indptr,
                indices,
                values,
            } = *features
            else {
                continue;
            };
            for (bounds, row) in indptr.windows(2).zip(rows.clone()) {
                for entry in (bounds[0]..bounds[1]).filter(|&entry| !values[entry].is_nan()) {
                    let slot = &mut next[indices[entry] as usize];
                    entries[*slot] = (ordered(values[entry]), row as u32);
                    *slot += 1;
                }
            }
        }
        Self {
            n_dense_rows,
            indptr,
            entries,
        }
    }
}
