"""`linden doctor` on an account that boto3 has set up in moto: IAM, ECR and S3 as another implementation speaks them.

moto has no SimulatePrincipalPolicy and no list of SageMaker's quotas; what `doctor` says of those is part of the test.
"""

import json
import os
import pathlib
import subprocess
from collections.abc import Iterator

import boto3
import pytest

from stores import KEYS, client, moto

REGION = "eu-west-1"
ROLE = "linden-doctor"
BUCKET = "linden-doctor-data"
REPOSITORY = "linden-doctor-trainer"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        }
    ],
}
JOB = f"""schema = 1
name = "doctor"
[image]
uri = "123456789012.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}:0.1.0"
check_hyperparameters = false
[role]
arn = "arn:aws:iam::123456789012:role/{ROLE}"
[compute]
instance_types = ["ml.m5.large"]
instances = 2
max_runtime = "45m"
[[channel]]
name = "train"
s3 = "s3://{BUCKET}/train/"
distribution = "sharded"
[output]
s3 = "s3://{BUCKET}/out/"
[hyperparameters]
num_round = 5
"""


class Account:
    """An account in moto, and `linden` in it."""

    def __init__(self, endpoint: str, linden: pathlib.Path, folder: pathlib.Path) -> None:
        self._endpoint, self._linden, self.folder = endpoint, linden, folder
        keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": REGION}
        self.iam, self.ecr = (boto3.client(it, endpoint_url=endpoint, **keys) for it in ("iam", "ecr"))
        self.s3 = client(endpoint, BUCKET)
        (folder / "job.toml").write_text(JOB)

    def doctor(self, *more: str) -> tuple[int, dict[str, dict]]:
        """The exit code, and the checks by name."""
        environment = os.environ | KEYS | {"AWS_ENDPOINT_URL": self._endpoint, "AWS_MAX_ATTEMPTS": "1", "HOME": str(self.folder)}
        command = [self._linden, "doctor", "job.toml", "--json", *more]
        ended = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert ended.stdout, ended.stderr
        return ended.returncode, {it["name"]: it for it in json.loads(ended.stdout)["checks"]}


@pytest.fixture(scope="module")
def account(linden: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with moto() as endpoint:
        yield Account(endpoint, linden, tmp_path_factory.mktemp("doctor"))


def manifest() -> str:
    """A manifest whose blobs nobody has."""
    blob = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + "c" * 64, "size": 2}
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": "sha256:" + "d" * 64, "size": 28_100_000}
    kind = "application/vnd.oci.image.manifest.v1+json"
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "config": blob, "layers": [layer]})


def test_nothing_is_there_yet(account: Account) -> None:
    code, checks = account.doctor()
    assert checks["account"]["verdict"] == "ok", checks["account"]
    assert checks["role"]["verdict"] == "fail" and "is not there" in checks["role"]["detail"]
    assert checks["image"]["verdict"] == "fail", checks["image"]
    assert checks["channel train"]["verdict"] == "fail"
    assert code == 5


def test_what_boto3_makes_is_found_with_its_facts(account: Account) -> None:
    account.iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
    account.ecr.create_repository(repositoryName=REPOSITORY)
    pushed = account.ecr.put_image(repositoryName=REPOSITORY, imageManifest=manifest(), imageTag="0.1.0")
    for part in range(2):
        account.s3.put_object(Bucket=BUCKET, Key=f"train/part-{part}.csv", Body=b"1,2\n" * 250)
    code, checks = account.doctor()
    assert checks["role"] == {"name": "role", "verdict": "ok", "detail": f"arn:aws:iam::123456789012:role/{ROLE} trusts SageMaker"}
    digest = pushed["image"]["imageId"]["imageDigest"]
    assert digest in checks["image"]["detail"], checks["image"]
    # moto signs no addresses of layers, so the processor stays unknown.
    assert checks["image"]["verdict"] == "unknown"
    assert checks["channel train"]["detail"].startswith("2 objects, 2.0 kB at")
    assert checks[f"bucket {BUCKET}"] == {"name": f"bucket {BUCKET}", "verdict": "ok", "detail": f"in {REGION}"}
    unknown = [it for name, it in checks.items() if name.startswith("role: ")] + [checks["quota"]]
    assert unknown and all(it["verdict"] == "unknown" for it in unknown), unknown
    assert code == 0


def test_a_role_that_trusts_another_service_fails(account: Account) -> None:
    trust = json.loads(json.dumps(TRUST).replace("sagemaker", "ec2"))
    account.iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(trust))
    code, checks = account.doctor()
    assert (code, checks["role"]["verdict"]) == (4, "fail"), checks["role"]


def test_a_digest_that_the_repository_does_not_have_fails(account: Account) -> None:
    uri = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}@sha256:{'0' * 64}"
    _, checks = account.doctor("--set", f"image.uri={uri}")
    assert checks["image"]["verdict"] == "fail", checks["image"]
