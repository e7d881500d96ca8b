"""Models of every family go from XGBoost to Linden and back to XGBoost, and predict the same bit for bit.

Runs against the XGBoost that is installed, in one virtual environment for each pinned version.
"""

import json
import pathlib

import numpy as np
import pytest
import xgboost as xgb

from boosters import FAMILIES, VERSION, Family, csv, features, margins, numbers, run


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return features()


@pytest.fixture(scope="module")
def rows_file(rows: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    path.write_text(csv(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=FAMILIES, ids=str)
def family(request: pytest.FixtureRequest) -> Family:
    return request.param


@pytest.fixture(scope="module")
def booster(family: Family, rows: np.ndarray) -> xgb.Booster:
    return family.train(rows)


@pytest.fixture(scope="module", params=["json", "ubj"])
def saved(request: pytest.FixtureRequest, booster: xgb.Booster, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("model") / f"model.{request.param}"
    booster.save_model(path)
    return path


def is_exact(family: Family) -> bool:
    """From 3.1 on XGBoost has a base score for each class; in Linden it is in the leaves, where dart's weight divides it."""
    return family.name != "dart_classes" or VERSION < (3, 1)


def assert_same(family: Family, ours: np.ndarray, theirs: np.ndarray) -> None:
    assert len(np.unique(theirs)) > 10, "the model says nothing"
    if is_exact(family):
        np.testing.assert_array_equal(ours, theirs)
    else:
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


def test_margins_are_the_same_bit_for_bit(
    family: Family, booster: xgb.Booster, saved: pathlib.Path, rows: np.ndarray, rows_file: pathlib.Path, linden: pathlib.Path
) -> None:
    ours = numbers(run(linden, "predict", saved, rows_file, "--margin"))
    assert_same(family, ours, margins(booster, family.matrix(rows)))


def test_predictions_are_the_same(
    family: Family, booster: xgb.Booster, saved: pathlib.Path, rows: np.ndarray, rows_file: pathlib.Path, linden: pathlib.Path
) -> None:
    ours = numbers(run(linden, "predict", saved, rows_file))
    theirs = booster.predict(family.matrix(rows)).reshape(len(rows), -1)
    np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize(("exported", "ending"), [("xgboost-json", "json"), ("xgboost-ubj", "ubj")])
def test_xgboost_takes_it_back(
    family: Family,
    booster: xgb.Booster,
    saved: pathlib.Path,
    rows: np.ndarray,
    linden: pathlib.Path,
    tmp_path: pathlib.Path,
    exported: str,
    ending: str,
) -> None:
    path = tmp_path / f"again.{ending}"
    run(linden, "export", saved, "--format", exported, "-o", path)
    again = xgb.Booster()
    again.load_model(path)
    data = family.matrix(rows)
    assert_same(family, margins(again, data), margins(booster, data))
    assert again.num_boosted_rounds() == booster.num_boosted_rounds()
    if not family.name.startswith("gblinear"):
        assert again.feature_types == booster.feature_types
    # XGBoost before 3.2 ends in a segmentation fault where it is asked for the score of trees with several outputs.
    if not family.name.startswith(("gblinear", "vector")) or family.name.startswith("vector") and VERSION >= (3, 2):
        for kind in ("weight", "gain", "cover"):
            ours, theirs = (it.get_score(importance_type=kind) for it in (again, booster))
            assert ours == pytest.approx(theirs)


def test_a_categorical_value_that_was_never_seen_goes_the_same_way(
    family: Family, booster: xgb.Booster, saved: pathlib.Path, rows: np.ndarray, linden: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    odd = rows.copy()
    odd[:, 3] = 77
    odd[::2, 4] = 16_000_000
    path = tmp_path / "rows.csv"
    path.write_text(csv(odd), encoding="utf-8")
    ours = numbers(run(linden, "predict", saved, path, "--margin"))
    theirs = margins(booster, family.matrix(odd))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


def test_inspection_tells_what_it_is(family: Family, booster: xgb.Booster, saved: pathlib.Path, linden: pathlib.Path) -> None:
    told = json.loads(run(linden, "inspect", saved, "--json"))
    config = json.loads(booster.save_config())["learner"]
    assert told["booster"] == config["gradient_booster"]["name"]
    assert told["objective"] == config["objective"]["name"]
    assert told["rounds"] == booster.num_boosted_rounds()
    assert (told["categorical_splits"] > 0) == family.categorical
    if not family.name.startswith("gblinear"):
        model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
        assert told["trees"] == len(model.get("gbtree", model)["model"]["trees"])


STORED = pathlib.Path(__file__).parents[1] / "data" / "models"


N_STORED = 80


def table(path: pathlib.Path) -> np.ndarray:
    lines = path.read_text(encoding="utf-8").splitlines()[:N_STORED]
    return np.array([[float(it) if it else np.nan for it in line.split(",")] for line in lines], dtype=np.float32)


def stored() -> list[pathlib.Path]:
    """Models that several versions of XGBoost wrote; trees with several outputs load from 2.0 on."""
    found = sorted(STORED.glob("xgboost-*/*.ubj"))
    assert len(found) > 60
    return [it for it in found if VERSION >= (2, 0) or not it.stem.startswith("vector")]


@pytest.mark.parametrize("ending", ["json", "ubj"])
@pytest.mark.parametrize("path", stored(), ids=lambda it: f"{it.parent.name}-{it.stem}")
def test_what_other_versions_wrote_loads_here_by_way_of_linden(path: pathlib.Path, ending: str, linden: pathlib.Path, tmp_path: pathlib.Path) -> None:
    categorical = path.stem in ("onehot", "partition", "dart_categories")
    rows = table(STORED / ("categories.csv" if categorical else "rows.csv"))
    again = tmp_path / f"again.{ending}"
    run(linden, "export", path, "--format", f"xgboost-{ending}", "-o", again)
    booster = xgb.Booster()
    booster.load_model(again)
    types = ["float"] * 3 + ["c"] if categorical else None
    data = xgb.DMatrix(rows, feature_types=types, enable_categorical=categorical)
    # The margins of the version that wrote it, before its predictions. Versions differ in the last bit of a logarithm.
    expected = table(path.with_suffix(".csv"))
    np.testing.assert_allclose(margins(booster, data), expected, rtol=1e-6, atol=2e-7)
