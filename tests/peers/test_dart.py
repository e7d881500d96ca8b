"""Training with `booster` = `dart` beside XGBoost: as good a model, and metrics that are those of the model.

Which trees a round leaves out is drawn, and the draws are not XGBoost's; means of several seeds are compared.
"""

import json
import pathlib
from dataclasses import dataclass, field

import numpy as np
import pytest
import xgboost as xgb

import tables
from ml_root import MlRoot
from reference import BETTER, PRINTED, ROUNDED, WORSE, grown, judged, loaded
from tables import Folders, Source

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")

DEFAULTS = {"booster": "dart", "num_round": 60, "eta": 0.2, "max_depth": 5, "rate_drop": 0.1}


@dataclass(frozen=True)
class Cell:
    name: str
    source: Source
    objective: str
    metrics: str
    parameters: dict[str, object] = field(default_factory=dict)
    seeds: int = 6

    def shared(self, seed: int) -> dict[str, object]:
        return DEFAULTS | self.parameters | {"objective": self.objective, "seed": seed}


TEN = {"num_class": 10, "num_round": 15, "max_depth": 4}
# XGBoost 3.2 starts each level at its own quantile. Here levels of a dart start together, so that what they start from is in
# no tree that may be left out: 1.4 % worse after 100 rounds. With one start for both, only what is learned is compared.
QUANTILES = {"quantile_alpha": [0.2, 0.5, 0.8], "skip_drop": 0.5, "num_round": 100, "base_score": 150}
CELLS = [
    Cell("bike_usage", tables.bike_usage, "count:poisson", "poisson-nloglik,rmse"),
    Cell("bike_usage forest", tables.bike_usage, "count:poisson", "poisson-nloglik", {"normalize_type": "forest"}),
    Cell("bike_usage weighted", tables.bike_usage, "reg:squarederror", "rmse,mae", {"sample_type": "weighted", "one_drop": 1}, seeds=16),
    Cell("bike_usage median", tables.bike_usage, "reg:absoluteerror", "mae", {"skip_drop": 0.5}),
    Cell("bike_usage quantiles", tables.bike_usage, "reg:quantileerror", "quantile", QUANTILES, seeds=8),
    Cell("higgs", tables.higgs_redrawn, "binary:logistic", "logloss,auc", {"rate_drop": 0.3, "skip_drop": 0.5}),
    Cell("higgs trees", tables.higgs_redrawn, "binary:logistic", "logloss", {"num_parallel_tree": 3, "subsample": 0.7, "num_round": 30}),
    Cell("agaricus", tables.agaricus, "reg:squarederror", "rmse", {"num_round": 20, "max_depth": 3, "one_drop": 1}, seeds=16),
    Cell("digits", tables.digits, "multi:softprob", "mlogloss,merror", TEN, seeds=8),
    Cell("digits forest", tables.digits, "multi:softmax", "mlogloss", TEN | {"normalize_type": "forest", "rate_drop": 0.3}, seeds=8),
]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name.replace(" ", "-"))
def test_the_model_is_as_good_and_its_metrics_are_xgboosts(
    cell: Cell,
    trainer: pathlib.Path,
    repository: pathlib.Path,
    peers_data: pathlib.Path,
    ratios: list[tuple[str, str, float, float]],
    tmp_path: pathlib.Path,
) -> None:
    metrics = cell.metrics.split(",")
    settings = {name: cell.parameters[name] for name in ("quantile_alpha",) if name in cell.parameters}
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    for seed in range(cell.seeds):
        table = cell.source(Folders(repository, peers_data), seed)
        train, validation = table.train.matrix(), table.validation.matrix()
        tree = MlRoot(tmp_path / str(seed))
        tree.hyperparameters(cell.shared(seed) | {"eval_metric": cell.metrics} | table.train.declarations())
        tree.channel("train", table.train.content(), table.train.content_type)
        tree.channel("validation", table.validation.content(), table.validation.content_type)
        done = tree.train(trainer)
        assert done.code == 0, done.failure or done.stderr
        booster = loaded(done.model)
        assert min(json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["weight_drop"]) < 1
        ours.append(judged(booster, metrics, validation, settings))
        theirs.append(judged(grown(cell.shared(seed), train), metrics, validation, settings))
        of_train = judged(booster, metrics, train, settings)
        printed = {name: values[-1] for name, values in done.metrics.items()}
        measured = {f"train-{it}": value for it, value in of_train.items()} | {f"validation-{it}": value for it, value in ours[-1].items()}
        assert printed == pytest.approx(measured, rel=ROUNDED, abs=PRINTED), f"seed {seed}"
    for metric in metrics:
        means = [float(np.mean([it[metric] for it in side])) for side in (ours, theirs)]
        ratios.append((f"dart {cell.name}", metric, *means))
    ratio = ratios[-len(metrics)][2] / ratios[-len(metrics)][3]
    assert 1 - BETTER <= ratio <= 1 + WORSE, ratio


def test_the_best_round_keeps_its_weights(trainer: pathlib.Path, repository: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """XGBoost cuts the trees and keeps the last round's weights, so that its model is not the one that was best."""
    table = tables.bike_usage(Folders(repository, tmp_path), 0)
    own = DEFAULTS | {"objective": "count:poisson", "num_round": 200, "eta": 0.6, "early_stopping_rounds": 5}
    tree = MlRoot(tmp_path / "job")
    tree.hyperparameters(own)
    tree.channel("train", table.train.content())
    tree.channel("validation", table.validation.content())
    done = tree.train(trainer)
    assert done.code == 0, done.failure or done.stderr
    printed = done.metrics["validation-poisson-nloglik"]
    booster = loaded(done.model)
    assert booster.num_boosted_rounds() == int(np.argmin(printed)) + 1 < len(printed)
    found = judged(booster, ["poisson-nloglik"], table.validation.matrix())["poisson-nloglik"]
    assert found == pytest.approx(min(printed), rel=ROUNDED, abs=PRINTED)


def test_xgboosts_dart_is_continued(trainer: pathlib.Path, repository: pathlib.Path, tmp_path: pathlib.Path) -> None:
    table = tables.bike_usage(Folders(repository, tmp_path), 0)
    train, validation = table.train.matrix(), table.validation.matrix()
    own = DEFAULTS | {"objective": "count:poisson", "num_round": 30, "one_drop": 1}
    for name, start in (("dart", own), ("gbtree", own | {"booster": "gbtree"})):
        saved = tmp_path / f"{name}.ubj"
        begun = grown(start, train)
        begun.save_model(saved)
        tree = MlRoot(tmp_path / name)
        tree.hyperparameters(own)
        tree.channel("train", table.train.content())
        tree.channel("validation", table.validation.content())
        tree.channel("model", saved.read_bytes(), "application/x-sagemaker-model")
        done = tree.train(trainer, first_round=30)
        assert done.code == 0, done.failure or done.stderr
        booster = loaded(done.model)
        weights = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["weight_drop"]
        assert len(weights) == 60 and min(weights[:30]) < 1
        for part, data in (("train", train), ("validation", validation)):
            found = judged(booster, ["poisson-nloglik"], data)["poisson-nloglik"]
            assert done.metrics[f"{part}-poisson-nloglik"][-1] == pytest.approx(found, rel=ROUNDED, abs=PRINTED)
        before = judged(begun, ["poisson-nloglik"], validation)["poisson-nloglik"]
        assert done.metrics["validation-poisson-nloglik"][-1] < before
