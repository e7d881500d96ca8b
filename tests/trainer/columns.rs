//! Columns beside the features: what each does, in each content type, and how a wrong one is told.

use engine::dataset::{Dataset, SideColumns};
use engine::model;
use engine::threads::Threads;

use crate::job::{Ended, Job, rows};
use crate::parquet_file::{Cells, file, floats};

fn counts() -> Job {
    Job::new(&[
        ("num_round", "6"),
        ("max_depth", "3"),
        ("objective", "count:poisson"),
        ("nthread", "2"),
    ])
}

/// A count, its exposure, and what the rate follows.
fn exposed(n_rows: usize) -> impl Iterator<Item = (f32, f32, [f32; 3])> {
    rows(n_rows).enumerate().map(|(row, (_, [a, b, c]))| {
        let exposure = 0.5 + (row % 9) as f32;
        ((exposure * (1.0 + a / 8.0)).round(), exposure, [a, b, c])
    })
}

fn exposed_csv(n_rows: usize) -> String {
    exposed(n_rows)
        .map(|(label, exposure, [a, b, c])| format!("{label},{a},{b},{exposure},{c}\n"))
        .collect::<Vec<_>>()
        .concat()
}

#[test]
fn an_exposure_is_no_feature_and_multiplies_the_rate() {
    let ended = counts()
        .set("exposure_column", "3")
        .csv("train", &exposed_csv(400))
        .run();
    let booster = model::load(&ended.model()).unwrap();
    assert_eq!(booster.n_features(), 3);
    let (mut labels, mut exposures, mut features) = (Vec::new(), Vec::new(), Vec::new());
    for (label, exposure, row) in exposed(400) {
        labels.push(label);
        exposures.push(exposure);
        features.extend(row);
    }
    // The base score is the rate of all: counts over exposure.
    let rate = labels.iter().sum::<f32>() / exposures.iter().sum::<f32>();
    assert!((booster.base_score - rate).abs() < 1e-5 * rate);
    let data = Dataset::from_rows(3, &features, &labels).unwrap();
    let threads = Threads::single();
    let rates = booster.predict(&data, &threads).unwrap();
    let side = SideColumns {
        exposure: Some(exposures.clone()),
        ..SideColumns::default()
    };
    let data = data.with_side_columns(side).unwrap();
    let counts = booster.predict(&data, &threads).unwrap();
    let mut squares = 0.0;
    for ((count, rate), (exposure, label)) in
        counts.iter().zip(&rates).zip(exposures.iter().zip(&labels))
    {
        assert!((count - rate * exposure).abs() < 1e-4 * count);
        squares += (count - label) * (count - label);
    }
    assert!(
        squares / 400.0 < 12.0,
        "rows are not told apart: {}",
        squares / 400.0
    );
    let training = ended.json("model/linden/training.json");
    assert_eq!(training["required_inputs"], serde_json::json!(["exposure"]));
}

#[test]
fn each_content_type_gives_the_same_model() {
    let csv = counts()
        .set("exposure_column", "3")
        .csv("train", &exposed_csv(300))
        .run()
        .model();
    let table: Vec<_> = exposed(300).collect();
    let of = |cell: fn(&(f32, f32, [f32; 3])) -> f32| -> Cells {
        floats(&table.iter().map(cell).collect::<Vec<_>>())
    };
    let parquet = counts()
        .set("exposure_column", "hours")
        .set("feature_names", "a,b,c")
        .channel("train", "application/x-parquet", &[]);
    let columns = [
        of(|it| it.0),
        of(|it| it.2[0]),
        of(|it| it.2[1]),
        of(|it| it.1),
        of(|it| it.2[2]),
    ];
    parquet.write(
        "input/data/train/a.parquet",
        file(
            "required float label; required float a; required float b; required float hours; required float c",
            &[columns.to_vec()],
        ),
    );
    let parquet = model::load(&parquet.run().model()).unwrap();
    let csv = model::load(&csv).unwrap();
    assert_eq!(
        (&parquet.trees, parquet.base_score),
        (&csv.trees, csv.base_score)
    );
    let libsvm: String = exposed(300)
        .map(|(label, exposure, [a, b, c])| format!("{label} 0:{a} 1:{b} 2:{c} 3:{exposure}\n"))
        .collect::<Vec<_>>()
        .concat();
    let libsvm = counts()
        .set("exposure_column", "3")
        .libsvm("train", &libsvm)
        .run();
    let libsvm = model::load(&libsvm.model()).unwrap();
    assert_eq!(
        (&libsvm.trees, libsvm.base_score),
        (&csv.trees, csv.base_score)
    );
}

