//! Tables: what is kept, what is refused, and that a refusal says where.

use engine::dataset::{Dataset, DatasetError, Origin, SideColumns, Tile, TileFeatures};

fn tile(features: TileFeatures, labels: &[f32], first_row: u64) -> Tile {
    let origin = Origin {
        object: "train/a.csv".into(),
        first_row,
    };
    Tile {
        features,
        labels: labels.to_vec(),
        weights: None,
        side: SideColumns::default(),
        words: Vec::new(),
        origin,
    }
}

fn dense(n_features: usize, values: &[f32]) -> TileFeatures {
    TileFeatures::Dense {
        n_features,
        values: values.to_vec(),
    }
}

fn csr(indptr: &[usize], indices: &[u32], values: &[f32]) -> TileFeatures {
    TileFeatures::Csr {
        indptr: indptr.to_vec(),
        indices: indices.to_vec(),
        values: values.to_vec(),
    }
}

fn refusal(tiles: Vec<Tile>) -> DatasetError {
    let mut builder = Dataset::builder();
    for tile in tiles {
        if let Err(error) = builder.push(tile) {
            return error;
        }
    }
    builder.finish().expect_err("it is refused")
}

#[test]
fn tiles_of_both_kinds_make_one_table() {
    let mut builder = Dataset::builder();
    builder
        .push(tile(dense(2, &[1.0, 2.0, 3.0, f32::NAN]), &[0.0, 1.0], 10))
        .unwrap();
    builder
        .push(tile(csr(&[0, 2, 2], &[3, 0], &[7.0, 8.0]), &[2.0, 3.0], 5))
        .unwrap();
    let mut data = builder.finish().unwrap();
    data.widen(5);
    assert_eq!(
        (data.n_rows(), data.n_features(), data.labels()),
        (4, 5, [0.0, 1.0, 2.0, 3.0].as_slice())
    );
    let expected = [
        [Some(1.0), Some(3.0), None, None, None],
        [Some(2.0), None, None, None, None],
        [Some(8.0), None, None, Some(7.0), None],
        [None; 5],
    ];
    let mut rows = Vec::new();
    data.copy_rows(1..4, &mut rows);
    for (row, expected) in expected.iter().enumerate() {
        for (feature, &expected) in expected.iter().enumerate() {
            let present = |x: f32| (!x.is_nan()).then_some(x);
            assert_eq!(
                present(data.value(row, feature)),
                expected,
                "{row} {feature}"
            );
            if row > 0 {
                assert_eq!(
                    present(rows[(row - 1) * 5 + feature]),
                    expected,
                    "copied {row} {feature}"
                );
            }
        }
    }
    assert_eq!(data.origin(1), ("train/a.csv", 11));
    assert_eq!(data.origin(3), ("train/a.csv", 6));
}

#[test]
fn refuses_a_table_without_rows() {
    assert_eq!(
        refusal(vec![tile(dense(2, &[]), &[], 0)]),
        DatasetError::Empty
    );
    assert_eq!(
        Dataset::from_rows(3, &[], &[]).unwrap_err(),
        DatasetError::Empty
    );
}

#[test]
fn refuses_infinity_and_names_the_cell() {
    for value in [f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
        let message = refusal(vec![tile(
            dense(2, &[1.0, 2.0, 3.0, value]),
            &[0.0, 1.0],
            100,
        )])
        .to_string();
        assert!(
            message.contains("train/a.csv") && message.contains("row 101 column 1"),
            "{message}"
        );
        let message =
            refusal(vec![tile(csr(&[0, 0, 1], &[4], &[value]), &[0.0, 1.0], 7)]).to_string();
        assert!(message.contains("row 8 column 4"), "{message}");
    }
}

#[test]
fn refuses_labels_and_weights_that_are_not_numbers() {
    let message = refusal(vec![tile(dense(1, &[1.0, 2.0]), &[0.0, f32::NAN], 3)]).to_string();
    assert!(
        message.contains("row 4") && message.contains("NaN"),
        "{message}"
    );
    let weighted = |weights: Vec<f32>| Tile {
        weights: Some(weights),
        ..tile(dense(1, &[1.0]), &[0.0], 3)
    };
    for weight in [-1.0, f32::NAN, f32::INFINITY] {
        assert!(
            refusal(vec![weighted(vec![weight])])
                .to_string()
                .contains("row 3: weight")
        );
    }
    assert!(matches!(
        refusal(vec![weighted(vec![1.0, 2.0])]),
        DatasetError::Shape {
            found: 2,
            expected: 1,
            ..
        }
    ));
    let mixed = refusal(vec![weighted(vec![1.0]), tile(dense(1, &[1.0]), &[0.0], 4)]);
    assert!(
        matches!(mixed, DatasetError::MixedWeights { .. }),
        "{mixed}"
    );
}

#[test]
fn refuses_shapes_that_do_not_agree() {
    assert!(matches!(
        refusal(vec![tile(dense(2, &[1.0]), &[0.0], 0)]),
        DatasetError::Shape { .. }
    ));
    assert!(matches!(
        refusal(vec![tile(csr(&[0, 1], &[], &[]), &[0.0], 0)]),
        DatasetError::Shape { .. }
    ));
    assert!(matches!(
        refusal(vec![tile(csr(&[0, 2, 1], &[0], &[1.0]), &[0.0, 1.0], 0)]),
        DatasetError::Shape { .. }
    ));
    assert!(matches!(
        refusal(vec![tile(csr(&[0], &[], &[]), &[0.0], 0)]),
        DatasetError::Shape { .. }
    ));
    let narrower = vec![
        tile(dense(2, &[1.0, 1.0]), &[0.0], 0),
        tile(dense(1, &[1.0]), &[0.0], 1),
    ];
    assert!(matches!(
        refusal(narrower),
        DatasetError::Columns {
            found: 1,
            expected: 2,
            ..
        }
    ));
    let repeated = refusal(vec![tile(csr(&[0, 2], &[4, 4], &[1.0, 2.0]), &[0.0], 9)]);
    assert!(
        matches!(
            repeated,
            DatasetError::RepeatedColumn {
                row: 9,
                feature: 4,
                ..
            }
        ),
        "{repeated}"
    );
    assert!(Dataset::from_rows(2, &[1.0], &[0.0]).is_err());
}
