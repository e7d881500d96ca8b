//! Binning while reading: the same table as in memory, in any order of parts, on any number of threads.

use std::sync::Arc;

use engine::bin::{BinnedDataset, Ingest, Sample};
use engine::dataset::{Dataset, DatasetError, Origin, Part, SideColumns, Tile, TileFeatures};
use engine::objective::ObjectiveName;
use engine::params::BoosterParams;
use engine::threads::Threads;

use crate::table::{Shape, binned, fit};

const SHAPE: Shape = Shape {
    n_rows: 1000,
    n_features: 5,
    missing: 0.1,
    weighted: true,
};

fn table() -> Dataset {
    SHAPE.table(ObjectiveName::RegSquaredError, 11)
}

/// The rows of a table in parts of one or two tiles, as columns or as lists.
fn parts(data: &Dataset, as_lists: bool) -> Vec<Part> {
    let rows: Vec<usize> = (0..data.n_rows()).collect();
    let tile = |part: &[usize], rows: &[usize]| Tile {
        features: features(data, rows, as_lists),
        labels: rows.iter().map(|&row| data.labels()[row]).collect(),
        weights: data
            .weights()
            .map(|it| rows.iter().map(|&row| it[row]).collect()),
        side: SideColumns::default(),
        words: Vec::new(),
        origin: Origin {
            object: "train/a.csv".into(),
            first_row: (rows[0] - part[0]) as u64,
        },
    };
    let parts = rows.chunks(90).enumerate();
    parts
        .map(|(number, part)| Part {
            number,
            tiles: part
                .chunks(60 + number)
                .map(|rows| tile(part, rows))
                .collect(),
        })
        .collect()
}

fn features(data: &Dataset, rows: &[usize], as_lists: bool) -> TileFeatures {
    let n_features = data.n_features();
    if !as_lists {
        let columns = 0..n_features;
        let values =
            columns.flat_map(|feature| rows.iter().map(move |&row| data.value(row, feature)));
        return TileFeatures::Dense {
            n_features,
            values: values.collect(),
        };
    }
    let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
    for &row in rows {
        for feature in 0..n_features {
            let value = data.value(row, feature);
            if !value.is_nan() {
                indices.push(feature as u32);
                values.push(value);
            }
        }
        indptr.push(indices.len());
    }
    TileFeatures::Csr {
        indptr,
        indices,
        values,
    }
}

/// Reads parts in batches, with a sample of `budget` values.
fn read(parts: Vec<Part>, budget: usize, threads: &Threads) -> Result<BinnedDataset, DatasetError> {
    let mut sample = Sample::new(budget);
    let mut parts = parts.into_iter();
    let mut rest = Vec::new();
    while !sample.is_full() && parts.len() > 0 {
        let batch = parts.by_ref().take(4 * threads.n_threads()).collect();
        rest = sample.push(batch, threads);
    }
    let whole = !sample.is_full();
    let mut ingest = sample
        .cut(256, whole, threads)
        .expect("256 bins are allowed");
    ingest.push(rest, threads)?;
    ingest.push(parts.collect(), threads)?;
    ingest.finish()
}

fn threads(n_threads: usize) -> Threads {
    Threads::new(Some(n_threads)).expect("threads start")
}

#[test]
fn a_table_that_fits_the_sample_is_the_same_as_in_memory() {
    let data = table();
    let expected = binned(data.clone(), 256);
    let params = BoosterParams::default().num_round(3).subsample(0.7);
    for as_lists in [false, true] {
        let read = read(parts(&data, as_lists), 1 << 20, &threads(2)).expect("the table is sound");
        assert_eq!(read.cuts(), expected.cuts());
        assert_eq!(
            (read.labels(), read.weights()),
            (data.labels(), data.weights())
        );
        let trees = |data: &BinnedDataset| fit(&params, data, None).booster.trees;
        assert_eq!(trees(&read), trees(&expected));
    }
}

