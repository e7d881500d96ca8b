//! What a principal needs to be allowed, and what IAM's simulation says about each of it.
//!
//! Every need names the real resources of the job: without them IAM answers for `*`, and what a policy allows on one bucket
//! alone would look refused. The simulation knows the principal's own policies, its boundary and the organization's, not
//! the policies of buckets and keys; where such a policy decides, "no policy allows it" is unknown and not denied.

use contract::exit;
use contract::job::S3Uri;
use contract::job::file::JobFile;

use super::Check;
use crate::aws::{
    Answer, AwsError, AwsErrorKind, Caller, Decision, EcrPlace, Fact, FactValue, LOG_GROUP,
    Permissions, Question, Simulation,
};

/// How many refused actions are named.
const NAMED: usize = 3;

/// Whose permissions they are.
pub(super) struct Principal<'a> {
    pub(super) arn: &'a str,
    /// What the checks' names begin with.
    pub(super) label: &'static str,
}

/// What must be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// What for: `read the data`.
    what: &'static str,
    question: Question,
    /// What a refusal means.
    weight: Weight,
}

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// The job fails.
    Required,
    /// The job runs, and something is missing.
    Optional,
    /// The resource's own policy may allow it too.
    SharedWithResource,
}

/// The end of a need.
enum Verdict {
    Allowed,
    Denied(String),
    Unknown(String),
}

impl Need {
    fn new(what: &'static str, actions: &[&str], resources: Vec<String>) -> Self {
        Self {
            what,
            question: Question {
                actions: actions.iter().map(ToString::to_string).collect(),
                resources,
                context: vec![],
            },
            weight: Weight::Required,
        }
    }

    fn with(mut self, key: &'static str, value: FactValue) -> Self {
        self.question.context.push(Fact { key, value });
        self
    }

    fn weighing(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }

    /// What the role needs to run the job.
    pub(super) fn of_role(job: &JobFile, region: &str) -> Vec<Self> {
        let partition = partition(job);
        let account = job.role.account();
        let mut needs = of_data(job, partition);
        if let Some(place) = EcrPlace::of(job.image.as_str()) {
            let pull = [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ];
            let token = ["ecr:GetAuthorizationToken"];
            needs.push(Self::new(
                "pull the image",
                &pull,
                vec![place.arn(partition)],
            ));
            needs.push(Self::new("log in to ECR", &token, vec!["*".to_owned()]));
        }
        let group = format!("arn:{partition}:logs:{region}:{account}:log-group:{LOG_GROUP}");
        let log = ["logs:CreateLogStream", "logs:PutLogEvents"];
        let stream = format!("{group}:log-stream:{}/algo-1-1", job.name);
        needs.push(Self::new("log", &log, vec![stream]).weighing(Weight::Optional));
        let metrics = ["cloudwatch:PutMetricData"];
        needs.push(
            Self::new("put metrics", &metrics, vec!["*".to_owned()])
                .with(
                    "cloudwatch:namespace",
                    FactValue::Text(LOG_GROUP.to_owned()),
                )
                .weighing(Weight::Optional),
        );
        needs.extend(of_keys(job));
        if !job.network.subnets.is_empty() {
            needs.push(of_network(job, partition, region));
        }
        needs
    }

    /// What whoever submits the job needs.
    fn of_submitter(job: &JobFile, region: &str) -> Vec<Self> {
        let (partition, account) = (partition(job), job.role.account());
        let name = job
            .job_name(1)
            .map_or_else(|_| job.name.clone(), |it| it.to_string());
        let arn = format!("arn:{partition}:sagemaker:{region}:{account}:training-job/{name}");
        let types = &job.compute.instance_types;
        let mut create = Self::new(
            "submit",
            &["sagemaker:CreateTrainingJob"],
            vec![arn.clone()],
        )
        .with(
            "sagemaker:InstanceTypes",
            FactValue::Texts(types.iter().take(1).map(ToString::to_string).collect()),
        )
        .with(
            "sagemaker:MaxRuntimeInSeconds",
            FactValue::Number(job.compute.max_runtime_secs),
        );
        if job.compute.keep_alive_secs > 0 {
            let secs = FactValue::Number(job.compute.keep_alive_secs);
            create = create.with("sagemaker:KeepAlivePeriod", secs);
        }
        let follow = ["sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"];
        let service = FactValue::Text("sagemaker.amazonaws.com".to_owned());
        vec![
            create,
            Self::new(
                "pass the role",
                &["iam:PassRole"],
                vec![job.role.to_string()],
            )
            .with("iam:PassedToService", service),
            Self::new("follow and stop", &follow, vec![arn]).weighing(Weight::Optional),
        ]
    }
}

