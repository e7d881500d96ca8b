"""One cell: an objective with options on a table, what both are trained with, and how their models are judged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import xgboost as xgb

from parts import Source, Table
from reference import BETTER, WORSE

# Of times and of lists a part is seen only, so that less decides.
WORSE_OF_PARTS = 0.02
LARGER_IS_BETTER = ("auc", "aucpr", "map", "ndcg", "pre", "interval-regression-accuracy")

# The first is what the models are compared by; all that Linden prints are compared with what XGBoost measures.
METRICS = {
    "reg:squarederror": "rmse,mae",
    "reg:logistic": "logloss,rmse,mae,auc",
    "reg:squaredlogerror": "rmsle,rmse",
    "reg:pseudohubererror": "mphe,mae,rmse",
    "reg:absoluteerror": "mae,rmse",
    "reg:quantileerror": "quantile",
    "reg:gamma": "gamma-deviance,gamma-nloglik,rmse,mape",
    "reg:tweedie": "tweedie-nloglik@1.5,tweedie-nloglik@1.2,rmse",
    "binary:logistic": "logloss,auc,aucpr,error,error@0.7,rmse,mae",
    "binary:logitraw": "auc,aucpr,logloss,error@0.7",
    "binary:hinge": "error,rmse",
    "count:poisson": "poisson-nloglik,rmse,mae",
    "survival:cox": "cox-nloglik",
    "survival:aft": "aft-nloglik,interval-regression-accuracy",
    "multi:softmax": "mlogloss,merror,auc,aucpr",
    "multi:softprob": "mlogloss,merror,auc,aucpr",
    "rank:ndcg": "ndcg@24,ndcg,ndcg@5,ndcg@3-,auc",
    "rank:pairwise": "ndcg@24,ndcg@5,auc",
    "rank:map": "map@24,map,map@3,pre@4,auc",
}
# XGBoost does not take these from a model that it loads.
SETTINGS = ("huber_slope", "quantile_alpha", "aft_loss_distribution", "aft_loss_distribution_scale", "ndcg_exp_gain")
OF_UPDATES = ("process_type", "updater", "refresh_leaf")
MOST_BINS, BINS_FEWER = 256, 8
DEFAULTS = {"num_round": 40, "eta": 0.1, "max_depth": 5}


@dataclass(frozen=True)
class Models:
    """What both have made of a table with the same parameters."""

    linden: xgb.Booster
    xgboost: xgb.Booster
    table: Table
    parameters: Mapping[str, object]
    # What both went on from.
    start: xgb.Booster | None


@dataclass(frozen=True)
class Cell:
    """Where a single run is noisy, the metrics are means over `seeds` runs, each with another split or sample."""

    objective: str
    table: str
    options: str
    source: Source
    parameters: Mapping[str, object] = field(default_factory=dict)
    seeds: int = 1
    # What Linden's own `algorithm` means in XGBoost's parameters.
    algorithm: str = "gradient_boosting"
    # Whether `DEFAULTS` hold; without them only rounds are given.
    settled: bool = True
    # Where not all metrics of the objective go with the table.
    judges: str = ""
    # Whether each run has another number of bins, where luck is in the cuts and not in the rows.
    moves_cuts: bool = False
    # What else is true of the models of each run, asserted.
    holds: Callable[[Models], None] | None = None
    # What the model that both go on from has other parameters in; XGBoost makes it of every other training row.
    start: Mapping[str, object] | None = None
    # How much better Linden's metric may be.
    may_be_better: float = BETTER

    def __str__(self) -> str:
        return f"{self.objective}-{self.table}-{self.options}".replace(" ", "_")

    @property
    def metrics(self) -> list[str]:
        return (self.judges or METRICS[self.objective]).split(",")

    @property
    def metric(self) -> str:
        """The one that models are compared by."""
        return self.metrics[0]

    @property
    def larger_is_better(self) -> bool:
        return self.metric.split("@")[0] in LARGER_IS_BETTER

    @property
    def worse(self) -> float:
        return WORSE_OF_PARTS if self.objective.startswith(("survival:", "rank:")) else WORSE

    @property
    def settings(self) -> dict[str, object]:
        """What metrics are set to."""
        return {name: self.parameters[name] for name in SETTINGS if name in self.parameters}

    def beginning(self, seed: int) -> dict[str, object] | None:
        """The parameters of the model that both go on from."""
        if self.start is None:
            return None
        return {name: value for name, value in self.shared(seed).items() if name not in OF_UPDATES} | dict(self.start)

    def shared(self, seed: int) -> dict[str, object]:
        """The parameters of both."""
        own = DEFAULTS if self.settled else {"num_round": DEFAULTS["num_round"]}
        bins = {"max_bin": MOST_BINS - BINS_FEWER * seed} if self.moves_cuts else {}
        return own | bins | dict(self.parameters) | {"objective": self.objective, "seed": seed}
