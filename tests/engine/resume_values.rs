//! Linear boosters and updates that are broken off go on, bit for bit.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::ops::ControlFlow;

use engine::booster::{
    Booster, NamedColumns, NamedValues, Progress, RoundReport, TrainError, Trained, resume_linear,
    resume_update, train_linear, update,
};
use engine::dataset::{Dataset, SideColumns};
use engine::linear::ColumnTable;
use engine::metric::Metric;
use engine::objective::{LambdaRank, ObjectiveName};
use engine::params::{
    BoosterName, BoosterParams, FeatureSelector, Linear, LinearUpdater, TreeUpdate, UpdateStep,
};
use engine::threads::Threads;
use linfa::ParamGuard;

use crate::resume::{check, uninterrupted};
use crate::table::{Shape, binned, fit, params as params_of};

const SHAPE: Shape = Shape {
    n_rows: 500,
    n_features: 5,
    missing: 0.15,
    weighted: true,
};

const NAMES: [&str; 2] = ["train", "validation"];

fn tables(objective: ObjectiveName) -> [Dataset; 2] {
    [1, 2].map(|seed| SHAPE.table(objective, seed))
}

fn on(_: &RoundReport<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// A linear training, without a break and from what was kept of it.
struct OfColumns {
    params: BoosterParams,
    tables: [ColumnTable; 2],
    start: Option<Booster>,
}

impl OfColumns {
    fn new(params: BoosterParams, objective: ObjectiveName) -> Self {
        Self {
            params,
            tables: tables(objective).map(ColumnTable::from),
            start: None,
        }
    }

    fn named(&self) -> Vec<NamedColumns<'_>> {
        let named = NAMES.into_iter().zip(&self.tables);
        let named = named.map(|(name, data)| NamedColumns { name, data });
        named.collect()
    }

    fn uninterrupted(&self) -> (Trained, Vec<Progress>) {
        let (params, sets) = (self.params.check_ref().unwrap(), self.named());
        let start = self.start.as_ref();
        uninterrupted(&|keep| train_linear(params, &sets[0], &sets[1..], start, keep))
    }

    fn resumed(&self, progress: Progress) -> Result<Trained, TrainError> {
        let (params, sets) = (self.params.check_ref().unwrap(), self.named());
        resume_linear(params, &sets[0], &sets[1..], progress, &mut on)
    }

    fn check(&self, what: &str) -> Trained {
        let whole = self.uninterrupted();
        check(what, &whole, |it| self.resumed(it));
        whole.0
    }
}

fn linear(objective: ObjectiveName) -> BoosterParams {
    params_of(objective)
        .booster(BoosterName::GbLinear)
        .num_round(7)
        .seed(4)
}

#[test]
fn every_linear_objective_goes_on_after_any_round() {
    for &objective in ObjectiveName::ALL {
        OfColumns::new(linear(objective).learning_rate(0.4), objective).check(objective.as_str());
    }
}

#[test]
fn weights_are_taken_in_the_same_order_after_a_break() {
    let objective = ObjectiveName::BinaryLogistic;
    for feature_selector in [
        FeatureSelector::Shuffle,
        FeatureSelector::Random,
        FeatureSelector::Greedy,
        FeatureSelector::Thrifty,
    ] {
        let selected = linear(objective).linear(Linear {
            updater: LinearUpdater::CoordDescent,
            feature_selector,
            top_k: 2,
            ..Linear::default()
        });
        OfColumns::new(selected, objective).check("selected");
    }
}

