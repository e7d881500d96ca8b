//! The job file on disk, and the local files that its channels are filled from.
//!
//! A channel's `source` is a file, which becomes one object of that name below the channel's `s3`, or a folder, whose
//! files become objects with the same relative paths. Hidden files stay at home.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use contract::job::S3Uri;
use contract::job::file::{JobChannel, JobFile};
use md5::{Digest, Md5};

use crate::error::CliError;

/// S3 takes at most 5 GB in one piece.
pub const MAX_OBJECT_BYTES: u64 = 5_000_000_000;

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

/// Reads the job file at `path`, `-` being stdin, with `key=value` overrides laid over it.
///
/// # Errors
/// Every problem of the file at once.
pub fn read(path: &Path, overrides: &[String]) -> Result<JobSource, CliError> {
    let text = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        fs::read_to_string(path)
    };
    let text = text.map_err(|err| match err.kind() {
        ErrorKind::IsADirectory | ErrorKind::InvalidData => CliError::Usage {
            message: format!("`{}` is not a job file: {err}", path.display()),
            fix: "a job file is a text in TOML, such as configs/usage-forecast/job.toml".to_owned(),
        },
        _ => CliError::file("read", path, err),
    })?;
    let overrides = overrides
        .iter()
        .map(|it| split_override(it))
        .collect::<Result<Vec<_>, _>>()?;
    let shown = path.display().to_string();
    let job = JobFile::parse(&text, &overrides).map_err(|problems| CliError::JobFile {
        path: shown.clone(),
        problems,
    })?;
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    Ok(JobSource {
        path: shown,
        job,
        folder,
    })
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

fn source_file(path: &Path, uri: S3Uri) -> Result<SourceFile, CliError> {
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
