//! What others wrote, be it a file's name, a key or a header, forges no line of a log or of the failure file, and secrets of
//! the environment are in neither.

use std::fs;

use engine::objective::ObjectiveName;

use crate::job::{Job, program, table};
use crate::serve::server::{Setup, stumps};

/// A name that ends one line, begins another, clears a terminal and rings its bell.
const NAME: &str = "a\n[2026-01-01:00:00:00:INFO] forged\u{1b}[2J\r\u{7}";

/// Nothing begins a line that should not, and a terminal is shown nothing but text.
fn assert_lines(text: &str) {
    for line in text.lines() {
        assert!(!line.starts_with("[2026-01-01"), "{line:?}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
}

#[test]
fn a_jobs_log_and_failure_file_have_no_lines_of_others() {
    for (content_type, text) in [
        ("text/csv", "1,2\n3,\"x\u{1b}[2J\r\"\n".to_owned()),
        ("text/csv", "1,2\n3,x\u{1b}[2J\u{7}\n".to_owned()),
        ("text/libsvm", "1 0:1\n2 \u{1b}[2J:1\n".to_owned()),
        (
            "application/jsonlines",
            "{\"\u{1b}[2J\\n[2026-01-01\": 1}\n".to_owned(),
        ),
    ] {
        let files = [
            (NAME, text.as_str()),
            ("x\n[2026-01-01/b.csv", ""),
            (".x\n[2026-01-01", "x"),
        ];
        let ended = Job::new(&[("num_round", "2")])
            .channel("train", content_type, &files)
            .run();
        let reason = ended.reason();
        assert!(reason.contains("forged"), "{reason}");
        assert_lines(&ended.stderr);
    }
    let ended = Job::new(&[("num_round", "2"), (NAME, NAME)])
        .csv("train", "1,2\n")
        .run();
    assert!(ended.reason().contains("forged"));
    assert_lines(&ended.stderr);
}

#[test]
fn a_servers_log_has_no_lines_of_others() {
    let setup = || {
        Setup::of(&stumps(ObjectiveName::RegSquaredError, &[(1.5, 2.5)])).set("LINDEN_LOG", "trace")
    };
    let server = setup().file(&format!("model/.{NAME}"), "").start();
    let odd = "text/csv\t\u{1b}[2J\u{e9}";
    let refused = "POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: \u{1b}[2J\r\n\r\n";
    let mut client = server.connect();
    client.send(refused);
    assert_eq!(client.reply().status, 400);
    server
        .invoke(&[("Content-Type", "text/csv\t\u{e9}")], odd)
        .of(415);
    let log = server.stopped();
    assert!(
        log.iter()
            .any(|it| it.contains("Ignoring dotfile") && it.contains("forged"))
    );
    assert_lines(&log.join("\n"));
    let told = setup().file(&format!("model/{NAME}"), "none").refused();
    assert!(told.contains("forged"), "{told}");
    assert_lines(&told);
}

#[test]
fn a_multi_model_servers_log_has_no_lines_of_others() {
    let server = Setup::new()
        .set("SAGEMAKER_MULTI_MODEL", "true")
        .file(&format!("models/{NAME}/xgboost-model"), "none")
        .start();
    let url = server.path("models").join(NAME);
    let order = serde_json::json!({"model_name": NAME, "url": url}).to_string();
    server.connect().ask("POST", "/models", &[], order).of(500);
    let log = server.stopped();
    assert!(log.iter().any(|it| it.contains("forged")), "{log:#?}");
    assert_lines(&log.join("\n"));
}

#[test]
fn secrets_of_the_environment_are_told_to_nobody() {
    const SECRETS: [(&str, &str); 5] = [
        ("AWS_ACCESS_KEY_ID", "AKIASECRET1"),
        ("AWS_SECRET_ACCESS_KEY", "secret2"),
        ("AWS_SESSION_TOKEN", "secret3"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/secret4"),
        ("DATABASE_URL", "postgres://user:secret5@host"),
    ];
    let job = Job::new(&[("num_round", "2")]).csv("train", &table(50));
    let ended = job.run();
    for bad in [false, true] {
        if bad {
            job.write("input/data/train/data.csv", "1,x\n");
            fs::remove_file(job.path("model/xgboost-model")).unwrap();
        }
        let mut command = program(&["train"]);
        command
            .env("SAGEMAKER_BASE_DIR", ended.root())
            .envs(SECRETS);
        let output = command.env("LINDEN_LOG", "trace").output().unwrap();
        assert_eq!(output.status.success(), !bad);
        let left = [output.stdout, output.stderr, everything(&job)].concat();
        let left = String::from_utf8_lossy(&left).to_lowercase();
        assert!(!left.contains("secret"), "{left}");
    }
    let setup = Setup::of(&stumps(ObjectiveName::RegSquaredError, &[(1.5, 2.5)]));
    let setup = SECRETS
        .iter()
        .fold(setup, |it, (name, value)| it.set(name, value));
    let server = setup
        .set("LINDEN_LOG", "trace")
        .set("LINDEN_METRICS", "1")
        .start();
    server
        .invoke(&[("X-Amz-Security-Token", "secret6")], "0:secret7")
        .of(415);
    let metrics = server.get("/metrics").text().to_owned();
    let said = [server.stopped().concat(), metrics].concat().to_lowercase();
    assert!(!said.contains("secret"), "{said}");
}

/// All that the job wrote beside its model.
fn everything(job: &Job) -> Vec<u8> {
    let files = [
        "output/failure",
        "output/data/evaluation.json",
        "model/linden/training.json",
    ];
    files
        .map(|it| fs::read(job.path(it)).unwrap_or_default())
        .concat()
}
