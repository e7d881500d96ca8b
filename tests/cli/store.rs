//! Conditional writes over a real socket: against an S3 where somebody else is faster, where two write at once, and where
//! answers are lost.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use cli::approval::Approval;
use cli::aws::client::{Target, connect};
use cli::aws::{AwsErrorKind, Store, Swap};
use contract::exit;
use contract::job::S3Uri;
use serde_json::json;

use crate::request::read_request;

/// What the server does with a put, before its own rules.
#[derive(Clone, Copy)]
enum Fault {
    /// This status, code and nothing done.
    Says(u16, &'static str),
    /// It is done, and the connection ends before the answer.
    LosesTheAnswer,
    /// Somebody else's object is there first.
    IsOvertaken,
}

/// One object, and what was asked.
#[derive(Default)]
struct State {
    faults: VecDeque<Fault>,
    object: Option<String>,
    n_written: usize,
    heads: Vec<String>,
}

type Shared = Arc<Mutex<State>>;

fn server(faults: &[Fault]) -> (SocketAddr, Shared) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let state = Shared::default();
    state.lock().unwrap().faults.extend(faults);
    let shared = Arc::clone(&state);
    thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), &mut shared.lock().unwrap());
        }
    });
    (addr, state)
}

fn answer(mut stream: TcpStream, state: &mut State) {
    let (head, body) = read_request(&mut stream);
    if head.starts_with("get ") {
        let (status, body) = match &state.object {
            Some(body) => ("200 OK".to_owned(), body.clone()),
            None => ("404 Not Found".to_owned(), error("NoSuchKey")),
        };
        return say(&mut stream, &status, &state.tag(), &body);
    }
    state.heads.push(head.clone());
    match state.faults.pop_front() {
        Some(Fault::Says(status, code)) => {
            return say(&mut stream, &format!("{status} No"), "", &error(code));
        }
        Some(Fault::LosesTheAnswer) => {
            state.write(&head, body).unwrap();
            return;
        }
        Some(Fault::IsOvertaken) => state.object = Some("theirs".to_owned()),
        None => {}
    }
    let (status, body) = match state.write(&head, body) {
        Ok(()) => ("200 OK", String::new()),
        Err(code) if code == "NoSuchKey" => ("404 Not Found", error(code)),
        Err(code) => ("412 Precondition Failed", error(code)),
    };
    say(&mut stream, status, &state.tag(), &body);
}

impl State {
    /// Writes as S3 does: where the condition holds.
    fn write(&mut self, head: &str, body: String) -> Result<(), &'static str> {
        let condition = head.lines().find_map(|it| it.strip_prefix("if-match: "));
        match (condition, &self.object) {
            (Some(tag), Some(_)) if tag.trim() == self.tag() => {}
            (Some(_), None) => return Err("NoSuchKey"),
            (None, None) if head.contains("if-none-match: *") => {}
            (Some(_) | None, _) => return Err("PreconditionFailed"),
        }
        self.object = Some(body);
        self.n_written += 1;
        Ok(())
    }

    fn tag(&self) -> String {
        format!("\"tag-{}\"", self.object.as_deref().map_or(0, str::len))
    }
}

fn error(code: &str) -> String {
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>")
}

fn say(stream: &mut TcpStream, status: &str, tag: &str, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nETag: {tag}\r\nContent-Length: {length}");
    write!(stream, "{head}\r\nConnection: close\r\n\r\n{body}").unwrap();
}

fn uri() -> S3Uri {
    "s3://bucket/approved.json".parse().unwrap()
}

/// The store at that address, for what `work` does with it.
fn with_store<T>(addr: SocketAddr, work: impl AsyncFnOnce(Arc<dyn Store>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let region = "eu-west-1".to_owned();
        let ports = connect(&Target::Local { addr, region }).await.unwrap();
        work(ports.store).await
    })
}

fn swap(addr: SocketAddr, body: &str, known: Option<&str>) -> Result<Swap, AwsErrorKind> {
    with_store(addr, async |store| {
        let swapped = store.swap(&uri(), body.into(), known).await;
        swapped.map_err(|err| err.kind)
    })
}

