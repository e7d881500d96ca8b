"""A small made-up table for models of every kind: rows with gaps and categories, labels for every objective, and what goes
into `linden model` and comes out of it.

XGBoost and NumPy only, so that it runs beside every pinned version.
"""

import pathlib
import subprocess

import numpy as np
import xgboost as xgb

N_ROWS, N_FEATURES = 500, 6
# Rows of a query.
LIST = 10
FEW_CATEGORIES, MANY_CATEGORIES = 3, 4
TYPES = ["float", "float", "float", "c", "c", "float"]
VERSION = tuple(int(it) for it in xgb.__version__.split(".")[:2])


def features() -> np.ndarray:
    """Numbers, a column of few categories, one of many, and large numbers; all but the third with gaps."""
    rng = np.random.default_rng(17)
    rows = rng.normal(size=(N_ROWS, N_FEATURES)).astype(np.float32)
    rows[:, FEW_CATEGORIES] = rng.integers(0, 3, size=N_ROWS)
    rows[:, MANY_CATEGORIES] = rng.integers(0, 60, size=N_ROWS)
    rows[:, 5] *= np.float32(1e6)
    rows[rng.random(rows.shape) < 0.15] = np.nan
    # A complete column, so that every row has a field that is not empty.
    rows[:, 2] = rng.normal(size=N_ROWS)
    return rows


def signal(rows: np.ndarray) -> np.ndarray:
    known = np.nan_to_num(rows)
    many = known[:, MANY_CATEGORIES]
    value = known[:, 0] * (known[:, 1] > 0) + np.sin(known[:, 2]) + (many % 7 < 3) - np.isnan(rows[:, MANY_CATEGORIES])
    noise = 0.1 * np.random.default_rng(18).normal(size=len(rows))
    return value + (known[:, FEW_CATEGORIES] == 1) + 0.3 * (known[:, 5] > 5e5) + noise


def labels_for(objective: str, rows: np.ndarray) -> np.ndarray:
    """Labels that an objective takes, and can learn."""
    value = signal(rows)
    made = {
        "reg:logistic": 1 / (1 + np.exp(-value)),
        "reg:gamma": np.exp(0.4 * value),
        "reg:squaredlogerror": np.exp(0.4 * value),
        "reg:tweedie": np.maximum(value, 0),
        "count:poisson": np.exp(0.5 * value).round(),
        "survival:aft": np.exp(0.4 * value),
        # Negative where the end was not seen.
        "survival:cox": np.exp(-0.4 * value) * np.where(np.arange(len(value)) % 3 == 0, -1, 1),
        "rank:map": value > 0.5,
    }
    if objective in made:
        return made[objective].astype(np.float32)
    kind = objective.split(":")[0]
    kinds = {"multi": np.digitize(value, [0.0, 1.0]), "binary": value > 0.5, "rank": np.digitize(value, [-0.5, 0.5, 1.5])}
    return kinds.get(kind, value).astype(np.float32)


def queries(n_rows: int) -> np.ndarray:
    return np.arange(n_rows) // LIST


def label(data: xgb.DMatrix, objective: str, labels: np.ndarray) -> None:
    """Gives a matrix what an objective needs beside features."""
    data.set_label(labels)
    if objective == "survival:aft":
        data.set_float_info("label_lower_bound", labels)
        data.set_float_info("label_upper_bound", labels)
    if objective.startswith("rank:"):
        data.set_uint_info("qid", queries(data.num_row()).astype(np.uint32))


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
