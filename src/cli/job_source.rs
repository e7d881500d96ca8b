//! The job file on disk with what is laid below and over it, and the local files that its channels are filled from.
//!
//! Below it lie `/etc/linden/config.toml`, `linden/config.toml` in the user's folder of settings, and `linden.toml` beside
//! it, weakest first; over it an overlay, the variables of [`VARIABLES`], and `--set`.
//! A channel's `source` is a file, which becomes one object of that name below the channel's `s3`, or a folder, whose
//! files become objects with the same relative paths. Hidden files stay at home.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use contract::job::S3Uri;
use contract::job::file::{JobChannel, JobFile, Layer, Layers, Resolved, Setting};
use md5::{Digest, Md5};

use crate::error::CliError;

/// S3 takes at most 5 GB in one piece.
pub const MAX_OBJECT_BYTES: u64 = 5_000_000_000;

/// Variables that set keys of the job file, for what differs between accounts rather than between jobs.
pub const VARIABLES: &[(&str, &str)] = &[
    ("LINDEN_IMAGE_URI", "image.uri"),
    ("LINDEN_ROLE_ARN", "role.arn"),
    ("LINDEN_OUTPUT_S3", "output.s3"),
];
/// The settings of everybody on this machine.
const SYSTEM_SETTINGS: &str = "/etc/linden/config.toml";
/// The settings of a project, beside its job files.
const PROJECT_SETTINGS: &str = "linden.toml";

/// Which job: its file, and what is laid over it.
#[derive(Clone, Debug, clap::Args)]
pub struct JobArgs {
    /// The job file (TOML); `-` is stdin
    pub job_file: PathBuf,
    /// Lay the section `[overlay.NAME]` of the job file over the rest of it
    #[arg(long, value_name = "NAME", env = "LINDEN_OVERLAY", hide_env = true)]
    pub overlay: Option<String>,
    /// Lay a value over the job file, such as `hyperparameters.num_round=50`
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// A job file that has been read.
#[derive(Clone, Debug)]
pub struct JobSource {
    /// Its path, as it was given.
    pub path: String,
    /// What it says.
    pub job: JobFile,
    /// What the paths in it are relative to.
    folder: PathBuf,
}

/// A local file that belongs to a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The file.
    pub path: PathBuf,
    /// The object that it becomes.
    pub uri: S3Uri,
    /// Its size in bytes.
    pub bytes: u64,
}

impl JobArgs {
    /// Reads the job.
    ///
    /// # Errors
    /// Every problem of the file, and of what is laid below and over it, at once.
    pub fn read(&self) -> Result<JobSource, CliError> {
        let path = self.job_file.display().to_string();
        match self.resolve()?.job {
            Ok(job) => Ok(JobSource {
                path,
                job,
                folder: self.folder(),
            }),
            Err(problems) => Err(CliError::JobFile { path, problems }),
        }
    }

    /// Reads all layers and lays them over one another.
    ///
    /// # Errors
    /// If a file cannot be read, or a `--set` has no key. What is wrong with the job is in the result.
    pub fn resolve(&self) -> Result<Resolved, CliError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty());
        let mut files = Vec::new();
        for path in self.settings_files(variable) {
            files.extend(layer(&path)?);
        }
        files.push(self.job_layer()?);
        let settings: Vec<Setting> = VARIABLES
            .iter()
            .filter_map(|(name, key)| {
                Some(Setting {
                    variable: (*name).to_owned(),
                    key: (*key).to_owned(),
                    value: variable(name)?,
                })
            })
            .collect();
        let overrides = self
            .set
            .iter()
            .map(|it| split_override(it))
            .collect::<Result<Vec<_>, _>>()?;
        let layers = Layers {
            files: &files,
            overlay: self.overlay.as_deref().filter(|it| !it.is_empty()),
            settings: &settings,
            overrides: &overrides,
        };
        Ok(layers.resolve())
    }

    fn folder(&self) -> PathBuf {
        self.job_file
            .parent()
            .map(Path::to_owned)
            .unwrap_or_default()
    }

    /// Where settings may lie, weakest first.
    fn settings_files(&self, variable: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
        let user = variable("XDG_CONFIG_HOME").map(PathBuf::from);
        let user = user.or_else(|| variable("HOME").map(|it| Path::new(&it).join(".config")));
        let user = user.map(|it| it.join("linden/config.toml"));
        let project = self.folder().join(PROJECT_SETTINGS);
        // `linden.toml` may be a job file itself.
        let project = (project != self.job_file).then_some(project);
        std::iter::once(PathBuf::from(SYSTEM_SETTINGS))
            .chain(user)
            .chain(project)
            .collect()
    }

    fn job_layer(&self) -> Result<Layer, CliError> {
        let path = &self.job_file;
        let text = if path == Path::new("-") {
            std::io::read_to_string(std::io::stdin())
        } else {
            fs::read_to_string(path)
        };
        Ok(Layer {
            name: path.display().to_string(),
            text: text.map_err(|err| unreadable(path, err))?,
        })
    }
}

