//! [`ObjectStore`] by aws-sdk-s3, with the credentials, the region and the endpoint that aws-config's default chain finds.
//!
//! Invariants: nothing is looked up and nothing is sent before the first call; an attempt is one request, since
//! [`super::download`] counts them; types of the SDK do not leave this file.
//!
//! Source: Amazon S3 API reference, `ListObjectsV2`, `GetObject` and "Error responses"; for `AWS_REQUEST_PAYER`, GDAL.

use std::env;
use std::ops::Range;
use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::{AppName, BehaviorVersion};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{ByteStream, ByteStreamError};
use aws_sdk_s3::types::{Object, RequestPayer};
use bytes::Bytes;
use contract::environment::{AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, AWS_REQUEST_PAYER};
use contract::job::S3Uri;
use tokio::sync::OnceCell;

use super::{Body, ObjectStore, Page, Refusal, Version};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where S3 says which region a bucket is in.
const REGION_HEADER: &str = "x-amz-bucket-region";

/// Amazon S3, or what answers at another endpoint.
#[derive(Debug, Default)]
pub(super) struct S3 {
    client: OnceCell<Client>,
    region: OnceLock<String>,
}

impl S3 {
    async fn client(&self) -> Result<&Client, Refusal> {
        self.client.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Client, Refusal> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Ok(name) = AppName::new("linden-trainer") {
            loader = loader.app_name(name);
        }
        let config = loader.load().await;
        let region = config.region().filter(|it| !it.as_ref().is_empty());
        let region = region.ok_or(Refusal::NoRegion)?;
        // It was not set, since only one call gets here.
        let _ = self.region.set(region.to_string());
        // An endpoint that is not AWS's has no bucket names in its DNS.
        let is_elsewhere = [AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3]
            .iter()
            .any(|it| env::var_os(it.name).is_some());
        let config = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(is_elsewhere)
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .build(),
            )
            .build();
        Ok(Client::from_conf(config))
    }
}

#[async_trait]
impl ObjectStore for S3 {
    async fn list(&self, prefix: &S3Uri, page: Option<String>) -> Result<Page, Refusal> {
        let call = self.client().await?.list_objects_v2();
        let call = call.bucket(prefix.bucket()).prefix(prefix.key());
        let call = call.set_continuation_token(page).set_request_payer(payer());
        let answer = call.send().await.map_err(|err| refusal(&err))?;
        let next = answer.next_continuation_token().map(str::to_owned);
        let objects = answer.contents.unwrap_or_default().into_iter();
        let version = |it: Object| -> Result<Version, Refusal> {
            let n_bytes = it.size.and_then(|it| u64::try_from(it).ok());
            Ok(Version {
                bucket: prefix.bucket().to_owned(),
                key: it.key.unwrap_or_default(),
                etag: it.e_tag.filter(|it| !it.is_empty()).ok_or(Refusal::NoTag)?,
                n_bytes: n_bytes.unwrap_or_default(),
            })
        };
        Ok(Page {
            objects: objects.map(version).collect::<Result<_, _>>()?,
            next: next.filter(|_| answer.is_truncated == Some(true)),
        })
    }

    async fn get(&self, object: &Version, range: Range<u64>) -> Result<Box<dyn Body>, Refusal> {
        let call = self.client().await?.get_object();
        let call = call.bucket(&object.bucket).key(&object.key);
        let call = call.if_match(&object.etag).set_request_payer(payer());
        // A whole object comes with its checksum, which the SDK compares; a part has none.
        let is_whole = range == (0..object.n_bytes);
        let asked = format!("bytes={}-{}", range.start, range.end - 1);
        let call = call.set_range((!is_whole).then_some(asked));
        let answer = call.send().await.map_err(|err| refusal(&err))?;
        let found = match answer.content_range() {
            // `bytes 0-99/1234`
            Some(it) => it.rsplit('/').next().and_then(|it| it.parse().ok()),
            None => answer
                .content_length()
                .and_then(|it| u64::try_from(it).ok()),
        };
        match found {
            Some(found) if found != object.n_bytes => {
                let expected = object.n_bytes;
                Err(Refusal::Length { found, expected })
            }
            Some(_) | None => Ok(Box::new(Answer(answer.body))),
        }
    }

    fn region(&self) -> Option<String> {
        self.region.get().cloned()
    }
}

fn payer() -> Option<RequestPayer> {
    let value = env::var(AWS_REQUEST_PAYER.name).ok()?;
    value
        .eq_ignore_ascii_case("requester")
        .then_some(RequestPayer::Requester)
}

