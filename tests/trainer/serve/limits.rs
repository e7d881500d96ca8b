//! What a server does under load, with clients that are slow or gone, and when it is told to stop.

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use engine::booster::Booster;
use engine::objective::ObjectiveName;
use serde_json::{Value, json};

use super::server::{Client, PATIENCE, Server, Setup, stump, stumps};

const CSV: [(&str, &str); 1] = [("Content-Type", "text/csv")];
/// Rows of a request that takes a worker a while.
const LARGE_ROWS: usize = 300_000;

fn regression() -> Booster {
    stumps(ObjectiveName::RegSquaredError, &[(1.5, 2.5)])
}

/// A client whose request has begun, and of whose body some is still to come.
fn half_sent(server: &Server) -> Client {
    let mut client = server.connect();
    client.head("POST", "/invocations", &CSV, 3);
    client.send("1");
    client
}

/// Asks until the status is the expected one: the server learns of others' requests a moment after they were sent.
fn wait_for_status(server: &Server, status: u16) {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = server.csv("0,0").status;
        if found == status {
            return;
        }
        assert!(Instant::now() < end, "still {found}, not {status}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn who_finds_no_place_is_told_to_come_back() {
    let server = Setup::of(&regression())
        .set("SAGEMAKER_MODEL_SERVER_WORKERS", "1")
        .set("SAGEMAKER_MODEL_JOB_QUEUE_SIZE", "1")
        .start();
    let mut waiting = [half_sent(&server), half_sent(&server)];
    wait_for_status(&server, 429);
    let told = server.csv("0,0");
    assert_eq!(told.header("Retry-After"), Some("1"));
    assert_eq!(
        told.of(429),
        "2 requests are under way or wait; ask again later"
    );
    // Health does not depend on places.
    assert_eq!(server.get("/ping").status, 200);
    for client in &mut waiting {
        client.send(",0");
        assert_eq!(client.reply().of(200), "2.5\n");
    }
    wait_for_status(&server, 200);
}

#[test]
fn a_client_that_goes_away_gives_its_place_back() {
    let server = Setup::of(&regression())
        .set("SAGEMAKER_MODEL_SERVER_WORKERS", "1")
        .set("SAGEMAKER_MODEL_JOB_QUEUE_SIZE", "0")
        .start();
    let gone = half_sent(&server);
    wait_for_status(&server, 429);
    drop(gone);
    wait_for_status(&server, 200);
}

/// A server of so many workers whose model is large, and a client that waits for its answer to many rows.
fn busy(workers: &str) -> (Server, Client) {
    let booster = Booster {
        trees: vec![stump(0.001, 0.002); 4000],
        tree_info: vec![0; 4000],
        ..regression()
    };
    let server = Setup::of(&booster)
        .set("SAGEMAKER_MODEL_SERVER_WORKERS", workers)
        .start();
    let large = "1,0\n".repeat(LARGE_ROWS);
    let mut client = server.connect();
    client.head("POST", "/invocations", &CSV, large.len());
    client.send(&large);
    (server, client)
}

/// Whether nothing has been answered, and nothing is for a moment.
fn is_unanswered(client: &Client) -> bool {
    let moment = Some(Duration::from_millis(20));
    client.stream.set_read_timeout(moment).unwrap();
    let peeked = client.stream.peek(&mut [0]);
    client.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    peeked.is_err()
}

#[test]
fn one_large_request_holds_up_no_small_one() {
    let (server, mut large) = busy("2");
    for _ in 0..5 {
        assert_eq!(server.csv("1,0\n").status, 200);
        assert_eq!(server.get("/ping").status, 200);
    }
    assert!(is_unanswered(&large), "the large one was answered first");
    assert_eq!(large.reply().of(200).lines().count(), LARGE_ROWS);
}

#[test]
fn a_small_request_needs_no_worker_and_another_one_waits() {
    let (server, mut large) = busy("1");
    let rows = r#"{"instances": [{"features": [1, 0]}]}"#;
    let json = [("Content-Type", "application/json")];
    // What is asked as JSON needs the worker, so one that is kept waiting tells that the large one has it.
    let end = Instant::now() + PATIENCE;
    let mut waiting = loop {
        let mut client = server.connect();
        client.head("POST", "/invocations", &json, rows.len());
        client.send(rows);
        if is_unanswered(&client) {
            break client;
        }
        assert!(Instant::now() < end, "the worker is never busy");
    };
    assert_eq!(server.csv("1,0\n").status, 200);
    assert!(is_unanswered(&waiting), "there is another worker");
    assert_eq!(large.reply().of(200).lines().count(), LARGE_ROWS);
    assert_eq!(waiting.reply().status, 200);
}

#[test]
fn many_clients_get_their_own_answers() {
    let server = Setup::of(&regression()).start();
    thread::scope(|scope| {
        for number in 0..16 {
            let port = server.port;
            scope.spawn(move || {
                let mut client = Client::connect(port).unwrap();
                for turn in 0..50 {
                    let high = (number + turn) % 2;
                    let body = format!("{high},0\n").repeat(1 + number);
                    let expected = if high == 1 { "2.5\n" } else { "1.5\n" }.repeat(1 + number);
                    let reply = client.ask("POST", "/invocations", &CSV, body);
                    assert_eq!(reply.of(200), expected);
                }
            });
        }
    });
}

#[test]
fn a_request_that_is_too_large_is_told_and_not_read() {
    let server = Setup::of(&regression())
        .set("MAX_CONTENT_LENGTH", "1000")
        .start();
    let large = "0,0\n".repeat(251);
    let told = server.csv(&large);
    assert_eq!(
        told.of(413),
        "the request is larger than 1000 bytes, the most that is read"
    );
    assert_eq!(server.csv("0,0\n".repeat(250)).status, 200);
    // Without a length it is told when it shows.
    let mut client = server.connect();
    client.send("POST /invocations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send(format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()));
    assert_eq!(client.reply().status, 413);
    // A client that sends all of it first still gets its answer.
    assert_eq!(server.csv("0,0\n".repeat(2_000_000)).status, 413);
    let lying = "POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999\r\n\r\n";
    let mut client = server.connect();
    client.send(lying);
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    // It may be answered or closed, and the server goes on.
    let _ = client.stream.read_to_end(&mut rest);
    assert_eq!(server.csv("0,0").status, 200);
}

#[test]
fn a_head_without_end_is_not_read_to_it() {
    let server = Setup::of(&regression()).start();
    let long = "a".repeat(1 << 20);
    for head in [
        format!("GET /ping HTTP/1.1\r\nHost: a\r\nX: {long}"),
        format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!(
            "GET /ping HTTP/1.1\r\nHost: a\r\n{}\r\n",
            "X: a\r\n".repeat(1 << 16)
        ),
    ] {
        let mut client = server.connect();
        // It may be closed before all was sent.
        let _ = client.stream.write_all(head.as_bytes());
        let mut said = Vec::new();
        let _ = client.stream.read_to_end(&mut said);
        let said = String::from_utf8_lossy(&said);
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
        assert_eq!(server.csv("0,0").status, 200);
    }
}

#[test]
fn a_body_that_nobody_asks_for_ends_no_connection() {
    let server = Setup::of(&regression()).start();
    let mut client = server.connect();
    for (method, path, status) in [
        ("GET", "/ping", 200),
        ("GET", "/nothing", 404),
        ("POST", "/nothing", 404),
        ("DELETE", "/ping", 405),
    ] {
        client.head(method, path, &[], 3);
        // Time enough for an answer that does not wait for the body.
        thread::sleep(Duration::from_millis(50));
        client.send("0,0");
        assert_eq!(client.reply().status, status, "{method} {path}");
    }
}

#[test]
fn a_request_that_does_not_come_is_given_up() {
    let server = Setup::of(&regression())
        .set("SAGEMAKER_MODEL_SERVER_TIMEOUT", "1")
        .start();
    let mut slow = half_sent(&server);
    assert_eq!(slow.reply().of(408), "the request did not come within 1 s");
}

#[test]
fn an_answer_that_is_not_taken_is_given_up() {
    let server = Setup::of(&regression())
        .set("SAGEMAKER_MODEL_SERVER_TIMEOUT", "1")
        .set("MAX_CONTENT_LENGTH", "100000000")
        .start();
    let large = "0,0\n".repeat(3_000_000);
    let mut client = server.connect();
    let headers = [("Content-Type", "text/csv"), ("Accept", "application/json")];
    client.head("POST", "/invocations", &headers, large.len());
    client.send(&large);
    // The answer has ten times as many bytes as any buffer; its first ones say that it is there.
    let mut byte = [0];
    assert_eq!(client.stream.peek(&mut byte).unwrap(), 1);
    thread::sleep(Duration::from_secs(4));
    let mut taken = Vec::new();
    let ended = client.stream.read_to_end(&mut taken);
    let expected = "{\"score\": 1.5}, ".len() * 3_000_000;
    assert!(ended.is_err() || taken.len() < expected, "all of it came");
    assert_eq!(server.csv("0,0").status, 200);
}

#[test]
fn on_sigterm_what_runs_ends_and_nobody_new_is_taken() {
    for signal in ["-TERM", "-INT"] {
        let mut server = Setup::of(&regression()).start();
        let mut idle = server.connect();
        assert_eq!(idle.ask("GET", "/ping", &[], "").status, 200);
        let mut running = half_sent(&server);
        // So that it is under way and not only on its way.
        assert_eq!(server.csv("0,0").status, 200);
        server.signal(signal);
        server.wait_for("stopping");
        let end = Instant::now() + PATIENCE;
        while Client::connect(server.port).is_ok() {
            assert!(Instant::now() < end, "new clients are still taken");
            thread::sleep(Duration::from_millis(5));
        }
        let mut rest = Vec::new();
        assert_eq!(idle.stream.read_to_end(&mut rest).unwrap(), 0);
        running.send(",0");
        let reply = running.reply();
        assert_eq!(reply.of(200), "2.5\n");
        let (code, log) = server.ended();
        assert_eq!(code, Some(0), "{log:#?}");
    }
}

#[test]
fn the_log_has_no_bodies_and_no_lines_of_others() {
    let server = Setup::of(&regression()).set("LINDEN_LOG", "debug").start();
    let odd = "text/csv\t\u{e9} secret-type";
    server
        .invoke(&[("Content-Type", odd)], "secret-body")
        .of(415);
    server.csv("secret-cell,1\n").of(415);
    let headers = [
        CSV[0],
        ("Accept", "secret-accept"),
        ("Authorization", "secret-token"),
    ];
    server.invoke(&headers, "1,1").of(406);
    server.get("/secret-path");
    let log = server.stopped();
    assert!(
        log.iter()
            .any(|it| it.contains("invocation refused") && it.contains("status=415")),
        "{log:#?}"
    );
    assert!(
        log.iter().any(|it| it.contains("row 1, column 1")),
        "{log:#?}"
    );
    for line in &log {
        assert!(line.starts_with('['), "{line:?}");
        assert!(
            !line.contains("secret") && !line.contains('\u{1b}'),
            "{line:?}"
        );
    }
}

#[test]
fn what_is_counted_is_told_where_it_is_asked_for() {
    let server = Setup::of(&regression()).set("LINDEN_METRICS", "1").start();
    server.csv("0,0\n1,0\n").of(200);
    server.csv("x").of(415);
    let reply = server.get("/metrics");
    for line in [
        "linden_invocations_total{status=\"200\"} 1",
        "linden_invocations_total{status=\"415\"} 1",
        "linden_rows_total 2",
        "linden_invocation_seconds_count 2",
    ] {
        assert!(
            reply.of(200).lines().any(|it| it == line),
            "{line} is not in {}",
            reply.text()
        );
    }
}

#[test]
fn logs_may_be_documents() {
    let server = Setup::of(&regression())
        .set("LINDEN_LOG", "trainer=debug")
        .set("LINDEN_LOG_FORMAT", "json")
        .start();
    server.csv("0,0\n1,0\n").of(200);
    server.csv("x,0").of(415);
    let log = server.stopped();
    let documents: Vec<Value> = log
        .iter()
        .map(|it| serde_json::from_str(it).unwrap_or_else(|err| panic!("{it}: {err}")))
        .collect();
    let of_status = |status: u16| {
        let found = documents.iter().find(|it| it["status"] == status);
        found.unwrap_or_else(|| panic!("{documents:#?}"))
    };
    let answered = of_status(200);
    assert_eq!(
        (&answered["level"], &answered["rows"]),
        (&json!("DEBUG"), &json!(2))
    );
    assert!(answered["micros"].is_u64() && answered["timestamp"].is_string());
    let refused = of_status(415);
    assert_eq!(refused["level"], "WARN");
    assert_eq!(
        refused["message"],
        "invocation refused: row 1, column 1: a header in csv"
    );
}
