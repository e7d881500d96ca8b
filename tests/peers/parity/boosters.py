"""Cells of the other boosters: dart, whose draws are not XGBoost's, and gblinear, whose weights are.

gblinear is held to XGBoost's weights and metrics where XGBoost's own do not depend on chance; drawn orders are held to the same
quality after enough rounds.
"""

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import xgboost as xgb

import tables
from parity.cells import METRICS, Cell, Models
from parts import Source, Table, weighted, with_gaps
from reference import judged

DART = {"booster": "dart", "num_round": 60, "eta": 0.2, "rate_drop": 0.1}
TEN = {"num_class": 10, "num_round": 15, "max_depth": 4}
QUANTILES = {"quantile_alpha": [0.2, 0.5, 0.8], "skip_drop": 0.5, "num_round": 100}


def trees_are_left_out(models: Models) -> None:
    weights = json.loads(models.linden.save_raw("json"))["learner"]["gradient_booster"]["weight_drop"]
    assert min(weights) < 1, "every tree has its full weight"


def dart(objective: str, table: str, options: str, source: Source, parameters: Mapping[str, object], seeds: int = 6) -> Cell:
    name = f"dart {options}".strip()
    return Cell(objective, table, name, source, DART | dict(parameters), seeds, holds=trees_are_left_out)


DARTS = [
    dart("count:poisson", "bike_usage", "", tables.bike_usage, {}),
    dart("count:poisson", "bike_usage", "normalised as a forest", tables.bike_usage, {"normalize_type": "forest"}),
    dart("count:poisson", "bike_usage", "skips all", tables.bike_usage, {"rate_drop": 0.5, "skip_drop": 0.9}),
    dart("reg:squarederror", "bike_usage", "drawn by weight", tables.bike_usage, {"sample_type": "weighted", "one_drop": 1}, seeds=16),
    dart("reg:absoluteerror", "bike_usage", "", tables.bike_usage, {"skip_drop": 0.5}),
    dart("reg:quantileerror", "bike_usage", "", tables.bike_usage, QUANTILES, seeds=8),
    dart("reg:tweedie", "bike_usage", "best first", tables.bike_usage, {"grow_policy": "lossguide", "max_leaves": 16, "max_depth": 0}),
    dart("binary:logistic", "higgs", "", tables.higgs_redrawn, {"rate_drop": 0.3, "skip_drop": 0.5}),
    dart("binary:logistic", "higgs", "forests of 3", tables.higgs_redrawn, {"num_parallel_tree": 3, "subsample": 0.7, "num_round": 30}),
    dart("binary:logistic", "delayed", "one at least", tables.delayed, {"rate_drop": 0.02, "one_drop": 1}),
    dart("reg:squarederror", "agaricus", "one at least", tables.agaricus, {"num_round": 20, "max_depth": 3, "one_drop": 1}, seeds=16),
    dart("multi:softprob", "digits", "", tables.digits, TEN, seeds=8),
    dart("multi:softmax", "digits", "normalised as a forest", tables.digits, TEN | {"normalize_type": "forest", "rate_drop": 0.3}, seeds=8),
    dart("rank:ndcg", "bike_days", "", tables.bike_days(5), {"num_round": 40}),
    dart("survival:aft", "interval_to_work", "", tables.interval_to_work, {"max_depth": 3}),
]

LINEAR = {"booster": "gblinear", "num_round": 20, "updater": "coord_descent"}
PLAIN: Mapping[str, object] = {}
GREEDY = {"feature_selector": "greedy"}
THRIFTY = {"feature_selector": "thrifty"}


def weights(booster: xgb.Booster, table: Table) -> np.ndarray:
    """Each weight in units of what it can add to a prediction, so that all are compared alike."""
    document = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    assert document["name"] == "gblinear"
    features = table.train.features
    dense = np.nan_to_num(features.toarray() if hasattr(features, "toarray") else features)
    sizes = np.append(np.abs(dense).max(axis=0), 1)
    return np.array(document["model"]["weights"], dtype=np.float64).reshape(len(sizes), -1) * sizes[:, None]


def weights_are_xgboosts(models: Models) -> None:
    assert models.linden.num_boosted_rounds() == models.xgboost.num_boosted_rounds()
    found, expected = (weights(it, models.table) for it in (models.linden, models.xgboost))
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())
    metrics = METRICS[str(models.parameters["objective"])].split(",")
    for part in (models.table.train, models.table.validation):
        of_linden, of_xgboost = (judged(it, metrics, part.matrix()) for it in (models.linden, models.xgboost))
        assert of_linden == pytest.approx(of_xgboost, rel=2e-3, abs=1e-4)


def linear(objective: str, table: str, options: str, source: Source, parameters: Mapping[str, object] = PLAIN, seeds: int = 1) -> Cell:
    is_drawn = parameters.get("feature_selector") in ("shuffle", "random")
    holds = None if is_drawn else weights_are_xgboosts
    return Cell(objective, table, f"gblinear {options}".strip(), source, LINEAR | dict(parameters), seeds, settled=False, holds=holds)


THREE = {"num_class": 3}
LONG = {"num_round": 300, "lambda": 0.01}
LINEARS = [
    linear("reg:squarederror", "bike_usage", "", tables.bike_usage),
    linear("reg:squarederror", "bike_usage", "shotgun", tables.bike_usage, {"updater": "shotgun", "lambda": 0.01}),
    linear("reg:squarederror", "bike_usage", "lasso", tables.bike_usage, {"alpha": 2, "lambda": 0.1}),
    linear("reg:squarederror", "bike_usage", "greedy", tables.bike_usage, GREEDY | {"top_k": 3}),
    linear("reg:squarederror", "bike_usage", "thrifty", tables.bike_usage, THRIFTY),
    linear("count:poisson", "bike_usage", "", tables.bike_usage, {"eta": 0.1}),
    linear("binary:logistic", "attrition", "", tables.attrition, {"lambda": 0.001}),
    linear("binary:logistic", "attrition", "weighted", weighted(tables.attrition), {"eta": 0.3}),
    linear("binary:logistic", "attrition", "gaps", with_gaps(tables.attrition), {"base_score": 0.3}),
    linear("binary:logistic", "attrition", "shuffled", tables.attrition, LONG | {"feature_selector": "shuffle"}),
    linear("binary:logistic", "attrition", "drawn", tables.attrition, LONG | {"feature_selector": "random"}),
    linear("binary:logistic", "agaricus", "", tables.agaricus, {"alpha": 0.001}),
    linear("binary:logistic", "agaricus", "greedy", tables.agaricus, GREEDY | {"top_k": 10, "num_round": 5}),
    replace(linear("binary:logistic", "attrition", "continued", tables.attrition, {"num_round": 10, "lambda": 0.001}), start={}),
    linear("multi:softprob", "wine", "", tables.wine, THREE),
    linear("multi:softmax", "wine", "thrifty", tables.wine, THREE | THRIFTY | {"top_k": 4}),
    linear("reg:squarederror", "diabetes", "100 rounds", tables.diabetes, {"num_round": 100}),
    linear("reg:pseudohubererror", "store_sales", "", tables.store_sales, {"base_score": 7}),
    linear("reg:gamma", "diabetes", "", tables.diabetes, {"eta": 0.2}),
]
