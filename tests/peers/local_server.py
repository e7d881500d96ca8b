"""`linden local up` on a folder, and boto3's clients of it."""

import json
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Iterator

import boto3
import pytest
from botocore.client import BaseClient
from botocore.model import Shape

GROUP = "/aws/sagemaker/TrainingJobs"
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0"
ROLE = "arn:aws:iam::123456789012:role/training"
TABLE = "".join(f"{3 * row % 7},{row},{row % 3}\n" for row in range(10))
PATIENCE_SECS = 60


class Local:
    """One `linden local up` on a folder, and clients of it."""

    def __init__(
        self, linden: pathlib.Path, trainer: pathlib.Path, folder: pathlib.Path, *options: str | pathlib.Path, **process: object
    ) -> None:
        self.folder = folder
        self._options, self._process = options, process
        self._linden = linden
        self._environment = os.environ | {"LINDEN_TRAINER": str(trainer), "LINDEN_HOME": str(folder), "HOME": str(folder)}
        self.up()

    def up(self) -> None:
        """Starts the server on any free port and finds it as any other process would."""
        state = self.folder / "state"
        self._log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen(
            [self._linden, "--region", "eu-west-1", "local", "up", "--port", "0", "--state", state, *self._options],
            env=self._environment,
            **self._process,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        endpoint = until(lambda: self._published(state / "endpoint.json"))
        keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "eu-west-1"}
        self.endpoint = f"http://{endpoint}"
        self.s3, self.sagemaker, self.logs, self.runtime = (
            boto3.client(service, endpoint_url=self.endpoint, **keys) for service in ("s3", "sagemaker", "logs", "sagemaker-runtime")
        )

    def fill(self) -> None:
        """Makes a bucket `planning` with a table of ten rows in it."""
        self.s3.create_bucket(Bucket="planning", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.s3.put_object(Bucket="planning", Key="train/part-0.csv", Body=TABLE.encode())

    def _published(self, path: pathlib.Path) -> str | None:
        assert self.process.poll() is None, (self.folder / "server.log").read_text()
        if not path.is_file():
            return None
        document = json.loads(path.read_text())
        return document["address"] if document["pid"] == self.process.pid else None

    def down(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends the server and waits for it."""
        self.process.send_signal(how)
        self.process.wait(timeout=PATIENCE_SECS)
        self._log.close()

    def definition(self, hyperparameters: dict[str, str]) -> dict:
        """What a tuning job's training jobs on the ten rows have in common."""
        request = self._request(hyperparameters)
        request["StaticHyperParameters"] = request.pop("HyperParameters")
        # What is tuned is looked at on rows for validation, as by the built-in algorithm.
        request["InputDataConfig"].append(request["InputDataConfig"][0] | {"ChannelName": "validation"})
        (metric,) = request["AlgorithmSpecification"]["MetricDefinitions"]
        metric |= {"Name": "validation:rmse", "Regex": metric["Regex"].replace("train-rmse", "validation-rmse")}
        return request

    def create(self, name: str, hyperparameters: dict[str, str] | None = None, **members: object) -> None:
        """Creates a job that trains on ten rows; a member that is None is left away."""
        settings = {"objective": "reg:squarederror", "num_round": "5", "max_depth": "2"} | (hyperparameters or {})
        request = {"TrainingJobName": name} | self._request(settings) | members
        self.sagemaker.create_training_job(**{name: it for name, it in request.items() if it is not None})

    def _request(self, hyperparameters: dict[str, str]) -> dict:
        source = {"S3DataType": "S3Prefix", "S3Uri": "s3://planning/train/", "S3DataDistributionType": "FullyReplicated"}
        number = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
        return {
            "RoleArn": ROLE,
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "train:rmse", "Regex": rf".*\[[0-9]+\].*#011train-rmse:{number}.*"}],
            },
            "HyperParameters": hyperparameters,
            "InputDataConfig": [{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}],
            "OutputDataConfig": {"S3OutputPath": "s3://planning/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        }

    def wait(self, name: str) -> dict:
        """The job's description when boto3's own waiter says that it has ended."""
        waiter = self.sagemaker.get_waiter("training_job_completed_or_stopped")
        waiter.wait(TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": PATIENCE_SECS})
        return self.sagemaker.describe_training_job(TrainingJobName=name)

    def started(self, name: str) -> None:
        """Waits until the trainer has printed a round."""
        until(lambda: self.lines(name, PaginationConfig={"MaxItems": 1}))

    def lines(self, name: str, **paging: object) -> list[str]:
        """The job's log, as far as it is."""
        request = {"logGroupName": GROUP, "logStreamNamePrefix": f"{name}/"}
        try:
            pages = self.logs.get_paginator("filter_log_events").paginate(**request | paging)
            return [event["message"] for page in pages for event in page["events"]]
        except self.logs.exceptions.ResourceNotFoundException:
            return []

    def trainers(self, name: str) -> list[int]:
        """Process ids of the job's trainers."""
        record = json.loads((self.folder / "state" / "jobs" / f"{name}.json").read_text())
        return record["Processes"]


def until(ask: object) -> object:
    """What `ask` gives, once it gives something."""
    deadline = time.monotonic() + PATIENCE_SECS
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"nothing within {PATIENCE_SECS} s")


def code(refused: pytest.ExceptionInfo) -> str:
    """The error code of a refused call."""
    return refused.value.response["Error"]["Code"]


def serving(linden: pathlib.Path, trainer: pathlib.Path, folder: pathlib.Path, *options: str | pathlib.Path) -> Iterator[Local]:
    """A server with a bucket `planning` and a table of ten rows in it, for a fixture."""
    server = Local(linden, trainer, folder, *options)
    try:
        server.fill()
        yield server
    finally:
        server.down()


def check_answer(client: BaseClient, operation: str, request: dict) -> None:
    """Asks, and holds the answer as it came against the service's own model: no member too many, none that must be there missing."""
    answers = []
    client.meta.events.register("after-call", lambda **call: answers.append(call))
    getattr(client, operation)(**request)
    (call,) = answers
    check_shape(call["model"].output_shape, json.loads(call["http_response"].content), operation)


def check_shape(shape: Shape, value: object, path: str) -> None:
    """As `check_answer`, of a value below `path`."""
    if shape.type_name == "structure":
        assert set(value) <= set(shape.members), f"{path}: {set(value) - set(shape.members)}"
        assert set(shape.required_members) <= set(value), f"{path}: {set(shape.required_members) - set(value)}"
        for name, member in value.items():
            check_shape(shape.members[name], member, f"{path}.{name}")
    elif shape.type_name == "list":
        for member in value:
            check_shape(shape.member, member, f"{path}[]")
