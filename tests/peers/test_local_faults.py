"""boto3 against a `linden local up` that has bad days on request: spot interruptions, faults of a scenario, warm pools."""

import io
import pathlib
import subprocess
import tarfile
import time
from collections.abc import Iterator

import boto3
import botocore.config
import botocore.exceptions
import pytest

from local_server import GROUP, Local, code, serving

SPOT = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 300, "MaxWaitTimeInSeconds": 300},
}
SCENARIO = """
[[call]]
operation = "CreateTrainingJob"
error = "ThrottlingException"
times = 2

[[call]]
operation = "CreateTrainingJob"
error = "LostAnswer"
skip = 3
times = 1

[[call]]
operation = "AddTags"
error = "ExpiredTokenException"

[[job]]
name_prefix = "capacity"
fails_with = "CapacityError"

[[quota]]
instance_type = "ml.m5.24xlarge"
instances = 0
"""


@pytest.fixture(scope="module")
def interrupting(linden: pathlib.Path, trainer: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A server that takes the machines away from jobs on spot capacity after a second."""
    yield from serving(linden, trainer, tmp_path_factory.mktemp("interrupting"), "--interrupt-after", "1s")


@pytest.fixture(scope="module")
def faulty(linden: pathlib.Path, trainer: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A server that plays `SCENARIO`."""
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "faults.toml").write_text(SCENARIO)
    yield from serving(linden, trainer, folder, "--scenario", folder / "faults.toml")


def model_of(local: Local, name: str) -> bytes:
    """The bytes of a job's model."""
    archive = local.s3.get_object(Bucket="planning", Key=f"out/{name}/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.extractfile("xgboost-model").read()


def test_an_interrupted_job_goes_on_and_ends_in_the_same_bytes(interrupting: Local) -> None:
    settings = {"num_round": "20000", "eta": "0.01", "subsample": "0.7"}
    checkpoints = {"CheckpointConfig": {"S3Uri": "s3://planning/checkpoints/spot"}}
    interrupting.create("spot", settings, **SPOT, **checkpoints)
    interrupting.create("on-demand", settings, CheckpointConfig={"S3Uri": "s3://planning/checkpoints/on-demand"})
    job, other = interrupting.wait("spot"), interrupting.wait("on-demand")
    steps = [step["Status"] for step in job["SecondaryStatusTransitions"]]
    before, after = ["Starting", "Downloading", "Training", "Interrupted"], ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert steps == before + after
    assert job["BillableTimeInSeconds"] < job["TrainingTimeInSeconds"]
    assert other["BillableTimeInSeconds"] == other["TrainingTimeInSeconds"]
    streams = interrupting.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="spot/")["logStreams"]
    assert len(streams) == 2
    kept = interrupting.s3.list_objects_v2(Bucket="planning", Prefix="checkpoints/spot/")
    assert kept["KeyCount"] > 0
    assert model_of(interrupting, "spot") == model_of(interrupting, "on-demand")


def test_boto_survives_what_a_scenario_does_to_it(faulty: Local) -> None:
    # Throttled twice, and made by the third attempt of the same call.
    faulty.create("throttled")
    assert faulty.wait("throttled")["TrainingJobStatus"] == "Completed"
    # Made, and the answer is lost: the next attempt of the same call finds the name taken.
    with pytest.raises(faulty.sagemaker.exceptions.ResourceInUse):
        faulty.create("lost")
    assert faulty.wait("lost")["TrainingJobStatus"] == "Completed"
    faulty.create("capacity")
    with pytest.raises(botocore.exceptions.WaiterError):
        faulty.wait("capacity")
    reason = faulty.sagemaker.describe_training_job(TrainingJobName="capacity")["FailureReason"]
    assert reason.startswith("CapacityError: ")
    machines = {"InstanceType": "ml.m5.24xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5}
    with pytest.raises(faulty.sagemaker.exceptions.ResourceLimitExceeded, match="'ml.m5.24xlarge for training job usage' is 0 Instances"):
        faulty.create("quota", ResourceConfig=machines)
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        faulty.sagemaker.add_tags(ResourceArn="arn:aws:sagemaker:eu-west-1:000000000000:training-job/lost", Tags=[])
    assert code(refused) == "ExpiredTokenException"


def test_a_scenario_with_problems_is_refused_with_all_of_them(linden: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('[[call]]\noperation = "CreateTrainingJob"\nerrors = "ThrottlingException"\n\n[[quota]]\ninstances = -1\n')
    command = [linden, "local", "up", "--port", "0", "--state", tmp_path / "state", "--scenario", path]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("error[E0107]: ") and "faults.toml" in ended.stderr
    for line in ["1: `[[call]]` needs", "3: unknown key `errors`", "did you mean `error`?", "5: `[[quota]]` needs `instance_type`", "6: `instances` must be"]:
        assert line in ended.stderr, ended.stderr
    assert not (tmp_path / "state").exists()


def test_machines_stay_for_the_next_job_until_they_are_let_go(faulty: Local) -> None:
    keeping = {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5, "KeepAlivePeriodInSeconds": 600}}
    faulty.create("warm-1", **keeping)
    assert faulty.wait("warm-1")["WarmPoolStatus"]["Status"] == "Available"
    faulty.create("warm-2", **keeping)
    pool = faulty.sagemaker.describe_training_job(TrainingJobName="warm-1")["WarmPoolStatus"]
    assert (pool["Status"], pool["ReusedByJob"]) == ("Reused", "warm-2")
    assert pool["ResourceRetainedBillableTimeInSeconds"] >= 1
    faulty.wait("warm-2")
    listed = faulty.sagemaker.list_training_jobs(WarmPoolStatusEquals="Available")["TrainingJobSummaries"]
    assert [job["TrainingJobName"] for job in listed] == ["warm-2"]
    faulty.sagemaker.update_training_job(TrainingJobName="warm-2", ResourceConfig={"KeepAlivePeriodInSeconds": 0})
    assert faulty.sagemaker.list_training_jobs(WarmPoolStatusEquals="Available")["TrainingJobSummaries"] == []


def test_boto_is_throttled_by_a_rate_and_slows_down(linden: pathlib.Path, trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "rate.toml").write_text('[[call]]\noperation = "ListTrainingJobs"\nper_second = 3\n')
    server = Local(linden, trainer, tmp_path, "--scenario", tmp_path / "rate.toml")
    try:
        keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "eu-west-1"}
        retries = botocore.config.Config(retries={"mode": "adaptive", "max_attempts": 10})
        client = boto3.client("sagemaker", endpoint_url=server.endpoint, config=retries, **keys)
        start = time.monotonic()
        for _ in range(9):
            client.list_training_jobs()
        assert time.monotonic() - start > 1
        single = boto3.client("sagemaker", endpoint_url=server.endpoint, config=botocore.config.Config(retries={"total_max_attempts": 1}), **keys)
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            for _ in range(12):
                single.list_training_jobs()
        assert code(refused) == "ThrottlingException"
    finally:
        server.down()
