"""boto3, unchanged but for its endpoint, against `linden local up`: what a user's scripts do to SageMaker works here."""

import gzip
import io
import json
import pathlib
import signal
import tarfile
import urllib.request
from collections.abc import Iterator

import boto3
import botocore.exceptions
import pytest
from boto3.s3.transfer import TransferConfig

from local_server import GROUP, PATIENCE_SECS, TABLE, Local, check_answer, code, serving, until

@pytest.fixture(scope="module")
def local(linden: pathlib.Path, trainer: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A server with a bucket `planning` and a table of ten rows in it."""
    yield from serving(linden, trainer, tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def trained(local: Local) -> dict:
    """The description of a job that has completed."""
    local.create("trained", Tags=[{"Key": "team", "Value": "planning"}])
    job = local.wait("trained")
    assert job["TrainingJobStatus"] == "Completed", job
    return job


def test_a_job_walks_the_statuses_and_ends_with_its_metric(trained: dict) -> None:
    steps = trained["SecondaryStatusTransitions"]
    assert [step["Status"] for step in steps] == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all(step["EndTime"] >= step["StartTime"] for step in steps)
    assert trained["TrainingStartTime"] <= trained["TrainingEndTime"]
    assert trained["BillableTimeInSeconds"] >= 1
    (metric,) = trained["FinalMetricDataList"]
    assert metric["MetricName"] == "train:rmse" and 0 < metric["Value"] < 5


def test_the_model_is_one_that_xgboost_reads(local: Local, trained: dict, tmp_path: pathlib.Path) -> None:
    import xgboost

    address = trained["ModelArtifacts"]["S3ModelArtifacts"]
    bucket, key = address.removeprefix("s3://").split("/", 1)
    archive = tmp_path / "model.tar.gz"
    local.s3.download_file(bucket, key, str(archive))
    with tarfile.open(archive) as tar:
        assert "xgboost-model" in tar.getnames()
        (tmp_path / "xgboost-model").write_bytes(tar.extractfile("xgboost-model").read())
    booster = xgboost.Booster(model_file=str(tmp_path / "xgboost-model"))
    assert booster.num_boosted_rounds() == 5


def test_the_log_is_followed_by_tokens_until_one_comes_twice(local: Local, trained: dict) -> None:
    (stream,) = local.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="trained/")["logStreams"]
    request = {"logGroupName": GROUP, "logStreamName": stream["logStreamName"], "startFromHead": True, "limit": 2}
    lines: list[str] = []
    while True:
        page = local.logs.get_log_events(**request)
        lines += [event["message"] for event in page["events"]]
        if page["nextForwardToken"] == request.get("nextToken"):
            break
        request["nextToken"] = page["nextForwardToken"]
    rounds = [line for line in lines if "#011" in line]
    assert [line.split("#011")[0] for line in rounds] == [f"[{n}]" for n in range(5)]
    assert local.lines("trained") == lines


def model_of(local: Local, name: str) -> bytes:
    """The bytes of a job's model."""
    body = local.s3.get_object(Bucket="planning", Key=f"out/{name}/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return tar.extractfile("xgboost-model").read()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"RecordWrapperType": "RecordIO"},
        {"CompressionType": "Gzip"},
        {"CompressionType": "Gzip", "RecordWrapperType": "RecordIO"},
    ],
    ids=["plain", "records", "unpacked", "unpacked records"],
)
def test_a_pipe_brings_the_objects_of_a_channel(local: Local, settings: dict[str, str]) -> None:
    lines = TABLE.splitlines(keepends=True)
    prefix = "packed/" if "CompressionType" in settings else "parts/"
    for part in range(5):
        body = "".join(lines[2 * part : 2 * part + 2]).encode()
        local.s3.put_object(Bucket="planning", Key=f"{prefix}{part}.csv", Body=gzip.compress(body) if "packed" in prefix else body)

    def channel(prefix: str, **more: str) -> list[dict]:
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://planning/{prefix}", "S3DataDistributionType": "FullyReplicated"}
        return [{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}} | more]

    name = "pipe-" + "-".join(settings.values()).lower()
    local.create(f"{name}files", InputDataConfig=channel(prefix))
    local.create(f"{name}pipe", InputDataConfig=channel(prefix, InputMode="Pipe", **settings))
    jobs = [local.wait(f"{name}{it}") for it in ("files", "pipe")]
    assert [job["TrainingJobStatus"] for job in jobs] == ["Completed", "Completed"]
    assert model_of(local, f"{name}files") == model_of(local, f"{name}pipe")


