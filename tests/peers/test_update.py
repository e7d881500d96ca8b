"""`process_type` = `update` beside XGBoost: the trees of a model, refreshed and pruned by other rows."""

import json
import pathlib

import numpy as np
import pytest
import xgboost as xgb

import tables
from job import finished, written
from parts import Folders, Source, Table
from reference import PRINTED, ROUNDED, grown, judged, loaded

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format", "ignore:.*updater.*")

# Here and in XGBoost from 3.4 on, a weight of fewer hessians than `min_child_weight` is one, and `alpha` counts where
# `max_delta_step` limits a weight; up to 3.3 neither is so.
SHARED = {"eta": 0.3, "max_depth": 4, "min_child_weight": 0, "num_round": 12}


def nodes(booster: xgb.Booster) -> list[tuple[str, float, float, float]]:
    """What each node tests, and its gain, its cover and what it adds, in the order of the ways from the roots."""
    found: list[tuple[str, float, float, float]] = []

    def walk(node: dict[str, object]) -> None:
        split, numbers = str(node.get("split", "leaf")), [float(str(node.get(it, 0))) for it in ("gain", "cover", "leaf")]
        found.append((split, *numbers))
        children = {it["nodeid"]: it for it in node.get("children", [])}
        for side in ("yes", "no") if children else ():
            walk(children[node[side]])

    for tree in booster.get_dump(with_stats=True, dump_format="json"):
        walk(json.loads(tree))
    return found


@pytest.mark.parametrize(
    ("objective", "metric", "source", "updater", "more"),
    [
        ("count:poisson", "poisson-nloglik", tables.bike_usage, "refresh", {}),
        ("count:poisson", "poisson-nloglik", tables.bike_usage, "refresh", {"refresh_leaf": 0}),
        ("reg:squarederror", "rmse", tables.bike_usage, "prune", {"gamma": 200000}),
        ("reg:squarederror", "rmse", tables.bike_usage, "refresh,prune", {"gamma": 100000, "lambda": 3}),
        ("binary:logistic", "logloss", tables.higgs_redrawn, "refresh", {"alpha": 0.5}),
        ("binary:logistic", "logloss", tables.higgs_redrawn, "refresh", {"max_delta_step": 0.4}),
        ("multi:softprob", "mlogloss", tables.digits, "refresh,prune", {"num_class": 10, "gamma": 0.5, "max_depth": 3, "base_score": 0.5}),
        ("binary:logistic", "logloss", tables.agaricus, "refresh", {"num_round": 5}),
        ("reg:squarederror", "rmse", tables.bike_usage, "refresh", {"num_parallel_tree": 2}),
    ],
    ids=lambda it: str(it).replace(" ", "") if isinstance(it, (str, dict)) else "",
)
def test_trees_are_xgboosts(
    objective: str,
    metric: str,
    source: Source,
    updater: str,
    more: dict[str, object],
    trainer: pathlib.Path,
    folders: Folders,
    tmp_path: pathlib.Path,
) -> None:
    table = source(folders, 0)
    train, validation = table.train.matrix(), table.validation.matrix()
    own = SHARED | {"objective": objective} | more
    growing = {name: value for name, value in own.items() if name not in ("gamma", "refresh_leaf")}
    start = grown(growing | ({"subsample": 0.7} if "num_parallel_tree" in more else {}), train)
    rounds = int(str(own["num_round"])) - 2
    update = own | {"process_type": "update", "updater": updater, "num_round": rounds}
    # The rows that judged the trees are those that they are updated by.
    done = finished(trainer, tmp_path, update, Table(table.validation, table.train), start)
    ours, theirs = loaded(done.model), grown(update, validation, start)
    assert ours.num_boosted_rounds() == theirs.num_boosted_rounds() == rounds
    found, expected = nodes(ours), nodes(theirs)
    assert [it[0] for it in found] == [it[0] for it in expected]
    for column in range(1, 4):
        ours_of, theirs_of = (np.array([it[column] for it in side]) for side in (found, expected))
        np.testing.assert_allclose(ours_of, theirs_of, rtol=2e-3, atol=1e-4 * float(np.abs(theirs_of).max()))
    for part, data in (("train", validation), ("validation", train)):
        measured = judged(ours, [metric], data)[metric]
        assert done.metrics[f"{part}-{metric}"][-1] == pytest.approx(measured, rel=ROUNDED, abs=PRINTED)
        assert measured == pytest.approx(judged(theirs, [metric], data)[metric], rel=1e-3)


def test_what_cannot_be_updated_is_told(trainer: pathlib.Path, folders: Folders, tmp_path: pathlib.Path) -> None:
    table = tables.bike_usage(folders, 0)
    own = SHARED | {"objective": "reg:squarederror", "process_type": "update", "updater": "refresh"}
    without = written(tmp_path / "without", own, table)
    assert "there is no channel `model`" in without.train(trainer).failure
    start = grown(SHARED | {"objective": "reg:squarederror", "num_round": 3}, table.train.matrix())
    few = written(tmp_path / "few", own, table, start)
    assert "the model that is updated has 3 rounds" in few.train(trainer).failure
