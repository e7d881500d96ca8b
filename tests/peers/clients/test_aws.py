"""The aws command against `linden local up`: what people type, what it prints, and its exit codes.

It is version 1, since version 2 is in no Python package; both have these commands but `logs tail`, which version 2 alone has.
"""

import json
import pathlib
import subprocess
import sys

import pytest

from local_server import GROUP, IMAGE, PATIENCE_SECS, ROLE, TABLE, Local, until
from outcome import ENDLESS, HYPERPARAMETERS, METRIC, MISTAKEN, predicted

AWS = pathlib.Path(sys.executable).with_name("aws")
# What version 1 ends with when a service refuses.
REFUSED = 255


def run(*words: object) -> subprocess.CompletedProcess[str]:
    """One call of the command."""
    command = [AWS, *map(str, words)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_SECS, check=False)


def aws(*words: object) -> str:
    """What a call that must go well prints."""
    done = run(*words)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def refused(expected: str, *words: object) -> None:
    """A call that the service must refuse with these words."""
    done = run(*words)
    assert (done.returncode, done.stdout) == (REFUSED, "")
    assert expected in done.stderr


def sagemaker(*words: object) -> object:
    """The document that a call of SageMaker's answers, if any."""
    text = aws("sagemaker", *words)
    return json.loads(text) if text else None


