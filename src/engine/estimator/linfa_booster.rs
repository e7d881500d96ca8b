//! linfa's traits: [`Fit`] and [`FitWith`] on the parameters, [`PredictInplace`] on the booster.
//!
//! Invariant: a fit through linfa and one through [`booster::train`] give the same bytes.
//!
//! [`Booster::predict`] is this crate's own and takes a table; linfa's is called by its trait's name:
//!
//! ```
//! use engine::booster::Booster;
//! use linfa::prelude::*;
//! use ndarray::{Array1, Array2};
//!
//! let x = Array2::from_shape_fn((100, 3), |(row, column)| (row * (column + 2) % 17) as f32);
//! let y = x.column(0).mapv(|it| if it > 8.0 { 3.0_f32 } else { 1.0 });
//! let data = Dataset::new(x, y);
//!
//! let params = Booster::params().num_round(5).max_depth(2);
//! let booster = params.fit(&data)?;
//! assert_eq!(booster.n_rounds(), 5);
//!
//! // Five more rounds on top of it.
//! let booster = params.fit_with(Some(booster), &data)?;
//! assert_eq!(booster.n_rounds(), 10);
//!
//! let predicted: Array1<f32> = Predict::predict(&booster, &data);
//! assert!(predicted.iter().zip(data.targets()).all(|(a, b)| (a - b).abs() < 0.1));
//! # Ok::<_, engine::estimator::FitError>(())
//! ```

use std::ops::ControlFlow;
use std::sync::Arc;

use linfa::dataset::{AsSingleTargets, DatasetBase};
use linfa::traits::{Fit, FitWith, PredictInplace};
use ndarray::{Array1, Array2, ArrayBase, Axis, Data, Ix2};

use crate::bin::{BinError, HistogramCuts};
use crate::booster::{
    self, Booster, Monitor, NamedColumns, NamedData, PredictError, RoundReport, TrainError,
};
use crate::dataset::{Dataset, DatasetError, Origin, SideColumns, TILE_ROWS, Tile, TileFeatures};
use crate::params::{BoosterName, BoosterValidParams, ParamError};
use crate::threads::{Threads, ThreadsError};

use super::Target;

