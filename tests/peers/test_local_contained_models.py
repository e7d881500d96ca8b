"""boto3 against `linden local up --engine docker`: models and processing jobs as containers."""

import io
import os
import pathlib
import signal
import tarfile
from collections.abc import Iterator

import botocore.exceptions
import numpy as np
import pytest

from contained import USER, built, left_behind, serving
from local_server import ROLE, Local, until
from rows import CSV, numbers, predicted_with, transform_of

WAIT = {"Delay": 1, "MaxAttempts": 60}
CLUSTER = {"ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.c5.large", "VolumeSizeInGB": 5}}
# Each host keeps what it has been brought, and stays until the other has seen it.
SCRIPT = """
me=$(cat /proc/sys/kernel/hostname)
cat /opt/ml/processing/rows/* >/opt/ml/processing/result/$me.csv
id -u >/opt/ml/processing/result/user-$me
cat /opt/ml/config/processingjobconfig.json >/opt/ml/processing/result/config.json
until getent hosts algo-1 && getent hosts algo-2; do sleep 0.1; done >/dev/null
sleep 5
echo "$GREETING from $me"
echo "$me " >/opt/ml/output/message
"""


@pytest.fixture(scope="module")
def image(docker: str, trainer: pathlib.Path) -> Iterator[str]:
    """An image of the trainer of this machine, for as long as the tests run."""
    yield from built(docker, trainer)


@pytest.fixture(scope="module")
def local(image: str, linden: pathlib.Path, trainer: pathlib.Path) -> Iterator[Local]:
    """A server whose hosts are containers, a model of ten rows, and rows to be answered."""
    for server in serving(linden, trainer):
        algorithm = {"TrainingImage": image, "TrainingInputMode": "File"}
        server.create("trained", AlgorithmSpecification=algorithm)
        assert server.wait("trained")["TrainingJobStatus"] == "Completed"
        server.s3.put_object(Bucket="planning", Key="rows/a.csv", Body=CSV.encode())
        container = {"Image": image, "ModelDataUrl": "s3://planning/out/trained/output/model.tar.gz"}
        for name, isolation in (("model", False), ("shut-off", True)):
            server.sagemaker.create_model(
                ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container, EnableNetworkIsolation=isolation
            )
        yield server


@pytest.fixture(scope="module")
def predicted(local: Local, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """What XGBoost predicts for the rows with the job's model."""
    return predicted_with(local, "trained", tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize("model", ["model", "shut-off"])
def test_a_transform_job_is_answered_by_a_container(docker: str, local: Local, predicted: np.ndarray, model: str) -> None:
    name = f"by-{model}"
    local.sagemaker.create_transform_job(**transform_of(name, model))
    local.sagemaker.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName=name, WaiterConfig=WAIT)
    assert local.sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] == "Completed"
    answer = local.s3.get_object(Bucket="planning", Key=f"{name}/a.csv.out")["Body"].read()
    assert np.array_equal(numbers(answer), predicted)
    assert left_behind(docker, local) == ""


def test_a_container_that_does_not_serve_fails_the_job(docker: str, image: str, local: Local) -> None:
    local.s3.put_object(Bucket="planning", Key="empty.tar.gz", Body=empty_archive())
    container = {"Image": image, "ModelDataUrl": "s3://planning/empty.tar.gz"}
    local.sagemaker.create_model(ModelName="empty", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    local.sagemaker.create_transform_job(**transform_of("unserved", "empty"))

    def failed() -> dict | None:
        job = local.sagemaker.describe_transform_job(TransformJobName="unserved")
        return job if job["TransformJobStatus"] == "Failed" else None

    assert until(failed)["FailureReason"].startswith("AlgorithmError: the container has ended")
    assert left_behind(docker, local) == ""
    with pytest.raises(botocore.exceptions.ClientError, match="is not on this machine"):
        nowhere = container | {"Image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/nowhere:1"}
        local.sagemaker.create_model(ModelName="nowhere", ExecutionRoleArn=ROLE, PrimaryContainer=nowhere)


def empty_archive() -> bytes:
    """An archive without a model."""
    body = io.BytesIO()
    tarfile.open(fileobj=body, mode="w:gz").close()
    return body.getvalue()


def test_an_endpoint_is_a_container_until_it_is_deleted(docker: str, local: Local, predicted: np.ndarray) -> None:
    variant = {"VariantName": "main", "ModelName": "model", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    local.sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[variant])
    local.sagemaker.create_endpoint(EndpointName="point", EndpointConfigName="config")
    local.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="point", WaiterConfig=WAIT)

    def answer() -> np.ndarray:
        body = local.runtime.invoke_endpoint(EndpointName="point", ContentType="text/csv", Accept="text/csv", Body=CSV)["Body"]
        return numbers(body.read())

    assert np.array_equal(answer(), predicted)
    for how in (signal.SIGTERM, signal.SIGKILL):
        local.down(how)
        assert (left_behind(docker, local) == "") == (how == signal.SIGTERM)
        local.up()

        def answers() -> bool:
            try:
                return bool(np.array_equal(answer(), predicted))
            except botocore.exceptions.ClientError:
                return False

        assert until(answers)
    local.sagemaker.delete_endpoint(EndpointName="point")
    assert until(lambda: left_behind(docker, local) == "")


