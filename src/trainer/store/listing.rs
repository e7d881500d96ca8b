//! A prefix becomes the files of a channel: those that File mode would have put below the channel's folder, in its order.
//!
//! Source: SageMaker API, `S3DataSource`, for what a prefix is; [`crate::data::files`] for what is left out, and the order.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::job::S3Uri;

use super::Version;
use super::download::{Downloads, RemoteObject};
use crate::data::files::{ChannelFiles, DataFile};

/// Lists the objects below `prefix`, for the channel `name`.
///
/// # Errors
/// [`super::StoreError`], or that the job was stopped.
pub fn list(name: &str, prefix: &S3Uri, downloads: &Arc<Downloads>) -> io::Result<ChannelFiles> {
    let mut files = Vec::new();
    let mut hidden = Vec::new();
    for version in downloads.list(prefix)? {
        let below = prefix.below(&version.key).to_owned();
        match seen(&below) {
            // A key that ends with a slash is what the console calls a folder.
            _ if version.n_bytes == 0 || version.key.ends_with('/') => {}
            Seen::Data => files.push((below, version)),
            Seen::LeftOut => {}
            Seen::Hidden(path) => hidden.push(Path::new(&prefix.to_string()).join(path)),
        }
    }
    files.sort_by(|(a, of_a), (b, of_b)| {
        let paths = Path::new(a).cmp(Path::new(b));
        paths.then_with(|| of_a.key.cmp(&of_b.key))
    });
    hidden.sort();
    hidden.dedup();
    let file = |(below, version): (String, Version)| DataFile {
        path: PathBuf::from(version.uri()),
        object: Arc::from(format!("{name}/{below}")),
        n_bytes: version.n_bytes,
        remote: Some(RemoteObject::new(downloads, version)),
    };
    Ok(ChannelFiles {
        files: files.into_iter().map(file).collect(),
        hidden,
    })
}

/// What File mode would see of an object.
enum Seen {
    Data,
    LeftOut,
    /// A hidden file or folder at this path.
    Hidden(PathBuf),
}

fn seen(below: &str) -> Seen {
    let mut path = PathBuf::new();
    for part in below.split('/') {
        path.push(part);
        match part.as_bytes().first() {
            Some(b'_') => return Seen::LeftOut,
            Some(b'.') => return Seen::Hidden(path),
            _ => {}
        }
    }
    Seen::Data
}
