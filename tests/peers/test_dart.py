"""What `booster` = `dart` does beside training as well as XGBoost, which the parity grid tells."""

import json
import pathlib

import numpy as np
import pytest

import tables
from job import finished
from parts import Folders
from reference import PRINTED, ROUNDED, grown, judged, loaded

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")

PARAMETERS = {"booster": "dart", "objective": "count:poisson", "num_round": 30, "eta": 0.2, "max_depth": 5, "rate_drop": 0.1}


def test_the_best_round_keeps_its_weights(trainer: pathlib.Path, folders: Folders, tmp_path: pathlib.Path) -> None:
    """XGBoost cuts the trees and keeps the last round's weights, so that its model is not the one that was best."""
    table = tables.bike_usage(folders, 0)
    done = finished(trainer, tmp_path, PARAMETERS | {"num_round": 200, "eta": 0.6, "early_stopping_rounds": 5}, table)
    printed = done.metrics["validation-poisson-nloglik"]
    booster = loaded(done.model)
    assert booster.num_boosted_rounds() == int(np.argmin(printed)) + 1 < len(printed)
    found = judged(booster, ["poisson-nloglik"], table.validation.matrix())["poisson-nloglik"]
    assert found == pytest.approx(min(printed), rel=ROUNDED, abs=PRINTED)


@pytest.mark.parametrize("booster", ["dart", "gbtree"])
def test_xgboosts_trees_are_left_out_too(booster: str, trainer: pathlib.Path, folders: Folders, tmp_path: pathlib.Path) -> None:
    table = tables.bike_usage(folders, 0)
    own = PARAMETERS | {"one_drop": 1}
    begun = grown(own | {"booster": booster}, table.train.matrix())
    done = finished(trainer, tmp_path, own, table, begun)
    weights = json.loads(loaded(done.model).save_raw("json"))["learner"]["gradient_booster"]["weight_drop"]
    assert len(weights) == 60 and min(weights[:30]) < 1
    before = judged(begun, ["poisson-nloglik"], table.validation.matrix())["poisson-nloglik"]
    assert done.metrics["validation-poisson-nloglik"][-1] < before
