"""infra/template.yaml on moto's CloudFormation: what it makes, keeps, updates and deletes; `stack.py` says what moto leaves out."""

import json
import os
import pathlib
import subprocess
import sys
import tomllib

import botocore.exceptions
import pytest
from moto import mock_aws

from iam import allows
from stack import BUCKET, JOBS, KEY, REGION, VARIANTS, Stack, Told, told
from stack import defaults, stack, template, variant  # noqa: F401, fixtures

# What moto's CloudFormation does not make; `told` stands in.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS:UserWarning")


def cfn_lint(path: pathlib.Path) -> subprocess.CompletedProcess:
    """cfn-lint's complaints, advice included; what it thinks of itself in a home folder stays out."""
    program = pathlib.Path(sys.executable).with_name("cfn-lint")
    command = [program, "--include-checks", "I", "--regions", REGION, "us-east-1", "--", path]
    environment = os.environ | {"HOME": str(path.parent)}
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


def test_cfn_lint_has_no_complaint(repository: pathlib.Path) -> None:
    answer = cfn_lint(repository / "infra" / "template.yaml")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_cfn_lint_would_complain(template: str, tmp_path: pathlib.Path) -> None:
    damaged = tmp_path / "template.yaml"
    damaged.write_text(template.replace("ScanOnPush: true", "ScanOnPull: true"))
    answer = cfn_lint(damaged)
    assert answer.returncode != 0
    assert "ScanOnPull" in answer.stdout


def test_the_template_is_one_that_cloudformation_takes_as_it_is(template: str) -> None:
    assert len(template.encode()) <= 51_200, "the limit of a template that is not in S3"
    anchors = [line for line in template.splitlines() if line.split(": ", 1)[-1].startswith(("&", "*"))]
    assert anchors == [], "CloudFormation has no YAML aliases"


