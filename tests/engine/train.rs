//! Training as a user sees it: early stopping, continuing, odd tables, and what is refused.

use std::ops::ControlFlow;
use std::sync::Arc;

use engine::bin::{BinnedDataset, HistogramCuts};
use engine::booster::{Booster, NamedData, RoundReport, TrainEnd, TrainError, Trained, train};
use engine::dataset::Dataset;
use engine::metric::Metric;
use engine::model::{ModelFormat, save};
use engine::objective::ObjectiveName;
use engine::params::BoosterParams;
use engine::threads::Threads;
use linfa::ParamGuard;

use crate::table::{Shape, binned, classes, fit};

const SHAPE: Shape = Shape {
    n_rows: 1500,
    n_features: 6,
    missing: 0.1,
    weighted: false,
};

/// Trains with everything that can be given.
fn run(
    params: &BoosterParams,
    sets: &[&BinnedDataset],
    start: Option<&Booster>,
    stop_after: u32,
) -> Result<Trained, TrainError> {
    let names = ["train", "validation"];
    let sets: Vec<_> = sets
        .iter()
        .zip(names)
        .map(|(&data, name)| NamedData { name, data })
        .collect();
    let mut monitor = |report: &RoundReport<'_>| {
        if report.round == stop_after {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    train(
        params.check_ref().expect("the table is sound"),
        &sets[0],
        &sets[1..],
        start,
        &mut monitor,
    )
}

/// A training and a validation set with the same cuts.
fn pair(objective: ObjectiveName) -> (BinnedDataset, BinnedDataset) {
    let threads = Threads::single();
    let (train, validation) = (SHAPE.table(objective, 1), SHAPE.table(objective, 2));
    let cuts =
        Arc::new(HistogramCuts::from_dataset(&train, 256, &threads).expect("the table is sound"));
    (
        train.bin(&cuts, &threads).expect("the table is sound"),
        validation.bin(&cuts, &threads).expect("the table is sound"),
    )
}

#[test]
fn early_stopping_cuts_after_the_best_round_and_writes_it_down() {
    let (train, validation) = pair(ObjectiveName::RegSquaredError);
    let params = BoosterParams::default()
        .num_round(300)
        .early_stopping_rounds(Some(4))
        .eval_metrics(vec![Metric::Mae, Metric::Rmse]);
    let trained = run(&params, &[&train, &validation], None, u32::MAX).unwrap();
    let best = trained.best.unwrap();
    let watched: Vec<f64> = trained.history.iter().map(|round| round[3].value).collect();
    let lowest = watched.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!((trained.end, best.value), (TrainEnd::EarlyStopping, lowest));
    assert_eq!(watched[best.round as usize], lowest);
    assert_eq!(trained.history.len(), best.round as usize + 5);
    assert_eq!(trained.booster.n_rounds(), best.round as usize + 1);
    assert_eq!(
        trained.booster.attributes["best_iteration"],
        best.round.to_string()
    );
    assert_eq!(trained.booster.attributes["best_score"].parse(), Ok(lowest));
}

#[test]
fn a_number_of_rounds_that_is_never_reached_costs_no_memory() {
    let (train, _) = pair(ObjectiveName::RegSquaredError);
    let params = BoosterParams::default().num_round(u32::MAX);
    let trained = run(&params, &[&train], None, 1).unwrap();
    assert_eq!((trained.history.len(), trained.end), (2, TrainEnd::Monitor));
}

#[test]
fn early_stopping_without_a_set_to_watch_is_refused() {
    let (train, _) = pair(ObjectiveName::RegSquaredError);
    let params = BoosterParams::default().early_stopping_rounds(Some(4));
    assert!(matches!(
        run(&params, &[&train], None, u32::MAX),
        Err(TrainError::NothingToStopOn)
    ));
}

#[test]
fn every_set_is_evaluated_every_round_in_the_order_given() {
    let (train, validation) = pair(ObjectiveName::BinaryLogistic);
    let params = BoosterParams::default()
        .objective(ObjectiveName::BinaryLogistic)
        .num_round(3)
        .eval_metrics(vec![Metric::Logloss, Metric::Auc]);
    let trained = run(&params, &[&train, &validation], None, u32::MAX).unwrap();
    let names: Vec<_> = trained.history[2]
        .iter()
        .map(|e| format!("{}-{}", e.data, e.metric))
        .collect();
    assert_eq!(
        names,
        [
            "train-logloss",
            "train-auc",
            "validation-logloss",
            "validation-auc"
        ]
    );
    assert_eq!(
        (trained.history.len(), trained.end, trained.best),
        (3, TrainEnd::AllRounds, None)
    );
    assert!(
        trained.history[2][1].value > 0.9,
        "{:?}",
        trained.history[2]
    );
}

#[test]
fn the_booster_does_not_depend_on_who_watches() {
    let (train, validation) = pair(ObjectiveName::CountPoisson);
    let params = BoosterParams::default()
        .objective(ObjectiveName::CountPoisson)
        .num_round(4)
        .subsample(0.5);
    let watched = run(&params, &[&train, &validation], None, u32::MAX).unwrap();
    assert_eq!(
        watched.booster,
        run(&params, &[&train], None, u32::MAX).unwrap().booster
    );
}

#[test]
fn training_in_two_parts_gives_the_bytes_of_training_in_one() {
    let threads = Threads::single();
    for objective in [
        ObjectiveName::RegSquaredError,
        ObjectiveName::BinaryLogistic,
        ObjectiveName::MultiSoftprob,
    ] {
        let raw = SHAPE.table(objective, 1);
        let data = binned(raw.clone(), 64);
        let params = BoosterParams::default()
            .objective(objective)
            .num_class(classes(objective))
            .subsample(0.6)
            .colsample_bytree(0.7)
            .num_parallel_tree(2)
            .seed(-5);
        let whole = run(&params.clone().num_round(6), &[&data], None, u32::MAX).unwrap();
        let first = run(&params.clone().num_round(6), &[&data], None, 3).unwrap();
        assert_eq!(
            (first.end, first.booster.n_rounds()),
            (TrainEnd::Monitor, 4)
        );
        let margin = first.booster.predict_margin(&raw, &threads).unwrap();
        let with_margin = data.with_base_margin(margin).unwrap();
        let second = run(
            &params.num_round(2),
            &[&with_margin],
            Some(&first.booster),
            u32::MAX,
        )
        .unwrap();
        assert!(
            save(&second.booster, ModelFormat::Ubj) == save(&whole.booster, ModelFormat::Ubj),
            "{objective}"
        );
        assert_eq!(second.history[1], whole.history[5]);
    }
}

#[test]
fn continuing_needs_the_margins_and_the_same_kind_of_booster() {
    let (train, _) = pair(ObjectiveName::RegSquaredError);
    let params = BoosterParams::default().num_round(1);
    let start = run(&params, &[&train], None, u32::MAX).unwrap().booster;
    assert!(matches!(
        run(&params, &[&train], Some(&start), 9),
        Err(TrainError::NoBaseMargin { .. })
    ));
    let other = params.num_parallel_tree(3);
    assert!(matches!(
        run(&other, &[&train], Some(&start), 9),
        Err(TrainError::Start { .. })
    ));
}

#[test]
fn refuses_a_set_that_was_binned_with_other_cuts() {
    let (train, _) = pair(ObjectiveName::RegSquaredError);
    let other = binned(SHAPE.table(ObjectiveName::RegSquaredError, 9), 32);
    let refused = run(&BoosterParams::default(), &[&train, &other], None, 9).unwrap_err();
    assert!(refused.to_string().contains("validation"), "{refused}");
}

#[test]
fn refuses_a_label_by_set_and_row() {
    let data = Dataset::from_rows(1, &[1.0, 2.0, 3.0], &[0.0, 1.0, 2.0]).unwrap();
    let params = BoosterParams::default().objective(ObjectiveName::BinaryLogistic);
    let refused = run(&params, &[&binned(data, 256)], None, 9)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("`train` row 2") && refused.contains("[0,1]"),
        "{refused}"
    );
}

