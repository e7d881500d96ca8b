//! A channel's objects: which they are, which host gets which, and where each lies below the channel's folder. The inputs of
//! transform and processing jobs are such channels too.
//!
//! Objects become hard links where the file system allows, copies elsewhere. Shares of `ShardedByS3Key` are dealt one
//! by one in key order; AWS promises no particular split.
//!
//! Source: SageMaker API, `S3DataSource`.

use super::augmented;
use crate::s3::Objects;
use contract::job::S3Uri;
use contract::job::request::{Channel, S3DataSource};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Why a channel has no data that can be brought to the hosts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error(
        "No S3 objects found under S3 URL \"{uri}\" given in input data source. Please ensure that the bucket exists in the selected region ({region}), that objects exist under that S3 prefix, and that the role \"{role}\" has \"s3:ListBucket\" permissions on bucket \"{bucket}\"."
    )]
    Empty {
        uri: String,
        bucket: String,
        region: String,
        role: String,
    },
    #[error("{what}: {reason}")]
    Unusable { what: String, reason: String },
    #[error("{what}: manifest `{uri}`: {reason}")]
    Manifest {
        what: String,
        uri: String,
        reason: String,
    },
    #[error("{what}: cannot read the local S3: {source}")]
    Read { what: String, source: io::Error },
}

/// An object and where it goes, relative to the channel's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) file: PathBuf,
    pub(crate) to: PathBuf,
    /// What it is called in S3.
    pub(crate) address: String,
}

/// What a pipe brings at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// An object's bytes.
    Object(PathBuf),
    /// The value of an attribute of an augmented manifest.
    Value(Vec<u8>),
}

/// What a channel holds.
#[derive(Clone, Debug)]
enum Found {
    Objects(Vec<Item>),
    /// Lines of an augmented manifest, attribute by attribute.
    Lines(Vec<Vec<Piece>>),
}

/// The objects of one channel, found.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    channel: String,
    found: Found,
    sharded: bool,
}

/// How objects come to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bring {
    /// As links, for who only reads them.
    Linked,
    /// As files of its own, which it may change.
    Copied,
}

/// Who asks, for the message that a channel without objects gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) region: &'a str,
    pub(crate) role: &'a str,
}

impl Source {
    /// Finds the objects of `channel`; there is at least one.
    pub(crate) fn find(
        objects: &Objects,
        channel: &Channel,
        asker: Asker<'_>,
    ) -> Result<Self, SourceError> {
        let name = &channel.channel_name;
        let what = format!("channel `{name}`");
        let Some(source) = &channel.data_source.s3_data_source else {
            return Err(SourceError::Unusable {
                what,
                reason: "the local SageMaker reads channels from its S3, not from EFS or FSx"
                    .to_owned(),
            });
        };
        let source = Self::of(objects, source, &what, asker)?;
        Ok(Self {
            channel: name.clone(),
            ..source
        })
    }

    /// Finds the objects of what a request has elsewhere, and calls them `what`.
    pub(crate) fn of(
        objects: &Objects,
        source: &S3DataSource,
        what: &str,
        asker: Asker<'_>,
    ) -> Result<Self, SourceError> {
        let unusable = |reason: String| SourceError::Unusable {
            what: what.to_owned(),
            reason,
        };
        let uri: S3Uri = source
            .s3_uri
            .parse()
            .map_err(|err: contract::job::NameError| unusable(err.to_string()))?;
        let in_manifest_file = |reason| SourceError::Manifest {
            what: what.to_owned(),
            uri: uri.to_string(),
            reason,
        };
        let found = match source.s3_data_type.as_str() {
            "S3Prefix" => {
                Found::Objects(
                    under_prefix(objects, &uri).map_err(|err| SourceError::Read {
                        what: what.to_owned(),
                        source: err,
                    })?,
                )
            }
            "ManifestFile" => Found::Objects(in_manifest(objects, &uri).map_err(in_manifest_file)?),
            "AugmentedManifestFile" => {
                let lines = augmented::lines(objects, &uri, &source.attribute_names);
                Found::Lines(lines.map_err(in_manifest_file)?)
            }
            other => {
                return Err(unusable(format!(
                    "S3DataType is `{other}`, the local SageMaker reads S3Prefix, ManifestFile and AugmentedManifestFile"
                )));
            }
        };
        if found.is_empty() {
            let (region, role) = (asker.region.to_owned(), asker.role.to_owned());
            return Err(SourceError::Empty {
                uri: uri.to_string(),
                bucket: uri.bucket().to_owned(),
                region,
                role,
            });
        }
        Ok(Self {
            channel: what.to_owned(),
            found,
            sharded: is_sharded(source),
        })
    }

    /// The objects, in the order of their keys; none of an augmented manifest.
    pub(crate) fn items(&self) -> &[Item] {
        match &self.found {
            Found::Objects(items) => items,
            Found::Lines(_) => &[],
        }
    }

