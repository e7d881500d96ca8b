//! What IAM's simulation says about each need of a principal, and what that means.
//!
//! The simulation knows the principal's own policies, its boundary and the organization's, not the policies of buckets and
//! keys; where such a policy decides, "no policy allows it" is unknown and not denied.

use contract::exit;
use contract::job::file::JobFile;

use super::Check;
use super::need::{Need, Weight};
use crate::aws::{
    Answer, AwsError, AwsErrorKind, Caller, Decision, Permissions, Question, Simulation,
};

/// How many refused actions are named.
const NAMED: usize = 3;

/// Whose permissions they are.
pub(super) struct Principal<'a> {
    pub(super) arn: &'a str,
    /// What the checks' names begin with.
    pub(super) label: &'static str,
}

/// The end of a need.
enum Verdict {
    Allowed,
    Denied(String),
    Unknown(String),
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
}