/// Why a linfa dataset gave no booster.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// A parameter is out of its range.
    #[error(transparent)]
    Params(#[from] ParamError),
    /// A record, target or weight is not allowed. Rows are counted in the object `records`.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The records cannot be binned.
    #[error(transparent)]
    Bin(#[from] BinError),
    /// The booster to continue from does not fit the records.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// Training did not start, or could not go on.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// No threads.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// linfa's own.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}

/// Fits a booster to records `(n_rows, n_features)`, of which NaN is missing, and one target a row.
///
/// The dataset's weights and feature names are heeded where it has any.
///
/// # Errors
/// [`FitError`] if the table, a label or a weight is not allowed, or training fails.
impl<F, D, T> Fit<ArrayBase<D, Ix2>, T, FitError> for BoosterValidParams
where
    F: linfa::Float,
    D: Data<Elem = F>,
    T: AsSingleTargets<Elem: Target>,
{
    type Object = Booster;

    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Booster, FitError> {
        fit(self, None, dataset)
    }
}

/// Adds `num_round` rounds to a booster, or fits one where there is none.
///
/// # Errors
/// [`FitError`] as for [`Fit`], and if the booster was trained with another objective or on other columns.
impl<'a, F, D, T> FitWith<'a, ArrayBase<D, Ix2>, T, FitError> for BoosterValidParams
where
    F: linfa::Float,
    D: Data<Elem = F>,
    T: AsSingleTargets<Elem: Target>,
{
    type ObjectIn = Option<Booster>;
    type ObjectOut = Booster;

    fn fit_with(
        &self,
        model: Option<Booster>,
        dataset: &'a DatasetBase<ArrayBase<D, Ix2>, T>,
    ) -> Result<Booster, FitError> {
        fit(self, model.as_ref(), dataset)
    }
}

/// One target a row: the prediction, or the class that it means.
impl<F, D, L> PredictInplace<ArrayBase<D, Ix2>, Array1<L>> for Booster
where
    F: linfa::Float,
    D: Data<Elem = F>,
    L: Target + Default,
{
    /// # Panics
    /// If `targets` is not `(n_rows,)`, or the records have other columns than the booster, or are infinite.
    fn predict_inplace(&self, records: &ArrayBase<D, Ix2>, targets: &mut Array1<L>) {
        assert_eq!(targets.len(), records.nrows(), "one target for each record");
        let predictions = predictions(self, records);
        let rows = predictions.chunks_exact(self.objective.n_outputs());
        for (target, row) in targets.iter_mut().zip(rows) {
            *target = L::from_prediction(row);
        }
    }

    fn default_target(&self, records: &ArrayBase<D, Ix2>) -> Array1<L> {
        Array1::default(records.nrows())
    }
}

/// All outputs of a row: for `multi:softprob`, each class's probability.
impl<F, D> PredictInplace<ArrayBase<D, Ix2>, Array2<f32>> for Booster
where
    F: linfa::Float,
    D: Data<Elem = F>,
{
    /// # Panics
    /// If `targets` is not `(n_rows, n_outputs)`, or the records have other columns than the booster, or are infinite.
    fn predict_inplace(&self, records: &ArrayBase<D, Ix2>, targets: &mut Array2<f32>) {
        let shape = (records.nrows(), self.objective.n_outputs());
        assert_eq!(
            targets.dim(),
            shape,
            "the targets must be (n_rows, n_outputs)"
        );
        let predictions = predictions(self, records);
        targets
            .iter_mut()
            .zip(predictions)
            .for_each(|(target, it)| *target = it);
    }

    fn default_target(&self, records: &ArrayBase<D, Ix2>) -> Array2<f32> {
        Array2::default((records.nrows(), self.objective.n_outputs()))
    }
}

/// linfa's prediction cannot fail, so what would be an error panics.
fn predictions<F: linfa::Float>(
    booster: &Booster,
    records: &ArrayBase<impl Data<Elem = F>, Ix2>,
) -> Vec<f32> {
    if records.nrows() == 0 {
        return Vec::new();
    }
    let threads = Threads::new(None).unwrap_or_else(|_| Threads::single());
    let found = table(records, |_| 0.0)
        .map_err(FitError::from)
        .and_then(|data| Ok(booster.predict(&data, &threads)?));
    found.unwrap_or_else(|err| panic!("{err}"))
}

fn fit<F, D, T>(
    params: &BoosterValidParams,
    start: Option<&Booster>,
    dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
) -> Result<Booster, FitError>
where
    F: linfa::Float,
    D: Data<Elem = F>,
    T: AsSingleTargets<Elem: Target>,
{
    let targets = dataset.targets.as_single_targets();
    if targets.len() != dataset.records.nrows() {
        let (expected, actual) = (dataset.records.nrows(), targets.len());
        return Err(linfa::Error::MismatchedShapes(expected, actual).into());
    }
    let mut data = table(&dataset.records, |row| targets[row].to_label())?;
    if !dataset.weights.is_empty() {
        data = data.with_weights(dataset.weights.to_vec())?;
    }
    let mut to_the_end = |_: &RoundReport<'_>| ControlFlow::Continue(());
    let mut booster = if params.booster() == BoosterName::GbLinear {
        let named = NamedColumns {
            name: "train",
            data: &data.into(),
        };
        booster::train_linear(params, &named, &[], start, &mut to_the_end)?.booster
    } else {
        fit_trees(params, start, data, &mut to_the_end)?
    };
    if booster.feature_names.is_empty() && dataset.feature_names().len() == booster.n_features() {
        booster.feature_names = dataset.feature_names().to_vec();
    }
    Ok(booster)
}

/// Fits trees, on bins.
fn fit_trees(
    params: &BoosterValidParams,
    start: Option<&Booster>,
    data: Dataset,
    monitor: &mut dyn Monitor,
) -> Result<Booster, FitError> {
    let threads = Threads::new(params.nthread())?;
    let leaves = start
        .filter(|_| params.booster() == BoosterName::Dart)
        .map(|it| it.predict_leaf(&data, &threads))
        .transpose()?;
    let margin = start
        .filter(|_| params.booster() == BoosterName::GbTree)
        .map(|it| it.predict_margin(&data, &threads))
        .transpose()?;
    let categorical = params.categorical_features();
    let cuts = HistogramCuts::with_categories(&data, params.max_bin(), categorical, &threads)?;
    let mut binned = data.bin(&Arc::new(cuts), &threads)?;
    if let Some(margin) = margin {
        binned = binned.with_base_margin(margin)?;
    }
    if let Some(leaves) = leaves.filter(|it| !it.is_empty()) {
        binned = binned.with_start_leaves(leaves)?;
    }
    let named = NamedData {
        name: "train",
        data: &binned,
    };
    Ok(booster::train(params, &named, &[], start, monitor)?.booster)
}

/// A table of the records, tile by tile.
fn table<F: linfa::Float>(
    records: &ArrayBase<impl Data<Elem = F>, Ix2>,
    label: impl Fn(usize) -> f32,
) -> Result<Dataset, DatasetError> {
    let object: Arc<str> = Arc::from("records");
    let mut builder = Dataset::builder();
    let mut first_row = 0;
    for tile in records.axis_chunks_iter(Axis(0), TILE_ROWS) {
        let n_rows = tile.nrows();
        let columns = tile.columns();
        let values = columns.into_iter().flatten();
        // A value beyond f32 becomes infinite, and is then refused with its place.
        let values = values.map(|it| it.to_f32().unwrap_or(f32::NAN)).collect();
        builder.push(Tile {
            features: TileFeatures::Dense {
                n_features: records.ncols(),
                values,
            },
            labels: (first_row..first_row + n_rows).map(&label).collect(),
            weights: None,
            side: SideColumns::default(),
            words: Vec::new(),
            origin: Origin {
                object: Arc::clone(&object),
                first_row: first_row as u64,
            },
        })?;
        first_row += n_rows;
    }
    builder.finish()
}
