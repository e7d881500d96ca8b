"""Trees on categories: XGBoost's own on a table where nothing is left to chance, explained as XGBoost does, and exported. How good
they are on real tables is told by the parity grid; `test_models.py` loads them in every version.
"""

import json
import pathlib

import lightgbm as lgb
import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import xgboost as xgb

from job import finished
from ml_root import Finished, MlRoot
from parts import Part, Table
from reference import grown, judged, loaded
from samples import csv, margins, numbers, run

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")

DEFAULTS = {"num_round": 40, "eta": 0.1, "max_depth": 5}
N_ROWS = 1200


def drawn(seed: int = 5) -> Part:
    """Codes of three, of thirty and of two hundred, two numbers, and gaps everywhere; the label goes with all of them."""
    rng = np.random.default_rng(seed)
    features = np.column_stack(
        [rng.integers(0, 3, N_ROWS), rng.integers(0, 30, N_ROWS), rng.integers(0, 200, N_ROWS), rng.normal(size=N_ROWS), rng.normal(size=N_ROWS)]
    ).astype(np.float32)
    effects = np.random.default_rng(9).normal(size=(3, 200))
    label = sum(effects[it][features[:, it].astype(int)] for it in range(3)) + features[:, 3] * (features[:, 0] == 1)
    features[rng.random(features.shape) < 0.1] = np.nan
    features[:, 4] = rng.normal(size=N_ROWS)
    return Part(features, (label + 0.2 * rng.normal(size=N_ROWS)).astype(np.float32), categorical=(0, 1, 2))


CASES = {
    "one_hot": {"max_cat_to_onehot": 300},
    "partition": {"max_cat_to_onehot": 1},
    "both": {},
    "short_partitions": {"max_cat_threshold": 8},
    "lossguide": {"grow_policy": "lossguide", "max_leaves": 20, "max_depth": 0},
    "regularised": {"lambda": 5, "alpha": 0.5, "gamma": 1, "min_child_weight": 4},
}


