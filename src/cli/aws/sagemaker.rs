//! [`TrainingJobs`] by aws-sdk-sagemaker.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::config::retry::RetryConfig;
use aws_sdk_sagemaker::types::{SortBy, SortOrder};
use contract::job::{CreateTrainingJobRequest, JobName, TrainingJobDescription};

use super::{AwsError, AwsErrorKind, ListFilter, Listing, TrainingJobs, description, request};

/// The largest page of `ListTrainingJobs`.
const PAGE: usize = 100;

/// SageMaker.
#[derive(Debug)]
pub(super) struct SageMaker {
    reads: Client,
    creates: Client,
}

impl SageMaker {
    /// Creating has few retries: each may meet the name that the one before has taken, and the caller looks into that.
    pub(super) fn new(config: aws_sdk_sagemaker::config::Builder) -> Self {
        let few = config
            .clone()
            .retry_config(RetryConfig::standard().with_max_attempts(3));
        Self {
            reads: Client::from_conf(config.build()),
            creates: Client::from_conf(few.build()),
        }
    }
}

#[async_trait]
impl TrainingJobs for SageMaker {
    async fn create(&self, request: &CreateTrainingJobRequest) -> Result<String, AwsError> {
        let answer = request::to_sdk(request).send_with(&self.creates).await;
        let answer = answer
            .map_err(|err| missing_is_not_found(AwsError::from_sdk("CreateTrainingJob", &err)))?;
        Ok(answer.training_job_arn.unwrap_or_default())
    }

    async fn describe(&self, job: &JobName) -> Result<TrainingJobDescription, AwsError> {
        let answer = self
            .reads
            .describe_training_job()
            .training_job_name(job.as_str())
            .send()
            .await;
        let answer = answer
            .map_err(|err| missing_is_not_found(AwsError::from_sdk("DescribeTrainingJob", &err)))?;
        Ok(description::from_sdk(answer))
    }

    async fn list(&self, filter: &ListFilter) -> Result<Listing, AwsError> {
        let mut jobs = Vec::new();
        let mut token = None;
        loop {
            let wanted = if filter.limit == 0 {
                PAGE
            } else {
                (filter.limit - jobs.len()).clamp(1, PAGE)
            };
            let answer = self
                .reads
                .list_training_jobs()
                .set_name_contains(filter.name_contains.clone())
                .set_status_equals(filter.status.as_deref().map(Into::into))
                .set_warm_pool_status_equals(filter.warm_pool.as_deref().map(Into::into))
                .sort_by(SortBy::CreationTime)
                .sort_order(SortOrder::Descending)
                .max_results(wanted as i32)
                .set_next_token(token)
                .send()
                .await;
            let answer = answer.map_err(|err| AwsError::from_sdk("ListTrainingJobs", &err))?;
            jobs.extend(
                answer
                    .training_job_summaries
                    .unwrap_or_default()
                    .into_iter()
                    .map(description::summary),
            );
            token = answer.next_token.filter(|it| !it.is_empty());
            if token.is_none() || filter.limit != 0 && jobs.len() >= filter.limit {
                return Ok(Listing {
                    jobs,
                    more: token.is_some(),
                });
            }
        }
    }

    async fn stop(&self, job: &JobName) -> Result<(), AwsError> {
        let answer = self
            .reads
            .stop_training_job()
            .training_job_name(job.as_str())
            .send()
            .await;
        match answer
            .map_err(|err| missing_is_not_found(AwsError::from_sdk("StopTrainingJob", &err)))
        {
            // A job that has ended: SageMaker calls that invalid, a person calls it done.
            Err(err)
                if err.kind == AwsErrorKind::Invalid
                    && err.message.to_ascii_lowercase().contains("status") =>
            {
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }

    async fn delete(&self, job: &JobName) -> Result<(), AwsError> {
        let answer = self
            .reads
            .delete_training_job()
            .training_job_name(job.as_str())
            .send()
            .await;
        answer
            .map(|_| ())
            .map_err(|err| missing_is_not_found(AwsError::from_sdk("DeleteTrainingJob", &err)))
    }

    async fn tags(&self, arn: &str) -> Result<BTreeMap<String, String>, AwsError> {
        let mut tags = BTreeMap::new();
        let mut token = None;
        loop {
            let call = self.reads.list_tags().resource_arn(arn);
            let answer = call.set_next_token(token).send().await;
            let answer = answer.map_err(|err| AwsError::from_sdk("ListTags", &err))?;
            for tag in answer.tags.unwrap_or_default() {
                tags.insert(tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
            }
            token = answer.next_token.filter(|it| !it.is_empty());
            if token.is_none() {
                return Ok(tags);
            }
        }
    }
}

/// SageMaker reports a job that is not there as a `ValidationException`.
fn missing_is_not_found(mut err: AwsError) -> AwsError {
    if err.kind == AwsErrorKind::Invalid && err.message.contains("Requested resource not found") {
        err.kind = AwsErrorKind::NotFound;
    }
    err
}
