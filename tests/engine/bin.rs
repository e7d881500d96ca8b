//! Cuts and codes: quantiles, the byte that missing values take, and that lists and rows give the same booster.

use std::sync::Arc;

use engine::bin::{BinError, HistogramCuts, SENTINEL};
use engine::dataset::{Dataset, Origin, SideColumns, Tile, TileFeatures};
use engine::objective::ObjectiveName;
use engine::params::BoosterParams;
use engine::threads::Threads;

use crate::table::{Numbers, Shape, binned, fit};

fn cuts(column: &[f32], weights: Option<Vec<f32>>, max_bin: u32) -> Vec<f32> {
    let mut data =
        Dataset::from_rows(1, column, &vec![0.0; column.len()]).expect("the table is sound");
    if let Some(weights) = weights {
        data = data.with_weights(weights).expect("the table is sound");
    }
    HistogramCuts::from_dataset(&data, max_bin, &Threads::single())
        .expect("the table is sound")
        .cuts(0)
        .to_vec()
}

#[test]
fn few_distinct_values_are_all_cuts_but_the_smallest() {
    assert_eq!(
        cuts(&[3.0, -1.0, 3.0, 0.0, -0.0, f32::NAN], None, 256),
        [0.0, 3.0, SENTINEL]
    );
}

#[test]
fn a_column_without_values_or_with_one_has_one_bin() {
    assert_eq!(cuts(&[f32::NAN, f32::NAN], None, 256), [SENTINEL]);
    assert_eq!(cuts(&[5.0, 5.0], None, 256), [SENTINEL]);
}

#[test]
fn missing_values_take_one_of_256_codes() {
    let mut column: Vec<f32> = (0..256_u16).map(f32::from).collect();
    assert_eq!(cuts(&column, None, 256).len(), 256);
    column.push(f32::NAN);
    assert!(cuts(&column, None, 256).len() <= 255);
    assert_eq!(cuts(&column, None, 100).len(), 100);
}

#[test]
fn the_code_of_missing_values_costs_one_cut_and_moves_none() {
    let mut column: Vec<f32> = (0..10_000_u16).map(f32::from).collect();
    let complete = cuts(&column, None, 256);
    column.push(f32::NAN);
    let with_missing = cuts(&column, None, 256);
    assert_eq!((complete.len(), with_missing.len()), (256, 255));
    assert!(with_missing.iter().all(|cut| complete.contains(cut)));
}

#[test]
fn the_cut_that_is_left_out_lies_between_the_lightest_neighbours() {
    let mut column: Vec<f32> = (0..256_u16).map(f32::from).collect();
    let mut weights = vec![2.0; 257];
    (weights[100], weights[101]) = (1.0, 1.0);
    column.push(f32::NAN);
    let cuts = cuts(&column, Some(weights), 256);
    assert_eq!(cuts.len(), 255);
    assert!(!cuts.contains(&101.0), "100 and 101 share a bin");
    assert!(cuts.contains(&100.0) && cuts.contains(&102.0));
}

#[test]
fn many_values_are_cut_at_even_ranks_of_the_data() {
    let column: Vec<f32> = (0..10_000_u16).map(|x| f32::from(x) * 0.5).collect();
    let cuts = cuts(&column, None, 10);
    assert_eq!(cuts.len(), 10);
    for (step, cut) in cuts[..9].iter().enumerate() {
        assert!(column.contains(cut));
        let expected = (step as f32 + 1.0) * 500.0;
        // The summary keeps eight values a bin, so a cut is at most an eighth of a bin off.
        assert!((cut - expected).abs() <= 62.5, "{cut} for {expected}");
    }
}

#[test]
fn weights_move_the_cuts_and_weight_0_makes_none() {
    let column: Vec<f32> = (0..1000_u16).map(f32::from).collect();
    let weights: Vec<f32> = (0..1000)
        .map(|row| if row < 100 { 9.0 } else { 1.0 })
        .collect();
    let median = cuts(&column, Some(weights), 2)[0];
    // Half the weight of 1800 is that of the first 100 values; an eighth of a bin is 112.5, or 12.5 values of weight 9.
    assert!((median - 100.0).abs() <= 12.5, "{median}");
    assert_eq!(
        cuts(&[1.0, 2.0, 3.0], Some(vec![1.0, 0.0, 1.0]), 256),
        [3.0, SENTINEL]
    );
}

#[test]
fn refuses_max_bin_out_of_range() {
    let data = Dataset::from_rows(1, &[1.0], &[0.0]).unwrap();
    for max_bin in [0, 1, 257] {
        let refused = HistogramCuts::from_dataset(&data, max_bin, &Threads::single());
        assert_eq!(refused.unwrap_err(), BinError::MaxBin { max_bin });
    }
}

#[test]
fn refuses_a_table_with_other_columns_than_the_cuts() {
    let threads = Threads::single();
    let narrow = Dataset::from_rows(1, &[1.0], &[0.0]).unwrap();
    let cuts = Arc::new(HistogramCuts::from_dataset(&narrow, 256, &threads).unwrap());
    let mut wide = Dataset::from_rows(2, &[1.0, 2.0], &[0.0]).unwrap();
    assert_eq!(
        wide.clone().bin(&cuts, &threads).unwrap_err(),
        BinError::Columns {
            found: 2,
            expected: 1
        }
    );
    wide.widen(1);
    assert_eq!(wide.n_features(), 2);
}

