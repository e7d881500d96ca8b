"""scikit-learn's HistGradientBoosting, with the validation table scored after each round and no early end."""

import os
import pickle

from spec import Phases, read_table, request, to_numpy


def estimator(spec):
    """The work's parameters in scikit-learn's words. Early stopping is on, beyond reach, since only that scores each round."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor  # noqa: PLC0415

    kind = HistGradientBoostingRegressor if spec.objective == "reg:squarederror" else HistGradientBoostingClassifier
    return kind(
        max_iter=spec.rounds,
        learning_rate=spec.eta,
        max_depth=None if spec.leaves else spec.depth,
        max_leaf_nodes=spec.leaves or 2**spec.depth,
        max_bins=min(spec.max_bin, 255),
        l2_regularization=1.0,
        min_samples_leaf=1,
        early_stopping=True,
        scoring="loss",
        n_iter_no_change=spec.rounds + 1,
    )


def fit(spec) -> None:
    """The timed run; binning happens inside training here."""
    phases = Phases()
    (labels, features), (held_labels, held_features) = (
        to_numpy(read_table(path, spec.format, spec.threads)) for path in (spec.train, spec.validation)
    )
    phases.done("load")
    model = estimator(spec).fit(features, labels, X_val=held_features, y_val=held_labels)
    phases.done("train")
    with open(spec.model, "wb") as file:
        pickle.dump(model, file)
    phases.done("save")
    phases.report()


def predict(spec) -> None:
    """Predictions for the validation table, as probabilities where the objective has them."""
    import numpy as np  # noqa: PLC0415

    with open(spec.model, "rb") as file:
        model = pickle.load(file)  # noqa: S301 the file is ours, written a moment ago
    features = to_numpy(read_table(spec.validation, spec.format, spec.threads))[1]
    if spec.objective == "reg:squarederror":
        np.save(spec.predictions, model.predict(features))
    else:
        predictions = model.predict_proba(features)
        np.save(spec.predictions, predictions[:, 1] if spec.objective == "binary:logistic" else predictions)


if __name__ == "__main__":
    verb, spec = request()
    # scikit-learn has no argument for it; the variable must stand before its first import.
    os.environ["OMP_NUM_THREADS"] = str(spec.threads)
    (fit if verb == "train" else predict)(spec)