/// A file of settings; none where there is none.
fn layer(path: &Path) -> Result<Option<Layer>, CliError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(Layer {
            name: path.display().to_string(),
            text,
        })),
        Err(err) if matches!(err.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(err) => Err(unreadable(path, err)),
    }
}

fn unreadable(path: &Path, err: std::io::Error) -> CliError {
    match err.kind() {
        ErrorKind::IsADirectory | ErrorKind::InvalidData => CliError::Usage {
            message: format!("`{}` is not a job file: {err}", path.display()),
            fix: "a job file is a text in TOML, such as configs/usage-forecast/job.toml".to_owned(),
        },
        _ => CliError::file("read", path, err),
    }
}

fn split_override(text: &str) -> Result<(String, String), CliError> {
    let pair = text
        .split_once('=')
        .filter(|(key, _)| !key.trim().is_empty());
    pair.map(|(key, value)| (key.trim().to_owned(), value.to_owned()))
        .ok_or_else(|| CliError::Usage {
            message: format!("`--set {text}` has no key and value"),
            fix: "write --set key.path=value, such as --set hyperparameters.num_round=50"
                .to_owned(),
        })
}

impl JobSource {
    /// The files that fill a channel, by name; `None` where the channel's data is in S3 already.
    ///
    /// # Errors
    /// If the source is not there, has no file, or has one that is too large for S3 in one piece.
    pub fn files(&self, channel: &JobChannel) -> Result<Option<Vec<SourceFile>>, CliError> {
        let Some(source) = &channel.source else {
            return Ok(None);
        };
        let source = self.folder.join(source);
        let missing = |what: &str| CliError::Missing {
            message: format!(
                "channel `{}`: source `{}` {what}",
                channel.name,
                source.display()
            ),
            fix: format!(
                "paths are relative to {}; without `source` the objects at `s3` are used as they are",
                self.path
            ),
        };
        let mut files = Vec::new();
        if source.is_dir() {
            collect(&source, &channel.s3, &mut files)?;
        } else if source.is_file() {
            let name = source.file_name().unwrap_or_default().to_string_lossy();
            files.push(source_file(&source, channel.s3.join(&name))?);
        } else {
            return Err(missing("is not there"));
        }
        if files.is_empty() {
            return Err(missing("holds no file"));
        }
        Ok(Some(files))
    }
}

fn collect(folder: &Path, prefix: &S3Uri, files: &mut Vec<SourceFile>) -> Result<(), CliError> {
    let unreadable = |err| CliError::file("read", folder, err);
    let mut entries = fs::read_dir(folder)
        .map_err(unreadable)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            collect(&path, &prefix.join(&name), files)?;
        } else {
            files.push(source_file(&path, prefix.join(&name))?);
        }
    }
    Ok(())
}

/// A file that is to become the object `uri`.
///
/// # Errors
/// If it cannot be read, or has more bytes than S3 takes in one piece.
pub fn source_file(path: &Path, uri: S3Uri) -> Result<SourceFile, CliError> {
    let bytes = fs::metadata(path)
        .map_err(|err| CliError::file("read", path, err))?
        .len();
    if bytes > MAX_OBJECT_BYTES {
        return Err(CliError::Usage {
            message: format!(
                "`{}` has {bytes} bytes, more than S3 takes in one piece",
                path.display()
            ),
            fix: format!(
                "split it, or put it there with `aws s3 cp {} {uri}` and leave `source` away",
                path.display()
            ),
        });
    }
    Ok(SourceFile {
        path: path.to_owned(),
        uri,
        bytes,
    })
}

impl SourceFile {
    /// The MD5 of its bytes, which is also the entity tag that S3 gives the object.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn md5(&self) -> Result<[u8; 16], CliError> {
        let unreadable = |err| CliError::file("read", &self.path, err);
        let mut file = File::open(&self.path).map_err(unreadable)?;
        let mut digest = Md5::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let n = file.read(&mut buffer).map_err(unreadable)?;
            if n == 0 {
                return Ok(digest.finalize().into());
            }
            digest.update(&buffer[..n]);
        }
    }
}