def submit(folder: pathlib.Path, name: str, hyperparameters: dict[str, object]) -> pathlib.Path:
    """Writes a job's request into a file and creates the job."""
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://planning/uploaded/"}
    request = {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [METRIC | {"Name": "train:rmse", "Regex": METRIC["Regex"].replace("validation-", "train-")}],
        },
        "HyperParameters": {key: str(value) for key, value in hyperparameters.items()},
        "InputDataConfig": [{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": "s3://planning/aws"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(request), encoding="utf-8")
    answer = sagemaker("create-training-job", "--cli-input-json", f"file://{path}")
    assert answer["TrainingJobArn"].endswith(f":training-job/{name}")
    return path


def status(name: str) -> str:
    """A job's status."""
    return aws("sagemaker", "describe-training-job", "--training-job-name", name, "--query", "TrainingJobStatus", "--output", "text").strip()


def ended(name: str) -> str:
    """A job's last status. The command's own waiter sleeps for two minutes between two looks."""
    return until(lambda: next((it for it in [status(name)] if it in ("Completed", "Failed", "Stopped")), None))


@pytest.fixture(scope="module")
def folder(local: Local, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder whose tables are in S3 too."""
    folder = tmp_path_factory.mktemp("aws")
    tables = folder / "tables"
    tables.mkdir()
    lines = TABLE.splitlines(keepends=True)
    for part in range(2):
        (tables / f"{part}.csv").write_text("".join(lines[5 * part : 5 * part + 5]), encoding="utf-8")
    aws("s3", "sync", tables, "s3://planning/uploaded/")
    return folder


@pytest.fixture(scope="module")
def trained(folder: pathlib.Path) -> str:
    """The name of a job that has completed."""
    submit(folder, "trained", HYPERPARAMETERS)
    assert ended("trained") == "Completed"
    return "trained"


def test_files_go_to_s3_and_come_back(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    listed = [line.split()[-2:] for line in aws("s3", "ls", "s3://planning/uploaded/").splitlines()]
    sizes = {path.name: str(path.stat().st_size) for path in (folder / "tables").iterdir()}
    assert listed == [[sizes[name], name] for name in ("0.csv", "1.csv")]
    assert "PRE uploaded/" in aws("s3", "ls", "s3://planning")
    aws("s3", "cp", folder / "tables" / "0.csv", "s3://planning/once/a.csv")
    assert aws("s3", "cp", "s3://planning/once/a.csv", "-") == (folder / "tables" / "0.csv").read_text()
    aws("s3", "mv", "s3://planning/once/a.csv", "s3://planning/once/b.csv")
    aws("s3", "sync", "s3://planning/once/", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["b.csv"]
    aws("s3", "rm", "--recursive", "s3://planning/once/")
    gone = run("s3", "ls", "s3://planning/once/")
    assert (gone.returncode, gone.stdout) == (1, "")
    aws("s3", "mb", "s3://for-a-moment")
    aws("s3", "rb", "s3://for-a-moment")
    absent = run("s3", "cp", "s3://planning/absent", tmp_path)
    assert absent.returncode == 1 and "(404)" in absent.stderr


def test_a_job_is_waited_for_and_its_model_fetched(trained: str, tmp_path: pathlib.Path) -> None:
    aws("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", trained)
    job = sagemaker("describe-training-job", "--training-job-name", trained)
    assert job["FinalMetricDataList"][0]["MetricName"] == "train:rmse"
    aws("s3", "cp", job["ModelArtifacts"]["S3ModelArtifacts"], tmp_path)
    assert len(predicted(f"file://{tmp_path / 'model.tar.gz'}")) == 10


def test_the_log_is_read_as_text(trained: str) -> None:
    streams = ["describe-log-streams", "--log-group-name", GROUP, "--log-stream-name-prefix", f"{trained}/"]
    stream = aws("logs", *streams, "--query", "logStreams[].logStreamName", "--output", "text").strip()
    assert stream.startswith(f"{trained}/algo-1-")
    events = ["--log-group-name", GROUP, "--log-stream-name", stream, "--start-from-head"]
    lines = json.loads(aws("logs", "get-log-events", *events, "--query", "events[].message"))
    filtered = ["--log-group-name", GROUP, "--log-stream-name-prefix", f"{trained}/", "--filter-pattern", "rmse"]
    # Pages of two, which the command asks for one after another.
    found = aws("logs", "filter-log-events", *filtered, "--page-size", "2", "--query", "events[].message", "--output", "json")
    rounds = [line for line in lines if "#011train-rmse:" in line]
    assert len(rounds) == 5 and json.loads(found) == rounds


def test_jobs_are_listed_page_by_page(folder: pathlib.Path, trained: str) -> None:
    for number in range(3):
        submit(folder, f"page-{number}", HYPERPARAMETERS)
    for number in range(3):
        ended(f"page-{number}")
    chosen = ["--name-contains", "page-", "--status-equals", "Completed", "--sort-by", "Name", "--sort-order", "Ascending"]
    names = ["--query", "TrainingJobSummaries[].TrainingJobName", "--output", "json"]
    assert json.loads(aws("sagemaker", "list-training-jobs", *chosen, "--page-size", "2", *names)) == ["page-0", "page-1", "page-2"]
    first = sagemaker("list-training-jobs", *chosen, "--max-items", "2")
    assert len(first["TrainingJobSummaries"]) == 2
    rest = sagemaker("list-training-jobs", *chosen, "--starting-token", first["NextToken"])
    assert [it["TrainingJobName"] for it in rest["TrainingJobSummaries"]] == ["page-2"]


def test_a_job_is_stopped(folder: pathlib.Path, local: Local) -> None:
    submit(folder, "endless", ENDLESS)
    local.started("endless")
    assert aws("sagemaker", "stop-training-job", "--training-job-name", "endless") == ""
    assert ended("endless") == "Stopped"
    refused("(ValidationException)", "sagemaker", "stop-training-job", "--training-job-name", "endless")


def test_tags_are_added(trained: str) -> None:
    arn = sagemaker("describe-training-job", "--training-job-name", trained)["TrainingJobArn"]
    added = sagemaker("add-tags", "--resource-arn", arn, "--tags", "Key=team,Value=planning", "Key=run,Value=1")
    listed = sagemaker("list-tags", "--resource-arn", arn)
    assert listed == added == {"Tags": [{"Key": "team", "Value": "planning"}, {"Key": "run", "Value": "1"}]}


def test_refusals_are_printed_as_those_of_aws(folder: pathlib.Path, trained: str) -> None:
    again = ["create-training-job", "--cli-input-json", f"file://{folder / 'trained.json'}"]
    refused("An error occurred (ResourceInUse) when calling the CreateTrainingJob operation", "sagemaker", *again)
    unknown = ["describe-training-job", "--training-job-name", "nobody"]
    refused("(ValidationException) when calling the DescribeTrainingJob operation: Requested resource not found.", "sagemaker", *unknown)
    absent = ["describe-hyper-parameter-tuning-job", "--hyper-parameter-tuning-job-name", "nobody"]
    refused("An error occurred (ResourceNotFound) when calling", "sagemaker", *absent)
    refused("An error occurred (ResourceNotFoundException) when calling", "logs", "filter-log-events", "--log-group-name", "/none")
    refused("An error occurred (UnknownOperationException) when calling", "sagemaker", "list-pipelines")


def test_a_job_that_fails_says_why_and_its_waiter_fails(folder: pathlib.Path) -> None:
    submit(folder, "mistaken", MISTAKEN)
    assert ended("mistaken") == "Failed"
    refused("Waiter encountered a terminal failure state", "sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", "mistaken")
    reason = aws("sagemaker", "describe-training-job", "--training-job-name", "mistaken", "--query", "FailureReason", "--output", "text")
    assert reason.startswith("AlgorithmError: UserError: ") and "eta" in reason


def test_who_asks_is_told_and_rights_are_not() -> None:
    assert json.loads(aws("sts", "get-caller-identity"))["Account"] == "000000000000"
    refused("An error occurred (AccessDenied) when calling the GetRole operation: the local SageMaker has no IAM", "iam", "get-role", "--role-name", "training")