/// `aws` of `arn:aws:iam::…`.
fn partition(job: &JobFile) -> &str {
    job.role.as_str().split(':').nth(1).unwrap_or("aws")
}

/// Reading channels, going on from checkpoints, writing both and the model.
fn of_data(job: &JobFile, partition: &str) -> Vec<Need> {
    let bucket = |it: &S3Uri| format!("arn:{partition}:s3:::{}", it.bucket());
    let key = |it: &S3Uri, name: &str| format!("{}/{}", bucket(it), it.join(name).key());
    let filled = job.job_name(1).ok().map(|name| job.request(&name));
    let filled = filled.as_ref();
    let output = filled
        .and_then(|it| it.output_data_config.as_ref()?.s3_output_path.parse().ok())
        .unwrap_or_else(|| job.output.s3.clone());
    let checkpoint: Option<S3Uri> = filled
        .and_then(|it| it.checkpoint_config.as_ref()?.s3_uri.parse().ok())
        .or_else(|| job.checkpoint.as_ref().map(|it| it.s3.clone()));
    let read = job.channels.iter().map(|it| &it.s3).chain(&checkpoint);
    let mut lists: Vec<Need> = vec![];
    let mut objects: Vec<String> = vec![];
    for it in read {
        let list = Need::new("list the data", &["s3:ListBucket"], vec![bucket(it)])
            .with("s3:prefix", FactValue::Text(it.key().to_owned()));
        if !lists.contains(&list) {
            lists.push(list);
        }
        objects.push(key(it, "object"));
    }
    objects.sort_unstable();
    objects.dedup();
    let mut written = vec![key(&output, &format!("{}/output/model.tar.gz", job.name))];
    written.extend(checkpoint.iter().map(|it| key(it, "object")));
    let mut needs = lists;
    needs.push(Need::new("read the data", &["s3:GetObject"], objects));
    needs.push(Need::new("write", &["s3:PutObject"], written));
    needs
}

fn of_keys(job: &JobFile) -> Vec<Need> {
    let is_arn = |it: &&String| it.starts_with("arn:") && it.contains(":key/");
    let output = job.output.kms_key.as_ref().filter(is_arn);
    let volume = job.compute.volume_kms_key.as_ref().filter(is_arn);
    let mut needs = vec![];
    if let Some(key) = output {
        let actions = ["kms:Decrypt", "kms:GenerateDataKey"];
        needs.push(Need::new(
            "use the output's key",
            &actions,
            vec![key.clone()],
        ));
    }
    if let Some(key) = volume {
        let grant = Need::new(
            "use the volume's key",
            &["kms:CreateGrant"],
            vec![key.clone()],
        );
        needs.push(grant.with(
            "kms:GrantIsForAWSResource",
            FactValue::Text("true".to_owned()),
        ));
    }
    needs
        .into_iter()
        .map(|it| it.weighing(Weight::SharedWithResource))
        .collect()
}

fn of_network(job: &JobFile, partition: &str, region: &str) -> Need {
    let account = job.role.account();
    let arn = |kind: &str, id: &str| format!("arn:{partition}:ec2:{region}:{account}:{kind}/{id}");
    let subnets = job.network.subnets.iter().map(|it| arn("subnet", it));
    Need::new(
        "join the subnets",
        &["ec2:CreateNetworkInterface"],
        subnets.collect(),
    )
}

/// A check for each of the needs; one for all of them where IAM may not be asked.
pub(super) async fn checks(
    iam: &dyn Permissions,
    principal: &Principal<'_>,
    needs: &[Need],
) -> Vec<Check> {
    let mut checks: Vec<Check> = vec![];
    for need in needs {
        let verdict = match iam.simulate(principal.arn, &need.question).await {
            Ok(simulation) => judge(need, &simulation),
            Err(err) if err.kind == AwsErrorKind::Denied => {
                checks.push(not_allowed_to_ask(principal, &err));
                return checks;
            }
            Err(err) => Verdict::Unknown(err.to_string()),
        };
        merge(&mut checks, principal, need, verdict);
    }
    checks
}

fn not_allowed_to_ask(principal: &Principal<'_>, err: &AwsError) -> Check {
    let name = format!("{} permissions", principal.label);
    let why = &err.message;
    Check::unknown(
        &name,
        format!("you may not ask IAM what {} may do: {why}", principal.arn),
    )
    .with_fix("ask for iam:SimulatePrincipalPolicy; `linden help iam` has the whole policy")
}

