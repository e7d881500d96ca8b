"""XGBoost in this process: the models that it grows, and what it measures. It judges both models, so that both are measured
with one ruler.
"""

import pathlib
from collections.abc import Mapping, Sequence

import xgboost as xgb

# A model may be this much worse than XGBoost's. One that is much better is suspect: it may have seen what it should not.
WORSE, BETTER = 0.01, 0.05
# Jobs print five decimals, and XGBoost's loss of a row is an f32 where Linden's is an f64.
PRINTED, ROUNDED = 1e-5, 1e-6


def loaded(path: pathlib.Path) -> xgb.Booster:
    """The model that a job left behind."""
    booster = xgb.Booster()
    booster.load_model(path)
    return booster


def grown(hyperparameters: Mapping[str, object], train: xgb.DMatrix, start: xgb.Booster | None = None) -> xgb.Booster:
    """What XGBoost makes of a job's hyperparameters, after `start` if there is one. Trees are grown by `hist` where nothing else is said."""
    own = {name: value for name, value in hyperparameters.items() if name != "num_round"}
    grows_trees = own.get("booster") != "gblinear" and own.get("process_type") != "update"
    method = {"tree_method": "hist"} if grows_trees else {}
    return xgb.train(method | own | {"nthread": 1}, train, num_boost_round=int(hyperparameters["num_round"]), xgb_model=start)


def judged(
    booster: xgb.Booster, metrics: Sequence[str], data: xgb.DMatrix, settings: Mapping[str, object] | None = None
) -> dict[str, float]:
    """What XGBoost measures, by metric; `settings` are those that it does not take from a model that it loads."""
    booster.set_param([("nthread", 1), *(settings or {}).items(), *(("eval_metric", it) for it in metrics)])
    values = (it.rsplit(":", 1) for it in booster.eval(data, "x").split("\t")[1:])
    found = {name.removeprefix("x-"): float(value) for name, value in values}
    return {it: found[it] for it in metrics}
