//! Prediction against the plain walk of one row down one tree, and against XGBoost's rules for missing columns.

use std::sync::Arc;

use engine::booster::{Booster, PredictError, Predictor};
use engine::dataset::{Dataset, Origin, SideColumns, Tile, TileFeatures};
use engine::objective::{Objective, ObjectiveName};
use engine::threads::Threads;
use engine::tree::{NO_PARENT, Node, Tree};

/// Numbers in `[0, 1)`, the same on every run.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }
}

/// A tree with leaves at all depths up to `depth`.
fn tree(draw: &mut Draw, n_features: u32, depth: u32) -> Tree {
    let mut nodes = vec![Node::leaf(NO_PARENT, draw.next(), 1.0)];
    let mut depths = vec![0];
    let mut idx = 0;
    while idx < nodes.len() {
        if depths[idx] < depth && (idx == 0 || draw.next() < 0.8) {
            nodes[idx].left = Some(nodes.len() as u32);
            nodes[idx].split_index = (draw.next() * n_features as f32) as u32;
            nodes[idx].default_left = draw.next() < 0.5;
            for _ in 0..2 {
                nodes.push(Node::leaf(idx as u32, draw.next() - 0.5, 1.0));
                depths.push(depths[idx] + 1);
            }
        }
        idx += 1;
    }
    Tree::from(nodes)
}

fn booster(name: ObjectiveName, num_class: u32, n_features: u32, n_rounds: usize) -> Booster {
    let mut objective = Objective::new(name);
    objective.num_class = num_class;
    let n_trees = n_rounds * objective.n_groups();
    let mut draw = Draw(7);
    Booster {
        trees: (0..n_trees)
            .map(|idx| tree(&mut draw, n_features, idx as u32 % 9))
            .collect(),
        tree_info: (0..n_trees)
            .map(|idx| (idx % objective.n_groups()) as u32)
            .collect(),
        base_score: 0.25,
        ..Booster::new(objective, n_features)
    }
}

/// Values with one in five missing.
fn values(n_rows: usize, n_features: usize) -> Vec<f32> {
    let mut draw = Draw(11);
    let mut value = || {
        if draw.next() < 0.2 {
            f32::NAN
        } else {
            draw.next()
        }
    };
    (0..n_rows * n_features).map(|_| value()).collect()
}

fn dense(n_rows: usize, n_features: usize) -> Dataset {
    Dataset::from_rows(n_features, &values(n_rows, n_features), &vec![0.0; n_rows])
        .expect("a table of finite numbers")
}

/// One row after the other, one tree after the other.
fn slow_margins(booster: &Booster, data: &Dataset) -> Vec<f32> {
    let base = booster.objective.prob_to_margin(booster.base_score);
    let mut margins = vec![base; data.n_rows() * booster.n_groups()];
    for row in 0..data.n_rows() {
        for (tree, &group) in booster.trees.iter().zip(&booster.tree_info) {
            let leaf = tree.leaf_value(|feature| data.value(row, feature as usize));
            margins[row * booster.n_groups() + group as usize] += leaf;
        }
    }
    margins
}

#[test]
fn adds_the_leaves_up_as_the_plain_walk_does() {
    for (name, num_class) in [
        (ObjectiveName::BinaryLogistic, 0),
        (ObjectiveName::MultiSoftprob, 3),
    ] {
        for (n_rows, n_features) in [(1, 1), (7, 3), (9001, 5), (300, 3000)] {
            let booster = booster(name, num_class, n_features as u32, 20);
            let data = dense(n_rows, n_features);
            let expected = slow_margins(&booster, &data);
            for n_threads in [1, 2, 3] {
                let threads = Threads::new(Some(n_threads)).unwrap();
                let found = booster.predict_margin(&data, &threads).unwrap();
                assert!(
                    found == expected,
                    "{name} {n_rows} rows, {n_threads} threads"
                );
            }
        }
    }
}

