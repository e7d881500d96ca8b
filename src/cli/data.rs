//! What the channels of a job hold: how many objects and bytes, whether that is enough, and a digest of all of it.
//!
//! The digest is of every object's key, size and entity tag, so that data which changed is another job's although the
//! specification is the same. Invariant: objects are counted where they are; nothing is read.

use std::fmt::Write as _;

use contract::channel::{Distribution, InputMode, S3DataType};
use contract::job::file::{JobChannel, JobFile};
use contract::job::instance;
use sha2::{Digest, Sha256};

use crate::aws::{AwsError, AwsErrorKind, ObjectMeta, Store};
use crate::error::CliError;
use crate::job_source::{JobSource, SourceFile};
use crate::output::Printer;
use crate::session::Session;
use crate::style::{WARN, paint};
use crate::submit::Data;
use crate::units;

const DIGEST_BYTES: usize = 8;
/// A volume holds the data, what is unpacked of it, and checkpoints.
const VOLUME_FACTOR: u64 = 2;

/// What a channel holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelData {
    /// The channel.
    pub name: String,
    /// Its objects, by key.
    pub objects: Vec<ObjectMeta>,
}

impl ChannelData {
    /// What a channel will hold once its source is put there.
    pub fn of_files(channel: &JobChannel, files: &[SourceFile]) -> Self {
        let object = |it: &SourceFile| ObjectMeta {
            key: it.uri.key().to_owned(),
            bytes: it.bytes,
            etag: String::new(),
        };
        Self {
            name: channel.name.clone(),
            objects: files.iter().map(object).collect(),
        }
    }

    /// What a channel holds in S3. A key that ends with a slash is what the console calls a folder.
    ///
    /// # Errors
    /// If S3 refuses.
    pub async fn of_store(channel: &JobChannel, store: &dyn Store) -> Result<Self, AwsError> {
        let mut objects = store.list(&channel.s3).await?;
        objects.retain(|it| !it.key.ends_with('/'));
        Ok(Self {
            name: channel.name.clone(),
            objects,
        })
    }

    /// Bytes of all objects.
    pub fn bytes(&self) -> u64 {
        self.objects.iter().map(|it| it.bytes).sum()
    }

    /// `24 objects, 3.1 GB`.
    pub fn size(&self) -> String {
        let objects = units::count(self.objects.len() as u64, "object");
        format!("{objects}, {}", units::bytes(self.bytes()))
    }
}

/// Lists what the job will read. Where that is not allowed the job is submitted without knowing; the role may list it.
///
/// # Errors
/// If a channel holds too little, or S3 does not answer.
pub async fn look(
    source: &JobSource,
    changed: bool,
    session: &Session,
    printer: &mut Printer,
) -> Result<Data, CliError> {
    let store = session.store();
    let mut channels = Vec::new();
    for channel in &source.job.channels {
        let data = match ChannelData::of_store(channel, &*store).await {
            Ok(data) => data,
            Err(err) if err.kind == AwsErrorKind::Denied => {
                printer.detail(&format!(
                    "channel `{}` is not looked at: {err}",
                    channel.name
                ));
                return Ok(Data {
                    digest: None,
                    changed,
                });
            }
            Err(err) => return Err(err.into()),
        };
        if let Some((message, fix)) = shortage(&source.job, channel, &data) {
            return Err(CliError::Missing { message, fix });
        }
        channels.push(data);
    }
    if let Some(text) = crowded(&source.job, &channels) {
        printer.say(&format!("{} {text}", paint(WARN, "warning:")));
    }
    Ok(Data {
        digest: Some(digest(&channels)),
        changed,
    })
}

