"""Models of every family that XGBoost trains, on rows with missing values and categories; what Linden makes of them."""

import pathlib
from dataclasses import dataclass

import numpy as np
import xgboost as xgb

from samples import TYPES, VERSION, label, labels_for, signal

ROUNDS = 8
HIST = {"tree_method": "hist", "max_depth": 4, "nthread": 1}
DART = {**HIST, "booster": "dart", "rate_drop": 0.3, "one_drop": 1, "seed": 4}
LINEAR = {"booster": "gblinear", "updater": "coord_descent", "nthread": 1}
CLASSES = {"objective": "multi:softprob", "num_class": 3}
LOGISTIC = {"objective": "binary:logistic"}
VECTOR = {**HIST, "multi_strategy": "multi_output_tree"}


@dataclass(frozen=True)
class Trained:
    """A model in memory, and its files by their ending."""

    booster: xgb.Booster
    files: dict[str, pathlib.Path]

    @property
    def ubj(self) -> tuple[xgb.Booster, pathlib.Path]:
        return self.booster, self.files["ubj"]


@dataclass(frozen=True)
class Family:
    """`several` makes labels with a column for each of several targets."""

    name: str
    params: dict[str, object]
    several: bool = False
    categorical: bool = False
    oldest: tuple[int, int] = (1, 7)

    def __str__(self) -> str:
        return self.name

    @property
    def objective(self) -> str:
        return str(self.params.get("objective", "reg:squarederror"))

    def matrix(self, rows: np.ndarray) -> xgb.DMatrix:
        types = TYPES if self.categorical else None
        return xgb.DMatrix(rows, feature_types=types, enable_categorical=self.categorical, nthread=1)

    def labels(self, rows: np.ndarray) -> np.ndarray:
        if not self.several:
            return labels_for(self.objective, rows)
        value = signal(rows)
        binary = self.objective.startswith("binary:")
        targets = [value > 0, value > 1] if binary else [value, 1 - 3 * value, value**2]
        return np.stack(targets, axis=1).astype(np.float32)

    def train(self, rows: np.ndarray) -> xgb.Booster:
        data = self.matrix(rows)
        label(data, self.objective, self.labels(rows))
        return xgb.train({**self.params, "nthread": 1}, data, num_boost_round=ROUNDS)

    def saved(self, rows: np.ndarray, folder: pathlib.Path) -> Trained:
        booster = self.train(rows)
        files = {ending: folder / f"model.{ending}" for ending in ("json", "ubj")}
        for path in files.values():
            booster.save_model(path)
        return Trained(booster, files)


FAMILIES = [
    it
    for it in (
        Family("trees", HIST),
        Family("leafwise", {**HIST, "max_depth": 0, "max_leaves": 20, "grow_policy": "lossguide"}),
        Family("forest", {**HIST, **LOGISTIC, "num_parallel_tree": 3, "subsample": 0.7, "seed": 2}),
        Family("classes", {**HIST, **CLASSES}),
        Family("one_hot", {**HIST, "max_cat_to_onehot": 100}, categorical=True),
        Family("partition", {**HIST, "max_cat_to_onehot": 1}, categorical=True),
        Family("class_categories", {**HIST, **CLASSES, "max_cat_to_onehot": 4}, categorical=True),
        Family("dart", DART),
        Family("dart_categories", {**DART, "max_cat_to_onehot": 2}, categorical=True),
        Family("dart_classes", {**DART, **CLASSES}),
        Family("gblinear", {**LINEAR, **LOGISTIC}),
        Family("gblinear_classes", {**LINEAR, **CLASSES}),
        Family("targets", HIST, several=True),
        Family("targets_logistic", {**HIST, **LOGISTIC}, several=True),
        Family("targets_forest", {**HIST, "num_parallel_tree": 2, "subsample": 0.8, "seed": 3}, several=True),
        Family("quantiles", {**HIST, "objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}, oldest=(2, 0)),
        Family("hinge", {**HIST, "objective": "binary:hinge"}),
        Family("tweedie", {**HIST, "objective": "reg:tweedie"}),
        Family("absolute", {**HIST, "objective": "reg:absoluteerror"}),
        Family("counts", {**HIST, "objective": "count:poisson"}),
        Family("ranks", {**HIST, "objective": "rank:ndcg"}),
        Family("cox", {**HIST, "objective": "survival:cox"}),
        Family("aft", {**HIST, "objective": "survival:aft", "aft_loss_distribution": "logistic"}),
        Family("vector", VECTOR, several=True, oldest=(2, 0)),
        Family("vector_forest", {**VECTOR, "num_parallel_tree": 2, "subsample": 0.8, "seed": 3}, several=True, oldest=(2, 0)),
        Family("vector_logistic", {**VECTOR, **LOGISTIC}, several=True, oldest=(2, 0)),
    )
    if it.oldest <= VERSION
]
