"""Other programs read what Linden writes, and Linden what LightGBM writes: onnxruntime, LightGBM, Treelite, XGBoost."""

import pathlib

import lightgbm as lgb
import numpy as np
import onnx
import onnxruntime
import pytest
import treelite
import xgboost as xgb

from boosters import FAMILIES, Family, Trained
from samples import FEW_CATEGORIES, MANY_CATEGORIES, TYPES, csv, margins, numbers, run, signal

TREES = [it for it in FAMILIES if not it.name.startswith("gblinear")]
# LightGBM has no step.
SCORED = [it for it in TREES if it.name != "hinge"]


def exported(linden: pathlib.Path, model: pathlib.Path, name: str, folder: pathlib.Path) -> pathlib.Path:
    path = folder / f"exported.{name.removeprefix('xgboost-')}"
    run(linden, "export", model, "--format", name, "-o", path)
    return path


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_onnx(family: Family, families: dict[str, Trained], rows: np.ndarray, linden: pathlib.Path, tmp_path: pathlib.Path) -> None:
    booster, model = families[family.name].ubj
    path = exported(linden, model, "onnx", tmp_path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [it.name for it in session.get_inputs()] == ["features"]
    margin, prediction = session.run(["margin", "prediction"], {"features": rows})
    data = family.matrix(rows)
    np.testing.assert_allclose(margin, margins(booster, data), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(prediction, booster.predict(data).reshape(prediction.shape), rtol=1e-5, atol=1e-5)
    # One row, and none of its values.
    nothing = np.full((1, rows.shape[1]), np.nan, dtype=np.float32)
    (margin,) = session.run(["margin"], {"features": nothing})
    np.testing.assert_allclose(margin, margins(booster, family.matrix(nothing)), rtol=1e-5, atol=1e-5)


def test_onnx_predicts_classes(rows: np.ndarray, linden: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (family,) = (it for it in FAMILIES if it.name == "classes")
    softmax = Family("softmax", {**family.params, "objective": "multi:softmax"})
    booster = softmax.train(rows)
    booster.save_model(tmp_path / "model.ubj")
    path = exported(linden, tmp_path / "model.ubj", "onnx", tmp_path)
    (prediction,) = onnxruntime.InferenceSession(str(path)).run(["prediction"], {"features": rows})
    np.testing.assert_array_equal(prediction, booster.predict(softmax.matrix(rows)))


@pytest.mark.parametrize("family", SCORED, ids=str)
def test_lightgbm_reads_it(family: Family, families: dict[str, Trained], rows: np.ndarray, linden: pathlib.Path, tmp_path: pathlib.Path) -> None:
    booster, model = families[family.name].ubj
    path = exported(linden, model, "lightgbm", tmp_path)
    theirs = lgb.Booster(model_file=path)
    data = family.matrix(rows)
    expected = margins(booster, data)
    scores = theirs.predict(rows.astype(float), raw_score=True).reshape(expected.shape)
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)
    predictions = theirs.predict(rows.astype(float)).reshape(expected.shape)
    np.testing.assert_allclose(predictions, booster.predict(data).reshape(expected.shape), rtol=1e-5, atol=1e-6)


def test_lightgbm_goes_the_same_way_at_every_threshold(families: dict[str, Trained], rows: np.ndarray, linden: pathlib.Path, tmp_path: pathlib.Path) -> None:
    booster, model = families["trees"].ubj
    path = exported(linden, model, "lightgbm", tmp_path)
    frame = [line for tree in booster.get_dump(dump_format="text") for line in tree.splitlines()]
    edges = np.zeros((0, rows.shape[1]), dtype=np.float32)
    for line in frame:
        if "<" in line:
            feature, threshold = line.split("[f")[1].split("]")[0].split("<")
            for value in (np.float32(threshold), np.nextafter(np.float32(threshold), np.float32(-np.inf))):
                row = rows[:1].copy()
                row[0, int(feature)] = value
                edges = np.vstack([edges, row])
    assert len(edges) > 50
    expected = margins(booster, xgb.DMatrix(edges))
    scores = lgb.Booster(model_file=path).predict(edges.astype(float), raw_score=True).reshape(expected.shape)
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("family", TREES, ids=str)
@pytest.mark.parametrize("name", ["xgboost-json", "xgboost-ubj"])
def test_treelite_reads_it(family: Family, name: str, families: dict[str, Trained], rows: np.ndarray, linden: pathlib.Path, tmp_path: pathlib.Path) -> None:
    booster, model = families[family.name].ubj
    path = exported(linden, model, name, tmp_path)
    choice = {"xgboost-json": "json", "xgboost-ubj": "ubjson"}[name]
    theirs = treelite.frontend.load_xgboost_model(path, format_choice=choice)
    expected = margins(booster, family.matrix(rows))
    found = treelite.gtil.predict(theirs, rows, pred_margin=True).reshape(expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


LIGHTGBM = {
    "regression": ("value", {"objective": "regression"}),
    "no_missing": ("value", {"objective": "regression", "use_missing": False}),
    "binary": ("side", {"objective": "binary", "sigmoid": 1.5}),
    "poisson": ("count", {"objective": "poisson"}),
    "gamma": ("positive", {"objective": "gamma"}),
    "tweedie": ("count", {"objective": "tweedie"}),
    "l1": ("value", {"objective": "regression_l1"}),
    "huber": ("value", {"objective": "huber"}),
    "quantile": ("value", {"objective": "quantile", "alpha": 0.8}),
    "cross_entropy": ("share", {"objective": "cross_entropy"}),
    "multiclass": ("grade", {"objective": "multiclass", "num_class": 3}),
    "one_against_all": ("grade", {"objective": "multiclassova", "num_class": 3}),
    "forest": ("value", {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "objective": "regression"}),
    "dart": ("value", {"boosting": "dart", "objective": "regression"}),
    "categories": ("value", {"objective": "regression", "min_data_per_group": 5, "cat_smooth": 1, "max_cat_to_onehot": 3}),
    "zero_as_missing": ("value", {"objective": "regression", "zero_as_missing": True}),
}


def lightgbm_model(name: str, rows: np.ndarray) -> lgb.Booster:
    labels, params = LIGHTGBM[name]
    value = signal(rows)
    made = {
        "value": value,
        "side": value > 0.5,
        "count": np.exp(0.4 * value).round(),
        "positive": np.exp(0.4 * value),
        "share": 1 / (1 + np.exp(-value)),
        "grade": np.digitize(value, [0.0, 1.0]),
    }[labels]
    categorical = [FEW_CATEGORIES, MANY_CATEGORIES] if name == "categories" else []
    data = lgb.Dataset(rows.astype(float), made.astype(float), categorical_feature=categorical)
    always = {"num_leaves": 12, "min_data_in_leaf": 5, "num_threads": 1, "seed": 1, "verbose": -1}
    return lgb.train({**always, **params}, data, num_boost_round=10)


@pytest.fixture(scope="module")
def zeros(rows: np.ndarray) -> np.ndarray:
    """Rows in which zeros are frequent."""
    rows = rows.copy()
    rows[np.random.default_rng(3).random(rows.shape) < 0.2] = 0
    return rows


@pytest.mark.parametrize("name", LIGHTGBM)
def test_lightgbm_models_are_read(name: str, zeros: np.ndarray, linden: pathlib.Path, tmp_path: pathlib.Path) -> None:
    theirs = lightgbm_model(name, zeros)
    model, rows_file = tmp_path / "model.txt", tmp_path / "rows.csv"
    theirs.save_model(model)
    rows_file.write_text(csv(zeros), encoding="utf-8")
    expected = theirs.predict(zeros.astype(float)).reshape(len(zeros), -1)
    ours = numbers(run(linden, "predict", model, rows_file))
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)

    again = lgb.Booster(model_file=exported(linden, model, "lightgbm", tmp_path))
    scores = again.predict(zeros.astype(float), raw_score=True).reshape(expected.shape)
    np.testing.assert_allclose(scores, numbers(run(linden, "predict", model, rows_file, "--margin")), rtol=1e-5, atol=1e-6)

    if name != "zero_as_missing":
        back = xgb.Booster(model_file=exported(linden, model, "xgboost-ubj", tmp_path))
        types = TYPES if name == "categories" else None
        names = None if back.feature_names is None else back.feature_names
        data = xgb.DMatrix(zeros, feature_types=types, feature_names=names, enable_categorical=types is not None)
        np.testing.assert_allclose(back.predict(data).reshape(expected.shape), expected, rtol=1e-5, atol=1e-6)
