//! [`Store`] by aws-sdk-s3.

use std::path::Path;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::primitives::ByteStream;
use contract::job::S3Uri;
use tokio::io::AsyncWriteExt;

use super::{AwsError, AwsErrorKind, ObjectMeta, Progress, Store, Swap, Tagged};

/// Where S3 says which region a bucket is in.
const REGION_HEADER: &str = "x-amz-bucket-region";

/// S3.
#[derive(Debug)]
pub(super) struct S3(pub(super) Client);

#[async_trait]
impl Store for S3 {
    async fn head(&self, uri: &S3Uri) -> Result<Option<ObjectMeta>, AwsError> {
        match self
            .0
            .head_object()
            .bucket(uri.bucket())
            .key(uri.key())
            .send()
            .await
        {
            Ok(it) => Ok(Some(ObjectMeta {
                key: uri.key().to_owned(),
                bytes: size(it.content_length),
                etag: plain_tag(it.e_tag),
            })),
            Err(err) => match AwsError::from_sdk("HeadObject", &err) {
                err if err.kind == AwsErrorKind::NotFound => Ok(None),
                err => Err(at(err, uri)),
            },
        }
    }

    async fn list(&self, prefix: &S3Uri) -> Result<Vec<ObjectMeta>, AwsError> {
        let call = self
            .0
            .list_objects_v2()
            .bucket(prefix.bucket())
            .prefix(prefix.key());
        let mut pages = call.into_paginator().send();
        let mut objects = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|err| at(AwsError::from_sdk("ListObjectsV2", &err), prefix))?;
            objects.extend(
                page.contents
                    .unwrap_or_default()
                    .into_iter()
                    .map(|it| ObjectMeta {
                        key: it.key.unwrap_or_default(),
                        bytes: size(it.size),
                        etag: plain_tag(it.e_tag),
                    }),
            );
        }
        Ok(objects)
    }

    async fn get(
        &self,
        uri: &S3Uri,
        target: &Path,
        progress: Progress<'_>,
    ) -> Result<u64, AwsError> {
        let answer = self
            .0
            .get_object()
            .bucket(uri.bucket())
            .key(uri.key())
            .send()
            .await;
        let mut answer = answer.map_err(|err| at(AwsError::from_sdk("GetObject", &err), uri))?;
        let unwritable = |err: std::io::Error| {
            AwsError::of(
                AwsErrorKind::Unexpected,
                "GetObject",
                format!("cannot write `{}`: {err}", target.display()),
            )
        };
        let mut file = tokio::fs::File::create(target).await.map_err(unwritable)?;
        let mut bytes = 0;
        while let Some(chunk) = answer.body.next().await {
            let cut = |err| {
                AwsError::of(
                    AwsErrorKind::Network,
                    "GetObject",
                    format!("`{uri}` broke off after {bytes} bytes: {err}"),
                )
            };
            let chunk = chunk.map_err(cut)?;
            file.write_all(&chunk).await.map_err(unwritable)?;
            bytes += chunk.len() as u64;
            progress(chunk.len() as u64);
        }
        file.sync_all().await.map_err(unwritable)?;
        match answer.content_length.and_then(|it| u64::try_from(it).ok()) {
            Some(expected) if expected != bytes => {
                let message = format!("`{uri}` has {expected} bytes, {bytes} came");
                Err(AwsError::of(AwsErrorKind::Network, "GetObject", message))
            }
            _ => Ok(bytes),
        }
    }

    async fn put(&self, uri: &S3Uri, source: &Path, md5: [u8; 16]) -> Result<(), AwsError> {
        let body = ByteStream::from_path(source).await.map_err(|err| {
            AwsError::of(
                AwsErrorKind::Invalid,
                "PutObject",
                format!("cannot read `{}`: {err}", source.display()),
            )
        })?;
        let call = self
            .0
            .put_object()
            .bucket(uri.bucket())
            .key(uri.key())
            .body(body);
        let answer = call
            .content_md5(aws_smithy_types::base64::encode(md5))
            .send()
            .await;
        answer
            .map(|_| ())
            .map_err(|err| at(AwsError::from_sdk("PutObject", &err), uri))
    }

    async fn read(&self, uri: &S3Uri, max_bytes: u64) -> Result<Option<Tagged>, AwsError> {
        let call = self.0.get_object().bucket(uri.bucket()).key(uri.key());
        let answer = match call.send().await {
            Ok(it) => it,
            Err(err) => {
                let err = AwsError::from_sdk("GetObject", &err);
                let is_missing = err.code.as_deref() == Some("NoSuchKey");
                return if is_missing {
                    Ok(None)
                } else {
                    Err(at(err, uri))
                };
            }
        };
        if size(answer.content_length) > max_bytes {
            let message = format!("`{uri}` has more than {max_bytes} bytes");
            return Err(AwsError::of(AwsErrorKind::Invalid, "GetObject", message));
        }
        let cut = |err| {
            let message = format!("`{uri}` broke off: {err}");
            AwsError::of(AwsErrorKind::Network, "GetObject", message)
        };
        Ok(Some(Tagged {
            etag: plain_tag(answer.e_tag),
            body: answer.body.collect().await.map_err(cut)?.to_vec(),
        }))
    }

    async fn swap(
        &self,
        uri: &S3Uri,
        body: Vec<u8>,
        known: Option<&str>,
    ) -> Result<Swap, AwsError> {
        let call = self
            .0
            .put_object()
            .bucket(uri.bucket())
            .key(uri.key())
            .content_type("application/json")
            .body(ByteStream::from(body));
        let call = match known {
            Some(etag) => call.if_match(format!("\"{etag}\"")),
            None => call.if_none_match("*"),
        };
        let Err(err) = call.send().await else {
            return Ok(Swap::Done);
        };
        let err = AwsError::from_sdk("PutObject", &err);
        match err.code.as_deref() {
            // The last one is for an object that was known and is gone.
            Some("PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey") => {
                Ok(Swap::Changed)
            }
            _ => Err(at(err, uri)),
        }
    }

    async fn bucket_region(&self, bucket: &str) -> Result<Option<String>, AwsError> {
        match self.0.head_bucket().bucket(bucket).send().await {
            Ok(answer) => Ok(answer.bucket_region),
            Err(err) => {
                // A bucket of another region answers with a redirection, which names it.
                let told = err
                    .raw_response()
                    .and_then(|it| it.headers().get(REGION_HEADER));
                match told.map(ToOwned::to_owned) {
                    Some(region) if err.raw_response().is_some_and(is_redirection) => {
                        Ok(Some(region))
                    }
                    _ => Err(AwsError::from_sdk("HeadBucket", &err)),
                }
            }
        }
    }

    async fn make_bucket(&self, bucket: &str) -> Result<(), AwsError> {
        match self
            .0
            .create_bucket()
            .bucket(bucket)
            .send()
            .await
            .map_err(|err| AwsError::from_sdk("CreateBucket", &err))
        {
            Err(err) if err.kind == AwsErrorKind::NameTaken => Ok(()),
            other => other.map(|_| ()),
        }
    }
}

fn is_redirection(answer: &HttpResponse) -> bool {
    (300..400).contains(&answer.status().as_u16())
}

/// S3's messages do not say what they are about ("Access Denied"), so the address is added.
fn at(mut err: AwsError, uri: &S3Uri) -> AwsError {
    err.message = format!("`{uri}`: {}", err.message);
    err
}

fn size(bytes: Option<i64>) -> u64 {
    bytes
        .and_then(|it| u64::try_from(it).ok())
        .unwrap_or_default()
}

fn plain_tag(tag: Option<String>) -> String {
    tag.unwrap_or_default().trim_matches('"').to_owned()
}
