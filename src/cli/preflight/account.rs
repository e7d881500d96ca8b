//! Who asks, where, and as whom the job would run.

use std::time::SystemTime;

use contract::exit;
use contract::job::file::JobFile;

use super::{Check, role};
use crate::aws::{AwsError, AwsErrorKind, SignIn};
use crate::session::Session;
use crate::units;

const CREDENTIALS: &str = "credentials";

pub(super) async fn checks(session: &Session, job: Option<&JobFile>) -> Vec<Check> {
    let region = Check::ok("region", session.region());
    if session.is_local {
        let none = "none are needed: the SageMaker on this machine asks for nobody";
        return vec![Check::ok(CREDENTIALS, none), region];
    }
    let signed_in = match session.identity().sign_in().await {
        Ok(it) => it,
        Err(err) => return vec![not_signed_in(&err), region],
    };
    let mut checks = vec![credentials(&signed_in, job), region];
    match session.identity().caller().await {
        Ok(caller) => {
            checks.push(Check::ok(
                "account",
                format!("{} as {}", caller.account, caller.arn),
            ));
            if let Some(job) = job {
                checks.extend(role::checks(session, job, Some(&caller)).await);
            }
        }
        Err(err) => {
            checks.push(no_caller(&err));
            if let Some(job) = job.filter(|_| err.kind != AwsErrorKind::Credentials) {
                checks.extend(role::checks(session, job, None).await);
            }
        }
    }
    checks
}

fn not_signed_in(err: &AwsError) -> Check {
    Check::fail(CREDENTIALS, exit::AUTH, err.message.clone()).with_fix(
        "give --profile NAME, sign in (`aws sso login`), or stay on this machine: --local",
    )
}

/// Credentials that end before the job may be over cannot be waited with.
fn credentials(it: &SignIn, job: Option<&JobFile>) -> Check {
    let from = &it.provider;
    let Some(expires) = it.expires else {
        return Check::ok(CREDENTIALS, format!("from {from}, do not expire"));
    };
    let Ok(left) = expires.duration_since(SystemTime::now()) else {
        return Check::fail(
            CREDENTIALS,
            exit::AUTH,
            format!("from {from}, have expired"),
        )
        .with_fix("sign in again: `aws sso login`, or whatever made them");
    };
    let detail = format!(
        "from {from}, expire in {}",
        units::duration(left.as_secs_f64())
    );
    let longest = job.map_or(0, |it| {
        let wait = it.spot.as_ref().map(|it| it.max_wait_secs);
        wait.unwrap_or(it.compute.max_runtime_secs)
    });
    if left.as_secs() < longest {
        return Check::warn(
            CREDENTIALS,
            format!(
                "{detail}, and the job may take {}",
                units::duration(longest as f64)
            ),
        )
        .with_fix(
            "where nothing renews them: `linden run --detach`, and `linden wait` with fresh ones",
        );
    }
    Check::ok(CREDENTIALS, detail)
}

fn no_caller(err: &AwsError) -> Check {
    match err.kind {
        AwsErrorKind::Credentials => Check::fail(
            "account",
            exit::AUTH,
            format!("AWS does not take the credentials: {}", err.message),
        )
        .with_fix("sign in again: `aws sso login`, or give another --profile"),
        AwsErrorKind::Denied
        | AwsErrorKind::Throttled
        | AwsErrorKind::Quota
        | AwsErrorKind::Capacity
        | AwsErrorKind::NotFound
        | AwsErrorKind::NameTaken
        | AwsErrorKind::Invalid
        | AwsErrorKind::Service
        | AwsErrorKind::Network
        | AwsErrorKind::Unexpected => Check::unknown(
            "account",
            format!("STS does not say who asks: {}", err.message),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::preflight::Verdict;

    fn job() -> JobFile {
        let text = include_str!("../../../configs/usage-forecast/job.toml");
        JobFile::parse(text, &[]).unwrap()
    }

    fn of(left: Option<i64>) -> Check {
        let now = SystemTime::now();
        let at = |secs: i64| {
            let by = Duration::from_secs(secs.unsigned_abs());
            if secs < 0 { now - by } else { now + by }
        };
        let signed_in = SignIn {
            provider: "Sso".to_owned(),
            expires: left.map(at),
        };
        credentials(&signed_in, Some(&job()))
    }

    #[test]
    fn credentials_that_end_before_the_job_are_a_warning_and_expired_ones_fail() {
        assert_eq!(of(None).verdict, Verdict::Ok);
        assert_eq!(of(Some(3600)).verdict, Verdict::Ok);
        let short = of(Some(300));
        assert_eq!(short.verdict, Verdict::Warn);
        assert!(
            short.detail.ends_with("and the job may take 10m"),
            "{}",
            short.detail
        );
        let gone = of(Some(-5));
        assert_eq!((gone.verdict, gone.code), (Verdict::Fail, exit::AUTH));
    }
}
