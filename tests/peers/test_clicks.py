"""`lambdarank_unbiased` beside XGBoost: what a row's place in its query has to do with its clicks.

How good rankings are that were learned of clicks is told by the parity grid.
"""

import json
import pathlib

import numpy as np
import pytest
import xgboost as xgb

import tables
from job import finished
from parts import Folders
from reference import PRINTED, ROUNDED, grown, judged, loaded

PARAMETERS = {"num_round": 3, "eta": 0.1, "max_depth": 5}

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")


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
    folders: Folders,
    tmp_path: pathlib.Path,
) -> None:
    table = tables.clicks(2)(folders, 0)
    own = PARAMETERS | {"objective": objective, "lambdarank_unbiased": "true"} | more
    done = finished(trainer, tmp_path, own | {"eval_metric": "ndcg@5"}, table)
    train = table.train.matrix()
    ours, theirs = loaded(done.model), grown(own, train)

    def learned(booster: xgb.Booster, name: str) -> np.ndarray:
        return np.array(json.loads(booster.save_raw("json"))["learner"]["objective"][name], dtype=np.float64)

    found = done.metrics["train-ndcg@5"][-1]
    assert found == pytest.approx(judged(ours, ["ndcg@5"], train)["ndcg@5"], rel=ROUNDED, abs=PRINTED)
    # Trees that differ a little come to differ more, and so does what is learned of their margins: the first rounds tell.
    for name in ("ti+", "tj-"):
        expected = learned(theirs, name)
        assert len(expected) > 10 and expected[0] == 1 and np.ptp(expected) > 0.05
        if "mean" not in more.values():
            np.testing.assert_allclose(learned(ours, name), expected, atol=0.005)
