//! The single decision tree: exact against a slow search of every split, the same bytes on every run, and what is in
//! the way of it is said.

use engine::booster::Booster;
use engine::dataset::Dataset;
use engine::estimator::{
    DecisionTree, DecisionTreeParams, Obstacle, TreeSearch, fit_decision_tree,
};
use engine::model::{ModelFormat, load, save};
use engine::objective::ObjectiveName;
use engine::params::BoosterParams;
use engine::threads::Threads;
use engine::tree::Tree;
use proptest::prelude::*;

fn params(objective: ObjectiveName, num_class: u32) -> BoosterParams {
    let params = Booster::params().objective(objective).num_class(num_class);
    params.max_depth(4).nthread(Some(2))
}

fn binary() -> DecisionTreeParams {
    DecisionTreeParams::new(params(ObjectiveName::BinaryLogistic, 0))
}

fn table(n_features: usize, rows: &[f32], labels: &[f32]) -> Dataset {
    Dataset::from_rows(n_features, rows, labels).expect("a table of finite numbers")
}

fn fit(params: &DecisionTreeParams, data: &Dataset) -> DecisionTree {
    fit_decision_tree(params, data).expect("a tree")
}

/// Values in small steps, so that many repeat, and a label that depends on two columns.
fn repeating(n_rows: usize, n_classes: usize) -> (Vec<f32>, Vec<f32>) {
    let cell = |row: usize, column: usize| ((row * row + 31 * row * (column + 1)) % 97 % 7) as f32;
    let rows = (0..n_rows)
        .flat_map(|row| (0..4).map(move |column| cell(row, column)))
        .collect();
    let label = |row: usize| {
        let noise = usize::from(row.is_multiple_of(11));
        ((cell(row, 0) as usize / 2 + cell(row, 1) as usize + noise) % n_classes) as f32
    };
    (rows, (0..n_rows).map(label).collect())
}

#[test]
fn two_hundred_fits_are_the_same_bytes() {
    for (objective, num_class, n_classes) in [
        (ObjectiveName::BinaryLogistic, 0, 2),
        (ObjectiveName::MultiSoftprob, 3, 3),
    ] {
        let (rows, labels) = repeating(90, n_classes);
        let data = table(4, &rows, &labels);
        let params = DecisionTreeParams::new(params(objective, num_class)).exact_only(true);
        let first = save(&fit(&params, &data).booster, ModelFormat::Ubj);
        for _ in 0..200 {
            assert!(
                save(&fit(&params, &data).booster, ModelFormat::Ubj) == first,
                "{objective}"
            );
        }
    }
}

#[test]
fn threads_do_not_change_the_tree() {
    let (rows, labels) = repeating(3000, 2);
    let data = table(4, &rows, &labels);
    let fit_on = |n_threads| {
        let params = params(ObjectiveName::BinaryLogistic, 0).nthread(Some(n_threads));
        fit(&DecisionTreeParams::new(params), &data)
    };
    let expected = fit_on(1);
    assert_eq!(expected.search, TreeSearch::Exact);
    assert!(
        [2, 3, 8]
            .into_iter()
            .all(|n_threads| fit_on(n_threads) == expected)
    );
}

#[test]
fn splits_whatever_the_scale_of_a_column() {
    for scale in [1e-30_f32, 1e-6, 1.0, 1e9, 1e30] {
        let rows = [0.0, 1.0, 2.0, 3.0].map(|it| it * scale);
        let found = fit(&binary(), &table(1, &rows, &[0.0, 0.0, 1.0, 1.0]));
        let tree = &found.booster.trees[0];
        assert_eq!(tree.nodes.len(), 3, "scale {scale}");
        let threshold = tree.nodes[0].split_condition;
        assert!(
            rows[1] < threshold && threshold <= rows[2],
            "scale {scale}: {threshold}"
        );
    }
}

/// linfa-trees itself trains these with `<=` on a rounded middle and predicts with `<`, and mixes them up.
#[test]
fn neighbouring_numbers_land_where_they_were_counted() {
    let rows = [1e9_f32, 1e9, 1e9 + 64.0, 1e9 + 64.0];
    let data = table(1, &rows, &[0.0, 0.0, 1.0, 1.0]);
    let predictions = fit(&binary(), &data)
        .booster
        .predict(&data, &Threads::single())
        .unwrap();
    assert!(
        predictions[0] < 0.5 && predictions[3] > 0.5,
        "{predictions:?}"
    );
}