#[test]
fn a_base_margin_takes_the_place_of_the_base_score() {
    let table: String = rows(200)
        .map(|(label, [a, b, c])| format!("{label},{},{a},{b},{c}\n", label - 1.0))
        .collect::<Vec<_>>()
        .concat();
    let job = Job::new(&[("num_round", "1"), ("eta", "1"), ("lambda", "0")]);
    let ended = job
        .set("base_margin_columns", "1")
        .csv("train", &table)
        .run();
    // All that is left is the same for each row, so the tree is one leaf.
    let booster = model::load(&ended.model()).unwrap();
    assert_eq!(booster.trees[0].nodes.len(), 1);
    assert!((booster.trees[0].nodes[0].split_condition - 1.0).abs() < 1e-4);
    assert!(ended.metric_lines()[0].starts_with("[0]\ttrain-rmse:0.0000"));
}

#[test]
fn a_base_margin_of_classes_has_a_column_for_each() {
    let table: String = rows(120)
        .map(|(_, [a, b, c])| format!("{},{a},0.5,{b},0,-0.5,{c}\n", b % 3.0))
        .collect::<Vec<_>>()
        .concat();
    let job = Job::new(&[
        ("num_round", "2"),
        ("objective", "multi:softprob"),
        ("num_class", "3"),
    ]);
    let ended = job
        .set("base_margin_columns", "2,4,5")
        .csv("train", &table)
        .run();
    assert_eq!(model::load(&ended.model()).unwrap().n_features(), 3);
}

fn refused(job: Job, column: &str, value: &str, table: &str) -> String {
    job.set(column, value).csv("train", table).run().reason()
}

#[test]
fn wrong_declarations_are_told_with_file_row_and_column() {
    let table = "1,2,0.5,7\n3,4,1.5,8\n";
    let bad_exposure = "1,2,0.5,7\n3,4,-1.5,8\n";
    let no_exposure = "1,2,0.5,7\n3,4,,8\n";
    for (column, value, table, expected) in [
        (
            "exposure_column",
            "4",
            table,
            "UserError: train/data.csv, line 1: Hyperparameter exposure_column: there is no column `4`, allowed are 1 to 3",
        ),
        (
            "exposure_column",
            "0",
            table,
            "UserError: train/data.csv, line 1: Hyperparameter exposure_column: column `0` is the label's already",
        ),
        (
            "exposure_column",
            "hours",
            table,
            "UserError: train/data.csv, line 1: Hyperparameter exposure_column: `hours` is not a number; columns of text have \
             numbers, from 0 for the label",
        ),
        (
            "exposure_column",
            "2",
            bad_exposure,
            "UserError: train/data.csv, line 2, column 3: exposure `-1.5` is not allowed, allowed is a finite number above 0",
        ),
        (
            "exposure_column",
            "2",
            no_exposure,
            "UserError: train/data.csv, line 2, column 3: the exposure is missing, every row needs a finite number above 0",
        ),
        (
            "base_margin_columns",
            "2",
            no_exposure,
            "UserError: train/data.csv, line 2, column 3: the base margin is missing, every row needs a finite number",
        ),
        (
            "base_margin_columns",
            "1,2",
            table,
            "UserError: Hyperparameter base_margin_columns: 2 columns, the objective needs 1",
        ),
        (
            "qid_column",
            "2",
            table,
            "UserError: train/data.csv, line 1, column 3: query id `0.5` is not allowed, allowed is a whole number from 0",
        ),
        (
            "qid_column",
            "1,2",
            table,
            "UserError: Hyperparameter qid_column: `1,2` is not supported; there can be one such column only",
        ),
    ] {
        assert_eq!(refused(counts(), column, value, table), expected);
    }
}