#[test]
fn finds_the_leaf_of_each_tree() {
    let booster = booster(ObjectiveName::RegSquaredError, 0, 4, 12);
    let data = dense(100, 4);
    let leaves = booster.predict_leaf(&data, &Threads::single()).unwrap();
    for row in 0..100 {
        for (idx, tree) in booster.trees.iter().enumerate() {
            let expected = tree.leaf_idx(|feature| data.value(row, feature as usize));
            assert_eq!(leaves[row * 12 + idx] as usize, expected);
        }
    }
}

#[test]
fn base_margins_are_logits_and_logarithms() {
    for (name, base_score, margin) in [
        (ObjectiveName::RegSquaredError, 3.5, 3.5),
        (
            ObjectiveName::BinaryLogistic,
            0.3,
            -(1.0_f32 / 0.3 - 1.0).ln(),
        ),
        (ObjectiveName::CountPoisson, 2.0, 2.0_f32.ln()),
    ] {
        let mut booster = booster(name, 0, 1, 0);
        booster.base_score = base_score;
        assert_eq!(
            booster
                .predict_margin(&dense(2, 1), &Threads::single())
                .unwrap(),
            [margin; 2]
        );
        let prediction = booster.predict(&dense(2, 1), &Threads::single()).unwrap();
        assert!(
            (prediction[0] - base_score).abs() < 1e-6,
            "{name} {prediction:?}"
        );
    }
}

#[test]
fn softmax_predicts_the_class_of_the_largest_margin() {
    let mut booster = booster(ObjectiveName::MultiSoftprob, 3, 4, 5);
    let data = dense(200, 4);
    let threads = Threads::single();
    let probabilities = booster.predict(&data, &threads).unwrap();
    booster.objective.name = ObjectiveName::MultiSoftmax;
    let classes = booster.predict(&data, &threads).unwrap();
    assert_eq!(classes.len(), 200);
    for (row, class) in probabilities.chunks(3).zip(classes) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(row.iter().all(|&it| it <= row[class as usize]));
    }
}

fn sparse(n_rows: usize, n_features: usize) -> Dataset {
    let all = values(n_rows, n_features);
    let mut builder = Dataset::builder();
    let (mut indptr, mut indices, mut stored) = (vec![0], Vec::new(), Vec::new());
    for row in all.chunks(n_features) {
        for (feature, &value) in row.iter().enumerate().filter(|(_, it)| !it.is_nan()) {
            indices.push(feature as u32);
            stored.push(value);
        }
        indptr.push(indices.len());
    }
    let features = TileFeatures::Csr {
        indptr,
        indices,
        values: stored,
    };
    let origin = Origin {
        object: Arc::from("memory"),
        first_row: 0,
    };
    builder
        .push(Tile {
            features,
            labels: vec![0.0; n_rows],
            weights: None,
            side: SideColumns::default(),
            words: Vec::new(),
            origin,
        })
        .expect("a table of finite numbers");
    builder.finish().expect("a table of finite numbers")
}

#[test]
fn takes_columns_that_a_sparse_table_does_not_have_as_missing() {
    let booster = booster(ObjectiveName::RegSquaredError, 0, 6, 20);
    let threads = Threads::single();
    let narrow = sparse(50, 4);
    let mut wide = narrow.clone();
    wide.widen(6);
    let expected = slow_margins(&booster, &wide);
    assert_eq!(booster.predict_margin(&wide, &threads).unwrap(), expected);
    assert_eq!(booster.predict_margin(&narrow, &threads).unwrap(), expected);
}

#[test]
fn refuses_tables_of_another_width() {
    let booster = booster(ObjectiveName::RegSquaredError, 0, 6, 2);
    let threads = Threads::single();
    for (data, found) in [(dense(3, 5), 5), (dense(3, 7), 7), (sparse(30, 7), 7)] {
        let err = booster.predict(&data, &threads).unwrap_err();
        assert_eq!(err, PredictError::Columns { found, expected: 6 });
        let message = format!(
            "the data has {found} columns, the model was trained on 6; only a sparse table may have fewer"
        );
        assert_eq!(err.to_string(), message);
    }
}

