"""boto3 against `linden local up`: Search, tuning jobs, models, transform, processing jobs and endpoints, each held against the service's
own shapes, and what they predict against XGBoost."""

import gzip
import pathlib
from collections.abc import Iterator

import boto3
import botocore.exceptions
import numpy as np
import pytest

from local_server import IMAGE, ROLE, Local, check_answer, code, serving, until
from rows import CSV, ROWS, numbers, predicted_with, transform_of
from server import dense_records

ENDED = ("Completed", "Failed", "Stopped")


@pytest.fixture(scope="module")
def local(linden: pathlib.Path, trainer: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A server with a table of ten rows, a job trained on it, and its model."""
    for server in serving(linden, trainer, tmp_path_factory.mktemp("models")):
        server.create("trained", Tags=[{"Key": "team", "Value": "planning"}])
        assert server.wait("trained")["TrainingJobStatus"] == "Completed"
        container = {"Image": IMAGE, "ModelDataUrl": "s3://planning/out/trained/output/model.tar.gz"}
        server.sagemaker.create_model(ModelName="model", ExecutionRoleArn=ROLE, PrimaryContainer=container)
        server.s3.put_object(Bucket="planning", Key="rows/a.csv", Body=CSV.encode())
        yield server


@pytest.fixture(scope="module")
def predicted(local: Local, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """What XGBoost predicts for the rows with the job's model."""
    return predicted_with(local, "trained", tmp_path_factory.mktemp("model"))


def tuning(local: Local, name: str, strategy: str, **config: object) -> dict:
    """Creates a tuning job over trees of the table, and gives its description when it has ended."""
    request = {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"},
            "RandomSeed": 7,
        }
        | config,
        "TrainingJobDefinition": local.definition({"objective": "reg:squarederror", "num_round": "5"}),
    }
    local.sagemaker.create_hyper_parameter_tuning_job(**request)

    def ended() -> dict | None:
        job = local.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return job if job["HyperParameterTuningJobStatus"] in ENDED else None

    return until(ended)


def test_a_random_search_finds_the_best_of_its_training_jobs(local: Local) -> None:
    ranges = {
        "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "1", "MaxValue": "4"}],
        "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.01", "MaxValue": "1", "ScalingType": "Logarithmic"}],
    }
    limits = {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2}
    job = tuning(local, "random", "Random", ParameterRanges=ranges, ResourceLimits=limits)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TrainingJobStatusCounters"]["Completed"] == 4
    pages = local.sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName="random", SortBy="FinalObjectiveMetricValue", SortOrder="Ascending", PaginationConfig={"PageSize": 3}
    )
    jobs = [it for page in pages for it in page["TrainingJobSummaries"]]
    values = [it["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for it in jobs]
    assert len(jobs) == 4 and values == sorted(values)
    assert job["BestTrainingJob"]["TrainingJobName"] == jobs[0]["TrainingJobName"]
    for it in jobs:
        assert 1 <= int(it["TunedHyperParameters"]["max_depth"]) <= 4
        assert 0.01 <= float(it["TunedHyperParameters"]["eta"]) <= 1
    child = local.sagemaker.describe_training_job(TrainingJobName=jobs[0]["TrainingJobName"])
    assert child["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert child["HyperParameters"]["_tuning_objective_metric"] == "validation:rmse"


def test_a_grid_takes_each_combination_and_what_is_not_here_is_refused(local: Local) -> None:
    words = {"CategoricalParameterRanges": [{"Name": "max_depth", "Values": ["1", "3"]}, {"Name": "eta", "Values": ["0.1", "0.9"]}]}
    job = tuning(local, "grid", "Grid", ParameterRanges=words, ResourceLimits={"MaxParallelTrainingJobs": 4})
    assert job["TrainingJobStatusCounters"]["Completed"] == 4, job
    with pytest.raises(botocore.exceptions.ClientError, match="has Random, Bayesian and Grid") as refused:
        tuning(local, "band", "Hyperband", ParameterRanges=words, ResourceLimits={"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1})
    assert code(refused) == "ValidationException"
    with pytest.raises(local.sagemaker.exceptions.ResourceNotFound):
        local.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="band")


def test_search_finds_jobs_by_tag_metric_and_hyperparameter(local: Local) -> None:
    filters = [
        {"Name": "Tags.team", "Operator": "Equals", "Value": "planning"},
        {"Name": "HyperParameters.num_round", "Operator": "GreaterThan", "Value": "4"},
        {"Name": "Metrics.train:rmse", "Operator": "LessThan", "Value": "100"},
    ]
    found = local.sagemaker.search(Resource="TrainingJob", SearchExpression={"Filters": filters})
    assert [it["TrainingJob"]["TrainingJobName"] for it in found["Results"]] == ["trained"]
    assert found["Results"][0]["TrainingJob"]["Tags"] == [{"Key": "team", "Value": "planning"}]
    with pytest.raises(botocore.exceptions.ClientError, match="Unknown property name: Colour"):
        local.sagemaker.search(Resource="TrainingJob", SearchExpression={"Filters": [{"Name": "Colour", "Value": "red"}]})


@pytest.mark.parametrize("strategy", ["MultiRecord", "SingleRecord"])
def test_a_transform_job_answers_what_xgboost_predicts(local: Local, predicted: np.ndarray, strategy: str) -> None:
    name = f"transform-{strategy.lower()}"
    joined = {"JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    local.sagemaker.create_transform_job(**transform_of(name, "model"), BatchStrategy=strategy, DataProcessing=joined)
    local.sagemaker.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    lines = local.s3.get_object(Bucket="planning", Key=f"{name}/a.csv.out")["Body"].read().decode().splitlines()
    assert [float(line.split(",")[0]) for line in lines] == [row[0] for row in ROWS]
    assert np.array_equal(np.array([line.split(",")[1] for line in lines], dtype=np.float32), predicted)


def test_records_and_manifests_are_answered_as_rows_are(local: Local, predicted: np.ndarray) -> None:
    records = dense_records(np.array(ROWS, dtype=np.float32))
    local.s3.put_object(Bucket="planning", Key="records/a.pbr.gz", Body=gzip.compress(records))
    local.s3.put_object(Bucket="planning", Key="lists/one", Body=b'[{"prefix": "s3://planning/records/"}, "a.pbr.gz"]')
    local.sagemaker.create_transform_job(
        TransformJobName="records",
        ModelName="model",
        BatchStrategy="SingleRecord",
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "s3://planning/lists/one"}},
            "ContentType": "application/x-recordio-protobuf",
            "SplitType": "RecordIO",
            "CompressionType": "Gzip",
        },
        TransformOutput={"S3OutputPath": "s3://planning/answers", "AssembleWith": "Line", "Accept": "text/csv"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    local.sagemaker.get_waiter("transform_job_completed_or_stopped").wait(
        TransformJobName="records", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    answer = local.s3.get_object(Bucket="planning", Key="answers/a.pbr.gz.out")["Body"].read()
    assert len(answer.splitlines()) == len(ROWS), "each record was a request"
    assert np.array_equal(numbers(answer), predicted)


def test_a_processing_job_runs_a_program_of_the_trainers_image(local: Local) -> None:
    brought = {"S3Uri": "s3://planning/rows/a.csv", "LocalPath": "/opt/ml/processing/rows", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    left = {"S3Uri": "s3://planning/kept", "LocalPath": "/opt/ml/processing/kept", "S3UploadMode": "EndOfJob"}
    script = "cat /opt/ml/processing/rows/a.csv >/opt/ml/processing/kept/rows.csv; echo done >/opt/ml/output/message"
    local.sagemaker.create_processing_job(
        ProcessingJobName="kept",
        RoleArn=ROLE,
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["sh", "-c", script]},
        ProcessingInputs=[{"InputName": "rows", "S3Input": brought}],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "kept", "S3Output": left}]},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}},
    )
    local.sagemaker.get_waiter("processing_job_completed_or_stopped").wait(
        ProcessingJobName="kept", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    job = local.sagemaker.describe_processing_job(ProcessingJobName="kept")
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "done\n")
    assert local.s3.get_object(Bucket="planning", Key="kept/rows.csv")["Body"].read() == CSV.encode()


