"""XGBoost with its own reader of CSV and libsvm, as the built-in algorithm's image runs it.

Its CSV reader takes an empty cell for zero, so a table with missing values scores differently here.
"""

import xgboost

from spec import Phases, request
from xgboost_driver import boost, predict


def matrix(spec, path: str):
    """The file as XGBoost's own reader takes it."""
    told = "format=libsvm" if spec.format == "libsvm" else "format=csv&label_column=0"
    return xgboost.DMatrix(f"{path}?{told}", nthread=spec.threads)


def fit(spec) -> None:
    """The timed run; binning happens inside training here."""
    phases = Phases()
    train, validation = matrix(spec, spec.train), matrix(spec, spec.validation)
    phases.done("load")
    booster = boost(spec, train, validation)
    phases.done("train")
    booster.save_model(spec.model)
    phases.done("save")
    phases.report()


if __name__ == "__main__":
    verb, spec = request()
    (fit if verb == "train" else predict)(spec)
