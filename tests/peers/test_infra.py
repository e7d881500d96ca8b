"""infra/template.yaml on moto's CloudFormation: what it makes, what its roles may do, what deleting it leaves behind.

moto makes the bucket, its encryption, the repository, the log group and the roles with their trust. Its CloudFormation
leaves out the bucket's other settings, bucket policies, scanning, and resources that are to be kept; those, and the
roles' policies, which it spoils, are asserted on `told`: what CloudFormation is told to make, with parameters and
conditions put in. moto does not evaluate policies or Rules either: `allows` matches actions and resources, conditions
are asserted by name.
"""

import fnmatch
import json
import os
import pathlib
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import boto3
import botocore.exceptions
import pytest
from moto import mock_aws
from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import clean_json

# moto's CloudFormation has no bucket policies; `told` stands in.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS..S3..BucketPolicy:UserWarning")

ACCOUNT = "123456789012"
REGION = "eu-west-1"
BUCKET = f"linden-{ACCOUNT}-{REGION}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/linden-training"
JOBS = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/TrainingJobs"
REPOSITORY = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/linden-trainer"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
SUBJECT = "repo:a-team/forecasts:environment:training"
PLANNER = f"arn:aws:iam::{ACCOUNT}:role/planner"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"

VARIANTS = {
    "defaults": {},
    "principal": {"SubmitterPrincipalArn": PLANNER},
    "github": {"GitHubOidcProviderArn": PROVIDER, "GitHubSubject": SUBJECT},
    "everything": {
        "GitHubOidcProviderArn": PROVIDER,
        "GitHubSubject": SUBJECT,
        "SubmitterPushesImages": "true",
        "KmsKeyArn": KEY,
        "JobsInVpc": "true",
        "LogRetentionDays": "90",
    },
}
# AWS has no resource to name for these; PutMetricData is held by its namespace instead.
NEED_EVERY_RESOURCE = {
    "cloudwatch:PutMetricData",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ecr:GetAuthorizationToken",
    "sagemaker:ListTrainingJobs",
}
# What a named resource may begin with: this stack's own, training jobs, their logs, a VPC's parts.
OWN = (
    f"arn:aws:s3:::{BUCKET}",
    REPOSITORY,
    ROLE,
    JOBS,
    LOGS,
    KEY,
    *(f"arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/" for kind in ("network-interface", "security-group", "subnet")),
)


class Stack:
    """A stack made from the template in moto's memory, and clients of what it made."""

    def __init__(self, template: str, parameters: dict[str, str]) -> None:
        names = ("cloudformation", "s3", "iam", "ecr", "logs")
        self.cloudformation, self.s3, self.iam, self.ecr, self.logs = (
            boto3.client(name, region_name=REGION, aws_access_key_id="any", aws_secret_access_key="any") for name in names
        )
        self.cloudformation.create_stack(
            StackName="linden",
            TemplateBody=template,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        (made,) = self.cloudformation.describe_stacks(StackName="linden")["Stacks"]
        assert made["StackStatus"] == "CREATE_COMPLETE"
        self.outputs = {it["OutputKey"]: it["OutputValue"] for it in made["Outputs"]}

    def told(self, resource: str) -> dict:
        """A resource as CloudFormation is told to make it: every Ref, Sub, GetAtt and If replaced by its value."""
        resources = cloudformation_backends[ACCOUNT][REGION].get_stack("linden").resource_map
        return without_none(clean_json(resources._resource_json_map[resource], resources))

    def properties(self, resource: str) -> dict:
        """The properties of what `told` tells."""
        return self.told(resource)["Properties"]

    def statements(self, role: str) -> list[dict]:
        """All statements of a role's own policies; nothing may come from a managed policy."""
        properties = self.properties(role)
        assert "ManagedPolicyArns" not in properties
        return [statement for policy in properties["Policies"] for statement in policy["PolicyDocument"]["Statement"]]

    def trust(self, role: str) -> list[dict]:
        """Who may take a role."""
        return self.iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]


@pytest.fixture(scope="module")
def template(repository: pathlib.Path) -> str:
    return (repository / "infra" / "template.yaml").read_text()


@pytest.fixture
def moto() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture(params=list(VARIANTS))
def variant(request: pytest.FixtureRequest, moto: None, template: str) -> Stack:
    return Stack(template, VARIANTS[request.param])


@pytest.fixture
def stack(moto: None, template: str) -> Stack:
    return Stack(template, {})


def without_none(value: object) -> object:
    """CloudFormation leaves out what is AWS::NoValue; moto makes it None in a list."""
    if isinstance(value, dict):
        return {key: without_none(it) for key, it in value.items()}
    return [without_none(it) for it in value if it is not None] if isinstance(value, list) else value