#[test]
fn columns_that_do_not_go_together_are_told() {
    let table = "1,2,0.5,7\n3,4,1.5,8\n";
    let twice = counts().set("qid_column", "2");
    assert_eq!(
        refused(twice, "exposure_column", "2", table),
        "UserError: Hyperparameter exposure_column: column `2` is that of `qid_column` already"
    );
    let twice = counts().set("qid_column", "02");
    assert_eq!(
        refused(twice, "exposure_column", "2", table),
        "UserError: train/data.csv, line 1: Hyperparameter exposure_column: column `2` is declared already"
    );
    let weighted = counts().set("csv_weights", "1");
    assert_eq!(
        refused(weighted, "exposure_column", "1", table),
        "UserError: train/data.csv, line 1: Hyperparameter exposure_column: column `1` is the weight's, since csv_weights is 1, \
         already"
    );
    let both = counts().set("base_margin_columns", "1");
    let said = refused(both, "exposure_column", "2", table);
    assert!(
        said.contains("does not go with `exposure_column`"),
        "{said}"
    );
    let said = refused(
        Job::new(&[("num_round", "1")]),
        "exposure_column",
        "2",
        table,
    );
    assert!(
        said.contains("`objective` = `reg:squarederror` has no rate")
            && said.contains("`count:poisson`"),
        "{said}"
    );
    let said = refused(counts(), "label_upper_bound_column", "2", table);
    assert!(said.contains("`survival:aft`"), "{said}");
    let few = counts().set("base_margin_columns", "1");
    assert_eq!(
        refused(few, "qid_column", "2", "1,0.5,3\n2,0.5,3\n"),
        "UserError: train/data.csv, line 1: 3 columns, expected a label, the columns that the job declares and at least one feature"
    );
}

#[test]
fn rows_of_a_query_must_be_adjacent() {
    let said = refused(counts(), "qid_column", "1", "1,7,1\n2,7,2\n3,8,3\n4,7,4\n");
    assert_eq!(
        said,
        "UserError: train/data.csv, row 4: query 7 was there before other queries; the rows of a query must be adjacent"
    );
    // Two neighbours that are one number in 32 bits.
    let table = "1,16777216,1\n2,16777217,2\n3,16777216,3\n";
    let said = refused(counts(), "qid_column", "1", table);
    assert!(said.contains("row 3: query 16777216"), "{said}");
    let job = counts().set("qid_column", "1").channel(
        "train",
        "text/csv",
        &[("a.csv", "1,7,1\n2,8,2\n"), ("b.csv", "3,8,3\n4,9,4\n")],
    );
    assert_eq!(job.run().exit_code, Some(0));
    let job = counts().set("qid_column", "1").channel(
        "train",
        "text/csv",
        &[("a.csv", "1,7,1\n2,8,2\n"), ("b.csv", "3,7,3\n4,9,4\n")],
    );
    let ended = job.run();
    assert_eq!(
        ended.reason(),
        "UserError: train/b.csv, row 1: query 7 was there before other queries; the rows of a query must be adjacent"
    );
    assert!(ended.stderr.contains("sharding"), "{}", ended.stderr);
}

#[test]
fn libsvm_has_its_own_way_to_name_a_query() {
    let ended = counts()
        .set("qid_column", "1")
        .libsvm("train", "1 qid:1 1:2\n2 qid:1 1:3\n")
        .run();
    assert!(
        ended.reason().contains("libsvm has no column for it"),
        "{}",
        ended.stderr
    );
    let ended = counts()
        .set("exposure_column", "2")
        .libsvm("train", "1 1:2 2:1\n2 1:3\n")
        .run();
    assert_eq!(
        ended.reason(),
        "UserError: train/data.libsvm, line 2: the exposure is missing, every row needs a finite number above 0"
    );
}