/// Sixteen digits that change with any object of any channel.
pub fn digest(channels: &[ChannelData]) -> String {
    let mut digest = Sha256::new();
    for channel in channels {
        digest.update(format!("{}\n", channel.name));
        for it in &channel.objects {
            digest.update(format!("{} {} {}\n", it.key, it.bytes, it.etag));
        }
    }
    let digest = digest.finalize();
    digest[..DIGEST_BYTES]
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Why a job should not start on this data: what is wrong, and what to do.
pub fn shortage(
    job: &JobFile,
    channel: &JobChannel,
    data: &ChannelData,
) -> Option<(String, String)> {
    let n = data.objects.len() as u64;
    let (name, s3) = (&channel.name, &channel.s3);
    if n == 0 {
        return Some((
            format!("channel `{name}`: nothing is at {s3}"),
            "check the prefix; what it names must begin the keys of the objects".to_owned(),
        ));
    }
    if channel.data_type != S3DataType::S3Prefix {
        return None;
    }
    let hosts = job.compute.instances;
    if channel.distribution == Distribution::ShardedByS3Key && n < hosts {
        let objects = units::count(n, "object");
        return Some((
            format!(
                "channel `{name}`: {objects} at {s3} for {hosts} machines; those without would be paid for"
            ),
            "put the data into more objects, or lower compute.instances".to_owned(),
        ));
    }
    let least = channel.min_objects.filter(|it| n < *it)?;
    Some((
        format!(
            "channel `{name}`: {} at {s3}, `min_objects` is {least}",
            units::count(n, "object")
        ),
        "wait for the rest of the data, or lower min_objects".to_owned(),
    ))
}

/// Why the volume may be too small for what is downloaded to it.
pub fn crowded(job: &JobFile, data: &[ChannelData]) -> Option<String> {
    let is_downloaded = |it: &&ChannelData| {
        let channel = job.channels.iter().find(|channel| channel.name == it.name);
        channel.is_some_and(|it| it.input_mode == InputMode::File && !it.is_streamed)
    };
    let bytes: u64 = data
        .iter()
        .filter(is_downloaded)
        .map(ChannelData::bytes)
        .sum();
    let volume = job.compute.volume_gb.saturating_mul(1_000_000_000);
    let types = &job.compute.instance_types;
    let own_disks = types.iter().all(|it| instance::has_local_disk(it.as_str()));
    (!own_disks && volume < bytes.saturating_mul(VOLUME_FACTOR)).then(|| {
        format!(
            "`compute.volume_gb` is {}, and {} are downloaded to it; {VOLUME_FACTOR} times the data is a safe size",
            job.compute.volume_gb,
            units::bytes(bytes)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(set: &[(&str, &str)]) -> JobFile {
        let text = include_str!("../../configs/usage-forecast/job.toml");
        let free = text.replace(":0.1.0\"", ":0.1.0\"\ncheck_hyperparameters = false");
        let set: Vec<(String, String)> = set
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        JobFile::parse(&free, &set).unwrap()
    }

    fn data(n: usize, bytes: u64) -> ChannelData {
        let object = |it: usize| ObjectMeta {
            key: format!("train/{it}"),
            bytes,
            etag: "a".to_owned(),
        };
        ChannelData {
            name: "train".to_owned(),
            objects: (0..n).map(object).collect(),
        }
    }

    #[test]
    fn too_few_objects_are_told_before_machines_are_paid() {
        let told = |set: &[(&str, &str)], n| {
            let job = job(set);
            shortage(&job, &job.channels[0], &data(n, 1)).map(|it| it.0)
        };
        assert!(told(&[], 0).unwrap().contains("nothing is at s3://"));
        assert_eq!(told(&[], 1), None);
        let sharded = [
            ("channel.train.distribution", "sharded"),
            ("compute.instances", "3"),
        ];
        assert!(told(&sharded, 2).unwrap().contains("for 3 machines"));
        assert_eq!(told(&sharded, 3), None);
        let least = [("channel.train.min_objects", "24")];
        assert!(told(&least, 23).unwrap().contains("`min_objects` is 24"));
        assert_eq!(told(&least, 24), None);
    }

    #[test]
    fn a_volume_is_crowded_by_less_than_twice_the_data() {
        let job = job(&[("compute.volume_gb", "4")]);
        assert_eq!(crowded(&job, &[data(1, 2_000_000_000)]), None);
        assert!(crowded(&job, &[data(1, 2_000_000_001)]).is_some());
        let own = |it: &str| JobFile {
            compute: contract::job::file::Compute {
                instance_types: vec![it.parse().unwrap()],
                ..job.compute.clone()
            },
            ..job.clone()
        };
        assert_eq!(
            crowded(&own("ml.g5.xlarge"), &[data(1, 3_000_000_000)]),
            None
        );
    }

    #[test]
    fn a_digest_changes_with_any_object() {
        let one = digest(&[data(2, 5)]);
        assert_eq!((one.len(), one == digest(&[data(2, 5)])), (16, true));
        assert_ne!(one, digest(&[data(2, 6)]));
        assert_ne!(one, digest(&[data(3, 5)]));
        let mut other = data(2, 5);
        other.objects[1].etag = "b".to_owned();
        assert_ne!(one, digest(&[other]));
    }
}
