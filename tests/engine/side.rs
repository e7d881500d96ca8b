//! Columns beside the features: what they must be, where they lead, and that they stay with their rows.

use std::sync::Arc;

use engine::bin::{BinnedDataset, HistogramCuts};
use engine::booster::TrainError;
use engine::dataset::{
    Dataset, DatasetError, FoldPlan, Origin, Part, PartsBuilder, SideColumn, SideColumns, Strata,
    Tile, TileFeatures,
};
use engine::model::{ModelFormat, save};
use engine::objective::ObjectiveName;
use engine::params::BoosterParams;
use engine::threads::Threads;

use crate::table::{Shape, binned, fit};

fn table(n_rows: usize, objective: ObjectiveName) -> Dataset {
    let shape = Shape {
        n_rows,
        n_features: 6,
        missing: 0.1,
        weighted: true,
    };
    shape.table(objective, 5)
}

fn exposures(n_rows: usize) -> Vec<f32> {
    (0..n_rows).map(|row| 0.5 + (row % 7) as f32).collect()
}

fn with_exposure(data: Dataset) -> Dataset {
    let side = SideColumns {
        exposure: Some(exposures(data.n_rows())),
        ..SideColumns::default()
    };
    data.with_side_columns(side).expect("exposures are above 0")
}

#[test]
fn an_exposure_trains_the_same_bytes_on_any_threads() {
    let data = binned(
        with_exposure(table(20_000, ObjectiveName::CountPoisson)),
        64,
    );
    let params = BoosterParams::default()
        .objective(ObjectiveName::CountPoisson)
        .num_round(4)
        .subsample(0.8);
    let runs = [1, 2, 3, 8].map(|n_threads| {
        let trained = fit(&params.clone().nthread(Some(n_threads)), &data, Some(&data));
        (save(&trained.booster, ModelFormat::Ubj), trained.history)
    });
    for run in &runs[1..] {
        assert_eq!(*run, runs[0]);
    }
}

#[test]
fn a_constant_exposure_scales_the_rate_and_nothing_else() {
    let data = table(3000, ObjectiveName::CountPoisson);
    let side = SideColumns {
        exposure: Some(vec![4.0; 3000]),
        ..SideColumns::default()
    };
    let params = BoosterParams::default()
        .objective(ObjectiveName::CountPoisson)
        .num_round(5);
    let plain = fit(&params, &binned(data.clone(), 256), None).booster;
    let exposed = data.clone().with_side_columns(side).unwrap();
    let scaled = fit(&params, &binned(exposed.clone(), 256), None).booster;
    assert!((scaled.base_score * 4.0 - plain.base_score).abs() < 1e-5);
    let threads = Threads::single();
    let expected = plain.predict(&data, &threads).unwrap();
    let found = scaled.predict(&exposed, &threads).unwrap();
    for (found, expected) in found.iter().zip(&expected) {
        assert!(
            (found - expected).abs() < 1e-3 * expected,
            "{found} {expected}"
        );
    }
}

#[test]
fn an_exposure_needs_a_rate() {
    let data = binned(with_exposure(table(50, ObjectiveName::RegSquaredError)), 16);
    let params = BoosterParams::default().num_round(1);
    let params = linfa::ParamGuard::check_ref(&params).unwrap();
    let named = engine::booster::NamedData {
        name: "train",
        data: &data,
    };
    let mut to_the_end = |_: &engine::booster::RoundReport<'_>| std::ops::ControlFlow::Continue(());
    let refused = engine::booster::train(params, &named, &[], None, &mut to_the_end);
    let Err(err @ TrainError::Exposure { .. }) = refused else {
        panic!("exposures are refused");
    };
    assert!(
        err.to_string()
            .ends_with("allowed are count:poisson, reg:gamma, reg:tweedie"),
        "{err}"
    );
}

