//! A bucket `lake` over HTTP on a loopback port, which fails as S3 and networks do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::job::{Ended, Job};

/// What becomes of a GET of an object, by the number of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Well,
    /// It takes its time.
    Slow,
    /// Half of the bytes that its header promises, then the connection ends.
    Broken,
    /// HTTP status and S3's code.
    Status(u16, &'static str),
    /// A page that is not S3's.
    Page(u16),
    /// Nothing ever comes.
    Silence,
}

/// A request: path with query, and headers in small letters.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
}

struct Bucket {
    /// Entity tags and bytes.
    objects: Mutex<BTreeMap<String, (String, Vec<u8>)>>,
    fate: fn(usize) -> Fate,
    seen: Mutex<Vec<Seen>>,
}

pub(crate) struct Server {
    bucket: Arc<Bucket>,
    addr: SocketAddr,
}

/// Status, further headers, body, and how many bytes of it really come.
struct Answer(u16, String, Vec<u8>, usize);

impl Server {
    pub(crate) fn start(objects: &[(&str, &[u8])], fate: fn(usize) -> Fate) -> Self {
        let objects = objects
            .iter()
            .map(|(key, bytes)| ((*key).to_owned(), ("\"1\"".to_owned(), bytes.to_vec())));
        let bucket = Arc::new(Bucket {
            objects: Mutex::new(objects.collect()),
            fate,
            seen: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::clone(&bucket);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let bucket = Arc::clone(&shared);
                thread::spawn(move || bucket.serve(stream));
            }
        });
        Self { bucket, addr }
    }

    /// A job whose training channel is at `prefix`.
    pub(crate) fn job(&self, prefix: &str, content_type: &str) -> Job {
        Job::new(&[("num_round", "3"), ("nthread", "2")])
            .env("LINDEN_CHANNEL_TRAIN", prefix)
            .env("LINDEN_CONTENT_TYPE_TRAIN", content_type)
            .env("AWS_ENDPOINT_URL", &format!("http://{}", self.addr))
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "somebody")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
    }

    pub(crate) fn run(&self, prefix: &str, content_type: &str) -> Ended {
        self.job(prefix, content_type).run()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.bucket.seen.lock().unwrap().clone()
    }

    /// Requests for objects.
    pub(crate) fn gets(&self) -> Vec<Seen> {
        let seen = self.seen().into_iter();
        seen.filter(|it| !it.path.contains("list-type")).collect()
    }
}

impl Bucket {
    /// Answers the requests of a connection until it ends.
    fn serve(&self, mut stream: TcpStream) {
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        loop {
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                match lines.read_line(&mut line) {
                    Ok(1..) if !line.trim().is_empty() => head.push(line.trim().to_owned()),
                    Ok(1..) => break,
                    Ok(0) | Err(_) => return,
                }
            }
            let path = head[0].split(' ').nth(1).unwrap().to_owned();
            let headers = head[1..].iter().filter_map(|it| it.split_once(": "));
            let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
            let headers = headers.collect();
            let Answer(status, more, body, n_sent) = self.answer(&Seen { path, headers });
            let n_bytes = body.len();
            let head =
                format!("HTTP/1.1 {status} Status\r\nContent-Length: {n_bytes}\r\n{more}\r\n");
            let sent = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&body[..n_sent]));
            if sent.is_err() || n_sent < n_bytes {
                return;
            }
        }
    }

    fn answer(&self, request: &Seen) -> Answer {
        let n_before = {
            let mut seen = self.seen.lock().unwrap();
            let gets = seen.iter().filter(|it| !it.path.contains("list-type"));
            let n_before = gets.count();
            seen.push(request.clone());
            n_before
        };
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        if !path.starts_with("/lake") {
            return refusal(404, "NoSuchBucket");
        }
        if query.contains("list-type=2") {
            return self.list(query);
        }
        match (self.fate)(n_before) {
            Fate::Well => self.get(path, &request.headers),
            Fate::Slow => {
                thread::sleep(Duration::from_millis(20));
                self.get(path, &request.headers)
            }
            Fate::Broken => {
                let Answer(status, more, body, n_bytes) = self.get(path, &request.headers);
                Answer(status, more, body, n_bytes / 2)
            }
            Fate::Status(status, code) => refusal(status, code),
            Fate::Page(status) => {
                let page = b"<html>a proxy</html>".to_vec();
                let n_bytes = page.len();
                Answer(status, String::new(), page, n_bytes)
            }
            Fate::Silence => loop {
                thread::park();
            },
        }
    }

    /// Two keys a page.
    fn list(&self, query: &str) -> Answer {
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|it| it.split_once('='));
            let found = pairs.find(|(it, _)| *it == name);
            found.map_or_else(String::new, |(_, it)| it.replace("%2F", "/"))
        };
        let (prefix, after) = (value("prefix"), value("continuation-token"));
        let objects = self.objects.lock().unwrap();
        let keys = objects.iter().filter(|(key, _)| **key > after);
        let mut keys = keys.filter(|(key, _)| key.starts_with(&prefix));
        let (mut contents, mut last) = (String::new(), String::new());
        for (key, (tag, bytes)) in keys.by_ref().take(2) {
            let n_bytes = bytes.len();
            write!(
                contents,
                "<Contents><Key>{key}</Key><ETag>{tag}</ETag><Size>{n_bytes}</Size></Contents>"
            )
            .unwrap();
            last.clone_from(key);
        }
        let more = match keys.next() {
            Some(_) => format!(
                "<IsTruncated>true</IsTruncated><NextContinuationToken>{last}</NextContinuationToken>"
            ),
            None => "<IsTruncated>false</IsTruncated>".to_owned(),
        };
        let text = format!("<ListBucketResult>{more}{contents}</ListBucketResult>");
        let n_bytes = text.len();
        Answer(200, String::new(), text.into_bytes(), n_bytes)
    }

    fn get(&self, path: &str, headers: &BTreeMap<String, String>) -> Answer {
        let objects = self.objects.lock().unwrap();
        let Some((tag, bytes)) = path.strip_prefix("/lake/").and_then(|it| objects.get(it)) else {
            return refusal(404, "NoSuchKey");
        };
        if headers.get("if-match") != Some(tag) {
            return refusal(412, "PreconditionFailed");
        }
        let range = headers.get("range").and_then(|it| {
            let (first, last) = it.strip_prefix("bytes=")?.split_once('-')?;
            Some((first.parse::<usize>().ok()?, last.parse::<usize>().ok()?))
        });
        match range {
            None => Answer(200, format!("ETag: {tag}\r\n"), bytes.clone(), bytes.len()),
            Some((first, last)) => {
                let last = last.min(bytes.len() - 1);
                let more = format!(
                    "ETag: {tag}\r\nContent-Range: bytes {first}-{last}/{}\r\n",
                    bytes.len()
                );
                Answer(206, more, bytes[first..=last].to_vec(), last + 1 - first)
            }
        }
    }
}

fn refusal(status: u16, code: &str) -> Answer {
    let home = match status {
        301 => "x-amz-bucket-region: us-east-2\r\n",
        _ => "",
    };
    let text = format!("<Error><Code>{code}</Code><Message>As S3 says it.</Message></Error>");
    let n_bytes = text.len();
    Answer(status, home.to_owned(), text.into_bytes(), n_bytes)
}
