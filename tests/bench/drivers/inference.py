"""Prediction in process by XGBoost or LightGBM: `inference.py PEER MODEL ROWS MARGINS SHAPE`, as `programs/predict.rs`.

`ROWS` is `f32`, row-major; `SHAPE` is JSON: columns, threads, repetitions. Invariant: what is timed is one call that takes an
array in memory and gives margins; reading files, and making the model ready, are not.
"""

import json
import sys
import time

import numpy as np

ONE_ROW_REPEATS = 200


def xgboost_predictor(model: str, threads: int):
    """`inplace_predict`, which makes no DMatrix."""
    import xgboost  # noqa: PLC0415

    booster = xgboost.Booster(model_file=model)
    booster.set_param({"nthread": threads})
    return lambda rows: booster.inplace_predict(rows, predict_type="margin")


def lightgbm_predictor(model: str, threads: int):
    """Margins as LightGBM gives them, f64."""
    import lightgbm  # noqa: PLC0415

    booster = lightgbm.Booster(model_file=model)
    return lambda rows: booster.predict(rows, raw_score=True, num_threads=threads)


PREDICTORS = {"xgboost": xgboost_predictor, "lightgbm": lightgbm_predictor}


def seconds_of(predict, rows: np.ndarray) -> float:
    """One call."""
    start = time.perf_counter()
    predict(rows)
    return time.perf_counter() - start


def main() -> None:
    """Prints one line of JSON."""
    peer, model, rows_path, margins_path, shape = sys.argv[1:]
    shape = json.loads(shape)
    rows = np.fromfile(rows_path, dtype=np.float32).reshape(-1, shape["n_features"])
    predict = PREDICTORS[peer](model, shape["threads"])
    # Threads start, and memory is there, before the clock does.
    predict(rows).astype(np.float32).tofile(margins_path)
    seconds = [seconds_of(predict, rows) for _ in range(shape["repeats"])]
    one = PREDICTORS[peer](model, 1)
    one_row = float(np.median([seconds_of(one, rows[:1]) for _ in range(ONE_ROW_REPEATS)]))
    sys.stdout.write(json.dumps({"seconds": seconds, "one_row": one_row}) + "\n")


if __name__ == "__main__":
    main()