#[test]
fn values_that_are_not_allowed_are_refused_with_their_row() {
    let data = || Dataset::from_rows(1, &[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]).unwrap();
    let refused = |side: SideColumns| data().with_side_columns(side).unwrap_err().to_string();
    let exposure = |values: [f32; 3]| SideColumns {
        exposure: Some(values.to_vec()),
        ..SideColumns::default()
    };
    for (value, shown) in [
        (0.0, "0"),
        (-1.0, "-1"),
        (f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
    ] {
        assert_eq!(
            refused(exposure([1.0, value, 1.0])),
            format!("`memory` row 1: exposure `{shown}`, allowed is a finite number above 0")
        );
    }
    let bounds = SideColumns {
        label_upper_bound: Some(vec![f32::INFINITY, 2.0, 2.5]),
        ..SideColumns::default()
    };
    assert_eq!(
        refused(bounds),
        "`memory` row 2: upper bound of the label `2.5`, allowed is a number not below the label, or `inf`"
    );
    let margin = SideColumns {
        base_margin: Some(vec![0.0, f32::NAN, 0.0, 0.0, 0.0, 0.0]),
        ..SideColumns::default()
    };
    assert!(refused(margin).starts_with("`memory` row 0: base margin `NaN`"));
    let short = SideColumns {
        query_ids: Some(vec![1, 2]),
        ..SideColumns::default()
    };
    assert!(matches!(
        data().with_side_columns(short),
        Err(DatasetError::Shape {
            found: 2,
            expected: 3,
            ..
        })
    ));
    let split = SideColumns {
        query_ids: Some(vec![1, 2, 1]),
        ..SideColumns::default()
    };
    assert!(matches!(
        data().with_side_columns(split),
        Err(DatasetError::SplitQuery { row: 2, id: 1, .. })
    ));
}

#[test]
fn there_is_an_upper_bound_for_each_label_and_it_may_be_infinite() {
    let data = || Dataset::from_rows(1, &[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]).unwrap();
    let bounds = SideColumns {
        label_upper_bound: Some(vec![f32::INFINITY]),
        ..SideColumns::default()
    };
    assert!(matches!(
        data().with_side_columns(bounds),
        Err(DatasetError::Shape {
            found: 1,
            expected: 3,
            ..
        })
    ));
    let bounds = SideColumns {
        label_upper_bound: Some(vec![1.0, f32::INFINITY, 3.5]),
        ..SideColumns::default()
    };
    let bounded = data().with_side_columns(bounds).unwrap();
    assert_eq!(
        bounded.label_upper_bound().unwrap(),
        [1.0, f32::INFINITY, 3.5]
    );
}

#[test]
fn queries_go_on_from_tile_to_tile_and_end_where_they_end() {
    let tile = |ids: Option<&[u64]>, first_row: u64| Tile {
        features: TileFeatures::Dense {
            n_features: 1,
            values: vec![0.0; ids.map_or(1, <[u64]>::len)],
        },
        labels: vec![0.0; ids.map_or(1, <[u64]>::len)],
        weights: None,
        side: SideColumns {
            query_ids: ids.map(<[u64]>::to_vec),
            ..SideColumns::default()
        },
        words: Vec::new(),
        origin: Origin {
            object: "a".into(),
            first_row,
        },
    };
    let part = |number, ids: &[u64]| Part {
        number,
        tiles: vec![tile(Some(ids), 0)],
    };
    let mut parts = PartsBuilder::default();
    parts.push(part(0, &[4, 4])).unwrap();
    parts.push(part(1, &[4, 9, 2])).unwrap();
    let refused = parts.clone().push(part(2, &[2, 9])).unwrap_err();
    assert!(matches!(
        refused,
        DatasetError::SplitQuery { row: 6, id: 9, .. }
    ));
    let data = parts.finish().unwrap();
    assert_eq!(data.group_ptr(), Some([0, 3, 4, 5].as_slice()));

    let mut builder = Dataset::builder();
    builder.push(tile(Some(&[1]), 0)).unwrap();
    assert!(matches!(
        builder.push(tile(None, 1)),
        Err(DatasetError::MixedSide {
            column: SideColumn::QueryId,
            ..
        })
    ));

    // What was refused has left nothing behind that rows without queries could not follow.
    let mut builder = Dataset::builder();
    assert!(matches!(
        builder.push(tile(Some(&[1, 2, 1]), 0)),
        Err(DatasetError::SplitQuery { row: 2, id: 1, .. })
    ));
    builder.push(tile(None, 0)).unwrap();
    assert_eq!(builder.finish().unwrap().group_ptr(), None);
}

/// The rows of a table in bins, as stand-ins would be predicted.
fn check_selection(data: &Dataset, n_threads: usize) {
    let threads = Threads::new(Some(n_threads)).expect("the table is sound");
    let cuts =
        Arc::new(HistogramCuts::from_dataset(data, 32, &threads).expect("the table is sound"));
    let whole: BinnedDataset = data
        .clone()
        .bin(&cuts, &threads)
        .expect("the table is sound");
    let rows: Vec<u32> = (0..data.n_rows() as u32)
        .filter(|row| row % 3 != 1)
        .collect();
    let selected = whole.select(&rows, &threads);
    let params = BoosterParams::default()
        .objective(ObjectiveName::CountPoisson)
        .num_round(3);
    let booster = fit(&params, &whole, None).booster;
    let of_values = booster
        .predict_margin(data, &threads)
        .expect("the table is sound");
    assert_eq!(
        booster
            .predict_margin_binned(&whole, &threads)
            .expect("the table is sound"),
        of_values
    );
    let of_selected = booster
        .predict_margin_binned(&selected, &threads)
        .expect("the table is sound");
    for (&row, margin) in rows.iter().zip(&of_selected) {
        assert_eq!(*margin, of_values[row as usize]);
    }
    for (at, &row) in rows.iter().enumerate() {
        assert_eq!(selected.labels()[at], data.labels()[row as usize]);
        assert_eq!(
            selected.exposure().map(|it| it[at]),
            data.exposure().map(|it| it[row as usize])
        );
    }
}

#[test]
fn selected_rows_are_predicted_as_their_values_are() {
    let dense = with_exposure(table(9000, ObjectiveName::CountPoisson));
    let sparse = Shape {
        n_rows: 5000,
        n_features: 40,
        missing: 0.95,
        weighted: false,
    };
    let sparse = with_exposure(sparse.table(ObjectiveName::CountPoisson, 3));
    for n_threads in [1, 3] {
        check_selection(&dense, n_threads);
        check_selection(&sparse, n_threads);
    }
}

#[test]
fn a_selection_of_whole_queries_has_those_queries() {
    let ids: Vec<u64> = (0..60).map(|row| row / 5).collect();
    let side = SideColumns {
        query_ids: Some(ids),
        ..SideColumns::default()
    };
    let data = table(60, ObjectiveName::RegSquaredError)
        .with_side_columns(side)
        .unwrap();
    let data = binned(data, 16);
    let plan = FoldPlan {
        n_folds: 3,
        n_repeats: 1,
        seed: 0,
        strata: Strata::None,
    };
    for fold in plan.folds(data.labels(), data.group_ptr()).unwrap() {
        let held_out = data.select(&fold.held_out, &Threads::single());
        assert_eq!(held_out.group_ptr(), Some([0, 5, 10, 15, 20].as_slice()));
        let train = data.select(&fold.train, &Threads::single());
        assert_eq!(train.group_ptr().map(<[usize]>::len), Some(9));
    }
}
