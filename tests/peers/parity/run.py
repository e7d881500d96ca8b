"""Trains the cells that were asked for, Linden's program on a contract tree and XGBoost (`hist`) in this process.

XGBoost judges both models on the validation part, so both are measured with one ruler. Cells run beside each other, one
thread each, as many as there are processors; a test waits for its own.
"""

import concurrent.futures
import os
import pathlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xgboost as xgb

from ml_root import MlRoot
from parity.cells import Cell
from reference import PRINTED, ROUNDED, grown, judged, loaded
from tables import Folders, Source, Table


@dataclass(frozen=True)
class Outcome:
    """Means over the cell's seeds."""

    cell: Cell
    linden: float
    xgboost: float
    # Standard error of the ratio, 0 of a single run.
    error: float
    # Metrics that Linden printed as another number than XGBoost computes with Linden's model.
    misprinted: Sequence[str]

    @property
    def ratio(self) -> float:
        """Above 1 is worse than XGBoost, whichever way the metric goes."""
        above, below = (self.xgboost, self.linden) if self.cell.larger_is_better else (self.linden, self.xgboost)
        return above / below if below else 1 + float(above != below)


class Tables:
    """Tables and what channels hold of them, each made once."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._made: dict[tuple[Source, int], tuple[Table, list[bytes | pathlib.Path]]] = {}

    def of(self, cell: Cell, seed: int) -> tuple[Table, list[bytes | pathlib.Path]]:
        key = cell.source, seed
        if key not in self._made:
            table = cell.source(self._folders, seed)
            self._made[key] = table, [part.content() for part in (table.train, table.validation)]
        return self._made[key]


class Runs:
    """The outcomes of cells, in the order in which they are asked for."""

    def __init__(self, cells: Sequence[Cell], trainer: pathlib.Path, folders: Folders) -> None:
        self._trainer, self._tables = trainer, Tables(folders)
        self._pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
        self._outcomes = {str(it): self._pool.submit(self._run, it) for it in cells}

    def of(self, cell: Cell) -> Outcome:
        return self._outcomes[str(cell)].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _run(self, cell: Cell) -> Outcome:
        ours, theirs, misprinted = [], [], []
        for seed in range(cell.seeds):
            table, contents = self._tables.of(cell, seed)
            train, validation = table.train.matrix(), table.validation.matrix()
            booster, printed = self._linden(cell, seed, table, contents)
            reference = grown(cell.shared(seed), train)
            measured = {"train": judged(booster, cell.metrics, train, cell.settings)}
            measured["validation"] = judged(booster, cell.metrics, validation, cell.settings)
            ours.append(measured["validation"][cell.metric])
            theirs.append(judged(reference, [cell.metric], validation, cell.settings)[cell.metric])
            misprinted += different(printed, measured, seed)
        return Outcome(cell, float(np.mean(ours)), float(np.mean(theirs)), standard_error(ours, theirs), misprinted)

    def _linden(
        self, cell: Cell, seed: int, table: Table, contents: Sequence[bytes | pathlib.Path]
    ) -> tuple[xgb.Booster, dict[str, float]]:
        """The model that a job leaves behind, and the metrics of its last line."""
        with tempfile.TemporaryDirectory() as root:
            tree = MlRoot(pathlib.Path(root))
            own = {"algorithm": cell.algorithm, "eval_metric": ",".join(cell.metrics), "nthread": 1}
            tree.hyperparameters(cell.shared(seed) | own | table.train.declarations())
            for name, content in zip(("train", "validation"), contents, strict=True):
                tree.channel(name, content, table.train.content_type)
            done = tree.train(self._trainer)
            assert done.code == 0, done.failure or done.stderr
            return loaded(done.model), {name: values[-1] for name, values in done.metrics.items()}


def standard_error(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Of the ratio of the means, pairs being of one seed."""
    if len(ours) < 2:
        return 0.0
    differences = np.subtract(ours, theirs)
    return float(differences.std(ddof=1) / np.sqrt(len(ours)) / abs(np.mean(theirs)))


def different(printed: dict[str, float], measured: dict[str, dict[str, float]], seed: int) -> list[str]:
    """What was printed and is not what was measured, one text each."""
    expected = {f"{part}-{metric}": value for part, metrics in measured.items() for metric, value in metrics.items()}
    missing = [f"seed {seed}: {name} is not printed" for name in expected.keys() - printed.keys()]
    near = {name: abs(printed[name] - value) <= PRINTED + ROUNDED * abs(value) for name, value in expected.items() if name in printed}
    return missing + [f"seed {seed}: {name} is printed as {printed[name]}, is {expected[name]}" for name, it in near.items() if not it]
