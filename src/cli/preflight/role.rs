//! Whether the role is there, whom it trusts, and what it may do: IAM is asked, and every answer has one of three ends.
//!
//! Allowed is `ok`, denied fails, and whatever was not answered is unknown with the reason. Invariant: what IAM did not say
//! is never taken for allowed.

use contract::exit;
use contract::job::file::JobFile;

use super::need::Need;
use super::permission::{self, Principal};
use super::trust::{Trust, trust};
use super::{Check, Unseen};
use crate::aws::{AwsError, Caller};
use crate::session::Session;

const ROLE: &str = "role";

/// SageMaker takes on roles of the account alone that asks.
pub(super) async fn checks(
    session: &Session,
    job: &JobFile,
    caller: Option<&Caller>,
) -> Vec<Check> {
    if let Some(check) = other_account(job, caller) {
        return vec![check];
    }
    let iam = &*session.account().permissions;
    let role = job.role.as_str();
    // IAM knows a role by the last part of its path.
    let name = role.rsplit('/').next().unwrap_or(role);
    let existence = match iam.role(name).await {
        Ok(found) if found.arn != role => Check::fail(
            ROLE,
            exit::NOT_FOUND,
            format!("is not there: the role of that name is {}", found.arn),
        )
        .with_fix("give that ARN, with its path, in [role] arn"),
        Ok(found) => trusted(role, &trust(&found.trust, job.role.account())),
        Err(err) => unseen(role, &err),
    };
    if existence.code == exit::NOT_FOUND {
        return vec![existence];
    }
    let mut checks = vec![existence];
    let role = Principal {
        arn: role,
        label: ROLE,
    };
    checks.extend(permission::checks(iam, &role, &Need::of_role(job, session.region())).await);
    if let Some(caller) = caller {
        checks.extend(permission::of_caller(iam, caller, job, session.region()).await);
    }
    checks
}

fn other_account(job: &JobFile, caller: Option<&Caller>) -> Option<Check> {
    let caller = caller.filter(|it| it.account != job.role.account())?;
    let detail = format!("{} is of another account than {}", job.role, caller.account);
    Some(
        Check::fail(ROLE, exit::AUTH, detail)
            .with_fix("give a role of this account in [role] arn, or another --profile"),
    )
}

fn trusted(role: &str, trust: &Trust) -> Check {
    match trust {
        Trust::Allowed => Check::ok(ROLE, format!("{role} trusts SageMaker")),
        Trust::Denied(why) => Check::fail(
            ROLE,
            exit::AUTH,
            format!("{role} does not trust SageMaker: {why}"),
        )
        .with_fix("its trust policy must let sagemaker.amazonaws.com do sts:AssumeRole; infra/ makes one that fits"),
        Trust::Unclear(why) => Check::unknown(
            ROLE,
            format!("whether {role} trusts SageMaker: {why}"),
        ),
    }
}

fn unseen(role: &str, err: &AwsError) -> Check {
    match Unseen::of(err) {
        Unseen::NotThere => Check::fail(ROLE, exit::NOT_FOUND, format!("{role} is not there"))
            .with_fix("correct [role] arn; infra/ makes a role that fits"),
        Unseen::NotAllowed => Check::unknown(
            ROLE,
            format!("whether {role} is there and trusts SageMaker: you may not look at it"),
        )
        .with_fix("ask for iam:GetRole on it; `linden help iam` has the whole policy"),
        Unseen::Nobody | Unseen::Unanswered => Check::unknown(
            ROLE,
            format!("whether {role} is there and trusts SageMaker: {err}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_of_another_account_fails() {
        let text = include_str!("../../../configs/usage-forecast/job.toml");
        let job = JobFile::parse(text, &[]).unwrap();
        let of = |account: &str| {
            let caller = Caller {
                account: account.to_owned(),
                arn: String::new(),
            };
            other_account(&job, Some(&caller)).map(|it| it.code)
        };
        assert_eq!(of("123456789012"), None);
        assert_eq!(of("999999999999"), Some(exit::AUTH));
        assert_eq!(other_account(&job, None), None);
    }
}
