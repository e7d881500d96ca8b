//! Columns beside the features: what each does, in each content type, and how a wrong one is told.

use engine::dataset::{Dataset, SideColumns};
use engine::model;
use engine::threads::Threads;

use crate::bad_input::check;
use crate::job::{Job, rows};
use crate::parquet_file::{Cells, doubles, file, floats};

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

fn declared(column: &str, value: &str, table: &str) -> Job {
    counts().set(column, value).csv("train", table)
}

#[test]
fn wrong_declarations_are_told_with_file_row_and_column() {
    let table = "1,2,0.5,7\n3,4,1.5,8\n";
    let bad_exposure = "1,2,0.5,7\n3,4,-1.5,8\n";
    let no_exposure = "1,2,0.5,7\n3,4,,8\n";
    let cases = [
        (
            "exposure_column",
            "4",
            table,
            "UserError: train/data.csv, line 1: Hyperparameter exposure_column: there is no column `4`, allowed are 1 to 3, counted \
             from 0 for the label",
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
            "UserError: train/data.csv, line 1: Hyperparameter exposure_column: there is no column `hours`, allowed are 1 to 3, \
             counted from 0 for the label",
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
    ];
    let case = |(column, value, table, expected)| (declared(column, value, table), expected);
    check(cases.map(case).into());
}

#[test]
fn columns_that_do_not_go_together_are_told() {
    let table = "1,2,0.5,7\n3,4,1.5,8\n";
    let job = |column: &str, value: &str| declared(column, value, table);
    check(vec![
        (
            job("exposure_column", "2").set("qid_column", "2"),
            "UserError: Hyperparameter exposure_column: column `2` is that of `qid_column` already",
        ),
        (
            job("exposure_column", "2").set("qid_column", "02"),
            "UserError: train/data.csv, line 1: Hyperparameter exposure_column: column `2` is declared already",
        ),
        (
            job("exposure_column", "1").set("csv_weights", "1"),
            "UserError: train/data.csv, line 1: Hyperparameter exposure_column: column `1` is the weight's, since csv_weights is \
             1, already",
        ),
        (
            job("exposure_column", "4").set("csv_weights", "1"),
            "UserError: train/data.csv, line 1: Hyperparameter exposure_column: there is no column `4`, allowed are 2 to 3, …",
        ),
        (
            job("exposure_column", "2").set("base_margin_columns", "1"),
            "UserError: Hyperparameter base_margin_columns: does not go with `exposure_column`; …",
        ),
        (
            job("exposure_column", "2").set("objective", "reg:squarederror"),
            "UserError: Hyperparameter exposure_column: `objective` = `reg:squarederror` has no rate that an exposure could \
             multiply, allowed are `count:poisson`, …",
        ),
        (
            job("label_upper_bound_column", "2"),
            "UserError: Hyperparameter label_upper_bound_column: the labels of `objective` = `count:poisson` are no intervals, \
             only those of `survival:aft` are",
        ),
        (
            declared("qid_column", "2", "1,0.5,3\n2,0.5,3\n").set("base_margin_columns", "1"),
            "UserError: train/data.csv, line 1: 3 columns, expected a label, the columns that the job declares and at least one \
             feature",
        ),
    ]);
}

#[test]
fn rows_of_a_query_must_be_adjacent() {
    let files = |a: &str, b: &str| {
        let files = [("a.csv", a), ("b.csv", b)];
        counts()
            .set("qid_column", "1")
            .channel("train", "text/csv", &files)
    };
    check(vec![
        (
            declared("qid_column", "1", "1,7,1\n2,7,2\n3,8,3\n4,7,4\n"),
            "UserError: train/data.csv, row 4: query 7 was there before other queries; the rows of a query must be adjacent",
        ),
        (
            // Two neighbours that are one number in 32 bits.
            declared(
                "qid_column",
                "1",
                "1,16777216,1\n2,16777217,2\n3,16777216,3\n",
            ),
            "UserError: train/data.csv, row 3: query 16777216 was there …",
        ),
        (
            files("1,7,1\n2,8,2\n", "3,7,3\n4,9,4\n"),
            "UserError: train/b.csv, row 1: query 7 was there before other queries; the rows of a query must be adjacent",
        ),
    ]);
    let across = files("1,7,1\n2,8,2\n", "3,8,3\n4,9,4\n");
    assert_eq!(across.run().exit_code, Some(0));
    let cut = files("1,7,1\n2,8,2\n", "3,7,3\n4,9,4\n").run();
    assert!(cut.stderr.contains("sharding"), "{}", cut.stderr);
}

#[test]
fn libsvm_has_its_own_way_to_name_a_query() {
    let job =
        |column: &str, value: &str, table: &str| counts().set(column, value).libsvm("train", table);
    check(vec![
        (
            job("qid_column", "1", "1 qid:1 1:2\n2 qid:1 1:3\n"),
            "UserError: train/data.libsvm, line 1: Hyperparameter qid_column: libsvm has no column for it; …",
        ),
        (
            job("exposure_column", "2", "1 1:2 2:1\n2 1:3\n"),
            "UserError: train/data.libsvm, line 2: the exposure is missing, every row needs a finite number above 0",
        ),
        (
            job("exposure_column", "1048576", "1 1:2 2:1\n"),
            "UserError: train/data.libsvm, line 1: Hyperparameter exposure_column: `1048576` is not an index, allowed are whole \
             numbers from 0 to 1048575",
        ),
    ]);
}

#[test]
fn parquet_has_query_ids_of_every_type() {
    let job = |kind: &str, ids: Cells| {
        let job = counts().set("qid_column", "day");
        let job = job.channel("train", "application/x-parquet", &[]);
        let columns = vec![floats(&[1.0; 3]), ids, floats(&[1.0, 2.0, 3.0])];
        let schema = format!("required float label; {kind}; required float a");
        job.write("input/data/train/a.parquet", file(&schema, &[columns]));
        job
    };
    let longs = |ids: [i64; 3]| Cells::Long(ids.map(Some).into());
    let split = "UserError: train/a.parquet, row 3: query 16777216 was there …";
    check(vec![
        // Two neighbours that are one number in 32 bits.
        (
            job(
                "required int64 day",
                longs([16_777_216, 16_777_217, 16_777_216]),
            ),
            split,
        ),
        (
            job(
                "required int64 day (DECIMAL(18, 1))",
                longs([167_772_160, 167_772_170, 167_772_160]),
            ),
            split,
        ),
        (
            job(
                "required double day",
                doubles(&[16_777_216.0, 16_777_217.0, 16_777_216.0]),
            ),
            split,
        ),
        (
            job("required double day", doubles(&[1.0, 1.5, 2.0])),
            "UserError: train/a.parquet, row 2, column 2 (`day`): query id `1.5` is not allowed, allowed is a whole number from 0",
        ),
        (
            job("required int64 day", longs([1, 2, -3])),
            "UserError: train/a.parquet, row 3, column 2 (`day`): query id `-3` is not allowed, allowed is a whole number from 0",
        ),
        (
            job(
                "optional int64 day",
                Cells::Long(vec![Some(1), None, Some(3)]),
            ),
            "UserError: train/a.parquet, row 2, column 2 (`day`): the query id is missing, every row needs a whole number from 0",
        ),
    ]);
}

#[test]
fn parquet_columns_are_declared_by_name_or_number() {
    let job = |column: &str, hours: &[f32]| {
        let job = counts().set("exposure_column", column);
        let job = job.channel("train", "application/x-parquet", &[]);
        let numbers: Vec<f32> = (0..hours.len()).map(|it| it as f32).collect();
        let columns = vec![
            floats(&vec![1.0; hours.len()]),
            floats(hours),
            floats(&numbers),
        ];
        let schema = "required float label; required float hours; required float a";
        job.write("input/data/train/a.parquet", file(schema, &[columns]));
        job
    };
    check(vec![
        (
            job("hors", &[1.0; 4]),
            "UserError: train/a.parquet: Hyperparameter exposure_column: there is no column `hors`, allowed are names of columns \
             and 1 to 2; did you mean `hours`?",
        ),
        (
            job("label", &[1.0; 4]),
            "UserError: train/a.parquet: Hyperparameter exposure_column: column `label` is the label's already",
        ),
        (
            job("hours", &[1.0, 2.0, 0.0]),
            "UserError: train/a.parquet, row 3, column 2 (`hours`): exposure `0` is not allowed, allowed is a finite number above \
             0",
        ),
    ]);
    let (by_name, by_number) = (job("hours", &[1.0, 2.0, 3.0]), job("1", &[1.0, 2.0, 3.0]));
    assert_eq!(by_name.run().model(), by_number.run().model());
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
