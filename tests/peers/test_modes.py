"""Continuing from an archive, and cross-validation beside XGBoost: it reads what they leave. The parity grid continues XGBoost's models."""

import json
import pathlib
import re
import tarfile

import numpy as np
import pytest
import xgboost as xgb

import tables
from ml_root import MlRoot
from parts import Folders, Source, Table
from reference import PRINTED, loaded

PARAMETERS = {"eta": 0.1, "max_depth": 5}

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")


def among(*cases: tuple[str, str, Source, dict[str, object]]) -> pytest.MarkDecorator:
    """Objectives with their metrics, tables and what else they need."""
    return pytest.mark.parametrize(
        ("objective", "metric", "source", "more"), cases, ids=lambda it: it if isinstance(it, str) else ""
    )


def test_an_archive_is_continued(trainer: pathlib.Path, folders: Folders, tmp_path: pathlib.Path) -> None:
    table = tables.bike_usage(folders, 0)

    def job(name: str, rounds: int, model: bytes | None = None) -> pathlib.Path:
        tree = MlRoot(tmp_path / name)
        tree.hyperparameters(PARAMETERS | {"objective": "count:poisson", "num_round": rounds, "subsample": 0.8})
        tree.channel("train", table.train.content())
        if model is not None:
            tree.channel("model", model, "application/x-sagemaker-model")
        done = tree.train(trainer, first_round=0 if model is None else 5)
        assert done.code == 0, done.failure or done.stderr
        return done.model

    whole = job("whole", 12).read_bytes()
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(job("half", 5).parent, arcname=".")
    assert job("other", 7, archive.read_bytes()).read_bytes() == whole


@among(
    ("count:poisson", "poisson-nloglik", tables.bike_usage, {}),
    ("binary:logistic", "logloss", tables.attrition, {}),
    ("multi:softprob", "mlogloss", tables.digits, {"num_class": 10}),
)
def test_folds_are_judged_on_what_they_have_not_seen(
    objective: str,
    metric: str,
    source: Source,
    more: dict[str, object],
    trainer: pathlib.Path,
    folders: Folders,
    tmp_path: pathlib.Path,
) -> None:
    table: Table = source(folders, 0)
    tree = MlRoot(tmp_path)
    tree.hyperparameters(PARAMETERS | {"objective": objective, "num_round": 20, "_kfold": 4} | more)
    tree.channel("train", table.train.content())
    tree.channel("validation", table.validation.content())
    done = tree.train_folds(trainer)
    assert done.code == 0, done.failure or done.stderr
    boosters = [loaded(done.root / "model" / f"xgboost-model-{it}") for it in range(4)]
    features = np.vstack([table.train.features, table.validation.features])
    labels = np.concatenate([table.train.labels, table.validation.labels])
    lines = np.loadtxt(done.root / "output" / "data" / "predictions.csv", delimiter=",", dtype=np.float64)
    classifies = objective.startswith(("binary:", "multi:"))
    assert lines.shape == (len(labels), 3 if classifies else 2)
    np.testing.assert_allclose(lines[:, 0], labels, atol=1e-5)
    # Each row's prediction is that of one of the models.
    of_models = np.stack([it.predict(xgb.DMatrix(features, nthread=1)) for it in boosters])
    if of_models.ndim == 3:
        assert np.all(np.any(of_models.argmax(axis=2) == lines[:, 2], axis=0))
        of_models = of_models.max(axis=2)
    elif classifies:
        np.testing.assert_array_equal(lines[:, 2], lines[:, 1] > 0.5)
    off = np.abs(of_models - lines[:, 1]).min(axis=0)
    assert np.all(off <= 1e-5 * np.maximum(1, np.abs(lines[:, 1])))
    # The mean that is printed last is that of the folds, and XGBoost's own cross-validation finds the same.
    summary = done.stdout.splitlines()[-1]
    found = re.fullmatch(rf"\[20\]\ttrain-{metric}:\S+\tvalidation-{metric}:(\S+)", summary)
    assert found, summary
    data = xgb.DMatrix(features, label=labels, nthread=1)
    shared = PARAMETERS | {"objective": objective, "tree_method": "hist", "nthread": 1} | more
    theirs = [
        float(np.asarray(xgb.cv(shared, data, 20, nfold=4, stratified=classifies, metrics=metric, seed=seed, as_pandas=False)[f"test-{metric}-mean"])[-1])
        for seed in range(4)
    ]
    spread = max(float(np.std(theirs)), 0.01 * abs(float(np.mean(theirs))))
    assert abs(float(found[1]) - float(np.mean(theirs))) <= 5 * spread, (found[1], theirs)
    evaluation = json.loads((done.root / "output" / "data" / "evaluation.json").read_text(encoding="utf-8"))
    spreads = {(it["data"], it["metric"]): it for it in evaluation["cross_validation"]["metrics"]}
    assert spreads["validation", metric]["mean"] == pytest.approx(float(found[1]), abs=PRINTED)
    assert spreads["validation", metric]["std"] > 0
