//! `model.tar.gz` and `output.tar.gz`: one archive of all hosts' folders, the same bytes for the same files.
//!
//! Paths are relative to the folder, sorted; times, owners and groups are zero. Where two hosts have the same name, the
//! host of lower rank is taken, since that is where a leader writes.

use flate2::{Compression, GzBuilder};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tar::{Builder, EntryType, Header};

/// The files below several folders, by their path relative to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Files(BTreeMap<PathBuf, PathBuf>);

impl Files {
    /// Collects the files below `folders`; earlier ones win.
    pub(super) fn below(folders: &[PathBuf]) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        for folder in folders {
            collect(folder, folder, &mut files)?;
        }
        Ok(Self(files))
    }

    /// True if there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Relative path (with `/`) and file, sorted.
    pub(super) fn iter(&self) -> impl Iterator<Item = (String, &Path)> {
        self.0
            .iter()
            .map(|(to, file)| (to.to_string_lossy().into_owned(), file.as_path()))
    }

    /// Writes them as a gzipped tar to `target`.
    pub(super) fn pack(&self, target: &Path) -> io::Result<()> {
        let writer = BufWriter::new(File::create(target)?);
        let gzip = GzBuilder::new()
            .mtime(0)
            .write(writer, Compression::default());
        let mut tar = Builder::new(gzip);
        for (to, path) in &self.0 {
            let mut file = File::open(path)?;
            let metadata = file.metadata()?;
            let mut header = Header::new_gnu();
            header.set_entry_type(EntryType::Regular);
            header.set_size(metadata.len());
            header.set_mode(if metadata.permissions().mode() & 0o100 == 0 {
                0o644
            } else {
                0o755
            });
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            tar.append_data(&mut header, to, &mut file)?;
        }
        tar.into_inner()?.finish()?.flush()
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        // The trainer may have removed the folder itself.
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            collect(root, &path, files)?;
        } else if let (true, Ok(to)) = (is_own_file(root, &path), path.strip_prefix(root)) {
            files.entry(to.to_owned()).or_insert(path);
        }
    }
    Ok(())
}

/// Whether `path` is a file, or a link to one, that lies below `root`. Other links lead to what is not the job's.
fn is_own_file(root: &Path, path: &Path) -> bool {
    let lies_below = |root: PathBuf, file: PathBuf| file.is_file() && file.starts_with(root);
    match (root.canonicalize(), path.canonicalize()) {
        (Ok(root), Ok(file)) => lies_below(root, file),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn tree(dir: &Path, host: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = dir.join(host);
        for (name, text) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn the_leaders_file_wins_and_paths_are_relative() {
        let dir = tempfile::tempdir().unwrap();
        let leader = tree(
            dir.path(),
            "algo-1",
            &[("xgboost-model", "leader"), ("linden/card.json", "{}")],
        );
        let other = tree(
            dir.path(),
            "algo-2",
            &[("xgboost-model", "other"), ("extra", "e")],
        );
        let archive = dir.path().join("model.tar.gz");
        Files::below(&[leader, other, dir.path().join("none")])
            .unwrap()
            .pack(&archive)
            .unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(File::open(archive).unwrap()));
        let entries: Vec<(String, String)> = tar
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                (entry.path().unwrap().display().to_string(), text)
            })
            .collect();
        let expected = [
            ("extra", "e"),
            ("linden/card.json", "{}"),
            ("xgboost-model", "leader"),
        ];
        assert_eq!(entries, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn the_same_files_give_the_same_archive_whenever_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let pack = |name: &str, age: u64| {
            let folder = tree(dir.path(), name, &[("b", "2"), ("a", "1")]);
            let file = File::options().write(true).open(folder.join("a")).unwrap();
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(age))
                .unwrap();
            let archive = dir.path().join(format!("{name}.tar.gz"));
            Files::below(&[folder]).unwrap().pack(&archive).unwrap();
            fs::read(archive).unwrap()
        };
        assert_eq!(pack("x", 1_000_000), pack("y", 2_000_000));
    }
}
