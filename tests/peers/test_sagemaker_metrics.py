"""The metrics that the built-in algorithm adds to XGBoost's are scikit-learn's, of what XGBoost predicts with Linden's model.

The built-in algorithm takes every probability above 0 for a positive; here one half decides, as the tests' own rule says.
"""

import pathlib
from collections.abc import Callable

import numpy as np
import pytest
import sklearn.metrics as skm

import tables
from ml_root import MlRoot
from parts import Folders, Source, weighted
from reference import PRINTED, ROUNDED, loaded

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")

Score = Callable[[np.ndarray, np.ndarray], float]


def averaged(score: Callable[..., float], average: str) -> Score:
    return lambda truth, predicted: score(truth, predicted, average=average, zero_division=0)


OF_CLASSES: dict[str, Score] = {
    "accuracy": skm.accuracy_score,
    "balanced_accuracy": skm.balanced_accuracy_score,
    "f1": averaged(skm.f1_score, "macro"),
    "f1_macro": averaged(skm.f1_score, "macro"),
    "precision_macro": averaged(skm.precision_score, "macro"),
    "precision_micro": averaged(skm.precision_score, "micro"),
    "recall_macro": averaged(skm.recall_score, "macro"),
    "recall_micro": averaged(skm.recall_score, "micro"),
}
OF_TWO: dict[str, Score] = {
    "f1_binary": averaged(skm.f1_score, "binary"),
    "precision": averaged(skm.precision_score, "binary"),
    "recall": averaged(skm.recall_score, "binary"),
}
OF_NUMBERS: dict[str, Score] = {"mse": skm.mean_squared_error, "r2": skm.r2_score}

# Objective, table, classes.
CASES: dict[str, tuple[str, Source, int]] = {
    "logistic": ("binary:logistic", tables.attrition, 2),
    "logistic weighted": ("binary:logistic", weighted(tables.attrition), 2),
    "logitraw": ("binary:logitraw", tables.breast_cancer, 2),
    "hinge": ("binary:hinge", tables.breast_cancer, 2),
    "softmax": ("multi:softmax", tables.digits, 10),
    "softprob": ("multi:softprob", tables.wine, 3),
    "squared error": ("reg:squarederror", tables.diabetes, 0),
    "counts weighted": ("count:poisson", weighted(tables.bike_usage), 0),
    "gamma": ("reg:gamma", tables.diabetes, 0),
}


def decided(objective: str, predictions: np.ndarray) -> np.ndarray:
    """The class of each row, or the number."""
    if objective == "multi:softprob":
        return predictions.argmax(axis=1)
    if objective.startswith("binary:"):
        return (predictions > (0 if objective == "binary:logitraw" else 0.5)).astype(int)
    return predictions


@pytest.mark.parametrize("name", CASES)
def test_what_is_printed_is_what_scikit_learn_computes(
    name: str, trainer: pathlib.Path, folders: Folders, tmp_path: pathlib.Path
) -> None:
    objective, source, n_classes = CASES[name]
    scores = OF_NUMBERS | (OF_CLASSES if n_classes else {}) | (OF_TWO if n_classes == 2 else {})
    if n_classes > 2:
        scores = OF_CLASSES
    table = source(folders, 0)
    tree = MlRoot(tmp_path)
    classes = {"num_class": n_classes} if n_classes > 2 else {}
    own = {"objective": objective, "num_round": 8, "max_depth": 3, "eval_metric": ",".join(scores)}
    tree.hyperparameters(own | classes | table.train.declarations())
    parts = {"train": table.train, "validation": table.validation}
    for channel, part in parts.items():
        tree.channel(channel, part.content(), part.content_type)
    done = tree.train(trainer)
    assert done.code == 0, done.failure or done.stderr
    booster = loaded(done.model)
    for channel, part in parts.items():
        predictions = booster.predict(part.matrix())
        for metric, score in scores.items():
            numbers = predictions if metric in OF_NUMBERS else decided(objective, predictions)
            expected = score(part.labels, numbers)
            printed = done.metrics[f"{channel}-{metric}"][-1]
            assert printed == pytest.approx(expected, rel=ROUNDED, abs=PRINTED), f"{channel} {metric}"


def test_the_last_metric_steers_early_stopping_the_right_way(
    trainer: pathlib.Path, folders: Folders, tmp_path: pathlib.Path
) -> None:
    table = tables.attrition(folders, 1)
    tree = MlRoot(tmp_path)
    own = {"objective": "binary:logistic", "num_round": 60, "eval_metric": "logloss,balanced_accuracy", "early_stopping_rounds": 8}
    tree.hyperparameters(own)
    tree.channel("train", table.train.content())
    tree.channel("validation", table.validation.content())
    done = tree.train(trainer)
    assert done.code == 0, done.failure
    history = done.metrics["validation-balanced_accuracy"]
    booster = loaded(done.model)
    best = int(np.argmax(history))
    assert booster.num_boosted_rounds() == best + 1
    assert len(history) == min(best + 1 + 8, 60)
