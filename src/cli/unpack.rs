//! Unpacks a job's `.tar.gz` into a folder, trusting nothing in it.
//!
//! An archive comes from a bucket that others can write. So: only plain files and folders, only below the target, no
//! absolute path, no `..`, no link of either kind, at most [`MAX_FILES`] files and [`MAX_BYTES`] bytes once unpacked.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use tar::{Archive, EntryType};

/// More files than any model or output of a tree trainer has.
pub const MAX_FILES: usize = 20_000;
/// 32 GiB: a model that unpacks to more is not a tree model but an archive that wants to fill the disk.
pub const MAX_BYTES: u64 = 32 << 30;

/// Why an archive was refused.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The archive could not be read; cut off, or not a `.tar.gz`.
    #[error("`{archive}` is not a readable .tar.gz: {source}")]
    Read {
        /// The archive.
        archive: PathBuf,
        /// What the reader said.
        source: io::Error,
    },
    /// An entry would leave the target folder.
    #[error(
        "`{archive}` has an entry `{entry}` that leads outside of the folder it is unpacked into"
    )]
    Outside {
        /// The archive.
        archive: PathBuf,
        /// The entry's path as written.
        entry: String,
    },
    /// An entry is neither a file nor a folder.
    #[error(
        "`{archive}` has an entry `{entry}` that is a link or a device, allowed are files and folders"
    )]
    Kind {
        /// The archive.
        archive: PathBuf,
        /// The entry's path as written.
        entry: String,
    },
    /// Too many files, or too many bytes.
    #[error("`{archive}` unpacks to more than {limit}")]
    TooLarge {
        /// The archive.
        archive: PathBuf,
        /// The limit that it goes over.
        limit: String,
    },
    /// A file could not be written.
    #[error("cannot write `{path}`: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A file that was unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpacked {
    /// Path below the target folder.
    pub path: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
}

/// Unpacks `archive` into `target`, which is created.
///
/// # Errors
/// [`UnpackError`], with the entry that was refused. Files before that entry stay.
pub fn tar_gz(archive: &Path, target: &Path) -> Result<Vec<Unpacked>, UnpackError> {
    within(archive, target, MAX_FILES, MAX_BYTES)
}

fn within(
    archive: &Path,
    target: &Path,
    max_files: usize,
    max_bytes: u64,
) -> Result<Vec<Unpacked>, UnpackError> {
    let unreadable = |source| UnpackError::Read {
        archive: archive.to_owned(),
        source,
    };
    let file = File::open(archive).map_err(unreadable)?;
    create_folder(target)?;
    let mut unpacked: Vec<Unpacked> = Vec::new();
    let mut bytes_left = max_bytes;
    for entry in Archive::new(GzDecoder::new(file))
        .entries()
        .map_err(unreadable)?
    {
        let mut entry = entry.map_err(unreadable)?;
        let written = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(path) = inside(Path::new(&written)) else {
            return Err(UnpackError::Outside {
                archive: archive.to_owned(),
                entry: written,
            });
        };
        match entry.header().entry_type() {
            EntryType::Directory => create_folder(&target.join(&path))?,
            EntryType::Regular | EntryType::Continuous => {
                if unpacked.len() == max_files {
                    return Err(UnpackError::TooLarge {
                        archive: archive.to_owned(),
                        limit: format!("{max_files} files"),
                    });
                }
                let bytes = copy(&mut entry, &target.join(&path), bytes_left, archive)?;
                let Some(left) = bytes_left.checked_sub(bytes) else {
                    return Err(UnpackError::TooLarge {
                        archive: archive.to_owned(),
                        limit: format!("{max_bytes} bytes"),
                    });
                };
                bytes_left = left;
                unpacked.push(Unpacked { path, bytes });
            }
            // Long names and times of the pax format; the reader has applied them already.
            EntryType::XGlobalHeader | EntryType::XHeader => {}
            _ => {
                return Err(UnpackError::Kind {
                    archive: archive.to_owned(),
                    entry: written,
                });
            }
        }
    }
    Ok(unpacked)
}

/// The path without `.`; `None` if it could leave the folder.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(clean)
}

