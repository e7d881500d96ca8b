//! [`Permissions`] by aws-sdk-iam.

use async_trait::async_trait;
use aws_sdk_iam::Client;
use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType,
};
use percent_encoding::percent_decode_str;

use super::{
    Answer, AwsError, AwsErrorKind, Decision, Fact, FactValue, Permissions, Question, Role,
    Simulation,
};

/// The largest page of `SimulatePrincipalPolicy`.
const PAGE: i32 = 1000;

/// IAM.
#[derive(Debug)]
pub(super) struct Iam(pub(super) Client);

#[async_trait]
impl Permissions for Iam {
    async fn role(&self, name: &str) -> Result<Role, AwsError> {
        let answer = self.0.get_role().role_name(name).send().await;
        let answer = answer.map_err(|err| AwsError::from_sdk("GetRole", &err))?;
        let role = answer.role.ok_or_else(|| {
            let message = "IAM answered without a role";
            AwsError::of(AwsErrorKind::Unexpected, "GetRole", message)
        })?;
        // The document is percent-encoded, as RFC 3986 has it.
        let document = role.assume_role_policy_document.unwrap_or_default();
        Ok(Role {
            arn: role.arn,
            trust: percent_decode_str(&document)
                .decode_utf8_lossy()
                .into_owned(),
        })
    }

    async fn simulate(&self, principal: &str, question: &Question) -> Result<Simulation, AwsError> {
        let mut simulation = Simulation::default();
        let mut marker: Option<String> = None;
        loop {
            let mut call = self
                .0
                .simulate_principal_policy()
                .policy_source_arn(principal)
                .set_action_names(Some(question.actions.clone()))
                .set_resource_arns(Some(question.resources.clone()))
                .max_items(PAGE)
                .set_marker(marker.clone());
            for fact in &question.context {
                call = call.context_entries(entry(fact));
            }
            let answer = match call.send().await {
                Ok(answer) => answer,
                Err(err) => {
                    let err = AwsError::from_sdk("SimulatePrincipalPolicy", &err);
                    if marker.is_none() {
                        return Err(err);
                    }
                    simulation.cut = Some(err.message);
                    return Ok(simulation);
                }
            };
            for it in answer.evaluation_results.unwrap_or_default() {
                simulation.answers.extend(answers(it));
            }
            if !answer.is_truncated {
                return Ok(simulation);
            }
            // The same page again, or none, although there is more.
            if answer.marker.is_none() || answer.marker == marker {
                simulation.cut = Some("IAM cut its answer off".to_owned());
                return Ok(simulation);
            }
            marker = answer.marker;
        }
    }
}

fn entry(fact: &Fact) -> ContextEntry {
    let (kind, values) = match &fact.value {
        FactValue::Text(it) => (ContextKeyTypeEnum::String, vec![it.clone()]),
        FactValue::Texts(it) => (ContextKeyTypeEnum::StringList, it.clone()),
        FactValue::Number(it) => (ContextKeyTypeEnum::Numeric, vec![it.to_string()]),
    };
    ContextEntry::builder()
        .context_key_name(fact.key)
        .context_key_type(kind)
        .set_context_key_values(Some(values))
        .build()
}

/// One result for each resource, where the question had several.
fn answers(result: EvaluationResult) -> Vec<Answer> {
    let action = result.eval_action_name;
    let each: Vec<Answer> = result
        .resource_specific_results
        .unwrap_or_default()
        .into_iter()
        .map(|it| Answer {
            action: action.clone(),
            resource: it.eval_resource_name,
            decision: decision(&it.eval_resource_decision),
            missing_context: it.missing_context_values.unwrap_or_default(),
        })
        .collect();
    if !each.is_empty() {
        return each;
    }
    vec![Answer {
        action,
        resource: result.eval_resource_name.unwrap_or_else(|| "*".to_owned()),
        decision: decision(&result.eval_decision),
        missing_context: result.missing_context_values.unwrap_or_default(),
    }]
}

fn decision(it: &PolicyEvaluationDecisionType) -> Decision {
    match it {
        PolicyEvaluationDecisionType::Allowed => Decision::Allowed,
        PolicyEvaluationDecisionType::ExplicitDeny => Decision::ExplicitDeny,
        PolicyEvaluationDecisionType::ImplicitDeny => Decision::ImplicitDeny,
        other => Decision::Other(other.as_str().to_owned()),
    }
}
