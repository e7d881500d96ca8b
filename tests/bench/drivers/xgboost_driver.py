"""XGBoost: Arrow's reader and QuantileDMatrix; also scores Linden's models, which are XGBoost's documents."""

import numpy as np
import xgboost

from spec import Phases, read_table, request


def parameters(spec) -> dict[str, object]:
    """The work's parameters in XGBoost's words."""
    chosen = {
        "objective": spec.objective,
        "tree_method": "hist",
        "eta": spec.eta,
        "max_bin": spec.max_bin,
        "max_depth": spec.depth,
        "nthread": spec.threads,
    }
    if spec.n_classes:
        chosen["num_class"] = spec.n_classes
    if spec.base_score:
        chosen["base_score"] = spec.base_score
    if spec.leaves:
        chosen |= {"grow_policy": "lossguide", "max_leaves": spec.leaves}
    return chosen


def boost(spec, train, validation):
    """The model after all rounds, evaluated on both tables after each."""
    evals = [(train, "train"), (validation, "validation")]
    return xgboost.train(parameters(spec), train, spec.rounds, evals=evals, verbose_eval=False)


def fit(spec) -> None:
    """The timed run."""
    phases = Phases()
    tables = [read_table(path, spec.format, spec.threads) for path in (spec.train, spec.validation)]
    phases.done("load")
    matrices = []
    for number, table in enumerate(tables):
        tables[number] = None
        matrices.append(
            xgboost.QuantileDMatrix(
                table.drop_columns([table.column_names[0]]),
                label=table.column(0).to_numpy(),
                max_bin=spec.max_bin,
                nthread=spec.threads,
                ref=matrices[0] if matrices else None,
            )
        )
        del table
    phases.done("bin")
    booster = boost(spec, *matrices)
    phases.done("train")
    booster.save_model(spec.model)
    phases.done("save")
    phases.report()


def predict(spec) -> None:
    """Predictions of a model of this document, whoever wrote it: text tables as XGBoost reads them, others by Arrow."""
    if spec.format == "libsvm":
        matrix = xgboost.DMatrix(f"{spec.validation}?format=libsvm")
    else:
        table = read_table(spec.validation, spec.format, spec.threads)
        matrix = xgboost.DMatrix(table.drop_columns([table.column_names[0]]))
    booster = xgboost.Booster(model_file=spec.model)
    np.save(spec.predictions, booster.predict(matrix))


if __name__ == "__main__":
    verb, spec = request()
    (fit if verb == "train" else predict)(spec)
