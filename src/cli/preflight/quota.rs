//! Whether the account may have the machines: its limits by name, what runs already, what the job needs.
//!
//! Names and their meaning: Service Quotas, service `sagemaker`, "`<type> for training job usage`" and its siblings for spot
//! and warm pools. An account that was never granted anything has AWS's default, which is often 0. What is in use is
//! counted from the jobs that run; SageMaker has no operation that tells it.

use contract::exit;
use contract::job::file::JobFile;
use contract::job::{InstanceType, TrainingJobDescription};

use super::{Check, Unseen};
use crate::aws::{AwsError, AwsErrorKind, ListFilter, Quota};
use crate::session::Session;

const NAME: &str = "quota";
/// So many of the jobs that run are looked at.
const MAX_LOOKED_AT: usize = 50;

/// What machines are used for; each use has its own limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    OnDemand,
    Spot,
    WarmPool,
}

impl Use {
    fn quota_name(self, instance_type: &str) -> String {
        match self {
            Self::OnDemand => format!("{instance_type} for training job usage"),
            Self::Spot => format!("{instance_type} for spot training job usage"),
            Self::WarmPool => format!("{instance_type} for training warm pool usage"),
        }
    }
}

/// Machines that a job has or keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Holding {
    instance_type: String,
    of: Use,
    instances: u64,
}

/// What runs.
#[derive(Debug, Default)]
struct InUse {
    holdings: Vec<Holding>,
    /// Whether there are more jobs than were looked at.
    more: bool,
}

pub(super) async fn checks(session: &Session, job: &JobFile) -> Vec<Check> {
    let uses = uses(job);
    let types: Vec<&str> = job
        .compute
        .instance_types
        .iter()
        .map(InstanceType::as_str)
        .collect();
    let names: Vec<String> = types
        .iter()
        .flat_map(|it| uses.iter().map(|of| of.quota_name(it)))
        .collect();
    let quotas = match session.account().quotas.of_sagemaker(&names).await {
        Ok(quotas) => quotas,
        Err(err) => return vec![unasked(&err, &names)],
    };
    let in_use = look(session).await;
    let need = job.compute.instances;
    let judged = |instance_type: &str, of: Use| {
        let name = of.quota_name(instance_type);
        let used = in_use
            .as_ref()
            .map(|it| (it.used(instance_type, of), it.more));
        judge(&name, quotas.get(&name), used, need)
    };
    let mut checks = vec![];
    for of in uses {
        let of_type: Vec<Check> = types.iter().map(|it| judged(it, of)).collect();
        // One type that fits is enough: the others are only not what is run on.
        let some_fit = of_type.iter().any(|it| !it.is_bad());
        checks.extend(
            of_type
                .into_iter()
                .map(|it| if some_fit { it.milder() } else { it }),
        );
    }
    checks
}

fn uses(job: &JobFile) -> Vec<Use> {
    let mut uses = vec![if job.spot.is_some() {
        Use::Spot
    } else {
        Use::OnDemand
    }];
    if job.compute.keep_alive_secs > 0 {
        uses.push(Use::WarmPool);
    }
    uses
}

fn unasked(err: &AwsError, names: &[String]) -> Check {
    let why = match Unseen::of(err) {
        Unseen::NotAllowed => format!("you may not look at it: {}", err.message),
        Unseen::NotThere | Unseen::Nobody | Unseen::Unanswered => err.to_string(),
    };
    let names: Vec<String> = names.iter().map(|it| format!("`{it}`")).collect();
    Check::unknown(NAME, why).with_fix(format!(
        "look for {} in Service Quotas, or ask for what `linden help iam` lists",
        names.join(", ")
    ))
}

fn judge(
    name: &str,
    quota: Option<&Quota>,
    used: Result<(u64, bool), &AwsError>,
    need: u64,
) -> Check {
    let Some(quota) = quota else {
        return Check::unknown(NAME, format!("Service Quotas does not have `{name}`"));
    };
    // Whole machines; a limit of half a machine is none.
    let allowed = quota.value.max(0.0).floor() as u64;
    let default = if quota.is_default {
        ", AWS's default"
    } else {
        ""
    };
    let is_known = matches!(used, Ok((_, false)));
    let (in_use, told) = match used {
        Ok((n, false)) => (n, format!("{n} in use")),
        Ok((n, true)) => (n, format!("at least {n} in use")),
        Err(err) => (0, format!("in use not known ({})", err.message)),
    };
    let detail = format!("{allowed} allowed{default}, {told}, {need} needed: {name}");
    if allowed >= in_use + need {
        return if is_known {
            Check::ok(NAME, detail)
        } else {
            Check::unknown(NAME, detail)
        };
    }
    let fix = if allowed >= need {
        "wait until the others have ended, or ask for more".to_owned()
    } else {
        format!(
            "`aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code {} --desired-value {}`, \
             which takes from minutes to days; or another type",
            quota.code,
            in_use + need
        )
    };
    Check::fail(NAME, exit::CAPACITY, detail).with_fix(fix)
}

