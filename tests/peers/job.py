"""A job of Linden's program on a table."""

import pathlib
from collections.abc import Mapping

import xgboost as xgb

from ml_root import Finished, MlRoot
from parts import Table


def written(root: pathlib.Path, hyperparameters: Mapping[str, object], table: Table, start: xgb.Booster | None = None) -> MlRoot:
    """A contract tree with both parts of the table, and in the channel `model` what the job goes on from."""
    tree = MlRoot(root)
    tree.hyperparameters(dict(hyperparameters) | table.train.declarations())
    tree.channel("train", table.train.content(), table.train.content_type)
    tree.channel("validation", table.validation.content(), table.validation.content_type)
    if start is not None:
        tree.channel("model", bytes(start.save_raw("ubj")), "application/x-sagemaker-model")
    return tree


def finished(
    trainer: pathlib.Path, root: pathlib.Path, hyperparameters: Mapping[str, object], table: Table, start: xgb.Booster | None = None
) -> Finished:
    """What a job that must not fail leaves behind."""
    grows = hyperparameters.get("process_type") != "update"
    first_round = start.num_boosted_rounds() if start is not None and grows else 0
    done = written(root, hyperparameters, table, start).train(trainer, first_round=first_round)
    assert done.code == 0, done.failure or done.stderr
    return done
