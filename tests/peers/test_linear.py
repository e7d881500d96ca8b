"""Training with `booster` = `gblinear` beside XGBoost: the same weights, where XGBoost's own do not depend on chance."""

import json
import pathlib
from dataclasses import dataclass, field

import numpy as np
import pytest
import xgboost as xgb

import tables
from ml_root import Finished, MlRoot
from reference import BETTER, PRINTED, ROUNDED, WORSE, judged, loaded
from samples import csv
from samples import run as linden_model
from tables import Folders, Source, Table

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format", "ignore:.*gblinear.*")

COORDINATE = {"updater": "coord_descent"}


@dataclass(frozen=True)
class Cell:
    name: str
    source: Source
    objective: str
    metrics: str
    parameters: dict[str, object] = field(default_factory=dict)

    def shared(self) -> dict[str, object]:
        return {"booster": "gblinear", "num_round": 20, "objective": self.objective, "seed": 3} | self.parameters


THREE = {"num_class": 3}
CELLS = [
    Cell("bike_usage", tables.bike_usage, "reg:squarederror", "rmse,mae", COORDINATE),
    Cell("bike_usage shotgun", tables.bike_usage, "reg:squarederror", "rmse", {"lambda": 0.01}),
    Cell("bike_usage lasso", tables.bike_usage, "reg:squarederror", "rmse", COORDINATE | {"alpha": 2, "lambda": 0.1}),
    Cell("bike_usage greedy", tables.bike_usage, "reg:squarederror", "rmse", COORDINATE | {"feature_selector": "greedy", "top_k": 3}),
    Cell("bike_usage thrifty", tables.bike_usage, "reg:squarederror", "rmse", COORDINATE | {"feature_selector": "thrifty"}),
    Cell("bike_usage counts", tables.bike_usage, "count:poisson", "poisson-nloglik", COORDINATE | {"eta": 0.1}),
    Cell("attrition", tables.attrition, "binary:logistic", "logloss,auc", COORDINATE | {"lambda": 0.001}),
    Cell("attrition weighted", tables.weighted(tables.attrition), "binary:logistic", "logloss", COORDINATE | {"eta": 0.3}),
    Cell("attrition gaps", tables.with_gaps(tables.attrition), "binary:logistic", "logloss", COORDINATE | {"base_score": 0.3}),
    Cell("agaricus", tables.agaricus, "binary:logistic", "logloss,error", COORDINATE | {"alpha": 0.001}),
    Cell("agaricus greedy", tables.agaricus, "binary:logistic", "logloss", COORDINATE | {"feature_selector": "greedy", "top_k": 10, "num_round": 5}),
    Cell("wine", tables.wine, "multi:softprob", "mlogloss,merror", COORDINATE | THREE),
    Cell("wine thrifty", tables.wine, "multi:softmax", "mlogloss", COORDINATE | THREE | {"feature_selector": "thrifty", "top_k": 4}),
    Cell("diabetes", tables.diabetes, "reg:squarederror", "rmse", COORDINATE | {"num_round": 100}),
    Cell("store_sales", tables.store_sales, "reg:pseudohubererror", "mphe", COORDINATE | {"base_score": 7}),
    Cell("diabetes gamma", tables.diabetes, "reg:gamma", "gamma-nloglik", COORDINATE | {"eta": 0.2}),
]


def run_job(tree: MlRoot, trainer: pathlib.Path, table: Table, hyperparameters: dict[str, object]) -> Finished:
    tree.hyperparameters(hyperparameters | table.train.declarations())
    tree.channel("train", table.train.content(), table.train.content_type)
    tree.channel("validation", table.validation.content(), table.validation.content_type)
    done = tree.train(trainer)
    assert done.code == 0, done.failure or done.stderr
    return done


def theirs(own: dict[str, object], data: xgb.DMatrix, start: xgb.Booster | None = None) -> xgb.Booster:
    shared = {name: value for name, value in own.items() if name != "num_round"}
    return xgb.train(shared | {"nthread": 1}, data, num_boost_round=int(str(own["num_round"])), xgb_model=start)


def weights(booster: xgb.Booster) -> np.ndarray:
    document = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    assert document["name"] == "gblinear"
    return np.array(document["model"]["weights"], dtype=np.float64)


def scaled(booster: xgb.Booster, table: Table) -> np.ndarray:
    """Each weight in units of what it can add to a prediction, so that all are compared alike."""
    features = table.train.features
    dense = np.nan_to_num(features.toarray() if hasattr(features, "toarray") else features)
    sizes = np.append(np.abs(dense).max(axis=0), 1)
    return weights(booster).reshape(len(sizes), -1) * sizes[:, None]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name.replace(" ", "-"))
