//! Whether a role's trust policy lets SageMaker take it on.
//!
//! The grammar is IAM's: a member may be one value or a list of them. Conditions on the source account and the source ARN
//! are understood, since they are what AWS recommends; any other makes the answer unclear.

use serde_json::Value;

const SERVICE: &str = "sagemaker.amazonaws.com";
const ACTION: &str = "sts:AssumeRole";

/// What a trust policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    Allowed,
    Denied(String),
    Unclear(String),
}

/// What `policy`, JSON, says about SageMaker asking for `account`.
pub(super) fn trust(policy: &str, account: &str) -> Trust {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else {
        return Trust::Unclear("its trust policy cannot be read".to_owned());
    };
    let statements = list(&policy["Statement"]);
    let about = |effect: &str| {
        statements
            .iter()
            .filter(|it| it["Effect"] == effect && concerns(it))
            .map(|it| condition(&it["Condition"], account))
            .collect::<Vec<Trust>>()
    };
    if !about("Deny").is_empty() {
        return Trust::Unclear(
            "a statement of its trust policy denies under conditions".to_owned(),
        );
    }
    let mut allowing = about("Allow");
    if allowing.contains(&Trust::Allowed) {
        return Trust::Allowed;
    }
    allowing
        .pop()
        .unwrap_or_else(|| Trust::Denied(format!("no statement lets {SERVICE} take it on")))
}

/// A value, or the values of a list.
fn list(it: &Value) -> Vec<&Value> {
    match it {
        Value::Array(all) => all.iter().collect(),
        Value::Null => vec![],
        one => vec![one],
    }
}

/// Whether the statement is about SageMaker taking on the role.
fn concerns(statement: &Value) -> bool {
    let principal = &statement["Principal"];
    let names_sagemaker = principal == "*"
        || list(&principal["Service"])
            .iter()
            .any(|it| *it == SERVICE || *it == "*")
        || list(&principal["AWS"]).iter().any(|it| *it == "*");
    let names_action = list(&statement["Action"]).iter().any(|it| {
        let text = it.as_str().unwrap_or_default();
        text == "*" || text.eq_ignore_ascii_case("sts:*") || text.eq_ignore_ascii_case(ACTION)
    });
    names_sagemaker && names_action
}

/// What a condition leaves of an allowance.
fn condition(condition: &Value, account: &str) -> Trust {
    let Some(operators) = condition.as_object() else {
        return Trust::Allowed;
    };
    for (operator, keys) in operators {
        for (key, wanted) in keys.as_object().into_iter().flatten() {
            let wanted = list(wanted);
            let texts = || wanted.iter().filter_map(|it| it.as_str());
            let positive = !operator.contains("Not") && !operator.contains("Null");
            match key.to_ascii_lowercase().as_str() {
                "aws:sourceaccount" if positive => {
                    if !texts().any(|it| it == account || it.contains('*')) {
                        return Trust::Denied(format!("{key} must be another account"));
                    }
                }
                "aws:sourcearn" if positive => {
                    let fits = |it: &str| {
                        let parts: Vec<&str> = it.split(':').collect();
                        let at = |idx: usize| parts.get(idx).copied().unwrap_or("*");
                        let service = at(2) == "sagemaker" || at(2).contains('*');
                        service && (at(4) == account || at(4).contains('*'))
                    };
                    if !texts().any(fits) {
                        return Trust::Denied(format!("{key} is not that of training jobs"));
                    }
                }
                _ => return Trust::Unclear(format!("it has a condition on {key}")),
            }
        }
    }
    Trust::Allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(statement: &str) -> Trust {
        trust(&format!(r#"{{"Statement": {statement}}}"#), "123456789012")
    }

    fn allow(principal: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect": "Allow", "Principal": {principal}, "Action": "sts:AssumeRole", "Condition": {condition}}}"#
        )
    }

    #[test]
    fn sagemaker_must_be_named_alone_or_in_a_list() {
        assert_eq!(
            of(&allow(r#"{"Service": "sagemaker.amazonaws.com"}"#, "{}")),
            Trust::Allowed
        );
        let several = r#"{"Service": ["ec2.amazonaws.com", "sagemaker.amazonaws.com"]}"#;
        assert_eq!(of(&format!("[{}]", allow(several, "{}"))), Trust::Allowed);
        let other = of(&allow(r#"{"Service": "ec2.amazonaws.com"}"#, "{}"));
        assert!(matches!(other, Trust::Denied(_)), "{other:?}");
        assert!(matches!(of("[]"), Trust::Denied(_)));
        assert!(matches!(trust("{", "1"), Trust::Unclear(_)));
    }

    #[test]
    fn conditions_on_the_source_are_understood_and_others_are_unclear() {
        let sagemaker = r#"{"Service": "sagemaker.amazonaws.com"}"#;
        let with = |condition: &str| of(&allow(sagemaker, condition));
        let own = r#"{"StringEquals": {"aws:SourceAccount": "123456789012"}}"#;
        assert_eq!(with(own), Trust::Allowed);
        let arn = r#"{"ArnLike": {"aws:SourceArn": "arn:aws:sagemaker:eu-west-1:123456789012:training-job/*"}}"#;
        assert_eq!(with(arn), Trust::Allowed);
        let theirs = r#"{"StringEquals": {"aws:SourceAccount": "999999999999"}}"#;
        assert!(matches!(with(theirs), Trust::Denied(_)));
        let tagged = r#"{"StringEquals": {"aws:PrincipalTag/team": "a"}}"#;
        assert!(matches!(with(tagged), Trust::Unclear(_)));
        let none = r#"{"StringNotEquals": {"aws:SourceAccount": "123456789012"}}"#;
        assert!(matches!(with(none), Trust::Unclear(_)));
    }

    #[test]
    fn a_denial_beside_an_allowance_is_unclear() {
        let allow = allow(r#"{"Service": "sagemaker.amazonaws.com"}"#, "{}");
        let deny = allow.replace("Allow", "Deny");
        assert!(matches!(
            of(&format!("[{allow}, {deny}]")),
            Trust::Unclear(_)
        ));
    }
}
