//! Updating the trees of a model: against its definition, row by row.

use std::slice::from_ref;

use engine::booster::{Booster, NamedValues, TrainError, Trained, check_update, update};
use engine::dataset::Dataset;
use engine::model::{ModelFormat, load, save};
use engine::objective::{GradientPair, ObjectiveName};
use engine::params::{BoosterName, BoosterParams, TreeUpdate, UpdateStep};
use engine::threads::Threads;
use linfa::ParamGuard;

use crate::table::{Shape, binned, fit, params as params_of};
use crate::watched::{check_evaluations, watched};

const SHAPE: Shape = Shape {
    n_rows: 900,
    n_features: 5,
    missing: 0.15,
    weighted: true,
};

fn params(objective: ObjectiveName) -> BoosterParams {
    let params = params_of(objective).max_depth(4).num_round(5);
    if objective == ObjectiveName::RegQuantileError {
        params.quantile_alpha(vec![0.7])
    } else {
        params
    }
}

fn with(params: BoosterParams, steps: &[UpdateStep], refresh_leaf: bool) -> BoosterParams {
    params.tree_update(TreeUpdate {
        steps: steps.to_vec(),
        refresh_leaf,
    })
}

/// Updates a model to the first table, beside the second.
fn updated(
    params: &BoosterParams,
    data: &[Dataset],
    model: &Booster,
) -> Result<(Trained, Vec<Booster>), TrainError> {
    let named = ["train", "validation"]
        .into_iter()
        .zip(data)
        .map(|(name, data)| NamedValues { name, data });
    let sets: Vec<_> = named.collect();
    let params = params.check_ref().expect("the parameters are sound");
    watched(|monitor| update(params, &sets[0], &sets[1..], model, monitor))
}

fn grown(params: &BoosterParams, data: &Dataset) -> Booster {
    fit(params, &binned(data.clone(), 32), None).booster
}

#[test]
fn every_evaluation_is_that_of_the_booster_as_it_was_then() {
    for &objective in ObjectiveName::ALL {
        let data = [1, 2].map(|seed| SHAPE.table(objective, seed));
        let params = params(objective).num_parallel_tree(2).subsample(0.8);
        let model = grown(&params, &SHAPE.table(objective, 3));
        for steps in [
            &[UpdateStep::Refresh][..],
            &[UpdateStep::Refresh, UpdateStep::Prune],
        ] {
            let params = with(params.clone().min_split_loss(0.5), steps, true);
            let seen = updated(&params, &data, &model).unwrap();
            check_evaluations(objective.as_str(), &seen, &data);
            let (trained, _) = seen;
            assert_eq!(trained.booster.n_rounds(), 5);
            let saved = load(&save(&trained.booster, ModelFormat::Json)).unwrap();
            assert_eq!(saved, trained.booster, "{objective}");
        }
    }
}

/// A refreshed tree is what the rows that reach each of its nodes say.
#[test]
fn refreshed_nodes_are_what_their_rows_say() {
    for objective in [ObjectiveName::BinaryLogistic, ObjectiveName::MultiSoftprob] {
        let data = SHAPE.table(objective, 1);
        let params = params(objective).reg_lambda(2.0).reg_alpha(0.3);
        let model = grown(&params, &SHAPE.table(objective, 3));
        let (trained, boosters) = updated(&params, from_ref(&data), &model).unwrap();
        let threads = Threads::single();
        let n_groups = model.n_groups();
        for round in 1..5 {
            let margins = boosters[round - 1].predict_margin(&data, &threads).unwrap();
            let mut pairs = vec![GradientPair::default(); margins.len()];
            let objective = &model.objective;
            objective.gradients(&margins, &data.targets(), &mut pairs);
            for group in 0..n_groups {
                let tree = round * n_groups + group;
                let (old, new) = (&model.trees[tree], &trained.booster.trees[tree]);
                let mut sums = vec![(0.0_f64, 0.0_f64); old.nodes.len()];
                for row in 0..data.n_rows() {
                    let pair = pairs[row * n_groups + group];
                    let value = |feature: u32| data.value(row, feature as usize);
                    let mut node = old.leaf_idx(value) as u32;
                    loop {
                        let sum = &mut sums[node as usize];
                        sum.0 += f64::from(pair.grad);
                        sum.1 += f64::from(pair.hess);
                        if node == 0 {
                            break;
                        }
                        node = old.nodes[node as usize].parent;
                    }
                }
                let shrunk = |grad: f64| grad.signum() * (grad.abs() - 0.3).max(0.0);
                let gain = |it: usize| shrunk(sums[it].0).powi(2) / (sums[it].1 + 2.0);
                for (idx, (old, new)) in old.nodes.iter().zip(&new.nodes).enumerate() {
                    let near = |found: f32, expected: f64| {
                        let off = (f64::from(found) - expected).abs();
                        assert!(off <= 1e-4 * expected.abs().max(1.0), "{found} {expected}");
                    };
                    let weight = -shrunk(sums[idx].0) / (sums[idx].1 + 2.0);
                    near(new.base_weight, weight);
                    near(new.sum_hessian, sums[idx].1);
                    match old.left.map(|it| it as usize) {
                        Some(left) => {
                            near(new.loss_change, gain(left) + gain(left + 1) - gain(idx));
                            assert_eq!(new.split_condition, old.split_condition);
                        }
                        None => near(new.split_condition, 0.3 * weight),
                    }
                }
            }
        }
    }
}

