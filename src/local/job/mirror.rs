//! A folder of the hosts' and what S3 has of it: checkpoints, which come down before the trainer starts and go up whenever a
//! file has changed, and the outputs of processing jobs, which only go up.
//!
//! Nothing is ever deleted in S3, and what has not changed is not put twice. Checkpoints whose names end in one of the agent's
//! own suffixes stay where they are. Where two hosts have the same name, the host of lower rank is taken.
//!
//! Source: SageMaker developer guide, "Use Checkpoints in Amazon SageMaker AI"; SageMaker API, `ProcessingS3Output`.

use super::artifacts::Files;
use crate::s3::Objects;
use contract::job::S3Uri;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const NOT_UPLOADED: [&str; 3] = [
    ".sagemaker-ignore",
    ".sagemaker-uploading",
    ".sagemaker-uploaded",
];

/// Folders whose files are put below one address.
#[derive(Debug)]
pub(crate) struct Mirror {
    objects: Objects,
    uri: S3Uri,
    folders: Vec<PathBuf>,
    not_uploaded: &'static [&'static str],
    seen: HashMap<PathBuf, (u64, Option<SystemTime>)>,
}

impl Mirror {
    /// The outputs in `folders`, which are the hosts', rank by rank.
    pub(crate) fn outputs(objects: Objects, uri: S3Uri, folders: Vec<PathBuf>) -> Self {
        Self {
            objects,
            uri,
            folders,
            not_uploaded: &[],
            seen: HashMap::new(),
        }
    }

    /// The checkpoints in `folders`.
    pub(super) fn checkpoints(objects: Objects, uri: S3Uri, folders: Vec<PathBuf>) -> Self {
        Self {
            not_uploaded: &NOT_UPLOADED,
            ..Self::outputs(objects, uri, folders)
        }
    }

    /// Brings what is in S3 to every host. An empty or missing prefix is an empty folder.
    pub(super) fn bring(&mut self) -> io::Result<()> {
        let prefix = folder_prefix(self.uri.key());
        let keys = self.objects.keys(self.uri.bucket(), &prefix)?;
        for folder in &self.folders {
            fs::create_dir_all(folder)?;
            for key in &keys {
                let Some(object) = self.objects.file(self.uri.bucket(), key) else {
                    continue;
                };
                let to = folder.join(&key[prefix.len()..]);
                if let Some(parent) = to.parent() {
                    fs::create_dir_all(parent)?;
                }
                // A copy, since the trainer may write to it; and not through what is there, which may be a link to an object.
                match fs::remove_file(&to) {
                    Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
                    Ok(()) | Err(_) => {}
                }
                fs::copy(object, &to)?;
                self.seen.insert(to.clone(), stamp(&to));
            }
        }
        Ok(())
    }

    /// Uploads the files that have changed since the last time.
    pub(crate) async fn upload(&mut self) -> Result<(), String> {
        let files = Files::below(&self.folders).map_err(|err| err.to_string())?;
        let prefix = folder_prefix(self.uri.key());
        for (to, path) in files.iter() {
            let stamp = stamp(path);
            if self.not_uploaded.iter().any(|it| to.ends_with(it))
                || self.seen.get(path) == Some(&stamp)
            {
                continue;
            }
            let key = format!("{prefix}{to}");
            if let Err(err) = self.objects.put(self.uri.bucket(), &key, path).await {
                // Who writes may have renamed or removed it meanwhile.
                if path.is_file() {
                    return Err(err);
                }
                continue;
            }
            self.seen.insert(path.to_owned(), stamp);
        }
        Ok(())
    }
}

fn folder_prefix(key: &str) -> String {
    match key.trim_matches('/') {
        "" => String::new(),
        key => format!("{key}/"),
    }
}

fn stamp(path: &Path) -> (u64, Option<SystemTime>) {
    fs::metadata(path).map_or((0, None), |it| (it.len(), it.modified().ok()))
}
