//! Constraints, chances of columns and sampling by gradients in a whole job: what reaches the model, and what is refused.

use engine::model;
use engine::tree::Tree;

use crate::bad_input::check;
use crate::job::{Job, sparse_table, table};
use crate::parquet_file::{doubles, file};

fn good() -> Job {
    Job::new(&[("num_round", "4"), ("max_depth", "4"), ("nthread", "2")])
}

/// Whether every way from the root to a leaf is on one feature only.
fn is_additive(tree: &Tree) -> bool {
    let mut met = vec![None; tree.nodes.len()];
    tree.nodes.iter().enumerate().all(|(idx, node)| {
        let Some(left) = node.left else { return true };
        for child in [left as usize, left as usize + 1] {
            met[child] = Some(node.split_index);
        }
        met[idx].is_none_or(|before| before == node.split_index)
    })
}

#[test]
fn constraints_mean_the_same_by_number_by_name_and_in_every_content_type() {
    let names = ("feature_names", "a,b,c");
    let by_number = good()
        .set("monotone_constraints", "(0,-1,1)")
        .set("interaction_constraints", "[[0],[1],[2]]");
    let by_name = good()
        .set("monotone_constraints", "{\"c\": 1, \"b\": -1}")
        .set("interaction_constraints", "[['a'], ['b'], ['c']]");
    let expected = by_number.csv("train", &table(400)).run();
    let booster = model::load(&expected.model()).unwrap();
    assert!(booster.trees.iter().all(|tree| tree.nodes.len() > 3));
    assert!(booster.trees.iter().all(is_additive));
    let plain = good().csv("train", &table(400)).run();
    let plain = model::load(&plain.model()).unwrap();
    assert!(!plain.trees.iter().all(is_additive));
    let effective = expected.json("model/linden/hyperparameters.json");
    assert_eq!(effective["monotone_constraints"], "(0,-1,1)");
    assert_eq!(effective["interaction_constraints"], "[[0],[1],[2]]");
    let trees = |job: Job| model::load(&job.run().model()).unwrap().trees;
    let named = by_name.set(names.0, names.1);
    assert_eq!(trees(named.csv("train", &table(400))), booster.trees);
    let sparse = good()
        .set("monotone_constraints", "(0,-1,1)")
        .set("interaction_constraints", "((0,),(1,),(2,))");
    assert_eq!(
        trees(sparse.libsvm("train", &sparse_table(400))),
        booster.trees
    );
}

/// Parquet files bring names that constraints may use.
#[test]
fn names_of_columns_are_those_of_the_file() {
    let parquet = |text: &str| {
        let job =
            good()
                .set("monotone_constraints", text)
                .channel("train", "application/x-parquet", &[]);
        let rows: Vec<f64> = (0..60).map(f64::from).collect();
        let columns = vec![doubles(&rows), doubles(&rows), doubles(&rows)];
        let schema = "required double y; required double hour; required double price";
        job.write("input/data/train/a.parquet", file(schema, &[columns]));
        job
    };
    // The label falls when nothing may rise.
    let booster = parquet("{hour: -1, price: -1}").run().model();
    let booster = model::load(&booster).unwrap();
    assert!(booster.trees.iter().all(|tree| tree.nodes.len() == 1));
    parquet("{hour: 1}").run().model();
    check(vec![(
        parquet("{prices: 1}"),
        "UserError: Hyperparameter monotone_constraints: there is no column `prices`, allowed are 0 to 1 and the names of the \
         features; did you mean `price`?",
    )]);
}

