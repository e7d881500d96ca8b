//! Categories that are words: the same model from CSV and Parquet and for any number of threads, and the words beside it.

use engine::model;
use serde_json::json;

use crate::bad_input::check;
use crate::job::Job;
use crate::parquet_file::{Cells, file, floats};

const SHOPS: [&str; 5] = ["Köln", "Aachen", "New York", "Ulm", "Bonn"];

fn job() -> Job {
    Job::new(&[
        ("num_round", "6"),
        ("max_depth", "3"),
        ("nthread", "2"),
        ("feature_names", "shop,price,kind"),
        ("categorical_features", "shop,kind"),
    ])
}

/// A label, a shop, a price, a kind.
type Row = (f32, Option<&'static str>, f32, &'static str);

fn table(n_rows: usize) -> impl Iterator<Item = Row> {
    (0..n_rows).map(|row| {
        let (shop, price) = (row * 7 % 5, (row * 13 % 11) as f32);
        let label = [3.0, 0.0, 5.0, 1.0, 4.0][shop] + price / 10.0;
        let shop = (row % 9 != 0).then(|| SHOPS[shop]);
        (label, shop, price, ["new", "used"][row * 3 % 2])
    })
}

fn csv(n_rows: usize) -> String {
    let lines = table(n_rows).map(|(label, shop, price, kind)| {
        format!("{label},{},{price},\"{kind}\"\n", shop.unwrap_or_default())
    });
    lines.collect::<Vec<_>>().concat()
}

fn text(cells: impl Iterator<Item = Option<&'static str>>) -> Cells {
    Cells::Bytes(
        cells
            .map(|it| it.map(|it| it.as_bytes().to_vec()))
            .collect(),
    )
}

fn parquet(job: Job, n_rows: usize) -> Job {
    let job = job.channel("train", "application/x-parquet", &[]);
    let numbers = |of: fn(Row) -> f32| floats(&table(n_rows).map(of).collect::<Vec<_>>());
    let columns = [
        numbers(|it| it.0),
        text(table(n_rows).map(|it| it.1)),
        numbers(|it| it.2),
        text(table(n_rows).map(|it| Some(it.3))),
    ];
    let schema = "required float label; optional binary shop (STRING); required float price; required binary kind (STRING)";
    job.write(
        "input/data/train/a.parquet",
        file(schema, &[columns.to_vec()]),
    );
    job
}

#[test]
fn words_have_codes_in_their_order_and_parquet_gives_the_model_of_csv() {
    let ended = job()
        .csv("train", &csv(500))
        .csv("validation", &csv(50))
        .run();
    let booster = model::load(&ended.model()).unwrap();
    let names = booster.category_names.of(0).unwrap().as_slice();
    assert_eq!(names, ["Aachen", "Bonn", "Köln", "New York", "Ulm"]);
    let features = ended.json("model/linden/features.json");
    assert_eq!(features["categories"]["2"], json!(["new", "used"]));
    let last = ended.metric_lines().last().unwrap().to_string();
    let rmse: f32 = last.rsplit(':').next().unwrap().parse().unwrap();
    assert!(rmse < 0.8, "{last}");
    let of_parquet = parquet(job(), 500).run();
    assert_eq!(of_parquet.model(), ended.model());
    // A column of text says by itself that it holds categories.
    let undeclared = parquet(
        job().set("categorical_features", "").set("verbosity", "2"),
        500,
    )
    .run();
    assert_eq!(undeclared.model(), ended.model());
    let said = "Features that hold text are read as categories: `shop`, `kind`";
    assert!(undeclared.stderr.contains(said), "{}", undeclared.stderr);
}

#[test]
fn threads_do_not_show_in_the_codes() {
    // Enough bytes for several blocks, with words that only some of them have.
    let lines = (0..120_000).map(|row| format!("{},w{},{},x\n", row % 13, row / 700, row % 17));
    let table = lines.collect::<Vec<_>>().concat();
    let model = |threads: &str| {
        let job = job().set("num_round", "1").set("nthread", threads);
        job.csv("train", &table).run().model()
    };
    let first = model("1");
    assert!(["2", "3", "8"].iter().all(|it| model(it) == first));
}

