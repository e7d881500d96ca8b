//! The same data, parameters and seed give the same booster, whatever the number of threads.

use engine::model::{ModelFormat, save};
use engine::objective::ObjectiveName;
use engine::params::BoosterParams;

use crate::table::{Shape, binned, fit, params};

#[test]
fn every_objective_gives_the_same_bytes_on_1_2_3_and_8_threads() {
    // Large tables add up in narrower cells than small ones.
    for (&objective, n_rows) in ObjectiveName::ALL
        .iter()
        .zip([20_000, 70_000].into_iter().cycle())
    {
        let data = |seed| {
            let shape = Shape {
                n_rows,
                n_features: 15,
                missing: 0.1,
                weighted: true,
            };
            binned(shape.table(objective, seed), 64)
        };
        let (train, validation) = (data(1), data(1));
        let params = params(objective)
            .num_round(3)
            .subsample(0.7)
            .colsample_bytree(0.6)
            .num_parallel_tree(2)
            .seed(11);
        let runs = [1, 2, 3, 8].map(|n_threads| {
            let trained = fit(
                &params.clone().nthread(Some(n_threads)),
                &train,
                Some(&validation),
            );
            (save(&trained.booster, ModelFormat::Ubj), trained.history)
        });
        assert!(runs[0].0.len() > 1000, "{objective}");
        for run in &runs[1..] {
            assert!(run.0 == runs[0].0, "{objective}: other bytes");
            assert_eq!(run.1, runs[0].1, "{objective}: other evaluations");
        }
    }
}

#[test]
fn another_seed_gives_another_booster_only_where_something_is_drawn() {
    let shape = Shape {
        n_rows: 2000,
        n_features: 5,
        missing: 0.0,
        weighted: false,
    };
    let data = binned(shape.table(ObjectiveName::RegSquaredError, 5), 256);
    let params = BoosterParams::default().num_round(2);
    let booster = |params: BoosterParams| fit(&params, &data, None).booster;
    assert_eq!(
        booster(params.clone().seed(1)),
        booster(params.clone().seed(2))
    );
    let drawn = params.subsample(0.5);
    assert_ne!(booster(drawn.clone().seed(1)), booster(drawn.seed(2)));
}