@pytest.mark.parametrize("name", CASES)
def test_squared_error_gives_the_trees_of_xgboost(name: str, trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    # From one start, with few numbers to cut, and every category heavy enough, both look at the same divisions.
    rows = drawn()
    rows.features[:, 3:] = np.round(rows.features[:, 3:] * 4)
    parameters = {"num_round": 6, "eta": 0.3, "max_depth": 4, "base_score": 0.5, "objective": "reg:squarederror"} | CASES[name]
    done = finished(trainer, tmp_path, parameters, Table(rows, rows))
    theirs = grown(parameters, rows.matrix())
    np.testing.assert_allclose(margins(loaded(done.model), rows.matrix()), margins(theirs, rows.matrix()), rtol=0, atol=2e-5)


@pytest.fixture(scope="module", params=["json", "ubj"])
def model(request: pytest.FixtureRequest, trainer: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    rows = drawn()
    parameters = DEFAULTS | {"objective": "reg:squarederror", "model_format": request.param}
    return finished(trainer, tmp_path_factory.mktemp("model"), parameters, Table(rows, rows))


@pytest.fixture(scope="module")
def rows_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    path.write_text(csv(drawn().features), encoding="utf-8")
    return path


def test_xgboost_loads_it_and_gives_every_row_the_same_margin(model: Finished, linden: pathlib.Path, rows_file: pathlib.Path) -> None:
    booster = loaded(model.model)
    assert booster.feature_types == ["c", "c", "c", "float", "float"]
    ours = numbers(run(linden, "predict", model.model, rows_file, "--margin"))
    np.testing.assert_array_equal(ours, margins(booster, drawn().matrix()))
    assert json.loads(run(linden, "inspect", model.model, "--json"))["categorical_splits"] > 100


def test_contributions_are_xgboosts(model: Finished, linden: pathlib.Path, rows_file: pathlib.Path) -> None:
    lines = run(linden, "explain", model.model, rows_file, "--contributions", "--json").splitlines()
    ours = np.array([json.loads(it)["contributions"] for it in lines])
    theirs = loaded(model.model).predict(drawn().matrix(), pred_contribs=True)
    np.testing.assert_allclose(ours.reshape(theirs.shape), theirs, rtol=0, atol=1e-4)


def test_lightgbm_and_onnx_are_given_the_same_trees(model: Finished, linden: pathlib.Path, tmp_path: pathlib.Path) -> None:
    rows, expected = drawn().features, margins(loaded(model.model), drawn().matrix())
    for name in ("lightgbm", "onnx"):
        run(linden, "export", model.model, "--format", name, "-o", tmp_path / name)
    scores = lgb.Booster(model_file=tmp_path / "lightgbm").predict(rows.astype(float), raw_score=True)
    np.testing.assert_allclose(scores.reshape(expected.shape), expected, rtol=1e-5, atol=1e-5)
    session = onnxruntime.InferenceSession(str(tmp_path / "onnx"), providers=["CPUExecutionProvider"])
    (margin,) = session.run(["margin"], {"features": rows})
    np.testing.assert_allclose(margin, expected, rtol=1e-5, atol=1e-5)


def test_xgboost_goes_on_from_it(model: Finished) -> None:
    start = loaded(model.model)
    data = drawn().matrix()
    further = xgb.train({"tree_method": "hist", "nthread": 1}, data, num_boost_round=3, xgb_model=start)
    assert further.num_boosted_rounds() == start.num_boosted_rounds() + 3
    assert judged(further, ["rmse"], data)["rmse"] < judged(start, ["rmse"], data)["rmse"]


WORDS = ["Z\u00fcrich", "Basel", "", "Gen\u00e8ve", "Chur"]


def words_table(seed: int, n_rows: int = 800) -> tuple[pa.Table, np.ndarray]:
    """A column of words and one of numbers, and labels."""
    rng = np.random.default_rng(seed)
    codes, number = rng.integers(0, len(WORDS), n_rows), rng.normal(size=n_rows).astype(np.float32)
    label = np.array([2.0, -1.0, 0.5, 4.0, 1.0])[codes] + number * (codes == 1)
    # Another order of the words for every seed, as data frames have.
    order = rng.permutation(len(WORDS))
    column = pa.DictionaryArray.from_arrays(pa.array(np.argsort(order)[codes].astype(np.int32)), pa.array([WORDS[it] or None for it in order]))
    return pa.table({"city": column.cast(pa.string()), "number": number}), label.astype(np.float32)


def encoded(table: pa.Table) -> pa.Table:
    return table.set_column(0, "city", pc.dictionary_encode(table["city"]))


def words_csv(table: pa.Table, label: np.ndarray) -> str:
    columns = zip(label, table["city"].to_pylist(), table["number"].to_pylist(), strict=True)
    return "".join(f"{value},{word or ''},{number}\n" for value, word, number in columns)


@pytest.mark.parametrize("model_format", ["json", "ubj"])
def test_words_are_the_categories_of_a_data_frame(model_format: str, trainer: pathlib.Path, linden: pathlib.Path, tmp_path: pathlib.Path) -> None:
    table, label = words_table(1)
    tree = MlRoot(tmp_path / "csv")
    job = DEFAULTS | {"objective": "reg:squarederror", "model_format": model_format, "feature_names": "city,number"}
    tree.hyperparameters(job | {"categorical_features": "city"})
    tree.channel("train", words_csv(table, label))
    done = tree.train(trainer)
    assert done.code == 0, done.failure
    # Text in Parquet, dictionaries or not, gives the same bytes.
    for name, columns in (("plain", table), ("dictionary", encoded(table))):
        tree = MlRoot(tmp_path / name)
        tree.hyperparameters(job)
        path = tmp_path / f"{name}.parquet"
        pq.write_table(columns.add_column(0, "label", pa.array(label)), path, use_dictionary=name == "dictionary")
        tree.channel("train", path, "application/x-parquet")
        assert tree.train(trainer).model.read_bytes() == done.model.read_bytes()
    # XGBoost gives the words of another data frame the codes that they had in training.
    booster = loaded(done.model)
    other, other_label = words_table(2)
    theirs = margins(booster, xgb.DMatrix(encoded(other), enable_categorical=True))
    rows = tmp_path / "rows.csv"
    rows.write_text(words_csv(other, other_label), encoding="utf-8")
    ours = numbers(run(linden, "predict", done.model, rows, "--label-column", "0", "--margin"))
    np.testing.assert_array_equal(ours, theirs)
    assert np.sqrt(np.mean((ours[:, 0] - other_label) ** 2)) < 0.5
    # A word that training never saw is a missing one.
    rows.write_text("Bern,0.5\n,0.5\n", encoding="utf-8")
    unseen, missing = numbers(run(linden, "predict", done.model, rows))
    assert unseen == missing