def listed(value: str | list[str]) -> list[str]:
    """IAM writes one of something without a list."""
    return [value] if isinstance(value, str) else value


def excess(statements: list[dict]) -> list[str]:
    """What is more than least privilege in a role's statements."""
    found = []
    for statement in statements:
        sid = statement.get("Sid", statement)
        if statement["Effect"] != "Allow" or not {"Action", "Resource"} <= statement.keys():
            found.append(f"{sid}: is not a plain Allow of actions on resources")
            continue
        actions, resources = set(listed(statement["Action"])), listed(statement["Resource"])
        found += [f"{sid}: action {action} has a wildcard" for action in actions if "*" in action]
        if "*" in resources:
            found += [f"{sid}: {action} on every resource" for action in sorted(actions - NEED_EVERY_RESOURCE)]
        found += [f"{sid}: foreign resource {it}" for it in resources if it != "*" and not it.startswith(OWN)]
        if "iam:PassRole" in actions and (actions != {"iam:PassRole"} or resources != [ROLE]):
            found.append(f"{sid}: passes more than the training role")
    return found


def allows(statements: list[dict], action: str, resource: str) -> bool:
    """Whether a statement allows this; conditions are taken as met."""
    return any(
        any(fnmatch.fnmatchcase(action, it) for it in listed(statement["Action"]))
        and any(fnmatch.fnmatchcase(resource, it) for it in listed(statement["Resource"]))
        for statement in statements
    )


def condition(statements: list[dict], action: str) -> dict:
    """The condition of the one statement that has an action."""
    (statement,) = [it for it in statements if action in listed(it["Action"])]
    return statement["Condition"]


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


def test_the_bucket_is_encrypted_versioned_private_and_owned_by_the_account(variant: Stack) -> None:
    (rule,) = variant.s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] in ("AES256", "aws:kms")
    bucket = variant.properties("Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    assert bucket["PublicAccessBlockConfiguration"] == dict.fromkeys(names, True)
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_the_bucket_refuses_everyone_without_tls(variant: Stack) -> None:
    policy = variant.properties("BucketPolicy")
    assert policy["Bucket"] == BUCKET
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert sorted(statement["Resource"]) == [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_replaced_versions_and_unfinished_uploads_go_and_nothing_else_does(stack: Stack) -> None:
    rules = stack.properties("Bucket")["LifecycleConfiguration"]["Rules"]
    assert [rule.pop("Status") for rule in rules] == ["Enabled", "Enabled"]
    assert {key: value for rule in rules for key, value in rule.items() if key != "Id"} == {
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }


def test_a_key_encrypts_the_bucket_and_both_roles_may_use_it(moto: None, template: str) -> None:
    stack = Stack(template, {"KmsKeyArn": KEY})
    (rule,) = stack.s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
    for role in ("TrainingRole", "SubmitterRole"):
        assert allows(stack.statements(role), "kms:GenerateDataKey", KEY)
    lent = condition(stack.statements("TrainingRole"), "kms:CreateGrant")
    assert lent == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_the_repository_scans_keeps_tags_and_drops_what_has_none(stack: Stack) -> None:
    (repository,) = stack.ecr.describe_repositories()["repositories"]
    assert repository["repositoryName"].split("/")[-1] == "linden-trainer"
    assert repository["imageTagMutability"] == "IMMUTABLE"
    told = stack.properties("Repository")
    assert told["ImageScanningConfiguration"] == {"ScanOnPush": True}
    policy = told["LifecyclePolicy"]["LifecyclePolicyText"]
    stack.ecr.put_lifecycle_policy(repositoryName="linden-trainer", lifecyclePolicyText=policy)  # moto reads it closely
    policy = json.loads(policy)
    assert [rule["selection"]["tagStatus"] for rule in policy["rules"]] == ["untagged", "any"]


@pytest.mark.parametrize("role", ["TrainingRole", "SubmitterRole"])
def test_a_role_may_do_no_more_than_it_must(variant: Stack, role: str) -> None:
    assert excess(variant.statements(role)) == []


@pytest.mark.parametrize("role", ["TrainingRole", "SubmitterRole"])
def test_iam_takes_the_policies(variant: Stack, role: str) -> None:
    told = variant.properties(role)
    for policy in told["Policies"]:
        document = json.dumps(policy["PolicyDocument"], default=str)
        assert len(document) <= 10_240, "IAM's limit of a role's inline policies"
        variant.iam.put_role_policy(RoleName=told["RoleName"], PolicyName=policy["PolicyName"], PolicyDocument=document)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("*", f"arn:aws:s3:::{BUCKET}/*"),
        ("s3:*", f"arn:aws:s3:::{BUCKET}/*"),
        ("s3:GetObject", "*"),
        ("s3:GetObject", "arn:aws:s3:::another-bucket/*"),
        ("iam:PassRole", "*"),
        ("iam:PassRole", f"{ROLE}*"),
        (["iam:PassRole", "logs:GetLogEvents"], ROLE),
    ],
)
def test_more_than_least_privilege_is_noticed(action: str | list[str], resource: str) -> None:
    assert excess([{"Sid": "Wide", "Effect": "Allow", "Action": action, "Resource": resource}])


