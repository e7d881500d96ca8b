"""Writes small models with the XGBoost that is installed, and what it predicts with them.

Run it in one environment for each version; the files lie in a folder named after the version:

    python tests/data/models/make.py

`rows.csv` is the table, without a header; an empty field is missing. Each model has a `.json`, a `.ubj` and a
`.csv` with the margins of all rows, then the predictions, in the shortest text that reads back as the same f32.
"""

import pathlib

import numpy as np
import xgboost as xgb

N_ROWS, N_FEATURES, ROUNDS = 80, 4, 3
FOLDER = pathlib.Path(__file__).parent


def table():
    rng = np.random.default_rng(20)
    rows = np.round(rng.normal(size=(N_ROWS, N_FEATURES)), 3).astype(np.float32)
    rows[:, 3] = np.abs(rows[:, 3]).round()
    rows[rng.random(rows.shape) < 0.1] = np.nan
    signal = np.nan_to_num(rows[:, 0]) + 0.5 * np.nan_to_num(rows[:, 1]) * np.nan_to_num(rows[:, 3])
    return rows, signal + 0.1 * rng.normal(size=N_ROWS)


def models(signal):
    """Name, labels, parameters."""
    split = (signal > 0).astype(np.float32)
    share = 1 / (1 + np.exp(-signal))
    count = np.exp(0.5 * signal).round()
    grade = np.digitize(signal, [-0.7, 0.7]).astype(np.float32)
    multi = {"num_class": 3}
    yield "squarederror", signal, {"objective": "reg:squarederror"}
    yield "reg_logistic", share, {"objective": "reg:logistic"}
    yield "binary_logistic", split, {"objective": "binary:logistic", "scale_pos_weight": 1.5}
    yield "poisson", count, {"objective": "count:poisson", "max_delta_step": 0.6}
    yield "softmax", grade, {"objective": "multi:softmax", **multi}
    yield "softprob", grade, {"objective": "multi:softprob", **multi}
    yield "base_score", split, {"objective": "binary:logistic", "base_score": 0.2}
    yield "forest", split, {"objective": "binary:logistic", "num_parallel_tree": 3, "subsample": 0.7, "seed": 1}
    yield "lossguide", signal, {"objective": "reg:squarederror", "grow_policy": "lossguide", "max_leaves": 6}
    yield "pruned", signal, {"objective": "reg:squarederror", "tree_method": "exact", "gamma": 3.0}


def number(value):
    return "" if np.isnan(value) else np.format_float_positional(np.float32(value), unique=True, trim="0")


def write_csv(path, rows):
    path.write_text("".join(",".join(map(number, row)) + "\n" for row in rows))


def main():
    rows, signal = table()
    write_csv(FOLDER / "rows.csv", rows)
    out = FOLDER / f"xgboost-{xgb.__version__}"
    out.mkdir(exist_ok=True)
    for name, labels, own in models(signal):
        params = {"max_depth": 3, "tree_method": "hist", "nthread": 1, **own}
        data = xgb.DMatrix(rows, label=labels)
        booster = xgb.train(params, data, num_boost_round=ROUNDS)
        for ending in ("json", "ubj"):
            booster.save_model(out / f"{name}.{ending}")
        margins = booster.predict(data, output_margin=True).reshape(N_ROWS, -1)
        predictions = booster.predict(data).reshape(N_ROWS, -1)
        write_csv(out / f"{name}.csv", [*margins, *predictions])
    others(rows, signal, out)


def others(rows, signal, out):
    """Boosters that are not plain trees; `_contributions.csv` has what each feature adds, where XGBoost tells it."""
    coded = rows.copy()
    coded[:, 3] = (np.nan_to_num(np.abs(coded[:, 0])) * 37).round() % 9
    coded[np.random.default_rng(21).random(N_ROWS) < 0.2, 3] = np.nan
    effect = signal + 2 * np.isin(coded[:, 3], [1, 4, 5]) - np.isnan(coded[:, 3])
    types = ["float"] * 3 + ["c"]
    write_csv(FOLDER / "categories.csv", coded)
    plain = xgb.DMatrix(rows, label=signal)
    categories = xgb.DMatrix(coded, label=effect, feature_types=types, enable_categorical=True)
    grades = xgb.DMatrix(rows, label=np.digitize(signal, [-0.7, 0.7]))
    targets = xgb.DMatrix(rows, label=np.stack([signal, -2 * signal + 1, signal**2], axis=1))
    shares = xgb.DMatrix(rows, label=np.stack([signal > 0, signal > 1], axis=1))
    hist = {"tree_method": "hist", "max_depth": 3, "nthread": 1}
    dart = {**hist, "booster": "dart", "rate_drop": 0.4, "one_drop": 1, "seed": 5}
    linear = {"booster": "gblinear", "updater": "coord_descent", "nthread": 1}
    three = {"objective": "multi:softprob", "num_class": 3}
    vector = {**hist, "multi_strategy": "multi_output_tree"}
    models = [
        ("onehot", categories, {**hist, "max_cat_to_onehot": 100}),
        ("partition", categories, {**hist, "max_cat_to_onehot": 1}),
        ("dart", plain, dart),
        ("dart_classes", grades, {**dart, **three}),
        ("dart_categories", categories, {**dart, "max_cat_to_onehot": 1}),
        ("gblinear", plain, linear),
        ("gblinear_classes", grades, {**linear, **three}),
        ("targets", targets, hist),
        ("targets_logistic", shares, {**hist, "objective": "binary:logistic"}),
        ("targets_forest", targets, {**hist, "num_parallel_tree": 2, "subsample": 0.8, "seed": 3}),
    ]
    if int(xgb.__version__.split(".")[0]) >= 2:
        models += [("vector", targets, vector), ("vector_logistic", shares, {**vector, "objective": "binary:logistic"})]
    for name, data, params in models:
        booster = xgb.train(params, data, num_boost_round=5)
        for ending in ("json", "ubj"):
            booster.save_model(out / f"{name}.{ending}")
        margins = booster.predict(data, output_margin=True).reshape(N_ROWS, -1)
        write_csv(out / f"{name}.csv", [*margins, *booster.predict(data).reshape(N_ROWS, -1)])
        if not name.startswith("vector"):
            write_csv(out / f"{name}_contributions.csv", booster.predict(data, pred_contribs=True).reshape(N_ROWS, -1))


if __name__ == "__main__":
    main()
