"""infra/template.yaml as a stack in moto's memory.

moto makes the bucket, its encryption, the repository, log groups, roles with their trust, topic, queue, rules and the
function. Its CloudFormation leaves out the bucket's other settings, bucket and topic policies, scanning, metric alarms, the
budget, the schedule group, the OIDC provider, and resources that are to be kept; those, and policies, which it spoils, are
asserted on `told`: what CloudFormation is told to make, with parameters and conditions put in. It does not evaluate Rules.
"""

import functools
import pathlib
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws
from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import clean_json

ACCOUNT = "123456789012"
REGION = "eu-west-1"
BUCKET = f"linden-{ACCOUNT}-{REGION}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/linden-training"
JOBS = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/TrainingJobs"
REPOSITORY = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/linden-trainer"
ALARMS = f"arn:aws:sns:{REGION}:{ACCOUNT}:linden-alarms"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:linden-schedule-dead-letters"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
SUBJECT = "repo:a-team/forecasts:environment:training"
GITLAB = {
    "GitLabOidcProviderArn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.com",
    "GitLabSubject": "project_path:a-team/forecasts:ref_type:branch:ref:main",
}
PLANNER = f"arn:aws:iam::{ACCOUNT}:role/planner"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
VPC = {"JobsInVpc": "true", "VpcSubnets": "subnet-0a,subnet-0b", "VpcSecurityGroups": "sg-0c"}
ALARMED = {"AlarmEmail": "planning@example.com", "DaysWithoutSuccess": "35", "MonthlyBudgetUsd": "200"}

VARIANTS = {
    "defaults": {},
    "principal": {"SubmitterPrincipalArn": PLANNER},
    "github": {"GitHubOidcProviderArn": PROVIDER, "GitHubSubject": SUBJECT},
    "everything": {
        "GitHubSubject": SUBJECT,
        "SubmitterPushesImages": "true",
        "KmsKeyArn": KEY,
        "RequireNetworkIsolation": "true",
        "LogRetentionDays": "90",
    }
    | GITLAB
    | VPC
    | ALARMED,
}


class Told:
    """A stack as CloudFormation is told to make it: every Ref, Sub, GetAtt and If replaced by its value."""

    def __init__(self, found: dict[str, dict], outputs: dict[str, str]) -> None:
        self._found, self.outputs = found, outputs

    def resources(self) -> set[str]:
        """The names of all resources that this stack has, by the conditions."""
        return set(self._found)

    def told(self, resource: str) -> dict:
        """A resource."""
        return self._found[resource]

    def properties(self, resource: str) -> dict:
        """A resource's properties."""
        return self.told(resource)["Properties"]

    def statements(self, role: str) -> list[dict]:
        """All statements of a role's own policies and of the stack's that are attached to it; AWS's own never are."""
        properties = self.properties(role)
        assert "ManagedPolicyArns" not in properties
        documents = [it["PolicyDocument"] for it in properties["Policies"]]
        attached = [self.properties(it) for it in ("CreatePolicy", "PreflightPolicy")]
        documents += [it["PolicyDocument"] for it in attached if properties["RoleName"] in it["Roles"]]
        return [statement for document in documents for statement in document["Statement"]]

    def trust(self, role: str) -> list[dict]:
        """Who may take a role."""
        return self.properties(role)["AssumeRolePolicyDocument"]["Statement"]


class Stack:
    """A stack in moto's memory, and clients of what it made."""

    def __init__(self, template: str, parameters: dict[str, str]) -> None:
        self.template = template
        self.call("create", parameters)

    def call(self, verb: str, parameters: dict[str, str]) -> None:
        """Creates or updates it; what is not given is the default again."""
        cloudformation = self.client("cloudformation")
        getattr(cloudformation, f"{verb}_stack")(
            StackName="linden",
            TemplateBody=self.template,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        (made,) = cloudformation.describe_stacks(StackName="linden")["Stacks"]
        assert made["StackStatus"] == f"{verb.upper()}_COMPLETE"
        self.outputs = {it["OutputKey"]: it["OutputValue"] for it in made["Outputs"]}

    def client(self, service: str) -> object:
        """A client of any service."""
        return boto3.client(service, region_name=REGION, aws_access_key_id="any", aws_secret_access_key="any")

    def told(self) -> Told:
        """What CloudFormation is told now."""
        resources = cloudformation_backends[ACCOUNT][REGION].get_stack("linden").resource_map
        conditions = resources.lazy_condition_map
        named = {name: it for name, it in resources._resource_json_map.items() if conditions.get(it.get("Condition"), True)}
        return Told({name: without_none(clean_json(it, resources)) for name, it in named.items()}, self.outputs)


@functools.cache
def told(template: str, **parameters: str) -> Told:
    """What CloudFormation is told to make with these parameters."""
    with mock_aws():
        return Stack(template, parameters).told()


def without_none(value: object) -> object:
    """CloudFormation leaves out what is AWS::NoValue; moto makes it None in a list."""
    if isinstance(value, dict):
        return {key: without_none(it) for key, it in value.items() if it is not None}
    return [without_none(it) for it in value if it is not None] if isinstance(value, list) else value


@pytest.fixture(scope="session")
def template(repository: pathlib.Path) -> str:
    return (repository / "infra" / "template.yaml").read_text()


@pytest.fixture
def stack(template: str) -> Iterator[Stack]:
    """A stack of the defaults that a test may change."""
    with mock_aws():
        yield Stack(template, {})


@pytest.fixture
def defaults(template: str) -> Told:
    return told(template)


@pytest.fixture(params=list(VARIANTS))
def variant(request: pytest.FixtureRequest, template: str) -> Told:
    return told(template, **VARIANTS[request.param])
