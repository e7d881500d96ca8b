"""Models of several targets load in every XGBoost, which predicts the same bit for bit.

Runs against the XGBoost that is installed, in one virtual environment for each pinned version.
"""

import json
import pathlib

import numpy as np
import pytest
import xgboost as xgb

from ml_root import MlRoot
from reference import loaded
from samples import csv, numbers, run

N_ROWS, N_TARGETS, ROUNDS = 500, 3, 6

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")


def features() -> np.ndarray:
    """Numbers, small integers and missing values; the last column is complete."""
    rng = np.random.default_rng(11)
    rows = rng.normal(size=(N_ROWS, 5)).astype(np.float32)
    rows[:, 3] = rng.integers(0, 6, size=N_ROWS)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    rows[:, 4] = rng.normal(size=N_ROWS)
    return rows


@pytest.mark.parametrize("model_format", ["json", "ubj"])
@pytest.mark.parametrize(
    ("objective", "more"),
    [
        ("reg:squarederror", {}),
        ("binary:logistic", {"num_parallel_tree": 3, "subsample": 0.7}),
        ("count:poisson", {"grow_policy": "lossguide", "max_leaves": 9}),
        ("reg:squarederror", {"base_score": 7}),
    ],
)
def test_margins_are_the_same_bit_for_bit(
    objective: str, more: dict[str, object], model_format: str, trainer: pathlib.Path, linden: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    rows = features()
    known = np.nan_to_num(rows)
    counts = np.stack([np.round(20 * abs(known[:, it]) + it) for it in range(N_TARGETS)], axis=1)
    labels = counts % 2 if objective == "binary:logistic" else counts
    path = tmp_path / "rows.csv"
    path.write_text(csv(rows), encoding="utf-8")
    lines = csv(np.column_stack([labels, rows]))
    tree = MlRoot(tmp_path / "job")
    tree.hyperparameters({"num_round": ROUNDS, "objective": objective, "label_columns": "0,1,2", "model_format": model_format} | more)
    tree.channel("train", lines)
    done = tree.train(trainer)
    assert done.code == 0, done.failure or done.stderr
    booster = loaded(done.model)
    assert booster.num_boosted_rounds() == ROUNDS
    config = json.loads(booster.save_config())["learner"]["learner_model_param"]
    assert config["num_target"] == str(N_TARGETS)
    theirs = booster.predict(xgb.DMatrix(rows, nthread=1), output_margin=True)
    assert theirs.shape == (N_ROWS, N_TARGETS)
    np.testing.assert_array_equal(numbers(run(linden, "predict", done.model, path, "--margin")), theirs)
    np.testing.assert_allclose(numbers(run(linden, "predict", done.model, path)), booster.predict(xgb.DMatrix(rows, nthread=1)), rtol=1e-6)
