"""Version 3 of the SageMaker Python SDK: its jobs on `linden local up`, and its local mode with the training image."""

import logging
import pathlib

import numpy as np
import pytest
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.parameter import ContinuousParameter, IntegerParameter
from sagemaker.core.resources import HyperParameterTuningJob, TrainingJob
from sagemaker.core.utils.exceptions import FailedStatusError
from sagemaker.train import ModelTrainer
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig, StoppingCondition
from sagemaker.train.model_trainer import Mode
from sagemaker.train.tuner import HyperparameterTuner

from images import Engine
from local_server import IMAGE, ROLE, TABLE, Local
from outcome import CHANNELS, ENDLESS, HYPERPARAMETERS, METRIC, MISTAKEN, PATIENCE_SECS, TRAIN, TUNING, predicted


def data(source: str | pathlib.Path) -> list[InputData]:
    """Channels with one table each."""
    return [InputData(channel_name=it, data_source=str(source), content_type="text/csv") for it in CHANNELS]


def trainer(name: str, **settings: object) -> ModelTrainer:
    """A trainer with the image, as for the built-in algorithm."""
    usual = {
        "training_image": IMAGE,
        "role": ROLE,
        "base_job_name": name,
        "compute": Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=5),
        "stopping_condition": StoppingCondition(max_runtime_in_seconds=300),
        "output_data_config": OutputDataConfig(s3_output_path="s3://planning/sdk"),
        "hyperparameters": HYPERPARAMETERS,
    }
    return ModelTrainer(**usual | settings)


@pytest.fixture(scope="module")
def trained(local: Local) -> TrainingJob:
    """A job that has completed, started by a trainer that knows nothing but the image, the role and the data."""
    model_trainer = trainer("whole")
    model_trainer.train(input_data_config=data(TRAIN), wait=True, logs=False)
    return model_trainer._latest_training_job


@pytest.fixture()
def tables(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with the table."""
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "table.csv").write_text(TABLE, encoding="utf-8")
    return folder


def test_a_trainer_waits_and_prints_the_log(local: Local, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    model_trainer = trainer("followed")
    model_trainer.train(input_data_config=data(TRAIN), wait=True, logs=True)
    job = model_trainer._latest_training_job
    assert job.training_job_status == "Completed"
    rounds = [line for line in caplog.messages if "#011validation-rmse:" in line]
    assert len(rounds) == HYPERPARAMETERS["num_round"]
    assert len(predicted(job.model_artifacts.s3_model_artifacts)) == 10


def test_local_files_are_uploaded_before_they_are_trained_on(tables: pathlib.Path, trained: TrainingJob) -> None:
    model_trainer = trainer("uploaded", sagemaker_session=Session(default_bucket="planning"))
    model_trainer.train(input_data_config=data(tables), wait=True, logs=False)
    archives = [it.model_artifacts.s3_model_artifacts for it in (model_trainer._latest_training_job, trained)]
    assert np.array_equal(*map(predicted, archives))


def test_a_job_is_found_by_its_name_and_among_others(trained: TrainingJob) -> None:
    again = TrainingJob.get(trained.training_job_name)
    assert again.hyper_parameters == {name: str(value) for name, value in HYPERPARAMETERS.items()}
    assert [step.status for step in again.secondary_status_transitions][-1] == "Completed"
    (summary,) = TrainingJob.get_all(name_contains="whole-", status_equals="Completed")
    assert summary.training_job_name == trained.training_job_name


def test_a_job_is_stopped(local: Local) -> None:
    model_trainer = trainer("endless", hyperparameters=ENDLESS)
    model_trainer.train(input_data_config=data(TRAIN), wait=False)
    job = model_trainer._latest_training_job
    local.started(job.training_job_name)
    job.stop()
    job.wait(poll=1, timeout=PATIENCE_SECS)
    assert job.training_job_status == "Stopped"


def test_a_job_that_fails_is_an_error_with_its_reason(local: Local) -> None:
    with pytest.raises(FailedStatusError, match="UserError: .*eta"):
        trainer("mistaken", hyperparameters=MISTAKEN).train(input_data_config=data(TRAIN), wait=True, logs=False)


def test_a_tuner_finds_the_best_of_its_jobs(local: Local) -> None:
    tuner = HyperparameterTuner(
        trainer("tuned", sagemaker_session=Session(default_bucket="planning")),
        METRIC["Name"],
        {"max_depth": IntegerParameter(1, 4), "eta": ContinuousParameter(0.01, 1)},
        **TUNING,
    )
    tuner.tune(inputs=data(TRAIN), job_name="tuned-by-sdk", wait=False)
    job = HyperParameterTuningJob.get("tuned-by-sdk")
    job.wait(poll=1, timeout=PATIENCE_SECS)
    assert job.training_job_status_counters.completed == 3
    best = TrainingJob.get(tuner.best_training_job())
    assert len(predicted(best.model_artifacts.s3_model_artifacts)) == 10


def in_container(engine: Engine, root: pathlib.Path, hyperparameters: dict[str, object]) -> ModelTrainer:
    """A trainer in local mode that keeps its folders below `root`."""
    return ModelTrainer(
        training_mode=Mode.LOCAL_CONTAINER,
        training_image=engine.image,
        compute=Compute(instance_type="local_cpu", instance_count=1),
        hyperparameters=hyperparameters,
        local_container_root=str(root),
    )


@pytest.mark.parametrize("source", ["files", "S3"])
def test_local_mode_trains_with_the_image_and_collects_the_model(
    composed: Engine, trained: TrainingJob, tables: pathlib.Path, tmp_path: pathlib.Path, source: str
) -> None:
    model_trainer = in_container(composed, tmp_path, HYPERPARAMETERS)
    model_trainer.train(input_data_config=data(tables if source == "files" else TRAIN))
    archive = f"file://{tmp_path / 'compressed_artifacts' / 'model.tar.gz'}"
    assert np.array_equal(predicted(archive), predicted(trained.model_artifacts.s3_model_artifacts))
    assert (tmp_path / "artifacts" / "output" / "data" / "evaluation.json").is_file()


def test_local_mode_tells_that_a_job_has_failed(
    composed: Engine, tables: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuntimeError, match="exited with code: 1"):
        in_container(composed, tmp_path, MISTAKEN).train(input_data_config=data(tables))
    assert "UserError: Hyperparameter eta" in capsys.readouterr().out
