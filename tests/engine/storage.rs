//! The forms in which codes are kept: a column a feature, bundled columns, lists. They decide time, never a tree.

use engine::bin::BinnedDataset;
use engine::dataset::Dataset;
use engine::objective::ObjectiveName;
use engine::params::{BoosterParams, Monotone};
use engine::tree::Tree;

use crate::table::{Numbers, binned, fit};

/// Rows from which columns are bundled.
const N_ROWS: usize = 20_000;

/// Columns of the table: one-hot fields of these sizes, then one of many values.
const FIELDS: [usize; 4] = [3, 8, 40, 3];

/// A one-hot table of numbered rows with `n_full` constant columns behind; what a row does not have is missing.
///
/// Alone it is kept as lists, since most cells are missing; with as many full columns again it is dense, and the one-hot
/// columns share bytes.
fn table(n_full: usize) -> BinnedDataset {
    let mut numbers = Numbers::new(5);
    let (mut cells, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..N_ROWS {
        let mut score = 0.0;
        for (field, size) in FIELDS.into_iter().enumerate() {
            let chosen = numbers.below(size as u32) as usize;
            score += (chosen * (field + 2) % 7) as f32;
            cells.extend((0..size).map(|it| if it == chosen { 1.0 } else { f32::NAN }));
        }
        let value = numbers.below(1000) as f32;
        let known = numbers.unit() < 0.5;
        cells.push(if known { value } else { f32::NAN });
        cells.extend(std::iter::repeat_n(2.0, n_full));
        let score = score + if known { value / 200.0 } else { 3.0 } + numbers.unit();
        labels.push(f32::from(u8::from(score > 14.0)));
    }
    let width = cells.len() / N_ROWS;
    let data = Dataset::from_rows(width, &cells, &labels).expect("the table is sound");
    binned(data, 256)
}

fn trees(params: &BoosterParams, data: &BinnedDataset) -> Vec<Tree> {
    let params = params
        .clone()
        .objective(ObjectiveName::BinaryLogistic)
        .num_round(4);
    fit(&params, data, None).booster.trees
}

#[test]
fn lists_and_bundled_columns_give_the_same_trees() {
    // Constant columns are never split on.
    let (lists, bundled) = (table(0), table(30));
    let params = BoosterParams::default().max_depth(8);
    let expected = trees(&params.clone().nthread(Some(1)), &lists);
    assert!(expected.iter().all(|tree| tree.nodes.len() > 30));
    for n_threads in [1, 2, 3, 8] {
        let params = params.clone().nthread(Some(n_threads));
        assert_eq!(
            trees(&params, &lists),
            expected,
            "lists, {n_threads} threads"
        );
        assert_eq!(
            trees(&params, &bundled),
            expected,
            "bundled, {n_threads} threads"
        );
    }
    let alpha = params.reg_alpha(0.3);
    assert_eq!(trees(&alpha, &lists), trees(&alpha, &bundled), "alpha");
}

#[test]
fn a_tree_of_some_columns_may_be_grown_on_bundles() {
    let data = table(30);
    let params = BoosterParams::default()
        .colsample_bytree(0.3)
        .subsample(0.7)
        .seed(2);
    let one = trees(&params.clone().nthread(Some(1)), &data);
    assert_eq!(one, trees(&params.clone().nthread(Some(3)), &data));
    let features: std::collections::BTreeSet<u32> = one
        .iter()
        .flat_map(|tree| &tree.nodes)
        .filter(|node| node.left.is_some())
        .map(|node| node.split_index)
        .collect();
    assert!(features.len() > 5, "{features:?}");
}

#[test]
fn lists_and_bundled_columns_heed_constraints_alike() {
    let (lists, bundled) = (table(0), table(30));
    let n_columns = FIELDS.iter().sum::<usize>() + 1;
    let direction = |column: usize| Monotone::from_sign((column * 5 % 3) as i64 - 1);
    // Every other column may meet the last one, and those before it one of the others.
    let last = n_columns as u32 - 1;
    let groups = vec![
        (0..last).step_by(2).chain([last]).collect(),
        (0..last).skip(1).step_by(2).collect(),
    ];
    let params = BoosterParams::default()
        .max_depth(6)
        .monotone_constraints((0..n_columns).map(direction).collect());
    let free = trees(&BoosterParams::default().max_depth(6), &lists);
    let monotone = trees(&params, &lists);
    assert!(monotone.iter().all(|tree| tree.nodes.len() > 20));
    assert_ne!(monotone, free);
    assert_eq!(trees(&params, &bundled), monotone);
    let grouped = params.interaction_constraints(groups);
    let expected = trees(&grouped, &lists);
    assert!(expected.iter().all(|tree| tree.nodes.len() > 10));
    assert_ne!(expected, monotone);
    for n_threads in [1, 2, 3, 8] {
        let params = grouped.clone().nthread(Some(n_threads));
        assert_eq!(trees(&params, &bundled), expected, "{n_threads} threads");
    }
}
