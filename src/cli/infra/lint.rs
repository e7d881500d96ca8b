//! What is more than least privilege in a template, or leaves data open: a linter that needs no AWS.
//!
//! It reads what is written, both branches of every `Fn::If`, and follows no reference. Invariant: what it cannot read (a
//! policy that is made elsewhere) it does not call good: `NotAction`, `NotResource` and AWS's own policies are findings.
//!
//! Source: Service Authorization Reference for the actions that have no resource; IAM User Guide, "The confused deputy
//! problem" and "OIDC federation".

use serde::Serialize;
use serde_json::Value;

/// Actions that AWS has no resource for, and quotas, whose codes nobody knows beforehand.
const NEED_EVERY_RESOURCE: &[&str] = &[
    "cloudwatch:PutMetricData",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ecr:GetAuthorizationToken",
    "pricing:GetProducts",
    "sagemaker:ListTrainingJobs",
    "servicequotas:GetServiceQuota",
    "servicequotas:ListAWSDefaultServiceQuotas",
    "servicequotas:ListServiceQuotas",
];
/// Actions that are held by a condition, since they have no resource or hand on power.
const NEED_CONDITION: &[(&str, &str)] = &[
    ("cloudwatch:PutMetricData", "cloudwatch:namespace"),
    ("iam:PassRole", "iam:PassedToService"),
    ("kms:CreateGrant", "kms:GrantIsForAWSResource"),
];
const PUBLIC_ACCESS: &[&str] = &[
    "BlockPublicAcls",
    "BlockPublicPolicy",
    "IgnorePublicAcls",
    "RestrictPublicBuckets",
];

/// Something to mend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The resource of the template.
    pub resource: String,
    /// The rule.
    pub rule: &'static str,
    /// What is wrong, and where.
    pub message: String,
}

/// Everything to mend in a template, by resource.
pub fn lint(template: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, resource) in template["Resources"].as_object().into_iter().flatten() {
        let mut notes = Notes {
            resource: name,
            found: &mut found,
        };
        let properties = &resource["Properties"];
        match resource["Type"].as_str().unwrap_or_default() {
            "AWS::IAM::Role" => role(properties, &mut notes),
            "AWS::IAM::ManagedPolicy" | "AWS::IAM::Policy" | "AWS::IAM::RolePolicy" => {
                identity_policy(&properties["PolicyDocument"], &mut notes);
            }
            "AWS::S3::BucketPolicy" | "AWS::SNS::TopicPolicy" | "AWS::SQS::QueuePolicy" => {
                resource_policy(&properties["PolicyDocument"], &mut notes);
            }
            "AWS::S3::Bucket" => bucket(name, properties, template, &mut notes),
            "AWS::ECR::Repository" => repository(properties, &mut notes),
            "AWS::Logs::LogGroup" if properties.get("RetentionInDays").is_none() => {
                notes.add(
                    "log-retention",
                    "its logs are kept for ever: set RetentionInDays",
                );
            }
            // Nothing else grants anything or holds data in the templates that this is for.
            _ => {}
        }
    }
    found.sort();
    found.dedup();
    found
}

struct Notes<'a> {
    resource: &'a str,
    found: &'a mut Vec<Finding>,
}

impl Notes<'_> {
    fn add(&mut self, rule: &'static str, message: impl Into<String>) {
        self.found.push(Finding {
            resource: self.resource.to_owned(),
            rule,
            message: message.into(),
        });
    }
}

fn role(properties: &Value, notes: &mut Notes<'_>) {
    for it in items(&properties["ManagedPolicyArns"]) {
        if text(it).is_some_and(|it| it.contains(":aws:policy/")) {
            let name = text(it).unwrap_or_default();
            notes.add(
                "managed-policy",
                format!("{name} is AWS's own, and wider than a job needs"),
            );
        }
    }
    for policy in items(&properties["Policies"]) {
        identity_policy(&policy["PolicyDocument"], notes);
    }
    for statement in items(&properties["AssumeRolePolicyDocument"]["Statement"]) {
        trust(statement, notes);
    }
}

