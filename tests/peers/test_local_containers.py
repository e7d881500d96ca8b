"""boto3 against `linden local up --engine docker`: hosts of training jobs are containers of the request's image."""

import io
import pathlib
import signal
import tarfile
from collections.abc import Iterator

import boto3
import botocore.exceptions
import pytest

from contained import USER, built, left_behind, serving
from local_server import TABLE, Local, code, until

STREAMED = {"LINDEN_CHANNEL_TRAIN": "s3://planning/train/", "LINDEN_CONTENT_TYPE_TRAIN": "text/csv"}
# Says where S3 is, and stays until it is stopped.
SHOW_ENDPOINT = "echo $AWS_ENDPOINT_URL; trap 'exit 0' TERM; while true; do sleep 0.1; done"
# Both hosts wait until each is known to the other, stay until the other has seen them, and write down what they are.
LOOK_AROUND = """
until getent hosts algo-1 && getent hosts algo-2; do sleep 0.1; done >/dev/null
me=$(cat /proc/sys/kernel/hostname)
getent hosts algo-1 algo-2 >/opt/ml/model/hosts-$me
sleep 5
cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes >/opt/ml/model/memory-$me 2>/dev/null
id -u >/opt/ml/model/user-$me
echo "[0]#011train-rmse:1.5 on $me"
until cat /opt/ml/input/config/resourceconfig.json >/opt/ml/output/data/resource-$me; do sleep 0.1; done
"""


@pytest.fixture(scope="module")
def image(docker: str, trainer: pathlib.Path) -> Iterator[str]:
    """An image of the trainer of this machine, for as long as the tests run."""
    yield from built(docker, trainer)


@pytest.fixture(scope="module")
def local(image: str, linden: pathlib.Path, trainer: pathlib.Path) -> Iterator[Local]:
    """A server whose hosts are containers."""
    yield from serving(linden, trainer)


def in_container(image: str, *entrypoint: str) -> dict:
    """The algorithm of a job that runs in the image."""
    number = r"([-+]?[0-9]*\.?[0-9]+)"
    algorithm = {
        "TrainingImage": image,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "train:rmse", "Regex": rf"#011train-rmse:{number}"}],
    }
    return {"AlgorithmSpecification": algorithm | ({"ContainerEntrypoint": list(entrypoint)} if entrypoint else {})}


