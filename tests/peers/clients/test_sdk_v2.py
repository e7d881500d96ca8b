"""Version 2 of the SageMaker Python SDK: its estimators on `linden local up`, and its local mode with the training image."""

import pathlib
import socket

import boto3
import numpy as np
import pytest
from sagemaker import Session
from sagemaker.deserializers import CSVDeserializer
from sagemaker.estimator import Estimator
from sagemaker.exceptions import UnexpectedStatusException
from sagemaker.inputs import TrainingInput
from sagemaker.local import LocalSession
from sagemaker.serializers import CSVSerializer
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner, IntegerParameter

from images import Engine
from local_server import IMAGE, ROLE, TABLE, Local
from outcome import CHANNELS, ENDLESS, HYPERPARAMETERS, METRIC, MISTAKEN, PATIENCE_SECS, ROWS, TRAIN, TUNING, predicted

CSV = {"serializer": CSVSerializer(), "deserializer": CSVDeserializer()}
WAITER = {"Delay": 1, "MaxAttempts": PATIENCE_SECS}


def inputs(address: str) -> dict[str, TrainingInput]:
    """Channels with one table each."""
    return {it: TrainingInput(address, content_type="text/csv") for it in CHANNELS}


def numbers(answer: list[list[str]]) -> np.ndarray:
    """The predictions of a CSV answer."""
    return np.array([float(cell) for row in answer for cell in row], dtype=np.float32)


@pytest.fixture(scope="module")
def session(local: Local) -> Session:
    """A session as a user of the local SageMaker makes it."""
    return Session(default_bucket="planning")


def estimator(session: Session, name: str, **settings: object) -> Estimator:
    """An estimator with the image, as for the built-in algorithm."""
    usual = {
        "image_uri": IMAGE,
        "role": ROLE,
        "instance_count": 1,
        "instance_type": "ml.m5.large",
        "volume_size": 5,
        "max_run": 300,
        "output_path": "s3://planning/sdk",
        "base_job_name": name,
        "hyperparameters": HYPERPARAMETERS,
        "sagemaker_session": session,
    }
    return Estimator(**usual | settings)


@pytest.fixture(scope="module")
def trained(session: Session) -> Estimator:
    """An estimator whose job has completed."""
    it = estimator(session, "whole", tags=[{"Key": "team", "Value": "planning"}])
    it.fit(inputs(TRAIN), logs=False)
    return it


def test_fit_follows_the_log_to_the_end(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    it = estimator(session, "followed")
    it.fit(inputs(TRAIN), wait=True, logs="All")
    printed = capsys.readouterr().out
    assert printed.count("#011validation-rmse:") == HYPERPARAMETERS["num_round"]
    assert "Training seconds: " in printed and "Completed - Training job completed" in printed
    assert len(predicted(it.model_data)) == 10


def test_a_job_is_attached_to(session: Session, trained: Estimator) -> None:
    again = Estimator.attach(trained.latest_training_job.name, sagemaker_session=session)
    assert again.model_data == trained.model_data
    assert again.hyperparameters() == {name: str(value) for name, value in HYPERPARAMETERS.items()}
    assert again.tags == [{"Key": "team", "Value": "planning"}]


def test_a_job_is_stopped_and_listed(local: Local, session: Session) -> None:
    it = estimator(session, "endless", hyperparameters=ENDLESS)
    it.fit(inputs(TRAIN), wait=False)
    name = it.latest_training_job.name
    local.started(name)
    it.latest_training_job.stop()
    session.wait_for_job(name, poll=1)
    listed = session.sagemaker_client.list_training_jobs(NameContains="endless-", StatusEquals="Stopped")["TrainingJobSummaries"]
    assert [job["TrainingJobName"] for job in listed] == [name]


def test_a_job_that_fails_is_an_error_with_its_reason(session: Session) -> None:
    with pytest.raises(UnexpectedStatusException, match="UserError: .*eta"):
        estimator(session, "mistaken", hyperparameters=MISTAKEN).fit(inputs(TRAIN), logs=False)


def test_a_tuner_finds_the_best_of_its_jobs(session: Session) -> None:
    tuner = HyperparameterTuner(
        estimator(session, "tuned"),
        METRIC["Name"],
        {"max_depth": IntegerParameter(1, 4), "eta": ContinuousParameter(0.01, 1)},
        **TUNING,
    )
    tuner.fit(inputs(TRAIN))
    table = tuner.analytics().dataframe().sort_values("FinalObjectiveValue")
    assert len(table) == 3 and tuner.best_training_job() == table.iloc[0]["TrainingJobName"]
    assert len(predicted(tuner.best_estimator().model_data)) == 10


def test_a_transform_job_answers_what_xgboost_predicts(local: Local, trained: Estimator) -> None:
    local.s3.put_object(Bucket="planning", Key="rows/a.csv", Body="".join(f"{a:g},{b:g}\n" for a, b in ROWS).encode())
    transformer = trained.transformer(
        1, "ml.m5.large", output_path="s3://planning/transformed", accept="text/csv", assemble_with="Line"
    )
    transformer.transform("s3://planning/rows/", content_type="text/csv", split_type="Line", logs=False)
    answer = local.s3.get_object(Bucket="planning", Key="transformed/a.csv.out")["Body"].read().decode()
    assert np.array_equal(numbers([answer.split()]), predicted(trained.model_data))


def test_an_endpoint_answers_what_xgboost_predicts(trained: Estimator) -> None:
    # The SDK's own waiter sleeps for half a minute between two looks.
    predictor = trained.deploy(1, "ml.m5.large", wait=False, **CSV)
    waiter = boto3.client("sagemaker").get_waiter("endpoint_in_service")
    waiter.wait(EndpointName=predictor.endpoint_name, WaiterConfig=WAITER)
    assert np.array_equal(numbers(predictor.predict(ROWS)), predicted(trained.model_data))
    predictor.delete_model()
    predictor.delete_endpoint()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.fixture()
def local_mode(composed: Engine, local: Local, tmp_path: pathlib.Path) -> LocalSession:
    """A session of local mode that keeps its folders below the test's."""
    root = tmp_path / "root"
    root.mkdir()
    session = LocalSession()
    session.config = {"local": {"container_root": str(root), "serving_port": free_port()}}
    return session


def test_local_mode_trains_and_serves_with_the_image(
    composed: Engine, local_mode: LocalSession, trained: Estimator, tmp_path: pathlib.Path
) -> None:
    tables, output = tmp_path / "tables", tmp_path / "output"
    for folder in (tables, output):
        folder.mkdir()
    (tables / "table.csv").write_text(TABLE, encoding="utf-8")
    it = estimator(local_mode, "local", image_uri=composed.image, instance_type="local", output_path=f"file://{output}")
    it.fit(inputs(f"file://{tables}"))
    assert it.model_data == f"file://{output / 'model.tar.gz'}"
    expected = predicted(it.model_data)
    assert np.array_equal(expected, predicted(trained.model_data))
    predictor = it.deploy(1, "local", **CSV)
    try:
        assert np.array_equal(numbers(predictor.predict(ROWS)), expected)
    finally:
        predictor.delete_endpoint()


def test_local_mode_brings_tables_from_s3_and_puts_the_model_there(composed: Engine, local_mode: LocalSession, trained: Estimator) -> None:
    it = estimator(local_mode, "local", image_uri=composed.image, instance_type="local", output_path="s3://planning/local-mode")
    it.fit(inputs(TRAIN))
    assert it.model_data.startswith("s3://planning/local-mode/")
    assert np.array_equal(predicted(it.model_data), predicted(trained.model_data))
