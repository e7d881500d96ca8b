"""LightGBM, its own reader, plain or with quantized gradients (`lightgbm-quantized`)."""

import lightgbm
import numpy as np

from spec import Phases, read_table, request, to_numpy

OBJECTIVES = {"binary:logistic": "binary", "reg:squarederror": "regression", "multi:softprob": "multiclass"}


def parameters(spec) -> dict[str, object]:
    """The work's parameters in LightGBM's words; grown level by level means as many leaves as the depth allows."""
    chosen = {
        "objective": OBJECTIVES[spec.objective],
        "learning_rate": spec.eta,
        "max_bin": spec.max_bin - 1,  # LightGBM counts without the one for missing values, and 255 still fits a byte
        "num_leaves": spec.leaves or 2**spec.depth,
        "max_depth": -1 if spec.leaves else spec.depth,
        "lambda_l2": 1.0,
        "min_sum_hessian_in_leaf": 1.0,
        "min_data_in_leaf": 1,
        "num_threads": spec.threads,
        "header": False,
        "label_column": 0,
        "verbosity": -1,
    }
    if spec.n_classes:
        chosen["num_class"] = spec.n_classes
    if spec.peer == "lightgbm-quantized":
        chosen |= {"use_quantized_grad": True, "quant_train_renew_leaf": True}
    return chosen


def dataset(spec, path: str, reference=None):
    """A data set that is not read yet: LightGBM reads text itself, and takes Parquet from Arrow."""
    if spec.format != "parquet":
        return lightgbm.Dataset(path, params=parameters(spec), reference=reference)
    table = read_table(path, spec.format, spec.threads)
    label = table.column(0).to_numpy()
    return lightgbm.Dataset(table.drop_columns([table.column_names[0]]), label, params=parameters(spec), reference=reference)


def fit(spec) -> None:
    """The timed run. Text is read and binned in one step, booked under `load`."""
    phases = Phases()
    train = dataset(spec, spec.train)
    validation = dataset(spec, spec.validation, reference=train)
    if spec.format == "parquet":
        phases.done("load")
    train.construct()
    validation.construct()
    phases.done("bin" if spec.format == "parquet" else "load")
    booster = lightgbm.train(
        parameters(spec),
        train,
        spec.rounds,
        valid_sets=[train, validation],
        valid_names=["train", "validation"],
        keep_training_booster=True,
    )
    phases.done("train")
    booster.save_model(spec.model)
    phases.done("save")
    phases.report()


def predict(spec) -> None:
    """Predictions for the validation table."""
    booster = lightgbm.Booster(model_file=spec.model)
    if spec.format == "libsvm":
        # The last columns may have no value in the validation table, which LightGBM takes for another table.
        predictions = booster.predict(spec.validation, data_has_header=False, predict_disable_shape_check=True)
    else:
        predictions = booster.predict(to_numpy(read_table(spec.validation, spec.format, spec.threads))[1])
    np.save(spec.predictions, predictions)


if __name__ == "__main__":
    verb, spec = request()
    (fit if verb == "train" else predict)(spec)
