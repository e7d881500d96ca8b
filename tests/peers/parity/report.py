"""The parity table: at the end of a test run, and as a file.

Python's own library only, since this folder's conftest.py loads it in environments without the tables' packages.
"""

import csv
import datetime
import importlib.metadata
import pathlib
import platform
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parity.run import Outcome

OUTCOMES: "list[Outcome]" = []
# The cells that should come out, for one that fails before it does.
ASKED: list[str] = []
# What tests beside the grid compare as well: name, metric, Linden's value, XGBoost's value.
OTHERS: list[tuple[str, str, float, float]] = []
COLUMNS = ("objective", "table", "options", "runs", "metric", "linden", "xgboost", "ratio", "error")
NUMERIC = (3, 5, 6, 7, 8)
N_WORST = 10
PEERS = ("xgboost-cpu", "numpy", "scikit-learn", "scipy")


def row(outcome: "Outcome") -> tuple[str, ...]:
    cell = outcome.cell
    error = f"{outcome.error:.4f}" if cell.seeds > 1 else ""
    numbers = (f"{outcome.linden:.5f}", f"{outcome.xgboost:.5f}", f"{outcome.ratio:.4f}", error)
    return cell.objective, cell.table, cell.options, str(cell.seeds), cell.metric, *numbers


def worst(outcomes: "Sequence[Outcome]") -> "list[Outcome]":
    return sorted(outcomes, key=lambda it: it.ratio, reverse=True)[:N_WORST]


def lines(outcomes: "Sequence[Outcome]") -> list[str]:
    """Aligned columns, the heading first."""
    texts = [COLUMNS, *(row(it) for it in outcomes)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return [
        "  ".join(f"{text:>{width}}" if at in NUMERIC else f"{text:<{width}}" for at, (text, width) in enumerate(zip(line, widths, strict=True))).rstrip()
        for line in texts
    ]


def show(section: Callable[[str], None], line: Callable[[str], None]) -> None:
    """Prints all cells, then the worst, then what other tests compare."""
    if OTHERS:
        section("beside the grid")
        for name, metric, linden, xgboost in OTHERS:
            line(f"{name:<50}{metric:<20}{linden:>12.5f}{xgboost:>12.5f}{linden / xgboost if xgboost else 1:>10.4f}")
    if not OUTCOMES:
        return
    section(f"{len(OUTCOMES)} cells, validation metric after the last round; a ratio above 1 is worse than XGBoost, its standard error is over the runs")
    for text in lines(OUTCOMES):
        line(text)
    section(f"the worst {min(N_WORST, len(OUTCOMES))}")
    for text in lines(worst(OUTCOMES)):
        line(text)


def write(path: pathlib.Path) -> None:
    """All cells as CSV, or where the name says so as a page of Markdown with the worst first."""
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".md":
            file.writelines(page())
        else:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *(row(it) for it in OUTCOMES)])


def page() -> Iterator[str]:
    peers = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PEERS)
    outside = sum(it.ratio > 1 + it.cell.worse for it in OUTCOMES)
    wrong = sum(bool(it.wrong) for it in OUTCOMES)
    ran = sum(it.cell.seeds for it in OUTCOMES)
    yield "# Linden beside XGBoost\n\n"
    yield "Written by `tests/run parity`: the grid's last whole run.\n\n"
    yield f"{len(OUTCOMES)} of {len(ASKED)} cells came out, {ran} pairs of models, {datetime.datetime.now(datetime.UTC):%Y-%m-%d}; {peers}; Python {platform.python_version()}.\n"
    yield f"{outside} cells are worse than XGBoost by more than they may be: 1 %, ranking and survival 2 %.\n"
    yield f"{wrong} cells have a model of which something does not hold: a metric printed as another number than XGBoost's, a step the wrong way.\n\n"
    yield "The metric is that of the validation part after the last round, the mean over the runs, each with another split, sample or\n"
    yield "number of bins; XGBoost measures both. A ratio above 1 is worse than XGBoost, whichever way the metric goes; its standard\n"
    yield "error is over the runs.\n"
    yield f"\n## The worst {min(N_WORST, len(OUTCOMES))}\n\n"
    yield from markdown(worst(OUTCOMES))
    yield "\n## All\n\n"
    yield from markdown(OUTCOMES)


def markdown(outcomes: "Sequence[Outcome]") -> Iterator[str]:
    for line in (COLUMNS, ("---",) * len(COLUMNS), *(row(it) for it in outcomes)):
        yield f"| {' | '.join(line)} |\n"
