//! The files of an archive, which is a folder or a tar. Of a tar the places of its entries are kept and nothing is unpacked.
//!
//! Invariant: a name that the archive itself gives leads nowhere but into it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::Descriptor;
use super::error::ImageError;

/// Manifests, indexes and configurations are small; more is none.
pub(super) const MAX_DOCUMENT_BYTES: u64 = 4 << 20;
/// What a file that is compressed as a whole begins with.
pub(super) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Where OCI's layout has a blob: `blobs/sha256/…`.
pub(super) fn blob_name(digest: &str) -> String {
    format!("blobs/{}", digest.replacen(':', "/", 1))
}

/// The files of an archive.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) path: PathBuf,
    /// Places in the tar by name; `None` for a folder.
    tar: Option<BTreeMap<String, Place>>,
}

/// Where an entry of a tar is.
#[derive(Debug)]
enum Place {
    Bytes {
        offset: u64,
        size: u64,
    },
    /// The same as another entry.
    Link(String),
}

impl Files {
    pub(super) fn open(path: &Path) -> Result<Self, ImageError> {
        let mut files = Self {
            path: path.to_owned(),
            tar: None,
        };
        if path.is_dir() {
            return Ok(files);
        }
        let wrong = |err: std::io::Error| files.wrong(&err.to_string());
        let mut file = File::open(path).map_err(wrong)?;
        let mut magic = [0; 2];
        if file.read_exact(&mut magic).is_ok() && magic == GZIP_MAGIC {
            return Err(files.wrong("it is compressed as a whole; `gunzip` it first"));
        }
        file.seek(SeekFrom::Start(0)).map_err(wrong)?;
        let mut places = BTreeMap::new();
        let mut archive = tar::Archive::new(file);
        for entry in archive.entries_with_seek().map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            let name = entry.path().map_err(wrong)?;
            let name = name.to_string_lossy().trim_start_matches("./").to_owned();
            let kind = entry.header().entry_type();
            if kind.is_symlink() || kind.is_hard_link() {
                let target = entry.link_name().map_err(wrong)?.unwrap_or_default();
                places.insert(
                    name.clone(),
                    Place::Link(linked(&name, &target.to_string_lossy())),
                );
            } else if kind.is_file() {
                let (offset, size) = (entry.raw_file_position(), entry.size());
                places.insert(name, Place::Bytes { offset, size });
            }
        }
        files.tar = Some(places);
        Ok(files)
    }

    pub(super) fn wrong(&self, reason: &str) -> ImageError {
        ImageError::Archive {
            path: self.path.clone(),
            reason: reason.to_owned(),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        match &self.tar {
            Some(places) => places.contains_key(name),
            None => self.path.join(name).is_file(),
        }
    }

    /// The bytes of an entry, of which there may be at most `most`.
    pub(super) fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, ImageError> {
        let missing = || self.wrong(&format!("`{name}` is not in it"));
        let wrong = |err: std::io::Error| self.wrong(&format!("`{name}`: {err}"));
        // A name comes out of the archive itself and must stay inside it.
        if Path::new(name)
            .components()
            .any(|it| !matches!(it, Component::Normal(_)))
        {
            return Err(self.wrong(&format!("`{name}` leads out of it")));
        }
        let (mut file, size) = match &self.tar {
            None => {
                let path = self.path.join(name);
                let size = fs::metadata(&path).map_err(|_| missing())?.len();
                (File::open(path).map_err(wrong)?, size)
            }
            Some(places) => {
                let place = match places.get(name).ok_or_else(missing)? {
                    Place::Link(target) => places.get(target).ok_or_else(missing)?,
                    place @ Place::Bytes { .. } => place,
                };
                let Place::Bytes { offset, size } = place else {
                    return Err(self.wrong(&format!("`{name}` is a link to a link")));
                };
                let mut file = File::open(&self.path).map_err(wrong)?;
                file.seek(SeekFrom::Start(*offset)).map_err(wrong)?;
                (file, *size)
            }
        };
        if size > most {
            return Err(self.wrong(&format!(
                "`{name}` has {size} bytes, at most {most} are read"
            )));
        }
        let mut bytes = vec![];
        Read::by_ref(&mut file)
            .take(size)
            .read_to_end(&mut bytes)
            .map_err(wrong)?;
        Ok(bytes)
    }

    pub(super) fn json<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<T, ImageError> {
        let bytes = self.read(name, MAX_DOCUMENT_BYTES)?;
        serde_json::from_slice(&bytes).map_err(|err| self.wrong(&format!("`{name}`: {err}")))
    }

    /// A small blob of a layout, held against its digest.
    pub(super) fn blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
        let bytes = self.read(&blob_name(&descriptor.digest), MAX_DOCUMENT_BYTES)?;
        if descriptor.is_of(&bytes) {
            Ok(bytes)
        } else {
            Err(self.wrong(&format!(
                "the blob {} has another digest",
                descriptor.digest
            )))
        }
    }
}

/// Where a link of a tar leads: relative to its own folder, unless it names an entry.
fn linked(name: &str, target: &str) -> String {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
    let mut rest = target;
    while let Some(after) = rest.strip_prefix("../") {
        parts.pop();
        rest = after;
    }
    if rest.len() == target.len() && target.contains('/') {
        return target.to_owned();
    }
    parts.push(rest);
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_old_archives_lead_to_other_layers() {
        assert_eq!(linked("b/layer.tar", "../a/layer.tar"), "a/layer.tar");
        assert_eq!(linked("b/layer.tar", "a/layer.tar"), "a/layer.tar");
        assert_eq!(linked("b/layer.tar", "other.tar"), "b/other.tar");
    }
}