    /// Brings the share of host `rank` of `n_hosts` into `folder`, which is made even if the share is empty.
    pub(crate) fn bring(
        &self,
        folder: &Path,
        (rank, n_hosts): (usize, usize),
        bring: Bring,
    ) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let (first, step) = self.share(rank, n_hosts);
        let Found::Objects(items) = &self.found else {
            return Err(io::Error::other(
                "an augmented manifest comes through a pipe",
            ));
        };
        for item in items.iter().skip(first).step_by(step) {
            keep(&item.file, &folder.join(&item.to), bring)?;
        }
        Ok(())
    }

    /// What a pipe brings, object by object or line by line; objects are kept in `folder`.
    pub(super) fn units(&self, folder: &Path) -> io::Result<Vec<Vec<Piece>>> {
        let mut units = match &self.found {
            Found::Objects(items) => {
                let pieces = items.iter().map(|it| vec![Piece::Object(it.file.clone())]);
                pieces.collect()
            }
            Found::Lines(lines) => lines.clone(),
        };
        for (number, piece) in units.iter_mut().flatten().enumerate() {
            if let Piece::Object(path) = piece {
                let kept = folder.join(number.to_string());
                keep(path, &kept, Bring::Linked)?;
                *path = kept;
            }
        }
        Ok(units)
    }

    /// The first of what is dealt to a host, and the step from one to the next.
    pub(super) fn share(&self, rank: usize, n_hosts: usize) -> (usize, usize) {
        if self.sharded {
            (rank, n_hosts.max(1))
        } else {
            (0, 1)
        }
    }

    /// The channel's name.
    pub(crate) fn channel(&self) -> &str {
        &self.channel
    }
}

impl Found {
    fn is_empty(&self) -> bool {
        match self {
            Self::Objects(items) => items.is_empty(),
            Self::Lines(lines) => lines.is_empty(),
        }
    }
}

/// Keeps an object as it is now. Nothing is ever written through what is there already, which may be a link to an object.
fn keep(object: &Path, to: &Path, bring: Bring) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    let kept = match bring {
        // Objects are replaced by rename, so the link keeps what was there when the job began.
        Bring::Linked => match fs::hard_link(object, to) {
            Err(err) if err.kind() != io::ErrorKind::AlreadyExists => copy(object, to),
            kept => kept,
        },
        Bring::Copied => copy(object, to),
    };
    kept.map_err(|err| match err.kind() {
        io::ErrorKind::AlreadyExists => {
            io::Error::other(format!("two objects would be the file {}", to.display()))
        }
        _ => err,
    })
}

/// Copies an object to where nothing is yet.
fn copy(object: &Path, to: &Path) -> io::Result<()> {
    let mut object = fs::File::open(object)?;
    io::copy(&mut object, &mut fs::File::create_new(to)?)?;
    Ok(())
}

fn is_sharded(source: &S3DataSource) -> bool {
    source.s3_data_distribution_type.as_deref() == Some("ShardedByS3Key")
}

fn under_prefix(objects: &Objects, uri: &S3Uri) -> io::Result<Vec<Item>> {
    let (bucket, prefix) = (uri.bucket(), uri.key());
    let keys = objects.keys(bucket, prefix)?;
    let item = |key: String| {
        Some(Item {
            file: objects.file(bucket, &key)?,
            to: uri.below(&key).into(),
            address: format!("s3://{bucket}/{key}"),
        })
    };
    Ok(keys.into_iter().filter_map(item).collect())
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ManifestEntry {
    Prefix { prefix: String },
    Suffix(String),
}

fn in_manifest(objects: &Objects, uri: &S3Uri) -> Result<Vec<Item>, String> {
    let file = objects
        .file(uri.bucket(), uri.key())
        .ok_or("there is no such object")?;
    let bytes = fs::read(file).map_err(|err| err.to_string())?;
    let entries: Vec<ManifestEntry> = serde_json::from_slice(&bytes)
        .map_err(|err| format!("not a JSON array of a prefix and names: {err}"))?;
    let mut entries = entries.into_iter();
    let Some(ManifestEntry::Prefix { prefix }) = entries.next() else {
        return Err("the first element must be {\"prefix\": \"s3://...\"}".to_owned());
    };
    let mut items = BTreeMap::new();
    for entry in entries {
        let ManifestEntry::Suffix(suffix) = entry else {
            return Err("only the first element may be a prefix".to_owned());
        };
        let object: S3Uri = format!("{prefix}{suffix}")
            .parse()
            .map_err(|err: contract::job::NameError| err.to_string())?;
        let file = objects
            .file(object.bucket(), object.key())
            .ok_or_else(|| format!("there is no object `{object}`"))?;
        let to = PathBuf::from(suffix.trim_start_matches('/'));
        if !to.components().all(|it| matches!(it, Component::Normal(_))) {
            return Err(format!("`{suffix}` leaves the channel's folder"));
        }
        let address = object.to_string();
        items.insert(object.key().to_owned(), Item { file, to, address });
    }
    Ok(items.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sharding_deals_every_object_to_one_host() {
        let dir = tempfile::tempdir().unwrap();
        let items = (0..5).map(|n| {
            let file = dir.path().join(n.to_string());
            fs::write(&file, b"x").unwrap();
            Item {
                file,
                to: n.to_string().into(),
                address: format!("s3://bkt/{n}"),
            }
        });
        let mut source = Source {
            channel: "train".to_owned(),
            found: Found::Objects(items.collect()),
            sharded: true,
        };
        let count = |source: &Source, rank: usize, folder: &str| {
            let folder = dir.path().join(folder);
            source.bring(&folder, (rank, 3), Bring::Linked).unwrap();
            fs::read_dir(folder).unwrap().count()
        };
        assert_eq!(
            [
                count(&source, 0, "a"),
                count(&source, 1, "b"),
                count(&source, 2, "c")
            ],
            [2, 2, 1]
        );
        source.sharded = false;
        assert_eq!(count(&source, 2, "d"), 5);
    }
}
