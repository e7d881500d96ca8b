//! Whole commands on models: what is told of them, predicted with them, and written for other programs.

use std::fs;
use std::path::Path;

use crate::program::{empty, linden, transcript};

#[test]
fn a_model_that_is_not_there_is_not_found() {
    let home = empty();
    let text = transcript(linden(home.path()).args(["model", "inspect", "nothing"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 5
    ----- stdout -----

    ----- stderr -----
    error[E0203]: cannot read `nothing`: No such file or directory (os error 2)
    "#);
}

#[test]
fn a_file_that_is_no_model_says_so() {
    let home = empty();
    fs::write(home.path().join("model"), "no model").unwrap();
    let text = transcript(linden(home.path()).args(["model", "inspect", "model"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error[E0403]: `model` is not a model: expected XGBoost's JSON or UBJSON, beginning with `{`, or LightGBM's text, beginning with a line `tree`, found `no model`
      fix      give `xgboost-model`, its folder, the `model.tar.gz` of a job, or a model that XGBoost or LightGBM saved
    "#);
}

/// A stump on feature 0 below 2: leaves -1 and 1, missing goes right.
fn stump(folder: &Path) {
    use engine::booster::Booster;
    use engine::objective::{Objective, ObjectiveName};
    use engine::tree::{NO_PARENT, Node, Tree};
    let split = Node {
        left: Some(1),
        split_condition: 2.0,
        loss_change: 3.5,
        ..Node::leaf(NO_PARENT, 0.0, 4.0)
    };
    let booster = Booster {
        trees: vec![Tree::from(vec![
            split,
            Node::leaf(0, -1.0, 2.0),
            Node::leaf(0, 1.0, 2.0),
        ])],
        tree_info: vec![0],
        feature_names: vec!["tenure".into(), "visits".into()],
        ..Booster::new(Objective::new(ObjectiveName::BinaryLogistic), 2)
    };
    fs::write(
        folder.join("xgboost-model"),
        engine::model::save(&booster, engine::model::ModelFormat::Ubj),
    )
    .unwrap();
}

#[test]
fn a_model_is_told_on_a_page() {
    let home = empty();
    stump(home.path());
    let text = transcript(linden(home.path()).args(["model", "inspect", "."]));
    insta::assert_snapshot!(text, @r#"
    exit code: 0
    ----- stdout -----
    ./xgboost-model  1.5 kB
      objective  binary:logistic, base_score 0.5
      trees      1 in 1 round
      leaves     2 to 2, 2.0 on average
      depth      1 to 1, 1.0 on average
      features   1 of 2 in use

      feature    gain  weight   cover
      tenure   3.5000       1  4.0000
    ----- stderr -----
    "#);
    let text = transcript(linden(home.path()).args(["model", "inspect", ".", "--tree", "0"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 0
    ----- stdout -----
    0: tenure < 2 ? 1 : 2, missing 2
      1: leaf -1
      2: leaf 1
    ----- stderr -----
    "#);
    linden(home.path())
        .args(["model", "inspect", ".", "--tree", "1"])
        .assert()
        .code(2);
}

#[test]
fn rows_are_predicted_and_missing_cells_are_missing() {
    let home = empty();
    stump(home.path());
    fs::write(home.path().join("rows.csv"), "1,0\n3,0\n,0\nNA,0\n").unwrap();
    let margins = linden(home.path())
        .args(["model", "predict", ".", "rows.csv", "--margin"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&margins.stdout), "-1\n1\n1\n1\n");
    let odds = linden(home.path())
        .args(["model", "predict", ".", "rows.csv", "-o", "out.csv"])
        .output()
        .unwrap();
    assert_eq!((odds.status.code(), odds.stdout.len()), (Some(0), 0));
    let written = fs::read_to_string(home.path().join("out.csv")).unwrap();
    let first: f32 = written.lines().next().unwrap().parse().unwrap();
    assert!((first - 0.268_941_43).abs() < 1e-6, "{written}");
}

#[test]
fn contributions_and_leaves_are_told_row_by_row() {
    let home = empty();
    stump(home.path());
    fs::write(home.path().join("rows.csv"), "1,0\n3,0\n").unwrap();
    let explain = |flags: &[&str]| {
        let rows = ["model", "explain", ".", "rows.csv"];
        transcript(linden(home.path()).args(rows).args(flags))
    };
    insta::assert_snapshot!(explain(&["--contributions"]), @r#"
    exit code: 0
    ----- stdout -----
    row,group,tenure,visits,bias
    0,0,-1,0,0
    1,0,1,0,0
    ----- stderr -----
    "#);
    insta::assert_snapshot!(explain(&["--interactions", "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    {"columns":["tenure","visits","bias"],"interactions":[[[-1.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0]]],"row":0}
    {"columns":["tenure","visits","bias"],"interactions":[[[1.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0]]],"row":1}
    ----- stderr -----
    "#);
    insta::assert_snapshot!(explain(&["--leaves"]), @r#"
    exit code: 0
    ----- stdout -----
    row,tree0
    0,1
    1,2
    ----- stderr -----
    "#);
    insta::assert_snapshot!(explain(&["--dependence", "tenure", "--margin"]), @r#"
    exit code: 0
    ----- stdout -----
    tenure     mean
         1  -1.0000
         3   1.0000
    ----- stderr -----
    "#);
    insta::assert_snapshot!(explain(&["--dependence", "age"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error[E0101]: the model has no feature `age`
      fix      give one of tenure, visits, or a number below 2
    "#);
}

#[test]
fn importance_needs_no_rows_and_the_others_do() {
    let home = empty();
    stump(home.path());
    let explain = |flag: &[&str]| {
        transcript(
            linden(home.path())
                .args(["model", "explain", "."])
                .args(flag),
        )
    };
    insta::assert_snapshot!(explain(&["--importance", "total_gain"]), @r#"
    exit code: 0
    ----- stdout -----
    feature  total_gain
    tenure       3.5000
    ----- stderr -----
    "#);
    insta::assert_snapshot!(explain(&["--contributions"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error[E0101]: rows are needed to be explained
      fix      give a CSV file after the model; `-` is stdin
    "#);
    linden(home.path())
        .args(["model", "explain", "."])
        .assert()
        .code(2);
}

#[test]
fn a_model_is_written_for_other_programs_and_read_again() {
    let home = empty();
    stump(home.path());
    for (format, head) in [
        ("xgboost-json", "{\"learner\""),
        ("xgboost-ubj", "{L\0"),
        ("onnx", "\u{8}\u{7}\u{12}\u{6}linden"),
        ("lightgbm", "tree\nversion=v4\n"),
    ] {
        let export = ["model", "export", ".", "--format", format, "-o", format];
        linden(home.path()).args(export).assert().code(0);
        let bytes = fs::read(home.path().join(format)).unwrap();
        assert!(bytes.starts_with(head.as_bytes()), "{format}");
        if format != "onnx" {
            let tree = ["model", "inspect", format, "--tree", "0"];
            let output = linden(home.path()).args(tree).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                text.starts_with("0: tenure < 2 ? 1 : 2, missing 2\n"),
                "{format}: {text}"
            );
        }
    }
    let unknown = ["model", "export", ".", "--format", "pickle", "-o", "x"];
    linden(home.path()).args(unknown).assert().code(2);
    let text = transcript(linden(home.path()).args(["model", "inspect", "onnx"]));
    assert!(text.contains("is not a model: expected XGBoost"), "{text}");
}

#[test]
fn a_bad_cell_is_named_by_file_line_and_column() {
    let home = empty();
    stump(home.path());
    for (rows, expected) in [
        ("1,0\n3,x\n", "`x` is not a number (rows.csv:2:2)"),
        ("tenure,visits\n1,0\n", "this looks like a header"),
        ("1,0\n1,0,0\n", "3 fields, the model wants 2 (rows.csv:2)"),
    ] {
        fs::write(home.path().join("rows.csv"), rows).unwrap();
        let text = transcript(linden(home.path()).args(["model", "predict", ".", "rows.csv"]));
        assert!(
            text.starts_with("exit code: 1\n") && text.contains(expected),
            "{rows:?}: {text}"
        );
    }
    fs::write(home.path().join("rows.csv"), "9,1,0\n").unwrap();
    let text = transcript(linden(home.path()).args(["model", "predict", ".", "rows.csv"]));
    assert!(text.contains("--label-column"), "{text}");
    linden(home.path())
        .args(["model", "predict", ".", "rows.csv", "--label-column", "0"])
        .assert()
        .stdout("0.26894143\n");
}

/// `linden model predict … | head -1` ends quietly.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = empty();
    stump(home.path());
    fs::write(home.path().join("rows.csv"), "1,0\n".repeat(50_000)).unwrap();
    let script = format!(
        "{} model predict . rows.csv | head -1",
        assert_cmd::cargo::cargo_bin("linden").display()
    );
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg(script)
        .current_dir(home.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