def test_an_endpoint_answers_what_xgboost_predicts_before_and_after_a_restart(local: Local, predicted: np.ndarray) -> None:
    variant = {"VariantName": "main", "ModelName": "model", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    local.sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[variant])
    local.sagemaker.create_endpoint(EndpointName="point", EndpointConfigName="config")
    local.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="point", WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def ask() -> dict:
        return local.runtime.invoke_endpoint(EndpointName="point", ContentType="text/csv", Accept="text/csv", Body=CSV)

    answer = ask()
    assert answer["InvokedProductionVariant"] == "main" and answer["ContentType"].startswith("text/csv")
    assert np.array_equal(numbers(answer["Body"].read()), predicted)
    local.down()
    local.up()
    assert np.array_equal(numbers(ask()["Body"].read()), predicted)
    with pytest.raises(local.runtime.exceptions.ModelError) as refused:
        local.runtime.invoke_endpoint(EndpointName="point", ContentType="text/csv", Body="1,2,3,4,5\n")
    assert refused.value.response["OriginalStatusCode"] >= 400
    with pytest.raises(botocore.exceptions.ClientError, match="not found"):
        local.runtime.invoke_endpoint(EndpointName="nobody", ContentType="text/csv", Body="1\n")
    local.sagemaker.delete_endpoint(EndpointName="point")
    with pytest.raises(botocore.exceptions.ClientError, match="Could not find endpoint"):
        local.sagemaker.describe_endpoint(EndpointName="point")


def test_answers_have_no_member_that_the_service_does_not_have(local: Local) -> None:
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "eu-west-1"}
    for operation, request in [
        ("search", {"Resource": "TrainingJob"}),
        ("describe_hyper_parameter_tuning_job", {"HyperParameterTuningJobName": "random"}),
        ("list_hyper_parameter_tuning_jobs", {}),
        ("list_training_jobs_for_hyper_parameter_tuning_job", {"HyperParameterTuningJobName": "grid"}),
        ("describe_model", {"ModelName": "model"}),
        ("list_models", {}),
        ("describe_transform_job", {"TransformJobName": "transform-multirecord"}),
        ("list_transform_jobs", {}),
        ("describe_processing_job", {"ProcessingJobName": "kept"}),
        ("list_processing_jobs", {}),
        ("describe_endpoint_config", {"EndpointConfigName": "config"}),
        ("list_endpoint_configs", {}),
        ("list_endpoints", {}),
    ]:
        check_answer(boto3.client("sagemaker", endpoint_url=local.endpoint, **keys), operation, request)
