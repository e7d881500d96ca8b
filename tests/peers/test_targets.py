"""Several targets beside XGBoost: the same margins from the same model, and metrics as good as its own."""

import pathlib

import numpy as np
import pytest
import sklearn.datasets
import xgboost as xgb

import tables
from ml_root import MlRoot
from reference import BETTER, PRINTED, ROUNDED, WORSE, grown, judged, loaded
from tables import Folders, Part

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")


def halves(features: np.ndarray, labels: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Features, labels (n_rows, n_targets) and weights of a part to learn from and of one to judge by."""
    order = np.random.default_rng(7).permutation(len(labels))
    weights = (1 + np.arange(len(labels)) % 3).astype(np.float32)
    cut = len(labels) * 3 // 4
    return [tuple(it[rows].astype(np.float32) for it in (features, labels, weights)) for rows in (order[:cut], order[cut:])]


def rides(folders: Folders) -> tuple[np.ndarray, np.ndarray]:
    """How many people ride, and how humid the hour is: of the main job's own table."""
    humidity = 10
    table = tables.bike_usage(folders, 0)
    features = table.train.features
    return np.delete(features, humidity, axis=1), np.column_stack([table.train.labels, 1 + 10 * features[:, humidity]])


def ink(_folders: Folders) -> tuple[np.ndarray, np.ndarray]:
    """How much ink is in three rows of a digit's picture, from the other rows."""
    pictures = sklearn.datasets.load_digits().data
    hidden = np.s_[16:40]
    labels = np.stack([it.sum(axis=1) for it in np.split(pictures[:, hidden], 3, axis=1)], axis=1)
    return np.delete(pictures, hidden, axis=1), labels / 128


def questions(_folders: Folders) -> tuple[np.ndarray, np.ndarray]:
    """Three questions about a digit."""
    pictures, digits = sklearn.datasets.load_digits(return_X_y=True)
    return pictures, np.column_stack([digits % 2, digits > 4, np.isin(digits, (2, 3, 5, 7))])


@pytest.mark.parametrize(
    ("objective", "metrics", "source"),
    [
        ("reg:squarederror", ["mae", "rmse"], rides),
        ("reg:squarederror", ["rmse"], ink),
        ("reg:absoluteerror", ["mae"], ink),
        ("reg:pseudohubererror", ["mphe"], ink),
        ("reg:squaredlogerror", ["rmsle"], rides),
        ("reg:logistic", ["rmse"], questions),
        ("binary:logistic", ["error", "logloss"], questions),
        ("count:poisson", ["poisson-nloglik"], rides),
        ("reg:gamma", ["gamma-deviance"], rides),
        ("reg:tweedie", ["tweedie-nloglik@1.5"], rides),
    ],
)
def test_each_target_is_learned_as_well_as_by_xgboost(
    objective: str, metrics: list[str], source: object, trainer: pathlib.Path, repository: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    parts = halves(*source(Folders(repository, tmp_path)))
    parameters = {"objective": objective, "num_round": 50, "eta": 0.2, "max_depth": 5}
    tree = MlRoot(tmp_path / "job")
    n_targets = parts[0][1].shape[1]
    named = {"label_columns": ",".join(str(it) for it in (0, *range(2, n_targets + 1))), "csv_weights": 1}
    tree.hyperparameters(parameters | named | {"eval_metric": ",".join(metrics)})
    sets = []
    for name, (features, labels, weights) in zip(("train", "validation"), parts, strict=True):
        front = np.column_stack([labels[:, 1:], features])
        tree.channel(name, Part(front, labels[:, 0], weights).content())
        sets.append(xgb.DMatrix(features, label=labels, weight=weights, nthread=1))
    done = tree.train(trainer)
    assert done.code == 0, done.failure or done.stderr
    ours = loaded(done.model)
    assert ours.num_boosted_rounds() == 50
    assert ours.predict(sets[1]).shape == parts[1][1].shape
    theirs = grown(parameters, sets[0])
    for metric in metrics:
        found, expected = (judged(it, [metric], sets[1])[metric] for it in (ours, theirs))
        if metric != "error":
            assert found <= expected + WORSE * abs(expected), f"{metric}: {found} {expected}"
            assert found >= expected - BETTER * abs(expected), f"{metric}: {found} {expected}"
        for name, data in zip(("train", "validation"), sets, strict=True):
            printed = done.metrics[f"{name}-{metric}"][-1]
            assert printed == pytest.approx(judged(ours, [metric], data)[metric], rel=10 * ROUNDED, abs=PRINTED)