/// A policy of a role's: what it may do.
fn identity_policy(document: &Value, notes: &mut Notes<'_>) {
    for statement in items(&document["Statement"]) {
        if !is_allow(statement, notes) {
            continue;
        }
        let sid = sid(statement);
        let actions: Vec<&str> = items(&statement["Action"])
            .filter_map(Value::as_str)
            .collect();
        for action in actions.iter().filter(|it| it.contains('*')) {
            notes.add(
                "wildcard-action",
                format!("{sid} allows `{action}`: name each action"),
            );
        }
        let is_open = items(&statement["Resource"])
            .filter_map(text)
            .any(is_everything);
        for action in actions.iter().filter(|it| !it.contains('*')) {
            if is_open && !is_one_of(action, NEED_EVERY_RESOURCE) {
                notes.add(
                    "every-resource",
                    format!("{sid} allows `{action}` on every resource: name the ones it is for"),
                );
            }
            if let Some((_, key)) = NEED_CONDITION
                .iter()
                .find(|it| it.0.eq_ignore_ascii_case(action))
                && !conditions(statement).any(|it| it.1 == *key)
            {
                notes.add(
                    "no-condition",
                    format!("{sid} allows `{action}` without a condition on {key}"),
                );
            }
        }
    }
}

/// Who may take a role.
fn trust(statement: &Value, notes: &mut Notes<'_>) {
    if !is_allow(statement, notes) {
        return;
    }
    let principal = &statement["Principal"];
    if principal == "*" || items(&principal["AWS"]).any(|it| it == "*") {
        notes.add("open-trust", "everyone may take this role");
    }
    let guards: Vec<(&str, &str, &Value)> = conditions(statement).collect();
    for service in items(&principal["Service"]).filter_map(text) {
        let is_held = guards
            .iter()
            .any(|it| it.1 == "aws:SourceAccount" || it.1 == "aws:SourceArn");
        if !is_held {
            let why = format!("{service} may take it for any account: add aws:SourceAccount");
            notes.add("confused-deputy", why);
        }
    }
    if items(&principal["Federated"]).next().is_some() {
        for part in ["aud", "sub"] {
            let is_held = guards.iter().any(|(operator, key, value)| {
                let key_fits = key.ends_with(&format!(":{part}"));
                let value_fits =
                    items(value).all(|it| !text(it).unwrap_or("").contains(['*', '?']));
                *operator == "StringEquals" && key_fits && value_fits
            });
            if !is_held {
                let why =
                    format!("the provider's tokens are not held to one `{part}` by StringEquals");
                notes.add("open-federation", why);
            }
        }
    }
}

/// A policy of a bucket's, topic's or queue's own.
fn resource_policy(document: &Value, notes: &mut Notes<'_>) {
    for statement in items(&document["Statement"]) {
        if !is_allow(statement, notes) {
            continue;
        }
        let principal = &statement["Principal"];
        let is_open = principal == "*" || items(&principal["AWS"]).any(|it| it == "*");
        if is_open && conditions(statement).next().is_none() {
            notes.add(
                "open-resource",
                format!("{} allows everyone", sid(statement)),
            );
        }
        let serves = items(&principal["Service"]).next().is_some();
        let is_held =
            conditions(statement).any(|it| it.1 == "aws:SourceAccount" || it.1 == "aws:SourceArn");
        if serves && !is_held {
            let why = format!(
                "{} lets a service act for any account: add aws:SourceArn",
                sid(statement)
            );
            notes.add("confused-deputy", why);
        }
    }
}

