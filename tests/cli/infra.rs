//! `infra` as CI and people see it.

use std::fs;

use cli::infra::{document, lint::lint};
use serde_json::{Value, json};

use crate::end_to_end::json as json_of;
use crate::program::{linden, transcript};

const TEMPLATE: &str = include_str!("../../infra/template.yaml");

fn empty() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn the_template_is_rendered_with_its_comments_or_as_json() {
    let home = empty();
    let output = linden(home.path())
        .args(["infra", "render", "--set", "Name=trees"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("\n    Default: \"trees\"\n")
            && text.contains("  # A running job reads channels")
    );
    assert_eq!(text.lines().count(), TEMPLATE.lines().count());
    let json = json_of(linden(home.path()).args(["infra", "render", "--to", "json"]));
    let bucket = &json["Resources"]["Bucket"]["Properties"]["BucketName"];
    assert_eq!(
        *bucket,
        json!({"Fn::Sub": "${Name}-${AWS::AccountId}-${AWS::Region}"})
    );
    assert_eq!(json["Parameters"]["Name"]["Default"], "linden");
}

#[test]
fn a_parameter_that_does_not_fit_is_refused_before_aws_is_asked() {
    let home = empty();
    let text = transcript(linden(home.path()).args([
        "infra",
        "render",
        "--set",
        "LogRetentoinDays=90",
        "--set",
        "MaxRuntimeSeconds=1",
        "-o",
        "out.yaml",
    ]));
    insta::assert_snapshot!(text, @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error[E0101]: there is no parameter `LogRetentoinDays`; `LogRetentionDays` is the nearest
      `MaxRuntimeSeconds` is `1`, allowed is a number in 60..2419200
      fix      infra/README.md tells what each parameter means
    "#);
    assert!(!home.path().join("out.yaml").exists());
}

#[test]
fn the_own_template_is_clean_and_another_is_told_what_is_wrong() {
    let home = empty();
    let text = transcript(linden(home.path()).args(["infra", "check"]));
    assert!(
        text.starts_with("exit code: 0") && text.contains("ok least privilege"),
        "{text}"
    );
    let wide = "Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties:\n      Policies:\n        - PolicyDocument:\n            Statement:\n              - {Sid: Wide, Effect: Allow, Action: \"s3:*\", Resource: \"*\"}\n";
    fs::write(home.path().join("wide.yaml"), wide).unwrap();
    let text = transcript(linden(home.path()).args(["infra", "check", "wide.yaml"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 9
    ----- stdout -----
    wildcard-action Role: Wide allows `s3:*`: name each action
    ----- stderr -----
    "#);
    fs::write(home.path().join("notes.txt"), "not a template").unwrap();
    let text = transcript(linden(home.path()).args(["infra", "check", "notes.txt"]));
    assert!(
        text.starts_with("exit code: 2") && text.contains("is not a CloudFormation template"),
        "{text}"
    );
}

#[test]
fn what_is_deployed_is_held_against_the_own_template() {
    let home = empty();
    let check = |body: &Value| {
        let answer = json!({"TemplateBody": body, "StagesAvailable": ["Original"]});
        fs::write(home.path().join("deployed.json"), answer.to_string()).unwrap();
        let output = linden(home.path())
            .args(["infra", "check", "--deployed", "deployed.json", "--json"])
            .output()
            .unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), told)
    };
    // YAML comes as a text and JSON as an object; other defaults are no difference.
    let rendered = json_of(linden(home.path()).args([
        "infra",
        "render",
        "--to",
        "json",
        "--set",
        "Name=trees",
    ]));
    for body in [&Value::from(TEMPLATE), &rendered] {
        assert_eq!(check(body), (0, json!({"findings": [], "differences": []})));
    }
    let older = TEMPLATE.replace("Action: s3:ListBucket", "Action: s3:*");
    let (code, told) = check(&Value::from(older.as_str()));
    assert_eq!(
        (code, &told["findings"][0]["rule"]),
        (9, &"wildcard-action".into()),
        "{told:#}"
    );
    let path = "Resources.TrainingRole.Properties.Policies[0].PolicyDocument.Statement[0].Action";
    assert_eq!(
        told["differences"][0],
        json!({"path": path, "ours": "s3:ListBucket", "deployed": "s3:*"})
    );
}

/// What is changed in the template, to what, and the rule that must see it.
const DAMAGES: &[(&str, &str, &str)] = &[
    ("Action: s3:ListBucket", "Action: s3:*", "wildcard-action"),
    (
        "Action: s3:GetObject\n                Resource: !Sub \"${Bucket.Arn}/*\"",
        "Action: s3:GetObject\n                Resource: \"*\"",
        "every-resource",
    ),
    (
        "Action: s3:GetObject\n                Resource: !Sub \"${Bucket.Arn}/*\"",
        "Action: s3:GetObject\n                Resource: !Sub \"arn:${AWS::Partition}:s3:::*\"",
        "every-resource",
    ),
    (
        "Action: s3:ListBucket",
        "NotAction: s3:DeleteBucket",
        "by-exclusion",
    ),
    (
        "StringEquals: {\"iam:PassedToService\": sagemaker.amazonaws.com}",
        "Bool: {\"aws:SecureTransport\": \"true\"}",
        "no-condition",
    ),
    (
        "              StringEquals: {\"aws:SourceAccount\": !Ref \"AWS::AccountId\"}\n              ArnLike: {\"aws:SourceArn\"",
        "              ArnLike: {\"aws:PrincipalArn\"",
        "confused-deputy",
    ),
    (
        "StringEquals:\n                  \"token.actions.githubusercontent.com:aud\"",
        "StringLike:\n                  \"token.actions.githubusercontent.com:aud\"",
        "open-federation",
    ),
    (
        "\"gitlab.com:sub\": !Ref GitLabSubject",
        "\"gitlab.com:sub\": \"project_path:a/*\"",
        "open-federation",
    ),
    (
        "AWS: !If [NamesPrincipal, !Ref SubmitterPrincipalArn, ",
        "AWS: !If [NamesPrincipal, \"*\", ",
        "open-trust",
    ),
    (
        "      RoleName: !Sub \"${Name}-training\"",
        "      ManagedPolicyArns: [\"arn:aws:iam::aws:policy/AmazonSageMakerFullAccess\"]",
        "managed-policy",
    ),
    (
        "            Principal: {Service: events.amazonaws.com}\n            Action: sns:Publish\n            Resource: !Ref Alarms\n            Condition:\n              ArnEquals: {\"aws:SourceArn\": !GetAtt FailedJobs.Arn}",
        "            Principal: \"*\"\n            Action: sns:Publish\n            Resource: !Ref Alarms",
        "open-resource",
    ),
    (
        "      BucketEncryption:",
        "      BucketDecryption:",
        "bucket-encryption",
    ),
    (
        "{Status: Enabled}",
        "{Status: Suspended}",
        "bucket-versioning",
    ),
    (
        "BlockPublicAcls: true",
        "BlockPublicAcls: false",
        "bucket-public",
    ),
    (
        "{\"aws:SecureTransport\": \"false\"}",
        "{\"aws:SecureTransport\": \"true\"}",
        "bucket-tls",
    ),
    ("IMMUTABLE", "MUTABLE", "mutable-tags"),
    ("ScanOnPush: true", "ScanOnPush: false", "image-scan"),
    (
        "      RetentionInDays: !Ref LogRetentionDays\n",
        "",
        "log-retention",
    ),
];

/// The built-in template with `from` changed to `to`.
fn rules(from: &str, to: &str) -> Vec<&'static str> {
    assert!(TEMPLATE.contains(from), "{from}");
    let template = document::read(&TEMPLATE.replacen(from, to, 1)).unwrap();
    let mut rules: Vec<&str> = lint(&template).iter().map(|it| it.rule).collect();
    rules.dedup();
    rules
}

#[test]
fn the_built_in_template_is_clean() {
    assert_eq!(lint(&document::read(TEMPLATE).unwrap()), []);
}

#[test]
fn each_rule_sees_what_it_is_for() {
    for (from, to, rule) in DAMAGES {
        assert_eq!(rules(from, to), [*rule], "{to}");
    }
}
