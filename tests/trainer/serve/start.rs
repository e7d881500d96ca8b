//! How a server starts, and what it says when it does not.

use std::net::TcpListener;

use engine::model::{self, ModelFormat};
use engine::objective::ObjectiveName;

use super::server::{Setup, stumps};
use crate::job::{Job, table};

fn regression() -> engine::booster::Booster {
    stumps(ObjectiveName::RegSquaredError, &[(1.0, 2.0)])
}

#[test]
fn it_answers_as_soon_as_it_says_so() {
    let server = Setup::of(&regression()).start();
    let ping = server.get("/ping");
    assert_eq!((ping.status, ping.body.len()), (200, 0));
    assert_eq!(server.csv("0,0\n1,0\n").of(200), "1.0\n2.0\n");
    let log = server.stopped();
    assert!(log.last().unwrap().ends_with("INFO] Stopped"), "{log:#?}");
}

#[test]
fn the_word_may_be_the_programs_name() {
    // As in the image, where `serve` is a link.
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("serve");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_linden-trainer"), &link).unwrap();
    let output = std::process::Command::new(link)
        .env_clear()
        .env("SAGEMAKER_BASE_DIR", dir.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("cannot read `"), "{stderr}");
}

#[test]
fn a_folder_without_a_model_is_told() {
    let told = Setup::new()
        .file("model/linden/training.json", "{}")
        .refused();
    assert!(
        told.starts_with("UserError: there is no model in `ROOT/model`\n"),
        "{told}"
    );
    assert!(
        told.contains("hint: the model's archive must have xgboost-model at its top"),
        "{told}"
    );
}

#[test]
fn what_is_no_model_is_told_with_the_way_out() {
    for (bytes, reason, hint) in [
        (
            &b"\x80\x04\x95rest"[..],
            "it is a Python pickle; expected XGBoost's JSON or UBJSON",
            "unpickle it with the XGBoost that wrote it",
        ),
        (
            b"binf\0\0\0\0",
            "it is in XGBoost's old binary format; ",
            "load it with XGBoost 1.7 to 3.0",
        ),
        (
            b"{\"learner\": {",
            "damaged model at byte",
            "nothing but models",
        ),
        (
            b"",
            "expected XGBoost's JSON or UBJSON",
            "nothing but models",
        ),
    ] {
        let told = Setup::new().file("model/xgboost-model", bytes).refused();
        let expected =
            format!("UserError: Model ROOT/model/xgboost-model cannot be loaded: {reason}");
        assert!(told.contains(&expected), "{told}");
        assert!(told.contains(&format!("hint: {hint}")), "{told}");
    }
}

#[test]
fn all_variables_that_are_wrong_are_told_at_once() {
    let told = Setup::of(&regression())
        .set("MAX_CONTENT_LENGTH", "six")
        .set("SAGEMAKER_MODEL_SERVER_WORKERS", "0")
        .refused();
    assert!(
        told.contains("UserError: MAX_CONTENT_LENGTH is `six`, allowed is a whole number"),
        "{told}"
    );
    assert!(
        told.contains("SAGEMAKER_MODEL_SERVER_WORKERS is `0`, allowed is a whole number from 1"),
        "{told}"
    );
}

#[test]
fn a_port_that_is_taken_is_told() {
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let told = Setup::of(&regression())
        .set("SAGEMAKER_BIND_TO_PORT", &port)
        .refused();
    assert!(
        told.contains(&format!("PlatformError: cannot listen on port {port}: ")),
        "{told}"
    );
    assert!(
        told.contains("hint: SAGEMAKER_BIND_TO_PORT names another port"),
        "{told}"
    );
}

#[test]
fn models_of_folds_answer_together_unless_the_first_is_asked_for() {
    let setup = || {
        let bytes = |low, high| {
            let booster = stumps(ObjectiveName::RegSquaredError, &[(low, high)]);
            model::save(&booster, ModelFormat::Json)
        };
        Setup::new()
            .file("model/xgboost-model-0", bytes(1.0, 2.0))
            .file("model/xgboost-model-1", bytes(3.0, 6.0))
            .file("model/.DS_Store", "a dot file is passed over")
    };
    let mut server = setup().start();
    assert_eq!(server.csv("0,0\n1,0").of(200), "2.0\n4.0\n");
    server.signal("-TERM");
    server.wait_for("Stopped");
    let server = setup().set("SAGEMAKER_INFERENCE_ENSEMBLE", "false").start();
    assert_eq!(server.csv("0,0\n1,0").of(200), "1.0\n2.0\n");
    let log = server.stopped();
    assert!(
        log.iter().any(|it| it.contains("Ignoring dotfile")),
        "{log:#?}"
    );
}

