//! A contract tree in a temporary folder, and the real program run on it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::rc::Rc;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A job that has not run yet.
pub(crate) struct Job {
    dir: Rc<TempDir>,
    hyperparameters: BTreeMap<String, Value>,
    channels: BTreeMap<String, Value>,
    environment: BTreeMap<String, String>,
}

/// What a job left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit_code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The tree stays until the last of job and ending is gone.
    dir: Rc<TempDir>,
}

impl Job {
    /// A job with these hyperparameters, no channel, and one host.
    pub(crate) fn new(hyperparameters: &[(&str, &str)]) -> Self {
        let dir = Rc::new(tempfile::tempdir().unwrap());
        for folder in ["input/config", "input/data", "model", "output/data"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let job = Self {
            dir,
            hyperparameters: BTreeMap::new(),
            channels: BTreeMap::new(),
            environment: BTreeMap::new(),
        };
        hyperparameters
            .iter()
            .fold(job, |job, (name, value)| job.set(name, value))
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.hyperparameters.insert(name.to_owned(), json!(value));
        self
    }

    /// Sets a variable of the program's environment.
    #[cfg(feature = "s3")]
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Adds a channel with these files, by path below its folder.
    pub(crate) fn channel(
        mut self,
        name: &str,
        content_type: &str,
        files: &[(&str, &str)],
    ) -> Self {
        let config = json!({
            "ContentType": content_type,
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        });
        self.channels.insert(name.to_owned(), config);
        for (path, text) in files {
            self.write(&format!("input/data/{name}/{path}"), text);
        }
        self
    }

    /// Changes what `inputdataconfig.json` says about a channel.
    pub(crate) fn channel_config(mut self, name: &str, config: Value) -> Self {
        self.channels.insert(name.to_owned(), config);
        self
    }

    /// A channel of CSV.
    pub(crate) fn csv(self, name: &str, text: &str) -> Self {
        self.channel(name, "text/csv", &[("data.csv", text)])
    }

    /// A channel of libsvm.
    pub(crate) fn libsvm(self, name: &str, text: &str) -> Self {
        self.channel(name, "text/libsvm", &[("data.libsvm", text)])
    }

    /// Writes a file below the root.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn write_documents(&self) {
        let documents = [
            ("hyperparameters.json", json!(self.hyperparameters)),
            ("inputdataconfig.json", json!(self.channels)),
            (
                "resourceconfig.json",
                json!({"current_host": "algo-1", "hosts": ["algo-1"]}),
            ),
        ];
        for (name, document) in documents {
            // What a test has put there itself stays.
            if !self.path(&format!("input/config/{name}")).exists() {
                self.write(&format!("input/config/{name}"), document.to_string());
            }
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = program(words);
        command.envs(&self.environment);
        command.env("SAGEMAKER_BASE_DIR", self.dir.path());
        command
    }

    /// Runs the job to its end.
    pub(crate) fn run(&self) -> Ended {
        self.run_with(&["train"])
    }

    pub(crate) fn run_with(&self, words: &[&str]) -> Ended {
        self.write_documents();
        self.ended(self.command(words).output().unwrap())
    }

    /// Runs another program, which gets the trainer's path as its last word.
    pub(crate) fn run_by(&self, program: &str, words: &[&str]) -> Ended {
        self.write_documents();
        let trainer = self.command(&[]).get_program().to_owned();
        let mut command = Command::new(program);
        command.args(words).arg(trainer);
        command.env("SAGEMAKER_BASE_DIR", self.dir.path());
        self.ended(command.output().unwrap())
    }

    /// Starts the job, with stdout and stderr to be read.
    pub(crate) fn start(&self) -> Child {
        self.write_documents();
        self.command(&["train"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// What a child left that was started with [`Job::start`].
    pub(crate) fn wait(&self, child: Child) -> Ended {
        self.ended(child.wait_with_output().unwrap())
    }

    fn ended(&self, output: Output) -> Ended {
        Ended {
            exit_code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            dir: Rc::clone(&self.dir),
        }
    }
}

/// Sends a signal, such as `-TERM`, to a program that runs.
pub(crate) fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// The program, in an empty environment but for what is set here.
pub(crate) fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linden-trainer"));
    command.args(words).env_clear();
    command
}

impl Ended {
    pub(crate) fn read(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.dir.path().join(path)).ok()
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        let bytes = self
            .read(path)
            .unwrap_or_else(|| panic!("{path} is not there; {}", self.stderr));
        serde_json::from_slice(&bytes).unwrap()
    }

    /// The model's bytes, of a job that went well.
    pub(crate) fn model(&self) -> Vec<u8> {
        assert_eq!(self.exit_code, Some(0), "{}", self.stderr);
        self.read("model/xgboost-model").expect("there is a model")
    }

    pub(crate) fn metric_lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }

    /// The failure file's first line, of a job that failed as it should: exit code 1, and the same text on stderr.
    pub(crate) fn reason(&self) -> String {
        assert_eq!(self.exit_code, Some(1), "{}", self.stderr);
        let text = self
            .read("output/failure")
            .unwrap_or_else(|| panic!("no failure file; {}", self.stderr));
        let text = String::from_utf8(text).unwrap();
        assert!(text.chars().count() <= 1024, "{text}");
        assert!(
            self.stderr.ends_with(&text),
            "stderr: {}\nfailure file: {text}",
            self.stderr
        );
        assert_eq!(
            self.read("model/xgboost-model"),
            None,
            "a failed job left a model"
        );
        text.lines().next().unwrap_or_default().to_owned()
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }
}

/// Rows of label and features that a tree can learn, the same each time: `n_rows` lines of CSV with three features.
pub(crate) fn table(n_rows: usize) -> String {
    rows(n_rows)
        .map(|(label, [a, b, c])| format!("{label},{a},{b},{c}\n"))
        .collect::<Vec<_>>()
        .concat()
}

/// As [`table`], in libsvm.
pub(crate) fn sparse_table(n_rows: usize) -> String {
    rows(n_rows)
        .map(|(label, [a, b, c])| format!("{label} 0:{a} 1:{b} 2:{c}\n"))
        .collect::<Vec<_>>()
        .concat()
}

pub(crate) fn rows(n_rows: usize) -> impl Iterator<Item = (f32, [f32; 3])> {
    (0..n_rows).map(|row| {
        let a = (row * 7 % 24) as f32;
        let b = (row * 13 % 7) as f32;
        let c = ((row * 7919) % 1000) as f32 / 8.0;
        (
            a * 2.0 + if b > 4.0 { 30.0 } else { 0.0 } + c / 50.0,
            [a, b, c],
        )
    })
}