fn bucket(name: &str, properties: &Value, template: &Value, notes: &mut Notes<'_>) {
    if properties.get("BucketEncryption").is_none() {
        notes.add("bucket-encryption", "BucketEncryption is missing");
    }
    if properties["VersioningConfiguration"]["Status"] != "Enabled" {
        notes.add(
            "bucket-versioning",
            "VersioningConfiguration is not Enabled",
        );
    }
    let access = &properties["PublicAccessBlockConfiguration"];
    for key in PUBLIC_ACCESS.iter().filter(|it| access[**it] != true) {
        notes.add(
            "bucket-public",
            format!("PublicAccessBlockConfiguration.{key} is not true"),
        );
    }
    let resources = template["Resources"].as_object().into_iter().flatten();
    let refuses = resources
        .filter(|(_, it)| it["Type"] == "AWS::S3::BucketPolicy")
        .map(|(_, it)| &it["Properties"])
        .filter(|it| it["Bucket"]["Ref"] == name)
        .flat_map(|it| items(&it["PolicyDocument"]["Statement"]))
        .any(|it| {
            it["Effect"] == "Deny"
                && conditions(it).any(|(_, key, value)| {
                    key == "aws:SecureTransport"
                        && (value == "false" || *value == Value::Bool(false))
                })
        });
    if !refuses {
        notes.add(
            "bucket-tls",
            "no bucket policy denies requests without TLS (aws:SecureTransport)",
        );
    }
}

fn repository(properties: &Value, notes: &mut Notes<'_>) {
    if properties["ImageTagMutability"] != "IMMUTABLE" {
        notes.add(
            "mutable-tags",
            "ImageTagMutability is not IMMUTABLE: a tag may become another image",
        );
    }
    if properties["ImageScanningConfiguration"]["ScanOnPush"] != true {
        notes.add(
            "image-scan",
            "ImageScanningConfiguration.ScanOnPush is not true",
        );
    }
}

/// Whether a statement allows something by plain words; what it says by exclusion is noted.
fn is_allow(statement: &Value, notes: &mut Notes<'_>) -> bool {
    if statement["Effect"] == "Deny" {
        return false;
    }
    for key in ["NotAction", "NotResource", "NotPrincipal"] {
        if statement.get(key).is_some() {
            notes.add(
                "by-exclusion",
                format!("{} allows by {key}: name what is allowed", sid(statement)),
            );
        }
    }
    true
}

fn sid(statement: &Value) -> &str {
    statement["Sid"]
        .as_str()
        .unwrap_or("a statement without Sid")
}

fn is_one_of(action: &str, list: &[&str]) -> bool {
    list.iter().any(|it| it.eq_ignore_ascii_case(action))
}

/// What stands there: a list's elements, and both branches of each `Fn::If`; nothing for `AWS::NoValue`.
fn items(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    if let Some(list) = value.as_array() {
        return Box::new(list.iter().flat_map(items));
    }
    if let Some(branches) = value["Fn::If"].as_array() {
        return Box::new(branches.iter().skip(1).flat_map(items));
    }
    let is_nothing = value.is_null() || value["Ref"] == "AWS::NoValue";
    Box::new((!is_nothing).then_some(value).into_iter())
}

/// Operator, key and value of every condition of a statement.
fn conditions(statement: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let operators = items(&statement["Condition"])
        .filter_map(Value::as_object)
        .flatten();
    operators.flat_map(|(operator, keys)| {
        items(keys)
            .filter_map(Value::as_object)
            .flatten()
            .map(|(key, value)| (operator.as_str(), key.as_str(), value))
    })
}

/// A text, or the text of an `Fn::Sub`.
fn text(value: &Value) -> Option<&str> {
    let sub = &value["Fn::Sub"];
    value
        .as_str()
        .or_else(|| sub.as_str())
        .or_else(|| sub[0].as_str())
}

/// Whether a resource is `*`, or an ARN that names nothing in its last part.
fn is_everything(resource: &str) -> bool {
    // The colons of `${AWS::Region}` are none of the ARN's.
    let plain = resource.replace("AWS::", "");
    let last = plain.splitn(6, ':').nth(5).unwrap_or(&plain);
    last.starts_with('*')
}