#[test]
fn refuses_a_table_of_weight_0() {
    let data = Dataset::from_rows(1, &[1.0, 2.0], &[0.0, 1.0])
        .unwrap()
        .with_weights(vec![0.0, 0.0])
        .unwrap();
    let refused = run(&BoosterParams::default(), &[&binned(data, 256)], None, 9);
    assert!(matches!(refused, Err(TrainError::NoWeight { .. })));
}

#[test]
fn one_row_gives_its_own_label() {
    let data = Dataset::from_rows(2, &[1.0, f32::NAN], &[7.5]).unwrap();
    let trained = fit(&BoosterParams::default(), &binned(data.clone(), 256), None);
    assert_eq!(
        trained.booster.predict(&data, &Threads::single()).unwrap(),
        [7.5]
    );
}

#[test]
fn columns_that_say_nothing_are_never_split() {
    let rows: Vec<f32> = (0..100_u8)
        .flat_map(|x| [3.0, f32::NAN, f32::from(x)])
        .collect();
    let labels: Vec<f32> = (0..100_u8).map(|x| f32::from(x / 10)).collect();
    let data = Dataset::from_rows(3, &rows, &labels).unwrap();
    let trained = fit(
        &BoosterParams::default().num_round(3),
        &binned(data, 256),
        None,
    );
    let splits = trained
        .booster
        .trees
        .iter()
        .flat_map(|tree| &tree.nodes)
        .filter(|node| node.left.is_some());
    assert!(splits.clone().count() > 3 && splits.clone().all(|node| node.split_index == 2));
}

