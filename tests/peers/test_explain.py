"""What Linden says about models is what XGBoost says: contributions, interactions, leaves, importance."""

import json
import pathlib

import numpy as np
import pytest

from boosters import FAMILIES, Family, Trained
from samples import N_FEATURES, margins, numbers, run

# XGBoost explains no trees with several outputs.
EXPLAINED = [it for it in FAMILIES if not it.name.startswith("vector")]
TREES = [it for it in FAMILIES if not it.name.startswith("gblinear")]
N_COLUMNS = N_FEATURES + 1


def explained(linden: pathlib.Path, model: pathlib.Path, rows_file: pathlib.Path, *flags: str) -> np.ndarray:
    """The numbers of JSON's lines, as XGBoost shapes them."""
    lines = run(linden, "explain", model, rows_file, *flags, "--json").splitlines()
    documents = [json.loads(line) for line in lines]
    assert [it["row"] for it in documents] == list(range(len(documents)))
    (key,) = documents[0].keys() & {"contributions", "interactions", "leaves"}
    return np.array([it[key] for it in documents])


@pytest.mark.parametrize("family", EXPLAINED, ids=str)
@pytest.mark.parametrize(("flags", "options"), [((), {}), (("--approximate",), {"approx_contribs": True})], ids=["exact", "approximate"])
def test_contributions(family: Family, families: dict[str, Trained], rows: np.ndarray, rows_file: pathlib.Path, linden: pathlib.Path, flags: tuple, options: dict) -> None:
    booster, path = families[family.name].ubj
    ours = explained(linden, path, rows_file, "--contributions", *flags)
    theirs = booster.predict(family.matrix(rows), pred_contribs=True, **options)
    assert np.abs(theirs).max() > 0.1
    np.testing.assert_allclose(ours, theirs.reshape(ours.shape), rtol=0, atol=1e-4)
    np.testing.assert_allclose(ours.sum(axis=-1), margins(booster, family.matrix(rows)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", EXPLAINED, ids=str)
def test_interactions(family: Family, families: dict[str, Trained], rows: np.ndarray, rows_file: pathlib.Path, linden: pathlib.Path) -> None:
    booster, path = families[family.name].ubj
    ours = explained(linden, path, rows_file, "--interactions")
    if family.name.startswith("gblinear"):
        # XGBoost gives zeros, which add up to nothing; Linden has the contributions on the diagonal.
        theirs = booster.predict(family.matrix(rows), pred_contribs=True).reshape(ours.shape[:-1])
        np.testing.assert_allclose(np.diagonal(ours, axis1=-2, axis2=-1), theirs, rtol=0, atol=1e-4)
        assert np.count_nonzero(ours) <= ours.size // N_COLUMNS
        return
    theirs = booster.predict(family.matrix(rows), pred_interactions=True).reshape(ours.shape)
    off_diagonal = theirs * (1 - np.eye(N_COLUMNS))
    assert np.abs(off_diagonal).max() > 1e-2
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize("family", [it for it in FAMILIES if it.name.startswith("vector")], ids=str)
def test_trees_with_several_outputs_are_explained_to_their_margins(
    family: Family, families: dict[str, Trained], rows: np.ndarray, rows_file: pathlib.Path, linden: pathlib.Path
) -> None:
    booster, path = families[family.name].ubj
    ours = explained(linden, path, rows_file, "--contributions")
    np.testing.assert_allclose(ours.sum(axis=-1), margins(booster, family.matrix(rows)), rtol=1e-5, atol=1e-5)
    pairs = explained(linden, path, rows_file, "--interactions")
    np.testing.assert_allclose(pairs.sum(axis=-1), ours, rtol=0, atol=1e-9)


@pytest.mark.parametrize("family", TREES, ids=str)
def test_leaves(family: Family, families: dict[str, Trained], rows: np.ndarray, rows_file: pathlib.Path, linden: pathlib.Path) -> None:
    booster, path = families[family.name].ubj
    ours = explained(linden, path, rows_file, "--leaves")
    theirs = booster.predict(family.matrix(rows), pred_leaf=True).reshape(ours.shape)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("family", TREES, ids=str)
@pytest.mark.parametrize("kind", ["weight", "gain", "cover", "total_gain", "total_cover"])
def test_importance(family: Family, families: dict[str, Trained], linden: pathlib.Path, kind: str) -> None:
    booster, path = families[family.name].ubj
    told = json.loads(run(linden, "explain", path, "--importance", kind, "--json"))
    assert told["type"] == kind
    ours = {it["name"]: it["value"] for it in told["importance"]}
    assert list(ours.values()) == sorted(ours.values(), reverse=True)
    # XGBoost adds up in 32 bits.
    assert ours == pytest.approx(booster.get_score(importance_type=kind), rel=1e-5)


def test_importance_of_a_linear_model(families: dict[str, Trained], linden: pathlib.Path) -> None:
    booster, path = families["gblinear"].ubj
    told = json.loads(run(linden, "explain", path, "--importance", "weight", "--json"))
    ours = {it["name"]: it["value"] for it in told["importance"]}
    assert ours == pytest.approx(booster.get_score(importance_type="weight"))


@pytest.mark.parametrize("name", ["trees", "partition", "classes", "dart", "gblinear", "vector"])
def test_dependence_is_the_mean_of_predictions(name: str, families: dict[str, Trained], rows: np.ndarray, rows_file: pathlib.Path, linden: pathlib.Path) -> None:
    (family,) = (it for it in FAMILIES if it.name == name)
    booster, path = families[name].ubj
    told = json.loads(run(linden, "explain", path, rows_file, "--dependence", "f4", "--dependence", "2", "--values", "5", "--json"))
    assert told["features"] == ["f4", "f2"]
    assert len(told["points"]) == 25
    for point in told["points"]:
        put = rows.copy()
        put[:, 4], put[:, 2] = point["values"]
        expected = booster.predict(family.matrix(put)).reshape(len(rows), -1).mean(axis=0, dtype=np.float64)
        np.testing.assert_allclose(point["means"], expected, rtol=1e-5, atol=1e-6)


def test_csv_holds_the_same_numbers(families: dict[str, Trained], rows_file: pathlib.Path, linden: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = families["classes"].files["ubj"]
    heading, *lines = run(linden, "explain", path, rows_file, "--contributions").splitlines()
    names = ",".join([*(f"f{it}" for it in range(N_FEATURES)), "bias"])
    assert heading == f"row,group,{names}"
    ours = numbers("\n".join(lines), float)
    expected = explained(linden, path, rows_file, "--contributions")
    np.testing.assert_array_equal(ours[:, 2:].reshape(expected.shape), expected)
    np.testing.assert_array_equal(ours[:6, :2], [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]])
    out = tmp_path / "out.csv"
    assert run(linden, "explain", path, rows_file, "--interactions", "-o", out) == ""
    heading, *lines = out.read_text(encoding="utf-8").splitlines()
    assert heading == f"row,group,feature,{names}"
    assert len(lines) == len(expected) * 3 * N_COLUMNS
