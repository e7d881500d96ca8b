"""Cells outside of the grid: settings of single objectives, several labels, rows drawn by gradients, ways to train (`algorithm`,
going on from a model, updating one), the main job.
"""

import numpy as np

import tables
from parity.cells import Cell, Models
from parity.grid import SAME_START, SPELLS
from parts import Source, weighted, with_gaps

FOREST = {"num_round": 1, "eta": 1, "num_parallel_tree": 100, "subsample": 0.8, "colsample_bytree": 0.8, "lambda": 0.00001}
# Those of configs/usage-forecast/job.toml.
MAIN_JOB = {"num_round": 400, "eta": 0.05, "min_child_weight": 20, "subsample": 0.8, "colsample_bytree": 0.5}
LOGISTIC = {"aft_loss_distribution": "logistic", "aft_loss_distribution_scale": 0.7}
EXTREME = {"aft_loss_distribution": "extreme", "aft_loss_distribution_scale": 1.3}
GRADIENTS = {"sampling_method": "gradient_based", "subsample": 0.3, "num_round": 60}
TEN = {"num_class": 10, "num_round": 20, "max_depth": 4}
BEST_FIRST = {"grow_policy": "lossguide", "max_leaves": 12}
DAYS, DAYS_OF_2 = tables.bike_days(5), tables.bike_days(2)


def forest(objective: str, table: str, source: Source, parameters: dict[str, object], seeds: int) -> Cell:
    return Cell(objective, table, "random_forest", source, FOREST | parameters, seeds, algorithm="random_forest")


def ranked(objective: str, options: str, parameters: dict[str, object], source: Source = DAYS) -> Cell:
    """Pairs from the top are the same in both; pairs that are drawn are drawn differently."""
    return Cell(objective, "bike_days", options, source, parameters, seeds=4 if "mean" in options else 1)


def gradients(objective: str, table: str, options: str, source: Source, parameters: dict[str, object], seeds: int = 6, judges: str = "") -> Cell:
    return Cell(objective, table, f"gradient_based {options}".strip(), source, GRADIENTS | parameters, seeds, judges=judges)


def targets(objective: str, table: str, source: Source, judges: str = "") -> Cell:
    # Hours as in `bike_usage`, where a single run is noisy.
    seeds = 4 if source is tables.rides else 1
    return Cell(objective, table, "several labels", weighted(source), {"num_round": 50, "eta": 0.2}, seeds, judges=judges)


def unbiased(objective: str, options: str, parameters: dict[str, object], levels: int = 5) -> Cell:
    name = f"unbiased {options}".strip()
    return Cell(objective, "clicks", name, tables.clicks(levels), {"lambdarank_unbiased": "true", "num_round": 30} | parameters, seeds=4)


def continued(objective: str, table: str, options: str, source: Source, parameters: dict[str, object], seeds: int = 2) -> Cell:
    """After twenty rounds of XGBoost's."""
    # What a dart begins with is weighed anew.
    holds = None if options == "dart" else begins_with_its_start
    name = f"continued {options}".strip()
    return Cell(objective, table, name, source, {"num_round": 30} | parameters, seeds, start={"num_round": 20}, holds=holds)


def begins_with_its_start(models: Models) -> None:
    """Several intercepts are in the first trees, since older versions of XGBoost read only one."""
    assert models.start is not None
    assert models.linden.num_boosted_rounds() == models.xgboost.num_boosted_rounds() == 50
    data = models.table.validation.matrix()
    first = models.linden.predict(data, iteration_range=(0, 20), output_margin=True)
    np.testing.assert_allclose(first, models.start.predict(data, output_margin=True), rtol=1e-5, atol=1e-5)


def updated(objective: str, table: str, updater: str, source: Source, parameters: dict[str, object], seeds: int = 2) -> Cell:
    """Here and in XGBoost from 3.4 on, a weight of fewer hessians than `min_child_weight` is one; up to 3.3 it is not."""
    own = {"process_type": "update", "updater": updater, "min_child_weight": 0}
    return Cell(objective, table, updater, source, own | parameters, seeds, start={"gamma": 0})