/// One check a purpose: what is listed bucket by bucket is one purpose.
fn merge(checks: &mut Vec<Check>, principal: &Principal<'_>, need: &Need, verdict: Verdict) {
    let name = format!("{}: {}", principal.label, need.what);
    let check = match verdict {
        Verdict::Allowed => Check::ok(&name, format!("allowed: {}", asked(&need.question))),
        Verdict::Unknown(why) => Check::unknown(&name, why),
        Verdict::Denied(what) => match need.weight {
            Weight::Optional => Check::warn(&name, format!("denied: {what}")),
            Weight::Required | Weight::SharedWithResource => {
                Check::fail(&name, exit::AUTH, format!("denied: {what}"))
            }
        }
        .with_fix("infra/template.yaml has the policies that are needed; they come without `*`"),
    };
    match checks.iter_mut().find(|it| it.name == name) {
        Some(known) if known.verdict == super::Verdict::Ok => *known = check,
        Some(known) if known.verdict == super::Verdict::Unknown && check.is_bad() => *known = check,
        Some(_) => {}
        None => checks.push(check),
    }
}

/// `s3:GetObject on arn:aws:s3:::a/b and 2 more`.
fn asked(question: &Question) -> String {
    let actions = question.actions.join(", ");
    match &question.resources[..] {
        [] => actions,
        [one] if one == "*" => actions,
        [one] => format!("{actions} on {one}"),
        [first, rest @ ..] => format!("{actions} on {first} and {} more", rest.len()),
    }
}

/// Looks for the answer to every action on every resource.
fn judge(need: &Need, simulation: &Simulation) -> Verdict {
    let mut denied: Vec<String> = vec![];
    let mut unknown: Option<String> = None;
    for action in &need.question.actions {
        for resource in &need.question.resources {
            let place = format!("{action} on {resource}");
            match find(simulation, action, resource) {
                None => {
                    let why = simulation.cut.as_deref();
                    let why = why.unwrap_or("IAM's answer does not have it");
                    unknown.get_or_insert(format!("{place}: {why}"));
                }
                Some(answer) => match of_answer(need.weight, answer) {
                    Verdict::Allowed => {}
                    Verdict::Denied(why) => denied.push(format!("{place}{why}")),
                    Verdict::Unknown(why) => {
                        unknown.get_or_insert(format!("{place}: {why}"));
                    }
                },
            }
        }
    }
    if !denied.is_empty() {
        let more = denied.len().saturating_sub(NAMED);
        let named: Vec<String> = denied.into_iter().take(NAMED).collect();
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        return Verdict::Denied(format!("{}{more}", named.join("; ")));
    }
    unknown.map_or(Verdict::Allowed, Verdict::Unknown)
}

fn find<'s>(simulation: &'s Simulation, action: &str, resource: &str) -> Option<&'s Answer> {
    simulation
        .answers
        .iter()
        .find(|it| it.action.eq_ignore_ascii_case(action) && it.resource == resource)
}

/// What one answer comes to.
fn of_answer(weight: Weight, answer: &Answer) -> Verdict {
    match &answer.decision {
        Decision::Allowed => Verdict::Allowed,
        Decision::ExplicitDeny => Verdict::Denied(" (a policy refuses it)".to_owned()),
        Decision::ImplicitDeny if !answer.missing_context.is_empty() => Verdict::Unknown(format!(
            "its policy asks for {}, which only the real call has",
            answer.missing_context.join(", ")
        )),
        Decision::ImplicitDeny if weight == Weight::SharedWithResource => Verdict::Unknown(
            "no policy of the role's allows it; the key's own policy may".to_owned(),
        ),
        Decision::ImplicitDeny => Verdict::Denied(" (no policy allows it)".to_owned()),
        Decision::Other(word) => Verdict::Unknown(format!("IAM says `{word}`")),
    }
}

/// What whoever calls may do with the job.
pub(super) async fn of_caller(
    iam: &dyn Permissions,
    caller: &Caller,
    job: &JobFile,
    region: &str,
) -> Vec<Check> {
    const LABEL: &str = "you";
    let arn = match policy_source(iam, &caller.arn).await {
        Ok(Some(arn)) => arn,
        // The account's root user has no policies.
        Ok(None) => return vec![],
        Err(why) => return vec![Check::unknown("you: submit", why)],
    };
    let principal = Principal {
        arn: &arn,
        label: LABEL,
    };
    checks(iam, &principal, &Need::of_submitter(job, region)).await
}