/// A model like those that histograms give: few thresholds, shared by its trees, with whole numbers among the values.
fn coarse(mut booster: Booster, steps: f32) -> Booster {
    for tree in &mut booster.trees {
        for node in tree.nodes.iter_mut().filter(|node| node.left.is_some()) {
            node.split_condition = (node.split_condition * steps).floor() / steps;
        }
    }
    booster
}

#[test]
fn a_predictor_predicts_slices_as_the_plain_walk_does() {
    let n_features = 6;
    for steps in [1.0, 4.0, 250.0, 1e6] {
        for (name, num_class) in [
            (ObjectiveName::RegSquaredError, 0),
            (ObjectiveName::MultiSoftprob, 5),
        ] {
            let booster = coarse(booster(name, num_class, n_features as u32, 30), steps);
            let predictor = Predictor::new(&booster);
            for n_rows in [0, 1, 31, 32, 33, 127, 128, 129, 160, 5000] {
                let mut values = values(n_rows, n_features);
                values
                    .iter_mut()
                    .step_by(3)
                    .for_each(|it| *it = (*it * steps).floor() / steps);
                let mut found = vec![f32::NAN; n_rows * predictor.n_groups()];
                let threads = Threads::new(Some(2)).unwrap();
                predictor
                    .predict_margin_into(&values, n_features, &mut found, &threads)
                    .unwrap();
                if n_rows > 0 {
                    let data = Dataset::from_rows(n_features, &values, &vec![0.0; n_rows]).unwrap();
                    let expected = slow_margins(&booster, &data);
                    assert!(found == expected, "{name}, {steps} steps, {n_rows} rows");
                }
            }
        }
    }
}

#[test]
fn trees_too_large_for_codes_keep_their_place_among_the_others() {
    let mut booster = coarse(booster(ObjectiveName::RegSquaredError, 0, 5, 25), 100.0);
    let mut draw = Draw(3);
    for idx in [0, 7, 8, 24] {
        booster.trees[idx] = tree(&mut draw, 5, 14);
        assert!(booster.trees[idx].nodes.len() > 512);
    }
    // No value is below a threshold that is no number.
    booster.trees[5].nodes[0].split_condition = f32::NAN;
    let data = dense(3000, 5);
    let found = booster.predict_margin(&data, &Threads::single()).unwrap();
    assert!(found == slow_margins(&booster, &data));
}

#[test]
fn infinite_values_are_beyond_every_threshold() {
    let booster = coarse(booster(ObjectiveName::RegSquaredError, 0, 1, 40), 50.0);
    let predictor = Predictor::new(&booster);
    let rows: Vec<f32> = [f32::INFINITY, 2.0, f32::NEG_INFINITY, -2.0].repeat(100);
    let mut found = vec![0.0; 400];
    predictor
        .predict_margin_into(&rows, 1, &mut found, &Threads::single())
        .unwrap();
    assert_eq!(found[0], found[1]);
    assert_eq!(found[2], found[3]);
    assert!(found.chunks(4).all(|it| it == &found[..4]));
}

#[test]
fn a_predictor_refuses_slices_of_another_shape() {
    let predictor = Predictor::new(&booster(ObjectiveName::MultiSoftprob, 3, 4, 2));
    let threads = Threads::single();
    let predict = |n_values, n_features, n_outputs| {
        predictor.predict_margin_into(
            &vec![0.0; n_values],
            n_features,
            &mut vec![0.0; n_outputs],
            &threads,
        )
    };
    assert_eq!(predict(8, 4, 6), Ok(()));
    let columns = PredictError::Columns {
        found: 5,
        expected: 4,
    };
    assert_eq!(predict(10, 5, 6), Err(columns));
    for (values, outputs) in [(8, 3), (8, 7), (9, 6)] {
        let rows = PredictError::Rows { values, outputs };
        assert_eq!(predict(values, 4, outputs), Err(rows));
    }
}