/// linfa-trees' own recursion overlooks this: rows 0 to 3 are alone below the first split, and the last row with each
/// value of column 1 is not among them.
#[test]
fn finds_splits_of_repeated_values_below_the_root() {
    let rows = [
        [0.0, 0.0],
        [0.0, 0.0],
        [0.0, 1.0],
        [0.0, 1.0],
        [1.0, 0.0],
        [1.0, 1.0],
        [1.0, 0.0],
        [1.0, 1.0],
    ];
    let labels = [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
    let data = table(2, &rows.concat(), &labels);
    let tree = &fit(&binary(), &data).booster;
    let predictions = tree.predict(&data, &Threads::single()).unwrap();
    let classes: Vec<_> = predictions
        .iter()
        .map(|&it| f32::from(u8::from(it > 0.5)))
        .collect();
    assert_eq!(classes, labels);
}

#[test]
fn leaves_hold_the_share_of_a_class_with_one_row_more_each() {
    let rows = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0];
    let data = table(1, &rows, &[0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    let predictions = fit(&binary(), &data)
        .booster
        .predict(&data, &Threads::single())
        .unwrap();
    assert!((predictions[0] - 1.0 / 5.0).abs() < 1e-6, "{predictions:?}");
    assert!((predictions[6] - 4.0 / 6.0).abs() < 1e-6, "{predictions:?}");

    let data = table(1, &rows, &[0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0]);
    let multi = DecisionTreeParams::new(params(ObjectiveName::MultiSoftprob, 3));
    let predictions = fit(&multi, &data)
        .booster
        .predict(&data, &Threads::single())
        .unwrap();
    // Every class's tree splits at the same place; shares 4/6, 1/6, 1/6 and 1/7, 3/7, 3/7 add up to 1.
    let expected = [
        4.0 / 6.0,
        1.0 / 6.0,
        1.0 / 6.0,
        1.0 / 7.0,
        3.0 / 7.0,
        3.0 / 7.0,
    ];
    let found = [&predictions[..3], &predictions[18..]].concat();
    assert!(
        found
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() < 1e-6),
        "{found:?}"
    );
}

#[test]
fn heeds_depth_and_rows_of_a_leaf() {
    let (rows, labels) = repeating(500, 2);
    let data = table(4, &rows, &labels);
    let params = params(ObjectiveName::BinaryLogistic, 0);
    let stump = fit(&DecisionTreeParams::new(params.clone().max_depth(1)), &data);
    assert_eq!(stump.booster.trees[0].nodes.len(), 3);
    let wide = fit(
        &DecisionTreeParams::new(params.clone().max_depth(0).min_child_weight(60.0)),
        &data,
    );
    let leaves = wide.booster.trees[0]
        .nodes
        .iter()
        .filter(|node| node.left.is_none());
    assert!(leaves.clone().count() > 2);
    assert!(leaves.clone().all(|node| node.sum_hessian >= 60.0));
    let one_class = fit(
        &DecisionTreeParams::new(params),
        &table(1, &[1.0, 2.0], &[1.0, 1.0]),
    );
    assert_eq!(one_class.booster.trees[0].nodes.len(), 1);
}

#[test]
fn is_saved_as_an_ordinary_model() {
    let (rows, labels) = repeating(200, 3);
    let multi = DecisionTreeParams::new(params(ObjectiveName::MultiSoftmax, 3));
    let booster = fit(&multi, &table(4, &rows, &labels)).booster;
    assert_eq!(load(&save(&booster, ModelFormat::Json)).unwrap(), booster);
}

#[test]
fn grows_on_bins_where_the_exact_search_cannot_and_says_why() {
    let (rows, labels) = repeating(200, 2);
    let data = table(4, &rows, &labels);
    let mut missing = rows.clone();
    missing[4 * 7 + 2] = f32::NAN;
    let mut shares = labels.clone();
    shares[5] = 0.25;
    let logistic = params(ObjectiveName::BinaryLogistic, 0);
    let regression = params(ObjectiveName::RegSquaredError, 0);
    let large = table(300, &vec![1.0; 300 * 7000], &[0.0, 1.0].repeat(3500));
    let cases = [
        (
            regression,
            data.clone(),
            "`reg:squarederror` predicts numbers, the exact search only tells classes apart",
        ),
        (
            logistic.clone(),
            table(4, &missing, &labels),
            "`memory` row 7 column 2 is missing, the exact search needs every value",
        ),
        (
            logistic.clone(),
            data.clone().with_weights(vec![2.0; 200]).unwrap(),
            "rows have weights, the exact search counts each once",
        ),
        (
            logistic.clone().scale_pos_weight(3.0),
            data,
            "rows have weights, the exact search counts each once",
        ),
        (
            logistic.clone(),
            table(4, &rows, &shares),
            "`memory` row 5: label `0.25` is a share, the exact search needs 0 or 1",
        ),
        (
            logistic,
            large,
            "7000 rows times 300 columns, the exact search takes at most 2097152 values",
        ),
    ];
    for (params, data, reason) in cases {
        let params = DecisionTreeParams::new(params.num_round(50).subsample(0.5));
        let found = fit(&params, &data);
        assert!(
            matches!(&found.search, TreeSearch::Binned(obstacle) if obstacle.to_string() == reason),
            "{:?}",
            found.search
        );
        assert_eq!(
            (found.booster.n_rounds(), found.booster.trees.len()),
            (1, 1),
            "{reason}"
        );
        let err = fit_decision_tree(&params.exact_only(true), &data)
            .unwrap_err()
            .to_string();
        assert_eq!(
            err,
            format!("no exact decision tree: {reason}; use gradient_boosting or random_forest")
        );
    }
}

#[test]
fn refuses_a_label_that_is_no_class() {
    let err = fit_decision_tree(&binary(), &table(1, &[1.0, 2.0], &[1.0, 2.0])).unwrap_err();
    assert_eq!(
        err.to_string(),
        "`memory` row 1: label must be in [0,1] for logistic regression, got `2`"
    );
    let err = fit_decision_tree(
        &DecisionTreeParams::new(Booster::params().max_bin(1)),
        &table(1, &[1.0], &[1.0]),
    );
    assert_eq!(
        err.unwrap_err().to_string(),
        "`max_bin` is `1`, allowed is 2 to 256"
    );
}

/// The sum over the leaves of the Gini impurity times the rows, and whether a better single split of any leaf exists.
fn impurity(labels: &[f32]) -> f64 {
    let n_rows = labels.len() as f64;
    let share = labels.iter().filter(|&&it| it == 1.0).count() as f64 / n_rows;
    2.0 * share * (1.0 - share) * n_rows
}

/// The least impurity that one split of these rows leaves, over every column and every value.
fn slow_best(rows: &[Vec<f32>], labels: &[f32]) -> f64 {
    let mut best = impurity(labels);
    for column in 0..rows[0].len() {
        for cut in rows.iter().map(|row| row[column]) {
            let side = |left: bool| -> Vec<f32> {
                let pairs = rows.iter().zip(labels);
                pairs
                    .filter(|(row, _)| (row[column] < cut) == left)
                    .map(|(_, &label)| label)
                    .collect()
            };
            let (left, right) = (side(true), side(false));
            if !left.is_empty() && !right.is_empty() {
                best = best.min(impurity(&left) + impurity(&right));
            }
        }
    }
    best
}

/// Checks each node of the tree against the slow search of the rows that reach it.
fn check_node(tree: &Tree, idx: usize, rows: &[Vec<f32>], labels: &[f32]) {
    let node = &tree.nodes[idx];
    assert_eq!(node.sum_hessian, rows.len() as f32);
    let best = slow_best(rows, labels);
    let Some(left) = node.left else {
        assert!(
            best >= impurity(labels) - 2e-5 * rows.len() as f64,
            "node {idx} could be split"
        );
        return;
    };
    let goes_left = |row: &Vec<f32>| row[node.split_index as usize] < node.split_condition;
    let pick = |side: bool| -> (Vec<Vec<f32>>, Vec<f32>) {
        let pairs = rows.iter().zip(labels);
        pairs
            .filter(|(row, _)| goes_left(row) == side)
            .map(|(row, label)| (row.clone(), *label))
            .unzip()
    };
    let (left_side, right_side) = (pick(true), pick(false));
    let found = impurity(&left_side.1) + impurity(&right_side.1);
    assert!(
        found <= best + 1e-5 * rows.len() as f64,
        "node {idx}: {found}, the best is {best}"
    );
    check_node(tree, left as usize, &left_side.0, &left_side.1);
    check_node(tree, left as usize + 1, &right_side.0, &right_side.1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_split_is_the_best_there_is(
        n_features in 1_usize..4,
        steps in prop_oneof![Just(2_i32), Just(5), Just(1000)],
        seeds in prop::collection::vec((any::<[i16; 3]>(), any::<bool>()), 2..40),
    ) {
        let rows: Vec<Vec<f32>> = seeds
            .iter()
            .map(|(cells, _)| cells[..n_features].iter().map(|&it| (i32::from(it) % steps) as f32).collect())
            .collect();
        let labels: Vec<f32> = seeds.iter().map(|&(_, label)| f32::from(u8::from(label))).collect();
        let params = params(ObjectiveName::BinaryLogistic, 0).max_depth(0);
        let found = fit(&DecisionTreeParams::new(params), &table(n_features, &rows.concat(), &labels));
        prop_assert_eq!(&found.search, &TreeSearch::Exact);
        check_node(&found.booster.trees[0], 0, &rows, &labels);
    }
}

#[test]
fn says_which_value_of_a_sparse_table_is_missing() {
    use engine::dataset::{Origin, SideColumns, Tile, TileFeatures};
    let features = TileFeatures::Csr {
        indptr: vec![0, 2, 3],
        indices: vec![0, 1, 1],
        values: vec![1.0; 3],
    };
    let origin = Origin {
        object: "a.libsvm".into(),
        first_row: 10,
    };
    let mut builder = Dataset::builder();
    builder
        .push(Tile {
            features,
            labels: vec![0.0, 1.0],
            weights: None,
            side: SideColumns::default(),
            words: Vec::new(),
            origin,
        })
        .unwrap();
    let found = fit(&binary(), &builder.finish().unwrap());
    let obstacle = Obstacle::Missing {
        object: "a.libsvm".to_owned(),
        row: 11,
        feature: 0,
    };
    assert_eq!(found.search, TreeSearch::Binned(obstacle));
}