#[test]
fn the_rows_that_trees_were_grown_on_say_what_they_said() {
    let objective = ObjectiveName::RegSquaredError;
    let data = SHAPE.table(objective, 1);
    let model = grown(&params(objective), &data);
    let (again, _) = updated(&params(objective), from_ref(&data), &model).unwrap();
    for (old, new) in model.trees.iter().zip(&again.booster.trees) {
        for (old, new) in old.nodes.iter().zip(&new.nodes) {
            let off = (old.split_condition - new.split_condition).abs();
            assert!(off < 1e-4, "{old:?} {new:?}");
        }
    }
}

#[test]
fn leaves_stay_where_only_their_nodes_are_told_of() {
    let objective = ObjectiveName::BinaryLogistic;
    let model = grown(&params(objective), &SHAPE.table(objective, 3));
    let params = with(params(objective), &[UpdateStep::Refresh], false);
    let (told, _) = updated(&params, &[SHAPE.table(objective, 1)], &model).unwrap();
    let mut covers_differ = false;
    let nodes = |it: &Booster| {
        it.trees
            .iter()
            .flat_map(|it| it.nodes.clone())
            .collect::<Vec<_>>()
    };
    for (old, new) in nodes(&model).iter().zip(&nodes(&told.booster)) {
        assert_eq!(old.split_condition, new.split_condition);
        covers_differ |= old.sum_hessian != new.sum_hessian;
    }
    assert!(covers_differ);
}

#[test]
fn pruning_leaves_splits_that_are_worth_it() {
    let objective = ObjectiveName::RegSquaredError;
    let data = SHAPE.table(objective, 1);
    let model = grown(&params(objective), &data);
    let only = with(params(objective), &[UpdateStep::Prune], true);
    let (same, _) = updated(&only, from_ref(&data), &model).unwrap();
    assert_eq!(same.booster.trees, model.trees);
    let (shallow, _) = updated(&only.clone().max_depth(2), from_ref(&data), &model).unwrap();
    assert!(shallow.booster.trees.iter().all(|tree| tree.depth() <= 2));
    let (worthy, _) = updated(&only.min_split_loss(40.0), from_ref(&data), &model).unwrap();
    let lowest = worthy.booster.trees.iter().flat_map(|tree| {
        let is_leaf = |at: u32| tree.nodes[at as usize].left.is_none();
        let above_leaves = tree.nodes.iter().filter(move |node| {
            node.left
                .is_some_and(|left| is_leaf(left) && is_leaf(left + 1))
        });
        above_leaves.map(|node| node.loss_change)
    });
    let lowest: Vec<f32> = lowest.collect();
    assert!(!lowest.is_empty() && lowest.iter().all(|&it| it >= 40.0));
    let n_nodes = |booster: &Booster| booster.trees.iter().map(|it| it.nodes.len()).sum::<usize>();
    assert!(n_nodes(&worthy.booster) < n_nodes(&model));
}

#[test]
fn threads_do_not_show_and_later_rounds_are_left_out() {
    let objective = ObjectiveName::MultiSoftprob;
    let shape = Shape {
        n_rows: 40_000,
        ..SHAPE
    };
    let data = [shape.table(objective, 1), SHAPE.table(objective, 2)];
    let model = grown(&params(objective), &SHAPE.table(objective, 3));
    let runs = [1, 2, 3, 8].map(|n_threads| {
        let params = params(objective).num_round(3).nthread(Some(n_threads));
        let (trained, _) = updated(&params, &data, &model).unwrap();
        assert_eq!(trained.booster.n_rounds(), 3);
        (save(&trained.booster, ModelFormat::Ubj), trained.history)
    });
    assert!(runs.iter().all(|it| *it == runs[0]));
}

#[test]
fn what_cannot_be_updated_is_refused_with_the_reason() {
    let objective = ObjectiveName::RegSquaredError;
    let data = [SHAPE.table(objective, 1)];
    let model = grown(&params(objective), &data[0]);
    let refused = |params: BoosterParams, model: &Booster| {
        check_update(params.check_ref().unwrap(), model)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused(params(objective).num_round(6), &model),
        "num_round is `6`, the model that is updated has 5 rounds, and no more can be updated"
    );
    let dart = params(objective).booster(BoosterName::Dart);
    let of_dart = grown(&dart, &data[0]);
    assert_eq!(
        refused(params(objective), &of_dart),
        "the booster to continue from has booster `dart`, the parameters ask for `gbtree`"
    );
    assert!(refused(dart, &model).contains("`gbtree`, the parameters ask for `dart`"));
    let levels = params_of(ObjectiveName::RegQuantileError);
    let table = SHAPE.table(ObjectiveName::RegQuantileError, 1);
    let of_levels = grown(&levels, &table);
    assert!(
        refused(levels, &of_levels).contains("in their first trees, which an update would change")
    );
}
