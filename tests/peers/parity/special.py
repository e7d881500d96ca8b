"""Cells outside of the grid: settings of single objectives, `algorithm` = `random_forest`, the main job."""

import tables
from parity.cells import Cell
from parity.grid import SAME_START, SPELLS

FOREST = {"num_round": 1, "eta": 1, "num_parallel_tree": 100, "subsample": 0.8, "colsample_bytree": 0.8, "lambda": 0.00001}
# Those of configs/usage-forecast/job.toml.
MAIN_JOB = {"num_round": 400, "eta": 0.05, "min_child_weight": 20, "subsample": 0.8, "colsample_bytree": 0.5}
LOGISTIC = {"aft_loss_distribution": "logistic", "aft_loss_distribution_scale": 0.7}
EXTREME = {"aft_loss_distribution": "extreme", "aft_loss_distribution_scale": 1.3}
# Prices of others, income and advertising up; the own price and age down.
DIRECTIONS = {"monotone_constraints": "(1,1,1,0,-1,0,0,0,-1)"}
GROUPS = {"interaction_constraints": "[[0, 1, 2, 3], [3, 4, 5, 6, 21, 22], [21, 22, 23, 24, 25, 26, 27]]"}
GRADIENTS = {"sampling_method": "gradient_based", "subsample": 0.3}
DAYS, DAYS_OF_2 = tables.bike_days(5), tables.bike_days(2)


def forest(objective: str, table: str, source: tables.Source, parameters: dict[str, object], seeds: int) -> Cell:
    return Cell(objective, table, "random_forest", source, FOREST | parameters, seeds, algorithm="random_forest")


def ranked(objective: str, options: str, parameters: dict[str, object], source: tables.Source = DAYS) -> Cell:
    """Pairs from the top are the same in both; pairs that are drawn are drawn differently."""
    return Cell(objective, "bike_days", options, source, parameters, seeds=4 if "mean" in options else 1)


SPECIAL = [
    Cell("count:poisson", "bike_usage", "main job", tables.bike_usage, MAIN_JOB, seeds=3),
    Cell("count:poisson", "bike_usage", "150 rounds", tables.bike_usage, {"num_round": 150}, seeds=6),
    Cell("count:poisson", "bike_usage", "max_delta_step 0.2", tables.bike_usage, {"max_delta_step": 0.2}),
    Cell("count:poisson", "bike_usage", "base_score 10", tables.bike_usage, {"base_score": 10, "num_round": 20}),
    Cell("reg:squarederror", "bike_usage", "depth 8, max_bin 64", tables.bike_usage, {"max_depth": 8, "max_bin": 64}),
    Cell("binary:logistic", "attrition", "scale_pos_weight 4", tables.attrition, {"scale_pos_weight": 4}, seeds=4),
    Cell("binary:logistic", "attrition", "weighted", tables.weighted(tables.attrition), seeds=4),
    Cell("binary:logistic", "attrition", "gaps", tables.with_gaps(tables.attrition), seeds=4),
    Cell("binary:logistic", "higgs", "scale_pos_weight 3", tables.higgs, {"scale_pos_weight": 3}),
    Cell("binary:logistic", "higgs", "base_score 0.1", tables.higgs, {"base_score": 0.1, "num_round": 10}),
    Cell("binary:logistic", "higgs", "depth 2, 150 rounds", tables.higgs, {"max_depth": 2, "num_round": 150, "eta": 0.3}),
    Cell("binary:logistic", "higgs", "min_child_weight 40", tables.higgs, {"min_child_weight": 40}),
    Cell("binary:logistic", "higgs", "max_delta_step 0.3", tables.higgs, {"max_delta_step": 0.3}),
    Cell("binary:logistic", "higgs", "few columns by level", tables.higgs_redrawn, {"colsample_bylevel": 0.3}, seeds=4),
    Cell("binary:logistic", "higgs", "few columns by node", tables.higgs_redrawn, {"colsample_bynode": 0.3}, seeds=4),
    Cell("binary:logistic", "higgs", "eta 1, depth 3", tables.higgs, {"eta": 1, "max_depth": 3, "num_round": 20}),
    Cell("binary:logistic", "higgs", "by level, 20 leaves", tables.higgs, {"max_leaves": 20, "max_depth": 8}),
    Cell("binary:logitraw", "higgs", "scale_pos_weight 2", tables.higgs, {"scale_pos_weight": 2}),
    Cell("binary:hinge", "attrition", "weighted", tables.weighted(tables.attrition), {"max_depth": 3}, seeds=8),
    Cell("reg:pseudohubererror", "diabetes", "huber_slope 30", tables.diabetes, {"huber_slope": 30, "base_score": 150, "max_depth": 3}, seeds=8),
    Cell("reg:pseudohubererror", "regression", "huber_slope 1", tables.regression),
    Cell("reg:quantileerror", "bike_usage", "one high level", tables.bike_usage, {"quantile_alpha": 0.9, "num_round": 80}, seeds=4),
    Cell("reg:tweedie", "bike_usage", "power 1.9", tables.bike_usage, {"tweedie_variance_power": 1.9}, seeds=2),
    Cell("survival:aft", "interval_to_work", "logistic", tables.interval_to_work, LOGISTIC | {"max_depth": 3}, seeds=2),
    Cell("survival:aft", "interval_to_work", "extreme", tables.interval_to_work, EXTREME | {"max_depth": 3}, seeds=2),
    Cell("multi:softmax", "digits", "weighted", tables.weighted(tables.digits), SAME_START | {"num_class": 10, "num_round": 10, "max_depth": 3}, seeds=2),
    Cell("multi:softprob", "digits", "own start", tables.digits, {"num_class": 10, "num_round": 30}, seeds=2),
    Cell("reg:squarederror", "store_sales", "monotone", tables.store_sales, DIRECTIONS | {"max_depth": 3}, seeds=4),
    Cell("reg:squarederror", "store_sales", "monotone, best first", tables.store_sales, DIRECTIONS | {"grow_policy": "lossguide", "max_leaves": 10}, seeds=4),
    Cell("binary:logistic", "higgs", "groups", tables.higgs_redrawn, GROUPS, seeds=2),
    Cell("binary:logistic", "higgs", "groups, sampled", tables.higgs_redrawn, GROUPS | {"colsample_bytree": 0.7, "colsample_bynode": 0.7}, seeds=6),
    Cell("binary:logistic", "higgs", "gradient_based", tables.higgs_redrawn, GRADIENTS, seeds=6),
    Cell("binary:logistic", "delayed", "gradient_based", tables.delayed, GRADIENTS, seeds=4),
    Cell("count:poisson", "bike_usage", "gradient_based", tables.bike_usage, GRADIENTS, seeds=6),
    Cell("reg:squarederror", "ink", "3 targets", tables.ink),
    Cell("reg:squarederror", "ink", "3 targets, weighted", tables.weighted(tables.ink)),
    Cell("reg:squarederror", "ink", "3 targets, sampled", tables.ink, {"subsample": 0.7, "colsample_bynode": 0.7}, seeds=4),
    Cell("reg:absoluteerror", "ink", "3 targets", tables.ink),
    Cell("reg:squarederror", "linnerud", "3 targets", tables.linnerud, {"max_depth": 2}, seeds=4),
    Cell("binary:logistic", "questions", "3 targets", tables.questions, judges="logloss,error"),
    Cell("binary:logistic", "questions", "3 targets, best first", tables.questions, {"grow_policy": "lossguide", "max_leaves": 12}, judges="logloss,error"),
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
]
