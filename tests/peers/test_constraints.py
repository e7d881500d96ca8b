"""Constraints and chances of columns beside XGBoost, where the parity grid does not tell: which columns are drawn, what has no
order, and names.
"""

import pathlib

import numpy as np
import pytest
import xgboost as xgb

import tables
from job import finished
from parts import Folders, with_chances
from reference import grown, judged, loaded

# The model's file name has no ending; XGBoost 3 says that it looks at the first bytes instead.
pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")


def test_columns_of_one_value_have_no_order(trainer: pathlib.Path, folders: Folders, tmp_path: pathlib.Path) -> None:
    table = tables.agaricus(folders, 0)
    given = {"num_round": 10, "max_depth": 4, "objective": "binary:logistic"}
    free = finished(trainer, tmp_path / "free", given, table)
    ordered = finished(trainer, tmp_path / "ordered", given | {"monotone_constraints": "(" + "1,-1,0," * 42 + ")"}, table)
    assert ordered.metrics == free.metrics
    booster = loaded(ordered.model)
    margins = booster.predict(table.validation.matrix(), output_margin=True)
    np.testing.assert_array_equal(margins, loaded(free.model).predict(table.validation.matrix(), output_margin=True))


def counted(booster: xgb.Booster, n_features: int) -> np.ndarray:
    """How often each feature is split on."""
    counts = np.zeros(n_features)
    for name, count in booster.get_score(importance_type="weight").items():
        counts[int(name.removeprefix("f"))] = count
    return counts


@pytest.mark.parametrize("share", ["colsample_bytree", "colsample_bylevel", "colsample_bynode"])
def test_columns_are_drawn_as_often_as_in_xgboost(share: str, trainer: pathlib.Path, folders: Folders, tmp_path: pathlib.Path) -> None:
    table = with_chances(tables.higgs, (0.0, 0.0, 8.0, 4.0, 2.0, 1.0, 0.5))(folders, 0)
    n_features = table.train.features.shape[1]
    given = {"num_round": 150, "max_depth": 3, "eta": 0.05, "objective": "binary:logistic", share: 0.2, "seed": 7}
    ours = loaded(finished(trainer, tmp_path, given, table).model)
    theirs = grown(given, table.train.matrix())
    of_ours, of_theirs = counted(ours, n_features), counted(theirs, n_features)
    assert of_ours[:2].sum() == of_theirs[:2].sum() == 0
    assert np.corrcoef(of_ours, of_theirs)[0, 1] > 0.9
    validation = table.validation.matrix()
    of_ours, of_theirs = (judged(it, ["logloss"], validation)["logloss"] for it in (ours, theirs))
    assert of_ours == pytest.approx(of_theirs, rel=0.01)


def test_constraints_by_name_are_those_of_xgboosts_dictionary(trainer: pathlib.Path, folders: Folders, tmp_path: pathlib.Path) -> None:
    table = tables.store_sales(folders, 0)
    names = [f"n{column}" for column in range(table.train.features.shape[1])]
    directions = {"n4": -1, "n0": 1}
    groups = [["n0", "n4"], ["n1", "n2", "n3"]]
    given = {"num_round": 40, "eta": 0.1, "max_depth": 4, "objective": "reg:squarederror"}
    # As Python writes them down.
    texts = {"monotone_constraints": str(directions), "interaction_constraints": str(groups), "feature_names": ",".join(names)}
    ours = loaded(finished(trainer, tmp_path, given | texts, table).model)
    train, validation = table.train.matrix(), table.validation.matrix()
    train.feature_names = validation.feature_names = names
    theirs = grown(given | {"monotone_constraints": directions, "interaction_constraints": groups}, train)
    assert ours.feature_names == names
    of_ours, of_theirs = (judged(it, ["rmse"], validation)["rmse"] for it in (ours, theirs))
    assert of_ours == pytest.approx(of_theirs, rel=0.01)