def test_a_processing_job_runs_the_image_on_hosts_that_know_each_other(docker: str, image: str, local: Local) -> None:
    local.s3.put_object(Bucket="planning", Key="code/run.sh", Body=SCRIPT.encode())
    local.s3.put_object(Bucket="planning", Key="shards/a.csv", Body=b"1\n")
    local.s3.put_object(Bucket="planning", Key="shards/b.csv", Body=b"2\n")

    def brought(name: str, uri: str, how: str) -> dict:
        place = {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{name}", "S3DataType": "S3Prefix", "S3InputMode": "File"}
        return {"InputName": name, "S3Input": place | {"S3DataDistributionType": how}}

    output = {"S3Uri": "s3://planning/processed", "LocalPath": "/opt/ml/processing/result", "S3UploadMode": "EndOfJob"}
    local.sagemaker.create_processing_job(
        ProcessingJobName="processed",
        RoleArn=ROLE,
        AppSpecification={"ImageUri": image, "ContainerEntrypoint": ["sh"], "ContainerArguments": ["/opt/ml/processing/code/run.sh"]},
        Environment={"GREETING": "hello"},
        ProcessingInputs=[
            brought("code", "s3://planning/code/", "FullyReplicated"),
            brought("rows", "s3://planning/shards/", "ShardedByS3Key"),
        ],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "result", "S3Output": output}]},
        ProcessingResources=CLUSTER,
        NetworkConfig={"EnableNetworkIsolation": True},
        StoppingCondition={"MaxRuntimeInSeconds": 120},
    )
    local.sagemaker.get_waiter("processing_job_completed_or_stopped").wait(ProcessingJobName="processed", WaiterConfig=WAIT)
    job = local.sagemaker.describe_processing_job(ProcessingJobName="processed")
    assert job["ProcessingJobStatus"] == "Completed", job
    assert job["ExitMessage"] == "algo-1 \nalgo-2 \n"
    objects = {
        it["Key"].removeprefix("processed/"): local.s3.get_object(Bucket="planning", Key=it["Key"])["Body"].read()
        for it in local.s3.list_objects_v2(Bucket="planning", Prefix="processed/")["Contents"]
    }
    assert (objects["algo-1.csv"], objects["algo-2.csv"]) == (b"1\n", b"2\n")
    assert {int(objects[f"user-algo-{it}"]) for it in (1, 2)} == {USER}
    assert b'"ContainerEntrypoint":["sh"]' in objects["config.json"].replace(b" ", b"")
    events = local.logs.filter_log_events(logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix="processed/")["events"]
    assert sorted(it["message"] for it in events) == ["hello from algo-1", "hello from algo-2"]
    assert left_behind(docker, local) == ""


def test_a_stop_reaches_the_program_of_a_processing_job(docker: str, image: str, local: Local) -> None:
    script = "trap 'echo saved >/opt/ml/processing/out/state; exit 0' TERM; echo ready; while true; do sleep 0.1; done"
    output = {"S3Uri": "s3://planning/stopped", "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "Continuous"}
    local.sagemaker.create_processing_job(
        ProcessingJobName="endless",
        RoleArn=ROLE,
        AppSpecification={"ImageUri": image, "ContainerEntrypoint": ["sh", "-c", script]},
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": output}]},
        ProcessingResources={"ClusterConfig": CLUSTER["ClusterConfig"] | {"InstanceCount": 1}},
    )

    def ready() -> list:
        try:
            group = "/aws/sagemaker/ProcessingJobs"
            return local.logs.filter_log_events(logGroupName=group, logStreamNamePrefix="endless/")["events"]
        except local.logs.exceptions.ResourceNotFoundException:
            return []

    until(ready)
    local.sagemaker.stop_processing_job(ProcessingJobName="endless")
    local.sagemaker.get_waiter("processing_job_completed_or_stopped").wait(ProcessingJobName="endless", WaiterConfig=WAIT)
    assert local.sagemaker.describe_processing_job(ProcessingJobName="endless")["ProcessingJobStatus"] == "Stopped"
    assert local.s3.get_object(Bucket="planning", Key="stopped/state")["Body"].read() == b"saved\n"
    assert left_behind(docker, local) == ""
    assert os.getuid() != 0 or all(path.lstat().st_uid == USER for path in (local.folder / "state").rglob("*"))
