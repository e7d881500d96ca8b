"""`lambdarank_unbiased` beside XGBoost: what a row's place in its query has to do with its clicks."""

import json
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


def matrix(part: Part, queries: np.ndarray) -> xgb.DMatrix:
    return xgb.DMatrix(part.features, label=part.labels, qid=queries, nthread=1)


def clicked(part: Part, queries: np.ndarray) -> tuple[Part, np.ndarray]:
    """Hours of a day in an order that was shown, and clicks: busy hours are clicked where they are seen, first ones more."""
    random = np.random.default_rng(5)
    order = np.concatenate([at + random.permutation(ROWS_OF_QUERY) for at in range(0, len(queries), ROWS_OF_QUERY)])
    features, worth = part.features[order], part.labels[order] / 4
    place = np.arange(len(queries)) % ROWS_OF_QUERY
    seen = random.random(len(queries)) < 1 / (1 + place) ** 0.7
    return Part(features, (seen & (random.random(len(queries)) < worth)).astype(np.float32)), queries


@pytest.mark.parametrize(
    ("objective", "more"),
    [
        ("rank:ndcg", {}),
        ("rank:ndcg", {"lambdarank_bias_norm": 0.5, "lambdarank_num_pair_per_sample": 12}),
        ("rank:pairwise", {"lambdarank_bias_norm": 2}),
        ("rank:map", {}),
        ("rank:pairwise", {"lambdarank_pair_method": "mean", "lambdarank_num_pair_per_sample": 8}),
    ],
    ids=str,
)
def test_what_places_are_worth_is_learned_as_xgboost_learns_it(
    objective: str,
    more: dict[str, object],
    trainer: pathlib.Path,
    repository: pathlib.Path,
    tmp_path: pathlib.Path,
) -> None:
    table = tables.bike_usage(Folders(repository, tmp_path), 0)
    train = clicked(*graded(table.train, 5))
    own = PARAMETERS | {"objective": objective, "lambdarank_unbiased": "true", "num_round": 3} | more
    tree = MlRoot(tmp_path)
    tree.hyperparameters(own | {"qid_column": 1, "eval_metric": "ndcg@5"})
    tree.channel("train", csv(*train))
    done = tree.train(trainer)
    assert done.code == 0, done.failure or done.stderr
    ours, theirs = loaded(done.model), grown(own, matrix(*train))

    def learned(booster: xgb.Booster, name: str) -> np.ndarray:
        return np.array(json.loads(booster.save_raw("json"))["learner"]["objective"][name], dtype=np.float64)

    found = done.metrics["train-ndcg@5"][-1]
    assert found == pytest.approx(judged(ours, ["ndcg@5"], matrix(*train))["ndcg@5"], rel=ROUNDED, abs=PRINTED)
    # Trees that differ a little come to differ more, and so does what is learned of their margins: the first rounds tell.
    for name in ("ti+", "tj-"):
        expected = learned(theirs, name)
        assert len(expected) > 10 and expected[0] == 1 and np.ptp(expected) > 0.05
        if "mean" not in more.values():
            np.testing.assert_allclose(learned(ours, name), expected, atol=0.005)


def test_lists_of_clicks_are_as_good_as_xgboosts(
    trainer: pathlib.Path, repository: pathlib.Path, ratios: list[tuple[str, str, float, float]], tmp_path: pathlib.Path
) -> None:
    table = tables.bike_usage(Folders(repository, tmp_path), 0)
    train, judges = clicked(*graded(table.train, 5)), graded(table.validation, 5)
    own = PARAMETERS | {"objective": "rank:ndcg", "lambdarank_unbiased": "true", "num_round": 30}
    tree = MlRoot(tmp_path / "job")
    tree.hyperparameters(own | {"qid_column": 1})
    tree.channel("train", csv(*train))
    done = tree.train(trainer)
    assert done.code == 0, done.failure or done.stderr
    worth = [judged(it, ["ndcg@24"], matrix(*judges))["ndcg@24"] for it in (loaded(done.model), grown(own, matrix(*train)))]
    ratios.append(("rank:ndcg unbiased", "ndcg@24", *worth))
    assert worth[0] / worth[1] >= 1 - WORSE, worth