#[test]
fn parquet_columns_are_declared_by_name_or_number() {
    let job = |column: &str, hours: Vec<f32>| -> Ended {
        let job =
            counts()
                .set("exposure_column", column)
                .channel("train", "application/x-parquet", &[]);
        let rows = hours.len();
        let numbers: Vec<f32> = (0..rows).map(|it| it as f32).collect();
        let columns = vec![floats(&vec![1.0; rows]), floats(&hours), floats(&numbers)];
        job.write(
            "input/data/train/a.parquet",
            file(
                "required float label; required float hours; required float a",
                &[columns],
            ),
        );
        job.run()
    };
    assert_eq!(
        job("hors", vec![1.0; 4]).reason(),
        "UserError: train/a.parquet: Hyperparameter exposure_column: there is no column `hors`; did you mean `hours`?"
    );
    assert_eq!(
        job("label", vec![1.0; 4]).reason(),
        "UserError: train/a.parquet: Hyperparameter exposure_column: column `label` is the label's already"
    );
    assert_eq!(
        job("hours", vec![1.0, 2.0, 0.0]).reason(),
        "UserError: train/a.parquet, row 3, column 2 (`hours`): exposure `0` is not allowed, allowed is a finite number above 0"
    );
    let (by_name, by_number) = (
        job("hours", vec![1.0, 2.0, 3.0]),
        job("1", vec![1.0, 2.0, 3.0]),
    );
    assert_eq!(by_name.model(), by_number.model());
}

#[test]
fn every_objective_with_a_rate_takes_exposures() {
    for (objective, more) in [
        ("reg:gamma", ("lambda", "1")),
        ("reg:tweedie", ("tweedie_variance_power", "1.3")),
        ("count:poisson", ("max_delta_step", "0.5")),
    ] {
        let table: String = exposed(200)
            .map(|(label, exposure, [a, b, c])| format!("{},{a},{exposure},{b},{c}\n", label + 1.0))
            .collect::<Vec<_>>()
            .concat();
        let job = counts().set("objective", objective).set(more.0, more.1);
        let ended = job.set("exposure_column", "2").csv("train", &table).run();
        let booster = model::load(&ended.model()).unwrap();
        let (mut features, mut labels, mut exposures) = (Vec::new(), Vec::new(), Vec::new());
        for (label, exposure, row) in exposed(200) {
            features.extend(row);
            labels.push(label + 1.0);
            exposures.push(exposure);
        }
        let data = Dataset::from_rows(3, &features, &labels).unwrap();
        let rates = booster.predict(&data, &Threads::single()).unwrap();
        let sum: f32 = rates
            .iter()
            .zip(&exposures)
            .map(|(rate, it)| rate * it)
            .sum();
        let expected: f32 = labels.iter().sum();
        assert!(
            (sum / expected - 1.0).abs() < 0.1,
            "{objective}: {sum} of {expected}"
        );
    }
}

#[test]
fn an_upper_bound_makes_intervals_of_times() {
    let rows_of = |bound: fn(usize, f32) -> String| {
        rows(150)
            .enumerate()
            .map(|(row, (label, [a, b, c]))| {
                let time = label + 1.0;
                format!("{time},{},{a},{b},{c}\n", bound(row, time))
            })
            .collect::<Vec<_>>()
            .concat()
    };
    let job = |table: &str| {
        let job = Job::new(&[
            ("num_round", "3"),
            ("objective", "survival:aft"),
            ("nthread", "2"),
        ]);
        job.set("label_upper_bound_column", "1").csv("train", table)
    };
    // An empty cell is a time that is known from below only.
    let censored = job(&rows_of(|row, time| match row % 3 {
        0 => String::new(),
        _ => time.to_string(),
    }));
    let known = job(&rows_of(|_, time| time.to_string()));
    let (censored, known) = (censored.run(), known.run());
    let mean = |bytes: &[u8]| {
        let booster = model::load(bytes).unwrap();
        assert_eq!(booster.n_features(), 3);
        let features: Vec<f32> = rows(150).flat_map(|(_, row)| row).collect();
        let data = Dataset::from_rows(3, &features, &[1.0; 150]).unwrap();
        let times = booster.predict(&data, &Threads::single()).unwrap();
        times.iter().sum::<f32>() / 150.0
    };
    let (later, sooner) = (mean(&censored.model()), mean(&known.model()));
    assert!(later > sooner, "{later} {sooner}");
    let said = job("5,7,1\n5,4,2\n").run().reason();
    assert_eq!(
        said,
        "UserError: train/data.csv, line 2, column 2: upper bound of the label `4` is not allowed, allowed is a number not below \
         the label, or `inf`"
    );
}