#[test]
fn what_does_not_fit_the_table_is_refused_by_name() {
    let job = |name: &str, value: &str| {
        let job = good().set("colsample_bytree", "0.7");
        job.set(name, value).csv("train", &table(30))
    };
    check(vec![
        (
            job("monotone_constraints", "(1,0,0,1)"),
            "UserError: Hyperparameter monotone_constraints: 4 directions for 3 feature columns",
        ),
        (
            job("monotone_constraints", "{\"age\": 1}"),
            "UserError: Hyperparameter monotone_constraints: there is no column `age`, allowed are 0 to 2",
        ),
        (
            job("monotone_constraints", "(1,0,2)"),
            "UserError: Hyperparameter monotone_constraints: `2` is not supported; directions are 1, 0 and -1…",
        ),
        (
            job("interaction_constraints", "[[0,3]]"),
            "UserError: Hyperparameter interaction_constraints: there is no column `3`, allowed are 0 to 2",
        ),
        (
            job("interaction_constraints", "[[0,1]"),
            "UserError: Hyperparameter interaction_constraints: `[[0,1]` is not supported; at character 7: expected `,` or `]`…",
        ),
        (
            job("feature_weights", "1,2"),
            "UserError: Hyperparameter feature_weights: 2 weights for 3 feature columns",
        ),
        (
            job("feature_weights", "1,2,-3"),
            "UserError: Hyperparameter feature_weights: `-3` is not supported; weights are numbers that are not negative…",
        ),
        (
            job("sampling_method", "gradients"),
            "UserError: Hyperparameter sampling_method: gradients is not in [uniform, gradient_based]…",
        ),
        (
            Job::new(&[
                ("algorithm", "decision_tree"),
                ("tree_method", "exact"),
                ("monotone_constraints", "(1)"),
            ])
            .csv("train", &table(30)),
            "UserError: Hyperparameter monotone_constraints: does not go with `tree_method` = `exact`, which searches without \
             constraints; use `hist`…",
        ),
    ]);
}

#[test]
fn a_decision_tree_heeds_constraints_among_bins() {
    let labels = (0..200)
        .map(|row| format!("{},{},{}\n", u8::from(row % 20 > 9), row % 20, row % 7))
        .collect::<Vec<_>>()
        .concat();
    let job = |directions: &str| {
        Job::new(&[
            ("algorithm", "decision_tree"),
            ("objective", "binary:logistic"),
            ("verbosity", "2"),
            ("monotone_constraints", directions),
        ])
        .csv("train", &labels)
        .run()
    };
    let free = job("()");
    assert!(
        free.stderr.contains("searched among all values"),
        "{}",
        free.stderr
    );
    let rising = job("(1)");
    let said = "searched among bins: `monotone_constraints` is heeded among bins only";
    assert!(rising.stderr.contains(said), "{}", rising.stderr);
    assert_eq!(
        model::load(&rising.model()).unwrap().trees[0].nodes.len(),
        3
    );
    // The label rises with the first feature, so falling is one leaf.
    let falling = model::load(&job("(-1,1)").model()).unwrap();
    assert!(
        falling.trees[0]
            .nodes
            .iter()
            .all(|it| it.left.is_none() || it.split_index == 1)
    );
}

#[test]
fn weights_and_sampling_reach_the_model() {
    let weighted = good()
        .set("colsample_bynode", "0.4")
        .set("feature_weights", "2:5,1:0,0:0")
        .csv("train", &table(300))
        .run();
    let booster = model::load(&weighted.model()).unwrap();
    let nodes = booster.trees.iter().flat_map(|it| &it.nodes);
    let splits: Vec<_> = nodes.filter(|it| it.left.is_some()).collect();
    assert!(splits.len() > 10 && splits.iter().all(|it| it.split_index == 2));
    assert_eq!(
        weighted.json("model/linden/hyperparameters.json")["feature_weights"],
        "0,0,5"
    );
    let sampled = |method: &str| {
        let job = good()
            .set("subsample", "0.5")
            .set("sampling_method", method);
        job.csv("train", &table(300)).run()
    };
    let (uniform, by_gradients) = (sampled("uniform"), sampled("gradient_based"));
    assert_ne!(uniform.model(), by_gradients.model());
    assert_eq!(
        by_gradients.json("model/linden/hyperparameters.json")["sampling_method"],
        "gradient_based"
    );
    let unread = good()
        .set("sampling_method", "gradient_based")
        .set("verbosity", "2");
    let unread = unread.csv("train", &table(300)).run();
    let said = "Hyperparameter sampling_method: `gradient_based` has no effect: `subsample` is 1";
    assert!(unread.stderr.contains(said), "{}", unread.stderr);
    assert_eq!(
        unread.model(),
        good().csv("train", &table(300)).run().model()
    );
}

#[test]
fn folds_are_constrained_too() {
    let ended = good()
        .set("_kfold", "3")
        .set("interaction_constraints", "[[0],[1],[2]]")
        .csv("train", &table(300))
        .run();
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    for fold in 0..3 {
        let bytes = ended.read(&format!("model/xgboost-model-{fold}")).unwrap();
        let booster = model::load(&bytes).unwrap();
        assert!(booster.trees.iter().all(is_additive), "fold {fold}");
    }
}