def test_only_sagemaker_for_this_account_takes_the_training_role(variant: Stack) -> None:
    (statement,) = variant.trust("linden-training")
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }


def test_a_job_reads_the_bucket_and_writes_artifacts_and_checkpoints_only(stack: Stack) -> None:
    statements = stack.statements("TrainingRole")
    objects = f"arn:aws:s3:::{BUCKET}/usage-forecast"
    assert allows(statements, "s3:ListBucket", f"arn:aws:s3:::{BUCKET}")
    assert allows(statements, "s3:GetObject", f"{objects}/train/train.csv")
    assert allows(statements, "s3:PutObject", f"{objects}/output/usage-forecast-1/output/model.tar.gz")
    assert allows(statements, "s3:PutObject", f"{objects}/checkpoints/usage-forecast-1/xgboost-checkpoint.3")
    assert not allows(statements, "s3:PutObject", f"{objects}/train/train.csv")
    assert not allows(statements, "s3:DeleteObject", f"{objects}/output/usage-forecast-1/output/model.tar.gz")


def test_a_job_pulls_its_image_and_logs(stack: Stack) -> None:
    statements = stack.statements("TrainingRole")
    for action in ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
        assert allows(statements, action, REPOSITORY)
    assert allows(statements, "ecr:GetAuthorizationToken", "*")
    assert not allows(statements, "ecr:PutImage", REPOSITORY)
    assert allows(statements, "logs:CreateLogGroup", LOGS)
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        assert allows(statements, action, f"{LOGS}:log-stream:usage-forecast-1/algo-1-1700000000")
    namespace = {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}}
    assert condition(statements, "cloudwatch:PutMetricData") == namespace


@pytest.mark.parametrize("vpc", ["true", "false"])
def test_a_job_makes_network_interfaces_only_where_asked(moto: None, template: str, vpc: str) -> None:
    interface = f"arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/eni-1"
    statements = Stack(template, {"JobsInVpc": vpc}).statements("TrainingRole")
    assert allows(statements, "ec2:CreateNetworkInterface", interface) == (vpc == "true")


@pytest.mark.parametrize(
    ("parameters", "principal"),
    [({}, f"arn:aws:iam::{ACCOUNT}:root"), ({"SubmitterPrincipalArn": PLANNER}, PLANNER)],
    ids=["the account", "a named principal"],
)
def test_without_github_an_account_principal_submits(
    moto: None, template: str, parameters: dict[str, str], principal: str
) -> None:
    (statement,) = Stack(template, parameters).trust("linden-submitter")
    assert statement == {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}


def test_with_github_one_environment_of_one_repository_submits_and_nobody_else(moto: None, template: str) -> None:
    # The principal is given too: GitHub's provider must shut it out.
    (statement,) = Stack(template, VARIANTS["github"] | VARIANTS["principal"]).trust("linden-submitter")
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": SUBJECT,
            }
        },
    }


def test_the_submitter_may_do_what_linden_does(variant: Stack) -> None:
    statements = variant.statements("SubmitterRole")
    job = f"{JOBS}usage-forecast-1a2b3c4d-1"
    for action in ("CreateTrainingJob", "AddTags", "DescribeTrainingJob", "ListTags", "StopTrainingJob"):
        assert allows(statements, f"sagemaker:{action}", job), action
    assert allows(statements, "sagemaker:ListTrainingJobs", "*")
    assert allows(statements, "iam:PassRole", ROLE)
    assert allows(statements, "logs:DescribeLogStreams", f"{LOGS}:log-stream:")
    assert allows(statements, "logs:GetLogEvents", f"{LOGS}:log-stream:usage-forecast-1a2b3c4d-1/algo-1-1700000000")
    assert allows(statements, "s3:ListBucket", f"arn:aws:s3:::{BUCKET}")
    assert allows(statements, "s3:PutObject", f"arn:aws:s3:::{BUCKET}/usage-forecast/train/train.csv")
    assert allows(statements, "s3:GetObject", f"arn:aws:s3:::{BUCKET}/usage-forecast/output/a/output/model.tar.gz")