/// Whose policies hold for a caller: a user's own, or those of the role whose session it is.
async fn policy_source(iam: &dyn Permissions, arn: &str) -> Result<Option<String>, String> {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let mut parts = resource.split('/');
    match (parts.next(), parts.next()) {
        (Some("root"), None) => Ok(None),
        (Some("user"), Some(_)) => Ok(Some(arn.to_owned())),
        (Some("assumed-role"), Some(role)) => match iam.role(role).await {
            Ok(role) => Ok(Some(role.arn)),
            Err(err) => Err(format!("whose policies hold for {arn}: {err}")),
        },
        _ => Err(format!("{arn} is neither a user nor a role")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(weight: Weight) -> Need {
        let resources = vec!["arn:a".to_owned(), "arn:b".to_owned()];
        Need::new("read", &["s3:GetObject"], resources).weighing(weight)
    }

    fn answer(resource: &str, decision: Decision) -> Answer {
        Answer {
            action: "s3:GetObject".to_owned(),
            resource: resource.to_owned(),
            decision,
            missing_context: vec![],
        }
    }

    fn of(weight: Weight, answers: Vec<Answer>, cut: Option<&str>) -> (&'static str, String) {
        let simulation = Simulation {
            answers,
            cut: cut.map(ToOwned::to_owned),
        };
        match judge(&need(weight), &simulation) {
            Verdict::Allowed => ("allowed", String::new()),
            Verdict::Denied(why) => ("denied", why),
            Verdict::Unknown(why) => ("unknown", why),
        }
    }

    #[test]
    fn everything_must_be_allowed_and_a_missing_answer_is_unknown() {
        let allowed = |it: &str| answer(it, Decision::Allowed);
        let both = vec![allowed("arn:a"), allowed("arn:b")];
        assert_eq!(of(Weight::Required, both, None).0, "allowed");
        let cut = of(Weight::Required, vec![allowed("arn:a")], Some("throttled"));
        assert_eq!(
            cut,
            ("unknown", "s3:GetObject on arn:b: throttled".to_owned())
        );
        assert_eq!(
            of(Weight::Required, vec![allowed("arn:a")], None).0,
            "unknown"
        );
        let refused = vec![allowed("arn:a"), answer("arn:b", Decision::ExplicitDeny)];
        let (verdict, why) = of(Weight::Required, refused, None);
        assert_eq!(
            (verdict, why.contains("arn:b (a policy refuses it)")),
            ("denied", true)
        );
    }

    #[test]
    fn no_policy_is_a_denial_unless_something_else_may_decide() {
        let none = || {
            vec![
                answer("arn:a", Decision::ImplicitDeny),
                answer("arn:b", Decision::Allowed),
            ]
        };
        assert_eq!(of(Weight::Required, none(), None).0, "denied");
        assert_eq!(of(Weight::SharedWithResource, none(), None).0, "unknown");
        let mut conditional = none();
        conditional[0]
            .missing_context
            .push("aws:SourceVpce".to_owned());
        let (verdict, why) = of(Weight::Required, conditional, None);
        assert_eq!((verdict, why.contains("aws:SourceVpce")), ("unknown", true));
        let word = vec![
            answer("arn:a", Decision::Other("perhaps".to_owned())),
            answer("arn:b", Decision::Allowed),
        ];
        assert_eq!(of(Weight::Required, word, None).0, "unknown");
    }

    #[test]
    fn needs_name_the_jobs_own_resources() {
        let text = include_str!("../../../configs/usage-forecast/job.toml");
        let job = JobFile::parse(text, &[]).unwrap();
        let needs = Need::of_role(&job, "eu-west-1");
        let resources: Vec<&String> = needs.iter().flat_map(|it| &it.question.resources).collect();
        assert!(
            resources.iter().all(|it| !it.contains('{')),
            "{resources:?}"
        );
        let allowed_alone = ["log in to ECR", "put metrics"];
        for it in needs.iter().filter(|it| !allowed_alone.contains(&it.what)) {
            assert!(
                it.question
                    .resources
                    .iter()
                    .all(|it| it.starts_with("arn:aws:")),
                "{it:?}"
            );
        }
        let whats: Vec<&str> = needs.iter().map(|it| it.what).collect();
        assert!(
            whats.contains(&"write") && whats.contains(&"pull the image"),
            "{whats:?}"
        );
    }
}
