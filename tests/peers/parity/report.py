"""The parity table: at the end of a test run, and as a file.

Python's own library only, since this folder's conftest.py loads it in environments without the tables' packages.
"""

import csv
import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parity.run import Outcome

OUTCOMES: "list[Outcome]" = []
# What tests beside the grid compare as well: name, metric, Linden's value, XGBoost's value.
OTHERS: list[tuple[str, str, float, float]] = []
COLUMNS = ("objective", "table", "options", "runs", "metric", "linden", "xgboost", "ratio", "error")
WIDTHS = (22, 26, 30, 4, 20, 12, 12, 8, 8)
N_WORST = 10


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
    numeric = (3, 5, 6, 7, 8)
    return [
        " ".join(f"{text:>{width}}" if at in numeric else f"{text:<{width}}" for at, (text, width) in enumerate(zip(line, WIDTHS, strict=True))).rstrip()
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
    """All cells as CSV, or as a table of Markdown where the name says so."""
    rows = [COLUMNS, *(row(it) for it in OUTCOMES)]
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix != ".md":
            csv.writer(file, lineterminator="\n").writerows(rows)
            return
        rows.insert(1, ("---",) * len(COLUMNS))
        file.writelines(f"| {' | '.join(it)} |\n" for it in rows)
