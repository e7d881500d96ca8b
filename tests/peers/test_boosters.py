"""Models of every family go from XGBoost to Linden and back to XGBoost, and predict the same bit for bit.

Runs against the XGBoost that is installed, in one virtual environment for each pinned version.
"""

import json
import pathlib
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from boosters import FAMILIES, Family, Trained
from samples import FEW_CATEGORIES, MANY_CATEGORIES, VERSION, csv, margins, numbers, run


@pytest.fixture(scope="module", params=FAMILIES, ids=str)
def family(request: pytest.FixtureRequest) -> Family:
    return request.param


@pytest.fixture(scope="module")
def trained(family: Family, families: dict[str, Trained]) -> Trained:
    return families[family.name]


@pytest.fixture(scope="module")
def booster(trained: Trained) -> xgb.Booster:
    return trained.booster


@pytest.fixture(scope="module", params=["json", "ubj"])
def saved(request: pytest.FixtureRequest, trained: Trained) -> pathlib.Path:
    return trained.files[request.param]


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


# What a tree of XGBoost's document is made of, beside thresholds and leaves.
STRUCTURE = (
    *("left_children", "split_indices", "split_type", "default_left", "loss_changes", "sum_hessian"),
    *("categories", "categories_nodes", "categories_segments", "categories_sizes"),
)


def document(booster: xgb.Booster) -> dict[str, Any]:
    return json.loads(booster.save_raw("json"))["learner"]


def trees_of(learner: dict[str, Any]) -> dict[str, Any]:
    """The trees' part of a document; `weight_drop` is dart's."""
    booster = learner["gradient_booster"]
    return booster.get("gbtree", booster)["model"] | {"weight_drop": booster.get("weight_drop")}


def intercepts(learner: dict[str, Any], objective: str) -> np.ndarray:
    """Margins to start from, one for each group where they differ."""
    scores = np.array(json.loads("[" + learner["learner_model_param"]["base_score"].strip("[]") + "]"))
    return np.log(scores / (1 - scores)) if objective == "binary:logistic" else scores


def leaves(tree: dict[str, Any]) -> np.ndarray:
    """(n_leaves, n_outputs); trees with several outputs had their leaves among the nodes' weights before 3.1."""
    is_leaf = np.array(tree["left_children"]) == -1
    if tree.get("leaf_weights"):
        return np.array(tree["leaf_weights"], dtype=np.float32).reshape(is_leaf.sum(), -1)
    has_outputs = len(tree["base_weights"]) > len(is_leaf)
    nodes = np.array(tree["base_weights" if has_outputs else "split_conditions"], dtype=np.float32)
    return nodes.reshape(len(is_leaf), -1)[is_leaf]


def test_json_becomes_ubj_with_every_leaf_threshold_and_category(family: Family, trained: Trained, linden: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "again.ubj"
    run(linden, "export", trained.files["json"], "--format", "xgboost-ubj", "-o", path)
    ours, theirs = document(xgb.Booster(model_file=path)), document(trained.booster)
    assert ours["objective"] == theirs["objective"]
    if family.name.startswith("gblinear"):
        assert ours["gradient_booster"] == theirs["gradient_booster"]
        return
    started = intercepts(theirs, family.objective)
    model, expected = trees_of(ours), trees_of(theirs)
    for name in ("tree_info", "gbtree_model_param", "iteration_indptr", "weight_drop"):
        assert model.get(name) == expected.get(name), name
    assert len(model["trees"]) == len(expected["trees"]) > 0
    # Several intercepts are in the leaves of the first trees, since XGBoost before 3.1 reads only one.
    is_moved = len(set(started)) > 1
    moved = set()
    for at, (tree, other) in enumerate(zip(model["trees"], expected["trees"], strict=True)):
        for name in STRUCTURE:
            assert tree.get(name) == other.get(name), f"tree {at}: {name}"
        # Versions differ in what stands where nothing is read: children of leaves, thresholds of splits by category.
        inner = np.array(other["left_children"]) != -1
        numeric = inner & (np.array(other["split_type"]) == 0)
        for name, read in (("right_children", inner), ("split_conditions", numeric)):
            values, others = (np.array(it[name], dtype=np.float32)[read] for it in (tree, other))
            np.testing.assert_array_equal(values, others, err_msg=f"tree {at}: {name}")
        group = model["tree_info"][at]
        if not is_moved or group in moved:
            np.testing.assert_array_equal(leaves(tree), leaves(other))
            assert tree["base_weights"] == other["base_weights"]
            continue
        moved.add(group)
        weight = expected["weight_drop"][at] if expected["weight_drop"] else 1
        by = started if family.name.startswith("vector") else started[group]
        np.testing.assert_allclose(leaves(tree), leaves(other) + by / weight, rtol=1e-6, atol=1e-7)
    if not is_moved:
        assert set(intercepts(ours, family.objective)) == set(started)


def test_a_categorical_value_that_was_never_seen_goes_the_same_way(
    family: Family, booster: xgb.Booster, saved: pathlib.Path, rows: np.ndarray, linden: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    odd = rows.copy()
    odd[:, FEW_CATEGORIES] = 77
    odd[::2, MANY_CATEGORIES] = 16_000_000
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
