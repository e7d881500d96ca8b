"""Ranking beside XGBoost: hours of a day, the busiest first, from the table of the main job.

Pairs from the top are the same in both, so the models nearly are; pairs that are drawn are drawn differently, and only
the metric can be compared.
"""

import pathlib

import numpy as np
import pytest
import xgboost as xgb

import tables
from ml_root import MlRoot
from reference import PRINTED, ROUNDED, grown, judged, loaded
from tables import Folders, Part

# Of lists a part is seen only, so that less decides.
WORSE = 0.02
PARAMETERS = {"num_round": 60, "eta": 0.1, "max_depth": 5}
ROWS_OF_QUERY = 24

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")


def graded(part: Part, levels: int) -> tuple[Part, np.ndarray]:
    """Rows with the day as query, and how busy an hour is among those of its day as label; a tenth is graded at random."""
    n_rows = len(part.labels) // ROWS_OF_QUERY * ROWS_OF_QUERY
    days = part.labels[:n_rows].reshape(-1, ROWS_OF_QUERY)
    places = days.argsort(axis=1).argsort(axis=1) / (ROWS_OF_QUERY - 1)
    labels = np.floor(places.ravel() * (levels - 0.001)).astype(np.float32)
    random = np.random.default_rng(0)
    wrong = random.random(n_rows) < 0.1
    labels[wrong] = random.integers(0, levels, wrong.sum())
    return Part(part.features[:n_rows], labels), np.arange(n_rows) // ROWS_OF_QUERY


def csv(part: Part, queries: np.ndarray) -> bytes:
    """Lines of label, query, features."""
    return Part(np.column_stack([queries, part.features]), part.labels).content()


def libsvm(part: Part, queries: np.ndarray) -> bytes:
    lines = []
    for label, query, row in zip(part.labels, queries, part.features, strict=True):
        pairs = (f"{at}:{value!r}" for at, value in enumerate(row.tolist()) if not np.isnan(value))
        lines.append(f"{label:g} qid:{query} {' '.join(pairs)}\n")
    return "".join(lines).encode()


def matrix(part: Part, queries: np.ndarray) -> xgb.DMatrix:
    return xgb.DMatrix(part.features, label=part.labels, qid=queries, nthread=1)


@pytest.mark.parametrize(
    ("objective", "metric", "more"),
    [
        ("rank:ndcg", "ndcg", {}),
        ("rank:pairwise", "ndcg", {}),
        ("rank:map", "map", {}),
        ("rank:ndcg", "ndcg", {"lambdarank_num_pair_per_sample": 5}),
        ("rank:ndcg", "ndcg", {"lambdarank_normalization": "false", "lambdarank_score_normalization": "false"}),
        ("rank:ndcg", "ndcg", {"ndcg_exp_gain": "false"}),
        ("rank:map", "map", {"lambdarank_num_pair_per_sample": 8}),
        ("rank:ndcg", "ndcg", {"lambdarank_pair_method": "mean"}),
        ("rank:pairwise", "ndcg", {"lambdarank_pair_method": "mean", "lambdarank_num_pair_per_sample": 3}),
        ("rank:map", "map", {"lambdarank_pair_method": "mean", "lambdarank_num_pair_per_sample": 4}),
    ],
    ids=str,
)
def test_lists_are_as_good_and_their_metrics_are_xgboosts(
    objective: str,
    metric: str,
    more: dict[str, object],
    trainer: pathlib.Path,
    repository: pathlib.Path,
    ratios: list[tuple[str, str, float, float]],
    tmp_path: pathlib.Path,
) -> None:
    table = tables.bike_usage(Folders(repository, tmp_path), 0)
    levels = 2 if objective == "rank:map" else 5
    train, validation = (graded(part, levels) for part in (table.train, table.validation))
    names = ["ndcg@5", "ndcg@3-", "auc", *(["map@3", "pre@4"] if levels == 2 else []), metric]
    tree = MlRoot(tmp_path)
    tree.hyperparameters(PARAMETERS | {"objective": objective, "eval_metric": ",".join(names), "qid_column": 1} | more)
    tree.channel("train", csv(*train))
    tree.channel("validation", csv(*validation))
    done = tree.train(trainer)
    assert done.code == 0, done.failure or done.stderr
    booster = loaded(done.model)
    gain = {name: value for name, value in more.items() if name == "ndcg_exp_gain"}
    for name, part in (("train", train), ("validation", validation)):
        found = judged(booster, names, matrix(*part), gain)
        printed = {it.removeprefix(f"{name}-"): values[-1] for it, values in done.metrics.items() if it.startswith(f"{name}-")}
        assert printed == pytest.approx(found, rel=ROUNDED, abs=PRINTED)
    reference = grown(PARAMETERS | {"objective": objective} | more, matrix(*train))
    at_all = f"{metric}@{ROWS_OF_QUERY}"
    ours, theirs = (judged(it, [at_all], matrix(*validation))[at_all] for it in (booster, reference))
    ratios.append((f"{objective} {more}", at_all, ours, theirs))
    # Larger is better.
    assert ours / theirs >= 1 - WORSE, (ours, theirs)


def test_libsvm_names_queries_itself_and_the_default_metric_is_xgboosts(
    trainer: pathlib.Path, repository: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    train = graded(tables.bike_usage(Folders(repository, tmp_path), 0).train, 5)

    def job(name: str, content: bytes, content_type: str, more: dict[str, object]) -> dict[str, list[float]]:
        tree = MlRoot(tmp_path / name)
        tree.hyperparameters(PARAMETERS | {"objective": "rank:ndcg"} | more)
        tree.channel("train", content, content_type)
        done = tree.train(trainer)
        assert done.code == 0, done.failure or done.stderr
        return done.metrics

    of_libsvm = job("libsvm", libsvm(*train), "text/libsvm", {})
    assert list(of_libsvm) == ["train-ndcg@32"]
    assert of_libsvm == job("csv", csv(*train), "text/csv", {"qid_column": 1})
