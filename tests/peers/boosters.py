"""Models of every family that XGBoost trains, on tables with missing values and categories; what Linden makes of them."""

import pathlib
import subprocess
from dataclasses import dataclass

import numpy as np
import xgboost as xgb

N_ROWS, N_FEATURES, ROUNDS = 400, 5, 8
VERSION = tuple(int(it) for it in xgb.__version__.split(".")[:2])
HIST = {"tree_method": "hist", "max_depth": 4, "nthread": 1}
DART = {**HIST, "booster": "dart", "rate_drop": 0.3, "one_drop": 1, "seed": 4}
LINEAR = {"booster": "gblinear", "updater": "coord_descent", "nthread": 1}
CLASSES = {"objective": "multi:softprob", "num_class": 3}
LOGISTIC = {"objective": "binary:logistic"}
VECTOR = {**HIST, "multi_strategy": "multi_output_tree"}


def features() -> np.ndarray:
    """Numbers, then a column of few categories and one of many, all with gaps."""
    rng = np.random.default_rng(17)
    rows = rng.normal(size=(N_ROWS, N_FEATURES)).astype(np.float32)
    rows[:, 3] = rng.integers(0, 3, size=N_ROWS)
    rows[:, 4] = rng.integers(0, 60, size=N_ROWS)
    rows[rng.random(rows.shape) < 0.15] = np.nan
    # A complete column, so that every row has a field that is not empty.
    rows[:, 2] = rng.normal(size=N_ROWS)
    return rows


def signal(rows: np.ndarray) -> np.ndarray:
    known = np.nan_to_num(rows)
    value = known[:, 0] * (known[:, 1] > 0) + np.sin(known[:, 2]) + (known[:, 4] % 7 < 3) - np.isnan(rows[:, 4])
    return value + (known[:, 3] == 1) + 0.1 * np.random.default_rng(18).normal(size=len(rows))


@dataclass(frozen=True)
class Family:
    """`labels` is one of value, positive, grade, side, values, sides."""

    name: str
    params: dict[str, object]
    labels: str = "value"
    categorical: bool = False
    oldest: tuple[int, int] = (1, 7)

    def __str__(self) -> str:
        return self.name

    def matrix(self, rows: np.ndarray) -> xgb.DMatrix:
        types = ["float"] * 3 + ["c", "c"] if self.categorical else None
        return xgb.DMatrix(rows, feature_types=types, enable_categorical=self.categorical, nthread=1)

    def train(self, rows: np.ndarray) -> xgb.Booster:
        value = signal(rows)
        labels = {
            "value": value,
            "grade": np.digitize(value, [0.0, 1.0]),
            "side": value > 0.5,
            "positive": np.exp(0.4 * value),
            "values": np.stack([value, 1 - 3 * value, value**2], axis=1),
            "sides": np.stack([value > 0, value > 1], axis=1),
        }[self.labels]
        data = self.matrix(rows)
        data.set_label(labels.astype(np.float32))
        return xgb.train({**self.params, "nthread": 1}, data, num_boost_round=ROUNDS)


FAMILIES = [
    it
    for it in (
        Family("trees", HIST),
        Family("leafwise", {**HIST, "max_depth": 0, "max_leaves": 20, "grow_policy": "lossguide"}),
        Family("forest", {**HIST, **LOGISTIC, "num_parallel_tree": 3, "subsample": 0.7, "seed": 2}, "side"),
        Family("classes", {**HIST, **CLASSES}, "grade"),
        Family("one_hot", {**HIST, "max_cat_to_onehot": 100}, categorical=True),
        Family("partition", {**HIST, "max_cat_to_onehot": 1}, categorical=True),
        Family("class_categories", {**HIST, **CLASSES, "max_cat_to_onehot": 4}, "grade", categorical=True),
        Family("dart", DART),
        Family("dart_categories", {**DART, "max_cat_to_onehot": 2}, categorical=True),
        Family("dart_classes", {**DART, **CLASSES}, "grade"),
        Family("gblinear", {**LINEAR, **LOGISTIC}, "side"),
        Family("gblinear_classes", {**LINEAR, **CLASSES}, "grade"),
        Family("targets", HIST, "values"),
        Family("targets_logistic", {**HIST, **LOGISTIC}, "sides"),
        Family("targets_forest", {**HIST, "num_parallel_tree": 2, "subsample": 0.8, "seed": 3}, "values"),
        Family("quantiles", {**HIST, "objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}, oldest=(2, 0)),
        Family("hinge", {**HIST, "objective": "binary:hinge"}, "side"),
        Family("tweedie", {**HIST, "objective": "reg:tweedie"}, "positive"),
        Family("vector", VECTOR, "values", oldest=(2, 0)),
        Family("vector_forest", {**VECTOR, "num_parallel_tree": 2, "subsample": 0.8, "seed": 3}, "values", oldest=(2, 0)),
        Family("vector_logistic", {**VECTOR, **LOGISTIC}, "sides", oldest=(2, 0)),
    )
    if it.oldest <= VERSION
]


def csv(rows: np.ndarray) -> str:
    def field_of(value: np.floating) -> str:
        return "" if np.isnan(value) else repr(float(value))

    return "".join(",".join(field_of(value) for value in row) + "\n" for row in rows)


def run(linden: pathlib.Path, *arguments: object) -> str:
    """What `linden model` prints."""
    command = [str(it) for it in (linden, "model", *arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers(text: str, dtype: type = np.float32) -> np.ndarray:
    return np.array([[dtype(it) for it in line.split(",")] for line in text.splitlines()], dtype=dtype)


def margins(booster: xgb.Booster, data: xgb.DMatrix) -> np.ndarray:
    return booster.predict(data, output_margin=True).reshape(data.num_row(), -1)