#[test]
fn a_word_that_training_never_saw_is_missing_in_the_validation_channel() {
    let last = |validation: &str| {
        let ended = job()
            .csv("train", &csv(500))
            .csv("validation", validation)
            .run();
        ended.model();
        ended.metric_lines().last().unwrap().to_string()
    };
    assert_eq!(
        last("2,Paris,3,new\n1,,4,used\n"),
        last("2,,3,new\n1,NA,4,used\n")
    );
    assert_ne!(last("2,Paris,3,new\n"), last("2,Ulm,3,new\n"));
}

#[test]
fn training_goes_on_by_the_codes_of_the_first_model() {
    let first = job().csv("train", &csv(500)).run();
    // Without one of the shops codes of its own would be others.
    let all = csv(500);
    let fewer = all
        .split_inclusive('\n')
        .filter(|it| !it.contains("Aachen"))
        .collect::<String>();
    let second = job()
        .csv("train", &fewer)
        .channel("model", "application/octet-stream", &[]);
    second.write("input/data/model/xgboost-model", first.model());
    let second = second.run();
    let [first, second] = [first, second].map(|it| model::load(&it.model()).unwrap());
    assert_eq!(second.category_names, first.category_names);
    assert_eq!(
        (second.n_rounds(), &second.trees[..6]),
        (12, &first.trees[..])
    );
}

#[test]
fn single_trees_folds_and_baselines_take_words_too() {
    let tree = job()
        .set("algorithm", "decision_tree")
        .set("num_round", "1");
    let tree = tree
        .csv("train", &csv(300))
        .csv("validation", &csv(60))
        .run();
    let booster = model::load(&tree.model()).unwrap();
    assert_eq!(booster.category_names.iter().count(), 2);
    assert!(!booster.trees[0].categories.is_empty());
    let folds = job().set("_kfold", "3").csv("train", &csv(300)).run();
    let of_fold = model::load(&folds.read("model/xgboost-model-1").unwrap()).unwrap();
    assert_eq!(of_fold.category_names, booster.category_names);
    let baseline = job()
        .set("baseline_columns", "shop")
        .csv("train", &csv(300))
        .csv("validation", &csv(60))
        .run();
    let evaluation = baseline.json("output/data/evaluation.json");
    assert_eq!(evaluation["baseline"]["groups"], json!(6));
    assert_eq!(evaluation["baseline"]["unseen_rows"], json!(0));
}

#[test]
fn what_is_no_category_is_refused_as_it_stands() {
    let codes = "1,0,5,1\n2,1,6,0\n0,2,7,1\n";
    check(vec![
        (
            job()
                .csv("train", codes)
                .csv("validation", "1,0,5,1\n1,Ulm,5,1\n"),
            "UserError: validation/data.csv, row 2: feature 0 is `Ulm`, which is no category…",
        ),
        (
            job().csv("train", &format!("{codes}1,-1,5,0\n")),
            "UserError: train/data.csv, row 4: feature 0 is `-1`, which is no category…",
        ),
        (
            job().csv("train", "1,Ulm,five,new\n"),
            "UserError: train/data.csv, line 1, column 3: text `five` where a number is expected",
        ),
        (
            job().csv("train", "1,\"Ulm,5,new\n2,Bonn,6,new\n"),
            "UserError: train/data.csv, line 1, column 2: the quote in …",
        ),
        (
            job().csv("train", "label,shop,price,kind\n1,Ulm,5,new\n"),
            "UserError: train/data.csv, line 1, column 1: text `label` where the first label is expected: the file starts with a header",
        ),
        (
            job().set("categorical_features", "").csv("train", &csv(9)),
            "UserError: train/data.csv, line 1, column 4: text `new` where a number is expected",
        ),
    ]);
}
