"""CatBoost with symmetric trees, its fastest: plain boosting, no bootstrap, 254 borders."""

import catboost
import numpy as np

from spec import Phases, read_table, request, to_numpy

LOSSES = {"binary:logistic": "Logloss", "reg:squarederror": "RMSE", "multi:softprob": "MultiClass"}


def parameters(spec) -> dict[str, object]:
    """The work's parameters in CatBoost's words."""
    return {
        "loss_function": LOSSES[spec.objective],
        "iterations": spec.rounds,
        "learning_rate": spec.eta,
        "depth": spec.depth,
        "l2_leaf_reg": 1.0,
        "border_count": min(spec.max_bin, 255) - 1,
        "boosting_type": "Plain",
        "bootstrap_type": "No",
        "random_strength": 0.0,
        "leaf_estimation_iterations": 1,
        "score_function": "L2",
        "thread_count": spec.threads,
        "use_best_model": False,
        "allow_writing_files": False,
        "verbose": False,
    }


def fit(spec) -> None:
    """The timed run."""
    phases = Phases()
    read = [to_numpy(read_table(path, spec.format, spec.threads)) for path in (spec.train, spec.validation)]
    phases.done("load")
    train, validation = (catboost.Pool(features, labels, thread_count=spec.threads) for labels, features in read)
    del read
    model = catboost.CatBoost(parameters(spec))
    train.quantize(border_count=min(spec.max_bin, 255) - 1, task_type="CPU")
    phases.done("bin")
    model.fit(train, eval_set=validation)
    phases.done("train")
    model.save_model(spec.model)
    phases.done("save")
    phases.report()


def predict(spec) -> None:
    """Predictions for the validation table, as probabilities where the objective has them."""
    model = catboost.CatBoost()
    model.load_model(spec.model)
    features = to_numpy(read_table(spec.validation, spec.format, spec.threads))[1]
    kind = "RawFormulaVal" if spec.objective == "reg:squarederror" else "Probability"
    predictions = model.predict(features, prediction_type=kind)
    np.save(spec.predictions, predictions[:, 1] if spec.objective == "binary:logistic" else predictions)


if __name__ == "__main__":
    verb, spec = request()
    (fit if verb == "train" else predict)(spec)