/// Each label starts from its own estimate, which the biases hold.
#[test]
fn a_linear_booster_of_two_labels_goes_on_and_says_what_it_is_worth() {
    for objective in [
        ObjectiveName::RegSquaredError,
        ObjectiveName::BinaryLogistic,
    ] {
        let data = tables(objective).map(|table| {
            let other = SHAPE.table(objective, 9);
            let side = SideColumns {
                further_labels: Some(other.labels().to_vec()),
                ..SideColumns::default()
            };
            table.with_side_columns(side).unwrap()
        });
        let mut job = OfColumns::new(linear(objective).learning_rate(0.4), objective);
        job.tables = data.clone().map(ColumnTable::from);
        let trained = job.check("two labels");
        let margins = trained.booster.predict_margin(&data[0], &Threads::single());
        let columns = trained
            .booster
            .predict_margin_columns(&job.tables[0], &Threads::single());
        let margins = margins.unwrap();
        assert!(margins.iter().all(|it| it.is_finite()));
        assert_eq!(margins, columns.unwrap());
    }
}

#[test]
fn a_linear_training_that_began_with_a_booster_goes_on() {
    let objective = ObjectiveName::CountPoisson;
    let mut job = OfColumns::new(linear(objective).learning_rate(0.2), objective);
    job.start = Some(job.uninterrupted().0.booster);
    let trained = job.check("continued");
    assert_eq!(trained.booster.n_rounds(), 14);
}

/// The second table is another one, so weights that go on to fit the first get worse there.
#[test]
fn the_best_weights_are_brought_back_after_a_break() {
    let objective = ObjectiveName::RegSquaredError;
    let stopping = linear(objective)
        .num_round(300)
        .learning_rate(0.9)
        .early_stopping_rounds(Some(2))
        .eval_metrics(vec![Metric::Mae]);
    let job = OfColumns::new(stopping, objective);
    let trained = job.check("early stopping");
    let best = trained.best.unwrap().round as usize;
    assert!(best + 1 < trained.history.len(), "{best}");
    let later = job.uninterrupted().1.pop().unwrap();
    assert_ne!(later.booster.kind, trained.booster.kind);
    let mut fewer = job;
    fewer.params = fewer.params.num_round(1);
    let refused = fewer.resumed(later).unwrap_err().to_string();
    assert!(refused.contains("at most 1"), "{refused}");
}

/// An update of a model, without a break and from what was kept of it.
fn check_update(what: &str, params: &BoosterParams, objective: ObjectiveName) -> Trained {
    let growing = params.clone().early_stopping_rounds(None);
    let model = fit(&growing, &binned(SHAPE.table(objective, 3), 32), None).booster;
    let tables = tables(objective);
    let named = NAMES.into_iter().zip(&tables);
    let named = named.map(|(name, data)| NamedValues { name, data });
    let sets: Vec<_> = named.collect();
    let (train, evals) = (&sets[0], &sets[1..]);
    let checked = params.check_ref().unwrap();
    let whole = uninterrupted(&|keep| update(checked, train, evals, &model, keep));
    check(what, &whole, |it| {
        resume_update(checked, (train, evals), &model, it, &mut on)
    });
    whole.0
}

fn updating(objective: ObjectiveName, steps: &[UpdateStep]) -> BoosterParams {
    let params = params_of(objective).max_depth(4).num_round(5);
    let params = params.tree_update(TreeUpdate {
        steps: steps.to_vec(),
        refresh_leaf: true,
    });
    if objective == ObjectiveName::RegQuantileError {
        params.quantile_alpha(vec![0.7])
    } else {
        params
    }
}

#[test]
fn every_update_goes_on_after_any_round() {
    for &objective in ObjectiveName::ALL {
        for steps in [
            &[UpdateStep::Refresh][..],
            &[UpdateStep::Refresh, UpdateStep::Prune],
        ] {
            let params = updating(objective, steps).min_split_loss(0.5);
            check_update(objective.as_str(), &params.num_parallel_tree(2), objective);
        }
    }
}

#[test]
fn an_update_that_learns_of_places_or_stops_early_goes_on() {
    let unbiased = LambdaRank {
        unbiased: true,
        ..LambdaRank::default()
    };
    let objective = ObjectiveName::RankNdcg;
    let params = updating(objective, &[UpdateStep::Refresh]).lambdarank(unbiased);
    check_update("unbiased", &params, objective);
    let stopping = params.num_round(12).early_stopping_rounds(Some(2));
    check_update("early stopping", &stopping, objective);
}