def test_weights_are_xgboosts(
    cell: Cell,
    trainer: pathlib.Path,
    repository: pathlib.Path,
    peers_data: pathlib.Path,
    ratios: list[tuple[str, str, float, float]],
    tmp_path: pathlib.Path,
) -> None:
    table = cell.source(Folders(repository, peers_data), 0)
    train, validation = table.train.matrix(), table.validation.matrix()
    metrics = cell.metrics.split(",")
    done = run_job(MlRoot(tmp_path), trainer, table, cell.shared() | {"eval_metric": cell.metrics})
    ours, reference = loaded(done.model), theirs(cell.shared(), train)
    assert ours.num_boosted_rounds() == cell.shared()["num_round"]
    found, expected = scaled(ours, table), scaled(reference, table)
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())
    for part, data in (("train", train), ("validation", validation)):
        measured = judged(ours, metrics, data)
        printed = {it: done.metrics[f"{part}-{it}"][-1] for it in metrics}
        assert printed == pytest.approx(measured, rel=ROUNDED, abs=PRINTED)
        of_reference = judged(reference, metrics, data)
        assert measured == pytest.approx(of_reference, rel=2e-3, abs=1e-4)
        ratios.append((f"gblinear {cell.name} {part}", metrics[0], measured[metrics[0]], of_reference[metrics[0]]))


@pytest.mark.parametrize("selector", ["shuffle", "random"])
def test_drawn_orders_lead_to_the_same_place(
    selector: str, trainer: pathlib.Path, repository: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    table = tables.attrition(Folders(repository, tmp_path), 0)
    own = COORDINATE | {"booster": "gblinear", "objective": "binary:logistic", "num_round": 300, "feature_selector": selector, "lambda": 0.01}
    ours = loaded(run_job(MlRoot(tmp_path / "job"), trainer, table, own).model)
    data = table.validation.matrix()
    found, expected = (judged(it, ["logloss"], data)["logloss"] for it in (ours, theirs(own, table.train.matrix())))
    assert 1 - BETTER <= found / expected <= 1 + WORSE


def test_xgboosts_weights_are_improved_further(trainer: pathlib.Path, repository: pathlib.Path, tmp_path: pathlib.Path) -> None:
    table = tables.attrition(Folders(repository, tmp_path), 0)
    own = COORDINATE | {"booster": "gblinear", "objective": "binary:logistic", "num_round": 10, "lambda": 0.001}
    train = table.train.matrix()
    start = theirs(own, train)
    saved = tmp_path / "start.json"
    start.save_model(saved)
    tree = MlRoot(tmp_path / "job")
    tree.hyperparameters(own | table.train.declarations())
    tree.channel("train", table.train.content())
    tree.channel("model", saved.read_bytes(), "application/x-sagemaker-model")
    done = tree.train(trainer, first_round=10)
    assert done.code == 0, done.failure or done.stderr
    ours = loaded(done.model)
    assert ours.num_boosted_rounds() == 20
    expected = theirs(own, train, start)
    np.testing.assert_allclose(scaled(ours, table), scaled(expected, table), rtol=2e-3, atol=2e-3 * np.abs(scaled(expected, table)).max())


def test_folds_and_the_best_round_are_those_of_a_linear_model(trainer: pathlib.Path, repository: pathlib.Path, tmp_path: pathlib.Path) -> None:
    table = tables.wine(Folders(repository, tmp_path), 1)
    own = COORDINATE | THREE | {"booster": "gblinear", "objective": "multi:softprob", "num_round": 400, "eta": 1}
    done = run_job(MlRoot(tmp_path / "best"), trainer, table, own | {"early_stopping_rounds": 3})
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
    trainer: pathlib.Path, linden: pathlib.Path, repository: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    table = tables.diabetes(Folders(repository, tmp_path), 0)
    own = COORDINATE | {"booster": "gblinear", "objective": "reg:squarederror", "num_round": 30}
    done = run_job(MlRoot(tmp_path), trainer, table, own)
    booster = loaded(done.model)
    assert "gblinear" in linden_model(linden, "inspect", done.model)
    rows = tmp_path / "rows.csv"
    rows.write_text(csv(table.validation.features), encoding="utf-8")
    lines = linden_model(linden, "explain", done.model, rows, "--contributions", "--json").splitlines()
    ours = np.array([json.loads(line)["contributions"] for line in lines])
    expected = booster.predict(xgb.DMatrix(table.validation.features, nthread=1), pred_contribs=True)
    np.testing.assert_allclose(ours.reshape(expected.shape), expected, rtol=1e-5, atol=1e-3)
