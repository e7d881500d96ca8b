"""What the roles of infra/template.yaml may do and may not, call by call, on the evaluator of `iam.py`."""

import json

import pytest
from moto import mock_aws

from iam import allows, listed, needs_every_resource, reference, takes_resource, trusts
from stack import ACCOUNT, BUCKET, GITLAB, JOBS, KEY, LOGS, PLANNER, PROVIDER, QUEUE, REGION, REPOSITORY, ROLE, SUBJECT, VARIANTS, VPC, Stack, Told, told
from stack import defaults, template, variant  # noqa: F401, fixtures

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS:UserWarning")

ROLES = ["TrainingRole", "SubmitterRole", "SchedulerRole"]
SUBMITTER = f"arn:aws:iam::{ACCOUNT}:role/linden-submitter"
# What a named resource may begin with: this stack's own, training jobs, their logs, a VPC's parts.
OWN = (
    f"arn:aws:s3:::{BUCKET}",
    REPOSITORY,
    ROLE,
    SUBMITTER,
    JOBS,
    LOGS,
    KEY,
    QUEUE,
    f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/linden/",
    *(f"arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/" for kind in ("network-interface", "security-group", "subnet")),
)
OBJECTS = f"arn:aws:s3:::{BUCKET}/usage-forecast"
JOB = f"{JOBS}usage-forecast-1a2b3c4d-1"
STREAM = f"{LOGS}:log-stream:usage-forecast-1/algo-1-1700000000"
# A request within the limits of the defaults, as keys of IAM.
ASKED = {"sagemaker:InstanceTypes": ["ml.m5.large"], "sagemaker:MaxRuntimeInSeconds": "600"}


def excess(statements: list[dict]) -> list[str]:
    """What is more than least privilege in a role's statements, by AWS's own reference of actions, resources and keys."""
    found = []
    for statement in statements:
        sid = statement.get("Sid", statement)
        if statement["Effect"] != "Allow" or not {"Action", "Resource"} <= statement.keys():
            found.append(f"{sid}: is not a plain Allow of actions on resources")
            continue
        actions, resources = listed(statement["Action"]), listed(statement["Resource"])
        keys = [key.lower() for it in statement.get("Condition", {}).values() for key in it]
        for action in actions:
            if "*" in action:
                found.append(f"{sid}: action {action} has a wildcard")
                continue
            found += [f"{sid}: {action} on every resource" for it in resources if it == "*" and not needs_every_resource(action) and action not in ANY]
            found += [f"{sid}: {action} is never about {it}" for it in resources if it != "*" and not takes_resource(action, it)]
            known = reference(action)[1]
            found += [f"{sid}: {action} has no {key}" for key in keys if key not in known and key not in GLOBAL]
        found += [f"{sid}: foreign resource {it}" for it in resources if it != "*" and not it.startswith(OWN)]
        if "iam:PassRole" in actions and (actions != ["iam:PassRole"] or resources != [ROLE]):
            found.append(f"{sid}: passes more than the training role")
    return found


# Reads quotas of SageMaker's, whose codes nobody knows beforehand.
ANY = {"servicequotas:GetServiceQuota"}
# Keys that the reference does not list with each action.
GLOBAL = {"iam:passedtoservice"}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_no_more_than_it_must(variant: Told, role: str) -> None:
    assert excess(variant.statements(role)) == []


