//! Monotone and interaction constraints beside several labels, `dart` and categories.

use std::sync::Arc;

use engine::bin::{BinnedDataset, HistogramCuts};
use engine::booster::{Booster, BoosterKind, TrainError};
use engine::dataset::{Dataset, SideColumns};
use engine::objective::ObjectiveName;
use engine::params::{BoosterName, BoosterParams, Dart, Monotone, NormalizeType, SampleType};
use engine::threads::Threads;
use engine::tree::Tree;

use crate::constrained::{DIRECTIONS, N_CODES, shape, steps, ways};
use crate::table::{binned, fit, params, try_fit};

const DROPS: Dart = Dart {
    sample_type: SampleType::Weighted,
    normalize_type: NormalizeType::Tree,
    rate_drop: 0.4,
    one_drop: true,
    skip_drop: 0.0,
};

/// Rows whose second label grows where the first one falls.
fn of_two_labels(objective: ObjectiveName) -> BinnedDataset {
    let table = shape(3000).table(objective, 3);
    let other = shape(3000).table(objective, 31);
    let most = table.labels().iter().copied().fold(0.0, f32::max);
    let further = table.labels().iter().zip(other.labels());
    let further = further.map(|(label, noise)| if label > noise { most - label } else { *noise });
    let side = SideColumns {
        further_labels: Some(further.collect()),
        ..SideColumns::default()
    };
    let table = table.with_side_columns(side);
    binned(table.expect("they are as long"), 64)
}

/// Rows whose column 2 holds categories.
fn of_categories(objective: ObjectiveName) -> BinnedDataset {
    let table = shape(3000).table(objective, 5);
    let mut values = Vec::new();
    table.copy_rows(0..table.n_rows(), &mut values);
    for row in values.chunks_exact_mut(5) {
        row[2] = (row[2] * N_CODES).floor();
    }
    let data = Dataset::from_rows(5, &values, table.labels()).expect("the table is sound");
    let threads = Threads::single();
    let cuts = HistogramCuts::with_categories(&data, 64, &[2], &threads);
    let cuts = Arc::new(cuts.expect("column 2 holds codes"));
    data.bin(&cuts, &threads).expect("it is as wide")
}

fn dart(params: BoosterParams) -> BoosterParams {
    params.booster(BoosterName::Dart).dart(DROPS).seed(7)
}

/// A booster without directions goes the wrong way somewhere, and one with them nowhere.
fn check_directions(what: &str, free: &BoosterParams, data: &BinnedDataset) -> Booster {
    let (wrong, _) = steps(&fit(free, data, None).booster, &DIRECTIONS);
    assert!(wrong > 0, "{what}: in order anyway");
    let directed = free.clone().monotone_constraints(DIRECTIONS.to_vec());
    let booster = fit(&directed, data, None).booster;
    let (wrong, right) = steps(&booster, &DIRECTIONS);
    assert_eq!(wrong, 0, "{what}");
    assert!(right > 50, "{what}: next to no step but {right}");
    booster
}

/// Every way is within a group, and every pair of a group is met somewhere.
fn check_groups(what: &str, free: &BoosterParams, data: &BinnedDataset) -> Booster {
    let groups: Vec<Vec<u32>> = vec![vec![0, 1], vec![1, 2], vec![3, 4]];
    let booster = fit(
        &free.clone().interaction_constraints(groups.clone()),
        data,
        None,
    );
    let booster = booster.booster;
    let met: Vec<Vec<u32>> = booster.trees.iter().flat_map(ways).collect();
    for way in &met {
        let is_within = |group: &Vec<u32>| way.iter().all(|it| group.contains(it));
        assert!(
            way.len() <= 1 || groups.iter().any(is_within),
            "{what}: {way:?}"
        );
    }
    for pair in [[0, 1], [1, 2]] {
        let has = |way: &Vec<u32>| pair.iter().all(|it| way.contains(it));
        assert!(met.iter().any(has), "{what}: {pair:?} never meet");
    }
    booster
}

#[test]
fn every_label_keeps_to_directions_and_groups() {
    for objective in [
        ObjectiveName::RegSquaredError,
        ObjectiveName::BinaryLogistic,
    ] {
        let data = of_two_labels(objective);
        let free = params(objective).num_round(10).max_depth(5);
        let booster = check_directions("labels", &free, &data);
        assert_eq!(booster.n_groups(), 2);
        check_groups("labels", &free, &data);
        check_directions("labels of a dart", &dart(free.clone()), &data);
    }
}

#[test]
fn a_dart_keeps_to_directions_and_groups_whatever_its_trees_weigh() {
    for objective in [
        ObjectiveName::RegSquaredError,
        ObjectiveName::RegQuantileError,
        ObjectiveName::MultiSoftprob,
    ] {
        let data = binned(shape(3000).table(objective, 9), 64);
        let free = dart(params(objective).num_round(12).max_depth(5));
        for booster in [
            check_directions("dart", &free, &data),
            check_groups("dart", &free, &data),
        ] {
            let BoosterKind::Dart { weight_drop } = booster.kind else {
                panic!("no dart");
            };
            assert!(weight_drop.iter().any(|&it| it < 1.0));
        }
    }
}

#[test]
fn numbers_beside_categories_keep_to_directions_and_groups() {
    for objective in [ObjectiveName::RegSquaredError, ObjectiveName::MultiSoftprob] {
        let data = of_categories(objective);
        let free = params(objective).num_round(10).max_depth(5);
        for booster in [
            check_directions("categories", &free, &data),
            check_groups("categories", &free, &data),
            check_directions("categories of a dart", &dart(free.clone()), &data),
        ] {
            let divides = |tree: &Tree| !tree.categories.is_empty();
            assert!(booster.trees.iter().any(divides), "categories are used");
        }
    }
}

/// XGBoost compares the sides of such a split, which says nothing of larger and smaller codes.
#[test]
fn a_direction_of_categories_is_refused() {
    let data = of_categories(ObjectiveName::RegSquaredError);
    let free = params(ObjectiveName::RegSquaredError).num_round(1);
    for params in [free.clone(), dart(free)] {
        let directed = params.monotone_constraints(vec![Monotone::Increasing; 3]);
        let refused = try_fit(&directed, &data).unwrap_err();
        assert!(
            matches!(refused, TrainError::CategoricalDirection { feature: 2 }),
            "{refused}"
        );
    }
}