fn create_folder(path: &Path) -> Result<(), UnpackError> {
    fs::create_dir_all(path).map_err(|source| UnpackError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Copies at most one byte more than is allowed, so that the caller sees the overrun. A link that lies at `path` from
/// before is replaced, not followed.
fn copy(
    entry: &mut impl Read,
    path: &Path,
    bytes_left: u64,
    archive: &Path,
) -> Result<u64, UnpackError> {
    let unwritable = |source| UnpackError::Write {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    match fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(unwritable(err)),
        _ => {}
    }
    let mut file = File::create_new(path).map_err(unwritable)?;
    let mut limited = entry.take(bytes_left.saturating_add(1));
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        let n = limited
            .read(&mut buffer)
            .map_err(|source| UnpackError::Read {
                archive: archive.to_owned(),
                source,
            })?;
        if n == 0 {
            return Ok(bytes);
        }
        file.write_all(&buffer[..n]).map_err(unwritable)?;
        bytes += n as u64;
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    use super::*;

    /// Writes an archive of one entry with any name, also one that the `tar` crate itself would refuse to write.
    fn archive_of(folder: &Path, name: &str, kind: EntryType, content: &[u8]) -> PathBuf {
        let path = folder.join("it.tar.gz");
        let mut builder = Builder::new(GzEncoder::new(
            File::create(&path).unwrap(),
            Compression::fast(),
        ));
        let mut header = Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o644);
        if kind == EntryType::Symlink {
            header.set_link_name("/etc").unwrap();
        }
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content).unwrap();
        builder.into_inner().unwrap().finish().unwrap();
        path
    }

    #[test]
    fn unpacks_files_in_folders() {
        let dir = tempfile::tempdir().unwrap();
        let archive = archive_of(
            dir.path(),
            "./linden/features.json",
            EntryType::Regular,
            b"{}",
        );
        let files = tar_gz(&archive, &dir.path().join("out")).unwrap();
        assert_eq!(
            files,
            [Unpacked {
                path: "linden/features.json".into(),
                bytes: 2
            }]
        );
        assert_eq!(
            fs::read(dir.path().join("out/linden/features.json")).unwrap(),
            b"{}"
        );
    }

    #[test]
    fn refuses_a_path_that_leads_outside() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["../evil", "a/../../evil", "/evil"] {
            let archive = archive_of(dir.path(), name, EntryType::Regular, b"x");
            let err = tar_gz(&archive, &dir.path().join("out")).unwrap_err();
            assert!(matches!(err, UnpackError::Outside { .. }), "{name}: {err}");
            assert!(!dir.path().join("evil").exists(), "{name}");
        }
    }

    #[test]
    fn refuses_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let archive = archive_of(dir.path(), "model", EntryType::Symlink, b"");
        assert!(matches!(
            tar_gz(&archive, &dir.path().join("out")),
            Err(UnpackError::Kind { .. })
        ));
    }

    #[test]
    fn refuses_more_bytes_than_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let archive = archive_of(dir.path(), "model", EntryType::Regular, &[0; 1000]);
        assert!(matches!(
            within(&archive, &dir.path().join("out"), 9, 999),
            Err(UnpackError::TooLarge { .. })
        ));
        assert!(within(&archive, &dir.path().join("out"), 9, 1000).is_ok());
    }

    #[test]
    fn does_not_follow_a_link_that_lies_there_already() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("out")).unwrap();
        fs::write(dir.path().join("precious"), b"keep").unwrap();
        std::os::unix::fs::symlink(dir.path().join("precious"), dir.path().join("out/model"))
            .unwrap();
        let archive = archive_of(dir.path(), "model", EntryType::Regular, b"new");
        tar_gz(&archive, &dir.path().join("out")).unwrap();
        assert_eq!(fs::read(dir.path().join("precious")).unwrap(), b"keep");
        assert_eq!(fs::read(dir.path().join("out/model")).unwrap(), b"new");
    }

    #[test]
    fn says_that_a_cut_archive_cannot_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let archive = archive_of(dir.path(), "model", EntryType::Regular, &[7; 5000]);
        let bytes = fs::read(&archive).unwrap();
        fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
        assert!(matches!(
            tar_gz(&archive, &dir.path().join("out")),
            Err(UnpackError::Read { .. })
        ));
    }
}
