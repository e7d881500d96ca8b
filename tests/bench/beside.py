"""Two of Linden's trainers beside each other, as before and after a change: quick works, each program in turn.

Prints a table of Markdown: the least and the median of the seconds and of the processor time of whole processes. A program that
cannot do a work is an error. `--make` only makes the tables.
"""

import argparse
import pathlib
import statistics
import tempfile
from collections.abc import Iterable, Iterator

import tables
from contenders import Linden, Place
from runs import run_once
from works import BY_NAME, Work

WORKS = "dense,flights,classes,sparse,lossguide,small,start"
Measured = dict[str, list[dict]]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("before", type=pathlib.Path)
    parser.add_argument("after", type=pathlib.Path)
    parser.add_argument("--works", default=WORKS, metavar="A,B", help=f"which works, tables of at most 100k rows ({WORKS})")
    parser.add_argument("--threads", default="1,2", metavar="N,M", help="threads of each run (1,2)")
    parser.add_argument("--runs", type=int, default=7, help="how often each program runs (7)")
    parser.add_argument("--make", action="store_true", help="only make the tables")
    return parser.parse_args()


def in_turn(chosen: argparse.Namespace, work: Work, threads: int, place: Place) -> Measured:
    """Every run of both programs, each second turn in the opposite order."""
    programs = {name: Linden(getattr(chosen, name).resolve(), name) for name in ("before", "after")}
    measured: Measured = {name: [] for name in programs}
    for turn in range(chosen.runs):
        for name in sorted(programs, reverse=turn % 2 == 0):
            measured[name].append(run_once(programs[name], work, place, threads))
    return measured


def row(work: Work, threads: int, measured: Measured) -> Iterator[str]:
    yield work.name
    yield str(threads)
    for key in ("seconds", "cpu_seconds"):
        for of_runs in (min, statistics.median):
            before, after = (of_runs([it[key] for it in measured[name]]) for name in ("before", "after"))
            yield f"{before:.3f}"
            yield f"{after:.3f}"
            yield f"{after / before:.3f}"


def heading() -> Iterator[str]:
    yield from ("work", "threads")
    for key in ("seconds", "processor s"):
        for of_runs in ("least", "median"):
            yield from (f"{key}, {of_runs}, before", "after", "ratio")


def print_line(cells: Iterable[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Makes the tables, then times."""
    chosen = arguments()
    works = [BY_NAME[name].quick() for name in chosen.works.split(",")]
    places: dict[str, pathlib.Path] = {work.name: tables.make(work.table) for work in works}
    if chosen.make:
        return
    print_line(heading())
    print_line("---" for _ in heading())
    # Contenders link the tables into their own folders, so those must lie on one file system.
    with tempfile.TemporaryDirectory(dir=tables.cache()) as scratch:
        for work in works:
            for threads in map(int, chosen.threads.split(",")):
                place = Place(places[work.name], pathlib.Path(scratch))
                print_line(row(work, threads, in_turn(chosen, work, threads, place)))


if __name__ == "__main__":
    main()