/// The machines of jobs that run and of pools that wait.
async fn look(session: &Session) -> Result<InUse, AwsError> {
    let mut in_use = InUse::default();
    for (status, warm_pool) in [(Some("InProgress"), None), (None, Some("Available"))] {
        let filter = ListFilter {
            status: status.map(ToOwned::to_owned),
            warm_pool: warm_pool.map(ToOwned::to_owned),
            limit: MAX_LOOKED_AT,
            ..ListFilter::default()
        };
        let listing = session.jobs().list(&filter).await?;
        in_use.more |= listing.more;
        for it in &listing.jobs {
            let Ok(name) = it.training_job_name.parse() else {
                continue;
            };
            match session.jobs().describe(&name).await {
                Ok(job) => in_use.holdings.extend(holdings(&job, status.is_some())),
                // It was deleted meanwhile.
                Err(err) if err.kind == AwsErrorKind::NotFound => {}
                Err(err) => return Err(err),
            }
        }
    }
    Ok(in_use)
}

/// What a job that runs has, or one that has ended keeps.
fn holdings(job: &TrainingJobDescription, runs: bool) -> Vec<Holding> {
    let resources = &job.resource_config;
    let mut holdings = vec![];
    let mut hold = |instance_type: &str, instances: i64, of: Use| {
        holdings.push(Holding {
            instance_type: instance_type.to_owned(),
            of,
            instances: u64::try_from(instances).unwrap_or_default(),
        });
    };
    let keeps = resources.keep_alive_period_in_seconds.unwrap_or_default() > 0;
    let running = match job.enable_managed_spot_training {
        Some(true) => Use::Spot,
        Some(false) | None => Use::OnDemand,
    };
    let one = resources
        .instance_type
        .as_deref()
        .map(|it| (it, resources.instance_count.unwrap_or(1)));
    let groups = resources.instance_groups.iter();
    let groups = groups.map(|it| (it.instance_type.as_str(), it.instance_count));
    for (instance_type, instances) in one.into_iter().chain(groups) {
        if runs {
            hold(instance_type, instances, running);
        }
        if keeps {
            hold(instance_type, instances, Use::WarmPool);
        }
    }
    holdings
}

impl InUse {
    fn used(&self, instance_type: &str, of: Use) -> u64 {
        let fits = |it: &&Holding| it.instance_type == instance_type && it.of == of;
        self.holdings
            .iter()
            .filter(fits)
            .map(|it| it.instances)
            .sum()
    }
}

impl Check {
    /// The same, where something else makes up for it.
    fn milder(self) -> Self {
        if self.is_bad() {
            Self {
                verdict: super::Verdict::Warn,
                code: exit::SUCCESS,
                ..self
            }
        } else {
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Verdict;

    fn quota(value: f64, is_default: bool) -> Quota {
        Quota {
            code: "L-1".to_owned(),
            value,
            is_default,
        }
    }

    #[test]
    fn what_is_allowed_is_held_against_what_is_in_use_and_needed() {
        let of =
            |value, used, need| judge("q", Some(&quota(value, false)), Ok((used, false)), need);
        assert_eq!(of(4.0, 2, 2).verdict, Verdict::Ok);
        let now = of(4.0, 3, 2);
        assert_eq!((now.verdict, now.code), (Verdict::Fail, exit::CAPACITY));
        assert!(now.fix.unwrap().starts_with("wait until"));
        let never = judge("q", Some(&quota(0.0, true)), Ok((0, false)), 1);
        assert_eq!(
            never.detail,
            "0 allowed, AWS's default, 0 in use, 1 needed: q"
        );
        assert!(
            never
                .fix
                .unwrap()
                .contains("--quota-code L-1 --desired-value 1")
        );
        assert_eq!(
            judge("q", None, Ok((0, false)), 1).verdict,
            Verdict::Unknown
        );
        let err = AwsError::of(AwsErrorKind::Throttled, "ListTrainingJobs", "slow");
        let unseen = judge("q", Some(&quota(4.0, false)), Err(&err), 1);
        assert_eq!(unseen.verdict, Verdict::Unknown);
        assert!(unseen.detail.contains("in use not known (slow)"));
    }

    #[test]
    fn machines_are_held_by_use() {
        let job = |spot: bool, keep: i64| {
            let json = serde_json::json!({
                "TrainingJobName": "a", "TrainingJobArn": "a", "TrainingJobStatus": "InProgress",
                "SecondaryStatus": "Training", "CreationTime": 0.0, "EnableManagedSpotTraining": spot,
                "ResourceConfig": { "InstanceType": "ml.m5.large", "InstanceCount": 2, "KeepAlivePeriodInSeconds": keep },
            });
            serde_json::from_value::<TrainingJobDescription>(json).unwrap()
        };
        let mut in_use = InUse::default();
        in_use.holdings.extend(holdings(&job(true, 0), true));
        in_use.holdings.extend(holdings(&job(false, 60), true));
        in_use.holdings.extend(holdings(&job(false, 60), false));
        let used = |of| in_use.used("ml.m5.large", of);
        assert_eq!(
            (used(Use::OnDemand), used(Use::Spot), used(Use::WarmPool)),
            (2, 2, 4)
        );
        assert_eq!(in_use.used("ml.m5.xlarge", Use::Spot), 0);
    }
}