@pytest.mark.parametrize(
    ("action", "resource", "condition"),
    [
        ("*", f"arn:aws:s3:::{BUCKET}/*", {}),
        ("s3:*", f"arn:aws:s3:::{BUCKET}/*", {}),
        ("s3:GetObject", "*", {}),
        ("s3:GetObject", "arn:aws:s3:::another-bucket/*", {}),
        ("sagemaker:StopTrainingJob", f"arn:aws:s3:::{BUCKET}", {}),
        ("sagemaker:StopTrainingJob", JOB, {"StringEquals": {"sagemaker:InstanceTypes": "a"}}),
        ("iam:PassRole", "*", {}),
        ("iam:PassRole", f"{ROLE}*", {}),
        (["iam:PassRole", "logs:GetLogEvents"], ROLE, {}),
    ],
)
def test_more_than_least_privilege_is_noticed(action: str | list[str], resource: str, condition: dict) -> None:
    assert excess([{"Sid": "Wide", "Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}])


def test_iam_takes_the_policies(template: str) -> None:
    everything = told(template, **VARIANTS["everything"])
    with mock_aws():
        iam = Stack(template, {}).client("iam")
        for role in ROLES:
            for policy in everything.properties(role)["Policies"]:
                document = json.dumps(policy["PolicyDocument"], default=str)
                assert len(document) <= 10_240, "IAM's limit of a role's inline policies"
                name = everything.properties(role)["RoleName"]
                iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
        for name in ("CreatePolicy", "PreflightPolicy"):
            document = json.dumps(everything.properties(name)["PolicyDocument"], default=str)
            assert len(document) <= 6_144, "IAM's limit of a managed policy"
            iam.create_policy(PolicyName=name, PolicyDocument=document)


def test_only_sagemaker_for_this_accounts_jobs_takes_the_training_role(variant: Told) -> None:
    trust = variant.trust("TrainingRole")
    ours = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": JOB}
    assert trusts(trust, "Service", "sagemaker.amazonaws.com", "sts:AssumeRole", ours)
    assert not trusts(trust, "Service", "sagemaker.amazonaws.com", "sts:AssumeRole", {})
    foreign = {"aws:SourceAccount": "210987654321", "aws:SourceArn": JOB.replace(ACCOUNT, "210987654321")}
    assert not trusts(trust, "Service", "sagemaker.amazonaws.com", "sts:AssumeRole", foreign)
    other = ours | {"aws:SourceArn": JOB.replace("training-job", "notebook-instance")}
    assert not trusts(trust, "Service", "sagemaker.amazonaws.com", "sts:AssumeRole", other)
    assert not trusts(trust, "Service", "scheduler.amazonaws.com", "sts:AssumeRole", ours)
    assert not trusts(trust, "AWS", PLANNER, "sts:AssumeRole", ours)


def test_a_job_reads_the_bucket_and_writes_artifacts_and_checkpoints_only(defaults: Told) -> None:
    statements = defaults.statements("TrainingRole")
    assert allows(statements, "s3:ListBucket", f"arn:aws:s3:::{BUCKET}")
    assert allows(statements, "s3:GetObject", f"{OBJECTS}/train/train.csv")
    assert allows(statements, "s3:PutObject", f"{OBJECTS}/output/usage-forecast-1/output/model.tar.gz")
    assert allows(statements, "s3:PutObject", f"{OBJECTS}/checkpoints/usage-forecast-1/xgboost-checkpoint.3")
    assert not allows(statements, "s3:PutObject", f"{OBJECTS}/train/train.csv")
    assert not allows(statements, "s3:PutObject", f"arn:aws:s3:::{BUCKET}/approved/usage-forecast/approved.json")
    assert not allows(statements, "s3:DeleteObject", f"{OBJECTS}/output/usage-forecast-1/output/model.tar.gz")
    assert not allows(statements, "s3:GetObject", "arn:aws:s3:::another-bucket/train.csv")


def test_a_job_pulls_its_image_and_logs(defaults: Told) -> None:
    statements = defaults.statements("TrainingRole")
    for action in ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
        assert allows(statements, action, REPOSITORY)
        assert not allows(statements, action, f"{REPOSITORY}-other")
    assert allows(statements, "ecr:GetAuthorizationToken")
    assert not allows(statements, "ecr:PutImage", REPOSITORY)
    assert allows(statements, "logs:CreateLogGroup", LOGS)
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        assert allows(statements, action, STREAM)
        assert not allows(statements, action, STREAM.replace("TrainingJobs", "Endpoints"))
    for namespace, may in (("/aws/sagemaker/TrainingJobs", True), ("AWS/Billing", False)):
        assert allows(statements, "cloudwatch:PutMetricData", context={"cloudwatch:namespace": namespace}) == may
    assert not allows(statements, "cloudwatch:PutMetricData")


def test_a_job_uses_the_key_and_lends_it_to_aws_alone(template: str) -> None:
    stack = told(template, KmsKeyArn=KEY)
    training = stack.statements("TrainingRole")
    assert allows(training, "kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"})
    assert not allows(training, "kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "false"})
    assert not allows(training, "kms:CreateGrant", KEY)
    for role in ("TrainingRole", "SubmitterRole"):
        assert allows(stack.statements(role), "kms:GenerateDataKey", KEY)
        assert not allows(stack.statements(role), "kms:GenerateDataKey", KEY.replace("1111", "9999", 1))
        assert not allows(stack.statements(role), "kms:ScheduleKeyDeletion", KEY)


@pytest.mark.parametrize("vpc", ["true", "false"])
def test_a_job_makes_network_interfaces_only_where_asked(template: str, vpc: str) -> None:
    interface = f"arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/eni-1"
    statements = told(template, JobsInVpc=vpc).statements("TrainingRole")
    assert allows(statements, "ec2:CreateNetworkInterface", interface) == (vpc == "true")
    assert allows(statements, "ec2:DescribeSubnets") == (vpc == "true")
    assert not allows(statements, "ec2:RunInstances", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-1")


def github(subject: str = SUBJECT, audience: str = "sts.amazonaws.com") -> dict[str, str]:
    host = "token.actions.githubusercontent.com"
    return {f"{host}:sub": subject, f"{host}:aud": audience}


@pytest.mark.parametrize(
    ("parameters", "principal"),
    [({}, f"arn:aws:iam::{ACCOUNT}:root"), ({"SubmitterPrincipalArn": PLANNER}, PLANNER)],
    ids=["the account", "a named principal"],
)
def test_without_a_pipeline_an_account_principal_submits(
    template: str, parameters: dict[str, str], principal: str
) -> None:
    trust = told(template, **parameters).trust("SubmitterRole")
    assert trusts(trust, "AWS", principal, "sts:AssumeRole")
    assert not trusts(trust, "AWS", f"arn:aws:iam::{ACCOUNT}:role/another", "sts:AssumeRole")
    assert not trusts(trust, "Federated", PROVIDER, "sts:AssumeRoleWithWebIdentity", github())


@pytest.mark.parametrize("given", [PROVIDER, ""], ids=["the account's provider", "a new provider"])
def test_with_github_one_environment_of_one_repository_submits_and_nobody_else(template: str, given: str) -> None:
    # The principal is given too: GitHub's provider must shut it out.
    stack = told(template, GitHubSubject=SUBJECT, GitHubOidcProviderArn=given, **VARIANTS["principal"])
    trust = stack.trust("SubmitterRole")
    assert ("GitHubProvider" in stack.resources()) == (given == "")
    (principal,) = (it["Principal"]["Federated"] for it in trust)
    assert principal == PROVIDER

    def takes(context: dict[str, str]) -> bool:
        return trusts(trust, "Federated", principal, "sts:AssumeRoleWithWebIdentity", context)

    assert takes(github())
    for other in ("ref:refs/heads/main", "pull_request", "environment:training2"):
        assert not takes(github(f"repo:a-team/forecasts:{other}")), other
    assert not takes(github("repo:b-team/forecasts:environment:training"))
    assert not takes(github(audience="https://github.com/a-team"))
    assert not takes({})
    assert not trusts(trust, "AWS", PLANNER, "sts:AssumeRole")


def test_the_provider_that_the_stack_makes_is_githubs(template: str) -> None:
    made = told(template, GitHubSubject=SUBJECT).properties("GitHubProvider")
    assert made == {"Url": "https://token.actions.githubusercontent.com", "ClientIdList": ["sts.amazonaws.com"]}


def test_with_gitlab_one_branch_of_one_project_submits_and_nobody_else(template: str) -> None:
    trust = told(template, **GITLAB, **VARIANTS["principal"]).trust("SubmitterRole")
    provider = GITLAB["GitLabOidcProviderArn"]

    def takes(subject: str, audience: str = "sts.amazonaws.com") -> bool:
        context = {"gitlab.com:sub": subject, "gitlab.com:aud": audience}
        return trusts(trust, "Federated", provider, "sts:AssumeRoleWithWebIdentity", context)

    assert takes(GITLAB["GitLabSubject"])
    assert not takes(GITLAB["GitLabSubject"], "https://gitlab.com")
    assert not takes("project_path:a-team/forecasts:ref_type:branch:ref:other")
    assert not takes("project_path:b-team/forecasts:ref_type:branch:ref:main")
    assert not trusts(trust, "AWS", PLANNER, "sts:AssumeRole")


def test_the_submitter_may_do_what_linden_does(variant: Told) -> None:
    statements = variant.statements("SubmitterRole")
    for action in ("DescribeTrainingJob", "ListTags", "StopTrainingJob"):
        assert allows(statements, f"sagemaker:{action}", JOB), action
    assert allows(statements, "sagemaker:ListTrainingJobs")
    assert allows(statements, "logs:DescribeLogStreams", f"{LOGS}:log-stream:")
    assert allows(statements, "logs:GetLogEvents", STREAM)
    for role in (ROLE, SUBMITTER):
        assert allows(statements, "iam:SimulatePrincipalPolicy", role), role
    assert allows(statements, "s3:ListBucket", f"arn:aws:s3:::{BUCKET}")
    assert allows(statements, "s3:PutObject", f"{OBJECTS}/train/train.csv")
    assert allows(statements, "s3:GetObject", f"{OBJECTS}/output/a/output/model.tar.gz")
    assert allows(statements, "s3:PutObject", f"arn:aws:s3:::{BUCKET}/approved/usage-forecast/approved.json")
    assert allows(statements, "cloudformation:GetTemplate", variant.properties("PreflightPolicy")["PolicyDocument"]["Statement"][-1]["Resource"])
    assert not allows(statements, "s3:DeleteObject", f"{OBJECTS}/train/train.csv")
    assert not allows(statements, "s3:PutBucketPolicy", f"arn:aws:s3:::{BUCKET}")
    assert not allows(statements, "sagemaker:CreateEndpoint", f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/a")
    assert not allows(statements, "iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/a")


@pytest.mark.parametrize("role", ["SubmitterRole", "SchedulerRole"])
def test_the_training_role_is_passed_to_sagemaker_only(variant: Told, role: str) -> None:
    statements = variant.statements(role)
    assert allows(statements, "iam:PassRole", ROLE, {"iam:PassedToService": "sagemaker.amazonaws.com"})
    assert not allows(statements, "iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"})
    assert not allows(statements, "iam:PassRole", ROLE)
    admin = f"arn:aws:iam::{ACCOUNT}:role/admin"
    assert not allows(statements, "iam:PassRole", admin, {"iam:PassedToService": "sagemaker.amazonaws.com"})


@pytest.mark.parametrize("role", ["SubmitterRole", "SchedulerRole"])
def test_jobs_are_held_by_name_instance_type_and_runtime(template: str, role: str) -> None:
    parameters = {"JobNamePrefix": "churn-", "InstanceTypes": "ml.m5.*,ml.c5.xlarge", "MaxRuntimeSeconds": "3600"}
    statements = told(template, **parameters).statements(role)

    def creates(job: str = "churn-1", **changed: object) -> bool:
        asked = {key: it for key, it in (ASKED | {f"sagemaker:{key}": it for key, it in changed.items()}).items() if it}
        return allows(statements, "sagemaker:CreateTrainingJob", f"{JOBS}{job}", asked)

    assert creates()
    assert creates(InstanceTypes=["ml.c5.xlarge"], MaxRuntimeInSeconds="3600", KeepAlivePeriod="0")
    assert not creates("usage-forecast-1")
    assert not creates(InstanceTypes=["ml.p5.48xlarge"])
    assert not creates(InstanceTypes=["ml.m5.large", "ml.p5.48xlarge"])
    assert not creates(InstanceTypes=None)
    assert not creates(MaxRuntimeInSeconds="3601")
    assert not creates(MaxRuntimeInSeconds=None)
    assert not creates(KeepAlivePeriod="60")
    assert allows(statements, "sagemaker:StopTrainingJob", f"{JOBS}churn-1") == (role == "SubmitterRole")
    assert not allows(statements, "sagemaker:StopTrainingJob", f"{JOBS}usage-forecast-1")
    tagged = {"sagemaker:TaggingAction": "CreateTrainingJob"}
    assert allows(statements, "sagemaker:AddTags", f"{JOBS}churn-1", tagged)
    assert not allows(statements, "sagemaker:AddTags", f"{JOBS}churn-1"), "tags of a job that is there"


def test_jobs_are_held_by_network_and_key_where_asked(template: str) -> None:
    parameters = VPC | {"RequireNetworkIsolation": "true", "KmsKeyArn": KEY}
    statements = told(template, **parameters).statements("SubmitterRole")
    good = ASKED | {
        "sagemaker:VpcSubnets": ["subnet-0a", "subnet-0b"],
        "sagemaker:VpcSecurityGroupIds": ["sg-0c"],
        "sagemaker:NetworkIsolation": "true",
        "sagemaker:VolumeKmsKey": KEY,
    }

    def creates(**changed: object) -> bool:
        asked = good | {f"sagemaker:{key}": it for key, it in changed.items()}
        return allows(statements, "sagemaker:CreateTrainingJob", JOB, {key: it for key, it in asked.items() if it})

    assert creates()
    assert creates(VpcSubnets=["subnet-0b"], VolumeKmsKey=None, OutputKmsKey=KEY)
    assert not creates(VpcSubnets=["subnet-0a", "subnet-0d"])
    assert not creates(VpcSubnets=None, VpcSecurityGroupIds=None)
    assert not creates(VpcSecurityGroupIds=["sg-0d"])
    assert not creates(NetworkIsolation="false")
    assert not creates(NetworkIsolation=None)
    assert not creates(OutputKmsKey=KEY.replace("1111", "9999", 1))


@pytest.mark.parametrize("pushes", ["true", "false"])
def test_the_submitter_pushes_images_only_where_asked(template: str, pushes: str) -> None:
    statements = told(template, SubmitterPushesImages=pushes).statements("SubmitterRole")
    for action in ("InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"):
        assert allows(statements, f"ecr:{action}", REPOSITORY) == (pushes == "true")
    assert not allows(statements, "ecr:BatchDeleteImage", REPOSITORY)


def test_preflight_changes_nothing(variant: Told) -> None:
    for statement in variant.properties("PreflightPolicy")["PolicyDocument"]["Statement"]:
        for action in listed(statement["Action"]):
            verb = action.split(":")[1]
            assert verb.startswith(("BatchGet", "Describe", "Get", "List", "Simulate")), action


def test_schedules_of_the_group_create_jobs_and_keep_what_failed(variant: Told) -> None:
    trust, statements = variant.trust("SchedulerRole"), variant.statements("SchedulerRole")
    group = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/linden"
    ours = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": group}
    assert trusts(trust, "Service", "scheduler.amazonaws.com", "sts:AssumeRole", ours)
    assert not trusts(trust, "Service", "scheduler.amazonaws.com", "sts:AssumeRole", ours | {"aws:SourceArn": f"{group}s"})
    assert not trusts(trust, "Service", "scheduler.amazonaws.com", "sts:AssumeRole", ours | {"aws:SourceAccount": "210987654321"})
    assert not trusts(trust, "Service", "sagemaker.amazonaws.com", "sts:AssumeRole", ours)
    assert allows(statements, "sqs:SendMessage", QUEUE)
    assert not allows(statements, "sqs:ReceiveMessage", QUEUE)
    assert not allows(statements, "s3:GetObject", f"{OBJECTS}/train/train.csv")
    assert not allows(statements, "sagemaker:StopTrainingJob", JOB)
    assert variant.outputs["SchedulerRoleArn"].endswith(":role/linden-scheduler")
    assert variant.outputs["ScheduleDeadLettersArn"] == QUEUE
