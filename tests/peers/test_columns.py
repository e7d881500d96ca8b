"""Columns beside the features mean what they mean to XGBoost: margins to start from, exposures as margins of their logarithm."""

import json
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost as xgb

import tables
from ml_root import Finished, MlRoot
from parts import Folders, Part, Table
from reference import BETTER, PRINTED, ROUNDED, WORSE, grown, judged, loaded

PARAMETERS = {"objective": "count:poisson", "num_round": 60, "eta": 0.1, "max_depth": 5}

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")


@pytest.fixture
def table(folders: Folders) -> Table:
    return tables.bike_usage(folders, 0)


def side(part: Part) -> np.ndarray:
    """A number above 0 for each row that is no feature: how long somebody counted, as it were."""
    return (0.5 + np.arange(len(part.labels)) % 7).astype(np.float32)


def counted(part: Part) -> Part:
    """The counts of a part, had each been counted for so long."""
    labels = np.round(part.labels * side(part)).astype(np.float32)
    return Part(part.features, labels)


def csv(part: Part, column: np.ndarray) -> bytes:
    """Lines of label, first feature, column, other features."""
    return Part(np.column_stack([part.features[:, :1], column, part.features[:, 1:]]), part.labels).content()


def trained(trainer: pathlib.Path, root: pathlib.Path, hyperparameters: dict[str, object], channels: dict[str, bytes]) -> Finished:
    tree = MlRoot(root)
    tree.hyperparameters(PARAMETERS | hyperparameters)
    for name, content in channels.items():
        tree.channel(name, content)
    done = tree.train(trainer)
    assert done.code == 0, done.failure or done.stderr
    return done


def with_margin(part: Part, margin: np.ndarray) -> xgb.DMatrix:
    data = part.matrix()
    data.set_base_margin(margin.astype(np.float32))
    return data


def loss(booster: xgb.Booster, data: xgb.DMatrix) -> float:
    return judged(booster, ["poisson-nloglik"], data)["poisson-nloglik"]


def test_a_base_margin_is_xgboosts(trainer: pathlib.Path, table: Table, tmp_path: pathlib.Path) -> None:
    parts = (table.train, table.validation)
    margins = [np.log1p(part.labels.mean()) + side(part) / 10 for part in parts]
    contents = [csv(part, margin) for part, margin in zip(parts, margins, strict=True)]
    done = trained(trainer, tmp_path, {"base_margin_columns": 2}, dict(zip(("train", "validation"), contents, strict=True)))
    train, validation = (with_margin(part, margin) for part, margin in zip(parts, margins, strict=True))
    booster = loaded(done.model)
    ours, theirs = loss(booster, validation), loss(grown(PARAMETERS, train), validation)
    assert 1 - BETTER <= ours / theirs <= 1 + WORSE, f"{ours} {theirs}"
    for name, data in (("train", train), ("validation", validation)):
        printed = done.metrics[f"{name}-poisson-nloglik"][-1]
        assert printed == pytest.approx(loss(booster, data), rel=ROUNDED, abs=PRINTED)


def test_an_exposure_is_a_margin_of_its_logarithm(trainer: pathlib.Path, table: Table, tmp_path: pathlib.Path) -> None:
    parts = [counted(part) for part in (table.train, table.validation)]
    channels = {name: csv(part, side(part)) for name, part in zip(("train", "validation"), parts, strict=True)}
    done = trained(trainer, tmp_path, {"exposure_column": 2}, channels)
    booster = loaded(done.model)
    # XGBoost has no base score beside a base margin: its margin has to hold both.
    rate = float(json.loads(booster.save_config())["learner"]["learner_model_param"]["base_score"].strip("[]"))
    assert rate == pytest.approx(parts[0].labels.sum() / side(parts[0]).sum(), rel=1e-5)
    train, validation = (with_margin(part, np.log(side(part)) + np.log(rate)) for part in parts)
    ours, theirs = loss(booster, validation), loss(grown(PARAMETERS, train), validation)
    assert 1 - BETTER <= ours / theirs <= 1 + WORSE, f"{ours} {theirs}"
    for name, data in (("train", train), ("validation", validation)):
        printed = done.metrics[f"{name}-poisson-nloglik"][-1]
        assert printed == pytest.approx(loss(booster, data), rel=ROUNDED, abs=PRINTED)
    # Without the exposure the model gives rates.
    rates, counts = booster.predict(parts[1].matrix()), booster.predict(validation)
    np.testing.assert_allclose(counts, rates * side(parts[1]), rtol=1e-5)


def test_parquet_by_name_is_csv_by_number(trainer: pathlib.Path, table: Table, tmp_path: pathlib.Path) -> None:
    part = counted(table.train)
    by_number = trained(trainer, tmp_path / "csv", {"exposure_column": 2}, {"train": csv(part, side(part))})
    names = ["label", "f0", "hours", *(f"f{it}" for it in range(1, part.features.shape[1]))]
    columns = [part.labels, part.features[:, 0], side(part), *part.features[:, 1:].T]
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(dict(zip(names, columns, strict=True))), path, row_group_size=1000)
    tree = MlRoot(tmp_path / "parquet")
    tree.hyperparameters(PARAMETERS | {"exposure_column": "hours"})
    tree.channel("train", path, "application/x-parquet")
    by_name = tree.train(trainer)
    assert by_name.code == 0, by_name.failure
    assert by_name.metrics == by_number.metrics
    dumps = [loaded(it.model).get_dump(with_stats=True) for it in (by_name, by_number)]
    assert dumps[0] == dumps[1]
