//! A channel's content in a few digits: two channels with the same digest hold the same objects, wherever they lie.
//!
//! Invariant: the digest depends on the objects' paths below the channel's prefix, their sizes and their entity tags, and
//! on nothing else. It is of the moment it is made: who changes the objects changes it.

use contract::job::S3Uri;
use contract::job::request::Channel;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::aws::{AwsError, ObjectMeta};
use crate::fetch::hex;
use crate::session::Session;
use crate::units;

/// Digits that tell contents apart among a few jobs.
const DIGITS: usize = 8;

/// What a channel holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Content {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The first digits of the digest.
    pub digest: String,
}

impl Content {
    fn of(prefix: &S3Uri, objects: &[ObjectMeta]) -> Self {
        let mut digest = Sha256::new();
        for it in objects {
            let path = prefix.below(&it.key);
            // A zero byte is in no key, so no two lists have the same bytes.
            digest.update(format!("{path}\0{}\0{}\0", it.bytes, it.etag));
        }
        let mut digest = hex(&digest.finalize());
        digest.truncate(DIGITS);
        Self {
            objects: objects.len() as u64,
            bytes: objects.iter().map(|it| it.bytes).sum(),
            digest,
        }
    }

    /// `3 objects, 1.2 MB, 3fa91c02`.
    pub fn line(&self) -> String {
        format!(
            "{}, {}, {}",
            units::count(self.objects, "object"),
            units::bytes(self.bytes),
            self.digest
        )
    }
}

/// What a channel holds now; `None` for one that is not a prefix in S3.
///
/// # Errors
/// If S3 cannot be asked.
pub async fn of_channel(session: &Session, channel: &Channel) -> Result<Option<Content>, AwsError> {
    let source = channel.data_source.s3_data_source.as_ref();
    let prefix = source
        .filter(|it| it.s3_data_type == "S3Prefix")
        .and_then(|it| it.s3_uri.parse::<S3Uri>().ok());
    let Some(prefix) = prefix else {
        return Ok(None);
    };
    let objects = session.store().list(&prefix).await?;
    Ok(Some(Content::of(&prefix, &objects)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, etag: &str) -> ObjectMeta {
        ObjectMeta {
            key: key.to_owned(),
            bytes: 7,
            etag: etag.to_owned(),
        }
    }

    #[test]
    fn the_same_objects_elsewhere_have_the_same_digest_and_others_do_not() {
        let of =
            |prefix: &str, objects: &[ObjectMeta]| Content::of(&prefix.parse().unwrap(), objects);
        let here = of(
            "s3://here/a/",
            &[object("a/x.csv", "1"), object("a/y.csv", "2")],
        );
        let there = of(
            "s3://there/b/",
            &[object("b/x.csv", "1"), object("b/y.csv", "2")],
        );
        assert_eq!(here, there);
        assert_eq!(here.line(), format!("2 objects, 14 B, {}", here.digest));
        let changed = of(
            "s3://here/a/",
            &[object("a/x.csv", "1"), object("a/y.csv", "3")],
        );
        assert_ne!(here.digest, changed.digest);
        let renamed = of(
            "s3://here/a/",
            &[object("a/x.csv", "1"), object("a/z.csv", "2")],
        );
        assert_ne!(here.digest, renamed.digest);
    }
}
