//! `approved.json`: which model of a recipe may be used, and what it was worth when it was approved.
//!
//! Layout below the address that `promote --to` names: `approved.json`, and the archive that it names,
//! `<job>-<digest8>/model.tar.gz`. Invariants: `approved.json` is replaced as a whole, and only if it is still the one that
//! the new model was compared with; what it names lies there before it does, and is never put again with other bytes. So a
//! reader sees the old model or the new one, and the bucket's versions of `approved.json` are the history.

use std::collections::BTreeMap;

use contract::artifact::{Evaluation, MODEL_ARCHIVE};
use contract::job::{S3Uri, TrainingJobDescription};
use serde::{Deserialize, Serialize};

use crate::aws::{Store, Swap};
use crate::data_digest;
use crate::error::CliError;
use crate::fetch::VerifiedModel;
use crate::session::Session;

/// The document's name.
pub const APPROVED_FILE: &str = "approved.json";
/// The version of the document that this program writes.
const SCHEMA: u32 = 1;
/// A document is a few kilobytes; what is larger is not one.
const MAX_BYTES: u64 = 1 << 20;
/// Digits of the archive's digest in its address.
const DIGITS: usize = 8;

/// The approved model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// Version of this document, 1.
    pub schema: u32,
    /// The job that trained it.
    pub job: String,
    /// Its ARN.
    pub arn: String,
    /// When it was approved, RFC 3339.
    pub approved: String,
    /// The address of its `model.tar.gz`.
    pub model: String,
    /// SHA-256 of that archive.
    pub archive_sha256: String,
    /// The models in it, each held against the digest that the trainer recorded.
    pub models: Vec<VerifiedModel>,
    /// What it is worth; values that are no numbers are left out.
    pub metrics: Vec<Worth>,
    /// What the channels held when it was approved: objects, bytes and digits of a digest.
    pub data: BTreeMap<String, String>,
    /// The image that trained it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What it replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
}

/// A metric of the saved model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worth {
    /// The data set.
    pub data: String,
    /// The metric's printed name.
    pub metric: String,
    /// Its value.
    pub value: f64,
    /// Whether larger is better.
    pub maximize: bool,
}

/// The model that was approved before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// Its job.
    pub job: String,
    /// The address of its archive.
    pub model: String,
    /// When it was approved.
    pub approved: String,
}

/// The approval that is there, and the tag by which it is replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct Current {
    /// The document.
    pub approval: Approval,
    etag: String,
}

impl Worth {
    /// `validation:rmse`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.data, self.metric)
    }

    /// Whether this is strictly better than `other`.
    pub fn is_better_than(&self, other: &Self) -> bool {
        if self.maximize {
            other.value < self.value
        } else {
            self.value < other.value
        }
    }

    /// The finite metrics of a job, in the order in which it printed them.
    pub fn of(evaluation: &Evaluation) -> Vec<Self> {
        let measured = evaluation.metrics.iter().map(|it| Self {
            data: it.data.clone(),
            metric: it.metric.clone(),
            value: it.final_value,
            maximize: it.maximize,
        });
        measured.filter(|it| it.value.is_finite()).collect()
    }
}

impl Approval {
    /// What a job's model is worth, not yet written anywhere.
    pub fn of(job: &TrainingJobDescription, archive: (&S3Uri, String)) -> Self {
        let (model, archive_sha256) = archive;
        Self {
            schema: SCHEMA,
            job: job.training_job_name.clone(),
            arn: job.training_job_arn.clone(),
            approved: jiff::Timestamp::now()
                .round(jiff::Unit::Second)
                .unwrap_or_else(|_| jiff::Timestamp::now())
                .to_string(),
            model: model.to_string(),
            archive_sha256,
            models: Vec::new(),
            metrics: Vec::new(),
            data: BTreeMap::new(),
            image: job.algorithm_specification.training_image.clone(),
            previous: None,
        }
    }

    /// A metric by `validation:rmse`.
    pub fn metric(&self, name: &str) -> Option<&Worth> {
        self.metrics.iter().find(|it| it.name() == name)
    }

    /// Reads the approval below `to`; `None` where nothing was approved yet.
    ///
    /// # Errors
    /// If S3 cannot be asked, or what lies there is no approval of this version.
    pub async fn read(store: &dyn Store, to: &S3Uri) -> Result<Option<Current>, CliError> {
        let uri = to.join(APPROVED_FILE);
        let Some(found) = store.read(&uri, MAX_BYTES).await? else {
            return Ok(None);
        };
        let wrong = |why: String| CliError::Usage {
            message: format!("`{uri}` is not an approval of this version: {why}"),
            fix: "give another --to, or bring back an earlier version of that object".to_owned(),
        };
        let approval: Self =
            serde_json::from_slice(&found.body).map_err(|err| wrong(err.to_string()))?;
        if approval.schema != SCHEMA {
            return Err(wrong(format!(
                "`schema` is `{}`, allowed is `{SCHEMA}`",
                approval.schema
            )));
        }
        Ok(Some(Current {
            approval,
            etag: found.etag,
        }))
    }