@pytest.mark.parametrize(
    ("parameters", "encryption"),
    [({}, {"SSEAlgorithm": "AES256"}), ({"KmsKeyArn": KEY}, {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY})],
)
def test_the_bucket_is_encrypted(template: str, parameters: dict[str, str], encryption: dict[str, str]) -> None:
    with mock_aws():
        s3 = Stack(template, parameters).client("s3")
        (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == encryption


def test_the_bucket_is_versioned_private_and_owned_by_the_account(variant: Told) -> None:
    bucket = variant.properties("Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    assert bucket["PublicAccessBlockConfiguration"] == dict.fromkeys(names, True)
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_the_bucket_refuses_everyone_without_tls(variant: Told) -> None:
    policy = variant.properties("BucketPolicy")
    assert policy["Bucket"] == BUCKET
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    for resource in (f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/usage-forecast/train/train.csv"):
        for action in ("s3:GetObject", "s3:PutObject", "s3:ListBucket"):
            assert not allows([everything, statement], action, resource, {"aws:SecureTransport": "false"})
            assert allows([everything, statement], action, resource, {"aws:SecureTransport": "true"})


def test_replaced_versions_and_unfinished_uploads_go_and_nothing_else_does(defaults: Told) -> None:
    rules = defaults.properties("Bucket")["LifecycleConfiguration"]["Rules"]
    assert [rule.pop("Status") for rule in rules] == ["Enabled", "Enabled"]
    assert {key: value for rule in rules for key, value in rule.items() if key != "Id"} == {
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }


def test_the_repository_scans_keeps_tags_and_drops_what_has_none(stack: Stack) -> None:
    ecr = stack.client("ecr")
    (repository,) = ecr.describe_repositories()["repositories"]
    assert repository["repositoryName"].split("/")[-1] == "linden-trainer"
    assert repository["imageTagMutability"] == "IMMUTABLE"
    repository = stack.told().properties("Repository")
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
    policy = repository["LifecyclePolicy"]["LifecyclePolicyText"]
    ecr.put_lifecycle_policy(repositoryName="linden-trainer", lifecyclePolicyText=policy)  # moto reads it closely
    policy = json.loads(policy)
    assert [rule["selection"]["tagStatus"] for rule in policy["rules"]] == ["untagged", "any"]


@pytest.mark.parametrize(("days", "kept"), [("keep", []), ("90", [("/aws/sagemaker/TrainingJobs", 90)])])
def test_the_log_group_is_made_only_with_a_retention(
    template: str, days: str, kept: list[tuple[str, int]]
) -> None:
    with mock_aws():
        groups = Stack(template, {"LogRetentionDays": days}).client("logs").describe_log_groups()["logGroups"]
    assert [(it["logGroupName"], int(it["retentionInDays"])) for it in groups] == kept


def test_the_main_job_names_what_the_defaults_make(defaults: Told, repository: pathlib.Path) -> None:
    job = tomllib.loads((repository / "configs" / "usage-forecast" / "job.toml").read_text())
    assert job["role"]["arn"] == defaults.outputs["TrainingRoleArn"]
    assert job["image"]["uri"].rpartition(":")[0] == defaults.outputs["ImageRepository"]
    addresses = [channel["s3"] for channel in job["channel"]] + [job["output"]["s3"]]
    assert [it for it in addresses if not it.startswith(f"{defaults.outputs['DataRoot']}/")] == []
    training, submitter = (defaults.statements(role) for role in ("TrainingRole", "SubmitterRole"))
    model = job["output"]["s3"].replace("s3://", "arn:aws:s3:::") + "a-job/output/model.tar.gz"
    assert allows(training, "s3:PutObject", model)
    asked = {
        "sagemaker:InstanceTypes": job["compute"]["instance_types"],
        "sagemaker:MaxRuntimeInSeconds": str(60 * int(job["compute"]["max_runtime"].rstrip("m"))),
    }
    assert allows(submitter, "sagemaker:CreateTrainingJob", f"{JOBS}{job['name']}-1a2b3c4d-1", asked)


def test_every_variant_has_the_resources_that_it_asks_for(variant: Told, request: pytest.FixtureRequest) -> None:
    always = {
        "Alarms", "AlarmsPolicy", "Bucket", "BucketPolicy", "CreatePolicy", "FailedJobs", "PreflightPolicy", "Repository",
        "ScheduleAlarm", "ScheduleDeadLetters", "ScheduleGroup", "SchedulerRole", "SubmitterRole", "TrainingRole",
    }  # fmt: skip
    asked = {
        "AlarmEmails", "Budget", "GitHubProvider", "LastSuccess", "LastSuccessClock", "LastSuccessLogs", "LastSuccessPermission",
        "LastSuccessRole", "LogGroup", "SuccessAlarm",
    }  # fmt: skip
    everything = request.node.callspec.params["variant"] == "everything"
    assert variant.resources() == (always | asked if everything else always)


def test_an_update_changes_what_was_asked_and_back(stack: Stack) -> None:
    before = stack.told()
    (made,) = stack.client("cloudformation").describe_stacks(StackName="linden")["Stacks"]
    values = {it["ParameterKey"]: it["ParameterValue"] for it in made["Parameters"]}
    stack.call("update", VARIANTS["everything"])
    after = stack.told()
    assert after.resources() > before.resources()
    assert after.statements("SubmitterRole") != before.statements("SubmitterRole")
    stack.call("update", values)
    again = stack.told()
    assert again.resources() == before.resources()
    assert again.statements("SubmitterRole") == before.statements("SubmitterRole")


@pytest.mark.parametrize("parameters", [{}, VARIANTS["everything"]], ids=["defaults", "everything"])
def test_deleting_takes_the_roles(template: str, parameters: dict[str, str]) -> None:
    with mock_aws():
        stack = Stack(template, parameters)
        iam, cloudformation = stack.client("iam"), stack.client("cloudformation")
        for name in (it["RoleName"] for it in iam.list_roles()["Roles"]):
            # moto's CloudFormation does not detach the policies that it attached.
            for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        assert {it["RoleName"] for it in iam.list_roles()["Roles"]} >= {"linden-scheduler", "linden-submitter", "linden-training"}
        cloudformation.delete_stack(StackName="linden")
        with pytest.raises(botocore.exceptions.ClientError, match="does not exist"):
            cloudformation.describe_stacks(StackName="linden")
        assert iam.list_roles()["Roles"] == []
        assert stack.client("events").list_rules()["Rules"] == []
        assert stack.client("sqs").list_queues().get("QueueUrls", []) == []


@pytest.mark.parametrize("resource", ["Bucket", "BucketPolicy", "Repository", "LogGroup"])
def test_deleting_leaves_what_holds_data_and_what_guards_it(template: str, resource: str) -> None:
    kept = told(template, **VARIANTS["everything"]).told(resource)
    assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
