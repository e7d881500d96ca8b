"""Cells of categories: codes that are split one by one or into two sets, as XGBoost does with `enable_categorical`."""

from collections.abc import Mapping

import coded_tables as coded
from parity.cells import Cell, Models
from parts import Source, with_gaps

PLAIN: Mapping[str, object] = {}
ONE_BY_ONE = {"max_cat_to_onehot": 300}
IN_SETS = {"max_cat_to_onehot": 1}
BEST_FIRST = {"grow_policy": "lossguide", "max_leaves": 20, "max_depth": 0}
LONG = {"num_round": 100}


def splits_on_categories(models: Models) -> None:
    text = "".join(models.linden.get_dump())
    assert ":{" in text, "no split is on categories"


def of(objective: str, table: str, options: str, source: Source, parameters: Mapping[str, object] = PLAIN, seeds: int = 4, judges: str = "") -> Cell:
    name = f"categories {options}".strip()
    return Cell(objective, table, name, source, parameters, seeds, judges=judges, holds=splits_on_categories)


CATEGORIES = [
    *(
        of(objective, table, options, source, parameters, seeds)
        for objective, table, source, seeds in (
            ("reg:squarederror", "flights", coded.arrivals, 4),
            ("binary:logistic", "delayed", coded.delayed, 4),
            ("binary:logistic", "attrition", coded.attrition, 6),
            ("count:poisson", "bike_hours", coded.bikers, 4),
        )
        for options, parameters in (
            ("", PLAIN),
            ("one by one", ONE_BY_ONE),
            ("in sets", IN_SETS),
            ("best first", BEST_FIRST),
        )
    ),
    of("binary:logistic", "delayed", "depth 7, by auc", coded.delayed, {"max_depth": 7}, judges="auc,logloss"),
    of("binary:logistic", "delayed", "sets of 16", coded.delayed, {"max_depth": 7, "max_cat_threshold": 16}),
    of("binary:logistic", "delayed", "gaps", with_gaps(coded.delayed)),
    of("binary:logistic", "delayed", "regularised", coded.delayed, {"lambda": 5, "alpha": 1, "gamma": 0.5, "min_child_weight": 4}),
    of("reg:squarederror", "flights", "sampled", coded.arrivals, {"subsample": 0.7, "colsample_bynode": 0.7}, seeds=6),
    of("reg:absoluteerror", "flights", "", coded.arrivals),
    of("binary:logistic", "attrition", "by auc", coded.attrition, seeds=6, judges="auc,logloss"),
    of("count:poisson", "bike_hours", "100 rounds", coded.bikers, LONG),
    of("reg:squarederror", "bike_hours", "depth 7", coded.bikers, {"max_depth": 7}),
    of("reg:squarederror", "store_sales", "depth 3", coded.store_sales, {"max_depth": 3}),
    of("reg:squarederror", "spells", "depth 3", coded.spells, {"max_depth": 3}),
    of("reg:gamma", "spells", "in sets", coded.spells, IN_SETS | {"max_depth": 3}),
]
