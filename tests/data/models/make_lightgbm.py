"""Writes small models with the LightGBM that is installed, and the raw scores and predictions that it makes.

    python tests/data/models/make_lightgbm.py

Each model has a `.txt` and a `.csv` with the raw scores of all rows of `lightgbm-<version>/rows.csv`, then the
predictions. The last column holds categories, the others numbers, zeros and missing values.
"""

import pathlib

import lightgbm as lgb
import numpy as np

N_ROWS, N_FEATURES, ROUNDS = 300, 4, 6
FOLDER = pathlib.Path(__file__).parent / f"lightgbm-{lgb.__version__}"


def table():
    rng = np.random.default_rng(31)
    rows = rng.normal(size=(N_ROWS, N_FEATURES)).astype(np.float32)
    rows[:, 1] = rows[:, 1].round()
    rows[rng.random(N_ROWS) < 0.4, 2] = 0
    rows[rng.random(rows.shape) < 0.1] = np.nan
    rows[:, 3] = rng.integers(0, 40, size=N_ROWS)
    rows[rng.random(N_ROWS) < 0.1, 3] = np.nan
    known = np.nan_to_num(rows)
    signal = known[:, 0] + (known[:, 1] > 0) * known[:, 2] + (known[:, 3] % 5 == 2) - (known[:, 2] == 0)
    return rows, signal + 0.1 * rng.normal(size=N_ROWS)


def models(signal):
    """Name, labels, parameters."""
    split = (signal > 0).astype(int)
    count = np.exp(0.4 * signal).round()
    grade = np.digitize(signal, [-0.7, 0.7])
    yield "regression", signal, {"objective": "regression"}
    yield "zero_missing", signal, {"objective": "regression", "zero_as_missing": True}
    yield "none_missing", signal, {"objective": "regression", "use_missing": False}
    yield "binary", split, {"objective": "binary", "sigmoid": 2.0}
    yield "poisson", count, {"objective": "poisson"}
    yield "gamma", count + 1, {"objective": "gamma"}
    yield "l1", signal, {"objective": "regression_l1"}
    yield "cross_entropy", 1 / (1 + np.exp(-signal)), {"objective": "cross_entropy"}
    yield "multiclass", grade, {"objective": "multiclass", "num_class": 3}
    yield "ova", grade, {"objective": "multiclassova", "num_class": 3}
    yield "forest", signal, {"objective": "regression", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}
    yield "onehot", signal, {"objective": "regression", "max_cat_to_onehot": 100}
    yield "categories", signal, {"objective": "regression", "max_cat_to_onehot": 1, "min_data_per_group": 5, "cat_smooth": 1}
    yield "refused_sqrt", np.abs(signal), {"objective": "regression", "reg_sqrt": True}
    yield "refused_linear", signal, {"objective": "regression", "linear_tree": True}


def number(value):
    return "" if np.isnan(value) else repr(float(value))


def write_csv(path, rows):
    path.write_text("".join(",".join(map(number, row)) + "\n" for row in rows))


def main():
    rows, signal = table()
    FOLDER.mkdir(exist_ok=True)
    write_csv(FOLDER / "rows.csv", rows)
    for name, labels, own in models(signal):
        params = {"num_leaves": 8, "min_data_in_leaf": 5, "num_threads": 1, "seed": 1, "verbose": -1, "deterministic": True, **own}
        categorical = [3] if name in ("onehot", "categories") else []
        data = lgb.Dataset(rows.astype(float), labels, categorical_feature=categorical)
        booster = lgb.train(params, data, num_boost_round=ROUNDS)
        booster.save_model(FOLDER / f"{name}.txt")
        if not name.startswith("refused"):
            scores = booster.predict(rows.astype(float), raw_score=True).reshape(N_ROWS, -1)
            write_csv(FOLDER / f"{name}.csv", [*scores, *booster.predict(rows.astype(float)).reshape(N_ROWS, -1)])


if __name__ == "__main__":
    main()