#[test]
fn a_huge_label_does_not_blur_the_rest() {
    // One gradient is 1e9 times the others: the other rows must still be told apart to a part in a thousand.
    let n_rows = 4000_u16;
    let rows: Vec<f32> = (0..n_rows).map(|row| f32::from(row / 20)).collect();
    let mut labels: Vec<f32> = (0..n_rows).map(|x| f32::from(x % 2000 / 500)).collect();
    labels[3999] = 1e9;
    let data = Dataset::from_rows(1, &rows, &labels).unwrap();
    let params = BoosterParams::default()
        .num_round(1)
        .learning_rate(1.0)
        .reg_lambda(0.0)
        .base_score(Some(0.0))
        .max_depth(10)
        .max_bin(255);
    let trained = fit(&params, &binned(data.clone(), 255), None);
    let predictions = trained.booster.predict(&data, &Threads::single()).unwrap();
    for row in 0..3980 {
        assert!(
            (predictions[row] - labels[row]).abs() < 1e-3,
            "{row}: {} {}",
            predictions[row],
            labels[row]
        );
    }
}

#[test]
fn extreme_labels_and_weights_train_to_finite_trees() {
    let rows: Vec<f32> = (0..512_u16).map(|x| f32::from(x % 64)).collect();
    for (label, weight) in [(1e30_f32, 1.0), (1.0, 1e9), (-1e18, 1e9), (1e-30, 1e-9)] {
        let labels: Vec<f32> = (0..512)
            .map(|row| if row == 100 { label } else { (row % 3) as f32 })
            .collect();
        let weights: Vec<f32> = (0..512)
            .map(|row| if row % 5 == 0 { weight } else { 1.0 })
            .collect();
        let data = Dataset::from_rows(1, &rows, &labels)
            .unwrap()
            .with_weights(weights)
            .unwrap();
        let trained = fit(&BoosterParams::default(), &binned(data, 256), None);
        for node in trained.booster.trees.iter().flat_map(|tree| &tree.nodes) {
            let values = [
                node.split_condition,
                node.base_weight,
                node.loss_change,
                node.sum_hessian,
            ];
            assert!(
                values.iter().all(|x| x.is_finite()),
                "{label} {weight} {node:?}"
            );
            assert!(node.sum_hessian >= 0.0);
        }
    }
}

#[test]
fn gradients_that_overflow_are_refused_and_not_hidden() {
    let data = Dataset::from_rows(1, &[1.0, 2.0], &[1.0, 1e38])
        .unwrap()
        .with_weights(vec![1.0, 1e30])
        .unwrap();
    let refused = run(
        &BoosterParams::default().base_score(Some(0.0)),
        &[&binned(data, 256)],
        None,
        9,
    );
    assert!(matches!(refused, Err(TrainError::NotFinite { round: 0 })));
}

