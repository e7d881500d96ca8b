"""Checkpoints beside XGBoost: it loads those that are left, and its own are gone on from."""

import json
import pathlib

import numpy as np
import pytest
import xgboost as xgb

import tables
from ml_root import Finished, MlRoot
from parts import Folders, Table
from reference import BETTER, PRINTED, ROUNDED, WORSE, grown, judged, loaded

PARAMETERS = {"objective": "binary:logistic", "eta": 0.1, "max_depth": 5, "num_round": 30}
METRIC = "logloss"

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")


@pytest.fixture
def table(folders: Folders) -> Table:
    return tables.attrition(folders, 0)


def job(path: pathlib.Path, table: Table, more: dict[str, object]) -> MlRoot:
    tree = MlRoot(path)
    tree.hyperparameters(PARAMETERS | more)
    tree.channel("train", table.train.content())
    tree.channel("validation", table.validation.content())
    config = {"LocalPath": "/opt/ml/checkpoints", "S3Uri": "s3://bucket/checkpoints"}
    (path / "input" / "config" / "checkpointconfig.json").write_text(json.dumps(config), encoding="utf-8")
    (path / "checkpoints").mkdir()
    return tree


def done(tree: MlRoot, trainer: pathlib.Path, first_round: int = 0) -> Finished:
    finished = tree.train(trainer, first_round=first_round)
    assert finished.code == 0, finished.failure or finished.stderr
    return finished


@pytest.mark.parametrize("model_format", ["ubj", "json"])
def test_xgboost_loads_every_checkpoint(trainer: pathlib.Path, table: Table, tmp_path: pathlib.Path, model_format: str) -> None:
    every_tenth = {"checkpoint_interval_rounds": 10, "model_format": model_format}
    finished = done(job(tmp_path, table, every_tenth), trainer)
    data = table.validation.matrix()
    whole = loaded(finished.model)
    for rounds in (10, 20, 30):
        checkpoint = loaded(tmp_path / "checkpoints" / f"xgboost-checkpoint.{rounds - 1}")
        assert checkpoint.num_boosted_rounds() == rounds
        expected = whole.predict(data, iteration_range=(0, rounds), output_margin=True)
        np.testing.assert_array_equal(checkpoint.predict(data, output_margin=True), expected)


@pytest.mark.parametrize("ending", ["ubj", "json"])
def test_xgboosts_own_checkpoint_is_gone_on_from(trainer: pathlib.Path, table: Table, tmp_path: pathlib.Path, ending: str) -> None:
    train, validation = table.train.matrix(), table.validation.matrix()
    tree = job(tmp_path, table, {})
    for rounds in (11, 12):
        saved = tmp_path / f"saved.{ending}"
        grown(PARAMETERS | {"num_round": rounds}, train).save_model(saved)
        saved.rename(tmp_path / "checkpoints" / f"xgboost-checkpoint.{rounds - 1}")
    finished = done(tree, trainer, first_round=12)
    ours = loaded(finished.model)
    # The rounds that were there count, as in the built-in algorithm.
    assert ours.num_boosted_rounds() == 30
    start = grown(PARAMETERS | {"num_round": 12}, train)
    first = ours.predict(validation, iteration_range=(0, 12), output_margin=True)
    np.testing.assert_allclose(first, start.predict(validation, output_margin=True), rtol=1e-5, atol=1e-5)
    theirs = grown(PARAMETERS | {"num_round": 18}, train, start)
    ratio = judged(ours, [METRIC], validation)[METRIC] / judged(theirs, [METRIC], validation)[METRIC]
    assert 1 - BETTER <= ratio <= 1 + WORSE, ratio
    printed = finished.metrics[f"validation-{METRIC}"][-1]
    assert printed == pytest.approx(judged(ours, [METRIC], validation)[METRIC], rel=ROUNDED, abs=PRINTED)


def test_a_booster_trained_by_xgboost_from_a_checkpoint_is_as_good(trainer: pathlib.Path, table: Table, tmp_path: pathlib.Path) -> None:
    """The other way round: who goes back to the built-in algorithm takes the checkpoints along."""
    finished = done(job(tmp_path, table, {"checkpoint_interval_rounds": 12}), trainer)
    train, validation = table.train.matrix(), table.validation.matrix()
    start = xgb.Booster(model_file=tmp_path / "checkpoints" / "xgboost-checkpoint.11")
    back = grown(PARAMETERS | {"num_round": 18}, train, start)
    assert back.num_boosted_rounds() == 30
    ratio = judged(back, [METRIC], validation)[METRIC] / judged(loaded(finished.model), [METRIC], validation)[METRIC]
    assert 1 - BETTER <= ratio <= 1 + BETTER, ratio
