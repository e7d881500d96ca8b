"""Queries of libsvm are those of CSV, and the metric where none is named is XGBoost's.

How good rankings are beside XGBoost's is told by the parity grid.
"""

import pathlib

import numpy as np

import tables
from ml_root import MlRoot
from parts import Folders, Part

PARAMETERS = {"num_round": 20, "eta": 0.1, "max_depth": 5, "objective": "rank:ndcg"}


def libsvm(part: Part) -> bytes:
    lines = []
    for label, query, row in zip(part.labels, part.queries, part.features, strict=True):
        pairs = (f"{at}:{value!r}" for at, value in enumerate(row.tolist()) if not np.isnan(value))
        lines.append(f"{label:g} qid:{query} {' '.join(pairs)}\n")
    return "".join(lines).encode()


def test_libsvm_names_queries_itself_and_the_default_metric_is_xgboosts(
    trainer: pathlib.Path, folders: Folders, tmp_path: pathlib.Path
) -> None:
    train = tables.bike_days(5)(folders, 0).train

    def job(name: str, content: bytes, content_type: str, more: dict[str, object]) -> dict[str, list[float]]:
        tree = MlRoot(tmp_path / name)
        tree.hyperparameters(PARAMETERS | more)
        tree.channel("train", content, content_type)
        done = tree.train(trainer)
        assert done.code == 0, done.failure or done.stderr
        return done.metrics

    of_libsvm = job("libsvm", libsvm(train), "text/libsvm", {})
    assert list(of_libsvm) == ["train-ndcg@32"]
    assert of_libsvm == job("csv", train.content(), train.content_type, train.declarations())