def test_an_augmented_manifest_brings_a_row_in_an_attribute(local: Local) -> None:
    rows = [[float(cell) for cell in line.split(",")] for line in TABLE.splitlines()]
    text = "".join(json.dumps({"row": row, "row-metadata": {"type": "planning"}}) + "\n" for row in rows)
    local.s3.put_object(Bucket="planning", Key="rows.jsonl", Body=text.encode())
    source = {"S3DataType": "AugmentedManifestFile", "S3Uri": "s3://planning/rows.jsonl", "AttributeNames": ["row"]}
    channel = {
        "ChannelName": "train",
        "ContentType": "application/jsonlines",
        "InputMode": "Pipe",
        "RecordWrapperType": "RecordIO",
        "DataSource": {"S3DataSource": source},
    }
    local.create("augmented", InputDataConfig=[channel])
    assert local.wait("augmented")["TrainingJobStatus"] == "Completed"
    local.create("as-csv")
    local.wait("as-csv")
    assert model_of(local, "augmented") == model_of(local, "as-csv")
    with pytest.raises(botocore.exceptions.ClientError, match="goes with input mode Pipe alone"):
        local.create("file-mode", InputDataConfig=[channel | {"InputMode": "File", "RecordWrapperType": "None"}])


def test_a_stopped_job_is_stopped_once(local: Local) -> None:
    local.create("endless", {"num_round": "100000000", "save_model_on_termination": "true"})
    local.started("endless")
    local.sagemaker.stop_training_job(TrainingJobName="endless")
    job = local.wait("endless")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert local.s3.head_object(Bucket="planning", Key="out/endless/output/model.tar.gz")["ContentLength"] > 100
    with pytest.raises(botocore.exceptions.ClientError, match="training job is in status Stopped") as refused:
        local.sagemaker.stop_training_job(TrainingJobName="endless")
    assert code(refused) == "ValidationException"


def test_a_users_mistake_is_the_failure_reason(local: Local) -> None:
    local.create("mistaken", {"eta": "-1"})
    with pytest.raises(botocore.exceptions.WaiterError):
        local.wait("mistaken")
    job = local.sagemaker.describe_training_job(TrainingJobName="mistaken")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: UserError: ") and "eta" in job["FailureReason"]
    assert any("UserError" in line for line in local.lines("mistaken"))


def test_refusals_are_the_services_own(local: Local, trained: dict) -> None:
    with pytest.raises(local.sagemaker.exceptions.ResourceInUse, match="must be unique"):
        local.create("trained")
    with pytest.raises(botocore.exceptions.ClientError, match="Requested resource not found") as refused:
        local.sagemaker.describe_training_job(TrainingJobName="nobody")
    assert code(refused) == "ValidationException"
    with pytest.raises(botocore.exceptions.ClientError, match="needs a container engine"):
        image = {"TrainingImage": "1.dkr.ecr.eu-west-1.amazonaws.com/other:1", "TrainingInputMode": "File"}
        local.create("other", AlgorithmSpecification=image)
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        local.sagemaker.list_pipelines()
    assert code(refused) == "UnknownOperationException"


def test_lists_are_filtered_before_they_are_paged(local: Local, trained: dict) -> None:
    for number in range(5):
        local.create(f"page-{number}")
    for number in range(5):
        local.wait(f"page-{number}")
    pages = local.sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains="page-",
        StatusEquals="Completed",
        SortBy="Name",
        SortOrder="Ascending",
        PaginationConfig={"PageSize": 2},
    )
    names = [[job["TrainingJobName"] for job in page["TrainingJobSummaries"]] for page in pages]
    assert names == [["page-0", "page-1"], ["page-2", "page-3"], ["page-4"]]


