//! The real program as a server in a tree of its own, and a client that is nothing but a socket. Nothing waits for ever.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use engine::booster::Booster;
use engine::model::{self, ModelFormat};
use engine::objective::{Objective, ObjectiveName};
use engine::tree::{NO_PARENT, Node, Tree};
use tempfile::TempDir;

use crate::job::{program, send};

/// The longest that anything takes, on a machine that others use too.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A server that has not started.
pub(crate) struct Setup {
    dir: TempDir,
    environment: Vec<(String, String)>,
}

/// A server that runs; dropped, it is killed.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    lines: Receiver<String>,
    log: Vec<String>,
    dir: TempDir,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("model")).unwrap();
        Self {
            dir,
            environment: Vec::new(),
        }
        .set("SAGEMAKER_BIND_TO_PORT", "0")
    }

    /// A server of one model.
    pub(crate) fn of(booster: &Booster) -> Self {
        Self::new().file(
            "model/xgboost-model",
            model::save(booster, ModelFormat::Ubj),
        )
    }

    pub(crate) fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    pub(crate) fn link(self, path: &str, to: &str) -> Self {
        std::os::unix::fs::symlink(to, self.dir.path().join(path)).unwrap();
        self
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn command(&self) -> Command {
        let mut command = program(&["serve"]);
        command
            .env("SAGEMAKER_BASE_DIR", self.dir.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn start(self) -> Server {
        let mut command = self.command();
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut server = Server {
            child,
            port: 0,
            lines,
            log: Vec::new(),
            dir: self.dir,
        };
        let line = server.wait_for("Listening on 0.0.0.0:");
        let port = line.split("0.0.0.0:").nth(1).unwrap();
        server.port = port.split(':').next().unwrap().parse().unwrap();
        server
    }

    /// Runs a server that must not start.
    pub(crate) fn refused(self) -> String {
        let Output { status, stderr, .. } = self.command().output().unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(1), "{stderr}");
        assert!(
            !self.dir.path().join("output").exists(),
            "a server left a failure file"
        );
        stderr.replace(self.dir.path().to_str().unwrap(), "ROOT")
    }
}

impl Server {
    /// Waits for a line of the log.
    pub(crate) fn wait_for(&mut self, part: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.log.push(line.clone());
                    if line.contains(part) {
                        return line;
                    }
                }
                Err(err) => panic!("no line with `{part}`, {err}: {:#?}", self.log),
            }
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.port).unwrap()
    }

    /// One invocation on a connection of its own.
    pub(crate) fn invoke(&self, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
        self.connect().ask("POST", "/invocations", headers, body)
    }

    pub(crate) fn csv(&self, body: impl AsRef<[u8]>) -> Reply {
        self.invoke(&[("Content-Type", "text/csv")], body)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.connect().ask("GET", path, &[], "")
    }

    pub(crate) fn signal(&self, signal: &str) {
        send(signal, &self.child);
    }

    /// Waits for the end; gives the exit code and all that was logged.
    pub(crate) fn ended(mut self) -> (Option<i32>, Vec<String>) {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(1)) {
                    self.log.push(line);
                }
                return (status.code(), std::mem::take(&mut self.log));
            }
            assert!(Instant::now() < end, "the server goes on");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops it, and gives all that was logged.
    pub(crate) fn stopped(self) -> Vec<String> {
        self.signal("-TERM");
        let (code, log) = self.ended();
        assert_eq!(code, Some(0), "{log:#?}");
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection, which may be used for several requests.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends the head of a request whose body has so many bytes.
    pub(crate) fn head(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        length: usize,
    ) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        write!(head, "Content-Length: {length}\r\n\r\n").unwrap();
        self.send(head);
    }

    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Reply {
        let body = body.as_ref();
        self.head(method, path, headers, body.len());
        self.send(body);
        self.reply()
    }

    /// Reads an answer.
    pub(crate) fn reply(&mut self) -> Reply {
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 65536];
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
                break at;
            }
            let n = self.stream.read(&mut chunk).unwrap();
            assert!(n > 0, "the connection ended within a head: {bytes:?}");
            bytes.extend_from_slice(&chunk[..n]);
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut body = bytes.split_off(end + 4);
        let lower = head.to_ascii_lowercase();
        let length = lower
            .lines()
            .find_map(|it| it.strip_prefix("content-length: "));
        let length = length.map_or(0, |it| it.parse().unwrap());
        while body.len() < length {
            let n = self.stream.read(&mut chunk).unwrap();
            assert!(n > 0, "the connection ended within a body");
            body.extend_from_slice(&chunk[..n]);
        }
        assert_eq!(body.len(), length, "bytes behind the answer");
        Reply { status, head, body }
    }
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The text of an answer of this status.
    pub(crate) fn of(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{}", self.text());
        self.text()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|it| it.split_once(": "));
        lines
            .find(|it| it.0.eq_ignore_ascii_case(name))
            .map(|it| it.1)
    }
}

/// One split on the first of two features: `low` below 0.5 and where it is missing, else `high`.
pub(crate) fn stump(low: f32, high: f32) -> Tree {
    let leaf = |value| Node::leaf(0, value, 1.0);
    Tree::from(vec![
        Node {
            left: Some(1),
            split_index: 0,
            split_condition: 0.5,
            default_left: true,
            ..Node::leaf(NO_PARENT, 0.0, 2.0)
        },
        leaf(low),
        leaf(high),
    ])
}

/// A model of two features that is its stumps, one for each class.
pub(crate) fn stumps(objective: ObjectiveName, trees: &[(f32, f32)]) -> Booster {
    let num_class = if objective.is_multiclass() {
        trees.len() as u32
    } else {
        0
    };
    let objective = Objective {
        num_class,
        ..Objective::new(objective)
    };
    let booster = Booster {
        trees: trees.iter().map(|(low, high)| stump(*low, *high)).collect(),
        tree_info: (0..trees.len() as u32)
            .map(|it| if num_class > 0 { it } else { 0 })
            .collect(),
        ..Booster::new(objective, 2)
    };
    // The base score whose margin is 0, or nearly.
    let base_score = match booster.objective.name {
        ObjectiveName::RegSquaredError | ObjectiveName::RankNdcg => 0.0,
        ObjectiveName::CountPoisson => 1.0,
        _ => 0.5,
    };
    Booster {
        base_score,
        ..booster
    }
}