#[test]
fn archives_beside_what_was_unpacked_from_them_are_no_models() {
    let model = || {
        let booster = stumps(ObjectiveName::RegSquaredError, &[(1.0, 2.0)]);
        model::save(&booster, ModelFormat::Json)
    };
    let server = Setup::new()
        .file("model/model.tar.gz", "packed, as local mode leaves it")
        .file("model/output.tar.gz", "has no model at all")
        .file("model/xgboost-model", model())
        .start();
    assert_eq!(server.csv("0,0\n1,0").of(200), "1.0\n2.0\n");
    let log = server.stopped();
    let ignored = log.iter().filter(|it| it.contains("an archive beside"));
    assert_eq!(ignored.count(), 2, "{log:#?}");
}

#[test]
fn a_model_that_was_trained_with_exposures_asks_for_them() {
    let rows: Vec<String> = table(200)
        .lines()
        .enumerate()
        .map(|(row, line)| {
            let cells: Vec<&str> = line.split(',').collect();
            let exposure = 1 + row % 4;
            format!("{},{},{exposure},{}\n", exposure * 2, cells[1], cells[2])
        })
        .collect();
    let job = Job::new(&[
        ("num_round", "3"),
        ("objective", "count:poisson"),
        ("exposure_column", "2"),
    ])
    .csv("train", &rows.concat());
    let ended = job.run();
    let model = ended.model();
    let side = ended.read("model/linden/training.json").unwrap();
    let setup = || {
        Setup::new()
            .file("model/xgboost-model", &model)
            .file("model/linden/training.json", &side)
    };
    let told = setup().refused();
    assert!(
        told.contains(
            "the model was trained with exposures, so every row needs one: set LINDEN_EXPOSURE_COLUMN to its column in requests"
        ),
        "{told}"
    );
    let server = setup().set("LINDEN_EXPOSURE_COLUMN", "1").start();
    let answer = server.csv("3,1,5\n3,2,5\n");
    let rates: Vec<f64> = answer
        .of(200)
        .lines()
        .map(|it| it.parse().unwrap())
        .collect();
    assert!((rates[1] / rates[0] - 2.0).abs() < 1e-6, "{rates:?}");
    // The exposure's index is taken out, the others stay.
    let sparse = server.invoke(&[("Content-Type", "text/libsvm")], "0:3 1:2 2:5\n");
    assert_eq!(sparse.status, 400, "{}", sparse.text());
    let told = server.csv("3,0,5\n");
    assert_eq!(
        told.of(400),
        "Unable to evaluate payload provided: row 1: exposure `0`, allowed is a finite number above 0"
    );
    let told = server.csv("3\n");
    assert!(
        told.of(400)
            .contains("there is no column 1 for the exposure, rows have 1")
    );
}

#[test]
fn a_model_of_words_is_asked_in_words() {
    let colours = ["red", "blue", "green"];
    let rows: Vec<String> = (0..300)
        .map(|row| format!("{},{},{}\n", 10 * (row % 3), colours[row % 3], row % 7))
        .collect();
    let job = Job::new(&[
        ("num_round", "30"),
        ("objective", "reg:squarederror"),
        ("categorical_features", "0"),
    ])
    .csv("train", &rows.concat());
    let model = job.run().model();
    let server = Setup::new().file("model/xgboost-model", model).start();
    let answer = server.csv("red,1\nblue,1\ngreen,1\nviolet,1\n,1\n");
    let numbers: Vec<f64> = answer
        .of(200)
        .lines()
        .map(|it| it.parse().unwrap())
        .collect();
    for (found, expected) in numbers.iter().zip([0.0, 10.0, 20.0]) {
        assert!((found - expected).abs() < 0.5, "{numbers:?}");
    }
    // What training never saw is missing.
    assert_eq!(numbers[3], numbers[4]);
    let told = server.invoke(&[("Content-Type", "text/libsvm")], "0:1 1:1\n");
    assert!(
        told.of(400)
            .contains("categories by name, which libsvm requests cannot bring")
    );
}

#[test]
fn a_link_leads_to_a_model_inside_of_the_folder_and_nowhere_else() {
    let setup = || Setup::new().file("elsewhere", model::save(&regression(), ModelFormat::Ubj));
    let told = setup()
        .link("model/xgboost-model", "../elsewhere")
        .refused();
    assert!(
        told.starts_with(
            "UserError: `ROOT/model/xgboost-model` is a link that leads outside of the model's folder\n"
        ),
        "{told}"
    );
    // As volumes of configuration are mounted.
    let server = setup()
        .file(
            "model/..data/it",
            model::save(&regression(), ModelFormat::Ubj),
        )
        .link("model/xgboost-model", "..data/it")
        .start();
    assert_eq!(server.csv("0,0").of(200), "1.0\n");
}
