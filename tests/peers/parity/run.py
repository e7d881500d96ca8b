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

from job import finished
from parity.cells import Cell, Models
from parts import Folders, Source, Table
from reference import PRINTED, ROUNDED, grown, judged, loaded


@dataclass(frozen=True)
class Outcome:
    """Means over the cell's seeds."""

    cell: Cell
    linden: float
    xgboost: float
    # Standard error of the ratio, 0 of a single run.
    error: float
    # What does not hold: above all, metrics that Linden printed as another number than XGBoost computes with Linden's model.
    wrong: Sequence[str]

    @property
    def ratio(self) -> float:
        """Above 1 is worse than XGBoost, whichever way the metric goes."""
        above, below = (self.xgboost, self.linden) if self.cell.larger_is_better else (self.linden, self.xgboost)
        return above / below if below else 1 + float(above != below)


class Runs:
    """The outcomes of cells, in the order in which they are asked for."""

    def __init__(self, cells: Sequence[Cell], trainer: pathlib.Path, folders: Folders) -> None:
        self._trainer, self._folders = trainer, folders
        # Each table is made once, and so is what channels hold of it.
        self._tables: dict[tuple[Source, int], Table] = {}
        self._pool = concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0)))
        self._outcomes = {str(it): self._pool.submit(self._run, it) for it in cells}

    def of(self, cell: Cell) -> Outcome:
        return self._outcomes[str(cell)].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _table(self, cell: Cell, seed: int) -> Table:
        key = cell.source, seed
        if key not in self._tables:
            self._tables[key] = cell.source(self._folders, seed)
        return self._tables[key]

    def _run(self, cell: Cell) -> Outcome:
        ours, theirs, wrong = [], [], []
        for seed in range(cell.seeds):
            table = self._table(cell, seed)
            train, validation = table.train.matrix(), table.validation.matrix()
            beginning = cell.beginning(seed)
            start = None if beginning is None else grown(beginning, train.slice(range(0, train.num_row(), 2)))
            booster, printed = self._linden(cell, seed, table, start)
            reference = grown(cell.shared(seed), train, start)
            measured = {"train": judged(booster, cell.metrics, train, cell.settings)}
            measured["validation"] = judged(booster, cell.metrics, validation, cell.settings)
            ours.append(measured["validation"][cell.metric])
            theirs.append(judged(reference, [cell.metric], validation, cell.settings)[cell.metric])
            found = different(printed, measured) + untrue(cell, Models(booster, reference, table, cell.shared(seed), start))
            wrong += [f"seed {seed}: {it}" for it in found]
        return Outcome(cell, float(np.mean(ours)), float(np.mean(theirs)), standard_error(ours, theirs), wrong)

    def _linden(self, cell: Cell, seed: int, table: Table, start: xgb.Booster | None) -> tuple[xgb.Booster, dict[str, float]]:
        """The model that a job leaves behind, and the metrics of its last line."""
        own = {"algorithm": cell.algorithm, "eval_metric": ",".join(cell.metrics), "nthread": 1}
        with tempfile.TemporaryDirectory() as root:
            done = finished(self._trainer, pathlib.Path(root), cell.shared(seed) | own, table, start)
            return loaded(done.model), {name: values[-1] for name, values in done.metrics.items()}


def standard_error(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Of the ratio of the means, pairs being of one seed."""
    if len(ours) < 2:
        return 0.0
    differences = np.subtract(ours, theirs)
    return float(differences.std(ddof=1) / np.sqrt(len(ours)) / abs(np.mean(theirs)))


def untrue(cell: Cell, models: Models) -> list[str]:
    """What does not hold of the models, in the words of the assertion."""
    try:
        if cell.holds is not None:
            cell.holds(models)
    except AssertionError as error:
        return [str(error)]
    return []


def different(printed: dict[str, float], measured: dict[str, dict[str, float]]) -> list[str]:
    """What was printed and is not what was measured, one text each."""
    expected = {f"{part}-{metric}": value for part, metrics in measured.items() for metric, value in metrics.items()}
    missing = [f"{name} is not printed" for name in expected.keys() - printed.keys()]
    near = {name: abs(printed[name] - value) <= PRINTED + ROUNDED * abs(value) for name, value in expected.items() if name in printed}
    return missing + [f"{name} is printed as {printed[name]}, is {expected[name]}" for name, it in near.items() if not it]