#[test]
fn base_scores_are_xgboosts() {
    let labels = [0.0, 1.0, 1.0, 1.0];
    let base_score = |params: BoosterParams, weights: Option<Vec<f32>>| {
        let mut data = Dataset::from_rows(1, &[1.0, 2.0, 3.0, 4.0], &labels).unwrap();
        if let Some(weights) = weights {
            data = data.with_weights(weights).unwrap();
        }
        fit(&params.num_round(0), &binned(data, 256), None)
            .booster
            .base_score
    };
    let logistic = BoosterParams::default().objective(ObjectiveName::BinaryLogistic);
    assert_eq!(base_score(BoosterParams::default(), None), 0.75);
    assert_eq!(
        base_score(BoosterParams::default(), Some(vec![3.0, 1.0, 1.0, 1.0])),
        0.5
    );
    assert_eq!(base_score(logistic.clone(), None), 0.75);
    // One Newton step from margin 0: gradients 0.5, -1, -1, -1, hessians 0.25, 0.5, 0.5, 0.5.
    let stump = 1.0 / (1.0 + (-2.5_f32 / 1.75).exp());
    assert!((base_score(logistic.clone().scale_pos_weight(2.0), None) - stump).abs() < 1e-6);
    assert_eq!(base_score(logistic.base_score(Some(0.2)), None), 0.2);
    let multi = BoosterParams::default()
        .objective(ObjectiveName::MultiSoftmax)
        .num_class(2);
    assert_eq!(base_score(multi, None), 0.5);
}

#[test]
fn a_label_that_never_changes_keeps_a_finite_start() {
    for (objective, label) in [
        (ObjectiveName::BinaryLogistic, 1.0),
        (ObjectiveName::BinaryLogistic, 0.0),
        (ObjectiveName::CountPoisson, 0.0),
    ] {
        let data = Dataset::from_rows(1, &[1.0, 2.0], &[label; 2]).unwrap();
        let trained = fit(
            &BoosterParams::default().objective(objective),
            &binned(data.clone(), 256),
            None,
        );
        let predictions = trained.booster.predict(&data, &Threads::single()).unwrap();
        assert!(
            predictions.iter().all(|p| (p - label).abs() < 1e-5),
            "{objective} {predictions:?}"
        );
    }
}

#[test]
fn a_forest_is_as_many_trees_a_round_each_with_its_share_of_eta() {
    let (train, _) = pair(ObjectiveName::RegSquaredError);
    let params = BoosterParams::default()
        .num_round(2)
        .num_parallel_tree(4)
        .learning_rate(1.0);
    let forest = fit(&params, &train, None).booster;
    let single = fit(&params.num_parallel_tree(1), &train, None).booster;
    assert_eq!((forest.trees.len(), forest.n_rounds()), (8, 2));
    let leaf = |booster: &Booster| booster.trees[0].nodes.last().unwrap().split_condition;
    assert!((leaf(&forest) * 4.0 - leaf(&single)).abs() < 1e-6);
    assert_eq!(forest.trees[0], forest.trees[3], "nothing was drawn");
}

#[test]
fn classes_have_a_tree_each_in_every_round() {
    let (train, validation) = pair(ObjectiveName::MultiSoftprob);
    let params = BoosterParams::default()
        .objective(ObjectiveName::MultiSoftprob)
        .num_class(3)
        .num_round(10);
    let trained = run(&params, &[&train, &validation], None, u32::MAX).unwrap();
    assert_eq!(trained.booster.tree_info[..6], [0, 1, 2, 0, 1, 2]);
    let (first, last) = (trained.history[0][1].value, trained.history[9][1].value);
    assert!(last < 0.7 * first, "{first} {last}");
}

#[test]
fn trees_are_numbered_breadth_first_with_the_right_child_next() {
    let (train, _) = pair(ObjectiveName::RegSquaredError);
    for max_depth in [0, 1, 6] {
        let params = BoosterParams::default()
            .num_round(1)
            .max_depth(max_depth)
            .nthread(Some(2));
        let tree = &fit(&params, &train, None).booster.trees[0];
        let mut next = 1;
        for (idx, node) in tree.nodes.iter().enumerate() {
            if let Some(left) = node.left {
                assert_eq!(left, next);
                next += 2;
                for child in [left, left + 1] {
                    assert_eq!(tree.nodes[child as usize].parent, idx as u32);
                }
            }
        }
        assert_eq!(next as usize, tree.nodes.len());
    }
}