#[test]
fn neither_threads_nor_the_order_behind_the_sample_change_a_larger_table() {
    let data = table();
    let params = BoosterParams::default().num_round(3).subsample(0.7);
    let mut models = Vec::new();
    for n_threads in [1, 2, 3, 8] {
        for swapped in [false, true] {
            let mut parts = parts(&data, false);
            // The sample of 2000 values is full after five parts.
            parts.swap(0, 4);
            if swapped {
                parts[5..].reverse();
            }
            let read = read(parts, 2000, &threads(n_threads)).expect("the table is sound");
            assert_eq!(
                (read.labels(), read.weights()),
                (data.labels(), data.weights())
            );
            assert!((0..5).all(|feature| read.cuts().cuts(feature).len() <= 255));
            models.push((
                Arc::clone(read.cuts()),
                fit(&params, &read, None).booster.trees,
            ));
        }
    }
    assert!(models.iter().all(|it| *it == models[0]));
}

#[test]
fn a_value_that_is_missing_only_behind_the_sample_has_its_code() {
    let mut cells: Vec<f32> = (0..600_u16).map(f32::from).collect();
    cells[599] = f32::NAN;
    let labels: Vec<f32> = cells
        .iter()
        .map(|x| x / 100.0)
        .map(|x| if x.is_nan() { 50.0 } else { x })
        .collect();
    let data = Dataset::from_rows(1, &cells, &labels).expect("the table is sound");
    let read = read(parts(&data, false), 300, &threads(1)).expect("the table is sound");
    let trained = fit(
        &BoosterParams::default().num_round(1).learning_rate(1.0),
        &read,
        None,
    );
    let predictions = trained
        .booster
        .predict(&data, &threads(1))
        .expect("the table is sound");
    let rmse = engine::metric::Metric::Rmse.evaluate(&predictions, &labels, None);
    assert_eq!(rmse, trained.history.last().map_or(rmse, |it| it[0].value));
}

#[test]
fn a_column_that_comes_behind_the_sample_has_one_bin() {
    for present in [0.2, 0.9] {
        let shape = Shape {
            missing: 1.0 - present,
            weighted: false,
            ..SHAPE
        };
        let data = shape.table(ObjectiveName::RegSquaredError, 3);
        let mut parts = parts(&data, true);
        let TileFeatures::Csr {
            indptr,
            indices,
            values,
        } = &mut parts[9].tiles[1].features
        else {
            panic!("lists were asked for")
        };
        indices.push(7);
        values.push(3.0);
        *indptr.last_mut().expect("there are rows") += 1;
        let read = read(parts, 500, &threads(2)).expect("the table is sound");
        assert_eq!(read.n_features(), 8);
        assert_eq!(read.cuts().cuts(7), [engine::bin::SENTINEL]);
        fit(&BoosterParams::default().num_round(2), &read, None);
    }
}

#[test]
fn a_validation_set_is_binned_by_cuts_that_leave_no_code_for_missing() {
    let threads = threads(2);
    let mut column: Vec<f32> = (0..600_u16).map(f32::from).collect();
    let labels: Vec<f32> = column.iter().map(|x| x / 100.0).collect();
    let train = binned(
        Dataset::from_rows(1, &column, &labels).expect("the table is sound"),
        256,
    );
    assert_eq!(train.cuts().cuts(0).len(), 256);
    (column[300], column[8]) = (f32::NAN, 1e30);
    let validation = Dataset::from_rows(1, &column, &labels).expect("the table is sound");
    let params = BoosterParams::default().num_round(3);
    let history = |data: &BinnedDataset| fit(&params, &train, Some(data)).history;
    for as_lists in [false, true] {
        let mut ingest = Ingest::new(train.cuts());
        for part in parts(&validation, as_lists) {
            ingest
                .push(vec![part], &threads)
                .expect("the table is sound");
        }
        let read = ingest.finish().expect("the table is sound");
        let in_memory = validation.clone().bin(train.cuts(), &threads);
        let in_memory = in_memory.expect("the table is sound");
        assert_eq!(history(&read), history(&in_memory));
    }
}

#[test]
fn the_first_problem_in_the_order_of_the_rows_is_told_with_its_row() {
    let spoil = |parts: &mut [Part], number: usize| {
        parts[number].tiles[0].labels[2] = f32::NAN;
    };
    for n_threads in [1, 3] {
        let mut parts = parts(&table(), false);
        spoil(&mut parts, 3);
        spoil(&mut parts, 8);
        // The later one is in the sample.
        parts.swap(8, 0);
        let refused = read(parts, 100, &threads(n_threads)).expect_err("labels are missing");
        let row = match refused {
            DatasetError::Label { row, .. } => row,
            other => panic!("{other}"),
        };
        assert_eq!(row, 3 * 90 + 2);
    }
}