    /// Puts this approval in the place of `current`.
    ///
    /// # Errors
    /// [`CliError::Conflict`] if something else was approved meanwhile; or if S3 refuses.
    pub async fn replace(
        mut self,
        current: Option<&Current>,
        store: &dyn Store,
        to: &S3Uri,
    ) -> Result<(), CliError> {
        self.previous = current.map(|it| Previous {
            job: it.approval.job.clone(),
            model: it.approval.model.clone(),
            approved: it.approval.approved.clone(),
        });
        let uri = to.join(APPROVED_FILE);
        let body = serde_json::to_vec_pretty(&self).map_err(|err| CliError::Output(err.into()))?;
        match store
            .swap(&uri, body, current.map(|it| it.etag.as_str()))
            .await?
        {
            Swap::Done => Ok(()),
            Swap::Changed => match Self::read(store, to).await? {
                // An answer was lost, and what was asked again met this very document.
                Some(there) if there.approval == self => Ok(()),
                Some(_) | None => Err(CliError::Conflict {
                    message: format!(
                        "another model was approved in this moment: `{uri}` has changed"
                    ),
                    fix: "run the same command again: it is held against that one then".to_owned(),
                }),
            },
        }
    }
}

/// Where a job's archive lies once it is approved.
pub fn archive_address(to: &S3Uri, job: &str, archive_sha256: &str) -> S3Uri {
    let digits = archive_sha256.get(..DIGITS).unwrap_or(archive_sha256);
    to.join(&format!("{job}-{digits}")).join(MODEL_ARCHIVE)
}

/// What a job's channels hold now, each in a line; a channel that may not be listed is left out.
pub async fn data_of(session: &Session, job: &TrainingJobDescription) -> BTreeMap<String, String> {
    let mut data = BTreeMap::new();
    for channel in &job.input_data_config {
        if let Ok(Some(content)) = data_digest::of_channel(session, channel).await {
            data.insert(channel.channel_name.clone(), content.line());
        }
    }
    data
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use async_trait::async_trait;

    use super::*;
    use crate::aws::{AwsError, ObjectMeta, Progress, Tagged};

    fn worth(value: f64, maximize: bool) -> Worth {
        Worth {
            data: "validation".to_owned(),
            metric: "auc".to_owned(),
            value,
            maximize,
        }
    }

    /// A store where somebody else approves in this very moment.
    struct Moved;

    #[async_trait]
    impl Store for Moved {
        async fn head(&self, _: &S3Uri) -> Result<Option<ObjectMeta>, AwsError> {
            Ok(None)
        }
        async fn list(&self, _: &S3Uri) -> Result<Vec<ObjectMeta>, AwsError> {
            Ok(vec![])
        }
        async fn get(&self, _: &S3Uri, _: &Path, _: Progress<'_>) -> Result<u64, AwsError> {
            Ok(0)
        }
        async fn put(&self, _: &S3Uri, _: &Path, _: [u8; 16]) -> Result<(), AwsError> {
            Ok(())
        }
        async fn read(&self, _: &S3Uri, _: u64) -> Result<Option<Tagged>, AwsError> {
            Ok(None)
        }
        async fn swap(&self, _: &S3Uri, _: Vec<u8>, _: Option<&str>) -> Result<Swap, AwsError> {
            Ok(Swap::Changed)
        }
        async fn bucket_region(&self, _: &str) -> Result<Option<String>, AwsError> {
            Ok(None)
        }
        async fn make_bucket(&self, _: &str) -> Result<(), AwsError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_was_approved_meanwhile_is_not_overwritten() {
        let to: S3Uri = "s3://bucket/approved/usage/".parse().unwrap();
        let approval = Approval {
            schema: SCHEMA,
            job: "usage-1".to_owned(),
            arn: String::new(),
            approved: "2026-11-27T12:00:00Z".to_owned(),
            model: "s3://bucket/approved/usage/usage-1-01234567/model.tar.gz".to_owned(),
            archive_sha256: "0123456789abcdef".to_owned(),
            models: vec![],
            metrics: vec![],
            data: BTreeMap::new(),
            image: None,
            previous: None,
        };
        let err = approval.replace(None, &Moved, &to).await.unwrap_err();
        assert_eq!(err.exit_code(), contract::exit::CONFLICT);
        assert!(
            err.to_string().contains("another model was approved"),
            "{err}"
        );
    }

    #[test]
    fn better_is_strictly_better_in_the_metrics_own_direction() {
        assert!(worth(0.9, true).is_better_than(&worth(0.8, true)));
        assert!(!worth(0.8, true).is_better_than(&worth(0.8, true)));
        assert!(worth(0.7, false).is_better_than(&worth(0.8, false)));
        assert!(!worth(0.9, false).is_better_than(&worth(0.8, false)));
    }

    #[test]
    fn other_bytes_have_another_address() {
        let to: S3Uri = "s3://bucket/approved/usage/".parse().unwrap();
        assert_eq!(
            archive_address(&to, "usage-1", "0123456789abcdef").to_string(),
            "s3://bucket/approved/usage/usage-1-01234567/model.tar.gz"
        );
    }
}