def files_of(local: Local, name: str, archive: str = "model") -> dict[str, bytes]:
    """What a job has left."""
    body = local.s3.get_object(Bucket="planning", Key=f"out/{name}/output/{archive}.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {it.name: tar.extractfile(it).read() for it in tar.getmembers()}


def owners(folder: pathlib.Path) -> set[int]:
    """Who owns what is below a folder."""
    return {path.lstat().st_uid for path in folder.rglob("*")}


def test_a_container_trains_the_model_that_a_process_trains(
    docker: str, image: str, local: Local, linden: pathlib.Path, trainer: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    checkpoints = {"CheckpointConfig": {"S3Uri": "s3://planning/checkpoints"}}
    local.create("contained", **in_container(image), **checkpoints)
    job = local.wait("contained")
    assert job["TrainingJobStatus"] == "Completed", job
    assert job["FinalMetricDataList"][0]["MetricName"] == "train:rmse"
    assert local.s3.list_objects_v2(Bucket="planning", Prefix="checkpoints/")["KeyCount"] > 0
    beside = Local(linden, trainer, tmp_path)
    try:
        beside.fill()
        beside.create("process", **checkpoints)
        assert beside.wait("process")["TrainingJobStatus"] == "Completed"
        assert files_of(local, "contained")["xgboost-model"] == files_of(beside, "process")["xgboost-model"]
    finally:
        beside.down()
    assert owners(local.folder / "state") == {USER}
    assert left_behind(docker, local) == ""


def test_hosts_know_each_other_by_name_within_the_limits_of_their_machine(docker: str, image: str, local: Local) -> None:
    machines = {"ResourceConfig": {"InstanceType": "ml.c5.large", "InstanceCount": 2, "VolumeSizeInGB": 5}}
    # What a container is asked to run is short, so the script comes as a channel.
    local.s3.put_object(Bucket="planning", Key="code/look.sh", Body=LOOK_AROUND.encode())
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://planning/code/"}
    code_channel = {"InputDataConfig": [{"ChannelName": "code", "DataSource": {"S3DataSource": source}}]}
    script = in_container(image, "sh", "/opt/ml/input/data/code/look.sh")
    local.create("cluster", **script, **machines, **code_channel, EnableNetworkIsolation=True)
    job = local.wait("cluster")
    assert job["TrainingJobStatus"] == "Completed", (job, local.lines("cluster"))
    files = files_of(local, "cluster")
    for host in ("algo-1", "algo-2"):
        addresses = files[f"hosts-{host}"].decode().split()[0::2]
        assert len(set(addresses)) == 2, files
        assert int(files[f"memory-{host}"]) == 4 * 1024**3
        assert int(files[f"user-{host}"]) == USER
        assert f'"current_host":"{host}"' in files_of(local, "cluster", "output")[f"resource-{host}"].decode().replace(" ", "")
    assert sorted(line.split(" on ")[1] for line in local.lines("cluster")) == ["algo-1", "algo-2"]
    assert left_behind(docker, local) == ""


def test_a_stop_reaches_the_trainer_in_its_container(docker: str, image: str, local: Local) -> None:
    local.create("endless", {"num_round": "100000000", "save_model_on_termination": "true"}, **in_container(image))
    local.started("endless")
    local.sagemaker.stop_training_job(TrainingJobName="endless")
    assert local.wait("endless")["TrainingJobStatus"] == "Stopped"
    assert "xgboost-model" in files_of(local, "endless")
    assert left_behind(docker, local) == ""


def test_a_container_reads_a_channel_straight_from_s3_and_can_do_nothing_else_there(docker: str, image: str, local: Local) -> None:
    local.create("copied", **in_container(image))
    local.create("streamed", **in_container(image), Environment=STREAMED, InputDataConfig=None)
    for name in ("copied", "streamed"):
        assert local.wait(name)["TrainingJobStatus"] == "Completed"
    assert files_of(local, "streamed")["xgboost-model"] == files_of(local, "copied")["xgboost-model"]
    # What the container sees of the machine, in its own words.
    local.create("looks", **in_container(image, "sh", "-c", SHOW_ENDPOINT), Environment=STREAMED, InputDataConfig=None)
    (endpoint,) = until(lambda: local.lines("looks"))
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "eu-west-1"}
    from_inside = boto3.client("s3", endpoint_url=endpoint, **keys)
    assert from_inside.get_object(Bucket="planning", Key="train/part-0.csv")["Body"].read() == TABLE.encode()
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        from_inside.put_object(Bucket="planning", Key="train/part-1.csv", Body=b"1,2,3\n")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    local.sagemaker.stop_training_job(TrainingJobName="looks")
    local.wait("looks")
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        from_inside.list_objects_v2(Bucket="planning")
    assert left_behind(docker, local) == ""


def test_a_failure_and_an_image_that_is_not_there_are_told(docker: str, image: str, local: Local) -> None:
    local.create("fails", **in_container(image, "sh", "-c", "echo 'UserError: no' >/opt/ml/output/failure; exit 7"))
    with pytest.raises(botocore.exceptions.WaiterError):
        local.wait("fails")
    job = local.sagemaker.describe_training_job(TrainingJobName="fails")
    assert job["FailureReason"] == "AlgorithmError: UserError: no, exit code: 7"
    with pytest.raises(botocore.exceptions.ClientError, match="is not on this machine") as refused:
        local.create("nowhere", **in_container("123456789012.dkr.ecr.eu-west-1.amazonaws.com/nowhere:1"))
    assert code(refused) == "ValidationException"
    with pytest.raises(botocore.exceptions.ClientError, match="no image begins with `-`"):
        local.create("option", **in_container("--privileged"))
    with pytest.raises(botocore.exceptions.ClientError, match="EnableNetworkIsolation leaves no way to S3"):
        local.create("shut-off", **in_container(image), Environment=STREAMED, EnableNetworkIsolation=True)
    assert left_behind(docker, local) == ""


def test_what_a_crash_leaves_is_gone_when_the_server_is_back(docker: str, image: str, local: Local) -> None:
    local.create("cut", {"num_round": "100000000"}, **in_container(image))
    local.started("cut")
    local.down(signal.SIGKILL)
    assert left_behind(docker, local) != ""
    local.up()
    assert left_behind(docker, local) == ""
    job = local.sagemaker.describe_training_job(TrainingJobName="cut")
    assert job["TrainingJobStatus"] == "Failed" and job["FailureReason"].startswith("InternalServerError")
    assert TABLE.encode() == local.s3.get_object(Bucket="planning", Key="train/part-0.csv")["Body"].read()
