//! The program with its AWS SDK, against an S3 over HTTP.

use std::thread;
use std::time::{Duration, Instant};

use super::http::{Fate, Server};
use crate::content;
use crate::job::{Job, send};

/// A fate by the number of requests before.
type ByNumber = fn(usize) -> Fate;

fn table() -> Vec<u8> {
    content::csv(&content::table(120_000))
}

fn on_disk(files: &[(&str, &[u8])]) -> Vec<u8> {
    let job = Job::new(&[("num_round", "3"), ("nthread", "2")]).channel("train", "text/csv", &[]);
    for (name, bytes) in files {
        job.write(&format!("input/data/train/{name}"), bytes);
    }
    job.run().model()
}

#[test]
fn the_program_reads_s3_and_asks_for_this_version_of_each_object() {
    let (table, small) = (table(), content::csv(&content::table(50)));
    let zipped = content::gzip(&small);
    let expected = on_disk(&[("a.csv", &table), ("b.csv", &small), ("c.csv", &small)]);
    let objects: [(&str, &[u8]); 3] = [
        ("t/a.csv", &table),
        ("t/b.csv", &small),
        ("t/c.csv", &small),
    ];
    let server = Server::start(&objects, |_| Fate::Well);
    let ended = server.run("s3://lake/t/", "text/csv");
    assert!(ended.model() == expected);
    assert!(
        ended
            .stderr
            .contains("is read from s3://lake/t/: 3 objects of"),
        "{}",
        ended.stderr
    );
    let lists = server.seen().len() - server.gets().len();
    assert_eq!(lists, 2, "two keys a page");
    for get in server.gets() {
        assert_eq!(get.headers["if-match"], "\"1\"", "{get:?}");
        assert!(
            get.headers["authorization"].contains("/eu-west-1/s3/"),
            "{get:?}"
        );
        assert!(!get.headers.contains_key("x-amz-request-payer"), "{get:?}");
    }
    let server = Server::start(&[("t/a.csv.gz", &zipped)], |_| Fate::Slow);
    let job = server.job("s3://lake/t/", "text/csv");
    let ended = job.env("AWS_REQUEST_PAYER", "requester").run();
    assert!(ended.model() == on_disk(&[("a.csv", &small)]));
    let payers = server.seen();
    assert!(
        payers
            .iter()
            .all(|it| it.headers["x-amz-request-payer"] == "requester")
    );
}

#[test]
fn what_s3_and_networks_do_now_and_then_is_outlived() {
    let table = table();
    let expected = on_disk(&[("a.csv", &table)]);
    let fates: [fn(usize) -> Fate; 4] = [
        |n| {
            if n.is_multiple_of(2) {
                Fate::Broken
            } else {
                Fate::Well
            }
        },
        |n| {
            if n < 3 {
                Fate::Status(503, "SlowDown")
            } else {
                Fate::Well
            }
        },
        |n| {
            if n < 3 {
                Fate::Status(500, "InternalError")
            } else {
                Fate::Well
            }
        },
        |n| if n < 3 { Fate::Page(502) } else { Fate::Well },
    ];
    for (at, fate) in fates.into_iter().enumerate() {
        let server = Server::start(&[("t/a.csv", &table)], fate);
        let ended = server.run("s3://lake/t/", "text/csv");
        assert!(ended.model() == expected, "fate {at}");
        assert!(server.gets().len() > 3, "fate {at}");
    }
}

#[test]
fn what_s3_refuses_is_the_users_to_mend() {
    let table = table();
    let objects: [(&str, &[u8]); 1] = [("t/a.csv", &table)];
    let cases: [(ByNumber, &str); 5] = [
        (
            |n| {
                if n < 1 {
                    Fate::Well
                } else {
                    Fate::Status(412, "PreconditionFailed")
                }
            },
            "`s3://lake/t/a.csv` was changed while it was read",
        ),
        (
            |_| Fate::Status(404, "NoSuchKey"),
            "`s3://lake/t/a.csv` was deleted while it was read",
        ),
        (
            |_| Fate::Status(403, "AccessDenied"),
            "cannot read `s3://lake/t/a.csv`: s3:GetObject is denied in eu-west-1 (AccessDenied: As S3 says it.)",
        ),
        (
            |_| Fate::Status(301, "PermanentRedirect"),
            "its bucket is in us-east-2, and the job asked in eu-west-1",
        ),
        (
            |_| Fate::Status(403, "InvalidObjectState"),
            "it is archived, restore it first",
        ),
    ];
    for (fate, expected) in cases {
        let reason = Server::start(&objects, fate)
            .run("s3://lake/t/", "text/csv")
            .reason();
        assert!(reason.starts_with("UserError: "), "{reason}");
        assert!(reason.contains(expected), "{reason}");
    }
    let server = Server::start(&objects, |_| Fate::Well);
    let reason = server.run("s3://other-lake/t/", "text/csv").reason();
    assert_eq!(
        reason,
        "UserError: cannot read `s3://other-lake/t/`: there is no such bucket, asked in eu-west-1"
    );
    let reason = server.run("s3://lake/none/", "text/csv").reason();
    assert_eq!(
        reason,
        "UserError: No data in training channel path s3://lake/none/"
    );
    let job = server.job("s3://lake/t/", "text/csv").env("AWS_REGION", "");
    // Nobody but this machine is asked for one.
    let reason = job.env("AWS_EC2_METADATA_DISABLED", "true").run().reason();
    assert_eq!(
        reason,
        "UserError: cannot read `s3://lake/t/`: no region is given"
    );
}

#[test]
fn a_stop_is_heard_while_nothing_comes() {
    let server = Server::start(&[("t/a.csv", b"1,2,3\n")], |_| Fate::Silence);
    let job = server.job("s3://lake/t/", "text/csv");
    let mut child = job.start();
    let patience = Instant::now() + Duration::from_secs(30);
    while server.gets().is_empty() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(10));
    }
    send("-TERM", &child);
    while child.try_wait().unwrap().is_none() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(10));
    }
    let ended = child.try_wait().unwrap();
    if ended.is_none() {
        child.kill().unwrap();
    }
    assert_eq!(ended.and_then(|it| it.code()), Some(0));
    assert!(!job.path("output/failure").exists());
    assert!(!job.path("model/xgboost-model").exists());
}