def test_tags_are_kept(local: Local, trained: dict) -> None:
    arn = trained["TrainingJobArn"]
    local.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "run", "Value": "1"}])
    tags = {tag["Key"]: tag["Value"] for tag in local.sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    assert tags == {"team": "planning", "run": "1"}


def test_answers_have_no_member_that_the_service_does_not_have(local: Local, trained: dict) -> None:
    session = boto3.session.Session(aws_access_key_id="any", aws_secret_access_key="any", region_name="eu-west-1")
    for service, operation, request in [
        ("sagemaker", "describe_training_job", {"TrainingJobName": "trained"}),
        ("sagemaker", "list_training_jobs", {}),
        ("sagemaker", "list_tags", {"ResourceArn": trained["TrainingJobArn"]}),
        ("logs", "describe_log_groups", {}),
        ("logs", "describe_log_streams", {"logGroupName": GROUP}),
        ("logs", "filter_log_events", {"logGroupName": GROUP, "logStreamNamePrefix": "trained/"}),
    ]:
        check_answer(session.client(service, endpoint_url=local.endpoint), operation, request)


def test_objects_come_and_go_as_in_s3(local: Local) -> None:
    body = bytes(range(256)) * 65_536
    parts = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    local.s3.upload_fileobj(io.BytesIO(body), "planning", "big/a b+c%.bin", Config=parts)
    back = io.BytesIO()
    local.s3.download_fileobj("planning", "big/a b+c%.bin", back, Config=parts)
    assert back.getvalue() == body
    assert local.s3.get_object(Bucket="planning", Key="big/a b+c%.bin", Range="bytes=255-257")["Body"].read() == b"\xff\x00\x01"
    listed = local.s3.list_objects_v2(Bucket="planning", Prefix="big/")
    assert [(it["Key"], it["Size"]) for it in listed["Contents"]] == [("big/a b+c%.bin", len(body))]
    address = local.s3.generate_presigned_url("get_object", Params={"Bucket": "planning", "Key": "train/part-0.csv"})
    with urllib.request.urlopen(address, timeout=PATIENCE_SECS) as answer:
        assert answer.read() == TABLE.encode()
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        local.s3.put_object(Bucket="planning", Key="wrong", Body=b"abc", ChecksumCRC32="AAAAAA==")
    assert code(refused) == "BadDigest"
    local.s3.delete_objects(Bucket="planning", Delete={"Objects": [{"Key": "big/a b+c%.bin"}]})
    assert "Contents" not in local.s3.list_objects_v2(Bucket="planning", Prefix="big/")
    with pytest.raises(local.s3.exceptions.NoSuchKey):
        local.s3.get_object(Bucket="planning", Key="wrong")


def test_a_killed_server_leaves_no_trainer_and_its_next_one_says_what_happened(
    linden: pathlib.Path, trainer: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    server = Local(linden, trainer, tmp_path)
    try:
        server.s3.create_bucket(Bucket="planning", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        server.s3.put_object(Bucket="planning", Key="train/part-0.csv", Body=TABLE.encode())
        server.create("whole")
        whole = server.wait("whole")
        server.create("cut", {"num_round": "100000000"})
        server.started("cut")
        (process,) = server.trainers("cut")
        server.down(signal.SIGKILL)
        server.up()
        job = server.sagemaker.describe_training_job(TrainingJobName="cut")
        assert job["TrainingJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("InternalServerError: the local SageMaker ended while")
        until(lambda: not alive(process))
        again = server.sagemaker.describe_training_job(TrainingJobName="whole")
        assert without_metadata(again) == without_metadata(whole)
        server.create("after")
        assert server.wait("after")["TrainingJobStatus"] == "Completed"
    finally:
        server.down()


def alive(process: int) -> bool:
    """Whether a process runs; one that has ended and only waits to be collected does not."""
    try:
        state = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def without_metadata(answer: dict) -> dict:
    """An answer without what differs from call to call."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