#[test]
fn an_object_is_put_only_over_the_one_that_was_known() {
    let (addr, state) = server(&[]);
    assert_eq!(swap(addr, "a", None), Ok(Swap::Done));
    assert_eq!(swap(addr, "bb", None), Ok(Swap::Changed), "one is there");
    assert_eq!(swap(addr, "ccc", Some("tag-1")), Ok(Swap::Done));
    assert_eq!(swap(addr, "dddd", Some("tag-1")), Ok(Swap::Changed));
    let state = state.lock().unwrap();
    assert_eq!((state.object.as_deref(), state.n_written), (Some("ccc"), 2));
    let conditions: Vec<&str> = state
        .heads
        .iter()
        .filter_map(|head| head.lines().find(|it| it.starts_with("if-")))
        .collect();
    let expected = [
        "if-none-match: *",
        "if-none-match: *",
        "if-match: \"tag-1\"",
        "if-match: \"tag-1\"",
    ];
    assert_eq!(conditions, expected, "every put has its condition");
}

#[test]
fn whoever_else_is_faster_is_told_apart_from_what_went_wrong() {
    for (fault, expected) in [
        (Fault::IsOvertaken, Ok(Swap::Changed)),
        (
            Fault::Says(409, "ConditionalRequestConflict"),
            Ok(Swap::Changed),
        ),
        (Fault::Says(403, "AccessDenied"), Err(AwsErrorKind::Denied)),
    ] {
        let (addr, state) = server(&[fault]);
        assert_eq!(swap(addr, "mine", None), expected);
        assert_eq!(state.lock().unwrap().n_written, 0);
    }
    // One that was known and is gone.
    let (addr, state) = server(&[]);
    assert_eq!(swap(addr, "mine", Some("tag-4")), Ok(Swap::Changed));
    assert_eq!(state.lock().unwrap().object, None);
}

#[test]
fn an_answer_that_is_lost_or_a_server_that_is_busy_is_asked_again() {
    let (addr, state) = server(&[Fault::Says(503, "SlowDown")]);
    assert_eq!(swap(addr, "mine", None), Ok(Swap::Done));
    assert_eq!(state.lock().unwrap().heads.len(), 2);
    // What is asked again meets what was written: nobody can tell that from somebody else's, but by reading it.
    let (addr, state) = server(&[Fault::LosesTheAnswer]);
    assert_eq!(swap(addr, "mine", None), Ok(Swap::Changed));
    let state = state.lock().unwrap();
    assert_eq!(
        (state.object.as_deref(), state.n_written),
        (Some("mine"), 1)
    );
    assert_eq!(state.heads.len(), 2);
}

#[test]
fn an_approval_knows_its_own_document_and_never_writes_over_anothers() {
    let approval = || -> Approval {
        let document = json!({
            "schema": 1, "job": "usage-1", "arn": "", "approved": "2026-11-27T12:00:00Z", "model": "s3://bucket/model.tar.gz",
            "archive_sha256": "01", "models": [], "metrics": [], "data": {},
        });
        serde_json::from_value(document).unwrap()
    };
    let replace = |addr| {
        with_store(addr, async |store| {
            let to: S3Uri = "s3://bucket/approved/".parse().unwrap();
            approval().replace(None, &*store, &to).await
        })
    };
    let (addr, state) = server(&[Fault::LosesTheAnswer]);
    replace(addr).unwrap();
    assert_eq!(state.lock().unwrap().n_written, 1);
    let (addr, state) = server(&[]);
    let theirs = Approval {
        job: "usage-2".to_owned(),
        ..approval()
    };
    let theirs = serde_json::to_string(&theirs).unwrap();
    state.lock().unwrap().object = Some(theirs.clone());
    let err = replace(addr).unwrap_err();
    assert_eq!(err.exit_code(), exit::CONFLICT, "{err}");
    assert_eq!(state.lock().unwrap().object.as_deref(), Some(&*theirs));
}