/// The same random cells, four fifths of them missing, by column or as lists; `wide` columns without a value follow.
fn table(as_lists: bool, wide: usize) -> Dataset {
    let (n_rows, n_features) = (3000, 12);
    let mut numbers = Numbers::new(77);
    let cells: Vec<f32> = (0..n_rows * n_features)
        .map(|_| {
            if numbers.unit() < 0.8 {
                f32::NAN
            } else {
                numbers.below(300) as f32 / 16.0
            }
        })
        .collect();
    let labels: Vec<f32> = cells
        .chunks(n_features)
        .map(|row| row.iter().filter(|x| **x > 9.0).count() as f32)
        .collect();
    let features = if as_lists {
        let mut lists = (vec![0], Vec::new(), Vec::new());
        for row in cells.chunks(n_features) {
            for (feature, &value) in row.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
                lists.1.push(feature as u32);
                lists.2.push(value);
            }
            lists.0.push(lists.1.len());
        }
        TileFeatures::Csr {
            indptr: lists.0,
            indices: lists.1,
            values: lists.2,
        }
    } else {
        let by_column = (0..n_features)
            .flat_map(|feature| cells.iter().skip(feature).step_by(n_features).copied());
        TileFeatures::Dense {
            n_features,
            values: by_column.collect(),
        }
    };
    let mut builder = Dataset::builder();
    let origin = Origin {
        object: "a".into(),
        first_row: 0,
    };
    builder
        .push(Tile {
            features,
            labels,
            weights: None,
            side: SideColumns::default(),
            words: Vec::new(),
            origin,
        })
        .expect("the table is sound");
    let mut data = builder.finish().expect("the table is sound");
    data.widen(n_features + wide);
    data
}

#[test]
fn lists_and_rows_of_the_same_cells_give_the_same_booster() {
    let params = BoosterParams::default()
        .num_round(4)
        .subsample(0.8)
        .colsample_bytree(0.7)
        .seed(3);
    for params in [
        params.clone(),
        params.colsample_bytree(1.0).nthread(Some(2)),
    ] {
        assert_eq!(
            fit(&params, &binned(table(true, 0), 256), None)
                .booster
                .trees,
            fit(&params, &binned(table(false, 0), 256), None)
                .booster
                .trees
        );
    }
}

#[test]
fn sparse_and_dense_storage_give_the_same_booster() {
    // A fifth of the cells is kept as lists; seven of ten columns more, all full, make the same table dense.
    let params = BoosterParams::default().num_round(4).nthread(Some(2));
    let filled = |n_full: usize| {
        let sparse = table(false, 0);
        let width = 12 + n_full;
        let mut cells = Vec::new();
        for row in 0..sparse.n_rows() {
            cells.extend((0..12).map(|feature| sparse.value(row, feature)));
            cells.extend(std::iter::repeat_n(1.0, n_full));
        }
        Dataset::from_rows(width, &cells, sparse.labels()).unwrap()
    };
    // Constant columns are never split on, so the trees are the same; only the storage differs.
    let lists = fit(&params, &binned(filled(0), 256), None).booster.trees;
    let rows = fit(&params, &binned(filled(8), 256), None).booster.trees;
    assert_eq!(lists, rows);
}

#[test]
fn a_validation_set_may_miss_what_training_always_had() {
    let threads = Threads::single();
    let mut column: Vec<f32> = (0..600_u16).map(f32::from).collect();
    let labels: Vec<f32> = column.iter().map(|x| x / 100.0).collect();
    let train = Dataset::from_rows(1, &column, &labels).unwrap();
    let cuts = Arc::new(HistogramCuts::from_dataset(&train, 256, &threads).unwrap());
    assert_eq!(cuts.cuts(0).len(), 256);
    column[7] = f32::NAN;
    column[8] = 1e30;
    let validation = Dataset::from_rows(1, &column, &labels).unwrap();
    let (train, binned) = (
        train.bin(&cuts, &threads).unwrap(),
        validation.clone().bin(&cuts, &threads).unwrap(),
    );
    let trained = fit(
        &BoosterParams::default().num_round(3),
        &train,
        Some(&binned),
    );
    let predictions = trained.booster.predict(&validation, &threads).unwrap();
    let expected = engine::metric::Metric::Rmse.evaluate(&predictions, &labels, None);
    assert_eq!(trained.history[2][1].value, expected);
}

#[test]
fn codes_and_values_lead_to_the_same_leaves() {
    let threads = Threads::single();
    for missing in [0.0, 0.3, 0.9] {
        let shape = Shape {
            n_rows: 3000,
            n_features: 6,
            missing,
            weighted: false,
        };
        let train = shape.table(ObjectiveName::BinaryLogistic, 1);
        let validation = shape.table(ObjectiveName::BinaryLogistic, 2);
        let cuts = Arc::new(HistogramCuts::from_dataset(&train, 32, &threads).unwrap());
        let binned = |data: &Dataset| data.clone().bin(&cuts, &threads).unwrap();
        let params = BoosterParams::default()
            .objective(ObjectiveName::BinaryLogistic)
            .num_round(5)
            .subsample(0.6);
        let trained = fit(&params, &binned(&train), Some(&binned(&validation)));
        for (idx, data) in [&train, &validation].into_iter().enumerate() {
            let predictions = trained.booster.predict(data, &threads).unwrap();
            let expected =
                engine::metric::Metric::Logloss.evaluate(&predictions, data.labels(), None);
            assert_eq!(
                trained.history[4][idx].value, expected,
                "missing {missing}, set {idx}"
            );
        }
    }
}