def test_the_submitter_passes_the_training_role_to_sagemaker_only(variant: Stack) -> None:
    passed = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert condition(variant.statements("SubmitterRole"), "iam:PassRole") == passed


def test_the_submitter_is_held_by_name_instance_type_and_runtime(moto: None, template: str) -> None:
    parameters = {"JobNamePrefix": "churn-", "InstanceTypes": "ml.m5.*,ml.c5.xlarge", "MaxRuntimeSeconds": "3600"}
    statements = Stack(template, parameters).statements("SubmitterRole")
    for action in ("sagemaker:CreateTrainingJob", "sagemaker:StopTrainingJob"):
        assert allows(statements, action, f"{JOBS}churn-1")
        assert not allows(statements, action, f"{JOBS}usage-forecast-1")
    held = condition(statements, "sagemaker:CreateTrainingJob")
    assert held["Null"] == {"sagemaker:InstanceTypes": "false"}
    assert held["ForAllValues:StringLike"] == {"sagemaker:InstanceTypes": ["ml.m5.*", "ml.c5.xlarge"]}
    assert held["NumericLessThanEquals"] == {"sagemaker:MaxRuntimeInSeconds": "3600"}
    # A job without a warm pool has no such key; with the default nobody may leave one.
    assert held["NumericLessThanEqualsIfExists"] == {"sagemaker:KeepAlivePeriod": "0"}


@pytest.mark.parametrize("pushes", ["true", "false"])
def test_the_submitter_pushes_images_only_where_asked(moto: None, template: str, pushes: str) -> None:
    statements = Stack(template, {"SubmitterPushesImages": pushes}).statements("SubmitterRole")
    assert allows(statements, "ecr:PutImage", REPOSITORY) == (pushes == "true")
    assert allows(statements, "ecr:GetAuthorizationToken", "*") == (pushes == "true")


@pytest.mark.parametrize(("days", "kept"), [("keep", []), ("90", [("/aws/sagemaker/TrainingJobs", 90)])])
def test_the_log_group_is_made_only_with_a_retention(
    moto: None, template: str, days: str, kept: list[tuple[str, int]]
) -> None:
    groups = Stack(template, {"LogRetentionDays": days}).logs.describe_log_groups()["logGroups"]
    assert [(it["logGroupName"], int(it["retentionInDays"])) for it in groups] == kept


def test_the_main_job_names_what_the_defaults_make(stack: Stack, repository: pathlib.Path) -> None:
    job = tomllib.loads((repository / "configs" / "usage-forecast" / "job.toml").read_text())
    assert job["role"]["arn"] == stack.outputs["TrainingRoleArn"]
    assert job["image"]["uri"].rpartition(":")[0] == stack.outputs["ImageRepository"]
    addresses = [channel["s3"] for channel in job["channel"]] + [job["output"]["s3"]]
    assert [it for it in addresses if not it.startswith(f"{stack.outputs['DataRoot']}/")] == []
    training, submitter = (stack.statements(role) for role in ("TrainingRole", "SubmitterRole"))
    model = job["output"]["s3"].replace("s3://", "arn:aws:s3:::") + "a-job/output/model.tar.gz"
    assert allows(training, "s3:PutObject", model)
    assert allows(submitter, "sagemaker:CreateTrainingJob", f"{JOBS}{job['name']}-1a2b3c4d-1")
    held = condition(submitter, "sagemaker:CreateTrainingJob")["ForAllValues:StringLike"]["sagemaker:InstanceTypes"]
    for instance_type in job["compute"]["instance_types"]:
        assert any(fnmatch.fnmatchcase(instance_type, it) for it in listed(held))


def test_deleting_takes_the_roles(variant: Stack) -> None:
    assert sorted(it["RoleName"] for it in variant.iam.list_roles()["Roles"]) == ["linden-submitter", "linden-training"]
    variant.cloudformation.delete_stack(StackName="linden")
    with pytest.raises(botocore.exceptions.ClientError, match="does not exist"):
        variant.cloudformation.describe_stacks(StackName="linden")
    assert variant.iam.list_roles()["Roles"] == []


@pytest.mark.parametrize("resource", ["Bucket", "BucketPolicy", "Repository", "LogGroup"])
def test_deleting_leaves_what_holds_data_and_what_guards_it(stack: Stack, resource: str) -> None:
    told = stack.told(resource)
    assert (told["DeletionPolicy"], told["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