SPECIAL = [
    Cell("count:poisson", "bike_usage", "main job", tables.bike_usage, MAIN_JOB, seeds=3),
    Cell("count:poisson", "bike_usage", "150 rounds", tables.bike_usage, {"num_round": 150}, seeds=6),
    Cell("count:poisson", "bike_usage", "max_delta_step 0.2", tables.bike_usage, {"max_delta_step": 0.2}),
    Cell("count:poisson", "bike_usage", "base_score 10", tables.bike_usage, {"base_score": 10, "num_round": 20}),
    Cell("reg:squarederror", "bike_usage", "depth 8, max_bin 64", tables.bike_usage, {"max_depth": 8, "max_bin": 64}),
    Cell("binary:logistic", "attrition", "scale_pos_weight 4", tables.attrition, {"scale_pos_weight": 4}, seeds=4),
    Cell("binary:logistic", "attrition", "weighted", weighted(tables.attrition), seeds=4),
    Cell("binary:logistic", "attrition", "gaps", with_gaps(tables.attrition), seeds=4),
    Cell("binary:logistic", "higgs", "scale_pos_weight 3", tables.higgs, {"scale_pos_weight": 3}),
    Cell("binary:logistic", "higgs", "base_score 0.1", tables.higgs, {"base_score": 0.1, "num_round": 10}),
    Cell("binary:logistic", "higgs", "depth 2, 150 rounds", tables.higgs, {"max_depth": 2, "num_round": 150, "eta": 0.3}),
    Cell("binary:logistic", "higgs", "min_child_weight 40", tables.higgs, {"min_child_weight": 40}),
    Cell("binary:logistic", "higgs", "max_delta_step 0.3", tables.higgs, {"max_delta_step": 0.3}),
    Cell("binary:logistic", "higgs", "few columns by level", tables.higgs_redrawn, {"colsample_bylevel": 0.3}, seeds=4),
    Cell("binary:logistic", "higgs", "few columns by node", tables.higgs_redrawn, {"colsample_bynode": 0.3}, seeds=4),
    Cell("binary:logistic", "higgs", "eta 1, depth 3", tables.higgs, {"eta": 1, "max_depth": 3, "num_round": 20}),
    Cell("binary:logistic", "higgs", "by level, 20 leaves", tables.higgs, {"max_leaves": 20, "max_depth": 8}),
    # The peer searches as it is told to, Linden as ever.
    Cell("binary:logistic", "higgs", "approx", tables.higgs_redrawn, {"tree_method": "approx"}, seeds=4),
    Cell("reg:squarederror", "flights", "approx", tables.flights, {"tree_method": "approx"}, seeds=4),
    Cell("binary:logitraw", "higgs", "scale_pos_weight 2", tables.higgs, {"scale_pos_weight": 2}),
    Cell("binary:hinge", "attrition", "weighted", weighted(tables.attrition), {"max_depth": 3}, seeds=8),
    Cell("reg:pseudohubererror", "diabetes", "huber_slope 30", tables.diabetes, {"huber_slope": 30, "base_score": 150, "max_depth": 3}, seeds=8),
    Cell("reg:pseudohubererror", "regression", "huber_slope 1", tables.regression),
    Cell("reg:quantileerror", "bike_usage", "one high level", tables.bike_usage, {"quantile_alpha": 0.9, "num_round": 80}, seeds=4),
    Cell("reg:tweedie", "bike_usage", "power 1.9", tables.bike_usage, {"tweedie_variance_power": 1.9}, seeds=2),
    Cell("survival:aft", "interval_to_work", "logistic", tables.interval_to_work, LOGISTIC | {"max_depth": 3}, seeds=2),
    Cell("survival:aft", "interval_to_work", "extreme", tables.interval_to_work, EXTREME | {"max_depth": 3}, seeds=2),
    Cell("multi:softmax", "digits", "weighted", weighted(tables.digits), SAME_START | {"num_class": 10, "num_round": 10, "max_depth": 3}, seeds=2),
    Cell("multi:softprob", "digits", "own start", tables.digits, {"num_class": 10, "num_round": 30}, seeds=2),
    forest("binary:logistic", "higgs", tables.higgs, {"max_depth": 8}, 2),
    forest("reg:squarederror", "regression", tables.regression, {}, 2),
    forest("reg:squarederror", "spells", SPELLS, {}, 2),
    forest("multi:softprob", "digits", tables.digits, SAME_START | {"num_class": 10, "max_depth": 6}, 6),
    ranked("rank:ndcg", "5 pairs from the top", {"lambdarank_num_pair_per_sample": 5}),
    ranked("rank:ndcg", "not normalised", {"lambdarank_normalization": "false", "lambdarank_score_normalization": "false"}),
    ranked("rank:ndcg", "labels as gain", {"ndcg_exp_gain": "false"}),
    ranked("rank:ndcg", "pairs by mean", {"lambdarank_pair_method": "mean"}),
    ranked("rank:pairwise", "3 pairs by mean", {"lambdarank_pair_method": "mean", "lambdarank_num_pair_per_sample": 3}),
    ranked("rank:map", "8 pairs from the top", {"lambdarank_num_pair_per_sample": 8}, DAYS_OF_2),
    ranked("rank:map", "4 pairs by mean", {"lambdarank_pair_method": "mean", "lambdarank_num_pair_per_sample": 4}, DAYS_OF_2),
    unbiased("rank:ndcg", "", {}),
    unbiased("rank:ndcg", "12 pairs, less drawn together", {"lambdarank_bias_norm": 0.5, "lambdarank_num_pair_per_sample": 12}),
    unbiased("rank:pairwise", "more drawn together", {"lambdarank_bias_norm": 2}),
    unbiased("rank:map", "", {}, levels=2),
    gradients("binary:logistic", "higgs", "", tables.higgs_redrawn, {}),
    gradients("binary:logistic", "higgs", "a fifth", tables.higgs_redrawn, {"subsample": 0.2}),
    gradients("binary:logistic", "higgs", "half, by auc", tables.higgs_redrawn, {"subsample": 0.5}, judges="auc,logloss"),
    gradients("binary:logistic", "higgs", "forests of 4", tables.higgs_redrawn, {"num_parallel_tree": 4, "num_round": 20}),
    gradients("binary:logistic", "delayed", "", tables.delayed, {}),
    gradients("count:poisson", "bike_usage", "", tables.bike_usage, {"num_round": 100}),
    gradients("reg:squarederror", "bike_usage", "weighted, half", weighted(tables.bike_usage), {"subsample": 0.5}),
    gradients("multi:softprob", "digits", "", tables.digits, TEN),
    Cell("reg:squarederror", "ink", "3 targets", tables.ink),
    Cell("reg:squarederror", "ink", "3 targets, sampled", tables.ink, {"subsample": 0.7, "colsample_bynode": 0.7}, seeds=4),
    Cell("reg:squarederror", "linnerud", "3 targets", tables.linnerud, {"max_depth": 2}, seeds=4),
    Cell("binary:logistic", "questions", "3 targets, best first", tables.questions, BEST_FIRST, judges="logloss,error"),
    targets("reg:squarederror", "rides", tables.rides),
    targets("reg:squarederror", "ink", tables.ink),
    targets("reg:absoluteerror", "ink", tables.ink),
    targets("reg:pseudohubererror", "ink", tables.ink),
    targets("reg:squaredlogerror", "rides", tables.rides),
    targets("reg:logistic", "questions", tables.questions, judges="logloss,rmse"),
    targets("binary:logistic", "questions", tables.questions, judges="logloss,error"),
    targets("count:poisson", "rides", tables.rides),
    targets("reg:gamma", "rides", tables.rides),
    targets("reg:tweedie", "rides", tables.rides),
    continued("count:poisson", "bike_usage", "", tables.bike_usage, {}, seeds=4),
    continued("binary:logistic", "higgs", "", tables.higgs_redrawn, {}),
    continued("multi:softprob", "digits", "", tables.digits, {"num_class": 10}),
    continued("reg:squarederror", "bike_usage", "forests of 3", tables.bike_usage, {"num_parallel_tree": 3}, seeds=4),
    continued("count:poisson", "bike_usage", "dart", tables.bike_usage, {"booster": "dart", "one_drop": 1, "rate_drop": 0.1}, seeds=6),
    updated("count:poisson", "bike_usage", "refresh", tables.bike_usage, {}),
    updated("reg:squarederror", "bike_usage", "prune", tables.bike_usage, {"gamma": 200000}),
    updated("reg:squarederror", "bike_usage", "refresh,prune", tables.bike_usage, {"gamma": 100000, "lambda": 3}),
    updated("binary:logistic", "higgs", "refresh", tables.higgs_redrawn, {"alpha": 0.5}),
    updated("binary:logistic", "delayed", "refresh,prune", tables.delayed, {"gamma": 4}),
    updated("multi:softprob", "digits", "refresh,prune", tables.digits, SAME_START | {"num_class": 10, "gamma": 0.5, "num_round": 15}),
]