struct Answer(ByteStream);

#[async_trait]
impl Body for Answer {
    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        let broke =
            |err: ByteStreamError| Refusal::Busy(format!("the answer broke off: {}", chain(&err)));
        self.0.next().await.transpose().map_err(broke)
    }
}

/// What the service, or what lies before it, meant.
fn refusal<E: ProvideErrorMetadata + std::error::Error + 'static>(err: &SdkError<E>) -> Refusal {
    match err {
        SdkError::ServiceError(answered) => {
            let status = answered.raw().status().as_u16();
            let home = answered
                .raw()
                .headers()
                .get(REGION_HEADER)
                .map(str::to_owned);
            let (code, message) = (answered.err().code(), answered.err().message());
            of_answer(
                status,
                code.unwrap_or_default(),
                message.unwrap_or_default(),
                home,
            )
        }
        // A page of something that lies before S3.
        SdkError::ResponseError(answered) => {
            of_answer(answered.raw().status().as_u16(), "", "", None)
        }
        SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_) => unsent(err, chain(err)),
        _ => Refusal::Busy(chain(err)),
    }
}

/// What kept a request from being sent, by the words of the SDK, which has no kinds for it.
fn unsent<E>(err: &SdkError<E>, said: String) -> Refusal {
    if said.to_ascii_lowercase().contains("credential") {
        return Refusal::Credentials(said);
    }
    if said.contains("invalid peer certificate") {
        return Refusal::Certificate(said);
    }
    match err {
        SdkError::ConstructionFailure(_) => Refusal::Other(said),
        _ => Refusal::Busy(said),
    }
}

/// An error and its causes, since the SDK's own text says only "dispatch failure".
fn chain(err: &(dyn std::error::Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(err);
    while let Some(err) = next {
        let text = err.to_string();
        if said.last() != Some(&text) {
            said.push(text);
        }
        next = err.source();
    }
    said.join(": ")
}

fn of_answer(status: u16, code: &str, message: &str, home: Option<String>) -> Refusal {
    let said = || match (code, message) {
        ("", "") => format!("HTTP {status}"),
        (code, "") => code.to_owned(),
        (code, message) => format!("{code}: {message}"),
    };
    match (status, code) {
        // 416 is a range behind the end of an object that became shorter.
        (412 | 416, _) => Refusal::Changed,
        (_, "NoSuchBucket") => Refusal::NoBucket,
        (404, _) => Refusal::NoObject,
        (301 | 307, _) | (400, "AuthorizationHeaderMalformed") => Refusal::Region(home),
        (_, "InvalidObjectState") => {
            Refusal::Other(format!("{}; it is archived, restore it first", said()))
        }
        (401 | 403, code) if code != "RequestTimeTooSkewed" => Refusal::Denied(said()),
        (408 | 429 | 500.., _) | (400, "RequestTimeout" | "ExpiredToken") => Refusal::Busy(said()),
        _ => Refusal::Other(said()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_says_who_can_do_something_about_it() {
        let home = || Some("eu-west-1".to_owned());
        for (status, code, expected) in [
            (412, "PreconditionFailed", Refusal::Changed),
            (416, "InvalidRange", Refusal::Changed),
            (404, "NoSuchBucket", Refusal::NoBucket),
            (404, "NoSuchKey", Refusal::NoObject),
            (404, "", Refusal::NoObject),
            (301, "PermanentRedirect", Refusal::Region(home())),
            (307, "TemporaryRedirect", Refusal::Region(home())),
            (400, "AuthorizationHeaderMalformed", Refusal::Region(home())),
            (
                403,
                "AccessDenied",
                Refusal::Denied("AccessDenied: why".to_owned()),
            ),
            (503, "SlowDown", Refusal::Busy("SlowDown: why".to_owned())),
            (
                500,
                "InternalError",
                Refusal::Busy("InternalError: why".to_owned()),
            ),
            (
                400,
                "RequestTimeout",
                Refusal::Busy("RequestTimeout: why".to_owned()),
            ),
            (
                400,
                "InvalidRequest",
                Refusal::Other("InvalidRequest: why".to_owned()),
            ),
        ] {
            assert_eq!(
                of_answer(status, code, "why", home()),
                expected,
                "{status} {code}"
            );
        }
        assert_eq!(
            of_answer(500, "", "", None),
            Refusal::Busy("HTTP 500".to_owned())
        );
    }
}
