"""What `booster` = `gblinear` does beside XGBoost's weights, which the parity grid tells of."""

import json
import pathlib

import numpy as np
import pytest
import xgboost as xgb

import tables
from job import finished
from ml_root import MlRoot
from parts import Folders
from reference import PRINTED, ROUNDED, judged, loaded
from samples import csv, run

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format", "ignore:.*gblinear.*")

LINEAR = {"booster": "gblinear", "updater": "coord_descent"}


def test_folds_and_the_best_round_are_those_of_a_linear_model(trainer: pathlib.Path, folders: Folders, tmp_path: pathlib.Path) -> None:
    table = tables.wine(folders, 1)
    own = LINEAR | {"objective": "multi:softprob", "num_class": 3, "num_round": 400, "eta": 1}
    done = finished(trainer, tmp_path / "best", own | {"early_stopping_rounds": 3}, table)
    printed = done.metrics["validation-mlogloss"]
    booster = loaded(done.model)
    assert printed[booster.num_boosted_rounds() - 1] == min(printed) and booster.num_boosted_rounds() < len(printed)
    found = judged(booster, ["mlogloss"], table.validation.matrix())["mlogloss"]
    assert found == pytest.approx(min(printed), rel=ROUNDED, abs=PRINTED)
    tree = MlRoot(tmp_path / "folds")
    tree.hyperparameters(own | {"num_round": 30, "_kfold": 3})
    tree.channel("train", table.train.content())
    folds = tree.train_folds(trainer)
    assert folds.code == 0, folds.failure or folds.stderr
    lines = np.loadtxt(folds.root / "output" / "data" / "predictions.csv", delimiter=",")
    features = xgb.DMatrix(table.train.features, nthread=1)
    of_models = np.stack([loaded(folds.root / "model" / f"xgboost-model-{it}").predict(features).max(axis=1) for it in range(3)])
    assert np.all(np.abs(of_models - lines[:, 1]).min(axis=0) < 1e-5)


def test_inspect_and_explain_tell_of_the_weights(
    trainer: pathlib.Path, linden: pathlib.Path, folders: Folders, tmp_path: pathlib.Path
) -> None:
    table = tables.diabetes(folders, 0)
    done = finished(trainer, tmp_path, LINEAR | {"objective": "reg:squarederror", "num_round": 30}, table)
    booster = loaded(done.model)
    assert "gblinear" in run(linden, "inspect", done.model)
    rows = tmp_path / "rows.csv"
    rows.write_text(csv(table.validation.features), encoding="utf-8")
    lines = run(linden, "explain", done.model, rows, "--contributions", "--json").splitlines()
    ours = np.array([json.loads(line)["contributions"] for line in lines])
    expected = booster.predict(xgb.DMatrix(table.validation.features, nthread=1), pred_contribs=True)
    np.testing.assert_allclose(ours.reshape(expected.shape), expected, rtol=1e-5, atol=1e-3)
