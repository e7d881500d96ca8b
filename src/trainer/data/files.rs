//! The files of a channel, in the order in which their rows count.
//!
//! Invariant: the same tree gives the same list, whatever order the file system lists it in: files are sorted by path,
//! component by component. Left out are names that start with `_` (markers of Spark and Hive), names that start with `.`
//! (with a warning) and empty files. A symbolic link is followed only while it stays in the channel.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::DataError;
use super::stored::Stored;
use crate::store::download::RemoteObject;

/// One file of a channel that holds data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Where it is: a path, or an address in S3.
    pub path: PathBuf,
    /// What messages call it: the channel's name and the path below it.
    pub object: Arc<str>,
    /// How many bytes it holds; never 0.
    pub n_bytes: u64,
    /// The object, where it is in S3 and not on a disk.
    pub remote: Option<RemoteObject>,
}

impl DataFile {
    /// All of its bytes.
    pub(crate) fn read(&self) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let read = self.open()?.whole().read_to_end(&mut bytes);
        read.map_err(|err| DataError::of_io(&self.path, err))?;
        Ok(bytes)
    }

    /// Opens it, wherever it is.
    pub(crate) fn open(&self) -> Result<Stored, DataError> {
        match &self.remote {
            Some(object) => Ok(Stored::Remote(object.clone())),
            None => match fs::File::open(&self.path) {
                Ok(file) => Ok(Stored::File(Arc::new(file))),
                Err(source) => Err(DataError::of_io(&self.path, source)),
            },
        }
    }
}

/// The files of one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelFiles {
    /// Files with data, sorted by path.
    pub files: Vec<DataFile>,
    /// Hidden files and folders that were left out.
    pub hidden: Vec<PathBuf>,
}

/// Lists the files below `root`, the folder of the channel `name`; a folder that is not there holds no file.
///
/// # Errors
/// - [`DataError::Io`] if a folder cannot be listed.
/// - [`DataError::DanglingLink`], [`DataError::OutsideLink`], [`DataError::LinkLoop`], [`DataError::NotAFile`] for what
///   is neither a file nor a folder of this channel.
pub fn discover(name: &str, root: &Path) -> Result<ChannelFiles, DataError> {
    let mut found = ChannelFiles::default();
    let top = match root.canonicalize() {
        Ok(top) => top,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(source) => {
            return Err(DataError::Io {
                path: root.to_owned(),
                source,
            });
        }
    };
    let mut walk = Walk {
        name,
        root,
        top: &top,
        above: vec![top.clone()],
    };
    walk.folder(root, &mut found)?;
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    found.hidden.sort();
    Ok(found)
}

struct Walk<'a> {
    name: &'a str,
    root: &'a Path,
    /// The channel's folder with all links resolved.
    top: &'a Path,
    /// The folders that are being listed, resolved, outermost first.
    above: Vec<PathBuf>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, found: &mut ChannelFiles) -> Result<(), DataError> {
        let at = |source| DataError::Io {
            path: folder.to_owned(),
            source,
        };
        for entry in fs::read_dir(folder).map_err(at)? {
            let path = entry.map_err(at)?.path();
            let first = path
                .file_name()
                .map_or(b' ', |name| name.as_encoded_bytes()[0]);
            match first {
                b'_' => {}
                b'.' => found.hidden.push(path),
                _ => self.entry(path, found)?,
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, found: &mut ChannelFiles) -> Result<(), DataError> {
        let at = |source| DataError::Io {
            path: path.clone(),
            source,
        };
        let resolved = match path.canonicalize() {
            Ok(resolved) => resolved,
            Err(err) if err.kind() == io::ErrorKind::NotFound => {
                return Err(DataError::DanglingLink { path });
            }
            Err(source) => return Err(DataError::Io { path, source }),
        };
        if !resolved.starts_with(self.top) {
            return Err(DataError::OutsideLink {
                path,
                target: resolved,
            });
        }
        let metadata = fs::metadata(&path).map_err(at)?;
        if metadata.is_dir() {
            if self.above.contains(&resolved) {
                return Err(DataError::LinkLoop { path });
            }
            self.above.push(resolved);
            self.folder(&path, found)?;
            self.above.pop();
        } else if !metadata.is_file() {
            return Err(DataError::NotAFile { path });
        } else if metadata.len() > 0 {
            let object = self.object(&path);
            found.files.push(DataFile {
                path,
                object,
                n_bytes: metadata.len(),
                remote: None,
            });
        }
        Ok(())
    }

    fn object(&self, path: &Path) -> Arc<str> {
        let below = path.strip_prefix(self.root).unwrap_or(path);
        Arc::from(format!("{}/{}", self.name, below.display()))
    }
}
